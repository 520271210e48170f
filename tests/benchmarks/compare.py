"""Compare this package with others, as Markdown: `python -m tests.benchmarks.compare [--write]`.

All libraries run in one process, in turn. In memory, CPU time is measured; with files, elapsed time.
`--write` puts the tables into docs/explanation/comparison.md.
"""

from __future__ import annotations

import argparse
import platform
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import median

from loguru import logger

from tests.benchmarks.compared import orders
from tests.benchmarks.compared.contestants import Contestant, Work, contestants, syncs_counted
from tests.benchmarks.compared.faults import faults

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "comparison.md"
ROUNDS, BLOCK = 41, 200
MEMORY: dict[str, Callable[[Contestant], Work]] = {
    "an event, without guards and hooks": lambda library: library.plain,
    "an event with a guard and two hooks": lambda library: library.hooked,
    "one more machine of a declared chart": lambda library: library.build,
    "the allowed events of a state, guard asked": lambda library: library.allowed,
}
FAULTS = {
    "an event that the state does not allow": "refused",
    "an entry hook changes data, then raises": "hook",
    "the process is killed in an entry hook": "killed in a hook",
    "the process is killed after the event returned": "killed afterwards",
}


def measured(works: Sequence[Work], rounds: int, block: int, clock: Callable[[], float]) -> list[float]:
    """Run each work in turn, and return the median duration of each, in seconds."""
    taken: list[list[float]] = [[] for _ in works]
    for number in range(rounds + 3):
        for durations, work in zip(taken, works, strict=True):
            began = clock()
            for _ in range(block):
                work()
            if number >= 3:  # the first rounds fill caches
                durations.append((clock() - began) / block)
    return [median(durations) for durations in taken]


def figures(libraries: Sequence[Contestant], rounds: int = ROUNDS) -> Iterable[list[str]]:
    """Yield a row for each work: its name, and the time that each library takes for it."""
    for title, choose in MEMORY.items():
        times = measured([choose(library) for library in libraries], rounds, BLOCK, time.process_time)
        yield [title, *(f"{taken * 1e6:.1f} µs" for taken in times)]
    walks = {
        "statechart": orders.ours(),
        "python-statemachine": orders.python_statemachine(),
        "xstate-statemachine": orders.xstate_statemachine(),
    }
    taken_by = dict(
        zip(walks, measured(list(walks.values()), rounds, BLOCK // 8, time.process_time), strict=True)
    )
    yield ["an event of an order with regions and a history"] + [
        f"{taken_by[library.name] / len(orders.EVENTS) * 1e6:.1f} µs"
        if library.name in taken_by
        else "not measured"
        for library in libraries
    ]
    with tempfile.TemporaryDirectory() as place:
        stores = [library.durable for library in libraries]
        works = [store(Path(place) / str(n)) for n, store in enumerate(stores) if store is not None]
        times = iter(measured(works, rounds, 5, time.perf_counter))
        yield ["an event in a file, opened and closed for it"] + [
            "none" if store is None else f"{next(times) * 1e3:.1f} ms" for store in stores
        ]
        counts = iter([_syncs(work) for work in works])
        yield ["files forced to the disk for that"] + [
            "none" if store is None else str(next(counts)) for store in stores
        ]


def _syncs(work: Work) -> int:
    with syncs_counted() as counted:
        work()
        return counted()


def table(head: Sequence[str], rows: Iterable[Sequence[str]], align: str) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---", *[align] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def tables(rounds: int = ROUNDS) -> dict[str, str]:
    """Return the tables, by name."""
    libraries = contestants()
    answers = faults()
    return {
        "figures": table(
            ["", *(library.title for library in libraries)], figures(libraries, rounds), "---:"
        ),
        "faults": table(
            ["", *answers],
            ([title, *(told[key] for told in answers.values())] for title, key in FAULTS.items()),
            "---",
        ),
    }


def write(made: dict[str, str]) -> None:
    """Replace the tables of the page."""
    text = PAGE.read_text()
    for name, lines in made.items():
        pattern = rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)"
        text = re.sub(
            pattern, lambda found, lines=lines: f"{found[1]}{lines}\n{found[2]}", text, flags=re.DOTALL
        )
    PAGE.write_text(text)


def main() -> None:
    """Print the tables, or write them into the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"write them into {PAGE.name}")
    given = parser.parse_args()
    logger.remove()
    made = tables()
    if given.write:
        write(made)
    sys.stdout.write("\n\n".join([f"Python {platform.python_version()}", *made.values()]) + "\n")


if __name__ == "__main__":
    main()
