"""Fire events of a chart on a recorded value, and commit each transition."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from pydantic_core import PydanticSerializationError, from_json, to_json

from statechart.engine.nested.beginning import due_timers
from statechart.engine.payload import RESERVED, Payload
from statechart.engine.values import require_entered
from statechart.errors import InvalidValue, UnknownPayload
from statechart.storage.chain import LAPSED, TRANSITION
from statechart.storage.session import ModelT, Session, secrets_in
from statechart.utc import moment_of
from statechart.wording import state_text

if TYPE_CHECKING:
    from statechart.chart import Chart, Event
    from statechart.engine.declaration.timers import Due
    from statechart.engine.hooks import Transition

ValueT = TypeVar("ValueT")


class Ledger(Protocol[ValueT]):
    """A recorded value, and the form in which a transition of it is recorded."""

    @property
    def value(self) -> ValueT:
        """The value as recorded now."""
        ...

    @property
    def revision(self) -> int:
        """The revision of the value, which every recorded transition raises."""
        ...

    @property
    def subject(self) -> str | None:
        """The name of the value in errors and log lines, or None if the model has one."""
        ...

    def model(self) -> object:
        """Return the object whose attributes guards and hooks see."""
        ...

    def commit(self, value: ValueT, transition: Transition) -> Mapping[str, object]:
        """Make a transition and its value durable; return the fields of its log line."""
        ...


def fire(
    session: Session[ModelT],
    chart: type[Chart[Any]],
    event: Event,
    *,
    evolve: Callable[[ModelT, Transition], ModelT] | None = None,
    **payload: Any,  # Any: the chart's hooks decide
) -> ModelT:
    """Fire an event on the value that a session holds, and return the committed value.

    Guards and hooks see a draft of the value as `model`, and the payload as keyword arguments. What hooks
    assign is committed with the transition. `evolve` makes the next value from the value as the hooks left
    it, which is still in the old state, and the transition; by default, the chart's own `evolve` does.
    The model validates the result as a reader of the record will; `fire` returns it as read.

    Raises:
        UnknownEvent: The chart has no such event.
        InvalidTransition: The chart does not allow the event now; nothing was written.
        InvalidValue: The model could not read the value again, or not in its state; nothing was written.
        StorageError: The transition could not be committed; see `Session.commit`.
    """
    __tracebackhide__ = True  # pytest shows the test that fires instead
    return fire_with(session, chart, event, payload, evolve)


def fire_with(
    session: Session[ModelT],
    chart: type[Chart[Any]],
    event: Event,
    payload: Mapping[str, Any],  # Any: the chart's hooks decide
    evolve: Callable[[ModelT, Transition], ModelT] | None = None,
) -> ModelT:
    """Do what `fire` does, with a payload whose keywords may be named like the parameters of `fire`."""
    __tracebackhide__ = True
    commit = _SessionCommit(session, chart)
    machine = chart.bound(session.value, subject=session.name, commit=commit, evolve=evolve)
    machine.fire(event, **payload)
    return session.value


def fire_on(
    ledger: Ledger[ValueT],
    chart: type[Chart[Any]],
    event: Event,
    evolve: Callable[[ValueT, Transition], ValueT],
    **payload: Any,  # Any: the chart's hooks decide
) -> ValueT:
    """Fire an event on a value that is recorded in a form of the caller's, and return the recorded value.

    Guards and hooks see the ledger's model; only `evolve` changes the value.
    """
    __tracebackhide__ = True
    machine = chart.bound(ledger.model(), subject=ledger.subject, commit=_Commit(ledger, evolve))
    machine.fire(event, **payload)
    return ledger.value


def fire_due(
    session: Session[ModelT],
    chart: type[Chart[Any]],
    now: datetime | None = None,
    *,
    limit: int | None = None,
    without: Collection[str] = (),
) -> tuple[Transition, ...]:
    """Fire the events of the timers of a session's value that are due, the earliest first.

    Each is a commit of its own. A timer whose event nothing takes lapses, which is a record as well.

    Args:
        session: The session.
        chart: The chart.
        now: The moment; by default the present.
        limit: The most timers to fire.
        without: The names of timers to leave as they are.

    Raises:
        ValueError: The moment has no time zone.
        InvalidValue: The model could not read the value again; the timer stays due.
        StorageError: A transition could not be committed; see `Session.commit`.
    """
    now = moment_of(now)
    fired: list[Transition] = []
    while len(fired) != limit and any(each.timer not in without for each in due(chart, session.value, now)):
        commit = _SessionCommit(session, chart)
        machine = chart.bound(session.value, subject=session.name, commit=commit)
        fired += machine.fire_due(now, limit=1, without=without)
    return tuple(fired)


def due(chart: type[Chart[Any]], value: object, now: datetime | None = None) -> tuple[Due, ...]:
    """Return the timers of a value, or of a configuration, that are due, the earliest first.

    Raises:
        ValueError: The moment has no time zone.
        UnknownState: The chart can't be in the state of the value.
    """
    return due_timers(chart, getattr(value, "state", value), moment_of(now))


class _Commit(Generic[ValueT]):
    """Commits one transition to a ledger, as the chart's entry hook asks."""

    reads_payload = True
    """The chart leaves the check of the payload to this commit, since `evolve` may read it."""

    def __init__(self, ledger: Ledger[ValueT], evolve: Callable[[ValueT, Transition], ValueT]) -> None:
        self._ledger = ledger
        self._evolve = evolve
        self._before = ledger.revision  # tells after an interrupted commit whether it was made

    @property
    def committed(self) -> bool:
        return self._ledger.revision > self._before

    def __call__(self, transition: Transition) -> Mapping[str, object]:
        value = self._evolve(self._ledger.value, transition)
        misspelt = transition.payload.misspelt() if isinstance(transition.payload, Payload) else None
        if misspelt is not None:
            raise UnknownPayload(transition.chart, transition.event, *misspelt)
        return self._ledger.commit(value, transition)


