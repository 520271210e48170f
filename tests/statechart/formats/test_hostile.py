"""Charts with hostile names: each format's own parser finds every state and every transition again."""

from __future__ import annotations

import json
import shutil
import xml.etree.ElementTree as Tree
from collections import Counter
from collections.abc import Callable, Sequence
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any, Literal

import docutils.core
import mermaidx
import pytest
from docutils import nodes
from hypothesis import example, given, settings, strategies as st
from markdown import markdown as mkdocs
from markdown_it import MarkdownIt

from statechart import Chart, Event, State
from statechart.diagram import render
from statechart.picture import Marks, compose, printable
from statechart.testing.coverage.counting import Coverage
from statechart.testing.coverage.items import Covered
from statechart.testing.coverage.page import as_html

WORDS = [
    *("direction TB", "go Direction lr", "note", "end note", "[[choice]]", "<<fork>>", "[*]", "-->"),
    *("constructor", "__proto__", "root", "%% no", "%%{init: {}}%%", "#32;", ":::x", "{", "}", "**b**"),
    *("`code`", "$$x$$", "<b>", "</td>", "&lt;", "| a | b |", "\\|", "\\", 'a"b', "a'b", "~~no~~", "- a"),
    *("1. a", "a) b", "(a) b", "A. b", "import_", "is__", "__", ".. note::", "`a`_", "|a|_", "[1]_"),
    *(":field: x", "a::", "====", "--option", "/V", ">>> x", "\\N", "\\n", "\\l", "\\\\", "* a", "_e_"),
    *("完了", "\uff46\uff55\uff4c\uff4c", "é", "e\u0301", "🚀", "a\nb", "\u3000a ", "\0\x1b[1m", "\udc80"),
    *("\ufeffa", "ends\\", "{{ a }}", "{ref}`a`", "![a](b)", "@a", "a:b:c", "• a", "a <a@b.c>", "--"),
    *("http://a.b/c_", "www.a.b", "^a^", "==a==", "++a++", "-- a", "!!! a", "'''", '""""'),
    "\u202ecba",
]
TEXTS = st.one_of(
    st.sampled_from(WORDS),
    st.text("ab1 _*`|\\<>&#:;{}[]()\"'-+=~^$%./!?é完🚀\n\r\t", min_size=1, max_size=8),
)
NAMES = st.lists(TEXTS, min_size=2, max_size=12)


def test_a_text_is_not_turned_around() -> None:
    assert printable("\u202ecba \u2066d\u2069") == "\ufffdcba \ufffdd\ufffd"
    assert printable("טיוטה 👨\u200d👩") == "טיוטה 👨\u200d👩"


def value(name: str, number: int) -> str:
    """Return the value of a state, which has to be Unicode."""
    return f"{name.encode(errors='replace').decode()} {number}"


def chart_of(names: Sequence[str]) -> type[Chart]:
    """Return a chart of a row of states, whose ids, names, events and guards are hostile."""
    last = len(names) - 1
    states = [
        State(name, value=value(name, n), initial=n == 0, final=n == last) for n, name in enumerate(names)
    ]
    ways = {
        f"e{n}": Event(one.to(two, cond="is_ok_" if n % 2 else "a_ and (b_ or not a_)"), name=names[n])
        for n, (one, two) in enumerate(pairwise(states))
    }
    guards = {name: lambda self: True for name in ("is_ok_", "a_", "b_")}
    ids = {f"{name} {n}": state for n, (name, state) in enumerate(zip(names, states, strict=True))}
    return type("Hostile", (Chart,), {**ids, **ways, **guards, "phases": {names[0]: states[:1]}})


def rows(chart: type[Chart]) -> list[list[str]]:
    picture = compose(chart, Marks())
    names = {node.id: node.name for node in picture.nodes}
    return [
        [names[arrow.source], arrow.spelled(str), ", ".join(arrow.guards), names[arrow.target]]
        for arrow in picture.whole
    ]


def by_docutils(text: str) -> list[list[str]]:
    document = docutils.core.publish_doctree(text, settings_overrides={"halt_level": 1, "report_level": 5})
    (table,) = document.findall(nodes.table)
    (body,) = table.findall(nodes.tbody)
    return [[_plain(entry) for entry in row.findall(nodes.entry)] for row in body.findall(nodes.row)]


def _plain(entry: nodes.entry) -> str:
    assert len(entry) <= 1
    links = [part for part in entry.findall(nodes.Element) if part.tagname not in ("entry", "paragraph")]
    assert {part.tagname for part in links} <= {"reference"}, "only an address is a link by itself"
    return entry.astext()


def by_html(html: str) -> list[list[str]]:
    page = Tree.fromstring(f"<page>{html}</page>")
    cells = [[list(cell.itertext()) for cell in row.iter("td")] for row in page.iter("tr")]
    assert {each.tag for each in page.iter()} <= {*("page", "table", "thead", "tbody", "tr", "th", "td")}
    return [[" ".join("".join(cell).split()) for cell in row] for row in cells if row]


def by_markdown_it(text: str) -> list[list[str]]:
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    return by_html(parser.render(text))


def by_mkdocs(text: str) -> list[list[str]]:
    extensions = ["extra", "pymdownx.caret", "pymdownx.tilde", "pymdownx.mark", "pymdownx.keys"]
    return by_html(mkdocs(text, extensions=extensions))


