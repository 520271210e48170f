"""`history`: the records, and the environment as of a moment."""

from __future__ import annotations

import json
import re
import runpy
from collections.abc import Callable, Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

import pytest

from environments.model.records import HistoryEntry
from environments.presentation.documents import history_document
from environments.presentation.text import history_lines
from environments.storage.file import FileRepository
from environments.testing import ScriptedProvider
from statechart.terminal.output import json_lines


def test_history_lists_transitions_and_steps_with_time_duration_and_actor(cli: Any, hello: str) -> None:
    cli("provision", hello)

    lines = cli("history", hello).out.splitlines()
    records = cli("history", hello, "--json").document["history"]

    assert lines[0].split() == ["SEQ", "REV", "TIME", "BY", "WHAT"]
    assert lines[2].endswith("provision: created → provisioning")
    assert "step reserve_port done in " in lines[4]
    assert "complete: provisioning → provisioned after " in lines[-1]
    assert [record["type"] for record in records] == [
        "created",
        "transition",
        "step",
        "step",
        "step",
        "step",
        "transition",
    ]
    assert records[-1]["state"] == "provisioned"
    cli("destroy", hello, "--yes")


def test_history_shows_a_step_without_a_result(cli: Any, created: Any, crash: Callable[..., Any]) -> None:
    crash("provision", "provisioning", "first_provision")

    assert "step first_provision begun, and no result" in cli("history", "demo").out


@pytest.fixture
def provisioned(cli: Any, created: Any, scripted_provider: ScriptedProvider) -> str:
    assert cli("provision", "demo").code == 0
    return "demo"


def test_an_environment_is_shown_as_of_a_revision(cli: Any, provisioned: str) -> None:
    ran = cli("history", "demo", "--at", "1")
    document = cli("history", "demo", "--at", "2", "--json").document

    assert ran.out.startswith("demo: created\n")
    assert "as it was after record 1, written by " in ran.out
    assert "next" not in ran.out
    assert (document["state"], document["revision"], document["seq"]) == ("provisioning", 2, 6)


def test_a_printed_time_is_accepted_and_covers_its_whole_last_unit(cli: Any, provisioned: str) -> None:
    lines = cli("history", "demo").out.splitlines()
    last = re.search(r"\d{4}-\d\d-\d\d [\d:.]+Z", lines[-1])
    assert last is not None
    moment = last[0]

    for at in (moment, moment.replace(" ", "T"), moment[:19], moment[:16], moment[:10]):
        assert cli("history", "demo", "--at", at).out.startswith("demo: provisioned\n"), at


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("9", "'demo' did not exist at revision 9: revisions 1 to 3"),
        ("-1", "'demo' did not exist at revision -1"),
        ("1999-12-31", "'demo' did not exist at 1999-12-31 23:59:59Z: it was created at "),
        ("yesterday", "--at 'yesterday' is neither a revision (a whole number) nor a time"),
        ("", "--at '' is neither a revision"),
        ("²", "--at '²' is neither a revision"),
        ("9" * 5000, "is neither a revision"),
        ("0001-01-01T00:00:00+14:00", "is neither a revision"),
        ("0001-01-01", "'demo' did not exist at "),
    ],
)
def test_an_invalid_moment_is_refused(cli: Any, provisioned: str, at: str, said: str) -> None:
    ran = cli("history", "demo", f"--at={at}")

    assert ran.code == 2
    assert said in ran.err
    assert "next: envchart history demo" in ran.err


def test_the_far_future_shows_the_last_record(cli: Any, provisioned: str) -> None:
    assert cli("history", "demo", "--at", "9999-12-31").out.startswith("demo: provisioned\n")


def test_records_are_read_while_they_are_printed(cli: Any, hello: str, data: Path) -> None:
    history = FileRepository(data).history(hello)
    document = {"name": hello, "history": [history_document(entry) for entry in history]}
    assert cli("history", hello, "--json").out == json.dumps(document, indent=2) + "\n"
    read: list[int] = []

    def endless() -> Iterator[HistoryEntry]:
        for seq in count(1):
            read.append(seq)
            yield history[0].model_copy(update={"seq": seq})

    for lines in (history_lines(endless()), json_lines({"name": hello}, map(history_document, endless()))):
        assert len(list(islice(lines, 1500))) == 1500
    assert max(read) < 4000


def test_the_events_of_an_environment_become_a_test(cli: Any, hello: str, tmp_path: Path) -> None:
    cli("provision", hello)
    cli("configure", hello)
    cli("destroy", hello, "--yes")

    written = cli("history", hello, "--as-test", "test_hello.py")

    assert (written.code, written.err) == (
        0,
        "written to test_hello.py; run it with pytest test_hello.py\n",
    )
    text = (tmp_path / "test_hello.py").read_text()
    assert 'driver.fire("complete").expect("configured")' in text
    assert "can't be replayed" not in text
    assert cli("history", hello, "--as-test").out == text
    assert "exclude each other" in cli("history", hello, "--at", "1", "--as-test").err
    runpy.run_path(str(tmp_path / "test_hello.py"))["test_hello"]()
