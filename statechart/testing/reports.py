"""Report chart coverage as text, JSON, a coloured diagram or a page with the tests of each transition."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from html import escape as escape_html

from statechart.diagram import graphviz, mermaid
from statechart.errors import DiagramUnavailable
from statechart.formats.dot import dot
from statechart.formats.escapes import markdown
from statechart.picture import Arrow, Picture, printable
from statechart.testing.coverage import KINDS, Coverage, Covered, edge_item, percent

_SHOWN = 8
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


def as_text(coverage: Coverage) -> str:
    """Return the numbers and the missing items, for a terminal."""
    return "\n".join(_text_lines(coverage)) + "\n"


def _text_lines(coverage: Coverage) -> Iterator[str]:
    if not coverage.charts:
        yield "no chart was touched by any test"
    for reference, covered in sorted(coverage.charts.items()):
        yield printable(reference)
        for kind in KINDS:
            met, of = covered.count(kind)
            if not of:
                continue
            yield f"  {kind:<12}{met:>5} of {of:<5}{percent(met, of):>6.5g} %"
            missing = [printable(item) for item in covered.missing(kind)]
            if missing and kind != "pairs":
                more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
                yield f"    not met: {', '.join(missing[:_SHOWN])}{more}"
    if coverage.steps:
        counts = ", ".join(f"{outcome} {met} of {of}" for outcome, met, of in coverage.counted_steps())
        yield f"steps: {counts}"


def as_json(coverage: Coverage) -> str:
    """Return the numbers and the tests of each item."""
    charts = [
        {
            "reference": reference,
            "percent": covered.percent(),
            "kinds": {
                kind: {
                    "met": covered.count(kind)[0],
                    "of": covered.count(kind)[1],
                    "percent": percent(*covered.count(kind)),
                    "tests": covered.items[kind],
                }
                for kind in KINDS
            },
        }
        for reference, covered in sorted(coverage.charts.items())
    ]
    return json.dumps({"charts": charts, "steps": coverage.steps}, indent=2) + "\n"


def as_mermaid(coverage: Coverage) -> str:
    """Return a Markdown page with the diagram of each chart, uncovered parts in red."""
    return "\n".join(
        f"# {_heading(printable(reference))}\n\n```mermaid\n{mermaid(coloured(covered))}```\n"
        for reference, covered in sorted(coverage.charts.items())
    )


def _heading(reference: str) -> str:
    return ":".join(map(markdown, reference.split(":")))  # this colon is ours


def coloured(covered: Covered) -> Picture:
    """Return a chart's picture with covered and uncovered parts, and the numbers of tests.

    An uncovered transition is drawn even if it belongs to a note.
    """
    picture = covered.picture()
    values = _values(picture, covered)
    tests = covered.items["transitions"]

    def met(arrow: Arrow) -> list[str]:
        items = (edge_item(values[arrow.source], event, values[arrow.target]) for event in arrow.events)
        return list(dict.fromkeys(test for item in items for test in tests.get(item, [])))

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
        arrows=[replace(arrow, label=_some(len(met(arrow))), taken=bool(met(arrow))) for arrow in shown],
        classes={
            node.id: "visited" if covered.items["states"].get(values[node.id]) else "failed"
            for node in picture.nodes
        },
        missed=frozenset(index for index, arrow in enumerate(shown) if not met(arrow)),
    )


def _values(picture: Picture, covered: Covered) -> dict[str, str]:
    """Return each state's value by the renderers' identifiers."""
    return dict(zip((node.id for node in picture.nodes), covered.items["states"], strict=True))


def _some(tests: int) -> str:
    return "no test" if not tests else f"{tests} test{'' if tests == 1 else 's'}"


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
        for kind in KINDS
        if covered.items[kind]
    )
    tables = "".join(_html_table(kind, covered.items[kind]) for kind in KINDS if covered.items[kind])
    return (
        f"<h2><code>{_escaped(reference)}</code></h2>{_html_picture(covered)}<table>{rows}</table>{tables}"
    )


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
    return f"<details><summary>{_some(len(tests))}</summary><ul>{listed}</ul></details>"


REPORTS: Mapping[str, tuple[Callable[[Coverage], str], str | None]] = {
    "term": (as_text, None),
    "html": (as_html, "chart-coverage.html"),
    "json": (as_json, "chart-coverage.json"),
    "mermaid": (as_mermaid, "chart-coverage.md"),
}
"""Each report by name, with its usual file."""