class _SessionCommit(Generic[ModelT]):
    """Commits a transition to a session: the record's data is the transition."""

    reads_value = True
    """The chart leaves the check of the value to this commit, which reads it as its readers will."""

    def __init__(self, session: Session[ModelT], chart: type[Chart[Any]]) -> None:
        self._session = session
        self._chart = chart
        self._before = session.head.revision  # tells after an interrupted commit whether it was made

    @property
    def committed(self) -> bool:
        return self._session.head.revision > self._before

    def __call__(self, transition: Transition) -> Mapping[str, object]:
        session = self._session
        data: dict[str, object] = {
            "event": transition.event,
            "from_state": transition.from_state,
            "to_state": transition.to_state,
        }
        data |= _told(transition)
        payload = _recorded(session.name, self._chart, transition.payload)
        _require_read(transition, payload)
        if payload:
            data["payload"] = payload
        if transition.effects:
            data["effects"] = transition.effects
        kind = LAPSED if transition.lapsed else TRANSITION
        session.commit(kind, self._readable(transition), expected=self._before, data=data, at=transition.at)
        return {"subject": session.name, "revision": session.head.revision}

    def _readable(self, transition: Transition) -> ModelT:
        """Return the value as it will be read, in the state that the transition leads to.

        Raises:
            InvalidValue: The model does not read it, or reads another state.
        """
        value: ModelT = transition.value
        if state_text(getattr(value, "state", None)) == transition.to_state:
            # `to_state` is a text, and evolve functions put the text into models of any type.
            value = value.model_copy(update={"state": transition.to_value})
        read = self._session.as_read(value)
        require_entered(self._chart, read, transition.to_value, self._session.name)
        return read


def _told(transition: Transition) -> dict[str, object]:
    """Return the data of a macrostep's record beside its event and its states."""
    found: dict[str, object] = {}
    if transition.steps:
        found["steps"] = [
            {"event": step.event, "exited": step.exited, "entered": step.entered}
            for step in transition.steps
        ]
    if transition.timer is not None:
        found |= {"timer": transition.timer, "due": transition.due}
    return found


def _recorded(name: str, chart: type[Chart], payload: Mapping[str, Any]) -> dict[str, object]:
    """Return the payload of an event as JSON, without the keywords that the chart leaves out.

    Raises:
        InvalidValue: JSON can't hold a keyword.
    """
    choice = chart.record_payload
    if choice is False:
        return {}
    left_out = choice if isinstance(choice, Collection) else ()
    # A dict's own method: the keywords do not count as read.
    given = dict.items(payload) if isinstance(payload, dict) else payload.items()
    found: dict[str, object] = {}
    for keyword, value in given:
        if keyword in left_out:
            continue
        try:
            found[keyword] = _as_json(value)
        except (PydanticSerializationError, ValueError, TypeError) as error:
            hint = f"leave it out of the record: `record_payload = {{{keyword!r}}}` in {chart.__name__}"
            problem = f"JSON can't hold the payload {keyword!r} ({error}): {hint}"
            raise InvalidValue(name, problem) from error
    return found


def _require_read(transition: Transition, recorded: Collection[str]) -> None:
    """Check that no keyword of a payload is lost: taken by nothing, and not recorded either.

    Raises:
        UnknownPayload: A keyword is.
    """
    payload = transition.payload
    if not isinstance(payload, Payload):
        return
    for keyword in payload.unread():
        if keyword not in recorded:
            known = sorted((payload.taken or set()) - RESERVED)
            raise UnknownPayload(transition.chart, transition.event, keyword, None, known)


def _as_json(value: object) -> object:
    if isinstance(value, Iterator):
        raise TypeError(f"a {type(value).__name__} can be read only once")
    found: object = from_json(to_json(value, inf_nan_mode="strings"))
    # A model's serializer may reveal its secrets, as it must for the model to be stored.
    hidden = {leaf for secret in secrets_in(value) for leaf in _leaves(secret.get_secret_value())}
    return _masked(found, hidden) if hidden else found


def _leaves(plain: object) -> Iterator[str]:
    match plain:
        case dict():
            yield from _leaves(list(plain.values()))
        case list():
            for each in plain:
                yield from _leaves(each)
        case str():
            yield plain
        case _ if plain is not None and not isinstance(plain, (bool, int, float)):
            yield from _leaves(from_json(to_json(plain)))
        case _:
            yield str(plain)


def _masked(found: object, hidden: Collection[str]) -> object:
    match found:
        case dict():
            return {_masked(key, hidden): _masked(each, hidden) for key, each in found.items()}
        case list():
            return [_masked(each, hidden) for each in found]
        case str() if found not in hidden:
            for secret in hidden:
                # A few characters may well be a part of another word.
                found = found.replace(secret, _MASK) if len(secret) > 3 else found
            return found
        case _:
            return _MASK if str(found) in hidden else found


_MASK = "**********"  # as pydantic has it
