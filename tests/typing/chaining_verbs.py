"""The accepted environments and the results of each method of a workspace."""

from __future__ import annotations

from typing import assert_type

from handles import Each

from environments import (
    Configured,
    Destroyed,
    Environment,
    Provisioned,
    Released,
    Running,
    Workspace,
)


async def provision_by_verb(workspace: Workspace, each: Each) -> None:
    await workspace.provision(each.created)
    await workspace.provision(each.provisioning)  # reject: arg-type
    await workspace.provision(each.provisioned)
    await workspace.provision(each.configuring)  # reject: arg-type
    await workspace.provision(each.configured)
    await workspace.provision(each.releasing)  # reject: arg-type
    await workspace.provision(each.released)
    await workspace.provision(each.running)
    await workspace.provision(each.destroyed)  # reject: arg-type
    await workspace.provision(each.provision_failed)
    await workspace.provision(each.configure_failed)
    await workspace.provision(each.release_failed)
    await workspace.provision(each.run_failed)
    await workspace.provision(None)  # reject: arg-type
    assert_type(await workspace.provision("demo"), Environment[Provisioned])


async def register_by_verb(workspace: Workspace, each: Each) -> None:
    await workspace.register(each.created)
    await workspace.register(each.provisioning)  # reject: arg-type
    await workspace.register(each.provisioned)  # reject: arg-type
    await workspace.register(each.configuring)  # reject: arg-type
    await workspace.register(each.configured)  # reject: arg-type
    await workspace.register(each.releasing)  # reject: arg-type
    await workspace.register(each.released)  # reject: arg-type
    await workspace.register(each.running)  # reject: arg-type
    await workspace.register(each.destroyed)  # reject: arg-type
    await workspace.register(each.provision_failed)  # reject: arg-type
    await workspace.register(each.configure_failed)  # reject: arg-type
    await workspace.register(each.release_failed)  # reject: arg-type
    await workspace.register(each.run_failed)  # reject: arg-type
    await workspace.register(None)  # reject: arg-type
    assert_type(await workspace.register("demo"), Environment[Provisioned])


async def configure_by_verb(workspace: Workspace, each: Each) -> None:
    await workspace.configure(each.created)  # reject: arg-type
    await workspace.configure(each.provisioning)  # reject: arg-type
    await workspace.configure(each.provisioned)
    await workspace.configure(each.configuring)  # reject: arg-type
    await workspace.configure(each.configured)
    await workspace.configure(each.releasing)  # reject: arg-type
    await workspace.configure(each.released)
    await workspace.configure(each.running)
    await workspace.configure(each.destroyed)  # reject: arg-type
    await workspace.configure(each.provision_failed)  # reject: arg-type
    await workspace.configure(each.configure_failed)
    await workspace.configure(each.release_failed)
    await workspace.configure(each.run_failed)
    await workspace.configure(None)  # reject: arg-type
    assert_type(await workspace.configure("demo"), Environment[Configured])


async def release_by_verb(workspace: Workspace, each: Each) -> None:
    await workspace.release(each.created)  # reject: arg-type
    await workspace.release(each.provisioning)  # reject: arg-type
    await workspace.release(each.provisioned)  # reject: arg-type
    await workspace.release(each.configuring)  # reject: arg-type
    await workspace.release(each.configured)
    await workspace.release(each.releasing)  # reject: arg-type
    await workspace.release(each.released)
    await workspace.release(each.running)
    await workspace.release(each.destroyed)  # reject: arg-type
    await workspace.release(each.provision_failed)  # reject: arg-type
    await workspace.release(each.configure_failed)  # reject: arg-type
    await workspace.release(each.release_failed)
    await workspace.release(each.run_failed)
    await workspace.release(None)  # reject: arg-type
    assert_type(await workspace.release("demo"), Environment[Released])


async def run_by_verb(workspace: Workspace, each: Each) -> None:
    await workspace.run(each.created)  # reject: arg-type
    await workspace.run(each.provisioning)  # reject: arg-type
    await workspace.run(each.provisioned)  # reject: arg-type
    await workspace.run(each.configuring)  # reject: arg-type
    await workspace.run(each.configured)  # reject: arg-type
    await workspace.run(each.releasing)  # reject: arg-type
    await workspace.run(each.released)
    await workspace.run(each.running)
    await workspace.run(each.destroyed)  # reject: arg-type
    await workspace.run(each.provision_failed)  # reject: arg-type
    await workspace.run(each.configure_failed)  # reject: arg-type
    await workspace.run(each.release_failed)  # reject: arg-type
    await workspace.run(each.run_failed)
    await workspace.run(None)  # reject: arg-type
    assert_type(await workspace.run("demo"), Environment[Running])


async def stop_by_verb(workspace: Workspace, each: Each) -> None:
    await workspace.stop(each.created)  # reject: arg-type
    await workspace.stop(each.provisioning)  # reject: arg-type
    await workspace.stop(each.provisioned)  # reject: arg-type
    await workspace.stop(each.configuring)  # reject: arg-type
    await workspace.stop(each.configured)  # reject: arg-type
    await workspace.stop(each.releasing)  # reject: arg-type
    await workspace.stop(each.released)  # reject: arg-type
    await workspace.stop(each.running)
    await workspace.stop(each.destroyed)  # reject: arg-type
    await workspace.stop(each.provision_failed)  # reject: arg-type
    await workspace.stop(each.configure_failed)  # reject: arg-type
    await workspace.stop(each.release_failed)  # reject: arg-type
    await workspace.stop(each.run_failed)
    await workspace.stop(None)  # reject: arg-type
    assert_type(await workspace.stop("demo"), Environment[Released])


async def destroy_by_verb(workspace: Workspace, each: Each) -> None:
    await workspace.destroy(each.created)
    await workspace.destroy(each.provisioning)
    await workspace.destroy(each.provisioned)
    await workspace.destroy(each.configuring)
    await workspace.destroy(each.configured)
    await workspace.destroy(each.releasing)
    await workspace.destroy(each.released)
    await workspace.destroy(each.running)
    await workspace.destroy(each.destroyed)
    await workspace.destroy(each.provision_failed)
    await workspace.destroy(each.configure_failed)
    await workspace.destroy(each.release_failed)
    await workspace.destroy(each.run_failed)
    await workspace.destroy(None)  # reject: arg-type
    assert_type(await workspace.destroy("demo"), Environment[Destroyed])
