"""Find the states that the transitions of a document like XState's lead to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from statechart.loading.source import Source
from statechart.loading.specification import Arrow, Described, Kind, Place
from statechart.wording import nearest


class Targets:
    """The states of a document by their keys, which are told apart by the states around them."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._keys: dict[int, str] = {}
        self._ids: dict[str, Described] = {}
        self._tops: list[Described] = []

    def add(self, state: Described, key: str) -> None:
        """Add a state with its key among its siblings."""
        self._keys[id(state)] = key
        self._ids.setdefault(state.id, state)
        if state.parent is None:
            self._tops.append(state)

    def children(self, given: object, states: Iterable[Described], place: Place) -> tuple[str, ...]:
        """Return the ids of states that are named by their keys among siblings, or by paths below these."""
        return tuple(
            (self._ids_of(name[1:], place) if name.startswith("#") else self._down(name, states, place)).id
            for name in _names(given, place)
        )

    def found(self, given: object, source: Described, place: Place) -> tuple[str, ...]:
        """Return the ids of the states that a transition leads to.

        Raises:
            DocumentRefused: There is no such state.
        """
        return tuple(self._find(name, source, place).id for name in _names(given, place))

    def aim(self, arrow: Arrow, body: Mapping[str, Any], source: Described) -> None:
        """Set the targets of a transition, and whether it leaves its source.

        As in XState, a transition to its own state, or to one within, leaves the state only if it says
        `reenter: true`.
        """
        if body.get("target") is None:
            return
        arrow.targets = self.found(body["target"], source, arrow.place)
        leaves = body.get("reenter", not body.get("internal", True))
        targets = [self._ids[each] for each in arrow.targets]
        if leaves or not all(each is source or each.is_within(source) for each in targets):
            return
        arrow.internal = True
        if source.kind is Kind.PARALLEL:
            raise arrow.place.refused(
                f"it leads from the parallel state {source.id!r} into it, without leaving it: add "
                "reenter: true, or take it from the region"
            )
        if targets == [source]:
            # Neither left nor entered; states within it begin again.
            arrow.targets = source.initial or tuple(child.id for child in source.states[:1])

    def _find(self, name: str, source: Described, place: Place) -> Described:
        if name.startswith("#"):
            return self._ids_of(name[1:], place)
        if name.startswith("."):
            return self._down(name[1:], source.children, place)
        return self._down(name, self._tops if source.parent is None else source.parent.children, place)

    def _ids_of(self, name: str, place: Place) -> Described:
        if name in self._ids:
            return self._ids[name]
        first, _, rest = name.partition(".")
        if first in self._ids and rest:
            return self._down(rest, self._ids[first].children, place)
        if rest and first not in self._ids:
            return self._down(rest, self._tops, place)  # below the id of the machine
        raise self._lost(f"#{name}", self._ids, place)

    def _down(self, name: str, states: Iterable[Described], place: Place) -> Described:
        rest = name
        within = list(states)
        while True:
            keys = {self._keys[id(state)]: state for state in within}
            if rest in keys:
                return keys[rest]
            first, _, rest = rest.partition(".")
            if first not in keys or not rest:
                raise self._lost(name, keys, place)
            within = keys[first].children

    def _lost(self, name: str, known: Iterable[str], place: Place) -> Exception:
        like = nearest(name.lstrip("#"), known)
        hint = (
            f"did you mean {like!r}?"
            if like
            else "name a sibling, a state within as .name, or an id as #id"
        )
        return place.refused(f"there is no state {name!r} here: {hint}")


def _names(given: object, place: Place) -> list[str]:
    given = given if isinstance(given, list) else [given]
    names = [name for name in given if isinstance(name, str) and name]
    if not names or len(names) != len(given):
        raise place.refused(f"the target {given!r} names no state: give a name, or a list of names")
    return names
