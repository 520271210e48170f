"""Firing: events of any chart on the value of a session, committed by it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Generic

from statechart.storage.session import ModelT, Session

if TYPE_CHECKING:
    from statechart.chart import Chart, Event
    from statechart.hooks import Transition


def with_state(value: ModelT, transition: Transition) -> ModelT:
    """Return the value with the target as its `state`: what `fire` does by default."""
    return value.model_copy(update={"state": transition.to_state})


def fire(
    session: Session[ModelT],
    chart: type[Chart],
    event: Event,
    *,
    evolve: Callable[[ModelT, Transition], ModelT] = with_state,
    **payload: Any,  # Any: whatever the chart's hooks take
) -> ModelT:
    """Fire an event on the value that a session holds, and return the value that was committed.

    The chart's guards and hooks see the value's fields as the attributes of `model`, and the payload
    as keyword arguments. `evolve` makes the next value from the present one and the transition.

    Raises:
        UnknownEvent: The chart has no such event.
        InvalidTransition: The chart does not allow it now; nothing was written.
        StorageError: It could not be committed; see `Session.commit`.
    """
    model = SimpleNamespace(**dict(session.value))
    chart.bound(model, subject=session.name, commit=_Fired(session, evolve)).fire(event, **payload)
    return session.value


class _Fired(Generic[ModelT]):
    """Commits one transition to its session."""

    def __init__(self, session: Session[ModelT], evolve: Callable[[ModelT, Transition], ModelT]) -> None:
        self._session = session
        self._evolve = evolve
        self._before = session.head.revision

    @property
    def committed(self) -> bool:
        return self._session.head.revision > self._before

    def __call__(self, transition: Transition) -> Mapping[str, object]:
        said = {
            "event": transition.event,
            "from_state": transition.from_state,
            "to_state": transition.to_state,
        }
        value = self._evolve(self._session.value, transition)
        self._session.commit("transition", value, expected=self._before, data=said)
        return {"subject": self._session.name, "revision": self._session.head.revision}
