"""Tests of the approval chart by the plugin, and of the command as it is typed."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from approval import ApprovalChart, Request, Vote
from board import main

from statechart.testing import Cell, Driver, Path as EventPath

PAYLOADS = {
    "submit": [{"by": "ann"}, {"by": "bob"}],
    "approve": [{"by": "bob"}, {"by": "cleo"}, {"by": "ann"}],
    "reject": [{"by": "bob", "comment": "no"}, {"by": "ann", "comment": "no"}],
    "withdraw": [{"by": "ann"}, {"by": "bob"}],
}


@pytest.fixture(autouse=True)
def _mail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPROVAL_MAIL", str(tmp_path / "mail"))
    monkeypatch.chdir(tmp_path)


def request() -> Request:
    return Request(title="New logo", author="ann", approvers=["bob", "cleo"], needed=2)


def test_two_of_two_approve(chart_driver: Callable[..., Driver]) -> None:
    driver = chart_driver(ApprovalChart, model=request())

    driver.refuses("submit", because="only the author", by="bob").fire("submit", by="ann")
    driver.refuses("approve", because="only an approver", by="ann").fire("approve", by="bob")
    driver.refuses("reject", because="one vote a round", by="bob", comment="or not")
    driver.fire("approve", by="cleo", comment="fine").expect("approved")

    assert driver.model.votes == [Vote(by="bob", yes=True), Vote(by="cleo", yes=True, comment="fine")]


def test_each_round_begins_without_votes_and_the_third_is_the_last(
    chart_driver: Callable[..., Driver],
) -> None:
    driver = chart_driver(ApprovalChart, model=request())

    for round_ in (1, 2, 3):
        driver.fire("submit", by="ann").fire("approve", by="bob")
        assert (driver.model.round, driver.model.approvals) == (round_, 1)
        driver.fire("reject", by="cleo", comment="no")
    driver.expect("rejected")


@pytest.mark.statechart_paths(ApprovalChart, model=request, payloads=PAYLOADS)
def test_every_transition(path: EventPath) -> None:
    path.drive()


@pytest.mark.statechart_matrix(ApprovalChart, model=request, payloads=PAYLOADS)
def test_every_event_in_every_state(cell: Cell) -> None:
    cell.check()


def board(line: str) -> int:
    return main(shlex.split(line))


NEW = "new R-1 'New logo' --by ann --ask bob cleo --needed"


def test_a_request_is_approved_and_everybody_has_mail(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (f"{NEW} 2", "submit R-1 --by ann", "approve R-1 --by bob", "approve R-1 --by cleo")

    assert [board(line) for line in lines] == [0, 0, 0, 0]
    assert "R-1 is approved" in capsys.readouterr().out
    sent = sorted(path.name.split("-")[0] for path in (tmp_path / "mail").iterdir())
    assert sent == ["ann", "bob", "cleo"]


def test_mail_that_can_not_be_sent_is_sent_later(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    board(f"{NEW} 2")
    (tmp_path / "mail").touch()  # no directory

    assert board("submit R-1 --by ann") == 1  # recorded all the same
    assert "ask_approvers" in capsys.readouterr().err
    (tmp_path / "mail").unlink()
    assert [board("send"), board("send")] == [0, 0]
    assert len(list((tmp_path / "mail").iterdir())) == 2


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("submit R-1 --by bob", "cannot submit 'R-1' in state draft: only the author may do that"),
        ("approve R-1 --by bob", "cannot approve 'R-1' in state draft"),
        ("show R-2", "there is no 'R-2'"),
        (f"{NEW} 2", "'R-1' already exists"),
        (f"{NEW} 3", "3 approvals are needed, and 2 are asked"),
        ("list --state aproved", "approved"),
        ("new ../R-2 Title --ask bob", "'../R-2'"),
    ],
)
def test_the_board_says_what_is_wrong(line: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    board(f"{NEW} 2")

    assert board(line) == 1
    assert told in capsys.readouterr().err
