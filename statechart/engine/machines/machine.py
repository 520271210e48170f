"""A machine: an instance of a chart, with its model and the program that it runs for events."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Generic
from warnings import warn

from loguru import logger
from statemachine import Event
from typing_extensions import TypeVar

from statechart.engine.calls import Lacking
from statechart.engine.declaration import naming
from statechart.engine.draft import sets_state
from statechart.engine.effects import named
from statechart.engine.hooks import Firing, Transition
from statechart.engine.machines.built import Built
from statechart.engine.nested import running
from statechart.engine.payload import RESERVED, Payload, require_spelt
from statechart.engine.program import Step
from statechart.engine.refusals import require_fitting
from statechart.engine.values import require_entered, require_settable
from statechart.errors import (
    InvalidValue,
    MissingPayload,
    NestedFire,
    ReservedPayload,
    UnknownPayload,
)
from statechart.wording import state_text

if TYPE_CHECKING:
    pass

ModelT = TypeVar("ModelT", default=Any)

NO_PAYLOAD: Mapping[str, Any] = {}


class Machine(Built[ModelT], Generic[ModelT]):
    """Runs the program of a chart on a model: chooses a transition, calls guards and hooks, commits.

    python-statemachine declares the chart and describes it; its engine is not run.
    """

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
