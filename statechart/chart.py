"""A strict statechart, based on python-statemachine's StateChart."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Generic, Self, cast

from statemachine import Event
from statemachine.exceptions import TransitionNotAllowed
from typing_extensions import TypeVar

from statechart.configuration import Configuration
from statechart.declaring import StrictMeta, require_drawable
from statechart.engine.calls import Lacking
from statechart.engine.declaration.models import declared_model
from statechart.engine.declaration.states import HistoryState, State, StateLike
from statechart.engine.declaration.timers import Timer
from statechart.engine.draft import keeper_of
from statechart.engine.effects import Effect
from statechart.engine.hooks import (
    Commit,
    FiredEvent,
    Hooks,
    Microstep,
    Transition,
    emit,
    hooks_class,
)
from statechart.engine.machines.built import Evolve
from statechart.engine.machines.kept import Kept
from statechart.engine.machines.machine import Machine
from statechart.engine.nested import asking, running
from statechart.engine.nested.beginning import configured, initial_state, is_active
from statechart.engine.program import INITIAL
from statechart.engine.refusals import answers, is_open, reason, require_fitting
from statechart.errors import (
    ChartDefinitionError,
    InternalEvent,
    InvalidTransition,
    NestedFire,
    UnknownEvent,
)
from statechart.utc import moment_of
from statechart.wording import state_text

__all__ = ["Chart", "Event", "HistoryState", "State"]

ModelT = TypeVar("ModelT", default=Any)

_BY_NAME = "give the payload as keyword arguments, so that hooks can name the parts they use"


class Chart(Machine[ModelT], Generic[ModelT], metaclass=StrictMeta):
    """A statechart whose every event is committed exactly once, with all that follows, or not at all.

    Declare states and events as class attributes, and guards, validators and hooks as methods. They run
    before the commit and may veto it by raising. A guard takes `model`; its docstring is the reason in a
    refusal. `after_` hooks run after the commit; their exceptions are logged and go no further.

    States may have states within them (`State.Compound`, `State.Parallel`, `HistoryState`), and `timers`
    may fire events later. An event is then a macrostep: with the transitions without an event, the done
    events and those of `raise_` that follow from it. The state of a model is a `Configuration`.

    Guards and hooks see a draft of the model: what a hook assigns is validated by the model's class, and
    committed with the transition; an exception drops it. `Chart[Order]` names the class of the models.

    Args:
        model: Any object with a `state`, frozen or not, or None for the chart's own; of the class that the
            chart declares, if it declares one. A model with a state stays in that state; another enters the
            initial state, without a commit.
        subject: The name in messages; by default the model's `name`.
        commit: Makes transitions durable. None keeps them in memory only.
        at: The moment by which the timers of the initial state begin; by default now.

    Attributes:
        model: The model now. After an event, it is the value that the event led to: the same object, if
            its attributes can be set.

    Raises:
        UnknownState: The chart has no state like the model's.
    """

    allow_event_without_transition = False
    catch_errors_as_events = False
    atomic_configuration_update = True

    log_message: ClassVar[str] = "State transition"
    """The message of the line that is logged at INFO for each commit."""

    # Any: a state or its name; charts may annotate their own with either.
    phases: ClassVar[Mapping[str, Sequence[Any]]] = {}
    """Groups of states, by name: diagrams draw a box around each group."""

    failures: ClassVar[Sequence[Any]] = ()
    """The states that mean a failure: diagrams mark them."""

    record_payload: ClassVar[bool | Collection[str]] = True
    """Whether `fire` records the payload of an event; or the names of the keywords that are left out."""

    timers: ClassVar[Sequence[Timer]] = ()
    """Events that become due some time after a state was entered."""

    _is_loaded: ClassVar[bool] = False
    """Whether the chart comes from a document, whose states may be dead ends."""

    _starts: ClassVar[tuple[State, ...]] = ()
    """The states that a machine begins in, where they are not simply the initial state."""

    _log_module: ClassVar[str | None] = Hooks.__module__
    """The module under whose name `emit` writes, or None if that is unknown."""

    _effects: ClassVar[tuple[Effect, ...]] = ()
    _kept: ClassVar[Kept]
    _explored: ClassVar[Any] = None  # what `statechart.graph` found out

    def __init__(
        self,
        model: ModelT | None = None,
        *,
        subject: str | None = None,
        commit: Commit | None = None,
        at: datetime | None = None,
    ) -> None:
        super().__init__(self.new_model() if model is None else model, subject, commit, at)

    def __format__(self, spec: str) -> str:
        require_drawable(type(self), spec)
        return super().__format__(spec)

    def _new_hooks(self) -> Hooks:
        cls = type(self)
        # Of this class, not of a base: the hooks are named after the states.
        if "_hooks_class" not in vars(cls):
            cls._hooks_class = hooks_class(cls.__name__, [state.id for state in cls.states])
        writer = next(base for base in cls.__mro__ if "emit" in vars(base))
        module = vars(writer).get("_log_module")  # its own: who overrides `emit` may write elsewhere
        return cls._hooks_class(cls.log_message, cls.emit, module)

    def evolve(self, value: ModelT, transition: Transition) -> ModelT:
        """Return the value after a transition: by default, the value in the transition's target.

        Override it to change data by a pure function, in place of hooks that assign to `model`: return a
        copy of the value. The chart sets its state.

        Args:
            value: The value as the hooks left it, still in the old state.
            transition: The transition, with its payload.
        """
        return cast("ModelT", super().evolve(value, transition))

    @classmethod
    def model_class(cls) -> type[ModelT] | None:
        """Return the class that the chart's declaration names as that of its models: `Chart[Order]`.

        None if the declaration names none.

        Raises:
            ChartDefinitionError: The name of the class leads nowhere.
        """
        found: type[ModelT] | None = declared_model(cls, Chart)
        return found

    @staticmethod
    def new_model() -> Any:  # Any: the model of a static method knows no type of its class
        """Return the model of a machine that is given none, or None for the default.

        By default, it is one of the declared class, if that can be made without arguments.
        """
        return None

    @staticmethod
    def emit(level: str, message: str, fields: Mapping[str, object]) -> None:
        """Write a log line; a package overrides this to log under its own name."""
        emit(level, message, fields)

    @classmethod
    def event(cls, name: str) -> Event:
        """Return a declared event by its name.

        Raises:
            UnknownEvent: The chart has no such event; the error names the nearest.
        """
        found = cls._outer.get(name) if isinstance(name, str) else None
        if found is None:
            kind = InternalEvent if name in cls._declared else UnknownEvent
            raise kind(cls.__name__, str(name), cls._outer)
        return found

    @classmethod
    def initial(cls, at: datetime | None = None, model: object = None) -> Any:  # Any: as `Configuration.of`
        """Return the state of a new value: the initial state, or its configuration with the timers begun.

        Hooks do not run.

        Args:
            at: The moment by which timers begin; by default now.
            model: The value, for timers whose delay depends on it.
        """
        return initial_state(cls, at, model)

    @classmethod
    def _configured(cls, *states: object) -> Configuration:
        return configured(cls, states)

    def active(self, state: StateLike | str) -> bool:
        """Return whether a state is active, also one around others; for guards and hooks.

        Args:
            state: The state, as an object of the chart or by its name.

        Raises:
            UnknownState: The chart has no such state.
        """
        return is_active(self, state)

    def fire(self, event: Event, /, **payload: Any) -> Transition:
        """Take the transition of an event, and commit it.

        The payload reaches guards and hooks as keyword arguments. If this raises, nothing was committed and
        the model has its old state, with an exception: an interruption (KeyboardInterrupt and the like)
        may come after the commit was made.

        Raises:
            UnknownEvent: The chart has no such event.
            InvalidTransition: The chart does not allow the event in this state.
            NestedFire: Another event of this chart is being committed.
            MissingPayload: A guard or hook needs a payload keyword that was not given.
            UnknownPayload: Nothing takes a payload keyword, and its name is close to one that is taken.
            InvalidPayload: A payload keyword is of another type than a guard or hook declares.
            ReservedPayload: The engine reserves a payload keyword for itself.
        """
        __tracebackhide__ = True  # pytest shows the test that fires instead
        declared = self.event(event)
        watched = Hooks.watchers and not self._is_stepwise
        before = self._state.value if watched else None
        leaves = self._leaves if Hooks.watchers else ()
        transition = self._fire(declared, payload)
        if transition is None:
            if Hooks.watchers:
                self._tell_refused(declared, payload)
            refused = TransitionNotAllowed(declared, self.configuration)
            raise self._refusal(declared.id, payload) from refused
        if Hooks.watchers:
            guards = (
                self._guards
                if self._is_stepwise
                else self._program.inferred(declared.id, before, transition.to_state)
            )
            self._tell_taken(transition, guards, leaves)
        return transition

    def fire_due(
        self, now: datetime | None = None, *, limit: int | None = None, without: Collection[str] = ()
    ) -> tuple[Transition, ...]:
        """Fire the events of the timers that are due, the earliest first, a commit for each.

        A timer whose event nothing takes lapses: its transition says so, and changes nothing else.

        Args:
            now: The moment; by default the present.
            limit: The most timers to fire.
            without: The names of timers to leave as they are.

        Raises:
            ValueError: The moment has no time zone.
        """
        now = moment_of(now)
        found: list[Transition] = []
        while len(found) != limit and self._is_stepwise:
            first = next((each for each in running.due(self, now) if each.timer not in without), None)
            if first is None:
                break
            leaves = self._leaves if Hooks.watchers else ()
            self._at = now
            try:
                transition = running.fire(self, first.event, {}, first.timer)
            finally:
                self._at = None
            assert transition is not None
            if Hooks.watchers:
                self._tell_taken(transition, self._guards, leaves)
            found.append(transition)
        return tuple(found)

    def require(self, event: Event, /, **payload: Any) -> None:
        """Raise the error that `fire` would raise if the event were refused; change nothing.

        Raises:
            UnknownEvent: The chart has no such event.
            InvalidTransition: The chart does not allow the event in this state.
            MissingPayload: A guard needs a payload keyword that was not given.
            UnknownPayload: Nothing takes a payload keyword, and its name is close to one that is taken.
            InvalidPayload: A payload keyword is of another type than a guard or hook declares.
        """
        declared = self.event(event)
        self._require_spelt(declared.id, payload)
        require_fitting(type(self).__name__, declared.id, self._steps(declared.id), payload)
        if declared.id not in self.enabled(**payload):
            try:
                with asking.resting(self):
                    owners = self._seeing()
                    for step in self._steps(declared.id):
                        known = step.known(owners, payload, step.transition.source)
                        all(guard.agrees(owners, known) for guard in step.guards)
            except Lacking as error:
                raise self._missing(declared.id, payload, error) from error.with_traceback(None)
            if Hooks.watchers:
                self._tell_refused(declared, payload)
            raise self._refusal(declared, payload)

    def enabled(self, **payload: Any) -> tuple[str, ...]:
        """Return the events that the present state and the guards allow, as declared.

        A guard that raises, perhaps because a payload is missing, does not allow its event, nor does a
        payload of another type than a guard or hook declares.
        """
        if self._is_stepwise:
            return asking.enabled(self, payload)
        state = self._state.value
        always = self._program.always(state)
        if always is not None and not payload:
            return always
        owners = self._seeing()
        return tuple(
            event
            for event, steps in self._program.leaving(state).items()
            if any(is_open(owners, step, payload) for step in steps)
        )

    def refusals(self, **payload: Any) -> dict[str, str]:
        """Return the events that are not allowed now, as declared, each with the reason."""
        if self._is_stepwise:
            return asking.refusals(self, payload)
        owners, state = self._seeing(), self._state.value
        leaving = self._program.leaving(state)
        found = {}
        for event in type(self)._declared.values():
            steps = leaving.get(event.id, ())
            if not any(is_open(owners, step, payload) for step in steps):
                reasons = (reason(owners, step, payload) for step in steps)
                told = " or ".join(dict.fromkeys(each for each in reasons if each is not None))
                found[event.id] = told or f"not declared in state {state_text(state)}"
        return found

    @classmethod
    def bound(
        cls,
        model: Any,  # Any: the checkers would ask for the model of a chart of unknown models
        *,
        subject: str | None = None,
        commit: Commit | None = None,
        evolve: Evolve | None = None,
        at: datetime | None = None,
    ) -> Self:
        """Return this thread's machine of this chart, bound to the attributes of a model.

        The machine is built once for each thread. Its own model receives copies of the attributes: fire an
        event at once, and read the result from the transition.

        Raises:
            NestedFire: An event of this chart is being committed in this thread.
            UnknownState: The chart has no state like the model's.
        """
        # Building a machine takes longer than an event, and leaves cyclic garbage.
        machines = cls._kept.machines
        machine = machines.get(type(model))
        own = keeper_of(cast("type", type(model))).apart(model)
        if machine is None:
            machine = machines[type(model)] = cls(own)
        elif machine._hooks.firing is not None:
            raise NestedFire(cls.__name__, machine._hooks.firing.event)
        else:
            machine._rebind(own)
        machine.subject = subject
        machine.commit = commit
        machine._evolution = evolve
        machine._at = at
        bound: Self = machine
        return bound

    def send(self, event: str, *args: Any, **payload: Any) -> Transition:
        """Fire an event by its name."""
        if args:
            raise TypeError(_BY_NAME)
        return self.fire(self.event(event), **payload)

    def enabled_events(self, *_args: Any, **payload: Any) -> list[Event]:
        """Return the events of `enabled`, bound to this machine."""
        return [getattr(self, name) for name in self.enabled(**payload)]

    def raise_(self, event: str, *args: Any, **payload: Any) -> None:
        """Raise an event in a guard or hook: it joins the macrostep, after the microsteps under way.

        What nothing takes is dropped.

        Raises:
            UnknownEvent: The chart has no such event.
            NestedFire: No event is being fired, or it is committed already.
        """
        if args:
            raise TypeError(_BY_NAME)
        running.raise_(self, event, payload)

    def cancel_event(self, send_id: str) -> None:
        """Do nothing, as no event is ever delayed."""
        del send_id

    def activate_initial_state(self) -> None:
        """Do nothing, as a machine is in its initial state from the beginning."""

    def add_listener(self, *_listeners: object) -> Any:
        """Raise ChartDefinitionError: listeners are declared on the class."""
        # A later listener would run after the commit, and could undo the transition in memory only.
        raise ChartDefinitionError(
            f"{type(self).__name__}: listeners are declared on the class (`listeners = [...]`), "
            "so that they run before the commit"
        )

    def __setattr__(self, name: str, value: object) -> None:
        # The engine's own check compares the name with the values of states instead of their names.
        kind = type(self)._kinds.get(name)
        if kind is not None:
            raise AttributeError(f"{type(self).__name__}: {name} is {kind}, and can't be replaced")
        if name == "model" and "_program" in vars(self):
            self._replace_model(value)
            return
        object.__setattr__(self, name, value)

    def _put_nonblocking(self, trigger_data: Any, internal: bool = False) -> None:
        """Refuse a trigger on the engine's queue, which did not come through `fire`."""
        del internal
        raise NestedFire(type(self).__name__, str(trigger_data.event))

    def _refusal(self, event: str, payload: Mapping[str, Any]) -> InvalidTransition:
        self._require_spelt(event, payload)  # a misspelt keyword may be why a guard refused
        with asking.resting(self):
            by_leaf = tuple(asking.tried(self, event, payload)) if len(self._leaves) > 1 else ()
            owners = self._seeing()
            reasons = ((step, reason(owners, step, payload)) for step in self._steps(event))
            by_step = [(state_text(step.target.value), why) for step, why in reasons if why is not None]
            return InvalidTransition(
                chart=type(self).__name__,
                event=event,
                subject=self._subject,
                state=self._state_text,
                allowed=self.enabled(**payload),
                tried=[(target, why) for _, target, why in by_leaf] or by_step,
                leaves=[leaf for leaf, _, _ in by_leaf],
            )

    @property
    def _leaves(self) -> tuple[str, ...]:
        if not self._is_stepwise:
            return (state_text(self._state.value),)
        return running.program_of(self).form.leaves(running.standing_of(self).active)

    def _tell(
        self, event: str, before: str, after: str | None, guards: Mapping[str, bool], **more: Any
    ) -> None:
        """Tell the watchers of an event; `more` are other attributes of `FiredEvent`."""
        about = self._subject or f"machine {self._serial}"
        fired = FiredEvent(type(self), about, event, before, after, guards, **more)
        for watcher in Hooks.watchers:
            watcher(fired)

    def _tell_taken(
        self, transition: Transition, guards: Mapping[str, bool], leaves: tuple[str, ...]
    ) -> None:
        self._tell(
            transition.event,
            transition.from_state,
            None if transition.lapsed else transition.to_state,
            guards,
            steps=transition.steps,
            leaves=leaves,
            timer=transition.timer,
            cancelled=running.cancelled(self._alarms, transition),
            later=self._later,
        )

    def _tell_begun(self, steps: tuple[Microstep, ...], later: frozenset[tuple[str, bool]]) -> None:
        self._tell(INITIAL, "", self._state_text, {}, steps=steps, later=later)

    def _tell_refused(self, event: Event, payload: Mapping[str, Any]) -> None:
        owners = self._seeing()
        guards = {
            str(guard.spec): agrees
            for step in self._steps(event.id)
            for guard, agrees in answers(owners, step, payload)
        }
        self._tell(event.id, self._state_text, None, guards, leaves=self._leaves)
