"""A slow reference interpreter of statecharts, over lists and sets.

Source: SCXML 1.0, appendix D, transcribed without caches or masks. The order of what python-statemachine
adds is that of its documentation: validators, guards, `before`, exit, `on`, entry, `after`. The whole
configuration changes at once, before the entry hooks run.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, assert_never

from tests.statechart.oracles.declared import (
    DONE_DATA,
    OWNERS,
    RAISED,
    Attribute,
    Both,
    Callback,
    Compared,
    Condition,
    Declared,
    Either,
    Given,
    Guard,
    In,
    Itself,
    Missing,
    Named,
    Node,
    Not,
    Step,
    Way,
    answer,
    behave,
)

OPERATORS = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
LIMIT = 60
"""The microsteps after which a macrostep is taken for an endless one."""

Keywords = dict[str, Any]
Call = tuple[str, tuple[tuple[str, object], ...], tuple[str, ...]]
"""A call that was made: label, arguments by name, and the active leaves that it saw."""


class Endless(Exception):
    """A macrostep does not come to rest."""


@dataclass(frozen=True)
class Outcome:
    """The result of an event.

    Attributes:
        kind: `done`, `refused`, `raised` (by a callback), `missing` (a keyword) or `endless`.
        error: The label of the callback that raised.
        phase: The part of the event that an error came from.
        hidden: The kind of an error that came after the commit.
    """

    kind: str
    error: str | None = None
    phase: str = ""
    interrupted: bool = False
    hidden: str | None = None


@dataclass
class Interpreter:
    """A machine of a declared chart.

    Attributes:
        active: The active states, ancestors too.
        memory: By history state, the states that it remembers.
        total: The data of the model: hooks may add to it.
        calls: The calls of guards and hooks, in order, since the caller emptied the list.
        trace: The states exited (`-`) and entered (`+`), in order, with the event of the microstep.
    """

    chart: Declared
    active: list[Node] = field(default_factory=list)
    memory: dict[Node, list[Node]] = field(default_factory=dict)
    total: int = 0
    calls: list[Call] = field(default_factory=list)
    trace: list[tuple[str, str, str | None]] = field(default_factory=list)
    running: bool = True

    def __post_init__(self) -> None:
        self.order = list(self.chart.all_nodes())
        self.parents = {child: node for node in self.order for child in node.children}
        self.by_id = {node.id: node for node in self.order}
        self.queue: list[tuple[str, Mapping[str, object]]] = []
        self.phase = ""
        self.step = Step("__initial__")
        self.payload: Mapping[str, object] = {}
        self.later: list[tuple[Way, str | None, Keywords]] = []
        self.prepared: dict[Any, Keywords] = {}

    # -- the events ------------------------------------------------------------------------------

    def start(self, step: Step | None = None) -> Outcome:
        """Enter the initial configuration."""
        return self._macrostep(step or self.step, [Way("", (self.chart.nodes[0].id,))])

    def fire(self, step: Step) -> Outcome:
        """Take the transitions of an event, whole or not at all."""
        return self._macrostep(step, None)

    def _macrostep(self, step: Step, first: list[Way] | None) -> Outcome:
        before = (list(self.active), dict(self.memory), self.total, self.running)
        self.step, self.queue, self.later, self.prepared = step, [], [], {}
        try:
            if first is None:
                self._settle()  # data from elsewhere may have opened a transition without an event
            self.phase = "select"
            ways = self._select(step.event, step.payload) if first is None else first
            if not ways or not self.running:
                self.active, self.memory, self.total, self.running = before
                return Outcome("refused")
            self._microstep(ways, step.event)
            self._settle()
            if first is None:
                self.phase = "commit"
                behave(step, "commit")
        except (ValueError, KeyboardInterrupt, Missing, Endless) as error:
            self.active, self.memory, self.total, self.running = before
            return self._told(error)
        return self._afterwards()

    def _afterwards(self) -> Outcome:
        """Run the `after` hooks: the event has happened, whatever they raise."""
        self.phase = "after"
        try:
            for way, event, keywords in self.later:
                self._run("after", way, event, keywords)
        except (ValueError, KeyboardInterrupt, Missing) as error:
            told = self._told(error)
            return told if told.interrupted else Outcome("done", told.error, "after", hidden=told.kind)
        return Outcome("done")

    def _told(self, error: BaseException) -> Outcome:
        match error:
            case Endless():
                return Outcome("endless")
            case Missing():
                return Outcome("missing", str(error), self.phase)
            case _:
                return Outcome("raised", str(error), self.phase, isinstance(error, KeyboardInterrupt))

    def _settle(self) -> None:
        """Take eventless transitions and internal events until neither is left."""
        for _ in range(LIMIT):
            if not self.running:
                return
            event: str | None = None
            self.phase = "select"
            ways = self._select(None, {})
            while not ways:
                if not self.queue:
                    return
                event, payload = self.queue.pop(0)
                ways = self._select(event, payload)
            self._microstep(ways, event)
        raise Endless

    # -- selection -------------------------------------------------------------------------------

    def _select(self, event: str | None, payload: Mapping[str, object]) -> list[Way]:
        self.payload, self.prepared = payload, {}
        enabled: list[Way] = []
        asked: dict[Way, bool] = {}
        for leaf in self._in_order(node for node in self.active if self._is_atomic(node)):
            chain = [leaf, *self._ancestors(leaf)]
            candidates = [way for node in chain for way in self._ways(node) if _matches(way, event)]
            for way in candidates:
                if way not in asked:
                    asked[way] = self._agrees(way, event)
                if asked[way]:
                    if way not in enabled:
                        enabled.append(way)
                    break
        return self._without_conflicts(enabled)

    def _without_conflicts(self, enabled: list[Way]) -> list[Way]:
        kept: list[Way] = []
        for way in enabled:
            preempted = False
            removed = []
            for other in kept:
                if any(node in self._exit_set([other]) for node in self._exit_set([way])):
                    if self._is_descendant(self.by_id[way.source], self.by_id[other.source]):
                        removed.append(other)
                    else:
                        preempted = True
                        break
            if not preempted:
                kept = [other for other in kept if other not in removed] + [way]
        return kept

    def _agrees(self, way: Way, event: str | None) -> bool:
        keywords = self._keywords(way, event)
        self._run("validators", way, event, keywords)
        conditions = [*way.conditions]
        for given in self._decorated(way):
            if given.group in ("cond", "unless"):
                assert isinstance(given.what, Callback)
                conditions.append(Condition(Itself(given.what), given.group == "cond"))
        return all(bool(self._answer(each.guard, keywords)) == each.wanted for each in conditions)

    def _decorated(self, way: Way) -> list[Given]:
        events = [event for event in self.chart.events if event in way.events]
        return [given for event in events for given in self.chart.decorated.get(event, ())]

    def _answer(self, guard: Guard, keywords: Keywords) -> object:
        match guard:
            case Named(name):
                return self._named(name, keywords)
            case Itself(function):
                return self._call(function, keywords)
            case Not(part):
                return not self._answer(part, keywords)
            case Both(left, right):
                return self._answer(left, keywords) and self._answer(right, keywords)
            case Either(left, right):
                return self._answer(left, keywords) or self._answer(right, keywords)
            case Compared(name, sign, number):
                return OPERATORS[sign](self._named(name, keywords), number)
            case In(state):
                return state in _ids(self.active)
            case _:
                assert_never(guard)

    def _named(self, name: str, keywords: Keywords) -> object:
        found: object = True
        for owner in OWNERS:
            for attribute in self.chart.attributes:
                if (attribute.owner, attribute.name) == (owner, name):
                    found = found and self._attribute(attribute)
            for callback in self.chart.callbacks:
                if (callback.owner, callback.name) == (owner, name):
                    found = found and self._call(callback, keywords)
        return found

    def _attribute(self, attribute: Attribute) -> object:
        return answer(self.step, attribute.label)

    # -- a microstep -----------------------------------------------------------------------------

    def _microstep(self, ways: list[Way], event: str | None) -> None:
        self.phase = "before"
        for way in ways:
            self._run("before", way, event, self._keywords(way, event))
        exit_sets = {way: self._exit_set([way]) for way in ways}
        exits = self._in_order({node for nodes in exit_sets.values() for node in nodes})[::-1]
        self.memory = self._remembered(exits)
        entries = self._entry_set(ways)
        self.phase = "exit"
        for node in exits:
            way = next(way for way in ways if node in exit_sets[way])
            self.trace.append(("-", node.id, event))
            self._run("exit", node, event, self._keywords(way, event, source=node))
        self.phase = "on"
        old = self._in_order(self.active)
        new = self._in_order({*(node for node in old if node not in exits), *entries})
        for way in ways:
            keywords = dict(self._keywords(way, event))
            keywords |= {"previous_configuration": _ids(old), "new_configuration": _ids(new)}
            self._run("on", way, event, keywords)
        self.active = new
        self.phase = "enter"
        for node in self._in_order(entries):
            self.trace.append(("+", node.id, event))
            self._run("enter", node, event, self._keywords(entries[node], event, target=node))
            self._finish(node)
        self.later += [
            (way, event, self._keywords(way, event, target=self._target(way))) for way in ways if way.source
        ]

    def _finish(self, node: Node) -> None:
        """Raise the done events that a final state is the cause of."""
        if node.kind != "final":
            return
        parent = self.parents.get(node)
        if parent is None:
            self.running = False
            return
        gives = any(each.gives for each in self._owned(f"on_enter_{node.id}"))
        data = DONE_DATA if gives else {}
        self.queue.append((f"done.state.{parent.id}", data))
        above = self.parents.get(parent)
        if above is not None and above.kind == "parallel" and all(map(self._is_done, above.children)):
            self.queue.append((f"done.state.{above.id}", data))

    def _is_done(self, node: Node) -> bool:
        if node.kind == "compound":
            return any(child.kind == "final" and child in self.active for child in node.children)
        return node.kind == "parallel" and all(map(self._is_done, node.children))

    # -- exits and entries -----------------------------------------------------------------------

    def _exit_set(self, ways: Iterable[Way]) -> list[Node]:
        exits: list[Node] = []
        for way in ways:
            if not way.targets or _stays(way):
                continue
            domain = self._domain(way)
            within = [node for node in self.active if domain is None or self._is_descendant(node, domain)]
            exits += [node for node in within if node not in exits]
        return exits

    def _remembered(self, exits: list[Node]) -> dict[Node, list[Node]]:
        memory = dict(self.memory)
        for node in exits:
            for history in node.children:
                if history.kind == "deep":
                    memory[history] = [
                        each
                        for each in self._in_order(self.active)
                        if self._is_atomic(each) and self._is_descendant(each, node)
                    ]
                elif history.kind == "shallow":
                    memory[history] = [
                        each for each in self._in_order(self.active) if self.parents.get(each) is node
                    ]
        return memory

    def _domain(self, way: Way) -> Node | None:
        """Return the state within which a transition happens, or None for the whole chart."""
        targets = self._effective(way.targets)
        source = self.by_id.get(way.source)
        if source is None:  # the initial transition
            return None
        inside = all(self._is_descendant(target, source) for target in targets)
        if way.internal and source.kind == "compound" and inside:
            return source
        for node in self._ancestors(source):
            if node.kind == "compound" and all(self._is_descendant(target, node) for target in targets):
                return node
        return None

    def _effective(self, targets: Iterable[str]) -> list[Node]:
        found: list[Node] = []
        for target in targets:
            node = self.by_id[target]
            if not node.is_history:
                found.append(node)
            elif node in self.memory:
                found += self.memory[node]
            else:
                found += self._effective([self._default(node)])
        return found

    def _default(self, node: Node) -> str:
        """Return the state that a history without memory, or a compound, is entered by."""
        if node.default is not None:
            return node.default
        above = self.parents[node] if node.is_history else node
        if node.is_history and above.default is not None:
            return above.default
        return next(child.id for child in above.children if not child.is_history)

    def _entry_set(self, ways: list[Way]) -> dict[Node, Way]:
        entries = _Entries(self)
        for way in ways:
            for target in way.targets:
                entries.down(self.by_id[target], way)
            domain = self._domain(way) if way.targets else None
            for node in self._effective(way.targets):
                entries.up(node, domain, way)
        return entries.found

    # -- callbacks -------------------------------------------------------------------------------

    def _run(self, group: str, of: Way | Node, event: str | None, keywords: Keywords) -> None:
        for call in self._hooks(group, of, event):
            if isinstance(call, Callback):
                self._call(call, keywords)
            else:
                self._call_given(call, keywords)

    def _hooks(self, group: str, of: Way | Node, event: str | None) -> Iterator[Callback | Given]:
        """Yield the hooks of a group in their order: generic, given, decorated, named by convention."""
        if isinstance(of, Way) and not of.source:  # the initial transition has no hooks
            return
        if isinstance(of, Node):
            generic, named, decorated = f"on_{group}_state", f"on_{group}_{of.id}", []
        else:
            generic, named, decorated = f"{group}_transition", f"{group}_{event}", self._decorated(of)
        if group != "after":
            yield from self._owned(generic)
        yield from (each for each in (*of.given, *decorated) if each.group == group)
        yield from self._owned(named)
        if group == "after":
            yield from self._owned(generic)

    def _owned(self, name: str) -> list[Callback]:
        return [
            each
            for owner in OWNERS
            for each in self.chart.callbacks
            if (each.owner, each.name) == (owner, name)
        ]

    def _call_given(self, given: Given, keywords: Keywords) -> None:
        for callback in [given.what] if isinstance(given.what, Callback) else self._owned(given.what):
            self._call(callback, keywords)

    def _call(self, callback: Callback, keywords: Keywords) -> object:
        found: dict[str, object] = {}
        for name in callback.takes:
            if name not in keywords and callback.style != "optional":
                raise Missing(callback.label)
            found[name] = keywords.get(name, "-")
        if callback.style == "rest":
            found |= {f"**{name}": keywords[name] for name in keywords if name not in callback.takes}
        seen = tuple(_ids(node for node in self._in_order(self.active) if self._is_atomic(node)))
        self.calls.append((callback.label, tuple(sorted(found.items())), seen))
        self.total += callback.adds
        if callback.raises is not None:
            self.queue.append((callback.raises, RAISED))
        return behave(self.step, callback.label)

    def _keywords(
        self, way: Way, event: str | None, *, source: Node | None = None, target: Node | None = None
    ) -> Keywords:
        """Return the keywords that a callback can take: the payload, and those of the engine."""
        # `prepare_event` runs once for each of these.
        known = (way, event, source, target)
        if known not in self.prepared:
            self.prepared[known] = self._prepared(way, event, source, target)
        return self.prepared[known]

    def _prepared(self, way: Way, event: str | None, source: Node | None, target: Node | None) -> Keywords:
        left = source.id if source is not None else way.source
        entered = target.id if target is not None else (way.targets[0] if way.targets else None)
        state = target.id if target is not None else left
        keywords = {
            **self.payload,
            "event_data": (event, left, entered or "", state),
            "machine": "machine",
            "event": event,
            "model": "model",
            "transition": str(way),
            "state": state,
            "source": left,
            "target": entered,
        }
        prepared = [self._call(callback, keywords) for callback in self._owned("prepare_event")]
        for more in prepared:
            assert isinstance(more, dict)
            keywords |= more
        return keywords

    def _target(self, way: Way) -> Node | None:
        return self.by_id[way.targets[0]] if way.targets else None

    # -- the tree --------------------------------------------------------------------------------

    def _ways(self, node: Node) -> list[Way]:
        return [way for way in self.chart.ways if way.source == node.id]

    def _is_atomic(self, node: Node) -> bool:
        return node.kind in ("atomic", "final")

    def _in_order(self, nodes: Iterable[Node]) -> list[Node]:
        return sorted(nodes, key=self.order.index)

    def _ancestors(self, node: Node, below: Node | None = None) -> list[Node]:
        found: list[Node] = []
        parent = self.parents.get(node)
        while parent is not None and parent is not below:
            found.append(parent)
            parent = self.parents.get(parent)
        return found

    def _is_descendant(self, node: Node, of: Node) -> bool:
        return of in self._ancestors(node)

    @property
    def leaves(self) -> tuple[str, ...]:
        """The active states without children, in document order."""
        return tuple(_ids(node for node in self._in_order(self.active) if self._is_atomic(node)))


class _Entries:
    """The states that transitions enter, each with the transition that does so."""

    def __init__(self, machine: Interpreter) -> None:
        self.found: dict[Node, Way] = {}
        self._machine = machine

    def down(self, node: Node, way: Way) -> None:
        """Add a state and the descendants that are entered with it."""
        machine = self._machine
        if node.is_history:
            parent = machine.parents[node]
            targets = machine.memory.get(node) or [machine.by_id[machine._default(node)]]
            for target in targets:
                self.down(target, way)
            for target in targets:
                self.up(target, parent, way)
            return
        self.found.setdefault(node, way)
        if node.kind == "compound":
            first = machine.by_id[machine._default(node)]
            self.down(first, way)
            self.up(first, node, way)
        elif node.kind == "parallel":
            self._regions(node, way)

    def up(self, node: Node, below: Node | None, way: Way) -> None:
        """Add the ancestors of a state, below another."""
        for above in self._machine._ancestors(node, below):
            self.found.setdefault(above, way)
            if above.kind == "parallel":
                self._regions(above, way)

    def _regions(self, node: Node, way: Way) -> None:
        for region in node.children:
            inside = any(self._machine._is_descendant(each, region) for each in self.found)
            if not region.is_history and not inside:
                self.down(region, way)


def _ids(nodes: Iterable[Node]) -> list[str]:
    return [node.id for node in nodes]


def _matches(way: Way, event: str | None) -> bool:
    return not way.events if event is None else event in way.events


def _stays(way: Way) -> bool:
    """Return whether an internal transition enters its own atomic source, without leaving it."""
    # SCXML would leave it; python-statemachine does not, and flat charts keep its order.
    return way.internal and way.targets == (way.source,)
