"""The program of a chart: for each state and event, the guards and hooks to call, in order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from statemachine import State
from statemachine.callbacks import CallbackGroup
from statemachine.event_data import EventData, TriggerData
from statemachine.transition import Transition

from statechart.engine.calls import Call, Found, Owners, Search
from statechart.engine.declaration.hints import Declared, declared_payload
from statechart.engine.effects import GIVEN, Effect, due_of, taken_by
from statechart.engine.table import Table, Way
from statechart.wording import state_text

if TYPE_CHECKING:
    from statemachine import Event, StateChart

    Machine = StateChart[Any]

INITIAL = "__initial__"
"""The event with which the initial state is entered."""

Known = dict[str, Any]


@dataclass(slots=True, eq=False)
class Step:
    """A microstep: a transition of an event, with all that is called for it.

    Attributes:
        aim: The target as guards and hooks take it, which is None if the transition has none.
        effects: What the transition makes due.
        stays: Whether no state is left, as an internal transition does.
        declared: The types of the payload keywords that its guards and hooks take.
        bare: Whether nothing is called but the chart's own hooks, which don't change the model.
        extras: The keywords that take time to make, as far as something takes them.
    """

    event: Any  # Any: an Event, or the name of the event with which the initial state is entered
    transition: Transition
    target: State
    aim: State | None
    prepare: tuple[Call, ...]
    validators: tuple[Call, ...]
    guards: tuple[Found, ...]
    before: tuple[Call, ...]
    leaving: tuple[Call, ...]
    on: tuple[Call, ...]
    entering: tuple[Call, ...]
    after: tuple[Call, ...]
    effects: tuple[Effect, ...]
    stays: bool
    bare: bool
    declared: tuple[Declared, ...]
    extras: frozenset[str]

    def known(
        self,
        owners: Owners,
        payload: Mapping[str, Any],
        state: State,
        *,
        left: State | None = None,
        entered: State | None = None,
    ) -> Known:
        """Return the keywords of guards and hooks, with the state that they are called for.

        A state that is left or entered is the source or target of its hooks, though the transition may
        have others.
        """
        source, target = left or self.transition.source, entered or self.aim
        known = {
            **payload,
            "machine": owners[0],
            "event": self.event,
            "model": owners[1],
            "transition": self.transition,
            "state": state,
            "source": source,
            "target": target,
        }
        if "event_data" in self.extras:
            trigger = TriggerData(machine=owners[0], event=self.event, kwargs=dict(payload))
            data = known["event_data"] = EventData(trigger_data=trigger, transition=self.transition)
            data.state, data.source, data.target = state, source, target
        if self.prepare:
            for prepared in [call(owners, known) for call in self.prepare]:
                known.update(prepared)
        return known

    def is_open(self, owners: Owners, known: Known) -> bool:
        """Ask the validators, which may raise, and then the guards."""
        for validate in self.validators:
            validate(owners, known)
        for guard in self.guards:  # noqa: SIM110  # `all` takes longer than most guards
            if not guard.agrees(owners, known):
                return False
        return True

    def leave(self, owners: Owners, payload: Mapping[str, Any], known: Known) -> None:
        """Call what is called in the old state."""
        for call in self.before:
            call(owners, known)
        # Each state that is left or entered has keywords of its own, which are prepared anew.
        anew = self.prepare and not self.stays
        left = self.known(owners, payload, self.transition.source) if anew else known
        for call in self.leaving:
            call(owners, left)
        if self.on:
            if "configurations" in self.extras:
                machine = owners[0]
                known["previous_configuration"] = machine.configuration
                known["new_configuration"] = machine.configuration_of(self.target)
            for call in self.on:
                call(owners, known)

    def enter(self, owners: Owners, payload: Mapping[str, Any]) -> Known:
        """Call what is called in the new state; return the keywords for `finish`."""
        entered = self.known(owners, payload, self.target)
        for call in self.entering:
            call(owners, entered)
        return entered

    def finish(self, owners: Owners, known: Known) -> None:
        """Call what is called after the commit."""
        known["model"] = owners[1]
        for call in self.after:
            call(owners, known)


class Program:
    """The calls of a machine for each event; serves all machines whose owners are of the same classes.

    Args:
        chart: The chart's class.
        owners: The machine, its model and its listeners, the last of which are the chart's own hooks.
        hidden: The names of attributes of each owner that are no guards or hooks.

    Attributes:
        takes: The keywords that something takes from an event's payload, by event; None if any takes all.

    Raises:
        NotFound: No owner has a guard or hook that the chart names.
        NeverRuns: A guard or hook is async, or a generator.
        ValueError: The signature of a guard or hook is unknown; also TypeError.
    """

    def __init__(self, chart: type[Machine], owners: Owners, hidden: Iterable[Iterable[str]]) -> None:
        self.table: Table = vars(chart).get("_table") or Table(chart)
        self.takes: dict[str, frozenset[str] | None] = {}
        self._chart = chart
        self._effects: tuple[Effect, ...] = vars(chart).get("_effects", ())
        search = Search(owners, hidden)  # not kept: it has the first machine, and its model
        self._hooks = len(owners) - 1
        self._prepare = search.all(chart.prepare)
        for event in chart._events:
            self.takes[event.id] = taken_by(self._effects)
        # All of it now, so that a mistake shows with the first machine.
        self._compile(chart, search)

    def _compile(self, chart: type[Machine], search: Search) -> None:
        self._chains: dict[tuple[Any, str], tuple[Step, ...]] = {}
        for event in chart._events:
            for node in self.table.nodes:
                for chain in self.table.candidates(node.bit, event.id):
                    steps = tuple(self._step(search, node.bit, way, event) for way in chain)
                    self._chains[node.state.value, event.id] = steps
        self.initial: Step = self._initial(search)
        self._leaving = {
            node.state.value: {
                event.id: self._chains[node.state.value, event.id]
                for event in chart._events
                if (node.state.value, event.id) in self._chains
            }
            for node in self.table.nodes
        }
        self._always = {
            value: tuple(chains)
            for value, chains in self._leaving.items()
            if not any(step.guards for steps in chains.values() for step in steps)
        }

    def steps(self, value: object, event: str) -> tuple[Step, ...]:
        """Return the transitions of an event from the state with a value, as they are tried."""
        return self._chains.get((value, event), ())

    def always(self, value: object) -> tuple[str, ...] | None:
        """Return the events that lead on from the state with a value, if no guard decides about them."""
        return self._always.get(value)

    def leaving(self, value: object) -> Mapping[str, tuple[Step, ...]]:
        """Return the transitions from the state with a value, by event, as declared."""
        return self._leaving[value]

    def inferred(self, event: str, before: object, after: str) -> dict[str, bool]:
        """Return the answers that the guards must have given for an event to lead there."""
        # Asking the guards again could run side effects, or give other answers.
        said: dict[str, bool] = {}
        for step in self.steps(before, event):
            guards = [str(guard.spec) for guard in step.guards]
            if state_text(step.target.value) == after:
                return said | dict.fromkeys(guards, True)
            if len(guards) == 1:
                said[guards[0]] = False
        return said

    def _step(self, search: Search, configuration: int, way: Way, event: Event) -> Step:
        transition = way.transition
        plan = self.table.plan(configuration, (way,), {})
        left = [found for node, _ in plan.exits for found in search.all(node.state.exit)]
        return self._compiled(
            event,
            transition,
            plan.entries[-1][0].state,
            stays=not plan.exits,
            validators=search.all(transition.validators),
            guards=search.all(transition.cond),
            before=search.all(transition.before),
            leaving=left,
            on=search.all(transition.on),
            entering=[found for node, _ in plan.entries for found in search.all(node.state.enter)],
            after=search.all(transition.after),
        )

    def _initial(self, search: Search) -> Step:
        state = self.table.nodes[self.table.initial].state
        transition = Transition(State(), state, event=INITIAL)
        event = next(iter(transition.events))
        return self._compiled(event, transition, state, entering=search.all(state.enter))

    def _compiled(
        self,
        event: Any,  # Any: an Event, or None
        transition: Transition,
        target: State,
        *,
        stays: bool = False,
        entering: Iterable[Found],
        **found: Iterable[Found],
    ) -> Step:
        """Return a step, with those of its calls that are for the event."""
        lists = {
            name: [each for each in several if _is_for(each, event)]
            for name, several in {**found, "entering": entering}.items()
        }
        every = [*self._prepare, *(each for several in lists.values() for each in several)]
        self._note(event, every)
        calls = {name: tuple(each.call for each in several) for name, several in lists.items()}
        due = tuple(due_of(self._effects, event.id, state_text(target.value))) if event is not None else ()
        own = [each for each in every if not isinstance(each.key, tuple) or each.key[1] != self._hooks]
        return Step(
            event,
            transition,
            target,
            target if transition.targets else None,
            prepare=tuple(each.call for each in self._prepare),
            validators=calls.get("validators", ()),
            # Without functions, as they may be those of the first model.
            guards=tuple(replace(each, functions=()) for each in lists.get("guards", ())),
            before=calls.get("before", ()),
            leaving=calls.get("leaving", ()),
            on=calls.get("on", ()),
            entering=calls["entering"],
            after=calls.get("after", ()),
            effects=due,
            stays=stays,
            bare=not own,
            declared=(*declared_payload(named(every)), *self._declared_by(due)),
            extras=extras_of(every),
        )

    def _declared_by(self, due: Iterable[Effect]) -> Iterator[Declared]:
        functions = ((f"effect {each.name}", getattr(self._chart, each.method)) for each in due)
        yield from (each for each in declared_payload(functions) if each.name not in GIVEN)

    def _note(self, event: Any, every: Iterable[Found]) -> None:
        if event is None:
            return
        known = self.takes.get(event.id, frozenset())
        for each in every:
            if known is not None:
                known = None if each.takes is None else known | each.takes
        self.takes[event.id] = known


def _is_for(found: Found, event: Any) -> bool:
    """Return whether a guard or hook is called for an event, or for None."""
    condition = found.spec.cond
    if condition is None or condition(event=event):
        return True
    # `on_done_state_x` is a hook of the event `done.state.x`, whose name no method can have.
    return event is not None and "." in event.id and condition(event=event.id.replace(".", "_"))


def named(every: Iterable[Found]) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield the functions of guards and hooks, with their names for people."""
    for each in every:
        kind = "guard" if each.spec.group is CallbackGroup.COND else "hook"
        for function in each.functions:
            yield f"{kind} {getattr(function, '__name__', each.spec.attr_name)}", function


_EXTRAS = {
    "event_data": {"event_data"},
    "configurations": {"previous_configuration", "new_configuration"},
}


def extras_of(every: Collection[Found]) -> frozenset[str]:
    """Return the keywords that take time to make, as far as something takes them."""
    return frozenset(
        extra
        for extra, names in _EXTRAS.items()
        if any(each.takes is None or each.takes & names for each in every)
    )
