"""Report chart coverage as a page of HTML: coloured diagrams, and the tests of each transition."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from html import escape as escape_html

from statechart.diagram import graphviz, mermaid
from statechart.errors import DiagramUnavailable
from statechart.formats.dot import dot
from statechart.picture import Arrow, ArrowMark, Picture, printable
from statechart.testing.coverage.counting import Coverage
from statechart.testing.coverage.items import PRODUCTION, Covered, edge_item, percent, tests_text
from statechart.wording import counted

_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 3rem; overflow-wrap: anywhere; }
code { font-size: 0.9em; overflow-wrap: anywhere; } details ul { margin: 0.25rem 0; }
/* The diagram is drawn in dark lines: it keeps a light ground, also on a dark page. */
svg { max-width: 100%; height: auto; background: #fff; border-radius: 0.5rem; } pre { overflow-x: auto; }
table { border-collapse: collapse; margin: 1rem 0; } td.number { text-align: right; }
th, td { padding: 0.25rem 0.75rem; text-align: left; vertical-align: top; border-bottom: 1px solid #8884; }
tr.missing td { background: #f4433626; } .all { color: #00897b; } .some { color: #d84343; }
"""


def as_html(coverage: Coverage) -> str:
    """Return a self-contained page: diagrams, numbers, and the tests of each transition.

    Without Graphviz, the diagrams are shown as Mermaid's source.
    """
    body = "".join(_html_of(reference, covered) for reference, covered in sorted(coverage.charts.items()))
    steps = "".join(
        f"<tr><td><code>{_escaped(name)}</code></td>"
        + "".join(f'<td class="number">{len(tests)}</td>' for tests in outcomes.values())
        + "</tr>"
        for name, outcomes in sorted(coverage.steps.items())
    )
    if steps:
        body += (
            "<h2>Steps</h2><table><tr><th>step</th><th>done</th><th>failed</th><th>interrupted</th></tr>"
            f"{steps}</table>"
        )
    if coverage.untouched:
        rows = "".join(f"<li><code>{_escaped(each)}</code></li>" for each in sorted(coverage.untouched))
        body += f"<h2>Imported, and touched by no test</h2><ul>{rows}</ul>"
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Chart coverage</title>'
        f"<style>{_STYLE}</style></head><body><h1>Chart coverage</h1>"
        f"{body or '<p>No chart was touched by any test.</p>'}</body></html>\n"
    )


def _escaped(text: str) -> str:
    """Return a text as it is written in HTML."""
    return escape_html(printable(text))


def _html_of(reference: str, covered: Covered) -> str:
    rows = "".join(
        f'<tr><td>{kind}</td><td class="number">{covered.count(kind)[0]} of {covered.count(kind)[1]}</td>'
        f'<td class="number {"all" if not covered.missing(kind) else "some"}">'
        f"{percent(*covered.count(kind)):g} %</td></tr>"
        for kind in covered.kinds
    )
    tables = "".join(_html_table(kind, covered.items[kind]) for kind in covered.kinds if kind != PRODUCTION)
    return (
        f"<h2><code>{_escaped(reference)}</code></h2>{_html_picture(covered)}<table>{rows}</table>"
        f"{_html_production(covered)}{tables}"
    )


def _html_production(covered: Covered) -> str:
    tables = "".join(
        f"<details open><summary>{title}</summary><table>"
        + "".join(
            f"<tr><td><code>{_escaped(item)}</code></td><td>{number}</td></tr>"
            for item, number in items.items()
        )
        + "</table></details>"
        for title, items in covered.differences()
        if items
    )
    notes = "".join(f"<li>{_escaped(line)}</li>" for line in covered.journals)
    return tables + (f"<p>Journals:</p><ul>{notes}</ul>" if notes else "")


def _html_picture(covered: Covered) -> str:
    picture = coloured(covered)
    # An SVG inside of HTML begins without XML's prologue.
    with suppress(DiagramUnavailable):
        svg = graphviz(dot(picture), "svg").decode()
        return svg[svg.index("<svg") :]
    return f"<p>Install Graphviz to see it drawn.</p><pre>{escape_html(mermaid(picture))}</pre>"


def _html_table(kind: str, items: Mapping[str, list[str]]) -> str:
    rows = "".join(
        f'<tr class="{"met" if tests else "missing"}"><td><code>{_escaped(item)}</code></td>'
        f"<td>{_html_tests(tests)}</td></tr>"
        for item, tests in items.items()
    )
    opened = " open" if kind == "transitions" else ""
    return f"<details{opened}><summary>{kind}</summary><table>{rows}</table></details>"


def _html_tests(tests: list[str]) -> str:
    if not tests:
        return "no test"
    listed = "".join(f"<li><code>{_escaped(test)}</code></li>" for test in tests)
    return f"<details><summary>{tests_text(len(tests))}</summary><ul>{listed}</ul></details>"


def coloured(covered: Covered) -> Picture:
    """Return a chart's picture with covered and uncovered parts, and the numbers of tests.

    An uncovered transition is drawn even if it belongs to a note.
    """
    picture = covered.picture()
    values = _values(picture, covered)
    tests = covered.items["transitions"]

    def items(arrow: Arrow) -> list[str]:
        return [edge_item(values[arrow.source], event, values[arrow.target]) for event in arrow.events]

    def met(arrow: Arrow) -> list[str]:
        return list(dict.fromkeys(test for item in items(arrow) for test in tests.get(item, [])))

    def times_of(arrow: Arrow) -> int:
        return sum((covered.seen or {}).get(item, 0) for item in items(arrow))

    def mark(arrow: Arrow) -> ArrowMark:
        if covered.seen is None:
            return "" if met(arrow) else "missed"
        if not met(arrow):
            return "untested" if times_of(arrow) else "missed"
        return "" if times_of(arrow) else "unseen"

    def label(arrow: Arrow) -> str:
        tested = tests_text(len(met(arrow)))
        if covered.seen is None:
            return tested
        times = times_of(arrow)
        seen = f"seen {counted(times, 'time')}" if times else "never seen"
        return f"{tested}, {seen}"

    # Folding into notes must not hide a transition that no test covers.
    drawn = {(arrow.source, arrow.events, arrow.target) for arrow in picture.arrows}
    hidden = [
        arrow
        for arrow in picture.whole
        if (arrow.source, arrow.events, arrow.target) not in drawn and not met(arrow)
    ]
    shown = [*picture.arrows, *hidden]
    return replace(
        picture,
        arrows=[
            replace(
                arrow, label=label(arrow), detail=label(arrow), taken=bool(met(arrow)), mark=mark(arrow)
            )
            for arrow in shown
        ],
        classes={
            node.id: "visited" if covered.items["states"].get(values[node.id]) else "missed"
            for node in picture.nodes
        },
        missed=frozenset(index for index, arrow in enumerate(shown) if not met(arrow)),
    )


def _values(picture: Picture, covered: Covered) -> dict[str, str]:
    """Return each state's value by the renderers' identifiers."""
    return dict(zip((node.id for node in picture.nodes), covered.items["states"], strict=True))
