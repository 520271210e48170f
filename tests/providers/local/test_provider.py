"""The local provider's steps, with real processes on the loopback interface."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from datetime import timedelta
from pathlib import Path

import pytest

from environments.errors import StepFailed
from environments.model.command_name import CommandName
from environments.model.failure import FailureCause
from environments.model.observation import ServiceState
from environments.model.steps import Verdict
from environments.providers.local import LocalProvider
from environments.providers.local.releases import Releases
from environments.system import processes

HELLO = Path(__file__).parents[3] / "examples" / "hello"
COMMANDS = ("provision", "configure", "release", "run", "stop", "destroy")


def text_of(bench, path):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(bench.environment.outputs.url.rstrip("/") + path, timeout=30) as response:
        return response.read().decode()


def answer_of(bench, path="/"):
    return json.loads(text_of(bench, path))


def listening(port):
    return socket.create_server(("127.0.0.1", port))


def squatter(port):
    """Answer each request on a port with 200, from another process."""
    command = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: child.poll() is not None or processes.listener_on(port))
    assert child.poll() is None
    return child


def sleeper():
    return subprocess.Popen(["sleep", "60"])


def wait_until(happens):
    deadline = time.monotonic() + 60
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.01)


async def failure_of(bench, command, step):
    with pytest.raises(StepFailed) as caught:
        await bench.step(command, step)
    return caught.value


async def test_a_whole_lifecycle_serves_the_release_and_then_removes_everything(bench):
    await bench.up()

    answer = answer_of(bench)
    assert answer["env"]["ENVCHART_RELEASE"] == bench.environment.outputs.serving
    assert answer["env"]["ENVCHART_ENVIRONMENT"] == bench.environment.lineage
    assert "ENVCHART_OPERATION" not in answer["env"]  # it marks tools, which recovery ends
    assert answer["cwd"] == str(bench.layout.releases / bench.environment.outputs.release)
    await bench.run("destroy")
    assert bench.service.processes() == []
    assert list(bench.directory.iterdir()) == []
    assert [path.name for path in (bench.data / ".ports").iterdir()] == [".lock"]
    assert set(bench.environment.outputs.model_dump(exclude={"owned", "details"}).values()) == {None}


async def test_the_probe_of_each_step_is_right_before_and_after(bench):
    # In destroy, the service is stopped already.
    looking = {"verify_release", "stop_previous", "check_health", "stop_service", "verify_absence"}
    for command in COMMANDS:
        for name in bench.steps(command):
            before = await bench.probe(command, name)
            assert before.verdict is Verdict.NOT_DONE or name in looking, (name, before)
            await bench.step(command, name)
            after = await bench.probe(command, name)
            assert after.verdict is Verdict.DONE, (name, after)
            merged = bench.environment.outputs.updated(dict(after.outputs))
            assert merged == bench.environment.outputs, name


async def test_each_command_may_be_repeated(bench):
    for command in COMMANDS:
        await bench.run(command)
        outputs = bench.environment.outputs
        await bench.run(command)
        assert bench.environment.outputs == outputs, command


async def test_all_steps_have_names_and_timeouts_and_are_idempotent(bench):
    steps = {command: list(bench.steps(command).values()) for command in COMMANDS}

    assert [[step.name for step in steps[command]] for command in COMMANDS] == [
        ["create_directories", "reserve_port"],
        ["write_configuration"],
        ["bundle_release", "verify_release"],
        ["stop_previous", "switch_release", "start_service", "check_health"],
        ["stop_service"],
        ["stop_service", "remove_directories", "verify_absence"],
    ]
    every = [step for group in steps.values() for step in group]
    assert all(step.probe and step.timeout and step.idempotent and step.inputs for step in every)
    looking = {step.name for step in every if not step.has_effect}
    assert looking == {"verify_release", "verify_absence"}
    assert {*COMMANDS, CommandName.REGISTER} == set(CommandName)
    assert all(bench.spec.supports(command) for command in COMMANDS)
    assert not bench.spec.supports(CommandName.REGISTER)


async def test_a_second_release_is_served_and_can_be_rolled_back(bench):
    await bench.up()
    first, old_pid = bench.environment.outputs.release, bench.pid

    bench.program("VERSION = 2")
    await bench.run("release")
    assert answer_of(bench)["env"]["ENVCHART_RELEASE"] == first
    await bench.run("run")
    second = bench.environment.outputs
    assert (second.serving == second.release, second.previous) == (True, first)
    assert bench.pid != old_pid

    bench.amend(pinned_release=first)
    await bench.run("release", "run")
    outputs = bench.environment.outputs
    assert (outputs.serving, outputs.previous) == (first, second.release)
    assert answer_of(bench)["env"]["ENVCHART_RELEASE"] == first


async def test_a_release_that_was_never_healthy_is_no_target_of_a_rollback(bench):
    await bench.up()
    good = bench.environment.outputs.release
    bench.program(code="raise SystemExit('broken')")
    await bench.run("release")
    with pytest.raises(StepFailed, match="broken"):
        await bench.run("run")
    outputs = bench.environment.outputs
    assert (outputs.serving, outputs.rollback) == (good, good)

    bench.program("VERSION = 2")
    await bench.run("release", "run")
    assert bench.environment.outputs.previous == good

    bench.amend(pinned_release=good)
    await bench.run("release", "run")
    assert bench.environment.outputs.serving == good


async def test_a_rollback_after_a_failed_run_leaves_no_previous_release(bench):
    await bench.up()
    good = bench.environment.outputs.release
    bench.program(code="raise SystemExit('broken')")
    await bench.run("release")
    with pytest.raises(StepFailed, match="broken"):
        await bench.run("run")

    bench.amend(pinned_release=good)
    await bench.run("release", "run")

    outputs = bench.environment.outputs
    assert (outputs.serving, outputs.previous) == (good, None)
    assert Releases(bench.layout.root).linked("previous") is None


async def test_a_port_in_use_is_refused_at_provision(bench):
    with listening(0) as server:
        bench.amend(port=server.getsockname()[1])
        await bench.step("provision", "create_directories")

        failure = await failure_of(bench, "provision", "reserve_port")

    assert failure.cause is FailureCause.NETWORK
    assert f"port {bench.spec.port} is in use by" in failure.summary
    assert f"(pid {os.getpid()})" in failure.summary
    await bench.step("provision", "reserve_port")


async def test_two_environments_never_share_a_port(bench, neighbour):
    await bench.run("provision")
    neighbour.amend(port=bench.environment.outputs.port)
    await neighbour.step("provision", "create_directories")

    failure = await failure_of(neighbour, "provision", "reserve_port")
    assert "is reserved for environment 'demo'" in failure.summary
    await bench.run("destroy")
    await neighbour.step("provision", "reserve_port")


async def test_a_port_taken_after_provision_is_refused_at_start(bench):
    await bench.run("provision", "configure", "release")
    with listening(bench.environment.outputs.port):
        await bench.step("run", "stop_previous")
        await bench.step("run", "switch_release")

        failure = await failure_of(bench, "run", "start_service")

    assert failure.cause is FailureCause.NETWORK
    assert "is in use by" in failure.summary
    assert bench.service.processes() == []
    await bench.run("run")


async def test_another_program_that_answers_200_is_not_taken_for_the_service(bench):
    bench.program(code="import time; time.sleep(60)")
    await bench.run("provision", "configure", "release")
    await bench.start()
    stranger = squatter(bench.environment.outputs.port)
    bench.amend(health="/")
    try:
        assert (await bench.observe()).service is ServiceState.FOREIGN
        failure = await failure_of(bench, "run", "check_health")
        assert failure.cause is FailureCause.NETWORK
        assert "another program answers on port " in failure.summary
        assert f"(pid {stranger.pid})" in failure.summary
        assert (stranger.poll(), bench.service.processes()) == (None, [])
        assert (await bench.observe()).service is ServiceState.FOREIGN
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (
            "import sys; print('bad port', flush=True); sys.exit(3)",
            "the app exited with status 3; it said last: bad port",
        ),
        ("raise ValueError('no such colour')", "status 1; it said last: ValueError: no such colour"),
        (
            "import sys; sys.exit('bad \\x1bc\\x9b2Jport\\x1b]0;title\\x07')",
            "status 1; it said last: bad port",
        ),
        ("import os; os.kill(os.getpid(), 9)", "the app was ended by SIGKILL"),
        ("", "the app exited with status 0; it has to stay in the foreground"),
    ],
)
async def test_an_app_that_exits_fails_the_run_with_its_last_line(bench, code, expected):
    bench.program(code=code)
    await bench.run("provision", "configure", "release")
    await bench.start()

    failure = await failure_of(bench, "run", "check_health")

    assert failure.cause is FailureCause.COMMAND_EXECUTION
    assert expected in failure.summary
    assert not set(failure.summary + failure.detail) & set("\x1b\x9b\x07")
    assert (await bench.observe()).service is ServiceState.DOWN


async def test_an_app_that_crashes_after_its_first_healthy_answer_is_not_running(bench):
    bench.program("threading.Timer(0.25, lambda: (print('out of luck', flush=True), os._exit(4))).start()")
    bench.amend(settle=timedelta(seconds=1))
    await bench.run("provision", "configure", "release")
    await bench.start()

    failure = await failure_of(bench, "run", "check_health")

    assert "the app exited with status 4; it said last: out of luck" in failure.summary
    assert bench.environment.outputs.serving is None


async def test_an_app_that_never_becomes_healthy_is_ended_and_its_last_lines_are_shown(bench):
    bench.program(
        "STATUS = 500\nfor line in range(30): print('line', line)\nprint('\\33[31mno database\\33[0m')"
    )
    bench.amend(start_timeout=timedelta(seconds=2))
    await bench.run("provision", "configure", "release")
    await bench.start()
    await bench.listening()

    failure = await failure_of(bench, "run", "check_health")

    assert failure.cause is FailureCause.TIMEOUT
    assert "not get healthy within 2 s: GET /health answered HTTP 500" in failure.summary
    lines = failure.detail.splitlines()
    assert (lines[1], lines[-2:]) == ("line 12", ["no database", "listening"])
    assert (bench.service.processes(), bench.service.instance) == ([], None)


async def test_an_app_that_answers_without_its_token_gets_advice(bench):
    bench.program("TOKEN = 'mine'; os.environ.pop('ENVCHART_INSTANCE_TOKEN')")
    bench.amend(start_timeout=timedelta(seconds=2))
    await bench.run("provision", "configure", "release")
    await bench.start()
    await bench.listening()

    failure = await failure_of(bench, "run", "check_health")

    assert failure.cause is FailureCause.CONFIGURATION
    assert "X-Envchart-Instance" in failure.summary


async def test_a_service_that_ignores_sigterm_is_killed_after_its_grace(bench):
    bench.program("signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    bench.amend(stop_grace=timedelta(seconds=0.2))
    await bench.up()

    await bench.step("destroy", "stop_service")

    assert bench.reports[-1] == "1 process ended, 1 by force"
    assert bench.service.processes() == []


async def test_the_children_of_the_service_are_ended_with_it(bench):
    bench.program(
        """
        import subprocess
        subprocess.Popen(["sleep", "60"])
        subprocess.Popen(["sleep", "60"], env={})
        subprocess.Popen(["sleep", "60"], start_new_session=True)
        """
    )
    await bench.up()
    running = bench.service.processes()
    assert len(running) == 4

    await bench.step("destroy", "stop_service")

    assert [each for each in running if processes.lives(each)] == []


async def test_another_process_with_the_recorded_pid_is_not_ended(bench):
    await bench.up()
    instance = bench.service.instance
    bench.end_all()
    stranger = sleeper()
    try:
        reused = instance.process.model_copy(update={"pid": stranger.pid})
        instance.started(reused).save(bench.layout.instance)

        await bench.run("destroy")

        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.parametrize("marker", [None, "{}", "torn{", '{"lineage": "another", "name": "demo"}'])
async def test_a_directory_of_another_owner_is_left_untouched(bench, marker):
    bench.path(bench.layout.root).mkdir()
    bench.path(bench.layout.root / "precious").write_text("mine")
    if marker is not None:
        bench.path(bench.layout.root / ".envchart.json").write_text(marker)

    for command, step in (("provision", "create_directories"), ("destroy", "remove_directories")):
        failure = await failure_of(bench, command, step)
        assert failure.cause is FailureCause.FILE_SYSTEM
        assert f"{bench.layout.root} is not ours" in failure.summary

    assert (await bench.probe("provision", "create_directories")).verdict is Verdict.NOT_DONE
    assert bench.path(bench.layout.root / "precious").read_text() == "mine"


async def test_a_link_in_place_of_the_directory_is_refused(bench, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    bench.path(bench.layout.root).symlink_to(elsewhere)

    failure = await failure_of(bench, "provision", "create_directories")

    assert "it is not a directory" in failure.summary
    assert list(elsewhere.iterdir()) == []


def run_python(code, **environment):
    command = [sys.executable, "-W", "error", "-c", code]
    env = {**os.environ, **environment}
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)


async def test_a_service_whose_controller_was_killed_is_found(bench):
    await bench.run("provision", "configure", "release")
    controller = """
