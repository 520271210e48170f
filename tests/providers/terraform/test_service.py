"""Services on a host: when they count as running, and the reports of failures."""

from __future__ import annotations

import ast
import asyncio
import os
import shutil
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest

from environments import CommandFailed, Failure, Running, StepFailed
from environments.model.failure import FailureCause
from environments.providers.common import ssh
from environments.providers.terraform.remote.host import HostDirectory
from environments.providers.terraform.remote.releases import RemoteReleases
from environments.providers.terraform.remote.startup import Startup
from environments.system.files import OwnPath
from environments.system.waiting import until
from tests.providers import nasty
from tests.providers.terraform.conftest import APP, Project, Sshd

SLEEPING = "import time; print('I sleep', flush=True); time.sleep(60)"
ONCE = APP.replace(".serve_forever()", ".handle_request(); print('had enough', flush=True)")


async def released(project: Project, app: str = APP, **changes: Any) -> None:
    """Bring an environment on a registered host to the state `released`."""
    (project.directory / "app" / "app.py").write_text(app)
    changes = {"playbook": None, **changes}
    project.workspace.create(project.spec(**changes))
    await project.workspace.register("web", address="127.0.0.2")
    await project.workspace.configure("web")
    await project.workspace.release("web")


async def failure(project: Project) -> Failure:
    with pytest.raises(CommandFailed) as caught:
        await project.workspace.run("web")
    await project.workspace.destroy("web")
    return caught.value.failure


