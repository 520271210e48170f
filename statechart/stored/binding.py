"""The model of a chart's values, and the state in which a value begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from statechart.chart import Chart
from statechart.engine.nested.beginning import initial_state as begun
from statechart.engine.values import check_state, form_of, state_of
from statechart.errors import ChartDefinitionError, IllegalConfiguration, UnknownState
from statechart.wording import nearest, state_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from statechart.storage.session import Migration, ModelT


def model_of(chart: type[Chart[ModelT]], model: type[ModelT] | None) -> type[ModelT]:
    """Return the class of a chart's values, which must be able to hold a state.

    Raises:
        ChartDefinitionError: There is none, or it has no field `state`; the message says what to write.
    """
    if not isinstance(chart, type) or not issubclass(chart, Chart):
        raise ChartDefinitionError(f"{chart!r} is not a chart: give a class that inherits from Chart")
    name = chart.__name__
    if not chart.states_map:
        raise ChartDefinitionError(f"{name} has no states: give a chart that declares some")
    declared = chart.model_class()
    found: Any = declared if model is None else model  # Any: what is given may be no class at all
    if found is None:
        raise ChartDefinitionError(
            f"{name} does not say what its values are: declare class {name}(Chart[YourModel]), "
            "or give the class with model="
        )
    if not _is_model(found):
        raise ChartDefinitionError(
            f"the values of {name} can't be stored: {found!r} is not a class that inherits from "
            "pydantic.BaseModel"
        )
    if declared is not None and not issubclass(found, declared):
        raise ChartDefinitionError(
            f"{name} says that its values are of the class {declared.__name__}, not {found.__name__}: "
            "leave model= away"
        )
    if "state" not in found.model_fields:
        near = nearest("state", found.model_fields)
        instead = f" (it has {near!r})" if near else ""
        raise ChartDefinitionError(
            f"{found.__name__} can't hold the state of {name}: give it a field `state`{instead}, "
            f"such as state: str = {str(begun(chart, None, None))!r}"
        )
    suitable: type[ModelT] = found
    return suitable


def require_used(migrations: Mapping[int, Migration], schema_version: int) -> None:
    """Check that each migration is a function, and leads to the schema version.

    Raises:
        TypeError: One is not a function.
        ValueError: One would never be used.
    """
    for version, migration in migrations.items():
        if not callable(migration):
            raise TypeError(f"migrations[{version}] is not a function, but {migration!r}")
        if version not in range(1, schema_version):
            raise ValueError(
                f"migrations[{version}] would never be used: it leads from version {version} to "
                f"{version + 1}, and schema_version is {schema_version}"
            )


def require_recorded(chart: type[Chart], value: object, name: str) -> None:
    """Check that the recorded value of a name is in a state of the chart.

    Raises:
        UnknownState: The chart has no such state, or can't be in such a configuration.
    """
    try:
        check_state(chart, getattr(value, "state", None))
    except IllegalConfiguration as error:
        raise IllegalConfiguration(error.chart, error.name, error.problem, name) from None
    except UnknownState as error:
        raise UnknownState(error.chart, error.name, error.known, name) from None


def recorded_text(chart: type[Chart], value: object, name: str) -> str:
    """Return the text of the state of the recorded value of a name.

    Raises:
        UnknownState: As `require_recorded`.
    """
    require_recorded(chart, value, name)
    state = getattr(value, "state", None)
    found = state_of(chart.states_map, state) if form_of(chart) is None else None
    return state_text(state if found is None else found.value)


def _is_model(found: object) -> bool:
    return isinstance(found, type) and issubclass(found, BaseModel)
