"""From environments in any state to environments in a known state, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never, assert_type

from environments import (
    AnyEnvironment,
    AnyState,
    Configured,
    ConfigureFailed,
    Configuring,
    Created,
    Destroyed,
    Environment,
    Failure,
    Provisioned,
    ProvisionFailed,
    Provisioning,
    Released,
    ReleaseFailed,
    Releasing,
    RunFailed,
    Running,
)


def wants_any(environment: AnyEnvironment) -> None: ...
def wants_bare(environment: Environment) -> None: ...
def wants_created(environment: Environment[Created]) -> None: ...
def wants_provisionable(environment: Environment[Created | ProvisionFailed]) -> None: ...
def wants_several(environments: Sequence[AnyEnvironment]) -> None: ...


def wants_something_else(environment: Environment[int]) -> None: ...  # reject: type-var


def covariance(created: Environment[Created], either: Environment[Created | ProvisionFailed]) -> None:
    wants_any(created)
    wants_any(either)
    wants_bare(created)
    wants_provisionable(created)
    wants_provisionable(either)
    wants_several([created])
    wants_created(created)
    wants_created(either)  # reject: arg-type
    wants_any("demo")  # reject: arg-type


def widening(environment: AnyEnvironment, bare: Environment) -> None:
    assert_type(bare, AnyEnvironment)
    assert_type(environment.state, AnyState)
    wants_any(bare)
    wants_created(environment)  # reject: arg-type
    wants_provisionable(environment)  # reject: arg-type


def expecting(environment: AnyEnvironment, created: Environment[Created]) -> None:
    assert_type(environment.expect(Created), Environment[Created])
    assert_type(environment.expect(Created, ProvisionFailed), Environment[Created | ProvisionFailed])
    three = environment.expect(Released, Running, RunFailed)
    assert_type(three, Environment[Released | Running | RunFailed])
    assert_type(three.state, Released | Running | RunFailed)
    wants_created(environment.expect(Created))
    wants_provisionable(environment.expect(Created, ProvisionFailed))
    wants_provisionable(environment.expect(Created))
    wants_created(environment.expect(Created, ProvisionFailed))  # reject: arg-type
    wants_provisionable(environment.expect(Created, Running))  # reject: arg-type
    wants_created(created.expect(Running))  # reject: arg-type
    environment.expect()  # reject: call-overload
    environment.expect(str)  # reject: type-var
    environment.expect("created")  # reject: call-overload
    environment.expect(Created())  # reject: call-overload
    environment.expect(Created, Provisioned, Configured, Released)  # reject: call-overload


def failures(
    environment: AnyEnvironment,
    created: Environment[Created],
    failed: Environment[ProvisionFailed],
    either: Environment[ProvisionFailed | RunFailed],
) -> None:
    assert_type(failed.state.failure, Failure)
    assert_type(either.state.failure, Failure)
    assert_type(environment.failure, Failure | None)
    print(created.state.failure)  # reject: attr-defined
    print(environment.state.failure)  # reject: union-attr
    print(environment.expect(Created, ProvisionFailed).state.failure)  # reject: union-attr
    assert_type(environment.expect(RunFailed).state.failure, Failure)
    if isinstance(environment.state, RunFailed):
        assert_type(environment.state.failure, Failure)


def every_state(environment: AnyEnvironment) -> str:
    match environment.state:
        case Created() | Provisioned() | Configured() | Released() | Running() | Destroyed():
            return "settled"
        case Provisioning() | Configuring() | Releasing():
            return "under way"
        case ProvisionFailed(failure=failure) | ConfigureFailed(failure=failure):
            return failure.summary
        case ReleaseFailed() | RunFailed() as state:
            return state.failure.summary
        case never:
            assert_never(never)


def all_states_but_one(state: AnyState) -> str:
    match state:
        case Created() | Provisioned() | Configured() | Released() | Running() | Destroyed():
            return "settled"
        case Provisioning() | Configuring() | Releasing():
            return "under way"
        case ProvisionFailed() | ConfigureFailed() | ReleaseFailed():
            return state.failure.summary
        case never:
            assert_never(never)  # reject: arg-type


def known_states(environment: Environment[Created | ProvisionFailed]) -> str:
    match environment.state:
        case Created():
            return "created"
        case ProvisionFailed():
            return "failed"
        case never:
            assert_never(never)
