"""`history`: the records of a value, or a test that replays them."""

from __future__ import annotations

from pathlib import Path

from statechart.cli import loading
from statechart.cli.parameters import name_argument, subcommand
from statechart.cli.records import readable, record_document, record_rows
from statechart.cli.replaying import print_replay
from statechart.cli.settings import Settings
from statechart.terminal.output import json_lines, note, print_lines
from statechart.terminal.program.parameters import as_test_option
from statechart.terminal.text import history_text


@subcommand("history")
@name_argument
@as_test_option
def history(settings: Settings, name: str, as_test: Path | None) -> None:
    """Show the records of a value, or write them as a test.

    With --as-test, the events are fired again in memory, to see which of them a test can repeat.

    Examples:
        python -m statechart history shop:OrderChart A-1 --store orders
        python -m statechart history shop:OrderChart A-1 --store orders --as-test test_a1.py
    """
    repository = loading.repository(settings)
    if as_test is not None:
        print_replay(settings, repository, name, as_test)
        return
    records, gap = readable(repository, name)
    if settings.json:
        missing = {} if gap is None else {"missing": {"first_seq": 1, "last_seq": gap.last_seq}}
        print_lines(json_lines({"name": name, **missing}, map(record_document, records)))
    else:
        print_lines(history_text(record_rows(records)))
    if gap is not None:
        note(str(gap))