def processes(project: Project) -> list[psutil.Process]:
    """Return the processes of a project's service."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd().startswith(str(project.directory / "opt")):
                found.append(process)
        except psutil.Error:
            continue
    return [each for each in found if each.status() != psutil.STATUS_ZOMBIE]


async def test_a_service_that_ends_within_the_settle_time_is_not_running(project: Project) -> None:
    await released(project, ONCE, service=project.service(settle=1))
    found = await failure(project)

    assert (found.step, found.cause) == ("check_health", FailureCause.COMMAND_EXECUTION)
    assert found.summary == "the service ended after its start; it said last: had enough"


async def test_a_service_that_listens_only_on_loopback_gets_advice(project: Project) -> None:
    app = APP.replace('os.environ["HOST"]', '"127.0.0.1"')
    await released(project, app, service=project.service(start_timeout=3))
    found = await failure(project)

    assert found.cause is FailureCause.NETWORK
    assert "answers on the host itself but not from here: nothing listens on port" in found.summary
    assert "check that it listens on $HOST" in found.summary


async def test_a_service_that_never_answers_times_out(project: Project) -> None:
    await released(project, SLEEPING, service=project.service(start_timeout=3))
    found = await failure(project)

    assert found.cause is FailureCause.TIMEOUT
    assert found.summary.endswith(f"nothing listens on port {project.port}; it said last: I sleep")
    assert processes(project) == []


class Stranger(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *words: Any) -> None:
        pass


@pytest.fixture
def stranger(project: Project) -> Iterator[None]:
    server = HTTPServer(("0.0.0.0", project.port), Stranger)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.usefixtures("stranger")
async def test_a_port_in_use_is_reported_before_the_start(project: Project) -> None:
    await released(project)
    found = await failure(project)

    assert (found.step, found.cause) == ("start_service", FailureCause.NETWORK)
    assert f"on 127.0.0.2, port {project.port} is in use by another program" in found.summary


async def test_an_answer_without_the_token_is_not_healthy(project: Project) -> None:
    app = APP.replace('"ENVCHART_INSTANCE_TOKEN"', '"PORT"')
    await released(project, app, service=project.service(start_timeout=3))
    found = await failure(project)

    assert found.cause is FailureCause.CONFIGURATION
    assert (
        "without the token of the instance: another program has the port, or the service does not"
        in found.summary
    )


async def test_an_unknown_user_is_a_configuration_error(project: Project) -> None:
    await released(project, service=project.service(user="no-such-user"))
    found = await failure(project)

    assert (found.step, found.cause) == ("start_service", FailureCause.CONFIGURATION)
    assert "on 127.0.0.2, service.user: there is no user no-such-user" in found.summary


async def test_cancelling_the_health_check_stops_the_service(project: Project) -> None:
    await released(project, SLEEPING)
    running = asyncio.ensure_future(project.workspace.run("web"))

    def checks_health() -> bool:
        operation = project.workspace.load("web").operation
        return bool(operation and operation.step and operation.step.name == "check_health")

    assert await until(checks_health, within=20, every=0.02)
    assert processes(project) != []
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert processes(project) == []
    assert project.workspace.load("web").state.name == "run_failed"
    await project.workspace.destroy("web")


async def test_arguments_and_variables_reach_the_service_unchanged(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.data_name = nasty.DIRECTORY
    secret = 'a secret with `id`, "quotes" and\nlines'
    monkeypatch.setenv("HOSTILE", secret)
    app = APP.replace('b"one"', "repr((os.sys.argv[1:], dict(os.environ))).encode()")
    command = [*project.service()["command"], "$HOME 'x' %n", ""]
    service = project.service(command=command, env={**nasty.VARIABLES, "SAID": {"env": "HOSTILE"}})
    await released(project, app, service=service)
    await project.workspace.run("web")

    reader, writer = await asyncio.open_connection("127.0.0.1", project.port)
    writer.write(b"GET / HTTP/1.0\r\n\r\n")
    said = (await reader.read()).decode().partition("\r\n\r\n")[2]
    writer.close()
    arguments, variables = ast.literal_eval(said)
    assert arguments == ["$HOME 'x' %n", ""]
    assert {name: variables.get(name) for name in nasty.VARIABLES} == nasty.VARIABLES
    assert variables["SAID"] == secret
    kept = [
        path for path in (project.directory / "opt").rglob("*") if path.is_file() and not path.is_symlink()
    ]
    assert not any("`id`, " in path.read_text() for path in kept), "only the process knows it"
    await project.workspace.destroy("web")


async def test_the_whole_lifecycle_works_with_sudo(project: Project) -> None:
    if shutil.which("sudo") is None or os.geteuid() != 0:
        pytest.skip("needs sudo, and to be let use it")
    settings = project.provider().ssh.model_dump() | {"become": True}
    await released(project, ssh=settings)
    running = await project.workspace.bring("web", to=Running)
    assert running.outputs.serving == running.outputs.release
    await project.workspace.destroy("web")
    assert not (project.directory / "opt" / "envchart-web").exists()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", disk], check=False).returncode:
        pytest.skip("needs to be let mount a file system")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


@pytest.fixture
async def small(sshd: Sshd, known_hosts: Path, small_disk: Path) -> AsyncIterator[RemoteReleases]:
    """The releases on a host with a small disk."""
    async with ssh.connect(sshd.target(known_hosts)) as remote:
        yield HostDirectory(remote, f"{small_disk}/envchart-web", "a lineage").releases


async def test_a_release_that_does_not_fit_leaves_no_files(small: RemoteReleases, tmp_path: Path) -> None:
    app = tmp_path / "app"
    app.mkdir()
    (app / "big").write_bytes(os.urandom(2_000_000))
    with pytest.raises(StepFailed, match=r"on 127\.0\.0\.1, .*: no space left for") as caught:
        await small.upload(app, tmp_path / "none", OwnPath(tmp_path) / "archive", lambda _text: None)

    assert caught.value.cause is FailureCause.FILE_SYSTEM
    assert not (tmp_path / "archive").exists()
    (app / "big").write_bytes(os.urandom(100_000))
    assert (await small.upload(app, tmp_path / "none", OwnPath(tmp_path) / "archive", lambda _text: None))[
        1
    ]


async def test_a_disk_that_fills_up_is_reported_with_the_host(
    small: RemoteReleases, tmp_path: Path
) -> None:
    (tmp_path / "big").write_bytes(os.urandom(2_000_000))
    with pytest.raises(StepFailed, match=r"on 127\.0\.0\.1, .* can't be written: .*may be full") as caught:
        await small.call.remote.put(tmp_path / "big", f"{tmp_path}/disk/big")
    assert caught.value.cause is FailureCause.FILE_SYSTEM


async def test_the_progress_of_a_large_upload_is_reported(host: HostDirectory, tmp_path: Path) -> None:
    app, told = tmp_path / "app", list[str]()
    app.mkdir()
    (app / "big").write_bytes(os.urandom(6_000_000))
    (app / "empty").mkdir()
    manifest, new = await host.releases.upload(
        app, tmp_path / "none", OwnPath(tmp_path) / "archive", told.append
    )

    assert new
    assert told[-2:] == ["6.0 of 6.0 MB are on the host", "unpacking it on the host"]
    assert len(told) < 15
    assert await host.releases.upload(
        app, tmp_path / "none", OwnPath(tmp_path) / "archive", told.append
    ) == (
        manifest,
        False,
    )


async def test_a_host_without_a_service_has_no_instance(host: HostDirectory, project: Project) -> None:
    assert await host.instance() is None
    assert not await host.answers(project.port, "/health", "a token")
    with pytest.raises(StepFailed, match="the service ended after its start"):
        await Startup(project.provider().service, host).wait()
