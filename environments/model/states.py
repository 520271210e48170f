"""The thirteen states of an environment, each with its data."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias, get_args

from pydantic import BaseModel, BeforeValidator, Field

from environments.model.failure import Failure
from environments.model.fields.state_name import EnvironmentState as EnvironmentState
from statechart.wording import listed, nearest


class Created(BaseModel, frozen=True, extra="forbid"):
    """Declared, without resources."""

    name: Literal[EnvironmentState.CREATED] = EnvironmentState.CREATED


class Provisioning(BaseModel, frozen=True, extra="forbid"):
    """Resources are being created."""

    name: Literal[EnvironmentState.PROVISIONING] = EnvironmentState.PROVISIONING


class Provisioned(BaseModel, frozen=True, extra="forbid"):
    """The resources exist."""

    name: Literal[EnvironmentState.PROVISIONED] = EnvironmentState.PROVISIONED


class Configuring(BaseModel, frozen=True, extra="forbid"):
    """The resources are being configured."""

    name: Literal[EnvironmentState.CONFIGURING] = EnvironmentState.CONFIGURING


class Configured(BaseModel, frozen=True, extra="forbid"):
    """The resources are configured for the application."""

    name: Literal[EnvironmentState.CONFIGURED] = EnvironmentState.CONFIGURED


class Releasing(BaseModel, frozen=True, extra="forbid"):
    """A release of the application is being installed."""

    name: Literal[EnvironmentState.RELEASING] = EnvironmentState.RELEASING


class Released(BaseModel, frozen=True, extra="forbid"):
    """A release of the application is installed, but does not run yet."""

    name: Literal[EnvironmentState.RELEASED] = EnvironmentState.RELEASED


class Running(BaseModel, frozen=True, extra="forbid"):
    """The application runs, and its health check passed."""

    name: Literal[EnvironmentState.RUNNING] = EnvironmentState.RUNNING


class Destroyed(BaseModel, frozen=True, extra="forbid"):
    """The resources are verifiably gone."""

    name: Literal[EnvironmentState.DESTROYED] = EnvironmentState.DESTROYED


class ProvisionFailed(BaseModel, frozen=True, extra="forbid"):
    """Creating the resources failed."""

    name: Literal[EnvironmentState.PROVISION_FAILED] = EnvironmentState.PROVISION_FAILED
    failure: Failure


class ConfigureFailed(BaseModel, frozen=True, extra="forbid"):
    """Configuring the resources failed."""

    name: Literal[EnvironmentState.CONFIGURE_FAILED] = EnvironmentState.CONFIGURE_FAILED
    failure: Failure


class ReleaseFailed(BaseModel, frozen=True, extra="forbid"):
    """Installing a release failed."""

    name: Literal[EnvironmentState.RELEASE_FAILED] = EnvironmentState.RELEASE_FAILED
    failure: Failure


class RunFailed(BaseModel, frozen=True, extra="forbid"):
    """The application could not be started, or was found stopped."""

    name: Literal[EnvironmentState.RUN_FAILED] = EnvironmentState.RUN_FAILED
    failure: Failure


AnyFailed: TypeAlias = ProvisionFailed | ConfigureFailed | ReleaseFailed | RunFailed
AnyState: TypeAlias = (
    Created
    | Provisioning
    | Provisioned
    | Configuring
    | Configured
    | Releasing
    | Released
    | Running
    | Destroyed
    | ProvisionFailed
    | ConfigureFailed
    | ReleaseFailed
    | RunFailed
)


_KNOWN = {state.value: state for state in EnvironmentState}


def _check_known(value: Any) -> Any:  # Any: the unvalidated input
    if not isinstance(value, dict) or "name" not in value:
        return value
    name = value["name"]
    if isinstance(name, str) and name in _KNOWN:
        return value
    known = list(_KNOWN)
    # Pydantic would list all states, without a suggestion.
    near = nearest(str(value["name"]), known)
    hint = f"did you mean {near!r}?" if near else f"the states are {listed(known)}"
    raise ValueError(f"there is no state {value['name']!r}: {hint}")


DiscriminatedState: TypeAlias = Annotated[
    AnyState, Field(discriminator="name"), BeforeValidator(_check_known)
]


def state_of(kind: type[AnyState]) -> EnvironmentState:
    """Return the state of a state class."""
    name: EnvironmentState = kind.model_fields["name"].default
    return name


# The classes are the definition; this table follows from them.
_CLASSES: dict[EnvironmentState, type[AnyState]] = {state_of(kind): kind for kind in (*get_args(AnyState),)}


def enter(state: EnvironmentState, failure: Failure | None = None) -> AnyState:
    """Return the value of a state.

    Raises:
        pydantic.ValidationError: A failed state is without a failure, or another state has a failure.
    """
    return _CLASSES[state].model_validate({} if failure is None else {"failure": failure})
