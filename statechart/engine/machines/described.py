"""The description of a machine: python-statemachine's attributes and renderers."""

from __future__ import annotations

import warnings
from functools import cached_property
from typing import Any, Generic

from statemachine import State, StateChart
from statemachine.callbacks import CallbacksRegistry
from statemachine.dispatcher import Listener, Listeners
from statemachine.graph import iterate_states_and_transitions
from statemachine.orderedset import OrderedSet
from typing_extensions import TypeVar

from statechart.engine.values import require_state
from statechart.wording import state_text

ModelT = TypeVar("ModelT", default=Any)


class Described(StateChart[ModelT], Generic[ModelT]):
    """A machine of python-statemachine whose engine was never started: its model tells the state."""

    @property
    def _held(self) -> Any:  # Any: an object with a state
        return self.model

    @property
    def _state(self) -> State:
        return require_state(type(self), self._held.state)

    @property
    def _active(self) -> int | None:
        """The bits of the active states, or None if a machine has one at a time."""
        return None

    @property
    def _state_text(self) -> str:
        """The text of the present state or configuration."""
        return state_text(self._state.value)

    def _states_of(self, active: int) -> OrderedSet[State]:
        """Return the states of a configuration in bits, as this machine's own states."""
        raise NotImplementedError

    @property
    def configuration(self) -> OrderedSet[State]:
        """The active states, as a set: those around others too, in document order."""
        held = getattr(self.model, "state", None)
        if held is None:
            return OrderedSet()
        active = self._active
        return self.configuration_of(self._state) if active is None else self._states_of(active)

    @configuration.setter
    def configuration(self, new_configuration: OrderedSet[State]) -> None:
        self._require_one_state()
        (state,) = new_configuration
        self.current_state_value = state.value

    def configuration_of(self, state: State) -> OrderedSet[State]:
        """Return the configuration of a state, as this machine's own state."""
        return OrderedSet([vars(self).get(state.id, state)])

    @property
    def configuration_values(self) -> OrderedSet[Any]:
        """The value of the active state, as a set."""
        return OrderedSet(state.value for state in self.configuration)

    @property
    def current_state_value(self) -> Any:
        """The value of the active state."""
        return getattr(self.model, "state", None)

    @current_state_value.setter
    def current_state_value(self, value: object) -> None:
        self._require_one_state()
        self._held.state = require_state(type(self), value).value

    def _require_one_state(self) -> None:
        """Raise AttributeError if a machine may have several active states, as its model tells."""
        if self._active is not None and not type(self)._form.is_plain:  # type: ignore[attr-defined]  # of a chart
            name = type(self).__name__
            hint = f"give its model a state, such as Configuration.of({name}, ...)"
            raise AttributeError(
                f"{name}: its configuration can't be set, as it has history and timers: {hint}"
            )

    @property
    def is_terminated(self) -> bool:
        """Whether a final state is active that is in no other state."""
        return any(state.final and state.parent is None for state in self.configuration)

    @property
    def current_state(self) -> Any:  # Any: of python-statemachine
        """The active state; python-statemachine prefers `configuration`."""
        warnings.warn("current_state is deprecated: use configuration", DeprecationWarning, stacklevel=2)
        return next(iter(self.configuration), None)

    @current_state.setter
    def current_state(self, value: State) -> None:
        warnings.warn("current_state is deprecated: use configuration", DeprecationWarning, stacklevel=2)
        self.current_state_value = value.value

    @cached_property
    def _callbacks(self) -> CallbacksRegistry:  # type: ignore[override]  # nobody assigns it
        """The guards and hooks, which the renderers name in a diagram of a machine."""
        registry = CallbacksRegistry()
        owners = Listeners.from_listeners(
            (
                Listener.from_obj(self, skip_attrs=type(self)._protected_attrs),
                Listener.from_obj(self.model, skip_attrs={self.state_field}),
                *(Listener.from_obj(listener) for listener in self.active_listeners),
            )
        )
        for visited in iterate_states_and_transitions(self.states):
            owners.resolve(visited._specs, registry=registry)
        return registry