def by_graphviz(svg: str) -> tuple[list[str], list[list[str]]]:
    """Return the names of the states and the lines at each edge."""
    found: dict[str, list[list[str]]] = {"node": [], "edge": []}
    for group in Tree.fromstring(svg).iter("{http://www.w3.org/2000/svg}g"):
        if group.get("class") in found:
            lines = [element.text or "" for element in group.iter("{http://www.w3.org/2000/svg}text")]
            found[group.get("class", "")].append([" ".join(line.split()) for line in lines])
    return [lines[0] for lines in found["node"] if lines], [lines for lines in found["edge"] if lines]


def by_mermaid(text: str) -> tuple[list[str], list[str]]:
    """Return the names of the states and the labels of the edges, as Mermaid shows them."""
    svg = Tree.fromstring(mermaidx.render(text).svg())
    states, edges = (
        [
            " ".join("".join(element.itertext()).split())
            for element in svg.iter("{http://www.w3.org/1999/xhtml}span")
            if kind in (element.get("class") or "")
        ]
        for kind in ("nodeLabel", "edgeLabel")
    )
    return states, [edge for edge in edges if edge]


TABLES = [("rst", by_docutils), ("md", by_markdown_it), ("md", by_mkdocs)]


@pytest.mark.parametrize(("format", "read"), TABLES, ids=["docutils", "markdown-it", "mkdocs"])
def test_a_table_has_every_transition(format: Any, read: Callable[[str], list[list[str]]]) -> None:
    chart = chart_of(WORDS)

    assert read(render(chart, format)) == rows(chart)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(NAMES)
def test_a_table_of_any_chart_has_every_transition(names: list[str]) -> None:
    chart = chart_of(names)

    for format, read in TABLES:
        assert read(render(chart, format)) == rows(chart)  # type: ignore[arg-type]


def require_drawn(chart: type[Chart]) -> None:
    """Demand that Mermaid draws every state with its name, and every transition with its label."""
    picture = compose(chart, Marks())
    guards = [f" [{', '.join(arrow.guards)}]" if arrow.guards else "" for arrow in picture.arrows]
    labels = [arrow.spelled(str) + guard for arrow, guard in zip(picture.arrows, guards, strict=True)]

    states, edges = by_mermaid(render(chart, "mermaid"))

    assert Counter(node.name for node in picture.nodes) - Counter(states) == Counter()
    assert Counter(edges) == Counter(labels)


def test_mermaid_draws_every_state_and_transition() -> None:
    require_drawn(chart_of(WORDS[:36]))  # those that Mermaid could give a meaning; it takes long over more


@settings(max_examples=3, deadline=None, derandomize=True)
@given(st.lists(TEXTS, min_size=2, max_size=4))
def test_mermaid_draws_any_chart(names: list[str]) -> None:
    require_drawn(chart_of(names))


@pytest.mark.soak
def test_in_the_long_form_all_formats_have_everything() -> None:
    @settings(max_examples=500, deadline=None)
    @given(NAMES)
    def tried(names: list[str]) -> None:
        test_a_table_of_any_chart_has_every_transition.hypothesis.inner_test(names)  # type: ignore[attr-defined]
        require_drawn(chart_of(names))

    tried()


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz (the package graphviz) is not there")
@settings(max_examples=5, deadline=None, derandomize=True)
@given(NAMES)
@example(WORDS)
def test_graphviz_draws_every_state_and_transition(names: list[str]) -> None:
    chart = chart_of(names)

    states, edges = by_graphviz(render(chart, "svg", layout="dot"))

    picture = compose(chart, Marks())
    assert sorted(states) == sorted(node.name for node in picture.nodes)
    assert sorted(edges) == sorted(
        [arrow.spelled(str), *([f"[{', '.join(arrow.guards)}]"] if arrow.guards else [])]
        for arrow in picture.arrows
    )


def test_json_has_the_texts_as_they_are() -> None:
    document = json.loads(render(chart_of(WORDS), "json"))

    assert [state["name"] for state in document["states"]] == [
        value(word, n) for n, word in enumerate(WORDS)
    ]


@pytest.mark.parametrize("format", ["md", "rst"])
def test_the_line_about_a_state_shows_its_texts(format: Literal["md", "rst"]) -> None:
    marked = [Marks(current=value(word, 0), failed=True, remark=word) for word in WORDS]
    tables = [
        render(chart_of([word, "b"]), format, marks=marks)
        for word, marks in zip(WORDS, marked, strict=True)
    ]
    lines = "\n\n".join(table.split("\n")[0] for table in tables)

    if format == "rst":
        said = [part.astext() for part in docutils.core.publish_doctree(lines).findall(nodes.paragraph)]
    else:
        page = Tree.fromstring(f"<page>{MarkdownIt('commonmark').render(lines)}</page>")
        said = ["".join(part.itertext()) for part in page.iter("p")]

    assert said == [
        f"Now in state {printable(marks.current or '')} (failed): {printable(marks.remark)}"
        for marks in marked
    ]


class _Cells(HTMLParser):
    """The texts of the cells of a page's tables."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag == "code":
            self.texts.append("")

    def handle_data(self, data: str) -> None:
        if self.texts:
            self.texts[-1] += data


def test_the_page_of_a_coverage_has_every_item() -> None:
    covered = Covered.of(chart_of(WORDS))

    page = as_html(Coverage({"hostile": covered}))

    texts = [text.split("no test")[0] for text in _Cells(page).texts]
    items = [printable(item) for kind in covered.items.values() for item in kind]
    assert Counter(items) - Counter(texts) == Counter()
    assert page.encode()