import os, signal, sys
from pathlib import Path
from environments.model.environment import Environment
from environments.providers.local.instance import Instance
from environments.providers.local.layout import Layout
from environments.providers.local.service import Service, new_instance

class Fatal(Instance):
    def started(self, process):
        os.kill(os.getpid(), signal.SIGKILL)

environment = Environment.model_validate_json(os.environ["THE_ENVIRONMENT"])
outputs, spec = environment.outputs, environment.spec.provider
record = new_instance(spec, operation="op-1", release=outputs.release, port=outputs.port)
layout = Layout.of(environment, Path(os.environ["THE_DIRECTORY"]))
Service(layout).start(spec, Fatal(**dict(record)), {})
"""

    ended = run_python(
        controller,
        THE_ENVIRONMENT=bench.environment.model_dump_json(),
        THE_DIRECTORY=str(bench.directory),
    )

    assert ended.returncode == -9, ended.stderr
    instance = bench.service.instance
    assert (instance.status, instance.process) == ("starting", None)
    assert len(bench.service.processes()) == 1
    assert (await bench.probe("run", "start_service")).verdict is Verdict.DONE
    assert (await bench.probe("destroy", "stop_service")).verdict is Verdict.NOT_DONE
    await bench.run("destroy")
    assert bench.service.marked() == []


async def test_a_service_without_any_record_is_found(bench):
    await bench.up()
    bench.path(bench.layout.instance).unlink()

    observed = await bench.observe()
    await bench.run("destroy")

    assert (observed.service, "running, but not recorded" in observed.detail) == (
        ServiceState.UNHEALTHY,
        True,
    )
    assert bench.service.marked() == []


async def test_the_service_outlives_the_process_that_started_it(bench):
    await bench.run("provision", "configure", "release")
    controller = """
