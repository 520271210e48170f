"""Values are immutable, and their fields are checked."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, assert_type

from environments import (
    AnyEnvironment,
    CommandName,
    Created,
    Environment,
    EnvironmentSpec,
    EnvironmentState,
    Failure,
    FailureCause,
    LocalProvider,
    Outputs,
    Provisioned,
    ProvisionFailed,
    Running,
    SecretRef,
)


def unknown_fields(failure: Failure, provider: LocalProvider) -> None:
    Created()
    ProvisionFailed(failure=failure)
    EnvironmentSpec(name="demo", provider=provider, description="for the manual")
    SecretRef(env="TOKEN")
    SecretRef(file=Path("token"))
    Created(nme="created")  # reject: call-arg
    Created(failure=failure)  # reject: call-arg
    ProvisionFailed()  # reject: call-arg
    EnvironmentSpec(name="demo", provdier=provider)  # reject: call-arg
    EnvironmentSpec(name="demo")  # reject: call-arg
    LocalProvider(app=Path("hello"))
    LocalProvider(ap=Path("hello"))  # reject: call-arg
    SecretRef(vault="TOKEN")  # reject: call-arg
    Outputs(ip="127.0.0.1")  # reject: call-arg


def frozen_fields(environment: AnyEnvironment, created: Environment[Created], failure: Failure) -> None:
    environment.state = Running()  # reject: misc
    environment.name = "other"  # reject: misc
    environment.revision += 1  # reject: misc
    environment.operation = None  # reject: misc
    environment.spec.description = "other"  # reject: misc
    environment.outputs.port = 80  # reject: misc
    created.state.name = EnvironmentState.CREATED  # reject: misc
    failure.cause = FailureCause.TIMEOUT  # reject: misc
    print(environment.outputs.prot)  # reject: attr-defined


def what_is_known(environment: AnyEnvironment, created: Environment[Created], at: datetime) -> None:
    assert_type(created.state.name, Literal[EnvironmentState.CREATED])
    assert_type(created.entering(Provisioned(), at=at), Environment[Provisioned])
    assert_type(created.with_operation(None, at=at), Environment[Created])
    assert_type(created.with_spec(created.spec, at=at), Environment[Created])
    assert_type(created.model_copy(), Environment[Created])
    assert_type(Environment.new(created.spec, at), Environment[Created])
    assert_type(environment.outputs.port, int | None)
    assert_type(environment.condition, str)
    created.entering("provisioned", at=at)  # reject: type-var
    created.entering(Provisioned(), at="now")  # reject: arg-type


def a_failure(now: datetime) -> Failure:
    return Failure(
        command=CommandName.PROVISION,
        step="render",
        cause=FailureCause.TIMEOUT,
        summary="it took too long",
        started_at=now,
        failed_at=now,
        duration=timedelta(seconds=1),
        trace_id="1",
    )
