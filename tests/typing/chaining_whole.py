"""The whole path, step by step and in one call."""

from __future__ import annotations

from typing import assert_type

from environments import (
    AnyEnvironment,
    Configured,
    Created,
    Destroyed,
    Environment,
    EnvironmentSpec,
    EnvironmentState,
    Outcome,
    Plan,
    Provisioned,
    Released,
    Running,
    Selection,
    Workspace,
)


async def step_by_step(workspace: Workspace, spec: EnvironmentSpec) -> None:
    created = workspace.create(spec)
    assert_type(created, Environment[Created])
    provisioned = await workspace.provision(created)
    configured = await workspace.configure(provisioned)
    released = await workspace.release(configured, app="examples/hello")
    running = await workspace.run(released)
    assert_type(running, Environment[Running])
    again = await workspace.release(running, previous=True)
    assert_type(again, Environment[Released])
    anew = await workspace.configure(await workspace.provision(await workspace.run(again)))
    assert_type(anew, Environment[Configured])
    restarted = await workspace.run(await workspace.run(await workspace.release(anew)))
    stopped = await workspace.stop(restarted)
    assert_type(stopped, Environment[Released])
    destroyed = await workspace.destroy(stopped)
    assert_type(destroyed, Environment[Destroyed])
    assert_type(await workspace.purge(destroyed), None)
    await workspace.run(configured)  # reject: arg-type
    print(workspace.provision(created).state)  # reject: attr-defined
    workspace.create("demo")  # reject: arg-type


async def in_one_call(workspace: Workspace, created: Environment[Created]) -> None:
    assert_type(await workspace.bring("demo"), Environment[Running])
    assert_type(await workspace.bring(created, to=Running), Environment[Running])
    assert_type(await workspace.bring(created, to=Provisioned), Environment[Provisioned])
    assert_type(await workspace.bring(created, to=EnvironmentState.RUNNING), AnyEnvironment)
    await workspace.bring(created, to="running")  # reject: call-overload
    await workspace.bring(created, to=str)  # reject: type-var
    await workspace.bring(created, to=Running())  # reject: call-overload
    await workspace.configure(await workspace.bring(created, to=Provisioned))
    await workspace.run(await workspace.bring(created, to=Provisioned))  # reject: arg-type
    assert_type(workspace.plan(created, to=Running), Plan)
    assert_type(await workspace.converge("demo"), Environment[Running])
    assert_type(await workspace.converge(created, to=Provisioned), Environment[Provisioned])
    assert_type(await workspace.converge(created, to=EnvironmentState.RUNNING), AnyEnvironment)
    workspace.plan(created, to="running")  # reject: arg-type


async def on_many(workspace: Workspace) -> None:
    async for outcome in workspace.many(["a", "b"], Workspace.destroy, parallel=8):
        assert_type(outcome, Outcome[Environment[Destroyed]])
        assert_type(outcome.unwrap(), Environment[Destroyed])
        print(outcome.unwrap().state.failure)  # reject: attr-defined
    async for brought in workspace.many(Selection.read(["pr-*"]), lambda opened, name: opened.bring(name)):
        assert_type(brought.result, Environment[Running] | None)
    workspace.many(["a"], "destroy")  # reject: arg-type
    workspace.many(["a"], Workspace.load)  # reject: arg-type


async def what_only_the_chart_knows(workspace: Workspace, created: Environment[Created]) -> None:
    assert_type(workspace.load("demo"), AnyEnvironment)
    assert_type(await workspace.retry(created), AnyEnvironment)
    assert_type(await workspace.update(created, created.spec), AnyEnvironment)
    await workspace.provision(workspace.load("demo"))  # reject: arg-type
    await workspace.provision(await workspace.retry(created))  # reject: arg-type
    await workspace.destroy(workspace.load("demo"))
    await workspace.provision(workspace.load("demo").expect(Created))
