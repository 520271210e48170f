"""Write the page of results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version as installed
from itertools import groupby

from tests.conformance.fetched import SCION, W3C
from tests.conformance.reasons import REASONS
from tests.conformance.suites import Case

Results = Mapping[str, Mapping[Case, str]]
"""The outcome of each document that an engine was given, by engine."""

OURS = "this library"
MACHINE = "python-statemachine"
OTHERS = ("xstate-statemachine", "sismic")
SUITES = ("W3C mandatory", "W3C optional", "SCION")

_HEAD = """\
<!-- Written by `make conformance ACCEPT=1`. -->
# Conformance

The suites of W3C and of SCION, run on four engines by one command, `make conformance`.
CI runs it, and fails if a document behaves otherwise than this page says.

W3C's documents come with the source distribution of `{w3c}`, SCION's with the npm package `{scion_package}`.
Both are fetched for the run, and neither is part of this repository.

## Results

Documents passed, of all in the suite:

{table}

A structural document has states and transitions only: no data, no conditions, no actions but log lines.
Measured are {versions}.
xstate-statemachine and sismic read no SCXML: they get the structural documents, converted as near as their formats allow.
Neither claims to follow SCXML; sismic refuses transitions that contradict one another, by design.
python-statemachine reads the documents with its own reader and evaluates their code as Python, with children put back into document order, which its reader groups by kind.

`statechart.load` reads {loaded} of SCION's {scion} documents, and {structural} structural ones.
A document's code is never run by the library, so the run brings a data model of its own for the other documents: it evaluates expressions as Python and keeps the queue of sent events, with a clock that does not wait.
States, transitions, histories, done events and raised events are the library's in both cases.

## Not passed by this library

{reasons}

## Not passed by the others

{others}
"""


def page(results: Results, loaded: int) -> str:
    """Return the page.

    Args:
        results: The outcomes.
        loaded: The number of SCION's documents that `load` reads.
    """
    ours = results[OURS]
    return _HEAD.format(
        w3c=W3C,
        scion_package=SCION,
        versions=versions(),
        table="\n".join(_table(results)),
        loaded=loaded,
        scion=sum(case.suite == "SCION" for case in ours),
        structural=f"all {sum(case.structural for case in ours)}",
        reasons="\n".join(_reasons(ours)),
        others="\n".join(_others(results)),
    ).replace("\n\n\n", "\n\n")


def versions() -> str:
    """Return the other engines with their versions, as a list for a sentence."""
    found = [f"{name} {installed(name)}" for name in (MACHINE, *OTHERS)]
    return f"{', '.join(found[:-1])} and {found[-1]}"


def _table(results: Results) -> Iterator[str]:
    engines = (OURS, MACHINE, *OTHERS)
    yield f"| Suite | Documents | {' | '.join(engines)} |"
    yield "|---" + "|---:" * (1 + len(engines)) + "|"
    groups = [(suite, [case for case in results[OURS] if case.suite == suite]) for suite in SUITES]
    groups.append(("SCION, structural", [case for case in results[OURS] if case.structural]))
    for name, cases in groups:
        counts = (_count(results[engine], cases) for engine in engines)
        yield f"| {name} | {len(cases)} | {' | '.join(counts)} |"


def _count(outcomes: Mapping[Case, str], cases: Iterable[Case]) -> str:
    found = [outcomes[case] for case in cases if case in outcomes]
    return str(found.count("pass")) if len(found) == len(list(cases)) else "-"


def _reasons(ours: Mapping[Case, str]) -> Iterator[str]:
    yield "| Suite | Reason | Documents |"
    yield "|---|---|---|"
    failed = [case for case, outcome in ours.items() if outcome != "pass"]
    for suite in SUITES:
        mine = [case for case in failed if case.suite == suite]
        order = list(dict.fromkeys(REASONS.get((suite, case.name), "") for case in mine))
        mine.sort(key=lambda case: order.index(REASONS.get((case.suite, case.name), "")))
        for reason, cases in groupby(mine, key=lambda case: REASONS.get((case.suite, case.name), "")):
            yield f"| {suite} | {reason} | {', '.join(case.name for case in cases)} |"


def _others(results: Results) -> Iterator[str]:
    yield "| Engine | Suite | Documents |"
    yield "|---|---|---|"
    for engine in (MACHINE, *OTHERS):
        for suite in SUITES:
            names = [
                case.name
                for case, outcome in results[engine].items()
                if case.suite == suite and outcome != "pass"
            ]
            if names:
                yield f"| {engine} | {suite} | {', '.join(names)} |"
