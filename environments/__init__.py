"""The lifecycle of deployment environments, on a declarative, durable statechart.

Names are loaded when they are first used, so that listing environments does not load the engine.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from environments.checks.drift import Drift, DriftKind
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
    from environments.execution.commands import (
        ConfigureCommand,
        DestroyCommand,
        ProvisionCommand,
        RegisterCommand,
        ReleaseCommand,
        RunCommand,
    )
    from environments.execution.runner import StopRequest
    from environments.lifecycle import Lifecycle
    from environments.model.environment import AnyEnvironment, Environment, Outputs
    from environments.model.failure import CommandName, Failure, FailureCause
    from environments.model.operation import Operation, ToolProcess
    from environments.model.spec import EnvironmentName, EnvironmentSpec, ProviderSpec
    from environments.model.states import (
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
    from environments.model.steps import Probed, Step, StepContext
    from environments.ports import Clock, EnvironmentRepository, Provider
    from environments.providers.local import LocalProvider
    from environments.providers.terraform import TerraformProvider
    from environments.recovery.recover import Recovered
    from environments.recovery.settle import Assumption, Doubt
    from environments.secrets.redaction import SecretRef
    from environments.storage.file import FileRepository
    from environments.storage.memory import MemoryRepository
    from environments.workspace import Workspace

_HOMES = {
    "recovery.settle": (
        "Assumption",
        "Doubt",
    ),
    "recovery.recover": ("Recovered",),
    "execution.commands": (
        "ConfigureCommand",
        "DestroyCommand",
        "ProvisionCommand",
        "RegisterCommand",
        "ReleaseCommand",
        "RunCommand",
    ),
    "checks.drift": (
        "Drift",
        "DriftKind",
    ),
    "model.environment": (
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
    "model.failure": (
        "CommandName",
        "Failure",
        "FailureCause",
    ),
    "lifecycle": ("Lifecycle",),
    "model.operation": (
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
    "execution.runner": ("StopRequest",),
    "secrets.redaction": ("SecretRef",),
    "model.spec": (
        "EnvironmentName",
        "EnvironmentSpec",
        "ProviderSpec",
    ),
    "model.states": (
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
    "model.steps": (
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
