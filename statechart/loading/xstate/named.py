"""The guards, actions, delays and data of a document like XState's: all by name, or literal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from statechart.loading.actions import giving, logging, raising
from statechart.loading.specification import Call, Description, Place

_JOINED: Final = {"and": " and ", "or": " or ", "xstate.and": " and ", "xstate.or": " or "}
_INSIDE: Final = ("in", "stateIn", "xstate.stateIn")
_NEEDS_CODE: Final = "the document brings no code: name a method of the class that is given as base"


class Named:
    """Turns the names in a document to guards and hooks.

    Args:
        description: The chart, which notes the events that its actions raise.
    """

    def __init__(self, description: Description) -> None:
        self._description = description

    def guards(self, given: object, place: Place) -> list[Call]:
        """Return the guards of a transition."""
        return [] if given is None else [self._guard(given, place)]

    def actions(self, given: object, place: Place) -> list[Call]:
        """Return the actions in a list, or a single one."""
        several = given if isinstance(given, list) else [] if given is None else [given]
        return [self._action(each, place) for each in several]

    def delay(self, given: str, place: Place) -> timedelta | str:
        """Return a delay, which is given in milliseconds, or by the name of a function."""
        if given.isidentifier():
            return given
        try:
            return timedelta(milliseconds=float(given))
        except (ValueError, OverflowError):
            raise place.refused(
                f"the delay {given!r} is not understood: give milliseconds, or the name of a method"
            ) from None

    def data(self, given: object, place: Place) -> Call | None:
        """Return the action that gives the output of a final state."""
        if given is None:
            return None
        if not isinstance(given, Mapping) or not all(str(key).isidentifier() for key in given):
            raise place.refused(f"the output {given!r} is not understood: give a mapping of names")
        return giving({str(key): value for key, value in given.items()})

    def _guard(self, given: object, place: Place) -> str:
        kind, parameters = _parts(given)
        if isinstance(given, Mapping) and isinstance(given.get("guards"), list):
            several = [self._guard(each, place) for each in given["guards"]]
            if kind in _JOINED and several:
                return f"({_JOINED[kind].join(several)})"
            if kind in ("not", "xstate.not") and len(several) == 1:
                return f"(not {several[0]})"
        if kind in _INSIDE and isinstance(given, Mapping):
            state = given.get("stateId", parameters.get("stateId") if parameters else None)
            if isinstance(state, str):
                return f"In({state.lstrip('#')!r})"
        return self._name(kind, parameters, given, place)

    def _action(self, given: object, place: Place) -> Call:
        kind, parameters = _parts(given)
        event = given.get("event") if isinstance(given, Mapping) else None
        if kind in ("raise", "xstate.raise") and event is not None:
            name = event.get("type") if isinstance(event, Mapping) and len(event) == 1 else event
            if isinstance(name, str):
                self._description.raised.add(name)
                return raising(name)
        if kind in ("log", "xstate.log") and isinstance(given, Mapping):
            words = (given.get("label"), given.get("expr"))
            return logging(": ".join(str(each) for each in words if each is not None))
        return self._name(kind, parameters, given, place)

    def _name(self, kind: str, parameters: object, given: object, place: Place) -> str:
        if not kind.isidentifier() or parameters:
            what = f"{kind!r} has parameters" if parameters else f"{given!r} is not understood"
            raise place.refused(f"{what}: {_NEEDS_CODE}")
        return kind


def _parts(given: object) -> tuple[str, Any]:
    """Return the name and the parameters of a guard or action."""
    if isinstance(given, Mapping):
        return str(given.get("type", "")), given.get("params")
    return (given, None) if isinstance(given, str) else ("", None)
