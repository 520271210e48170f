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
        ReleaseCommand,
        RunCommand,
    )
    from environments.environment import AnyEnvironment, Environment, Outputs
    from environments.errors import (
        CommandFailed,
        EnvironmentsError,
        InvalidConfiguration,
        InvalidName,
        NotDestroyed,
        NothingToRetry,
        OperationInterrupted,
        ProvisionNeeded,
        StepFailed,
        Stopped,
        UnexpectedState,
        UnknownProvider,
        UnreachableTarget,
    )
    from environments.failure import CommandName, Failure, FailureCause
    from environments.lifecycle import Lifecycle
    from environments.operation import Operation
    from environments.ports import Clock, EnvironmentRepository, Provider
    from environments.providers.local import LocalProvider
    from environments.runner import StopRequest
    from environments.secrets import SecretRef
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
    "commands": (
        "ConfigureCommand",
        "DestroyCommand",
        "ProvisionCommand",
        "ReleaseCommand",
        "RunCommand",
    ),
    "environment": (
        "AnyEnvironment",
        "Environment",
        "Outputs",
    ),
    "errors": (
        "CommandFailed",
        "EnvironmentsError",
        "InvalidConfiguration",
        "InvalidName",
        "NotDestroyed",
        "NothingToRetry",
        "OperationInterrupted",
        "ProvisionNeeded",
        "StepFailed",
        "Stopped",
        "UnexpectedState",
        "UnknownProvider",
        "UnreachableTarget",
    ),
    "failure": (
        "CommandName",
        "Failure",
        "FailureCause",
    ),
    "lifecycle": ("Lifecycle",),
    "operation": ("Operation",),
    "ports": (
        "Clock",
        "EnvironmentRepository",
        "Provider",
    ),
    "providers.local": ("LocalProvider",),
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
    "StopRequest",
    "Stopped",
    "UnexpectedState",
    "UnknownProvider",
    "UnreachableTarget",
    "Workspace",
]


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
