"""The states and configurations that events lead to, and the fewest events that lead there."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from statechart.configuration import JOINED, Configuration
from statechart.errors import Unexplored, UnknownState
from statechart.graph.edges import AnyChart, Edge, edges, events, states
from statechart.graph.walking import Place, Walk, explored, form_of
from statechart.wording import state_text

if TYPE_CHECKING:
    from statechart.engine.nested.form import Form

NodeT = TypeVar("NodeT", bound=Hashable)
StepT = TypeVar("StepT")

LIMIT: Final = 10_000
"""The most configurations, with what history states remember, that are looked at by default."""


_FEW: Final = 100
"""The configurations that may be looked at for the outcomes of one."""


@dataclass(frozen=True, slots=True)
class Configurations:
    """The configurations in which a chart may rest, whatever its guards say.

    Attributes:
        texts: The texts of the configurations, such as `awaiting + packing`, the nearest first.
        with_history: Their number if what history states remember is counted too.
        macrosteps: The number of configurations, events and configurations that these lead to.
        entered: The states that are entered on the way, also in passing.
        is_whole: Whether these are all.
        limit: The most that were to be looked at.
    """

    texts: tuple[str, ...]
    with_history: int
    macrosteps: int
    entered: frozenset[str]
    is_whole: bool
    limit: int

    @property
    def note(self) -> str:
        """A sentence about what was left out, or an empty string."""
        return "" if self.is_whole else _note(self.limit)

    def __len__(self) -> int:
        return len(self.texts)

    def __iter__(self) -> Iterator[str]:
        return iter(self.texts)

    def __contains__(self, text: object) -> bool:
        return text in self.texts


class Reached(frozenset[str]):
    """The configurations that events lead to.

    Attributes:
        is_whole: Whether these are all.
        note: A sentence about what was left out, or an empty string.
    """

    is_whole: bool = True
    note: str = ""


class Paths(dict[str, tuple[Edge, ...]]):
    """The fewest events that lead to each configuration.

    Attributes:
        is_whole: Whether these are all.
        note: A sentence about what was left out, or an empty string.
    """

    is_whole: bool = True
    note: str = ""


def configurations(chart: AnyChart, limit: int = LIMIT) -> Configurations:
    """Return the configurations in which a chart may rest, from its initial one.

    Guards are not asked. Without states within states, these are its states.

    Args:
        chart: The chart.
        limit: The most configurations, with what history states remember, that are looked at.
    """
    if not _is_walked(chart):
        initial = chart.initial_state
        found = tuple(shortest_paths(chart, initial.value)) if initial is not None else ()
        return Configurations(found, len(found), len(edges(chart)), frozenset(found), True, limit)
    walk, places, is_whole = explored(chart, limit)
    moves = {(place[0], event, there[0]) for place in places for event, there in walk.moves(place) or ()}
    texts = tuple(dict.fromkeys(map(walk.text, places)))
    entered = frozenset(walk.form.texts(walk.seen.entered))
    return Configurations(texts, len(places), len(moves), entered, is_whole, limit)


def allowed_events(chart: AnyChart, state: object) -> tuple[str, ...]:
    """Return the events with a transition from a state, without asking the guards.

    Args:
        chart: The chart.
        state: The state, or a configuration. Transitions of the states around it count.

    Raises:
        UnknownState: The chart has no such state.
    """
    if not _is_walked(chart):
        source = _known(chart, state)
        leaving = {edge.event for edge in edges(chart) if edge.source == source}
    else:
        sources = set(form_of(chart).texts(_active(chart, state)))
        leaving = {edge.event for edge in edges(chart) if edge.source in sources}
    return tuple(event for event in events(chart) if event in leaving)


def outcomes(chart: AnyChart, state: object) -> dict[str, tuple[str, ...]]:
    """Return the states that each event may lead to from a state, when the chart has come to rest.

    Guards are not asked, and events that hooks raise are not known. With states within states, they are
    the texts of configurations; of an event with too many outcomes to look at, there is none.

    Args:
        chart: The chart.
        state: The state, or a configuration.

    Raises:
        UnknownState: The chart has no such state.
    """
    if not _is_walked(chart):
        source = _known(chart, state)
        leads = ((edge.event or "", edge.target) for edge in edges(chart) if edge.source == source)
    else:
        walk = Walk(chart)
        walk.refill(_FEW)
        moves = walk.moves(_place(chart, state))
        leads = ((event, walk.text(there)) for event, there in moves or ())
    found: dict[str, dict[str, None]] = {}
    for event, target in leads:
        found.setdefault(event, {})[target] = None
    return {event: tuple(targets) for event, targets in found.items()}


def reachable(chart: AnyChart, state: object) -> frozenset[str]:
    """Return the states that some sequence of events leads to, with the state itself.

    With states within states, they are the texts of configurations; see `Reached`.

    Raises:
        UnknownState: The chart has no such state.
    """
    found = shortest_paths(chart, state)
    if not isinstance(found, Paths):
        return frozenset(found)
    reached = Reached(found)
    reached.is_whole, reached.note = found.is_whole, found.note
    return reached


def shortest_path(
    chart: AnyChart, source: object, target: object, *, limit: int = LIMIT
) -> tuple[Edge, ...] | None:
    """Return the fewest transitions that lead from one state to another, or None.

    Guards are not asked. The path from a state to itself is empty. With states within states, source and
    target may be configurations, and a target is reached when all of its states are active.

    Raises:
        UnknownState: The chart has no such state.
        Unexplored: None was found within the limit, and there may be one beyond.
    """
    if not _is_walked(chart):
        return shortest_paths(chart, source).get(_known(chart, target))
    walk = Walk(chart)
    walk.refill(limit)
    wanted = _active(chart, target)
    trail = _Trail(walk, limit)
    for (active, _), path in breadth_first(_place(chart, source), trail.leaving):
        if active & wanted == wanted:
            return path
    if not trail.is_whole:
        raise Unexplored(chart.__name__, walk.form.text(wanted), limit)
    return None


def shortest_paths(chart: AnyChart, source: object, *, limit: int = LIMIT) -> dict[str, tuple[Edge, ...]]:
    """Return the fewest transitions that lead to each state that is reachable from a state.

    The path to the state itself is empty, and guards are not asked. With states within states, the keys
    are the texts of configurations; see `Paths`.

    Raises:
        UnknownState: The chart has no such state.
    """
    if not _is_walked(chart):

        def leaving(state: str) -> Iterator[tuple[Edge, str]]:
            return ((edge, edge.target) for edge in edges(chart) if edge.source == state)

        return dict(breadth_first(_known(chart, source), leaving))
    walk = Walk(chart)
    walk.refill(limit)
    trail, found = _Trail(walk, limit), Paths()
    for place, path in breadth_first(_place(chart, source), trail.leaving):
        found.setdefault(walk.text(place), path)
    found.is_whole, found.note = trail.is_whole, "" if trail.is_whole else _note(limit)
    return found


def breadth_first(
    start: NodeT, leaving: Callable[[NodeT], Iterable[tuple[StepT, NodeT]]]
) -> Iterator[tuple[NodeT, tuple[StepT, ...]]]:
    """Yield each reachable node with the fewest steps that lead there, the nearest first.

    Args:
        start: The first node.
        leaving: Returns the steps from a node, each with its target. Called once for each node, after
            the node was yielded.
    """
    paths: dict[NodeT, tuple[StepT, ...]] = {start: ()}
    queue = deque([start])
    while queue:
        here = queue.popleft()
        yield here, paths[here]
        for step, there in leaving(here):
            if there not in paths:
                paths[there] = (*paths[here], step)
                queue.append(there)


class _Trail:
    """The events that lead on from places, up to a number of places.

    Attributes:
        is_whole: Whether none was left out.
    """

    def __init__(self, walk: Walk, limit: int) -> None:
        self.is_whole = True
        self._walk = walk
        self._limit = limit
        self._known: set[Place] = set()

    def leaving(self, place: Place) -> Iterator[tuple[Edge, Place]]:
        walk = self._walk
        self._known.add(place)
        moves = walk.moves(place)
        if moves is None:
            self.is_whole = False
        source = walk.text(place)
        for event, there in moves or ():
            if there not in self._known and len(self._known) >= self._limit:
                self.is_whole = False
                continue
            self._known.add(there)
            inner = event in walk.inner
            yield (
                Edge(event, source, walk.text(there), targets=walk.form.leaves(there[0]), inner=inner),
                there,
            )


def _is_walked(chart: AnyChart) -> bool:
    """Return whether a chart may take several microsteps, so that its table has to be walked."""
    return getattr(chart, "_is_stepwise", False) and "_table" in vars(chart)


def _place(chart: AnyChart, state: object) -> Place:
    """Return the place of a configuration, or of the state that is entered: with its initial states."""
    form = form_of(chart)
    if isinstance(state, Configuration):
        standing = form.read(state)
        return standing.active, tuple(sorted(standing.history.items()))
    return form.entered(form.number(part) for part in _parts(form, state)), ()


def _active(chart: AnyChart, state: object) -> int:
    """Return the bits of a state or configuration, and of the states around."""
    form = form_of(chart)
    if isinstance(state, Configuration):
        return form.read(state).active
    return form.around(form.number(part) for part in _parts(form, state))


def _parts(form: Form, state: object) -> Iterable[object]:
    # Where one state is active at a time, its name may be any.
    return state.split(JOINED) if isinstance(state, str) and not form.is_plain else (state,)


def _known(chart: AnyChart, state: object) -> str:
    """Return the text of a state, which may be given as its value."""
    text = state_text(state)
    if text not in states(chart):
        raise UnknownState(chart.__name__, text, states(chart))
    return text


def _note(limit: int) -> str:
    return f"only the nearest {limit:,} configurations were looked at: give a greater limit"
