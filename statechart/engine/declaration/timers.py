"""Timers: events that become due some time after a state was entered."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from statechart.engine.attributes import never_runs
from statechart.errors import InvalidValue
from statechart.wording import state_text

if TYPE_CHECKING:
    from statemachine import State

Delay: TypeAlias = "timedelta | Callable[[Any], timedelta]"


@dataclass(frozen=True, eq=False)
class Timer:
    """An event that becomes due some time after a state was entered, if the state is active until then.

    The deadline is part of the state: it is committed with the transition that enters the state, and
    cancelled by the one that leaves it. `fire_due` and the timers' runner fire a due timer once.

    Args:
        state: The state, at any depth. Entering it again begins the timer again.
        after: The time, or a function of the model that returns it.
        event: The event, as declared or by its name.
    """

    state: Any  # Any: a State; the checkers see a nested state as a class
    after: Delay
    event: Any  # Any: an Event, or in a class body the transitions that will be one


@dataclass(frozen=True, slots=True)
class Due:
    """A timer of a value.

    Attributes:
        timer: The name of the timer, such as `awaiting.expire`.
        event: The event that it fires.
        at: The deadline.
    """

    timer: str
    event: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Alarm:
    """A timer as its chart has it.

    Attributes:
        name: The name in records.
        state: The state.
        event: The name of the event.
    """

    name: str
    state: State
    event: str
    after: Delay

    @property
    def owner(self) -> str:
        """The text of the state."""
        return state_text(self.state.value)

    def deadline(self, at: datetime, model: object, subject: str) -> datetime:
        """Return the deadline of a timer whose state is entered.

        Raises:
            InvalidValue: The delay is no time, or leads out of the calendar.
        """
        after: Any = self.after(model) if callable(self.after) else self.after
        problem = delay_problem(after)
        if problem is not None:
            raise InvalidValue(subject, f"the timer {self.name} {problem}")
        try:
            moment: datetime = at + after
        except OverflowError as error:
            years = "lies outside of the years 1 to 9999"
            raise InvalidValue(subject, f"the deadline of the timer {self.name} {years}") from error
        return moment


def delay_problem(after: object) -> str | None:
    """Return the reason why something is no delay, or None."""
    if not isinstance(after, timedelta):
        return f"has a delay of the type {type(after).__name__}: give a timedelta"
    if after <= timedelta():
        hint = "give a longer one, or a transition without an event, which takes no time"
        return f"has a delay of {after}: {hint}"
    return None


def function_problem(after: Callable[..., object]) -> str | None:
    """Return the reason why a function can't tell a delay, or None."""
    problem = never_runs(after)
    if problem is not None:
        return f"takes its delay from a function that {problem}"
    try:
        inspect.signature(after).bind(None)
    except TypeError as error:
        return f"takes its delay from a function that can't be called ({error}): declare it as after(model)"
    except ValueError:  # some callables of C have no signature
        return None
    return None
