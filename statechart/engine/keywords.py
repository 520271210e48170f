"""Keywords: those that guards and hooks take from a payload, and texts and JSON as their values."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticSchemaGenerationError, PydanticUndefinedAnnotation
from statemachine.callbacks import CallbackGroup

from statechart.engine.declaration.hints import hints, words_of
from statechart.engine.declaration.naming import names
from statechart.engine.effects import GIVEN, is_effect
from statechart.engine.nested.visited import visited
from statechart.engine.payload import RESERVED
from statechart.wording import first_problem, state_text

if TYPE_CHECKING:
    from statemachine import StateChart

    AnyChart = type[StateChart[Any]]

_NESTED = (
    "list_type",
    "tuple_type",
    "set_type",
    "frozen_set_type",
    "dict_type",
    "model_type",
    "dataclass_type",
)
_VARIABLE = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)


@dataclass(frozen=True, slots=True)
class Keyword:
    """A keyword that guards or hooks of an event take.

    Attributes:
        name: The keyword.
        type: Its annotation, or Any.
        words: The annotation as written, or an empty string.
        required: Whether a guard or hook has no default for it.
    """

    name: str
    type: Any
    words: str
    required: bool

    def __str__(self) -> str:
        return f"{self.name}: {self.words}" if self.words else self.name

    def read(self, text: str) -> Any:  # Any: of the annotation
        """Return the value that a typed text stands for.

        Raises:
            ValueError: The text is no value of the annotation; says why.
        """
        adapter = self._adapter()
        if adapter is None:
            return _plain(text)
        try:
            return adapter.validate_strings(text)
        except ValidationError as error:
            try:
                return adapter.validate_json(text)
            except ValidationError as again:
                if text[:1] in tuple('[{"'):  # meant as JSON
                    raise ValueError(first_problem(again)) from None
                is_nested = error.errors(include_url=False)[0]["type"] in _NESTED
                hint = "; lists and objects are typed as JSON" if is_nested else ""
                raise ValueError(f"{first_problem(error)}{hint}") from None

    def of_json(self, value: Any) -> Any:  # Any: JSON, and of the annotation
        """Return the value that recorded JSON stands for.

        Raises:
            ValueError: It is no value of the annotation.
        """
        adapter = self._adapter()
        return value if adapter is None else adapter.validate_json(json.dumps(value))

    def _adapter(self) -> TypeAdapter[Any] | None:
        try:
            return None if self.type is Any else TypeAdapter(self.type)
        except (PydanticSchemaGenerationError, PydanticUndefinedAnnotation):
            return None


def keywords_of(
    chart: AnyChart,
    model: type | None,
    event: str,
    state: str | None = None,
    *,
    guards: bool = False,
) -> list[Keyword]:
    """Return the keywords that guards and hooks take from the payload of an event.

    Args:
        chart: The chart.
        model: The class of the values, whose methods may be guards and hooks.
        event: The name of the event.
        state: The state from which it is fired; by default any.
        guards: Whether only guards are looked at.
    """
    found: dict[str, Keyword] = {}
    for function in _functions(chart, model, event, state, guards=guards):
        for parameter in _parameters(function):
            given = GIVEN if is_effect(function) else ()
            if parameter.name in (*RESERVED, *given) or parameter.kind in _VARIABLE:
                continue
            known = found.get(parameter.name)
            required = parameter.default is parameter.empty
            if known is None or (known.type is Any and parameter.annotation is not parameter.empty):
                kind, words = _annotation(parameter, function)
                known = Keyword(parameter.name, kind, words, required or bool(known and known.required))
            found[parameter.name] = Keyword(known.name, known.type, known.words, known.required or required)
    return list(found.values())


def recorded_payload(
    chart: AnyChart, model: type | None, event: str, recorded: Mapping[str, Any]
) -> dict[str, Any]:  # Any: JSON, and of the annotations
    """Return a payload as guards and hooks take it, from its JSON in a record.

    Raises:
        ValueError: A keyword is no value of its annotation.
    """
    known = {each.name: each for each in keywords_of(chart, model, event)}
    plain = (Keyword(name, Any, "", required=False) for name in recorded)
    return {each.name: known.get(each.name, each).of_json(recorded[each.name]) for each in plain}


def takes_all(chart: AnyChart, model: type | None, event: str) -> bool:
    """Return whether the chart may read any keyword: a hook takes all, or `evolve` does."""
    return any(
        parameter.kind is parameter.VAR_KEYWORD
        for function in _functions(chart, model, event, None)
        for parameter in _parameters(function)
    )


def _plain(text: str) -> Any:  # Any: JSON
    """Return a text as JSON, or as it is if it is none."""
    return json.loads(text) if _is_json(text) else text


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _functions(
    chart: AnyChart, model: type | None, event: str, state: str | None, *, guards: bool = False
) -> Iterator[Callable[..., Any]]:
    """Yield the guards and hooks that an event asks and runs, and the effects that it makes due."""
    for spec in _specs(chart, event, state):
        if guards and spec.group is not CallbackGroup.COND:
            continue
        if callable(spec.func):
            yield spec.func
            continue
        for name in names(spec):
            for owner in (chart, model):
                found = getattr(owner, name, None) if owner is not None else None
                if inspect.isroutine(found) and not is_effect(found):
                    yield found
    if not guards:
        yield from _effects(chart, event, state)


def _effects(chart: AnyChart, event: str, state: str | None) -> Iterator[Callable[..., Any]]:
    if _is_walked(chart):
        found = visited(chart, event, state)
        targets = {state_text(entered.value) for entered in found.following}
        if found.ways:
            targets.add("")  # a transition without a target makes effects of the event due as well
    else:
        targets = {state_text(each.value) for way in _ways(chart, event, state) for each in way.targets}
    for effect in vars(chart).get("_effects", ()):
        if any(effect.is_due(event, target) for target in targets):
            yield getattr(chart, effect.method)


def _specs(chart: AnyChart, event: str, state: str | None) -> Iterator[Any]:  # Any: of the engine
    yield from chart._specs
    if _is_walked(chart):
        found = visited(chart, event, state)
        for way in found.ways:
            yield from way._specs
        for left in found.left:
            yield from (spec for spec in left._specs if spec.group is CallbackGroup.EXIT)
        for entered in found.entered:
            yield from (spec for spec in entered._specs if spec.group is CallbackGroup.ENTER)
        return
    for way in _ways(chart, event, state):
        yield from way._specs
        for visit in (way.source, *way.targets):
            yield from visit._specs


def _is_walked(chart: AnyChart) -> bool:
    return getattr(chart, "_is_stepwise", False) and "_table" in vars(chart)


def _ways(chart: AnyChart, event: str, state: str | None) -> Iterator[Any]:  # Any: of the engine
    for source in chart.states:
        if state is None or state_text(source.value) == state:
            for way in source.transitions:
                if event in [declared.id for declared in way.events]:
                    yield way


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # some callables of C have none
        return []


def _annotation(parameter: inspect.Parameter, function: Callable[..., Any]) -> tuple[Any, str]:
    """Return the annotation of a parameter, and its words."""
    written = parameter.annotation
    if written is parameter.empty:
        return Any, ""
    if not isinstance(written, str):
        return written, words_of(written)
    return hints(function).get(parameter.name, Any), written
