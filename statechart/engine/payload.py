"""The payload of an event: the keywords that guards, hooks and others take from it."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from traceback import walk_tb
from types import FrameType
from typing import TYPE_CHECKING, Any

from statemachine import dispatcher
from statemachine.callbacks import CallbackGroup, SpecReference

from statechart.engine.naming import names
from statechart.errors import ChartDefinitionError, MissingPayload, UnknownPayload
from statechart.wording import nearest

if TYPE_CHECKING:
    from _collections_abc import dict_items, dict_keys, dict_values

    from statemachine import Event, StateChart

    Machine = StateChart[Any]

RESERVED = frozenset(
    (
        "event_data",
        "machine",
        "event",
        "model",
        "transition",
        "state",
        "source",
        "target",
        "delay",
        "send_id",
        "internal",
        "key",
        "on_error",
        "self",
    )
)
"""Keywords that the engine gives to guards and hooks itself, or drops."""


class Payload(dict[str, Any]):
    """A payload that notes the keywords that are read.

    A commit reads it as well: a keyword is misspelt only if neither a hook nor the commit takes it.
    """

    def __init__(self, given: Any = (), taken: Iterable[str] | None = ()) -> None:
        super().__init__(given)
        self.taken: frozenset[str] | None = None if taken is None else frozenset(taken)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.read.add(name)
        return super().__getitem__(name)

    def __iter__(self) -> Iterator[str]:
        self.read.update(super().keys())
        return super().__iter__()

    # Those of a dict would read past the two methods above.
    def get(self, name: str, default: Any = None, /) -> Any:
        """Return the value of a keyword, or the default."""
        self.read.add(name)
        return super().get(name, default)

    def keys(self) -> dict_keys[str, Any]:
        """Return the keywords; all count as read."""
        self.read.update(super().keys())
        return super().keys()

    def values(self) -> dict_values[str, Any]:
        """Return the values; all keywords count as read."""
        self.read.update(super().keys())
        return super().values()

    def items(self) -> dict_items[str, Any]:
        """Return the keywords with their values; all count as read."""
        self.read.update(super().keys())
        return super().items()

    def misspelt(self) -> tuple[str, str] | None:
        """Return a keyword that nothing takes, with the keyword that was probably meant."""
        if self.taken is None:  # a hook takes every keyword
            return None
        given = frozenset(super().keys())
        known = (self.taken | self.read) - given
        for name in sorted(given - self.taken - self.read):
            meant = nearest(name, sorted(known), 0.75)
            if meant is not None:
                return name, meant
        return None


def require_spelt(machine: Machine, event: Event, payload: Mapping[str, Any]) -> None:
    """Check that the payload of an event has no keyword that is probably misspelt.

    Raises:
        UnknownPayload: No guard or hook takes a keyword, and its name is close to one that they take.
    """
    __tracebackhide__ = True
    misspelt = Payload(payload, keywords(machine, event)).misspelt() if payload else None
    if misspelt is not None:
        raise UnknownPayload(type(machine).__name__, event.id, *misspelt)


def require_complete(machine: Machine, event: Event, payload: Mapping[str, Any], error: TypeError) -> None:
    """Check that an error does not come from a keyword that a guard or hook lacks.

    Raises:
        MissingPayload: It does.
    """
    __tracebackhide__ = True
    lacking = _lacking(error)
    if lacking is None:
        return
    name, lacked = lacking
    asked = [spec for spec in _specs(machine, event) if spec.group is CallbackGroup.COND]
    guards = {guard for spec in asked for guard in names(spec) or {spec.attr_name}}
    needed_by = f"guard {name}" if name in guards else f"hook {name}"
    raise MissingPayload(
        type(machine).__name__, event.id, needed_by, lacked, payload
    ) from error.with_traceback(None)


def require_no_payload(chart: str, error: TypeError) -> None:
    """Check that an error does not come from a hook of the initial state that needs a payload.

    Raises:
        ChartDefinitionError: It does.
    """
    lacking = _lacking(error)
    if lacking is not None:
        name, lacked = lacking
        raise ChartDefinitionError(
            f"chart {chart}: {name} takes {', '.join(lacked)}, but the initial state is entered without an "
            "event: give a default value"
        ) from error.with_traceback(None)


def keywords(machine: Machine, event: Event) -> frozenset[str] | None:
    """Return the keywords that the guards and hooks of an event take; None if one takes all."""
    # On the machine, since its model and its listeners have hooks as well.
    known: dict[str, frozenset[str] | None] = vars(machine).setdefault("_taken", {})
    if event.id not in known:
        known[event.id] = _keywords(machine, event)
    return known[event.id]


def _keywords(machine: Machine, event: Event) -> frozenset[str] | None:
    found: set[str] = set()
    for callback in _callbacks(machine, event):
        try:
            parameters = inspect.signature(callback).parameters.values()
        except (TypeError, ValueError):  # some callables of C have none
            return None
        if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
            return None
        found.update(parameter.name for parameter in parameters)
    return frozenset(found - RESERVED)


def _callbacks(machine: Machine, event: Event) -> Iterator[Any]:
    owners = [machine, machine.model, *machine._listeners.values()]
    for spec in _specs(machine, event):
        if spec.reference is SpecReference.CALLABLE:
            yield spec.func
            continue
        for name in names(spec):
            for owner in owners:
                found = getattr(type(owner), name, None)  # a property of the class is not asked
                found = getattr(owner, name, None) if found is None or callable(found) else None
                if callable(found):
                    yield found


def _specs(machine: Machine, event: Event) -> Iterator[Any]:
    yield from machine._specs
    for state in machine.states:
        for transition in state.transitions:
            if event.id in [declared.id for declared in transition.events]:
                yield from transition._specs
                for entered in (transition.source, *transition.targets):
                    yield from entered._specs


def _lacking(error: TypeError) -> tuple[str, tuple[str, ...]] | None:
    """Return the callback that could not be called, and the keywords that it lacks.

    None if the error comes from inside of the callback.
    """
    frames = [frame for frame, _ in walk_tb(error.__traceback__)]
    # The engine calls guards and hooks in this function, with the keywords that they name.
    calls = [n for n, frame in enumerate(frames) if _function(frame) == _CALLING]
    if not calls:
        return None
    called, bound = (frames[calls[-1]].f_locals[name] for name in ("a_callable", "ba"))
    entered = {frame.f_code for frame in frames[calls[-1] + 1 :]}
    # A decorator's function may have been entered; that which lacks the keyword was not.
    if getattr(inspect.unwrap(called), "__code__", None) in entered:
        return None
    lacking = tuple(
        parameter.name
        for parameter in inspect.signature(called).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
        and parameter.name not in bound.arguments
    )
    named = called.func if isinstance(called, partial) else called
    return (named.__name__, lacking) if lacking else None


def _function(frame: FrameType) -> tuple[str, str]:
    return frame.f_globals.get("__name__", ""), frame.f_code.co_name


_CALLING = (dispatcher.__name__, "signature_adapter")
