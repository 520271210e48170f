"""A full disk: the error, and the same command once there is space."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from environments.testing import ScriptedProvider
from statechart.errors import StorageError
from statechart.storage.journal import Journal


@pytest.fixture
def full_after(monkeypatch: pytest.MonkeyPatch) -> Callable[[int | None], None]:
    """Limits the number of records that the journal still takes; None is no limit."""
    append, left = Journal.append, [10**6]

    def limited(journal: Journal, line: Any) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise StorageError(f"cannot append to {journal.path}: the disk is full")
        append(journal, line)

    monkeypatch.setattr(Journal, "append", limited)
    return lambda records: left.__setitem__(0, 10**6 if records is None else records)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (0, "the disk is full"),
        (1, "failed at first_provision: its intent could not be recorded"),
        (2, "failed at first_provision: its result could not be recorded"),
        (5, "failed at second_provision: all steps are done, but this could not be recorded"),
    ],
)
def test_the_error_names_the_lost_record_and_the_same_command_continues(
    cli: Any,
    created: Any,
    scripted_provider: ScriptedProvider,
    full_after: Callable[[int | None], None],
    written: int,
    said: str,
) -> None:
    full_after(written)
    ran = cli("provision", "demo")
    full_after(None)
    again = cli("provision", "demo")

    assert ran.code in (6, 7)
    assert said in ran.err
    assert "next: free some space" in ran.err or "next: repair the disk" in ran.err
    assert (again.code, again.out) == (0, "demo is provisioned\n")


def test_more_attempts_on_a_full_disk_change_nothing(
    cli: Any, created: Any, scripted_provider: ScriptedProvider, full_after: Callable[[int | None], None]
) -> None:
    full_after(2)
    first = cli("provision", "demo")
    refused = [cli(*words).code for words in (["provision", "demo"], ["recover", "demo"])]
    full_after(None)
    again = cli("provision", "demo")

    assert first.code == 6
    assert set(refused) <= {2, 7}
    assert (again.code, again.out) == (0, "demo is provisioned\n")


def test_the_next_step_after_a_full_disk_is_the_same_command(
    cli: Any, created: Any, scripted_provider: ScriptedProvider, full_after: Callable[[int | None], None]
) -> None:
    full_after(2)

    ran = cli("provision", "demo")

    assert (
        "next: free some space or repair the disk, then repeat the command: envchart provision demo"
        in ran.err
    )


def test_an_unrecorded_destroy_prints_the_lost_records_as_json(
    cli: Any, created: Any, scripted_provider: ScriptedProvider, full_after: Callable[[int | None], None]
) -> None:
    full_after(1)

    ran = cli("destroy", "demo", "--yes", "--keep-going-unrecorded")

    assert ran.code == 7
    records = [json.loads(line) for line in ran.err.splitlines() if line.startswith("{")]
    assert [record["type"] for record in records] == ["step", "step", "step", "step", "transition"]
    assert "'demo' is destroyed, but 5 records of it could not be saved" in ran.err
    assert "next: keep the records printed above, free some space, then envchart destroy demo" in ran.err
