"""The engine's errors: their messages, their attributes, and their way between processes."""

from __future__ import annotations

import inspect
import pickle
from pathlib import Path

import pytest

from statechart import errors
from statechart.errors import (
    AlreadyExists,
    ChartDefinitionError,
    ChartNotFound,
    CommitUncertain,
    Conflict,
    CorruptHistory,
    DamagedNames,
    DiagramUnavailable,
    Diverged,
    DocumentRefused,
    IllegalConfiguration,
    InternalEvent,
    InvalidCursor,
    InvalidName,
    InvalidPayload,
    InvalidTransition,
    InvalidValue,
    LeaseLost,
    Locked,
    MigrationFailed,
    MissingPayload,
    MissingSegment,
    MovedAway,
    NestedFire,
    NewerSchema,
    NoSuchMoment,
    NoSuchPath,
    NotCopyable,
    NotDamaged,
    NotFound,
    NotOurs,
    OnNetwork,
    PageError,
    PageErrors,
    ReservedPayload,
    Stale,
    StatechartError,
    StorageError,
    Unexplored,
    UnfitValue,
    UnknownEvent,
    UnknownPayload,
    UnknownState,
    Unstable,
    UnusableSegment,
)
from statechart.holder import Holder

ONE_OF_EACH = (
    StatechartError("anything"),
    ChartDefinitionError("chart Door: it is compound"),
    DocumentRefused("door.scxml", "it has a script", line=3),
    UnknownEvent("Door", "opne", ["open", "close"]),
    InternalEvent("Door", "done.state.hall", ["open", "close"]),
    UnknownState("Door", "ajar", ["opened", "closed"]),
    IllegalConfiguration("Door", "opened + closed", "opened, closed are active together", "front"),
    Unexplored("Door", "opened + lit", 10_000),
    Unstable("Door", "open", 1000, ["open", "always", "always"]),
    InvalidTransition(
        chart="Door", event="open", subject="front", state="closed", allowed=["lock"], reason="it is stuck"
    ),
    NestedFire("Door", "open"),
    ReservedPayload(["model", "state"]),
    UnknownPayload("Door", "open", "kee", "key"),
    InvalidPayload("Door", "open", "key", "a", "guard fits", "Input should be a valid integer"),
    MissingPayload("Door", "open", "guard fits", ["key"], given=["kee"]),
    NotCopyable("Door"),
    NoSuchPath("Door", "lock", "opened", ["close"]),
    ChartNotFound("shop:Order", "there is no module shop", "shop.py:3"),
    DiagramUnavailable("png needs the package resvg-py"),
    PageError(Path("README.md"), 3, "the marker has no end"),
    PageErrors([PageError(Path("README.md"), None, "it is read-only")]),
    StorageError("the disk is full"),
    InvalidName("../door"),
    InvalidValue("front", "its state is of another type"),
    NotFound("front", "/doors"),
    MovedAway("front", "/doors", "sqlite:///doors.db"),
    NotOurs(Path("/doors/front"), "is a symbolic link"),
    OnNetwork(Path("/doors"), "nfs4"),
    MigrationFailed("front", Path("/doors/front/history.jsonl"), 3, 1, "KeyError: 'key'"),
    NotDamaged("front"),
    InvalidCursor("e" * 100),
    NoSuchMoment("front", "revision 9", "it has revisions 1 to 4"),
    DamagedNames("/doors", ["back"], {}),
    Conflict("somebody was first"),
    AlreadyExists("front", "/doors"),
    Stale("front", expected=3, actual=4),
    Diverged("front", "sqlite:///doors.db"),
    Locked("front", Holder.current("open")),
    LeaseLost("front", Path("/doors/.locks/front.lock")),
    CommitUncertain("front"),
    CorruptHistory("front", Path("/doors/front/history.jsonl"), "a number is missing", line=7),
    UnfitValue("front", Path("/doors/front/history.jsonl"), "it is no door", line=7),
    UnusableSegment("front", Path("/doors/front/history.00000001-00000250.jsonl"), 1, 250, "it is cut"),
    MissingSegment("front", Path("/doors/front/history.00000001-00000250.jsonl"), 1, 250, "it is gone"),
    NewerSchema("front", Path("/doors/front/state.json"), 3, 1),
)


