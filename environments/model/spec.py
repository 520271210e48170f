"""EnvironmentSpec: what an environment shall be, as its owner declares it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, SerializeAsAny, model_validator

from environments.model.errors import InvalidName, UnknownProvider
from environments.model.names import EnvironmentName, InstanceName, check_name
from environments.model.provider_kinds import ProviderSpec, provider_class, provider_kinds


def _load_provider(value: Any) -> Any:  # Any: whatever pydantic was given, before it is checked
    if not isinstance(value, dict):
        return value
    if "kind" not in value:
        raise ValueError(f"'kind' is missing; it is one of {', '.join(sorted(provider_kinds()))}")
    try:
        return provider_class(str(value["kind"])).model_validate(value)
    except UnknownProvider as error:
        raise ValueError(str(error)) from error


class EnvironmentSpec(BaseModel, frozen=True, extra="forbid", hide_input_in_errors=True):
    """What an environment shall be, as its owner declares it."""

    name: EnvironmentName = Field(
        description="The environment's name: 1 to 40 characters a-z, 0-9 and '-'."
    )
    provider: Annotated[SerializeAsAny[ProviderSpec], BeforeValidator(_load_provider)] = Field(
        description="The kind of environment, and its settings."
    )
    instance_name: InstanceName = Field(
        default="",
        description="The name of the instance, for its host and directories; by default envchart-NAME.",
    )
    description: str = Field(default="", description="A note about the environment's purpose.")

    @model_validator(mode="before")
    @classmethod
    def _default_instance_name(cls, value: Any) -> Any:  # Any: not yet validated
        if not isinstance(value, dict) or value.get("instance_name"):
            return value
        try:
            return {**value, "instance_name": f"envchart-{check_name(value['name'])}"}
        except (KeyError, TypeError, InvalidName):
            return value  # the name's own error is enough
