"""A machine as it is built: bound to a model, in a state, with the program that it will run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar, Generic, cast

from statemachine import Event, State
from statemachine.model import Model
from statemachine.orderedset import OrderedSet
from statemachine.state import InstanceState
from typing_extensions import TypeVar

from statechart.engine.calls import Lacking, NeverRuns, NotFound, Owners
from statechart.engine.declaration import models, naming
from statechart.engine.draft import keeper_of
from statechart.engine.hooks import Commit, Hooks, Transition
from statechart.engine.machines.described import Described
from statechart.engine.nested import running
from statechart.engine.nested.program import NestedProgram
from statechart.engine.objects import Keeper, may_be_named
from statechart.engine.program import Program, Step
from statechart.engine.table import bits
from statechart.engine.values import check_state, settle
from statechart.errors import (
    ChartDefinitionError,
    NotCopyable,
)

if TYPE_CHECKING:
    from datetime import datetime

    from statechart.engine.declaration.timers import Alarm
    from statechart.engine.nested.macrostep import Macrostep

ModelT = TypeVar("ModelT", default=Any)

Evolve = Callable[[Any, Transition], Any]

_serials = count(1)
"""The numbers of machines: one that is freed leaves its address to another, but not its number."""


class Built(Described[ModelT], Generic[ModelT]):
    """Binds a machine to its model, and finds the program of its chart, once for all such machines."""

    _hooks_class: ClassVar[type[Hooks]]
    _programs: ClassVar[dict[object, Program]]
    _has_evolution: ClassVar[bool]
    _kinds: ClassVar[dict[str, str]]
    _model_class: ClassVar[Any] = None
    _is_stepwise: ClassVar[bool] = False
    """Whether an event may take several microsteps."""
    _holds_configuration: ClassVar[bool] = False
    """Whether the state of a model is a configuration."""
    _outer: ClassVar[Mapping[str, Event]] = {}
    """The events that can be fired from outside, by name."""
    _declared: ClassVar[Mapping[str, Event]] = {}
    _alarms: ClassVar[Mapping[str, Alarm]] = {}

    def __init__(
        self, model: Any, subject: str | None, commit: Commit | None, at: datetime | None = None
    ) -> None:
        chart = type(self)
        if chart._abstract:
            raise ChartDefinitionError(f"chart {chart.__name__}: it has no states; declare some")
        given: Any = models.made(chart._model_class) if model is None else model
        if given is None:
            given = Model()  # type: ignore[no-untyped-call]  # of the engine
        else:
            models.require_instance(chart.__name__, chart._model_class, given)
        self.model: ModelT = given
        self.state_field = "state"
        self.history_values: dict[str, list[State]] = {}
        self.subject = subject
        self.commit = commit
        self._evolution: Evolve | None = None
        self._at: datetime | None = at
        self._prepare(self._resolve_class_listeners())
        self._at = None

    def _prepare(self, listeners: Iterable[object]) -> None:
        """Find what this machine runs, and enter the initial state if the model has none."""
        chart = type(self)
        self._keeper: Keeper = keeper_of(cast("type", type(self.model)))
        self._macrostep: Macrostep | None = None
        self._serial = next(_serials)
        self._guards: Mapping[str, bool] = {}
        self._later: frozenset[tuple[str, bool]] = frozenset()
        self._listeners = {id(listener): listener for listener in listeners}
        self._hooks: Hooks = self._new_hooks()
        self._others: tuple[Any, ...] = tuple(self._listeners.values())
        if not chart._is_stepwise:
            self._others += (self._hooks,)
        held = settle(chart, self.model, self._keeper)
        self._program = self._found_program()
        instances: dict[Any, Any] = {}
        for value, state in chart.states_map.items():
            instances[value] = InstanceState(state, self, instances)
            if state.id not in chart._events:
                vars(self)[state.id] = instances[value]
        if held is None:
            self._start()

    def _new_hooks(self) -> Hooks:
        raise NotImplementedError

    @classmethod
    def check_state(cls, value: object) -> None:
        """Check that a value is that of a state, or None, with which a model begins in the initial state.

        Raises:
            UnknownState: It is not; the error names the nearest.
            IllegalConfiguration: It is a configuration that the chart can't be in.
        """
        if value is not None:
            check_state(cls, value)

    def evolve(self, value: Any, transition: Transition) -> Any:
        """Return the value after a transition."""
        return self._keeper.entered(value, transition.to_value)

    @property
    def _active(self) -> int | None:
        return running.standing_of(self).active if type(self)._is_stepwise else None

    def _states_of(self, active: int) -> OrderedSet[State]:
        own = vars(self)
        states = (self._program.table.nodes[number].state for number in bits(active))
        return OrderedSet(own.get(state.id, state) for state in states)

    @property
    def _state_text(self) -> str:
        if type(self)._is_stepwise:
            return running.program_of(self).form.text(running.standing_of(self).active)
        return super()._state_text

    @property
    def _owners(self) -> Owners:
        return (self, self.model, *self._others)

    def _found_program(self) -> Program:
        programs = type(self)._programs
        owners = self._owners
        # Objects of one class may differ in their attributes; models of pydantic have the same fields.
        shape = tuple(
            (type(owner), None if owner is self.model and self._keeper.drafts else tuple(vars(owner)))
            if hasattr(owner, "__dict__")
            else type(owner)
            for owner in owners
        )
        found = programs.get(shape)
        if found is None:
            found = programs[shape] = self._compiled(owners)
        return found

    def _compiled(self, owners: Owners) -> Program:
        chart = type(self)
        hidden = [chart._protected_attrs, {self.state_field}, *(() for _ in self._others)]
        try:
            kind = NestedProgram if chart._is_stepwise else Program
            return kind(chart, owners, hidden)
        except NotFound as error:
            taken = (
                f"{str(error)!r} can't be a guard or hook, as each machine has an attribute of this name"
            )
            raise ChartDefinitionError(
                f"chart {chart.__name__}: {naming.unbuilt(self) or taken}"
            ) from error
        except NeverRuns as error:
            raise ChartDefinitionError(f"chart {chart.__name__}: {error}") from error
        except (AttributeError, TypeError, ValueError) as error:  # of a callable without a signature
            problem = f"a guard or hook can't be called by the names of its arguments ({error})"
            raise ChartDefinitionError(f"chart {chart.__name__}: {problem}") from error

    def _start(self) -> None:
        """Enter the initial state, without a commit."""
        if type(self)._is_stepwise:
            running.start(self)
            return
        step, model, keeper = self._program.initial, self.model, self._keeper
        draft, saved = keeper.draft(model), keeper.saved(model)
        try:
            vars(self)["model"] = draft
            owners = self._owners
            if step.prepare:
                step.known(owners, {}, step.transition.source)
            keeper.assign(draft, step.target.value)
            step.enter(owners, {})
        except Lacking as error:
            keeper.restore(model, None, saved)
            raise ChartDefinitionError(
                f"chart {type(self).__name__}: {error.name} takes {', '.join(error.lacking)}, but the "
                "initial state is entered without an event: give a default value"
            ) from error.with_traceback(None)
        finally:
            vars(self)["model"] = model
        value = keeper.entered(keeper.left(model, draft), step.target.value)
        vars(self)["model"] = keeper.adopted(model, value)

    def _replace_model(self, model: object) -> None:
        """Take another model that the user of the machine assigns.

        Raises:
            AttributeError: It is of another class, or an event is being fired.
            UnknownState: The chart has no state like the model's.
        """
        chart, held = type(self).__name__, type(self.model).__name__
        if self._hooks.firing is not None:
            # The event would end with its own value, and the other model would be lost.
            hint = "assign to its fields, or declare evolve(self, value, transition)"
            raise AttributeError(f"{chart}: a hook can't replace the model: {hint}")
        if type(model) is not type(self.model):
            hint = f"build another machine: {chart}(model)"
            raise AttributeError(f"{chart}: its model is of the class {held}, and stays so: {hint}")
        state = getattr(model, "state", None)
        if state is not None:
            self.check_state(state)
        self._rebind(model)

    def _rebind(self, model: Any) -> None:
        """Take another model of the same class."""
        chart = type(self)
        vars(self)["model"] = model
        held = settle(chart, model, self._keeper)
        if not self._keeper.drafts:  # it may have other attributes than the model before
            self._program = self._found_program()
        if held is None:
            self._start()

    @property
    def _subject(self) -> str | None:
        if self.subject is not None:
            return self.subject
        model: Any = self.model
        name = getattr(model, "name", None) if may_be_named(model.__class__) else None
        return None if name is None else str(name)

    @property
    def _evolves(self) -> bool:
        return self._evolution is not None or type(self)._has_evolution

    def _steps(self, event: str) -> tuple[Step, ...]:
        """Return the transitions of an event from the present state.

        Raises:
            UnknownState: The chart has no such state.
        """
        if type(self)._is_stepwise:
            return running.steps_of(self, event)
        held = self._held.state
        try:
            found = self._program.steps(held, event)
        except TypeError:  # a list and the like, which no state has
            found = ()
        return found or self._program.steps(self._state.value, event)

    def _seeing(self) -> Owners:
        """Return the owners for questions to guards, which see a draft."""
        return (self, self._keeper.draft(self.model), *self._others)

    def __getstate__(self) -> dict[str, Any]:
        """Return the parts of a copy or a pickle: the model, and attributes of the chart's own."""
        if self.commit is not None:
            raise NotCopyable(type(self).__name__)
        if self._hooks.firing is not None:
            raise NotCopyable(type(self).__name__, self._hooks.firing.event)
        made = {"_callbacks", "_hooks", "_others", "_program", "_keeper", "_macrostep"}
        made |= {"_guards", "_later", "_serial"}
        parts = {
            name: value
            for name, value in vars(self).items()
            if name not in made and not isinstance(value, InstanceState)
        }
        parts["_listeners"] = list(self._listeners.values())
        return parts

    def __setstate__(self, parts: dict[str, Any]) -> None:
        listeners = parts.pop("_listeners")
        vars(self).update(parts)
        self._prepare(listeners)