def test_the_table_has_one_of_each_error() -> None:
    defined = {
        kind
        for kind in vars(errors).values()
        if inspect.isclass(kind) and issubclass(kind, StatechartError) and not kind.__name__.startswith("_")
    }

    assert {type(error) for error in ONE_OF_EACH} == defined


@pytest.mark.parametrize("error", ONE_OF_EACH, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_an_error_survives_pickling_with_its_message_and_its_facts(
    error: StatechartError, protocol: int
) -> None:
    copied = pickle.loads(pickle.dumps(error, protocol))

    assert type(copied) is type(error)
    assert str(copied) == str(error)
    assert vars(copied) == vars(error)


@pytest.mark.parametrize("error", ONE_OF_EACH, ids=lambda error: type(error).__name__)
def test_every_error_is_caught_by_the_root_and_says_something(error: StatechartError) -> None:
    assert isinstance(error, StatechartError)
    assert str(error).strip()
    assert str(error) == error.args[0]


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (ChartDefinitionError, TypeError),
        (UnknownEvent, LookupError),
        (UnknownState, LookupError),
        (NestedFire, RuntimeError),
        (ReservedPayload, TypeError),
        (UnknownPayload, TypeError),
        (InvalidPayload, TypeError),
        (MissingPayload, TypeError),
        (InvalidName, ValueError),
        (InvalidValue, ValueError),
        (InvalidValue, TypeError),
        (NotFound, LookupError),
        (AlreadyExists, FileExistsError),
        (Locked, TimeoutError),
    ],
)
def test_an_error_is_the_builtin_that_callers_expect(
    kind: type[StatechartError], builtin: type[Exception]
) -> None:
    assert issubclass(kind, builtin)


@pytest.mark.parametrize("kind", [AlreadyExists, Stale, Locked])
def test_the_second_of_two_sees_a_conflict(kind: type[StatechartError]) -> None:
    assert issubclass(kind, Conflict)
    assert issubclass(kind, StorageError)


def test_a_path_of_states_offers_the_last_of_them() -> None:
    error = UnknownState("Order", "open.payment.paid", ["open", "paid", "payment"])

    assert error.nearest == "paid"
    assert "did you mean 'paid'?" in str(error)


def test_an_unknown_name_offers_the_nearest() -> None:
    error = UnknownEvent("Door", "opne", ["close", "open"])

    assert error.nearest == "open"
    assert str(error) == "Door has no event 'opne': did you mean 'open'?"


def test_an_unknown_name_that_is_near_to_none_is_answered_with_all() -> None:
    error = UnknownState("Door", "xyz", ["opened", "closed"])

    assert error.nearest is None
    assert str(error) == "Door has no state 'xyz': known are opened, closed"


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        (
            {"subject": "demo", "allowed": ["provision", "register", "destroy"]},
            "cannot open 'demo' in state shut: allowed now are provision, register, destroy",
        ),
        ({"subject": None, "allowed": ["lock"]}, "cannot open in state shut: allowed now is lock"),
        ({"subject": "demo", "allowed": []}, "cannot open 'demo' in state shut: allowed now is nothing"),
        (
            {"subject": "demo", "allowed": ["lock"], "reason": "it is stuck"},
            "cannot open 'demo' in state shut: it is stuck; allowed now is lock",
        ),
    ],
)
def test_a_refusal_reads_like_a_sentence(facts: dict[str, object], message: str) -> None:
    error = InvalidTransition(chart="Door", event="open", state="shut", **facts)  # type: ignore[arg-type]

    assert str(error) == message


@pytest.mark.parametrize(
    "error",
    [error for error in ONE_OF_EACH if isinstance(vars(error).get("where"), Path)],
    ids=lambda error: type(error).__name__,
)
def test_the_place_of_an_error_of_files_is_its_path_as_well(error: NotOurs) -> None:
    assert error.path == error.where
