"""`create`: a new value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ValidationError

from statechart.cli import loading
from statechart.cli.parameters import name_argument, payload_argument, subcommand
from statechart.cli.payload import Keyword
from statechart.cli.settings import Settings
from statechart.cli.values import print_changed
from statechart.terminal.refusal import UsageRefused
from statechart.wording import listed, nearest


@subcommand("create")
@name_argument
@payload_argument
def create(settings: Settings, name: str, payload: tuple[str, ...]) -> None:
    """Record a new value.

    Without a state, it begins in the initial state of the chart.

    Examples:
        python -m statechart create shop:OrderChart A-1 price=7 --store orders
    """
    repository = loading.repository(settings)
    repository.create(name, read_value(settings, name, repository.model, payload))
    print_changed(settings, repository, name)


def read_value(
    settings: Settings, name: str, model: type[BaseModel], words: Iterable[str]
) -> Any:  # Any: the model
    """Return the value that typed words `FIELD=VALUE` stand for.

    Raises:
        UsageRefused: The model refuses them.
    """
    fields: dict[str, Any] = {}
    problems: list[str] = []
    names = {field.alias or key: field for key, field in model.model_fields.items()}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals:
            problems.append(f"{word!r} is not of the form FIELD=VALUE")
        elif key not in names:
            near = nearest(key, names)
            meant = f"did you mean {near!r}?" if near else f"there are {listed(names)}"
            problems.append(f"{model.__name__} has no field {key!r}: {meant}")
        else:
            try:
                fields[key] = Keyword(key, names[key].annotation, "", required=False).read(text)
            except ValueError as error:
                problems.append(f"{key}: {text!r}: {error}")
    if not problems:
        try:
            return model.model_validate(fields)
        except ValidationError as error:
            problems = [
                f"{'.'.join(map(str, each['loc'])) or model.__name__}: {each['msg']}"
                for each in error.errors(include_url=False)
            ]
    needed = [f"{key}=VALUE" for key, field in names.items() if field.is_required()]
    again = settings.spell(" ".join(["create NAME", *needed]), name)
    raise UsageRefused("\n  ".join(problems), (again,), code="invalid_value")
