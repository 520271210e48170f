"""Walk through a chart with states within states, whatever its guards say: by its table, without hooks."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from statechart.engine.declaration.nested import is_inner
from statechart.engine.table import Kind, Table, Way, bits

if TYPE_CHECKING:
    from statemachine import StateChart

    from statechart.engine.nested.form import Form

    AnyChart = type[StateChart[Any]]

Memory: TypeAlias = tuple[tuple[int, int], ...]
"""What history states remember: bits of states, by number."""

Place: TypeAlias = tuple[int, Memory]
"""A configuration at rest, with its history."""

_Passing: TypeAlias = tuple[int, Memory, tuple[str, ...]]
"""A configuration between two microsteps, with the events that the chart raised."""

_MICROSTEPS = 20
"""The microsteps that are taken for each configuration that may be looked at."""

_OUTCOMES = 1_000
"""The most sets of transitions that the guards of an event may choose from in a configuration."""


@dataclass(slots=True)
class Seen:
    """The findings of a walk.

    Attributes:
        taken: The numbers of transitions.
        entered: The bits of states, also of those that were entered in passing.
        conflicts: Events by transitions of two regions that left the same states, the one taken first.
        blank: The numbers of history states that remembered nothing and have no default.
        lapsing: The names of timers whose event the guards may refuse.
    """

    taken: set[int] = field(default_factory=set)
    entered: int = 0
    conflicts: dict[tuple[int, int], str | None] = field(default_factory=dict)
    blank: set[int] = field(default_factory=set)
    lapsing: set[str] = field(default_factory=set)


class _Spent(Exception):
    """The microsteps that a walk may take are spent."""


def _opposite(guard: str) -> str:
    return guard[1:] if guard.startswith("!") else f"!{guard}"


class Walk:
    """The configurations of a chart, and what events do to them if each guard may agree or refuse.

    An event that only hooks raise is tried in each configuration, as it is unknown when they do.

    Attributes:
        seen: Its findings so far.
        form: The form of the chart's configurations.
        inner: The events that nothing from outside fires.
        ways: The transitions, by number.
    """

    def __init__(self, chart: AnyChart) -> None:
        shape: Any = chart
        self.table: Table = shape._table
        self.form: Form = form_of(chart)
        self.seen: Seen = Seen()
        self.ways: dict[int, Way] = {way.number: way for node in self.table.nodes for way in node.ways}
        self._events = [event.id for event in chart._events if not event.id.startswith("done")]
        self.inner: frozenset[str] = frozenset(event.id for event in chart._events if is_inner(event))
        self._alarms = [(alarm, 1 << self.form.number(alarm.state)) for alarm in shape._alarms.values()]
        transitions = ((way.number, way.transition) for way in self.ways.values())
        self._guarded = {number for number, each in transitions if list(each.cond) or list(each.validators)}
        self._has_eventless = any(way.transition.is_eventless for way in self.ways.values())
        self._outcomes: dict[tuple[int, str | None], tuple[tuple[Way, ...], ...]] = {}
        self._moves: dict[Place, tuple[tuple[str, Place], ...]] = {}
        self._following: dict[_Passing, tuple[bool, tuple[_Passing, ...]]] = {}
        self._left = 0

    def _start(self) -> tuple[Place, ...]:
        """Return where a machine may come to rest when it begins."""
        beginning = self.table.beginning()
        self.seen.entered |= beginning.configuration
        queue: tuple[str, ...] = ()
        for node, _ in beginning.entries:
            queue += tuple(self.table.done_events(node, beginning.configuration))
        return tuple(self._rests((beginning.configuration, (), queue)))

    def begin(self, limit: int) -> tuple[dict[Place, None], bool]:
        """Return the places that events lead to, the nearest first, and whether these are all.

        Args:
            limit: The most places.
        """
        found: dict[Place, None] = {}
        with suppress(_Spent):
            found = dict.fromkeys(self._start())
        if not found:
            return found, self._left >= 0
        queue = deque(found)
        while queue:
            moves = self.moves(queue.popleft())
            if moves is None:
                return found, False
            for _, place in moves:
                if place not in found:
                    if len(found) >= limit:
                        return found, False
                    found[place] = None
                    queue.append(place)
        return found, True

    def moves(self, place: Place) -> tuple[tuple[str, Place], ...] | None:
        """Return the events that something takes in a place, each with the places that it leads to.

        None if there are too many ways to tell.
        """
        found = self._moves.get(place)
        if found is None:
            try:
                found = self._moves[place] = tuple(dict.fromkeys(self._taken(place)))
            except _Spent:
                return None
        return found

    def refill(self, limit: int) -> None:
        """Let the walk take as many microsteps from now on as a number of places may need."""
        self._left = limit * _MICROSTEPS

    def _taken(self, place: Place) -> Iterator[tuple[str, Place]]:
        active, memory = place
        for event in self._events:
            for chosen in self._chosen(active, event):
                if chosen:
                    passing = self._step(active, memory, chosen, (), event)
                    yield from ((event, rest) for rest in self._rests(passing))
        for alarm, bit in self._alarms:
            chains = self.table.candidates(active, alarm.event) if active & bit else ()
            sure = any(way.number not in self._guarded for chain in chains for way in chain)
            if active & bit and not sure:
                self.seen.lapsing.add(alarm.name)

    def _chosen(self, active: int, event: str | None) -> tuple[tuple[Way, ...], ...]:
        """Return the sets of transitions that guards may choose, the empty one among them."""
        known = self._outcomes.get((active, event))
        if known is not None:
            return known
        found: dict[tuple[Way, ...], None] = {(): None}
        for chain in self.table.candidates(active, event):
            options: list[tuple[Way, ...]] = []
            refused: set[str] = set()
            for way in chain:
                options.append((way,))
                guard = self._only_guard(way)
                # After `cond="is_x"` was refused, `unless="is_x"` agrees.
                if way.number not in self._guarded or (guard and _opposite(guard) in refused):
                    break
                refused.add(guard)
            else:
                options.append(())
            found = {
                chosen if option and option[0] in chosen else (*chosen, *option): None
                for chosen in found
                for option in options
            }
            if len(found) > _OUTCOMES:
                raise _Spent
        self._outcomes[active, event] = tuple(found)
        return self._outcomes[active, event]

    def _only_guard(self, way: Way) -> str:
        """Return the guard that alone decides about a transition, or an empty text."""
        guards = [str(guard) for guard in way.transition.cond]
        return guards[0] if len(guards) == 1 and not list(way.transition.validators) else ""

    def _step(
        self,
        active: int,
        memory: Memory,
        chosen: tuple[Way, ...],
        queue: tuple[str, ...],
        event: str | None,
    ) -> _Passing:
        self._left -= 1
        if self._left < 0:
            raise _Spent
        table, seen, history = self.table, self.seen, dict(memory)
        ways = table.without_conflicts(active, chosen, history) if len(chosen) > 1 else chosen
        for way in chosen:
            if way not in ways:
                self._note_conflict(active, way, ways, history, event)
        plan = table.plan(active, ways, history)
        seen.taken.update(way.number for way in ways)
        for memory_, remembered in plan.recalled.items():
            if not remembered and not table.nodes[memory_].ways:
                seen.blank.add(memory_)
        raised = dict.fromkeys(queue)
        for node, _ in plan.entries:
            seen.entered |= node.bit
            if node.kind is Kind.FINAL:
                raised.update(dict.fromkeys(table.done_events(node, plan.configuration)))
        if plan.remembered:
            memory = tuple(sorted((history | dict(plan.remembered)).items()))
        return plan.configuration, memory, tuple(raised)

    def _note_conflict(
        self, active: int, lost: Way, kept: Iterable[Way], history: Mapping[int, int], event: str | None
    ) -> None:
        nodes, left = self.table.nodes, self.table.left(active, lost, history)
        for way in kept:
            # A state's own transition comes before those of the states around it, as everywhere.
            related = (nodes[way.source].below | nodes[way.source].bit) & nodes[lost.source].bit or (
                nodes[lost.source].below & nodes[way.source].bit
            )
            if not related and left & self.table.left(active, way, history):
                self.seen.conflicts.setdefault((way.number, lost.number), event)

    def _rests(self, start: _Passing) -> Iterator[Place]:
        waiting, known = [start], {start}
        while waiting:
            passing = waiting.pop()
            if passing not in self._following:
                self._following[passing] = self._follow(passing)
            is_rest, following = self._following[passing]
            if is_rest:
                yield passing[0], passing[1]
            for each in following:
                if each not in known:
                    known.add(each)
                    waiting.append(each)

    def _follow(self, passing: _Passing) -> tuple[bool, tuple[_Passing, ...]]:
        """Return whether a chart may rest, and what may follow by itself."""
        active, memory, queue = passing
        if not queue and not self._has_eventless:
            return True, ()
        found: dict[_Passing, None] = {}
        is_rest = False
        for chosen in self._chosen(active, None):
            if chosen:
                found[self._step(active, memory, chosen, queue, None)] = None
            elif not queue:
                is_rest = True
            else:
                event, rest = queue[0], queue[1:]
                for taken in self._chosen(active, event):
                    step = (
                        self._step(active, memory, taken, rest, event) if taken else (active, memory, rest)
                    )
                    found[step] = None
        return is_rest, tuple(found)

    def endless(self) -> tuple[str, ...]:
        """Return the configurations of a loop that the chart takes by itself, and no guard can stop."""
        rests = {passing for passing, (is_rest, _) in self._following.items() if is_rest}
        before: dict[_Passing, list[_Passing]] = {}
        for passing, (_, following) in self._following.items():
            for each in following:
                before.setdefault(each, []).append(passing)
                if each not in self._following:  # the walk was cut here
                    rests.add(each)
        waiting = list(rests)
        while waiting:
            for each in before.get(waiting.pop(), ()):
                if each not in rests:
                    rests.add(each)
                    waiting.append(each)
        lost = next((passing for passing in self._following if passing not in rests), None)
        if lost is None:
            return ()
        trail: dict[_Passing, None] = {}
        while lost not in trail:
            trail[lost] = None
            lost = self._following[lost][1][0]
        loop = list(trail)[list(trail).index(lost) :]
        return tuple(dict.fromkeys(self.form.text(active) for active, _, _ in loop))

    def stuck(self, places: Iterable[Place]) -> set[int]:
        """Return the configurations that no event leaves, though nothing has ended."""
        return {place[0] for place in places if self.moves(place) == () and not self.is_ended(place[0])}

    def astray(self, places: Iterable[Place]) -> set[int]:
        """Return the configurations from which no events lead to an end."""
        before: dict[Place, list[Place]] = {}
        for place in places:
            for _, there in self.moves(place) or ():
                before.setdefault(there, []).append(place)
        saved = {place for place in places if self.is_ended(place[0])}
        waiting = list(saved)
        while waiting:
            for place in before.get(waiting.pop(), ()):
                if place not in saved:
                    saved.add(place)
                    waiting.append(place)
        return {place[0] for place in places if place not in saved}

    def is_ended(self, active: int) -> bool:
        """Return whether a chart has reached a final state, or the end of all that its states do."""
        tops = (node for node in self.table.nodes if not node.ancestors and active & node.bit)
        return all(
            node.kind is Kind.FINAL or (node.children and self.table.is_done(node.number, active))
            for node in tops
        )

    def text(self, place: Place) -> str:
        """Return the text of a place's configuration."""
        return self.form.text(place[0])

    def enterable(self) -> int:
        """Return the bits of the states that transitions may enter in any order: of too many, perhaps."""
        table = self.table
        found = waiting = table.beginning().configuration
        while waiting:
            entered = 0
            for number in bits(waiting):
                for way in table.nodes[number].ways:
                    targets = tuple(table.effective(way.targets, {}))
                    entered |= table.entered(targets) if targets else 0
            waiting = entered & ~found
            found |= entered
        return found


def form_of(chart: AnyChart) -> Form:
    """Return the form of the configurations of a chart that may take several microsteps."""
    shape: Any = chart
    found: Form = shape._form
    return found


class Explored(NamedTuple):
    """A walk from where a chart begins, with the places at rest that it found.

    Attributes:
        is_whole: Whether these are all.
    """

    walk: Walk
    places: Mapping[Place, None]
    is_whole: bool


def explored(chart: AnyChart, limit: int) -> Explored:
    """Return the places at rest of a chart, at most so many, from where it begins."""
    known: dict[int, Explored] = _kept(chart)
    for each in known.values():
        if each.is_whole and len(each.places) <= limit:
            return each
    if limit not in known:
        walk = Walk(chart)
        walk.refill(limit)
        known[limit] = Explored(walk, *walk.begin(limit))
    return known[limit]


def _kept(chart: AnyChart) -> dict[int, Explored]:
    shape: Any = chart
    # On the class, as a walk holds the chart: both are freed together.
    found: dict[int, Explored] | None = vars(shape).get("_explored")
    if found is None:
        found = shape._explored = {}
    return found