import asyncio, os
from pathlib import Path
from environments.model.environment import Environment
from environments.model.failure import CommandName
from environments.model.steps import StepContext

async def main():
    environment = Environment.model_validate_json(os.environ["THE_ENVIRONMENT"])
    context = StepContext(
        environment=environment,
        operation_id="op-2",
        directory=Path(os.environ["THE_DIRECTORY"]),
        report=lambda _: None,
    )
    for step in environment.spec.provider.steps(CommandName.RUN, environment):
        await step.effect(context)

asyncio.run(main())
"""

    ended = run_python(
        controller,
        THE_ENVIRONMENT=bench.environment.model_dump_json(),
        THE_DIRECTORY=str(bench.directory),
    )

    assert (ended.returncode, ended.stderr) == (0, "")
    assert (await bench.observe()).service is ServiceState.UP
    assert (await bench.probe("run", "check_health")).verdict is Verdict.DONE


async def test_starting_again_keeps_the_running_service(bench):
    await bench.up()
    pid = bench.pid

    await bench.step("run", "start_service")
    assert bench.pid == pid

    bench.amend(env={"GREETING": "Hi"})
    assert (await bench.probe("run", "start_service")).verdict is Verdict.NOT_DONE
    assert (await bench.probe("run", "stop_previous")).verdict is Verdict.NOT_DONE
    await bench.step("run", "start_service")
    assert bench.pid != pid


async def test_secrets_reach_the_app_and_no_file_or_message(bench, tmp_path, monkeypatch):
    (tmp_path / "key").write_text("from-a-file-7d1\n")
    monkeypatch.setenv("THE_SECRET", "from-the-environment-5c2")
    secrets = ("from-a-file-7d1", "from-the-environment-5c2")
    bench.amend(env={"A": {"env": "THE_SECRET"}, "B": {"file": str(tmp_path / "key")}, "C": "public"})
    await bench.up()
    got = answer_of(bench)["env"]
    assert (got["A"], got["B"], got["C"]) == (secrets[1], secrets[0], "public")
    written = [path.read_text() for path in bench.data.rglob("*") if path.is_file()]

    bench.program(
        code="import os, sys; sys.exit(os.environ['A'] + ' is wrong, and so is ' + os.environ['B'])"
    )
    await bench.run("release")
    await bench.start()
    failure = await failure_of(bench, "run", "check_health")

    assert "it said last: *** is wrong, and so is ***" in failure.summary
    said = "\n".join([*written, *bench.reports, failure.summary, failure.detail, repr(bench.environment)])
    assert not any(secret in said for secret in secrets)


@pytest.mark.parametrize("content", [b"swordfish\xff", b"swordfish\0"])
async def test_a_secret_that_is_not_text_is_refused_without_being_shown(bench, tmp_path, content):
    (tmp_path / "key").write_bytes(content)
    bench.amend(env={"KEY": {"file": str(tmp_path / "key")}})
    await bench.run("provision", "configure", "release")

    failure = await failure_of(bench, "run", "start_service")

    assert failure.cause is FailureCause.CONFIGURATION
    assert "swordfish" not in failure.summary + failure.detail
    assert bench.service.instance is None


async def test_a_missing_secret_fails_before_the_old_service_is_stopped(bench):
    bench.amend(env={"KEY": {"env": "NO_SUCH_VARIABLE"}})
    await bench.run("provision", "configure", "release")

    failure = await failure_of(bench, "run", "start_service")

    assert failure.cause is FailureCause.CONFIGURATION
    assert bench.service.instance is None


async def test_a_missing_program_is_named(bench):
    bench.amend(command=("no-such-program", "x"))
    await bench.run("provision", "configure", "release")

    failure = await failure_of(bench, "run", "start_service")

    assert failure.cause is FailureCause.CONFIGURATION
    assert failure.summary == "command: no-such-program can't be started: no such file or directory"
    assert bench.service.instance is None


async def test_the_app_gets_a_clean_environment(bench, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-for-the-app")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    await bench.up()

    env = answer_of(bench)["env"]

    assert not {"HTTP_PROXY", "http_proxy", "AWS_SECRET_ACCESS_KEY"} & env.keys()
    assert (env["HOST"], env["PORT"]) == ("127.0.0.1", str(bench.environment.outputs.port))
    assert env["ENVCHART_CONFIG"] == str(bench.layout.config)


async def test_a_cancelled_health_check_leaves_nothing_running(bench):
    bench.program("STATUS = 500")
    await bench.run("provision", "configure", "release")
    await bench.start()
    task = asyncio.create_task(bench.step("run", "check_health"))
    await asyncio.sleep(0.2)

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert bench.service.marked() == []
    assert bench.service.instance is None


async def test_a_start_that_is_cancelled_at_any_moment_leaves_no_unknown_process(bench):
    await bench.run("provision", "configure", "release")
    for moment in range(0, 24, 2):
        task = asyncio.create_task(bench.step("run", "start_service"))
        for _ in range(moment):
            await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.wait([task])

        seen = bench.service.leader()
        assert {each.pid for each in bench.service.marked()} <= {seen.pid if seen else None}
        await bench.step("run", "stop_previous")


async def test_each_state_of_the_service_is_observed(bench):
    assert not (await bench.observe()).resources
    await bench.up()
    up = await bench.observe()
    assert (up.resources, up.service, up.serving) == (
        True,
        ServiceState.UP,
        bench.environment.outputs.release,
    )

    bench.amend(health="/elsewhere")
    assert (await bench.observe()).service is ServiceState.UP
    os.kill(bench.pid, 19)
    stopped = await bench.observe()
    assert "no answer" in (await bench.probe("run", "check_health")).reason
    assert (stopped.service, stopped.serving) == (ServiceState.UNHEALTHY, up.serving)

    os.kill(bench.pid, 9)
    wait_until(lambda: bench.service.leader() is None)
    gone = await bench.observe()
    assert (gone.service, gone.serving, gone.detail) == (ServiceState.DOWN, None, "its process is gone")


async def test_logs_are_existing_files_of_limited_size(bench):
    assert bench.spec.logs(bench.environment, bench.directory) == []
    await bench.run("provision", "configure", "release")
    bench.path(bench.layout.log).write_text("x" * 2_000_000)
    await bench.run("run")

    assert [path.name for path in bench.spec.logs(bench.environment, bench.directory)] == [
        "service.log.1",
        "service.log",
    ]
    assert bench.path(bench.layout.log).stat().st_size < 1000


async def test_all_files_are_private(bench):
    await bench.up()

    for path in bench.path(bench.layout.root).rglob("*"):
        if not path.is_symlink():
            assert path.stat().st_mode & 0o077 == 0, path


@pytest.fixture
def unprivileged():
    """Become the user nobody where the tests run as root, whom permissions do not stop."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    yield
    os.seteuid(0)


async def test_a_directory_without_permission_is_named(bench, unprivileged):
    if os.getuid() != 0:
        bench.directory.chmod(0o500)

    failure = await failure_of(bench, "provision", "create_directories")

    assert failure.cause is FailureCause.FILE_SYSTEM
    assert "permission denied; give yourself permission" in failure.summary
    if os.getuid() != 0:
        bench.directory.chmod(0o700)


async def test_a_service_of_the_example_serves_its_greeting(bench):
    bench.spec = LocalProvider(app=HELLO, env={"GREETING": "Good <morning>"}, settle=timedelta())
    await bench.up()

    health, page = answer_of(bench, "/health"), text_of(bench, "/")

    assert health["release"] == bench.environment.outputs.release
    assert "<h1>Good &lt;morning&gt;</h1>" in page
    assert f"<code>{health['version']}</code>" in page
    await bench.run("destroy")
    assert bench.reports[-3] == "1 process ended"
