"""Report chart coverage as a page of HTML: diagrams, and the tests of each transition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape as escape_html

from statechart.formats.svg import CHART_CSS, svg
from statechart.picture import printable
from statechart.testing.coverage.colouring import coloured
from statechart.testing.coverage.counting import Coverage
from statechart.testing.coverage.items import PRODUCTION, Covered, percent, tests_text

_STYLE = f"""
:root {{ color-scheme: light dark; --page: #f6f8fa; --good: #0b7a6f; --bad: #b3261e; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --page: #0c1116; --good: #4fd1bd; --bad: #ff8a80; }}
}}
{CHART_CSS}
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 80rem; margin: 2rem auto; padding: 0 1rem;
  background: var(--page); color: var(--chart-ink); }}
h1, h2 {{ line-height: 1.2; }} h2 {{ margin-top: 3rem; overflow-wrap: anywhere; }}
code {{ font-size: 0.9em; overflow-wrap: anywhere; }} details ul {{ margin: 0.25rem 0; }}
.picture svg {{ max-width: 100%; height: auto; }} .picture .upright {{ display: none; }}
@media (max-width: 50rem) {{
  .picture .level {{ display: none; }} .picture .upright {{ display: block; }}
}}
.legend {{ display: flex; flex-wrap: wrap; gap: 0.25rem 1.5rem; margin: 0.5rem 0; padding: 0; }}
.legend li {{ display: flex; align-items: center; gap: 0.5rem; }}
table {{ border-collapse: collapse; margin: 1rem 0; }} td.number {{ text-align: right; }}
th, td {{ padding: 0.25rem 0.75rem; text-align: left; vertical-align: top;
  border-bottom: 1px solid #8884; }}
tr.missing td {{ background: #f4433626; }} .all {{ color: var(--good); }} .some {{ color: var(--bad); }}
"""

_TESTED = (("taken", "tested"), ("missed", "no test"))
_COMPARED = (
    ("taken", "tested, and seen in production"),
    ("untested", "seen in production, never tested"),
    ("unseen", "tested, never seen in production"),
    ("missed", "neither"),
)
"""The kinds of transitions, each with its meaning: without journals, and with them."""


def as_html(coverage: Coverage) -> str:
    """Return a self-contained page: diagrams, numbers, and the tests of each transition."""
    charts = sorted(coverage.charts.items())
    body = "".join(
        _html_of(reference, covered, f"chart{number}-")
        for number, (reference, covered) in enumerate(charts)
    )
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
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><title>Chart coverage</title>'
        f"<style>{_STYLE}</style></head><body><h1>Chart coverage</h1>"
        f"{body or '<p>No chart was touched by any test.</p>'}</body></html>\n"
    )


def _escaped(text: str) -> str:
    """Return a text as it is written in HTML."""
    return escape_html(printable(text))


def _html_of(reference: str, covered: Covered, prefix: str) -> str:
    rows = "".join(
        f'<tr><td>{kind}</td><td class="number">{covered.count(kind)[0]} of {covered.count(kind)[1]}</td>'
        f'<td class="number {"all" if not covered.missing(kind) else "some"}">'
        f"{percent(*covered.count(kind)):g} %</td></tr>"
        for kind in covered.kinds
    )
    tables = "".join(_html_table(kind, covered.items[kind]) for kind in covered.kinds if kind != PRODUCTION)
    return (
        f"<h2><code>{_escaped(reference)}</code></h2>{_html_picture(covered, prefix)}<table>{rows}</table>"
        f"{''.join(f'<p>{_escaped(remark)}</p>' for remark in covered.remarks)}"
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


def _html_picture(covered: Covered, prefix: str) -> str:
    picture = coloured(covered)
    level = svg(picture, styled=False, prefix=f"{prefix}level-")
    upright = svg(picture, upright=True, styled=False, prefix=f"{prefix}upright-")
    return (
        f'<div class="picture"><div class="level">{level}</div><div class="upright">{upright}</div>'
        f'<ul class="legend">{"".join(_legend(compared=covered.seen is not None))}</ul></div>'
    )


def _legend(*, compared: bool) -> Iterator[str]:
    for kind, meaning in _COMPARED if compared else _TESTED:
        yield _sample(f'<path class="wire {kind}" d="M1,7H41"/>', meaning)
    box = '<rect class="box" x="9" y="1" width="24" height="12" rx="4"/>'
    yield _sample(f'<g class="state missed">{box}</g>', "no test enters the state")
    if compared:
        yield "<li>3 tests · 5x: tests that take a transition, and how often production took it</li>"


def _sample(drawn: str, meaning: str) -> str:
    svg = f'<svg class="chart" width="42" height="14" aria-hidden="true">{drawn}</svg>'
    return f"<li>{svg}{meaning}</li>"


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
