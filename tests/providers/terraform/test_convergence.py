"""What is declared, recorded and real, on a host that Terraform creates."""

from __future__ import annotations

import psutil
import pytest

from environments import EnvironmentSpec, HostOutOfReach, Workspace
from environments.system.waiting import block_until
from tests.providers.terraform.conftest import PLAYBOOK, Project

pytestmark = pytest.mark.e2e


async def planned(
    workspace: Workspace, spec: EnvironmentSpec | None = None, *, deep: bool = False
) -> list[str]:
    change = (lambda _recorded: spec) if spec is not None else None
    plan = await workspace.preview("web", change=change, deep=deep)
    return [f"{each.command}: {'; '.join(each.reasons)}" for each in plan.commands]


async def test_each_difference_is_planned_told_by_drift_and_ended_by_up(project: Project) -> None:
    workspace = project.workspace
    workspace.create(project.spec())
    running = await workspace.converge("web")
    assert await planned(workspace) == await planned(workspace, deep=True) == []

    # The declaration, one field or file each.
    service = project.service(env={"LEVEL": "debug"})
    assert await planned(workspace, project.spec(service=service)) == [
        "run: service.env.LEVEL: unset → debug"
    ]
    (first, *rest) = await planned(
        workspace, project.spec(variables={"host_key": project.sshd.host_key, "delay": 1})
    )
    assert first == "provision: variables.delay: unset → 1"
    assert rest == ["configure: follows provision", "release: follows configure", "run: to serve it"]
    ssh = {**running.spec.provider.model_dump()["ssh"], "key": project.sshd.key.with_suffix(".copy")}
    ssh["key"].write_bytes(project.sshd.key.read_bytes())
    ssh["key"].chmod(0o600)
    assert await planned(workspace, project.spec(ssh=ssh)) == [], "keys are renewed without a command"

    # The files outside of the declaration, and the world.
    (project.directory / "site.yml").write_text(PLAYBOOK + "    - {name: more, debug: {msg: more}}\n")
    assert (await planned(workspace))[0] == "configure: site.yml differs"
    assert [each.what for each in (await workspace.drift("web")).findings] == ["site.yml differs"]
    (project.directory / "module" / "more.tf").write_text('output "more" { value = 1 }\n')
    module = project.directory / "module"
    assert (await planned(workspace))[0] == f"provision: the files in {module} differ"
    project.write_app("two")
    assert (await planned(workspace))[2].startswith("release: app differs from release ")
    assert (await planned(workspace))[2].endswith(": 1 file changed")
    await workspace.converge("web")

    (project.directory / "settings").write_text("by hand\n")
    assert await planned(workspace) == [], "only tools see it"
    assert [each.then for each in (await workspace.drift("web")).findings] == ["up --deep"]
    assert (await planned(workspace, deep=True))[0] == "configure: write the settings: would be changed"
    await workspace.converge("web", deep=True)
    assert (await workspace.drift("web")).findings == (), "of those before neither"
    await workspace.destroy("web")


async def test_a_dead_service_is_started_and_an_unreachable_host_left_alone(project: Project) -> None:
    workspace = project.workspace
    workspace.create(project.spec(playbook=None))
    running = await workspace.converge("web")
    (service,) = (each for each in psutil.process_iter(["cmdline"]) if _serves(each, project))
    service.kill()
    assert block_until(
        lambda: not service.is_running() or service.status() == "zombie", within=10, every=0.02
    )

    (told,) = await planned(workspace)
    assert told.startswith("run: service down: ")
    assert (await workspace.converge("web")).outputs.serving == running.outputs.serving
    release = (
        project.directory / "opt" / "envchart-web" / "releases" / str(running.outputs.release) / "app.py"
    )
    release.write_text("damaged")
    assert (await planned(workspace))[0].startswith(
        f"release: release {running.outputs.release} is damaged"
    )
    await workspace.converge("web")
    assert (await workspace.drift("web")).findings == ()

    project.sshd.stop()
    with pytest.raises(HostOutOfReach):
        await workspace.converge("web")
    project.sshd.start()
    await workspace.destroy("web")


def _serves(process: psutil.Process, project: Project) -> bool:
    try:
        return process.environ().get("PORT") == str(project.port)
    except psutil.Error:
        return False
