"""A machine: an instance of a chart, with its model and the program that it runs for events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar, Generic, cast
from warnings import warn

from loguru import logger
from statemachine import Event, State
from statemachine.model import Model
from statemachine.orderedset import OrderedSet
from statemachine.state import InstanceState
from typing_extensions import TypeVar

from statechart.engine.calls import Lacking, NeverRuns, NotFound, Owners
from statechart.engine.declaration import models, naming
from statechart.engine.described import Described
from statechart.engine.draft import keeper_of, sets_state
from statechart.engine.effects import named
from statechart.engine.hooks import Commit, Firing, Hooks, Transition
from statechart.engine.nested import running
from statechart.engine.nested.program import NestedProgram
from statechart.engine.objects import Keeper, may_be_named
from statechart.engine.payload import RESERVED, Payload, require_spelt
from statechart.engine.program import Program, Step
from statechart.engine.refusals import require_fitting
from statechart.engine.table import bits
from statechart.engine.values import check_state, require_entered, require_settable, settle
from statechart.errors import (
    ChartDefinitionError,
    InvalidValue,
    MissingPayload,
    NestedFire,
    NotCopyable,
    ReservedPayload,
    UnknownPayload,
)
from statechart.wording import state_text

if TYPE_CHECKING:
    from datetime import datetime

    from statechart.engine.declaration.timers import Alarm
    from statechart.engine.nested.macrostep import Macrostep

ModelT = TypeVar("ModelT", default=Any)

Evolve = Callable[[Any, Transition], Any]

NO_PAYLOAD: Mapping[str, Any] = {}


_serials = count(1)
"""The numbers of machines: one that is freed leaves its address to another, but not its number."""


class Machine(Described[ModelT], Generic[ModelT]):
    """Runs the program of a chart on a model: chooses a transition, calls guards and hooks, commits.

    python-statemachine declares the chart and describes it; its engine is not run.
    """

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

    def _fire(self, event: Event, payload: dict[str, Any]) -> Transition | None:
        """Take the first transition of an event that is open, and commit it; None if none is open.

        Raises:
            MissingPayload: A guard or hook needs a payload keyword that was not given.
            InvalidPayload: A payload keyword is of another type than a guard or hook declares.
        """
        __tracebackhide__ = True
        if type(self)._is_stepwise:
            return running.fire(self, event.id, payload)
        hooks, keeper, model = self._hooks, self._keeper, self.model
        if hooks.firing is not None:
            raise NestedFire(type(self).__name__, event.id)
        if payload:
            self._check_payload(event.id, payload)
        steps = self._steps(event.id)
        if not steps:
            return None
        if payload:
            require_fitting(type(self).__name__, event.id, steps, payload)
        source = steps[0].transition.source
        if not keeper.drafts:
            require_settable(type(self), model, source.value)
        firing = self._begun(event.id, payload, state_text(source.value))
        saved = None
        try:
            hooks.firing = firing
            if not steps[0].bare:  # a bare one is always taken
                saved = keeper.saved(model)
                firing.draft = vars(self)["model"] = keeper.draft(model)
            self._run(steps, payload, firing)
            if firing.transition is None:  # what a validator changed before the refusal
                keeper.restore(model, source.value, saved)
        except BaseException as error:
            self._failed(firing, error, source.value, saved)
        finally:
            hooks.firing = None
        return firing.transition

    def _failed(
        self, firing: Firing, error: BaseException, state: object, saved: Any, within: str | None = None
    ) -> None:
        """Put the model back, and raise the error that is handled; log it if the event is committed.

        Args:
            firing: The event.
            error: The error.
            state: The state before the event.
            saved: The model before the event, as its keeper saved it.
            within: The microstep that the error comes from, unless it is that of the event.
        """
        model = firing.model
        vars(self)["model"] = self._adopted(firing)
        if not firing.committed:
            self._keeper.restore(model, state, saved)
            if isinstance(error, Lacking):
                raise self._missing(firing.event, firing.payload, error, within) from error.with_traceback(
                    None
                )
            if isinstance(error, InvalidValue) and error.name == type(model).__name__:
                # A draft knows its class only.
                raise InvalidValue(self._subject or error.name, error.problem) from error
            raise
        if not isinstance(error, Exception):
            raise
        # A committed event has happened: a hook that fails afterwards must not deny it.
        with suppress(Exception):  # a failing log sink must not turn a commit into an error
            logger.opt(exception=error).warning("A hook failed after {} was committed", firing.event)

    def _begun(self, event: str, payload: dict[str, Any], from_state: str) -> Firing:
        return Firing(
            event,
            from_state,
            type(self).__name__,
            self._subject,
            Payload(payload, self._program.takes[event]) if payload else NO_PAYLOAD,
            self.commit,
            self._settled,
            model=self.model,
        )

    def _run(self, steps: Sequence[Step], payload: dict[str, Any], firing: Firing) -> None:
        """Take the first transition that is open; the last hook of the state that it enters commits."""
        keeper = self._keeper
        if steps[0].bare:
            self._run_bare(steps[0], payload, firing)
            return
        owners = self._owners
        for step in steps:
            known = step.known(owners, payload, step.transition.source)
            if step.bare or step.is_open(owners, known):
                if step.effects:
                    firing.effects = named(step.effects, payload, chart=firing.chart, event=firing.event)
                step.leave(owners, payload, known)
                if not keeper.drafts:
                    self._require_kept(firing.model, step.transition.source.value)
                if firing.draft is not None or not keeper.drafts:
                    keeper.assign(owners[1], step.target.value)
                known = step.enter(owners, payload)
                vars(self)["model"] = self._adopted(firing)
                if step.after:
                    self._finished(firing, partial(step.finish, self._owners, known))
                return
        vars(self)["model"] = firing.model

    def _finished(self, firing: Firing, finish: Callable[[], None]) -> None:
        """Call the hooks that follow the commit, and warn of changes that come too late to be recorded."""
        keeper, model = self._keeper, self.model
        recorded = keeper.draft(model) if firing.commit is not None and keeper.drafts else None
        finish()
        if recorded is not None and keeper.left(model, recorded) is not model:
            about, event = self._subject or firing.chart, firing.event
            told = (
                f"{about} changed after {event} was recorded: make the change in on_{event}, or it is lost"
            )
            warn(told, RuntimeWarning, stacklevel=2)

    def _run_bare(self, step: Step, payload: dict[str, Any], firing: Firing) -> None:
        """Take a transition that calls nothing but the chart's own hooks."""
        hooks = self._hooks
        if step.effects:
            firing.effects = named(step.effects, payload, chart=firing.chart, event=firing.event)
        if not step.stays:
            hooks.leave(step.transition.source)
        if not self._keeper.drafts:
            self._keeper.assign(firing.model, step.target.value)
        hooks.enter(step.target)
        vars(self)["model"] = self._adopted(firing)

    def _check_payload(self, event: str, payload: Mapping[str, Any]) -> None:
        if not RESERVED.isdisjoint(payload):
            raise ReservedPayload(sorted(RESERVED.intersection(payload)))
        # `evolve`, or a commit, may read what no hook takes: then it is checked afterwards.
        if not self._evolves and not getattr(self.commit, "reads_payload", False):
            self._require_spelt(event, payload)

    def _require_spelt(self, event: str, payload: Mapping[str, Any]) -> None:
        require_spelt(type(self).__name__, event, payload, self._program.takes[event])

    def _settled(self, transition: Transition) -> Any:
        """Return the model after a transition, as hooks and `evolve` leave it.

        Raises:
            InvalidValue: Its class refuses it, or it is in another state.
            UnknownPayload: Nothing took a keyword, and its name is close to one that is taken.
        """
        firing, keeper = self._hooks.firing, self._keeper
        assert firing is not None
        left = keeper.left(firing.model, firing.draft)
        if not keeper.drafts:
            self._require_kept(left, transition.to_value)
        if not self._evolves:
            value = keeper.entered(left, transition.to_value)
        else:
            value = (self._evolution or self.evolve)(left, transition)
            held = state_text(getattr(value, "state", None))
            if self._evolution is None and held == transition.from_state:
                value = keeper.entered(value, transition.to_value)
            if isinstance(transition.payload, Payload):
                misspelt = transition.payload.misspelt()
                if misspelt is not None and not getattr(self.commit, "reads_payload", False):
                    raise UnknownPayload(transition.chart, transition.event, *misspelt)
        # A store reads the value as its readers will, and checks it by that.
        if getattr(self.commit, "reads_value", False) or (left is firing.model and not self._evolves):
            return value
        name = self._subject or type(self).__name__
        if not isinstance(value, type(firing.model)):
            kinds = f"a {type(value).__name__}, not a {type(firing.model).__name__}"
            raise InvalidValue(name, f"evolve returns {kinds}: return the next value")
        if state_text(getattr(value, "state", None)) == transition.to_state:
            # `to_state` is a text, and evolve functions put the text into models of any type.
            value = keeper.entered(value, transition.to_value)
        value = keeper.validated(value, name)
        require_entered(type(self), value, transition.to_value, name)
        return value

    def _require_kept(self, model: Any, state: object) -> None:
        """Check that no hook has set the state of a model that is not drafted.

        Raises:
            InvalidValue: One has.
        """
        held = model.state
        if held is not state and held != state:
            raise InvalidValue(self._subject or type(self).__name__, sets_state(held))

    def _adopted(self, firing: Firing) -> Any:
        """Return the model of this machine after an event, which was committed or not."""
        if firing.transition is None or not firing.committed:
            return firing.model
        return self._keeper.adopted(firing.model, firing.transition.value)

    def _missing(
        self, event: str, payload: Mapping[str, Any], error: Lacking, within: str | None = None
    ) -> MissingPayload:
        guards = {
            name
            for step in self._steps(event)
            for guard in step.guards
            for name in naming.names(guard.spec) or {guard.spec.attr_name}
        }
        needed_by = f"guard {error.name}" if error.name in guards else f"hook {error.name}"
        return MissingPayload(type(self).__name__, event, needed_by, error.lacking, payload, within=within)

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
