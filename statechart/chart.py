"""A strict statechart, based on python-statemachine's StateChart."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from copy import copy
from typing import Any, ClassVar, Generic, Self

from loguru import logger
from statemachine import Event, State, StateChart
from statemachine.callbacks import CallbacksRegistry
from statemachine.exceptions import InvalidDefinition, TransitionNotAllowed
from statemachine.factory import StateMachineMetaclass
from typing_extensions import TypeVar

from statechart.engine import hints, members, models, naming, strict
from statechart.engine.effects import Effect, effects_of
from statechart.engine.hooks import Commit, FiredEvent, Firing, Hooks, Transition, emit, hooks_class
from statechart.engine.kept import kept_machines
from statechart.engine.members import Members
from statechart.engine.models import declared_model
from statechart.engine.payload import (
    RESERVED,
    Payload,
    keywords,
    require_complete,
    require_no_payload,
    require_spelt,
)
from statechart.engine.refusals import answers, ask, is_open, reason, ways
from statechart.engine.values import require_settable, require_state, settle, value_problem
from statechart.errors import (
    ChartDefinitionError,
    InvalidTransition,
    NestedFire,
    NotCopyable,
    ReservedPayload,
    UnknownEvent,
)
from statechart.graph import lints
from statechart.wording import state_text

__all__ = ["Chart", "Event", "State"]

ModelT = TypeVar("ModelT", default=Any)


class _StrictMeta(StateMachineMetaclass):
    """Refuses, at the creation of a class, declarations that can't be committed once per event."""

    @classmethod
    def __prepare__(cls, _name: str, _bases: tuple[type, ...], /, **_options: Any) -> Members:
        return Members()

    def __init__(cls, name: str, bases: tuple[type, ...], attrs: dict[str, Any]) -> None:
        extended = [base.__name__ for base in bases if getattr(base, "states_map", None)]
        # The engine keeps State objects on the class: a subclass would rebind those of its base.
        if extended:
            raise ChartDefinitionError(
                f"{name} extends the chart {extended[0]}, whose states would be shared; declare it whole"
            )
        lost = list(members.replaced(attrs))
        if lost:
            raise ChartDefinitionError(f"chart {name}: " + "; ".join(lost))
        try:
            super().__init__(name, bases, attrs)  # type: ignore[arg-type]  # the engine's annotation says one base
        except InvalidDefinition as error:
            raise ChartDefinitionError(f"chart {name}: {error}") from error
        # A class without states is a base of charts, and has no transitions to check.
        if cls.states_map:
            effects = effects_of(cls, attrs)  # type: ignore[arg-type]  # cls is a chart
            cls._effects = effects
            # Hidden from the engine, which would take `after_pay` for a hook as well.
            cls._protected_attrs |= {effect.method for effect in effects}
            base = next(base for base in cls.__mro__ if base.__module__ == __name__)
            found = [*strict.problems(cls, base), *members.hidden(cls, base, attrs)]  # type: ignore[arg-type]  # cls is a chart
            model = declared_model(cls, base)
            found += naming.problems(cls, base, model)  # type: ignore[arg-type]
            found += hints.problems(cls, model)  # type: ignore[arg-type]
            found += models.problems(cls, model)  # type: ignore[arg-type]
            found += () if found else lints(cls)  # type: ignore[arg-type]
            if found:
                raise ChartDefinitionError(f"chart {name}: " + "; ".join(found))

    def _collect_class_listeners(cls, attrs: dict[str, Any], bases: Any) -> None:
        listeners = attrs.get("listeners", [])
        if not isinstance(listeners, Iterable):
            raise ChartDefinitionError(
                f"chart {cls.__name__}: listeners is a {type(listeners).__name__}: give a list of classes"
            )
        super()._collect_class_listeners(attrs, bases)

    def _check(cls) -> None:
        # Before the engine looks at the names.
        found = list(naming.unreadable(cls))  # type: ignore[arg-type]  # cls is a chart
        if found:
            raise ChartDefinitionError(f"chart {cls.__name__}: " + "; ".join(found))
        super()._check()  # type: ignore[no-untyped-call]  # of the engine

    def add_state(cls, id: str, state: State) -> None:
        """Add a state, unless no record could hold its value."""
        value = id if state.value is None else state.value
        others = [known for known, other in cls.states_map.items() if other is not state]
        problem = value_problem(value, others)
        if problem is not None:
            raise ChartDefinitionError(f"chart {cls.__name__}: state {id!r}: {problem}")
        super().add_state(id, state)


