"""Run W3C's and SCION's documents on this engine and on others, and check the page of results.

python -m tests.conformance            fails where a document behaves otherwise than the page says
python -m tests.conformance --accept   writes the page
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from statechart import DocumentRefused, load
from tests.conformance.converted import Sismic, XState
from tests.conformance.copied import copied, own_files
from tests.conformance.fetched import NotFetched, suites
from tests.conformance.machine import Machine
from tests.conformance.ours import Ours
from tests.conformance.page import MACHINE, OTHERS, OURS, Results, page, versions
from tests.conformance.reasons import REASONS
from tests.conformance.running import outcomes
from tests.conformance.suites import Case, scion, w3c

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "conformance.md"
ENGINES: dict[str, type] = {OURS: Ours, MACHINE: Machine, OTHERS[0]: XState, OTHERS[1]: Sismic}


def main() -> int:
    """Run the documents; return the exit code."""
    begun = time.monotonic()
    try:
        with suites() as (first, second):
            cases = [*w3c(first), *scion(second)]
            results = _run(cases)
            found = list(copied((first, second), own_files()))
            written = page(results, sum(_is_loaded(case) for case in cases if case.suite == "SCION"))
    except NotFetched as error:
        print(error, file=sys.stderr)
        return 1
    ours = results[OURS]
    passed = sum(outcome == "pass" for outcome in ours.values())
    print(f"{passed} of {len(ours)} documents passed in {time.monotonic() - begun:.0f} s")
    found += _problems(ours)
    for problem in found:
        print(problem, file=sys.stderr)
    if found:
        return 1
    if "--accept" in sys.argv:
        PAGE.write_text(written, "utf-8")
    elif versions() not in PAGE.read_text("utf-8"):
        # A release of another library is no fault of a change here.
        print(f"{PAGE.name} was written with other versions; now installed are {versions()}")
    elif PAGE.read_text("utf-8") != written:
        print(f"{PAGE.name} is not up to date: run make conformance ACCEPT=1", file=sys.stderr)
        return 1
    return 0


def _run(cases: list[Case]) -> Results:
    jobs = [
        (name, case, engine)
        for name, engine in ENGINES.items()
        for case in cases
        if name in (OURS, MACHINE) or case.structural
    ]
    found: dict[str, dict[Case, str]] = {name: {} for name in ENGINES}
    ended = outcomes([(case, engine) for _, case, engine in jobs])
    for (name, case, _), outcome in zip(jobs, ended, strict=True):
        found[name][case] = outcome
    # It waits by the real clock: on a busy machine, what failed may pass if it is run again.
    again = [case for case, outcome in found[MACHINE].items() if outcome != "pass"]
    found[MACHINE] |= dict(zip(again, outcomes([(case, Machine) for case in again]), strict=True))
    return found


def _problems(ours: Mapping[Case, str]) -> Iterator[str]:
    known = {(case.suite, case.name) for case in ours}
    for case, outcome in ours.items():
        listed = (case.suite, case.name) in REASONS
        if outcome != "pass" and not listed:
            yield f"{case.suite} {case.name} is not passed ({outcome}), and no reason is listed"
        elif outcome == "pass" and listed:
            yield f"{case.suite} {case.name} is passed now: take it out of tests/conformance/reasons.py"
    for suite, name in REASONS.keys() - known:
        yield f"{suite} {name} is listed in tests/conformance/reasons.py, and there is no such document"


def _is_loaded(case: Case) -> bool:
    try:
        load(case.path, events=dict.fromkeys(case.events))
    except DocumentRefused:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
