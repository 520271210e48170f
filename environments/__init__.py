"""The lifecycle of deployment environments, on a declarative, durable statechart.

Names are loaded when they are first used, so that listing environments does not load the engine.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from environments.commands import (
        ConfigureCommand,
        DestroyCommand,
        ProvisionCommand,
        RegisterCommand,
        ReleaseCommand,
        RunCommand,
    )
    from environments.drift import Drift, DriftKind
    from environments.environment import AnyEnvironment, Environment, Outputs
    from environments.errors import (
        CannotUnlock,
        CommandFailed,
        EnvironmentsError,
        InvalidConfiguration,
        InvalidName,
        NotDestroyed,
        NotHeld,
        NothingToRetry,
        OperationInterrupted,
        ProvisionNeeded,
        StepFailed,
        StepInDoubt,
        Stopped,
        UnexpectedState,
        UnknownProvider,
        UnreachableTarget,
        Unrecorded,
        UnsupportedCommand,
    )
    from environments.failure import CommandName, Failure, FailureCause
    from environments.lifecycle import Lifecycle
    from environments.operation import (
        Operation,
        ToolProcess,
    )
    from environments.ports import Clock, EnvironmentRepository, Provider
    from environments.providers.local import LocalProvider
    from environments.providers.terraform import TerraformProvider
    from environments.recovery import Recovered
    from environments.runner import StopRequest
    from environments.secrets import SecretRef
    from environments.settling import Assumption, Doubt
    from environments.spec import EnvironmentName, EnvironmentSpec, ProviderSpec
    from environments.states import (
        AnyState,
        Configured,
        ConfigureFailed,
        Configuring,
        Created,
        Destroyed,
        EnvironmentState,
        Provisioned,
        ProvisionFailed,
        Provisioning,
        Released,
        ReleaseFailed,
        Releasing,
        RunFailed,
        Running,
    )
    from environments.steps import Probed, Step, StepContext
    from environments.storage.file import FileRepository
    from environments.storage.memory import MemoryRepository
    from environments.workspace import Workspace

_HOMES = {
    "settling": (
        "Assumption",
        "Doubt",
    ),
    "recovery": ("Recovered",),
    "commands": (
        "ConfigureCommand",
        "DestroyCommand",
        "ProvisionCommand",
        "RegisterCommand",
        "ReleaseCommand",
        "RunCommand",
    ),
    "drift": (
        "Drift",
        "DriftKind",
    ),
    "environment": (
        "AnyEnvironment",
        "Environment",
        "Outputs",
    ),
    "errors": (
        "CannotUnlock",
        "CommandFailed",
        "EnvironmentsError",
        "InvalidConfiguration",
        "InvalidName",
        "NotDestroyed",
        "NotHeld",
        "NothingToRetry",
        "OperationInterrupted",
        "ProvisionNeeded",
        "StepFailed",
        "StepInDoubt",
        "Stopped",
        "UnexpectedState",
        "UnknownProvider",
        "UnreachableTarget",
        "Unrecorded",
        "UnsupportedCommand",
    ),
    "failure": (
        "CommandName",
        "Failure",
        "FailureCause",
    ),
    "lifecycle": ("Lifecycle",),
    "operation": (
        "Operation",
        "ToolProcess",
    ),
    "ports": (
        "Clock",
        "EnvironmentRepository",
        "Provider",
    ),
    "providers.local": ("LocalProvider",),
    "providers.terraform": ("TerraformProvider",),
    "runner": ("StopRequest",),
    "secrets": ("SecretRef",),
    "spec": (
        "EnvironmentName",
        "EnvironmentSpec",
        "ProviderSpec",
    ),
    "states": (
        "AnyState",
        "Configured",
        "ConfigureFailed",
        "Configuring",
        "Created",
        "Destroyed",
        "EnvironmentState",
        "Provisioned",
        "ProvisionFailed",
        "Provisioning",
        "Released",
        "ReleaseFailed",
        "Releasing",
        "RunFailed",
        "Running",
    ),
    "steps": (
        "Probed",
        "Step",
        "StepContext",
    ),
    "storage.file": ("FileRepository",),
    "storage.memory": ("MemoryRepository",),
    "workspace": ("Workspace",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "AnyEnvironment",
    "AnyState",
    "Assumption",
    "CannotUnlock",
    "Clock",
    "CommandFailed",
    "CommandName",
    "ConfigureCommand",
    "ConfigureFailed",
    "Configured",
    "Configuring",
    "Created",
    "DestroyCommand",
    "Destroyed",
    "Doubt",
    "Drift",
    "DriftKind",
    "Environment",
    "EnvironmentName",
    "EnvironmentRepository",
    "EnvironmentSpec",
    "EnvironmentState",
    "EnvironmentsError",
    "Failure",
    "FailureCause",
    "FileRepository",
    "InvalidConfiguration",
    "InvalidName",
    "Lifecycle",
    "LocalProvider",
    "MemoryRepository",
    "NotDestroyed",
    "NotHeld",
    "NothingToRetry",
    "Operation",
    "OperationInterrupted",
    "Outputs",
    "Probed",
    "Provider",
    "ProviderSpec",
    "ProvisionCommand",
    "ProvisionFailed",
    "ProvisionNeeded",
    "Provisioned",
    "Provisioning",
    "Recovered",
    "RegisterCommand",
    "ReleaseCommand",
    "ReleaseFailed",
    "Released",
    "Releasing",
    "RunCommand",
    "RunFailed",
    "Running",
    "SecretRef",
    "Step",
    "StepContext",
    "StepFailed",
    "StepInDoubt",
    "StopRequest",
    "Stopped",
    "TerraformProvider",
    "ToolProcess",
    "UnexpectedState",
    "UnknownProvider",
    "UnreachableTarget",
    "Unrecorded",
    "UnsupportedCommand",
    "Workspace",
]


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
