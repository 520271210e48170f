"""The declaration of an environment."""

from __future__ import annotations

from datetime import datetime, timedelta
from operator import not_
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    SerializeAsAny,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic.config import JsonDict

from environments.model.errors import InvalidName, UnknownProvider
from environments.model.fields.expiry import EXPIRES_PATTERN, read_expires
from environments.model.fields.labels import LABEL_KEY, MAX_LABEL_KEY, MAX_LABEL_VALUE, check_labels
from environments.model.names import INSTANCE_NAME, MAX_INSTANCE_NAME_LENGTH, EnvironmentName, check_name
from environments.model.provider_kinds import Providers, ProviderSpec, provider_class, provider_kinds

_LABELS_SCHEMA: JsonDict = {
    "propertyNames": {"pattern": LABEL_KEY, "maxLength": MAX_LABEL_KEY},
    "additionalProperties": {"type": "string", "maxLength": MAX_LABEL_VALUE},
}
_EXPIRES_SCHEMA = {
    "anyOf": [
        {"type": "string", "pattern": EXPIRES_PATTERN},
        {"type": "number", "exclusiveMinimum": 0},
        {"type": "null"},
    ],
    "default": None,
}


def _load_provider(value: Any, info: ValidationInfo[Any]) -> Any:  # Any: the unvalidated input
    if not isinstance(value, dict):
        return value
    if "kind" not in value:
        raise ValueError(f"'kind' is missing; the kinds are {', '.join(sorted(provider_kinds()))}")
    if not isinstance(value["kind"], str):
        raise ValueError("'kind' should be a string")  # noqa: TRY004  # pydantic reports only a ValueError
    if isinstance(info.context, Providers):
        return info.context.read(value["kind"], value)
    try:
        return provider_class(value["kind"]).model_validate(value)
    except UnknownProvider as error:
        raise ValueError(str(error)) from error


class EnvironmentSpec(
    BaseModel, frozen=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True
):
    """The declaration of an environment."""

    name: EnvironmentName
    """The environment's name: 1 to 40 characters a-z, 0-9 and '-'."""
    provider: Annotated[SerializeAsAny[ProviderSpec], BeforeValidator(_load_provider)]
    """The kind of environment, and its settings."""
    instance_name: str = Field(
        default="",
        max_length=MAX_INSTANCE_NAME_LENGTH,
        json_schema_extra={"pattern": INSTANCE_NAME.pattern},
    )
    """The name of the instance, for its host and directories; by default envchart-NAME."""
    description: str = ""
    """A note about the environment."""
    # Both are stored if they are given, so that the records of specs without them stay as they were.
    labels: Annotated[dict[str, str], AfterValidator(check_labels)] = Field(
        default={},
        exclude_if=not_,
        json_schema_extra=_LABELS_SCHEMA,
        examples=[{"team": "web", "purpose": "preview"}],
    )
    """Keys and values to select and group environments by."""
    expires: Annotated[
        timedelta | datetime | None, BeforeValidator(read_expires), WithJsonSchema(_EXPIRES_SCHEMA)
    ] = Field(default=None, exclude_if=lambda expires: expires is None, examples=["8h"])
    """The time after which the environment is no longer needed: from its creation, as 8h, 30m or 7d, or \
a moment, as 2030-01-31T18:00Z. `destroy --expired` removes what has expired, and so does `timers run` \
where `on_expiry` says so."""
    on_expiry: Literal["propose", "destroy"] = Field(
        default="propose", exclude_if=lambda action: action == "propose"
    )
    """What `timers run` does when the environment has expired: propose its teardown, or start it."""

    @model_validator(mode="before")
    @classmethod
    def _default_instance_name(cls, value: Any) -> Any:  # Any: not yet validated
        if not isinstance(value, dict) or value.get("instance_name") not in (None, ""):
            return value
        try:
            return {**value, "instance_name": f"envchart-{check_name(value['name'])}"}
        except (KeyError, TypeError, InvalidName):
            return value  # validation of the name reports the error

    @model_validator(mode="after")
    def _check_on_expiry(self) -> Self:
        if self.on_expiry == "destroy" and self.expires is None:
            raise ValueError(
                "on_expiry is destroy, and nothing expires: give expires, as 8h, or leave it away"
            )
        return self

    @field_validator("instance_name")
    @classmethod
    def _check_instance_name(cls, name: str) -> str:
        # Not a `pattern` of the field, since pydantic's message would only quote the expression.
        if not INSTANCE_NAME.fullmatch(name):
            rule = "may contain only a-z, 0-9 and '-', starts with a letter and does not end with '-'"
            raise ValueError(rule)
        return name
