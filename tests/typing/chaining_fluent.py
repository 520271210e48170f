"""The commands that a chain accepts after each state, and the states that it leads to."""

from __future__ import annotations

from typing import Any, assert_type

from handles import Each

from environments import (
    Chain,
    Configured,
    Created,
    Destroyed,
    Environment,
    Provisioned,
    Released,
    Running,
    Workspace,
)


async def provision_by_chain(workspace: Workspace, each: Each) -> None:
    await workspace.chain(each.created).provision()
    await workspace.chain(each.provisioning).provision()  # reject: misc
    await workspace.chain(each.provisioned).provision()
    await workspace.chain(each.configuring).provision()  # reject: misc
    await workspace.chain(each.configured).provision()
    await workspace.chain(each.releasing).provision()  # reject: misc
    await workspace.chain(each.released).provision()
    await workspace.chain(each.running).provision()
    await workspace.chain(each.destroyed).provision()  # reject: misc
    await workspace.chain(each.provision_failed).provision()
    await workspace.chain(each.configure_failed).provision()
    await workspace.chain(each.release_failed).provision()
    await workspace.chain(each.run_failed).provision()
    assert_type(workspace.chain(each.configure_failed).provision(), Chain[Provisioned])
    assert_type(await workspace.chain("demo").provision(), Environment[Provisioned])


async def register_by_chain(workspace: Workspace, each: Each) -> None:
    await workspace.chain(each.created).register()
    await workspace.chain(each.provisioning).register()  # reject: misc
    await workspace.chain(each.provisioned).register()  # reject: misc
    await workspace.chain(each.configuring).register()  # reject: misc
    await workspace.chain(each.configured).register()  # reject: misc
    await workspace.chain(each.releasing).register()  # reject: misc
    await workspace.chain(each.released).register()  # reject: misc
    await workspace.chain(each.running).register()  # reject: misc
    await workspace.chain(each.destroyed).register()  # reject: misc
    await workspace.chain(each.provision_failed).register()  # reject: misc
    await workspace.chain(each.configure_failed).register()  # reject: misc
    await workspace.chain(each.release_failed).register()  # reject: misc
    await workspace.chain(each.run_failed).register()  # reject: misc
    assert_type(workspace.chain(each.created).register(), Chain[Provisioned])
    assert_type(await workspace.chain("demo").register(), Environment[Provisioned])


async def configure_by_chain(workspace: Workspace, each: Each) -> None:
    await workspace.chain(each.created).configure()  # reject: misc
    await workspace.chain(each.provisioning).configure()  # reject: misc
    await workspace.chain(each.provisioned).configure()
    await workspace.chain(each.configuring).configure()  # reject: misc
    await workspace.chain(each.configured).configure()
    await workspace.chain(each.releasing).configure()  # reject: misc
    await workspace.chain(each.released).configure()
    await workspace.chain(each.running).configure()
    await workspace.chain(each.destroyed).configure()  # reject: misc
    await workspace.chain(each.provision_failed).configure()  # reject: misc
    await workspace.chain(each.configure_failed).configure()
    await workspace.chain(each.release_failed).configure()
    await workspace.chain(each.run_failed).configure()
    assert_type(workspace.chain(each.configure_failed).configure(), Chain[Configured])
    assert_type(await workspace.chain("demo").configure(), Environment[Configured])


async def release_by_chain(workspace: Workspace, each: Each) -> None:
    await workspace.chain(each.created).release()  # reject: misc
    await workspace.chain(each.provisioning).release()  # reject: misc
    await workspace.chain(each.provisioned).release()  # reject: misc
    await workspace.chain(each.configuring).release()  # reject: misc
    await workspace.chain(each.configured).release()
    await workspace.chain(each.releasing).release()  # reject: misc
    await workspace.chain(each.released).release()
    await workspace.chain(each.running).release()
    await workspace.chain(each.destroyed).release()  # reject: misc
    await workspace.chain(each.provision_failed).release()  # reject: misc
    await workspace.chain(each.configure_failed).release()  # reject: misc
    await workspace.chain(each.release_failed).release()
    await workspace.chain(each.run_failed).release()
    assert_type(workspace.chain(each.configured).release(), Chain[Released])
    assert_type(await workspace.chain("demo").release(), Environment[Released])


