"""Host keys: pinned before the first login, and kept as long as they may be needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from environments import CommandFailed, Failure, Provisioned
from environments.model.failure import FailureCause
from environments.providers.common.known_hosts import pin, pinned
from tests.providers.terraform.conftest import Project, make_key

HOST = "127.0.0.1"


def known_hosts(project: Project) -> Path:
    return project.data / "web" / "build" / "ssh" / "known_hosts"


def another_key(tmp_path: Path) -> str:
    made = make_key(tmp_path / "another")
    return " ".join(made.with_suffix(".pub").read_text().split()[:2])


async def refused(project: Project) -> Failure:
    with pytest.raises(CommandFailed) as caught:
        await project.workspace.register("web", address=HOST)
    return caught.value.failure


async def test_a_host_must_show_its_declared_key(project: Project, tmp_path: Path) -> None:
    settings = project.provider().ssh.model_dump()
    project.workspace.create(project.spec(ssh={**settings, "host_key": another_key(tmp_path)}))
    found = await refused(project)

    assert (found.step, found.cause) == ("reach_host", FailureCause.AUTHENTICATION)
    assert f"does not show the host key that is pinned for it in {known_hosts(project)}" in found.summary


async def test_a_host_with_a_changed_key_is_not_registered(project: Project, tmp_path: Path) -> None:
    project.workspace.create(project.spec())
    pin(known_hosts(project), HOST, project.sshd.port, another_key(tmp_path))
    found = await refused(project)

    assert (found.step, found.cause) == ("reach_host", FailureCause.AUTHENTICATION)
    known_hosts(project).unlink()
    assert isinstance((await project.workspace.retry("web")).state, Provisioned)


async def test_the_key_is_pinned_before_the_login(project: Project, tmp_path: Path) -> None:
    settings = project.provider().ssh.model_dump()
    project.workspace.create(project.spec(ssh={**settings, "key": make_key(tmp_path / "unknown")}))
    found = await refused(project)

    assert "does not let the key" in found.summary
    assert pinned(known_hosts(project), HOST, project.sshd.port) == project.sshd.host_key


async def test_the_pinned_key_is_kept_until_the_files_are_removed(project: Project) -> None:
    project.workspace.create(project.spec())
    await project.workspace.register("web", address=HOST)
    project.sshd.stop()
    with pytest.raises(CommandFailed, match=r"if that host is gone for good, remove .*known_hosts"):
        await project.workspace.destroy("web")
    assert pinned(known_hosts(project), HOST, project.sshd.port) == project.sshd.host_key

    project.sshd.start()
    await project.workspace.destroy("web")
    assert not known_hosts(project).exists()


async def test_an_environment_on_a_lost_registered_host_can_be_destroyed(project: Project) -> None:
    project.workspace.create(project.spec())
    await project.workspace.register("web", address=HOST)
    project.sshd.stop()
    known_hosts(project).unlink()
    assert (await project.workspace.destroy("web")).state.name == "destroyed"


async def test_destroy_fails_without_the_files_for_a_registered_host(project: Project) -> None:
    project.workspace.create(project.spec())
    await project.workspace.register("web", address=HOST)
    build = project.data / "web" / "build"
    build.rename(build.with_name("elsewhere"))
    with pytest.raises(CommandFailed, match="put it back from a backup"):
        await project.workspace.destroy("web")

    build.mkdir()  # the user states that the host is gone for good
    assert (await project.workspace.destroy("web")).state.name == "destroyed"