class Chart(StateChart[ModelT], Generic[ModelT], metaclass=_StrictMeta):
    """A flat statechart whose every event is committed exactly once, or not at all.

    Declare states and events as class attributes, and guards, validators and hooks as methods. They run
    before the commit and may veto it by raising. A guard takes `model`; its docstring is the reason in a
    refusal. `after_` hooks run after the commit; their exceptions are logged and go no further.

    Args:
        model: Any object with a `state`, or None for the chart's own. A model with a state stays in
            that state; another enters the initial state, without a commit.
        subject: The name in messages; by default the model's `name`.
        commit: Makes transitions durable. None keeps them in memory only.

    Raises:
        UnknownState: The chart has no state like the model's.
    """

    allow_event_without_transition = False
    catch_errors_as_events = False
    atomic_configuration_update = True

    log_message: ClassVar[str] = "State transition"
    """The message of the line that is logged at INFO for each commit."""

    phases: ClassVar[Mapping[str, Sequence[State | str]]] = {}
    """Groups of states, by name: diagrams draw a box around each group."""

    failures: ClassVar[Sequence[State | str]] = ()
    """The states that mean a failure: diagrams mark them."""

    record_payload: ClassVar[bool | Collection[str]] = True
    """Whether `fire` records the payload of an event; or the names of the keywords that are left out."""

    _hooks_class: ClassVar[type[Hooks] | None] = None
    _effects: ClassVar[tuple[Effect, ...]] = ()

    def __init__(
        self, model: ModelT | None = None, *, subject: str | None = None, commit: Commit | None = None
    ) -> None:
        cls = type(self)
        model = self.new_model() if model is None else model
        if model is not None and settle(cls, model) is None:
            require_settable(cls, model, None)
        self._hooks = cls._new_hooks()
        # The last listener: whatever may veto an event runs before the commit.
        try:
            super().__init__(model, listeners=[self._hooks])
        except InvalidDefinition as error:
            raise ChartDefinitionError(f"chart {cls.__name__}: {naming.unbuilt(self) or error}") from error
        except TypeError as error:
            require_no_payload(cls.__name__, error)
            raise
        self.subject = subject
        self.commit = commit

    @classmethod
    def _new_hooks(cls) -> Hooks:
        # Of this class, not of a base: the hooks are named after the states.
        if cls.__dict__.get("_hooks_class") is None:
            cls._hooks_class = hooks_class(cls.__name__, [state.id for state in cls.states])
        assert cls._hooks_class is not None
        return cls._hooks_class(cls.log_message, cls.emit)

    def __getstate__(self) -> dict[str, Any]:
        """Return the parts of a copy or a pickle: the model, and attributes of the chart's own."""
        if self.commit is not None:
            raise NotCopyable(type(self).__name__)
        parts: dict[str, Any] = super().__getstate__()  # type: ignore[no-untyped-call]  # of the engine
        del parts["_hooks"]
        parts["_listeners"] = [each for each in self._listeners.values() if each is not self._hooks]
        return parts

    def __setstate__(self, parts: dict[str, Any]) -> None:
        listeners = parts.pop("_listeners")
        vars(self).update(parts)
        self._hooks = self._new_hooks()
        self._listeners = {}
        self._callbacks = CallbacksRegistry()
        self._config = self._build_configuration()
        self._register_callbacks([*listeners, self._hooks])
        self._engine = self._get_engine()

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
        """Return the model of a machine that is given none, or None for the engine's own."""
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
        for event in cls._events:
            if event.id == name:
                return event
        raise UnknownEvent(cls.__name__, str(name), [event.id for event in cls._events])

    @classmethod
    def check_state(cls, value: object) -> None:
        """Check that a value is that of a state, or None, with which a model begins in the initial state.

        Raises:
            UnknownState: It is not; the error names the nearest.
        """
        if value is not None:
            require_state(cls, value)

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
            ReservedPayload: The engine reserves a payload keyword for itself.
        """
        __tracebackhide__ = True  # pytest shows the test that fires instead
        declared = self.event(event)
        if not Hooks.watchers:
            return self._fire(declared, payload)
        before = self._state.value
        try:
            transition = self._fire(declared, payload)
        except InvalidTransition:
            self._tell_refused(declared, payload)
            raise
        guards = self._inferred(declared, before, transition.to_state)
        self._tell(
            FiredEvent(
                type(self), self._about, declared.id, state_text(before), transition.to_state, guards
            )
        )
        return transition

    def _fire(self, declared: Event, payload: dict[str, Any]) -> Transition:
        __tracebackhide__ = True
        if self._hooks.firing is not None:
            raise NestedFire(type(self).__name__, declared.id)
        if not RESERVED.isdisjoint(payload):
            raise ReservedPayload(sorted(RESERVED.intersection(payload)))
        # A commit that reads the payload checks it afterwards.
        if payload and not getattr(self.commit, "reads_payload", False):
            require_spelt(self, declared, payload)
        before = settle(type(self), self.model)  # as it is, since a state's value need not be a string
        require_settable(type(self), self.model, before)
        firing = Firing(
            declared.id,
            state_text(before),
            type(self).__name__,
            self._subject,
            Payload(payload, keywords(self, declared)) if payload else {},
            self.commit,
            since=getattr(self.model, "since", None),
        )
        try:
            self._hooks.firing = firing
            self._take(declared, payload)
        except BaseException as error:
            self._restore(before, firing)
            if _is_refusal(error, firing):
                # The engine's own frames say nothing, and would be shown above the refusal.
                raise self._refusal(declared.id, payload) from error.with_traceback(None)
            if not firing.committed and isinstance(error, TypeError):
                require_complete(self, declared, payload, error)
            if not firing.committed or not isinstance(error, Exception):
                raise
            # A committed event has happened: a hook that fails afterwards must not deny it.
            with suppress(Exception):  # a failing log sink must not turn a commit into an error
                logger.opt(exception=error).warning("A hook failed after {} was committed", declared.id)
        finally:
            self._hooks.firing = None
        # Without an error and without a transition, the engine found no way.
        if firing.transition is None:
            raise self._refusal(declared.id, payload)
        return firing.transition

    def require(self, event: Event, /, **payload: Any) -> None:
        """Raise the error that `fire` would raise if the event were refused; change nothing.

        Raises:
            UnknownEvent: The chart has no such event.
            InvalidTransition: The chart does not allow the event in this state.
            MissingPayload: A guard needs a payload keyword that was not given.
            UnknownPayload: Nothing takes a payload keyword, and its name is close to one that is taken.
        """
        declared = self.event(event)
        require_spelt(self, declared, payload)
        if declared.id not in self.enabled(**payload):
            try:
                ask(self, ways(declared, self._state), payload)
            except TypeError as error:
                require_complete(self, declared, payload, error)
                raise
            if Hooks.watchers:
                self._tell_refused(declared, payload)
            raise self._refusal(declared.id, payload)

    def enabled(self, **payload: Any) -> tuple[str, ...]:
        """Return the events that the present state and the guards allow, as declared.

        A guard that raises, perhaps because a payload is missing, does not allow its event.
        """
        open_ = {
            event.id
            for transition in self._state.transitions
            if is_open(self, transition, payload)
            for event in transition.events
        }
        return tuple(event.id for event in type(self)._events if event.id in open_)

    @classmethod
    def bound(cls, model: Any, *, subject: str | None = None, commit: Commit | None = None) -> Self:
        """Return this thread's machine of this chart, bound to the attributes of a model.

        The machine is built once for each thread. Its own model receives copies of the attributes: fire an
        event at once, and read the result from the transition.

        Raises:
            NestedFire: An event of this chart is being committed in this thread.
            UnknownState: The chart has no state like the model's.
        """
        # Building a machine takes longer than an event, and leaves cyclic garbage.
        machine = kept_machines().get((cls, type(model)))
        if machine is None:
            machine = cls(copy(model))
            # Models without a dictionary can't be rebound below.
            if hasattr(model, "__dict__"):
                kept_machines()[cls, type(model)] = machine
        elif machine._hooks.firing is not None:
            raise NestedFire(cls.__name__, "another event")
        else:
            cls.check_state(getattr(model, "state", None))
            fields = vars(machine.model)
            fields.clear()
            fields.update(vars(model))
            settle(cls, machine.model)
            machine._engine.start()  # enters the initial state if the model has none
        machine.subject = subject
        machine.commit = commit
        bound: Self = machine
        return bound

    def send(self, event: str, *args: Any, **payload: Any) -> Transition:
        """Fire an event by its name."""
        if args:
            raise TypeError(
                "give the payload as keyword arguments, so that hooks can name the parts they use"
            )
        return self.fire(self.event(event), **payload)

    def add_listener(self, *_listeners: object) -> Any:
        """Raise ChartDefinitionError: listeners are declared on the class."""
        # A later listener would run after the commit, and could undo the transition in memory only.
        raise ChartDefinitionError(
            f"{type(self).__name__}: listeners are declared on the class (`listeners = [...]`), "
            "so that they run before the commit"
        )

    def __setattr__(self, name: str, value: object) -> None:
        # The engine's own check compares the name with the values of states instead of their names.
        if not name.startswith("_") and any(name == state.id for state in type(self).states):
            raise AttributeError(f"{type(self).__name__}: {name} is a state, and can't be replaced")
        object.__setattr__(self, name, value)

    @property
    def _held(self) -> Any:  # Any: an object with a state
        return self.model

    @property
    def _state(self) -> State:
        return require_state(type(self), self._held.state)

    @property
    def _subject(self) -> str | None:
        if self.subject is not None:
            return self.subject
        name = getattr(self.model, "name", None)
        return None if name is None else str(name)

    def _take(self, event: Event, payload: Mapping[str, Any]) -> None:
        # A flat chart's event is one microstep. The engine's loop around it serves queued, internal and
        # eventless transitions, which are refused here, and takes half as long again.
        trigger = event.build_trigger(machine=self, **payload)
        self._engine.clear_cache()
        selected = self._engine.select_transitions(trigger)
        if not selected:
            raise TransitionNotAllowed(event, self.configuration)
        self._engine.microstep(list(selected), trigger)
        if not self._engine.running:
            self._engine = self._get_engine()

    def _restore(self, before: Any, firing: Firing) -> None:
        self._held.state = firing.entered if firing.committed else before
        # The old engine may hold queued triggers and caches of the interrupted event.
        self._engine = self._get_engine()

    def _register_callbacks(self, listeners: list[object]) -> None:
        try:
            super()._register_callbacks(listeners)
        except (AttributeError, TypeError, ValueError) as error:  # of a callable without a signature
            problem = f"a guard or hook can't be called by the names of its arguments ({error})"
            raise ChartDefinitionError(f"chart {type(self).__name__}: {problem}") from error

    def _get_engine(self) -> Any:
        if self._callbacks.has_async_callbacks:
            raise ChartDefinitionError(f"{type(self).__name__}: the model has async callbacks")
        return super()._get_engine()  # type: ignore[no-untyped-call]

    def _put_nonblocking(self, trigger_data: Any, internal: bool = False) -> None:
        """Refuse a trigger on the engine's queue, which did not come through `fire`."""
        del internal
        raise NestedFire(type(self).__name__, str(trigger_data.event))

    def _refusal(self, event: str, payload: Mapping[str, Any]) -> InvalidTransition:
        declared = self.event(event)
        require_spelt(self, declared, payload)  # a misspelt keyword may be why a guard refused
        reasons = ((way, reason(self, way, payload)) for way in ways(declared, self._state))
        return InvalidTransition(
            chart=type(self).__name__,
            event=event,
            subject=self._subject,
            state=state_text(self._state.value),
            allowed=self.enabled(**payload),
            tried=[(state_text(way.target.value), why) for way, why in reasons if why is not None],
        )

    @property
    def _about(self) -> str:
        return self._subject or f"machine {id(self)}"

    def _tell(self, attempt: FiredEvent) -> None:
        for watcher in Hooks.watchers:
            watcher(attempt)

    def _tell_refused(self, event: Event, payload: Mapping[str, Any]) -> None:
        guards = {
            str(guard.meta): agrees
            for transition in ways(event, self._state)
            for guard, agrees in answers(self, transition, payload)
        }
        here = state_text(self._state.value)
        self._tell(FiredEvent(type(self), self._about, event.id, here, None, guards))

    def _inferred(self, event: Event, before: Any, after: str) -> dict[str, bool]:
        """Return the answers that the guards must have given for an event to lead there."""
        # Asking the guards again could run side effects, or give other answers.
        said: dict[str, bool] = {}
        for transition in ways(event, self.states_map[before]):
            guards = [str(guard) for guard in transition.cond]
            if state_text(transition.target.value) == after:
                return said | dict.fromkeys(guards, True)
            if len(guards) == 1:
                said[guards[0]] = False
        return said


def _is_refusal(error: BaseException, firing: Firing) -> bool:
    refused = isinstance(error, TransitionNotAllowed) and error.event == firing.event
    return refused and firing.transition is None
