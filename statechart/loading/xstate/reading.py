"""Read JSON and YAML like XState's: states, transitions, guards and actions by name, delays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from statechart.loading.source import Source
from statechart.loading.specification import Arrow, Delay, Described, Description, Kind, Place
from statechart.loading.xstate.mapping import read_mapping
from statechart.loading.xstate.named import Named
from statechart.loading.xstate.targets import Targets
from statechart.wording import nearest

_TOLD: Final = frozenset(("description", "meta", "tags", "$schema"))
_ROOT: Final = frozenset(("version", "schemas", "tsTypes", "types", "strict"))
_ACTIONS: Final = frozenset(("predictableActionArguments", "preserveActionOrder"))
_STATE: Final = frozenset(
    (
        *("id", "key", "initial", "type", "states", "on", "always", "after", "onDone"),
        *("entry", "exit", "history", "target", "output", "data", "parallel"),
    )
)
_TRANSITION: Final = frozenset(("target", "guard", "cond", "actions", "reenter", "internal"))
_ITSELF: Final = ("on", "always", "after", "entry", "exit", "onDone")

_KINDS: Final = {
    "atomic": Kind.STATE,
    "compound": Kind.STATE,
    "parallel": Kind.PARALLEL,
    "final": Kind.FINAL,
    "history": Kind.SHALLOW,
}

_NOT_READ: Final = {
    "invoke": "a chart invokes nothing: do the work outside of it, then fire an event",
    "context": "a chart's data is that of its model: declare it there, and take the context away",
    "activities": "a chart runs nothing: do the work outside of it, then fire an event",
    "delimiter": "states are joined by a dot: take it away",
}


def read_xstate(source: Source) -> Description:
    """Return the chart that a document like XState's describes.

    Raises:
        DocumentRefused: It is no such document, or has a part that charts have not.
    """
    whole = read_mapping(source)
    found = Description(source, str(whole["id"]) if "id" in whole else None)
    reader = _Reader(source, found)
    reader.read(whole)
    return found


class _Reader:
    def __init__(self, source: Source, found: Description) -> None:
        self._source = source
        self._found = found
        self._named = Named(found)
        self._targets = Targets(source)
        self._bodies: list[tuple[Described, Mapping[str, Any], str]] = []

    def read(self, whole: Mapping[str, Any]) -> None:
        states = whole.get("states")
        if not isinstance(states, Mapping) or not states:
            raise self._place("").refused("it has no states: give it a mapping of states")
        kind = whole.get("type", "compound")
        if kind == "parallel" or any(name in whole for name in _ITSELF):
            name = self._found.name or "machine"
            self._found.states.append(self._state(name, whole, None, ""))
        else:
            self._check(whole, "", _STATE | _ROOT | _ACTIONS)
            self._found.states += self._within(whole, None, "")
        for state, body, path in self._bodies:
            self._fill(state, body, path)
        if self._found.states[0].parent is None and "initial" in whole and len(self._found.states) > 1:
            self._found.initial = self._targets.children(
                whole["initial"], self._found.states, self._place("initial")
            )

    def _within(self, body: Mapping[str, Any], parent: Described | None, path: str) -> Iterator[Described]:
        states = body.get("states") or {}
        if not isinstance(states, Mapping):
            raise self._place(f"{path}states").refused(
                "states is no mapping: give the states by their names"
            )
        for key, each in states.items():
            yield self._state(str(key), each or {}, parent, f"{path}states.{key}.")

    def _state(self, key: str, body: object, parent: Described | None, path: str) -> Described:
        place = self._place(path)
        if not isinstance(body, Mapping):
            raise place.refused(f"the state {key!r} is a {type(body).__name__}: give a mapping")
        self._check(body, path, _STATE if path else _STATE | _ROOT | _ACTIONS)
        word = body.get("type", "parallel" if body.get("parallel") is True else "atomic")
        kind = _KINDS.get(str(word))
        if kind is None:
            raise place.refused(
                f"the state {key!r} has the type {word!r}: write one of {', '.join(_KINDS)}"
            )
        if kind is Kind.SHALLOW and body.get("history") == "deep":
            kind = Kind.DEEP
        found = Described(str(body.get("id", key)), kind, place, parent)
        self._targets.add(found, key)
        found.children += self._within(body, found, path)
        self._bodies.append((found, body, path))
        return found

    def _fill(self, state: Described, body: Mapping[str, Any], path: str) -> None:
        """Read what may name other states, of which all are known now."""
        place = self._place(path)
        if state.states and state.kind is Kind.STATE:
            if "initial" not in body:
                raise place.refused(f"{state.id!r} has no initial state: name one of its states as initial")
            first = body["initial"]
            if isinstance(first, Mapping):
                state.opening = self._named.actions(first.get("actions"), self._place(f"{path}initial"))
                first = first.get("target")
            state.initial = self._targets.children(first, state.children, self._place(f"{path}initial"))
        state.entry = self._named.actions(body.get("entry"), self._place(f"{path}entry"))
        state.exit = self._named.actions(body.get("exit"), self._place(f"{path}exit"))
        if state.kind is Kind.FINAL:
            state.data = self._named.data(body.get("output", body.get("data")), place)
        if state.remembers:
            if "target" in body:
                arrow = Arrow(place, targets=self._targets.found(body["target"], state, place))
                state.arrows.append(arrow)
            return
        self._events(state, body, path)
        self._arrows(state, body.get("always"), (), f"{path}always")
        self._arrows(state, body.get("onDone"), (f"done.state.{state.id}",), f"{path}onDone")
        self._delays(state, body, path)

    def _events(self, state: Described, body: Mapping[str, Any], path: str) -> None:
        given = self._mapping(body, "on", path)
        # XState tries patterns last, the longest first, wherever they stand.
        for event in sorted(given, key=lambda name: (name.endswith("*"), -len(name) * name.endswith("*"))):
            where = f"{path}on.{event}"
            if not event:
                raise self._place(where).refused("an event has no name: write its transitions as always")
            self._arrows(state, {} if given[event] is None else given[event], (event,), where)

    def _delays(self, state: Described, body: Mapping[str, Any], path: str) -> None:
        for delay, arrows in self._mapping(body, "after", path).items():
            place = self._place(f"{path}after.{delay}")
            event = f"after_{delay}_{state.id}"
            state.timers.append(Delay(place, event, self._named.delay(delay, place)))
            before = len(state.arrows)
            self._arrows(state, arrows, (event,), f"{path}after.{delay}")
            for arrow in state.arrows[before:]:
                arrow.is_timed = True

    def _mapping(self, body: Mapping[str, Any], key: str, path: str) -> dict[str, Any]:
        found = body.get(key)
        if found is not None and not isinstance(found, Mapping):
            raise self._place(f"{path}{key}").refused(f"{key} is a {type(found).__name__}: give a mapping")
        return {str(name): value for name, value in (found or {}).items()}

    def _arrows(self, state: Described, given: object, events: tuple[str, ...], path: str) -> None:
        place = self._place(path)
        for each in given if isinstance(given, list) else [] if given is None else [given]:
            body = {"target": each} if isinstance(each, str) else each
            if not isinstance(body, Mapping):
                raise place.refused(f"a transition is a {type(body).__name__}: give a target or a mapping")
            self._check(body, f"{path}.", _TRANSITION)
            arrow = Arrow(place, events)
            arrow.guards = self._named.guards(body.get("guard", body.get("cond")), place)
            arrow.on = self._named.actions(body.get("actions"), place)
            self._targets.aim(arrow, body, state)
            state.arrows.append(arrow)

    def _check(self, body: Mapping[str, Any], path: str, known: frozenset[str]) -> None:
        for key in map(str, body):
            if key in known or key in _TOLD or (key == "context" and not body[key]):
                continue
            like = nearest(key, known)
            hint = _NOT_READ.get(key) or (f"did you mean {like!r}?" if like else "take it away")
            raise self._place(f"{path}{key}").refused(f"{key!r} is not understood: {hint}")

    def _place(self, path: str) -> Place:
        return Place(self._source, path=path.rstrip(".") or None)
