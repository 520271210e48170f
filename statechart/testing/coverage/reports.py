"""Report chart coverage as text, JSON, a coloured diagram or a page with the tests of each transition."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence

from statechart.diagram import mermaid
from statechart.formats.escapes import markdown
from statechart.picture import printable
from statechart.testing.coverage.colouring import coloured
from statechart.testing.coverage.counting import Coverage
from statechart.testing.coverage.items import NESTED_KINDS, PRODUCTION, Covered, percent
from statechart.testing.coverage.page import as_html

_SHOWN = 8


def as_text(coverage: Coverage) -> str:
    """Return the numbers and the missing items, for a terminal."""
    return "\n".join(_text_lines(coverage)) + "\n"


def _text_lines(coverage: Coverage) -> Iterator[str]:
    if not coverage.charts:
        yield "no chart was touched by any test"
    for reference, covered in sorted(coverage.charts.items()):
        yield printable(reference)
        width = max(12, *(len(kind) + 1 for kind in covered.kinds))
        for kind in covered.kinds:
            met, of = covered.count(kind)
            yield f"  {kind:<{width}}{met:>5} of {of:<5}{percent(met, of):>6.5g} %"
            missing = covered.missing(kind)
            if missing and kind not in ("pairs", PRODUCTION):
                yield f"    not met: {_few(missing)}"
        yield from (f"    {remark}" for remark in covered.remarks)
        yield from _production_lines(covered)
    if coverage.untouched:
        yield f"imported, and touched by no test: {_few(sorted(coverage.untouched))}"
    if coverage.steps:
        counts = ", ".join(f"{outcome} {met} of {of}" for outcome, met, of in coverage.counted_steps())
        yield f"steps: {counts}"


def _production_lines(covered: Covered) -> Iterator[str]:
    for title, items in covered.differences():
        if items:
            yield f"    {title}: {_few([f'{item} ({number})' for item, number in items.items()])}"
    yield from (f"    {printable(line)}" for line in covered.journals)


def _few(items: Sequence[str]) -> str:
    more = f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
    return ", ".join(map(printable, items[:_SHOWN])) + more


def as_json(coverage: Coverage) -> str:
    """Return the numbers and the tests of each item."""
    charts = [_json_of(reference, covered) for reference, covered in sorted(coverage.charts.items())]
    told = {"charts": charts, "untouched": sorted(coverage.untouched), "steps": coverage.steps}
    return json.dumps(told, indent=2) + "\n"


def _json_of(reference: str, covered: Covered) -> dict[str, object]:
    kinds = {
        kind: {
            "met": covered.count(kind)[0],
            "of": covered.count(kind)[1],
            "percent": percent(*covered.count(kind)),
            "tests": items,
        }
        for kind, items in covered.items.items()
    }
    told: dict[str, object] = {"reference": reference, "percent": covered.percent(), "kinds": kinds}
    if covered.remarks:
        told["remarks"] = covered.remarks
    if covered.seen is not None:
        told[PRODUCTION] = {
            "seen": covered.seen,
            "untested": covered.missing(PRODUCTION),
            "unseen": list(covered.unseen()),
            "undeclared": covered.undeclared,
            "journals": covered.journals,
        }
    return told


def as_mermaid(coverage: Coverage) -> str:
    """Return a Markdown page with the diagram of each chart, uncovered parts in red."""
    parts = [
        f"# {_heading(printable(reference))}\n\n```mermaid\n{mermaid(coloured(covered))}```\n"
        + _markdown_missing(covered)
        + _markdown_production(covered)
        for reference, covered in sorted(coverage.charts.items())
    ]
    if coverage.untouched:
        rows = "".join(f"- {_heading(printable(each))}\n" for each in sorted(coverage.untouched))
        parts.append(f"# Imported, and touched by no test\n\n{rows}")
    return "\n".join(parts)


def _markdown_missing(covered: Covered) -> str:
    """Return the items of a chart that tests did not meet, as far as its diagram can't show them."""
    lists = "".join(
        f"\n## {kind.capitalize()} without a test\n\n"
        + "".join(f"- {markdown(printable(item))}\n" for item in covered.missing(kind))
        for kind in NESTED_KINDS
        if covered.items.get(kind) and covered.missing(kind)
    )
    return lists + "".join(f"\n{markdown(remark)}\n" for remark in covered.remarks)


def _markdown_production(covered: Covered) -> str:
    lists = "".join(
        f"\n## {title.capitalize()}\n\n"
        + "".join(f"- {markdown(printable(item))}: {number}\n" for item, number in items.items())
        for title, items in covered.differences()
        if items
    )
    notes = "".join(f"- {markdown(printable(line))}\n" for line in covered.journals)
    return lists + (f"\n## Journals\n\n{notes}" if notes else "")


def _heading(reference: str) -> str:
    return ":".join(map(markdown, reference.split(":")))  # this colon is ours


REPORTS: Mapping[str, tuple[Callable[[Coverage], str], str | None]] = {
    "term": (as_text, None),
    "html": (as_html, "chart-coverage.html"),
    "json": (as_json, "chart-coverage.json"),
    "mermaid": (as_mermaid, "chart-coverage.md"),
}
"""Each report by name, with its usual file."""
