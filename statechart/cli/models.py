"""Models: typed words as the model of a chart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from pydantic import AliasChoices, BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from statechart.configuration import Configuration, typed_states
from statechart.engine.keywords import Keyword
from statechart.terminal.refusal import UsageRefused
from statechart.wording import listed, nearest

if TYPE_CHECKING:
    from statechart.chart import Chart


class ModelRefused(UsageRefused):
    """Typed words are no model."""

    def __init__(self, problems: Iterable[str], again: str) -> None:
        super().__init__("\n  ".join(problems), (again,), code="invalid_value")


def read_model(kind: type, words: Iterable[str], again: str, option: str = "") -> Any:  # Any: the class
    """Return the model that typed words `FIELD=VALUE` stand for.

    Args:
        kind: The class of the model.
        words: The typed words.
        again: The command to type instead, without its fields.
        option: The option before each field in that command.

    Raises:
        ModelRefused: A word is no field, or the class refuses the values.
    """
    annotations = _annotations(kind)
    closed = annotations is not None and getattr(kind, "model_config", {}).get("extra") != "allow"
    given, problems = _read(words, annotations, kind.__name__, closed=closed)
    if not problems:
        try:
            return TypeAdapter(kind).validate_python(given) if annotations is not None else kind(**given)
        except ValidationError as error:
            problems = [
                f"{'.'.join(map(str, each['loc'])) or kind.__name__}: {each['msg']}"
                for each in error.errors(include_url=False)
            ]
        except TypeError as error:  # of a class that is no model of pydantic's
            problems = [f"{kind.__name__}: {error}"]
    raise ModelRefused(problems, " ".join([again, *(f"{option}{name}=VALUE" for name in _needed(kind))]))


def with_configuration(chart: type[Chart], words: Iterable[str]) -> list[str]:
    """Return typed words with a state as JSON, if it is typed as the text of a configuration.

    Raises:
        UnknownState: The chart has no such state, or can't be in such a configuration.
    """
    if not chart._holds_configuration:
        return list(words)
    return [f"state={_configured(chart, word)}" if _is_text(word) else word for word in words]


def _is_text(word: str) -> bool:
    name, equals, text = word.partition("=")
    return bool(
        name == "state" and equals and text.strip() and not text.lstrip().startswith("{") and text != "null"
    )


def _configured(chart: type[Chart], word: str) -> str:
    return Configuration.of(chart, *typed_states(chart, word.partition("=")[2])).model_dump_json()


def read_facts(words: Iterable[str], own: object | None, again: str) -> dict[str, Any]:  # Any: JSON
    """Return the attributes of a model that typed words `NAME=VALUE` stand for.

    Args:
        words: The typed words.
        own: The chart's own model, or None for one that takes all attributes.
        again: The command to type instead.

    Raises:
        ModelRefused: A word is not of this form, or the model has no such attribute.
    """
    known = None if own is None else dict.fromkeys(getattr(own, "__dict__", {}), Any)
    given, problems = _read(words, known, type(own).__name__, closed=known is not None)
    if problems:
        raise ModelRefused(problems, again)
    return given


def _read(
    words: Iterable[str], annotations: dict[str, Any] | None, kind: str, *, closed: bool
) -> tuple[dict[str, Any], list[str]]:
    given: dict[str, Any] = {}
    problems: list[str] = []
    known = annotations or {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or not (name.isidentifier() or name in known):
            problems.append(f"{word!r} is not of the form KEY=VALUE")
        elif closed and name not in known:
            near = nearest(name, known)
            meant = f"did you mean {near!r}?" if near else f"there are {listed(known)}"
            problems.append(f"{kind} has no field {name!r}: {meant}")
        else:
            try:
                given[name] = Keyword(name, known.get(name, Any), "", required=False).read(text)
            except ValueError as error:
                problems.append(f"{name}: {text!r}: {error}")
    return given, problems


def _annotations(kind: type) -> dict[str, Any] | None:
    """Return the annotation of each field, or None for a class that declares none."""
    if issubclass(kind, BaseModel):
        return {_typed_name(name, field): field.annotation for name, field in kind.model_fields.items()}
    if is_dataclass(kind):
        # Names of annotations would be strings; pydantic reads them itself.
        return {field.name: Any for field in fields(kind) if field.init}
    return None


def _needed(kind: type) -> list[str]:
    if not issubclass(kind, BaseModel):
        return []
    return [_typed_name(name, field) for name, field in kind.model_fields.items() if field.is_required()]


def _typed_name(name: str, field: FieldInfo) -> str:
    alias = field.validation_alias
    if isinstance(alias, AliasChoices):
        alias = next((choice for choice in alias.choices if isinstance(choice, str)), None)
    return alias if isinstance(alias, str) else name