async def run_by_chain(workspace: Workspace, each: Each) -> None:
    await workspace.chain(each.created).run()  # reject: misc
    await workspace.chain(each.provisioning).run()  # reject: misc
    await workspace.chain(each.provisioned).run()  # reject: misc
    await workspace.chain(each.configuring).run()  # reject: misc
    await workspace.chain(each.configured).run()  # reject: misc
    await workspace.chain(each.releasing).run()  # reject: misc
    await workspace.chain(each.released).run()
    await workspace.chain(each.running).run()
    await workspace.chain(each.destroyed).run()  # reject: misc
    await workspace.chain(each.provision_failed).run()  # reject: misc
    await workspace.chain(each.configure_failed).run()  # reject: misc
    await workspace.chain(each.release_failed).run()  # reject: misc
    await workspace.chain(each.run_failed).run()
    assert_type(workspace.chain(each.released).run(), Chain[Running])
    assert_type(await workspace.chain("demo").run(), Environment[Running])


async def stop_by_chain(workspace: Workspace, each: Each) -> None:
    await workspace.chain(each.created).stop()  # reject: misc
    await workspace.chain(each.provisioning).stop()  # reject: misc
    await workspace.chain(each.provisioned).stop()  # reject: misc
    await workspace.chain(each.configuring).stop()  # reject: misc
    await workspace.chain(each.configured).stop()  # reject: misc
    await workspace.chain(each.releasing).stop()  # reject: misc
    await workspace.chain(each.released).stop()  # reject: misc
    await workspace.chain(each.running).stop()
    await workspace.chain(each.destroyed).stop()  # reject: misc
    await workspace.chain(each.provision_failed).stop()  # reject: misc
    await workspace.chain(each.configure_failed).stop()  # reject: misc
    await workspace.chain(each.release_failed).stop()  # reject: misc
    await workspace.chain(each.run_failed).stop()
    assert_type(workspace.chain(each.run_failed).stop(), Chain[Released])
    assert_type(await workspace.chain("demo").stop(), Environment[Released])


async def destroy_by_chain(workspace: Workspace, each: Each) -> None:
    await workspace.chain(each.created).destroy()
    await workspace.chain(each.provisioning).destroy()
    await workspace.chain(each.provisioned).destroy()
    await workspace.chain(each.configuring).destroy()
    await workspace.chain(each.configured).destroy()
    await workspace.chain(each.releasing).destroy()
    await workspace.chain(each.released).destroy()
    await workspace.chain(each.running).destroy()
    await workspace.chain(each.destroyed).destroy()
    await workspace.chain(each.provision_failed).destroy()
    await workspace.chain(each.configure_failed).destroy()
    await workspace.chain(each.release_failed).destroy()
    await workspace.chain(each.run_failed).destroy()
    assert_type(workspace.chain(each.configure_failed).destroy(), Chain[Destroyed])
    assert_type(await workspace.chain("demo").destroy(), Environment[Destroyed])


async def whole_workflows(workspace: Workspace, each: Each) -> None:
    chain = workspace.chain(each.created).provision().configure().release(app="examples/hello").run()
    assert_type(chain, Chain[Running])
    assert_type(await chain, Environment[Running])
    assert_type(await chain.stop().run(from_start=True).destroy(), Environment[Destroyed])
    assert_type(await workspace.chain(each.created), Environment[Created])
    assert_type(await workspace.chain(each.run_failed).release(previous=True).run(), Environment[Running])
    workspace.chain(each.created).provision().configure().run()  # reject: misc
    workspace.chain(each.created).provision().release()  # reject: misc
    workspace.chain(each.created).destroy().provision()  # reject: misc
    workspace.chain(each.created).run()  # reject: misc
    workspace.chain("demo").stop().stop()  # reject: misc
    workspace.chain("demo").release(ap="hello")  # reject: call-arg
    workspace.chain(None)  # reject: call-overload
    print(workspace.chain(each.created).provision().state)  # reject: attr-defined


def stored(chain: Chain[Released]) -> None:
    assert_type(chain.run(), Chain[Running])
    assert_type(chain.configure(), Chain[Configured])
    assert_type(chain.provision(), Chain[Provisioned])
    chain.register()  # reject: misc


def by_name(workspace: Workspace) -> None:
    assert_type(workspace.chain("demo"), Chain[Any])
