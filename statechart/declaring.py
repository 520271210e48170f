"""The class of charts: refuses declarations that can't be committed once per event."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Any

from statemachine import State as EngineState, StateChart
from statemachine.exceptions import InvalidDefinition
from statemachine.factory import StateMachineMetaclass

from statechart.engine.declaration import hints, members, models, naming, nested, states, strict
from statechart.engine.declaration.members import Members
from statechart.engine.declaration.models import declared_model
from statechart.engine.effects import effects_of
from statechart.engine.machines.kept import Kept
from statechart.engine.nested.form import Form
from statechart.engine.table import Table
from statechart.engine.values import value_problem
from statechart.errors import ChartDefinitionError, ChartWarning
from statechart.graph import findings
from statechart.tree import every_state, is_nested

_HOME = "statechart.chart"  # of the base of all charts
_LOOKED_AT = 1_000  # configurations, when a class is created: `lints` looks at more


def require_drawable(chart: type[StateChart[Any]], spec: str) -> None:
    """Check that python-statemachine can draw a chart in the format that `format` was asked for.

    Raises:
        ValueError: It draws states within states falsely.
    """
    if spec and chart.states_map and is_nested(chart):
        name = chart.__name__
        raise ValueError(
            f"python-statemachine draws {name} falsely, as it has states within states: use "
            f"statechart.diagram.render({name}, {spec!r})"
        )


class StrictMeta(StateMachineMetaclass):
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
        base = next((base for base in cls.__mro__ if base.__module__ == _HOME), cls)
        lost = [*members.replaced(attrs), *strict.hiding_the_engine(attrs), *states.problems(attrs, base)]
        lost += members.borrowed(attrs)
        if lost:
            raise ChartDefinitionError(f"chart {name}: " + "; ".join(lost))
        try:
            super().__init__(name, bases, attrs)  # type: ignore[arg-type]  # the engine's annotation says one base
        except InvalidDefinition as error:
            raise ChartDefinitionError(f"chart {name}: {error}") from error
        # A class without states is a base of charts, and has no transitions to check.
        if cls.states_map:
            members_of_all = states.flattened(attrs)
            shape = nested.shape_of(cls, members_of_all)  # type: ignore[arg-type]  # cls is a chart
            cls._is_stepwise, cls._holds_configuration = shape.stepwise, shape.holds
            cls._alarms = shape.alarms
            cls._effects, found = effects_of(cls, members_of_all)  # type: ignore[arg-type]
            found += shape.problems
            # Hidden from the engine, which would take `after_pay` for a hook as well.
            cls._protected_attrs |= {effect.method for effect in cls._effects}
            found += [*strict.problems(cls, base), *members.hidden(cls, base, attrs)]  # type: ignore[arg-type]  # cls is a chart
            found += members.ambiguous(cls)  # type: ignore[arg-type]
            model = declared_model(cls, base)
            cls._model_class = model
            found += naming.problems(cls, base, model)  # type: ignore[arg-type]
            found += hints.problems(cls, model)  # type: ignore[arg-type]
            if cls._is_stepwise and not found:
                cls._table = Table(cls)  # type: ignore[arg-type]
                cls._form = Form(cls, cls._table, cls._alarms, plain=not cls._holds_configuration)  # type: ignore[arg-type]
            # With mistakes in its states or timers, the form of its states is unknown.
            if not found or not (cls._is_stepwise or shape.problems):
                found += models.problems(cls, model)  # type: ignore[arg-type]
            cls._judge(found)
            own = cls.__mro__[: cls.__mro__.index(base)]
            cls._has_evolution = any("evolve" in vars(owner) for owner in own)
        members.adopt(attrs, name)
        cls._programs: dict[object, Any] = {}
        cls._kept = Kept()  # of the class, and not of the thread, so that both are freed together
        cls._kinds = {state.id: "a state" for state in every_state(cls)}  # type: ignore[arg-type]
        cls._kinds |= {event.id: "an event" for event in cls._events}
        cls._declared = {event.id: event for event in cls._events}
        states.show_events(every_state(cls), cls._declared)  # type: ignore[arg-type]
        cls._outer = {name: event for name, event in cls._declared.items() if not nested.is_inner(event)}

    def _judge(cls, problems: Sequence[str]) -> None:
        """Refuse the chart for its problems and likely mistakes, or warn of what may be meant otherwise."""
        doubts: Sequence[str] = ()
        if not problems:
            problems, doubts, _ = findings(cls, _LOOKED_AT)  # type: ignore[arg-type]
        if problems:
            raise ChartDefinitionError(f"chart {cls.__name__}: " + "; ".join(problems))
        for doubt in doubts:
            # The class statement is above the metaclass.
            warnings.warn(f"chart {cls.__name__}: {doubt}", ChartWarning, stacklevel=3)

    def _collect_class_listeners(cls, attrs: dict[str, Any], bases: Any) -> None:
        listeners = attrs.get("listeners", [])
        if not isinstance(listeners, Iterable):
            raise ChartDefinitionError(
                f"chart {cls.__name__}: listeners is a {type(listeners).__name__}: give a list of classes"
            )
        super()._collect_class_listeners(attrs, bases)

    def _check(cls) -> None:
        # Before the engine looks at the names.
        found = [*naming.unreadable(cls), *nested.lost_histories(cls)]  # type: ignore[arg-type]  # cls is a chart
        if found:
            raise ChartDefinitionError(f"chart {cls.__name__}: " + "; ".join(found))
        super()._check()  # type: ignore[no-untyped-call]  # of the engine

    def _check_disconnected_state(cls) -> None:
        if not nested.is_special(cls):  # type: ignore[arg-type]  # else see `findings`
            super()._check_disconnected_state()  # type: ignore[no-untyped-call]

    def _check_trap_states(cls) -> None:
        if not nested.is_special(cls):  # type: ignore[arg-type]
            super()._check_trap_states()  # type: ignore[no-untyped-call]

    def _check_reachable_final_states(cls) -> None:
        if not nested.is_special(cls):  # type: ignore[arg-type]
            super()._check_reachable_final_states()  # type: ignore[no-untyped-call]

    def _expand_docstring(cls) -> None:
        # It draws charts into docstrings that have a place for it.
        place = cls._STATECHART_RE.search(cls.__doc__ or "")
        if place is not None:
            try:
                require_drawable(cls, place[1])  # type: ignore[arg-type]  # cls is a chart
            except ValueError as error:
                raise ChartDefinitionError(
                    f"chart {cls.__name__}: {place[0]} in its docstring: {error}"
                ) from error
        super()._expand_docstring()

    def __format__(cls, spec: str) -> str:
        require_drawable(cls, spec)  # type: ignore[arg-type]  # cls is a chart
        return super().__format__(spec)

    def add_state(cls, id: str, state: EngineState) -> None:
        """Add a state, unless no record could hold its value."""
        value = id if state.value is None else state.value
        others = [known for known, other in cls.states_map.items() if other is not state]
        problem = value_problem(value, others)
        if problem is not None:
            raise ChartDefinitionError(f"chart {cls.__name__}: state {id!r}: {problem}")
        super().add_state(id, state)
