"""Diagrams in pages: written between their markers, and checked, without other changes."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from textwrap import indent

import docutils.core
import pytest
from docutils import nodes
from markdown_it import MarkdownIt

from environments.lifecycle import Lifecycle
from statechart import Chart, Event, State
from statechart.diagram import render
from statechart.errors import PageError, PageErrors
from statechart.pages import Page, pages, refresh, write
from statechart.picture import Marks, path


class Order(Chart):
    draft = State("draft", initial=True)
    paid = State("paid", final=True)
    pay = Event(draft.to(paid), name="pay")


def find(reference: str) -> type[Chart]:
    return {"Order": Order, "Lifecycle": Lifecycle}[reference]


def page(place: Path, text: str, name: str = "page.md") -> Path:
    path = place / name
    path.write_bytes(text.encode())
    return path


def refreshed(path: Path) -> Page:
    (only,) = refresh([path], find)
    return only


START, END = "<!-- statechart: Order mermaid -->", "<!-- /statechart -->"
MARKED = "before\n\n<!-- statechart: Order mermaid -->\n<!-- /statechart -->\n\nafter\n"


def test_a_diagram_is_written_between_its_markers_and_nothing_else_changes(tmp_path: Path) -> None:
    written = page(tmp_path, MARKED)

    write(refreshed(written))

    assert written.read_text() == (
        "before\n\n<!-- statechart: Order mermaid -->\n"
        f"```mermaid\n{render(Order, 'mermaid')}```\n"
        "<!-- /statechart -->\n\nafter\n"
    )
    assert refreshed(written).is_fresh


def test_a_stale_page_is_shown_as_a_diff(tmp_path: Path) -> None:
    stale = page(tmp_path, MARKED.replace("mermaid -->\n", "mermaid -->\nold\n"))

    found = refreshed(stale)

    assert not found.is_fresh
    assert "-old\n" in found.diff()
    assert "+    s_draft --> s_paid : pay\n" in found.diff()
    assert found.diff().startswith(f"--- {stale}\n+++ {stale} (fresh)\n")


def test_every_format_that_is_text_can_stand_in_markdown(tmp_path: Path) -> None:
    text = "".join(
        f"<!-- statechart: Order {format} -->\n<!-- /statechart -->\n"
        for format in ("mermaid", "dot", "md", "json")
    )

    fresh = refreshed(page(tmp_path, text)).fresh

    assert f"```dot\n{render(Order, 'dot')}```\n" in fresh
    assert f"```json\n{render(Order, 'json')}```\n" in fresh
    assert f"-->\n\n{render(Order, 'md')}\n<!-- /" in fresh


def test_in_restructured_text_markers_are_comments_and_diagrams_directives(tmp_path: Path) -> None:
    text = ".. statechart: Order {}\n.. /statechart\n"
    found = page(tmp_path, text.format("rst") + text.format("mermaid") + text.format("dot"), "page.rst")

    fresh = refreshed(found).fresh

    assert f".. statechart: Order rst\n\n{render(Order, 'rst')}\n.. /statechart\n" in fresh
    assert "\n.. mermaid::\n\n   stateDiagram-v2\n       direction LR\n" in fresh
    assert '\n.. graphviz::\n\n   digraph "Order" {\n' in fresh


def test_a_marker_marks_a_state_or_a_path(tmp_path: Path) -> None:
    text = (
        "<!-- statechart: Lifecycle mermaid state=running -->\n<!-- /statechart -->\n"
        "<!-- statechart: Lifecycle mermaid path=provision,fail -->\n<!-- /statechart -->\n"
    )

    fresh = refreshed(page(tmp_path, text)).fresh

    assert render(Lifecycle, "mermaid", marks=Marks(current="running")) in fresh
    assert render(Lifecycle, "mermaid", marks=path(Lifecycle, ["provision", "fail"])) in fresh


PICTURE = "<!-- statechart: Order svg -->\n<!-- /statechart -->\n"


def test_a_picture_is_a_file_beside_the_page(tmp_path: Path) -> None:
    written = page(tmp_path, PICTURE)
    before = refreshed(written)

    write(before)

    assert before.diff().endswith(f"{tmp_path}/order.svg: the picture is missing\n")
    assert "-->\n\n![Order: 2 states](order.svg)\n\n<!-- /" in written.read_text()
    assert (tmp_path / "order.svg").read_text() == render(Order, "svg")
    assert refreshed(written).is_fresh
    assert stat.S_IMODE((tmp_path / "order.svg").stat().st_mode) == stat.S_IMODE(written.stat().st_mode)


def test_a_stale_or_missing_picture_is_named_and_written_again(tmp_path: Path) -> None:
    written = page(tmp_path, PICTURE)
    write(refreshed(written))
    picture = tmp_path / "order.svg"
    text = written.read_text()
    for spoil, said in ((picture.unlink, "missing"), (lambda: picture.write_text(OLD), "stale")):
        spoil()

        found = refreshed(written)
        write(found)

        assert (found.is_fresh, found.diff()) == (False, f"{picture}: the picture is {said}\n")
        assert (refreshed(written).is_fresh, written.read_text()) == (True, text)


OLD = '<svg class="chart"></svg>'


def test_a_picture_in_restructured_text_is_an_image(tmp_path: Path) -> None:
    place = page(tmp_path, ".. statechart: Order svg file=img/a.svg\n.. /statechart\n", "page.rst")

    write(refreshed(place))

    assert "\n\n.. image:: img/a.svg\n   :alt: Order: 2 states\n\n.. /" in place.read_text()
    assert (tmp_path / "img" / "a.svg").is_file()
    assert refreshed(place).is_fresh


def test_different_pictures_have_different_files(tmp_path: Path) -> None:
    options = (
        "",
        "state=paid",
        "path=pay",
        "upright",
        "theme=dark",
        "width=300",
        "layout=layered path=pay upright",
    )
    text = "".join(f"<!-- statechart: Order svg {each} -->\n{END}\n" for each in (*options, ""))

    found = refreshed(page(tmp_path, text))

    assert {file.path.name for file in found.files} == {
        "order.svg",
        "order-paid.svg",
        "order-pay.svg",
        "order-upright.svg",
        "order-dark.svg",
        "order-300.svg",
        "order-pay-layered-upright.svg",
    }


def test_two_markers_do_not_draw_different_pictures_into_one_file(tmp_path: Path) -> None:
    text = "<!-- statechart: Order svg file=a.svg {} -->\n<!-- /statechart -->\n"
    page(tmp_path, text.format(""), "a.md")
    page(tmp_path, text.format("") + text.format("state=paid"), "b.md")

    with pytest.raises(PageErrors, match=r"b\.md:3: another marker draws a different .*a\.svg: choose"):
        refresh([tmp_path], find)


def test_a_file_that_is_no_picture_of_ours_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "order.svg").write_text("<svg><!-- drawn by hand --></svg>")

    with pytest.raises(
        PageErrors, match=r"page\.md:1: .*order\.svg is there, and is not a picture of a chart"
    ):
        refresh([page(tmp_path, PICTURE)], find)


def test_a_read_only_picture_is_refused_and_left_alone(tmp_path: Path) -> None:
    written = page(tmp_path, PICTURE)
    (tmp_path / "order.svg").write_text(OLD)
    (tmp_path / "order.svg").chmod(0o444)

    with pytest.raises(PageError, match=r"order\.svg: it is read-only: chmod u\+w"):
        write(refreshed(written))

    assert (tmp_path / "order.svg").read_text() == OLD
    assert written.read_text() == PICTURE


def test_a_chart_with_a_hostile_name_is_described_as_it_is_written(tmp_path: Path) -> None:
    hostile = type("[a](b)*c*\\\\d|`e`_", (Chart,), {"x": State("x", initial=True, final=True)})
    images = []
    for name, text in (("a.md", PICTURE), ("a.rst", ".. statechart: Order svg\n.. /statechart\n")):
        place = page(tmp_path, text, name)
        (found,) = refresh([place], lambda reference: hostile)
        images.append(found.fresh)

    html = MarkdownIt("commonmark").render(images[0])
    assert f'alt="{hostile.__name__}: 1 state"' in html
    document = docutils.core.publish_doctree(images[1])
    assert [image["alt"] for image in document.findall(nodes.image)] == [f"{hostile.__name__}: 1 state"]


@pytest.mark.parametrize("fence", ["```", "~~~~", "  ```"])
def test_a_marker_in_a_fenced_block_is_text(tmp_path: Path, fence: str) -> None:
    text = f"{fence}markdown\n{MARKED}{fence}\n"

    assert refresh([page(tmp_path, text)], find) == []


@pytest.mark.parametrize("ending", ["\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "marked"])
def test_line_ends_and_a_byte_order_mark_are_kept(tmp_path: Path, ending: str, mark: str) -> None:
    before = mark + MARKED.removeprefix("before\n\n").replace("\n", ending)
    written = page(tmp_path, before)

    write(refreshed(written))

    text = written.read_bytes().decode()
    assert text.startswith(mark + START + ending + "```mermaid" + ending)
    assert text.count("\n") == (text.count(ending) if ending == "\r\n" else 0)
    assert refreshed(written).is_fresh


@pytest.mark.parametrize(
    ("line", "before"),
    [
        ('=== "As a diagram"', "    "),
        ("1. in a list", "   "),
        ("- in a list\n  - in a list", "    "),
        ("!!! note", "    "),
        ("* a", "\t"),
        ("> quoted", "> "),
        ("> - quoted", ">   "),
        (":::{note}", ""),
        ("- ```python\n  code\n  ```", "  "),
    ],
)
def test_what_stands_before_a_marker_stands_before_each_line(
    tmp_path: Path, line: str, before: str
) -> None:
    blank = before.rstrip()
    text = "".join(
        f"{blank}\n{before}<!-- statechart: Order {format} -->\n{before}{END}\n"
        for format in ("mermaid", "md")
    )
    written = page(tmp_path, f"{line}\n{text}after\n")

    write(refreshed(written))

    lines = written.read_text().removeprefix(f"{line}\n").removesuffix("after\n").splitlines()
    assert [line for line in lines if not line.startswith(before) and line != blank] == []
    assert [line.removeprefix(before) for line in lines if line != blank] == [
        START,
        *f"```mermaid\n{render(Order, 'mermaid')}```\n{END}".splitlines(),
        START.replace("mermaid", "md"),
        *f"{render(Order, 'md')}{END}".splitlines(),
    ]
    assert refreshed(written).is_fresh


def test_a_diagram_in_a_list_is_part_of_its_item(tmp_path: Path) -> None:
    written = page(
        tmp_path,
        f"1. one\n\n   {START}\n   {END}\n\n   {START.replace('mermaid', 'md')}\n   {END}\n\n2. two\n",
    )

    html = MarkdownIt("commonmark").enable("table").render(refreshed(written).fresh)

    assert html.count("<ol") == 1
    assert html.index("language-mermaid") < html.index("<table>") < html.index("</li>")
    assert "/statechart --&gt;" not in html


@pytest.mark.parametrize("fence", ["```", "~~~", "````"])
def test_a_diagram_in_a_directive_of_myst_does_not_end_it(tmp_path: Path, fence: str) -> None:
    written = page(tmp_path, f"{fence}{{note}}\n{START}\n{END}\n{fence}\n\n{START}\n{END}\n")

    write(refreshed(written))

    (note, diagram) = [
        token for token in MarkdownIt("commonmark").parse(written.read_text()) if token.type == "fence"
    ]
    assert (note.info, diagram.info) == ("{note}", "mermaid")
    assert "s_draft --> s_paid" in note.content
    assert refreshed(written).is_fresh


def test_markers_in_code_are_text_in_restructured_text_too(tmp_path: Path) -> None:
    marker = ".. statechart: Order rst\n.. /statechart\n"
    code = "".join(
        f"{head}\n\n{indent(marker, '      ')}\n"
        for head in (
            ".. code-block:: rst",
            "Written as::",
            "- Written as::",
            "  .. parsed-literal::",
        )
    )
    written = page(
        tmp_path, f"{code}- in a list::\n\n    code\n\n  in it\n\n{indent(marker, '  ')}", "page.rst"
    )

    fresh = refreshed(written)

    assert fresh.regions == 1
    assert fresh.fresh.startswith(code)
    assert fresh.fresh.endswith(f"\n\n{indent(render(Order, 'rst'), '  ')}\n  .. /statechart\n")


def test_a_marker_in_a_directive_of_restructured_text_is_taken(tmp_path: Path) -> None:
    text = "\n   .. statechart: Order {}\n   .. /statechart\n"
    written = page(tmp_path, f".. note::\n{text.format('rst')}{text.format('mermaid')}", "page.rst")

    write(refreshed(written))

    assert f"rst\n\n{indent(render(Order, 'rst'), '   ')}\n   .. /statechart" in written.read_text()
    assert "\n   .. mermaid::\n\n      stateDiagram-v2\n" in written.read_text()
    assert refreshed(written).is_fresh
    assert refresh([page(tmp_path, "- .. note::\n\n  text", "no.rst")], find) == []


def test_a_marker_in_restructured_text_that_is_not_alone_is_refused(tmp_path: Path) -> None:
    bad = page(
        tmp_path, "``.. statechart: Order rst`` is a marker.\n\n- .. statechart: Order rst\n", "page.rst"
    )

    with pytest.raises(PageErrors, match=r"page\.rst:3: a marker is alone on its line"):
        refresh([bad], find)


def test_the_same_marker_can_stand_on_a_page_twice(tmp_path: Path) -> None:
    fresh = refreshed(page(tmp_path, MARKED + MARKED))

    assert fresh.regions == 2
    assert fresh.fresh.count(render(Order, "mermaid")) == 2


def test_a_marker_in_a_line_of_prose_is_text_as_code(tmp_path: Path) -> None:
    assert refresh([page(tmp_path, f"Write `{START}` and ``{END}``.\n")], find) == []


def test_writing_keeps_the_mode_and_follows_a_link(tmp_path: Path) -> None:
    target = page(tmp_path, MARKED, "target.md")
    target.chmod(0o640)
    link = tmp_path / "link.md"
    link.symlink_to(target)

    write(refreshed(link))

    assert link.is_symlink()
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert "s_draft --> s_paid" in target.read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.md", "target.md"]


def test_pages_are_found_in_directories_but_not_in_hidden_or_built_ones(tmp_path: Path) -> None:
    for name in (
        "a.md",
        "b.rst",
        "c.txt",
        "in/d.markdown",
        ".git/e.md",
        "_build/f.md",
        "node_modules/g.md",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        page(tmp_path, "", name)

    assert [str(path.relative_to(tmp_path)) for path in pages([tmp_path])] == [
        "a.md",
        "b.rst",
        "in/d.markdown",
    ]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["", START], ":2: the marker has no end: add a line <!-- /statechart --> after it"),
        ([START, START.replace("mermaid", "md"), END], ":1: the marker has no end"),
        ([f"- {START}", END], ":1: a marker is alone on its line, and is written <!-- statechart: module"),
        (["<!--", "statechart: Order mermaid", "-->"], ":2: a marker is alone on its line"),
        ([".. statechart: Order mermaid", ".. /statechart"], ":1: a marker is alone on its line"),
        ([f"{START} and more", END], ":1: a marker is alone on its line"),
        (["<!-- statechart: Order", "mermaid -->", END], ":1: a marker is alone on its line"),
        ([f"  {START}", END], ":2: indent the end like its marker in line 1"),
        ([END], ":1: an end without a marker: remove it"),
        (["<!-- statechart: Order -->", END], ":1: a marker names a chart and a format"),
        (["<!-- statechart: Order mermiad -->", END], ":1: 'mermiad' can't be used in this page"),
        (["<!-- statechart: Order rst -->", END], ":1: 'rst' can't be used in this page"),
        (["<!-- statechart: Order png -->", END], "diagram --output FILE.png"),
        (["<!-- statechart: Order svg file=order.png -->", END], "file=order.png has to name a .svg file"),
        (["<!-- statechart: Order svg file=/order.svg -->", END], "by its way from the page"),
        (["<!-- statechart: Order svg layout=dot -->", END], "there is no layout 'dot' for a page"),
        (["<!-- statechart: Order svg theme=drak -->", END], "there is no theme 'drak' for a page"),
        (["<!-- statechart: Order svg upright=yes -->", END], "upright has no value"),
        (["<!-- statechart: Order svg width=wide -->", END], "width=wide has to be a number of pixels"),
        (["<!-- statechart: Order svg width=9999999 -->", END], "from 200 to 10000"),
        (["<!-- statechart: Order mermaid upright -->", END], "path=EVENT,EVENT; upright is for svg"),
        (["<!-- statechart: Order mermaid state=payd -->", END], ":1: Order has no state 'payd'"),
        (["<!-- statechart: Order mermaid path=ship -->", END], ":1: Order has no event 'ship'"),
        (["<!-- statechart: Order mermaid path=pay,pay -->", END], ":1: in Order, pay does not leave paid"),
        (["<!-- statechart: Order mermaid path=pay state=paid -->", END], ":1: a state or a path"),
        (["<!-- statechart: Order mermaid colour=red -->", END], ":1: a marker has no option 'colour'"),
    ],
)  # fmt: skip
def test_an_invalid_marker_is_reported_with_its_line(tmp_path: Path, lines: list[str], said: str) -> None:
    bad = page(tmp_path, "\n".join(lines))

    with pytest.raises(PageErrors) as raised:
        refresh([bad], find)

    assert str(raised.value).startswith(f"{bad}:")
    assert said in str(raised.value)


def test_all_problems_are_reported_at_once(tmp_path: Path) -> None:
    page(tmp_path, START, "a.md")
    page(tmp_path, f"{END}\n{END}", "b.md")
    page(tmp_path, "", "c.md").write_bytes(b"\xff")

    with pytest.raises(PageErrors) as raised:
        refresh([tmp_path], find)

    assert [problem.split(": ")[0].rpartition("/")[2] for problem in raised.value.problems] == [
        "a.md:1",
        "b.md:1",
        "b.md:2",
        "c.md",
    ]


def test_a_missing_chart_is_reported_at_its_marker(tmp_path: Path) -> None:
    bad = page(tmp_path, "\n<!-- statechart: no.such:Chart mermaid -->\n<!-- /statechart -->\n")

    with pytest.raises(PageErrors, match=r"page\.md:2: 'no\.such:Chart': there is no module no"):
        refresh([bad])


def test_a_read_only_page_is_refused_and_left_alone(tmp_path: Path) -> None:
    written = page(tmp_path, MARKED)
    written.chmod(0o444)

    with pytest.raises(PageError, match=r"page\.md: it is read-only: chmod u\+w"):
        write(refreshed(written))

    assert written.read_text() == MARKED


def test_a_missing_page_is_reported(tmp_path: Path) -> None:
    with pytest.raises(PageError, match=r"no\.md: there is no such file"):
        refresh([tmp_path / "no.md"])


def run(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    root = str(Path(__file__).parents[2])
    command = [sys.executable, "-m", "statechart", *words]
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": root}
    )


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(
        "from statechart import Chart, Event, State\n"
        "class Order(Chart):\n"
        "    draft = State('draft', initial=True)\n"
        "    paid = State('paid', final=True)\n"
        "    pay = Event(draft.to(paid), name='pay')\n"
    )
    page(tmp_path, MARKED.replace("Order", "shop:Order"), "README.md")
    return tmp_path


def test_the_command_checks_and_writes_the_usual_places(shop: Path) -> None:
    checked = run("docs", "check", cwd=shop)
    written = run("docs", "write", cwd=shop)
    again = run("docs", "check", cwd=shop)

    assert (checked.returncode, written.returncode, again.returncode) == (8, 0, 0)
    assert "+    s_draft --> s_paid : pay\n" in checked.stdout
    assert checked.stderr == (
        "1 diagram in 1 page; 1 to be written\nnext: python -m statechart docs write README.md\n"
    )
    assert written.stderr == "written: README.md\n1 diagram in 1 page; 1 had to be written\n"
    assert (again.stdout, again.stderr) == ("", "1 diagram in 1 page; none to be written\n")


@pytest.mark.parametrize("format", ["mermaid", "dot", "md", "rst", "json"])
def test_the_command_draws_any_chart(shop: Path, format: str) -> None:
    drawn = run("diagram", "shop:Order", "--format", format, "--path", "pay", cwd=shop)
    to_file = run("diagram", "shop.py:Order", "--format", format, "--path", "pay", "-o", "out", cwd=shop)

    assert (drawn.returncode, drawn.stderr, to_file.returncode) == (0, "", 0)
    assert (shop / "out").read_text() == drawn.stdout != ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("diagram", "shop:Oder"), "error: 'shop:Oder': shop has no Oder: did you mean shop:Order?\n"),
        (("diagram", "shop:Order", "--path", "ship"), "error: Order has no event 'ship': known are pay\n"),
        (("diagram", "shop:Order", "--format", "gif"), "there is no format 'gif': use mermaid, dot"),
        (
            ("diagram", "shop:Order", "--state", "paid", "--path", "pay"),
            "--of, --state and --path each mark something: choose one",
        ),
        (
            ("diagram", "shop:Order", "-o", "no/such/file"),
            "error: no/such/file can't be written: No such file or directory\n",
        ),
        (("docs", "check", "nowhere"), "error: nowhere: there is no such file\n"),
        (("docs", "chekc"), "error: unknown action 'chekc': use write or check\n"),
    ],
)
def test_the_command_reports_typing_errors(shop: Path, words: tuple[str, ...], said: str) -> None:
    ran = run(*words, cwd=shop)

    assert (ran.returncode, ran.stdout) == (2, "")
    assert said in ran.stderr
