"""The accepted environments and the results of each command object."""

from __future__ import annotations

from typing import assert_type

from handles import Each

from environments import (
    ConfigureCommand,
    Configured,
    DestroyCommand,
    Destroyed,
    Environment,
    ProvisionCommand,
    Provisioned,
    RegisterCommand,
    ReleaseCommand,
    Released,
    RunCommand,
    Running,
    StopCommand,
)


async def provision_by_command(provision: ProvisionCommand, each: Each) -> None:
    await provision.execute(each.created)
    await provision.execute(each.provisioning)  # reject: arg-type
    await provision.execute(each.provisioned)
    await provision.execute(each.configuring)  # reject: arg-type
    await provision.execute(each.configured)
    await provision.execute(each.releasing)  # reject: arg-type
    await provision.execute(each.released)
    await provision.execute(each.running)
    await provision.execute(each.destroyed)  # reject: arg-type
    await provision.execute(each.provision_failed)
    await provision.execute(each.configure_failed)
    await provision.execute(each.release_failed)
    await provision.execute(each.run_failed)
    await provision.execute(None)  # reject: arg-type
    assert_type(await provision.execute("demo"), Environment[Provisioned])


async def register_by_command(register: RegisterCommand, each: Each) -> None:
    await register.execute(each.created)
    await register.execute(each.provisioning)  # reject: arg-type
    await register.execute(each.provisioned)  # reject: arg-type
    await register.execute(each.configuring)  # reject: arg-type
    await register.execute(each.configured)  # reject: arg-type
    await register.execute(each.releasing)  # reject: arg-type
    await register.execute(each.released)  # reject: arg-type
    await register.execute(each.running)  # reject: arg-type
    await register.execute(each.destroyed)  # reject: arg-type
    await register.execute(each.provision_failed)  # reject: arg-type
    await register.execute(each.configure_failed)  # reject: arg-type
    await register.execute(each.release_failed)  # reject: arg-type
    await register.execute(each.run_failed)  # reject: arg-type
    await register.execute(None)  # reject: arg-type
    assert_type(await register.execute("demo"), Environment[Provisioned])


async def configure_by_command(configure: ConfigureCommand, each: Each) -> None:
    await configure.execute(each.created)  # reject: arg-type
    await configure.execute(each.provisioning)  # reject: arg-type
    await configure.execute(each.provisioned)
    await configure.execute(each.configuring)  # reject: arg-type
    await configure.execute(each.configured)
    await configure.execute(each.releasing)  # reject: arg-type
    await configure.execute(each.released)
    await configure.execute(each.running)
    await configure.execute(each.destroyed)  # reject: arg-type
    await configure.execute(each.provision_failed)  # reject: arg-type
    await configure.execute(each.configure_failed)
    await configure.execute(each.release_failed)
    await configure.execute(each.run_failed)
    await configure.execute(None)  # reject: arg-type
    assert_type(await configure.execute("demo"), Environment[Configured])


async def release_by_command(release: ReleaseCommand, each: Each) -> None:
    await release.execute(each.created)  # reject: arg-type
    await release.execute(each.provisioning)  # reject: arg-type
    await release.execute(each.provisioned)  # reject: arg-type
    await release.execute(each.configuring)  # reject: arg-type
    await release.execute(each.configured)
    await release.execute(each.releasing)  # reject: arg-type
    await release.execute(each.released)
    await release.execute(each.running)
    await release.execute(each.destroyed)  # reject: arg-type
    await release.execute(each.provision_failed)  # reject: arg-type
    await release.execute(each.configure_failed)  # reject: arg-type
    await release.execute(each.release_failed)
    await release.execute(each.run_failed)
    await release.execute(None)  # reject: arg-type
    assert_type(await release.execute("demo"), Environment[Released])


async def run_by_command(run: RunCommand, each: Each) -> None:
    await run.execute(each.created)  # reject: arg-type
    await run.execute(each.provisioning)  # reject: arg-type
    await run.execute(each.provisioned)  # reject: arg-type
    await run.execute(each.configuring)  # reject: arg-type
    await run.execute(each.configured)  # reject: arg-type
    await run.execute(each.releasing)  # reject: arg-type
    await run.execute(each.released)
    await run.execute(each.running)
    await run.execute(each.destroyed)  # reject: arg-type
    await run.execute(each.provision_failed)  # reject: arg-type
    await run.execute(each.configure_failed)  # reject: arg-type
    await run.execute(each.release_failed)  # reject: arg-type
    await run.execute(each.run_failed)
    await run.execute(None)  # reject: arg-type
    assert_type(await run.execute("demo"), Environment[Running])


async def stop_by_command(stop: StopCommand, each: Each) -> None:
    await stop.execute(each.created)  # reject: arg-type
    await stop.execute(each.provisioning)  # reject: arg-type
    await stop.execute(each.provisioned)  # reject: arg-type
    await stop.execute(each.configuring)  # reject: arg-type
    await stop.execute(each.configured)  # reject: arg-type
    await stop.execute(each.releasing)  # reject: arg-type
    await stop.execute(each.released)  # reject: arg-type
    await stop.execute(each.running)
    await stop.execute(each.destroyed)  # reject: arg-type
    await stop.execute(each.provision_failed)  # reject: arg-type
    await stop.execute(each.configure_failed)  # reject: arg-type
    await stop.execute(each.release_failed)  # reject: arg-type
    await stop.execute(each.run_failed)
    await stop.execute(None)  # reject: arg-type
    assert_type(await stop.execute("demo"), Environment[Released])


async def destroy_by_command(destroy: DestroyCommand, each: Each) -> None:
    await destroy.execute(each.created)
    await destroy.execute(each.provisioning)
    await destroy.execute(each.provisioned)
    await destroy.execute(each.configuring)
    await destroy.execute(each.configured)
    await destroy.execute(each.releasing)
    await destroy.execute(each.released)
    await destroy.execute(each.running)
    await destroy.execute(each.destroyed)
    await destroy.execute(each.provision_failed)
    await destroy.execute(each.configure_failed)
    await destroy.execute(each.release_failed)
    await destroy.execute(each.run_failed)
    await destroy.execute(None)  # reject: arg-type
    assert_type(await destroy.execute("demo"), Environment[Destroyed])
