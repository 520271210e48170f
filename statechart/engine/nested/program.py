"""The program of a chart that takes several microsteps: the calls of each transition and of each state."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from statechart.engine.calls import Call, Found, Search
from statechart.engine.declaration.hints import Declared, declared_payload
from statechart.engine.hooks import Microstep
from statechart.engine.nested.form import Form, Standing, most_kept
from statechart.engine.program import Program, Step, extras_of, named
from statechart.engine.table import Node, Plan, Way
from statechart.wording import state_text

if TYPE_CHECKING:
    from statemachine import State, StateChart

    from statechart.engine.declaration.timers import Alarm
    from statechart.engine.effects import Effect

    Machine = StateChart[Any]

ALWAYS = "always"
"""The name, for people, of transitions without an event."""

Chains = tuple[tuple[Step, ...], ...]


@dataclass(frozen=True, slots=True)
class Visit:
    """The hooks of a state.

    Attributes:
        leaving: The calls when it is left.
        entering: The calls when it is entered.
        opening: The calls after it was entered by its initial state.
        alarms: The timers that run while it is active.
        declared: The types of the payload keywords that these calls take.
    """

    leaving: tuple[Call, ...]
    entering: tuple[Call, ...]
    opening: tuple[Call, ...]
    alarms: tuple[Alarm, ...]
    declared: tuple[Declared, ...]


class Left(NamedTuple):
    """A state that is left, with its hooks."""

    step: Step
    state: State
    calls: tuple[Call, ...]


class Entered(NamedTuple):
    """A state that is entered, with its hooks, its timers and the events that follow.

    Attributes:
        content: The calls of the transitions by which it, or a history state in it, is entered by default.
        done: The done events.
    """

    step: Step
    state: State
    calls: tuple[Call, ...]
    content: tuple[Call, ...]
    alarms: tuple[Alarm, ...]
    done: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """A plan with what there is to do for it.

    Attributes:
        left: The states that are left, as far as something is called.
        ended: The timers that end with them.
        entered: The states that are entered, as far as there is something to do.
        note: The step as it is recorded.
    """

    plan: Plan
    left: tuple[Left, ...]
    ended: frozenset[str]
    entered: tuple[Entered, ...]
    note: Microstep


class NestedProgram(Program):
    """The calls of a machine whose events take macrosteps.

    Attributes:
        form: Converts states of values to standings.
        visits: The hooks of each state, by number.
        defaults: The calls of each history state that remembers nothing, by number.
        calls: Whether anything is called at all, so that hooks need a draft.
        alarms: The timers, by name.
    """

    form: Form
    visits: tuple[Visit, ...]
    calls: bool

    def _compile(self, chart: type[Machine], search: Search) -> None:
        shape: Any = chart
        self.alarms: Mapping[str, Alarm] = shape._alarms
        self.form = shape._form
        self._hooks = -1  # the chart's own hooks are not among the owners
        self._names = frozenset(event.id for event in chart._events)
        self.steps_by_way: dict[tuple[int, str | None], Step] = {}
        for node in self.table.nodes:
            for way in node.ways:
                self._add(chart, search, node, way)
        found = [self._visit(search, node) for node in self.table.nodes]
        self.visits = tuple(visit for visit, _ in found)
        by_default = {
            node.number: [each for way in node.ways for each in self._given(search, way.transition.on)]
            for node in self.table.nodes
            if node.remembers
        }
        self.defaults: dict[int, tuple[Call, ...]] = {
            number: tuple(each.call for each in given) for number, given in by_default.items()
        }
        called = [each for _, several in found for each in several]
        called += [each for given in by_default.values() for each in given]
        for event in chart._events:
            self._note(event, called)
        self.initial: Step = self._initial(search)
        steps = [self.initial, *self.steps_by_way.values()]
        self.calls = bool(called or self._prepare or any(not step.bare for step in steps))
        self._types = any(visit.declared for visit in self.visits)
        for step in steps:  # whose keywords serve the states that are left and entered, too
            step.extras |= extras_of(called) & {"event_data"}
        self.has_effects: bool = bool(self._effects)
        self.has_eventless: bool = any(event is None for _, event in self.steps_by_way)
        self._memories = any(node.remembers for node in self.table.nodes)
        self._most = most_kept(self.table)
        self._chosen: dict[tuple[int, str | None], Chains] = {}
        self._plans: dict[object, Plan] = {}
        self._courses: dict[int, Course] = {}
        self._way_of = {id(step): number for (number, _), step in self.steps_by_way.items()}
        self._ways = {way.number: way for node in self.table.nodes for way in node.ways}
        self.beginning: Plan = self.table.beginning()

    def _add(self, chart: type[Machine], search: Search, node: Node, way: Way) -> None:
        transition = way.transition
        events: list[Any] = [event for event in chart._events if transition.match(event.id)]
        for event in [None] if transition.is_eventless else events:
            self.steps_by_way[way.number, None if event is None else event.id] = self._compiled(
                event,
                transition,
                self.table.nodes[way.targets[0]].state if way.targets else node.state,
                entering=(),
                validators=search.all(transition.validators),
                guards=search.all(transition.cond),
                before=search.all(transition.before),
                on=search.all(transition.on),
                after=search.all(transition.after),
            )

    def _visit(self, search: Search, node: Node) -> tuple[Visit, list[Found]]:
        leaving, entering = search.all(node.state.exit), search.all(node.state.enter)
        opening = list(self._given(search, node.opening.on)) if node.opening is not None else []
        every = [*leaving, *entering, *opening]
        visit = Visit(
            tuple(each.call for each in leaving),
            tuple(each.call for each in entering),
            tuple(each.call for each in opening),
            tuple(alarm for alarm in self.alarms.values() if alarm.state is node.state),
            declared_payload(named(every)),
        )
        return visit, every

    def _given(self, search: Search, specs: Iterable[Any]) -> Iterator[Found]:
        """Yield the calls of a list that are no conventions."""
        yield from (found for found in search.all(specs) if not found.spec.is_convention)

    def chains(self, active: int, event: str | None) -> Chains:
        """Return the transitions of an event for each active leaf, as they are tried."""
        found = self._chosen.get((active, event))
        if found is None:
            if len(self._chosen) > self._most:
                self._chosen.clear()
            known = event is None or event in self._names
            found = self._chosen[active, event] = tuple(
                tuple(self.steps_by_way[way.number, event] for way in chain)
                for chain in (self.table.candidates(active, event) if known else ())
            )
        return found

    def whole(self, step: Step, standing: Standing) -> Step:
        """Return a step with the types that the states take which it leaves and enters."""
        if not self._types:
            return step
        plan = self.plan([step], standing)
        visits = (self.visits[node.number] for node, _ in (*plan.exits, *plan.entries))
        return replace(
            step, declared=(*step.declared, *(each for visit in visits for each in visit.declared))
        )

    def way(self, step: Step) -> Way:
        """Return the transition of a step in the table."""
        return self._ways[self._way_of[id(step)]]

    def settled(self, chosen: list[Step], standing: Standing) -> list[Step]:
        """Return the chosen steps without those that yield to another."""
        if len(chosen) < 2:
            return chosen
        ways = {self.way(step).number: step for step in chosen}
        found = self.table.without_conflicts(
            standing.active, [self.way(step) for step in chosen], standing.history
        )
        return [ways[way.number] for way in found]

    def plan(self, steps: list[Step], standing: Standing) -> Plan:
        """Return the effect of steps without conflicts on a standing."""
        memory = tuple(standing.history.items()) if self._memories else ()
        key = (standing.active, tuple(map(id, steps)), memory)
        found = self._plans.get(key)
        if found is None:
            if len(self._plans) > self._most:
                self._plans.clear()
            ways = [self.way(step) for step in steps]
            found = self._plans[key] = self.table.plan(standing.active, ways, standing.history)
        return found

    def course(self, steps: list[Step], plan: Plan) -> Course:
        """Return the course of steps with their plan."""
        found = self._courses.get(id(plan))
        if found is None or found.plan is not plan:
            if len(self._courses) > self._most:
                self._courses.clear()
            found = self._courses[id(plan)] = self._course(steps, plan)
        return found

    def _course(self, steps: list[Step], plan: Plan) -> Course:
        by_way = {-1 if step is self.initial else self.way(step).number: step for step in steps}
        left = (
            Left(by_way[way.number], node.state, self.visits[node.number].leaving)
            for node, way in plan.exits
        )
        entered = (self._entered(node, by_way[way.number], plan) for node, way in plan.entries)
        return Course(
            plan,
            tuple(each for each in left if each.calls or each.step.prepare),
            frozenset(alarm.name for node, _ in plan.exits for alarm in self.visits[node.number].alarms),
            tuple(each for each in entered if any(each[2:]) or each.step.prepare),
            self._noted(steps, plan),
        )

    def _entered(self, node: Node, step: Step, plan: Plan) -> Entered:
        visit = self.visits[node.number]
        content = list(visit.opening) if node.number in plan.opened else []
        for memory in node.memories:
            if plan.recalled.get(memory) is False:
                content += self.defaults[memory]
        done = self.table.done_events(node, plan.configuration)
        return Entered(step, node.state, visit.entering, tuple(content), visit.alarms, tuple(done))

    def _noted(self, steps: list[Step], plan: Plan) -> Microstep:
        event = None if steps[0] is self.initial else steps[0].event
        return Microstep(
            None if event is None else event.id,
            tuple(state_text(node.state.value) for node, _ in plan.exits),
            tuple(state_text(node.state.value) for node, _ in plan.entries),
            tuple(
                (
                    state_text(step.transition.source.value),
                    tuple(state_text(target.value) for target in step.transition.targets),
                )
                for step in steps
                if step is not self.initial
            ),
            tuple((self.form.texts(1 << memory)[0], known) for memory, known in plan.recalled.items()),
        )

    def due(self, events: Iterable[str | None], entered: Iterable[Node]) -> list[Effect]:
        """Return the effects that a macrostep makes due, by its events and the states that it entered."""
        if not self._effects:
            return []
        known = set(events)
        texts = {state_text(node.state.value) for node in entered}
        return [each for each in self._effects if each.events & known or each.states & texts]
