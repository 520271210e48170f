"""A local environment that is changed while its service runs."""

from __future__ import annotations

import shutil
import urllib.error
import urllib.request
from datetime import UTC, datetime

import pytest

from environments.errors import StepFailed
from environments.model.command_name import CommandName
from environments.model.operation import Operation
from environments.model.states import Running
from environments.model.steps import Verdict
from environments.providers.local.instance import Instance
from environments.providers.local.port_reservations import Reservations
from environments.providers.local.service import Service, new_instance
from statechart.holder import Holder
from tests.operations import own
from tests.ports import free_port

BROKEN = "raise SystemExit('broken')"


def reserved(bench) -> list[int]:
    return Reservations.beside(bench.layout).held_by(bench.environment.lineage)


def serves(bench, port: int | None) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{port}/", timeout=30):
            return True
    except urllib.error.URLError:
        return False


def under_way(bench, command: str) -> None:
    """Put the environment into the state running, with a command under way."""
    holder = Holder.current("envchart test")
    operation = Operation(
        id=own("op"), command=CommandName(command), started_at=datetime.now(UTC), holder=holder
    )
    update = {"state": Running(), "operation": operation}
    bench.environment = bench.environment.model_copy(update=update)


@pytest.fixture
def free() -> int:
    return free_port()


async def test_a_service_serves_on_its_old_port_until_it_is_run_on_the_new_one(bench, free):
    await bench.up()
    old, url = bench.environment.outputs.port, bench.environment.outputs.url
    bench.amend(port=free)

    assert (await bench.probe("provision", "reserve_port")).verdict is Verdict.NOT_DONE
    await bench.run("provision", "configure", "release")

    probed = await bench.probe("provision", "reserve_port")
    assert bench.environment.outputs.updated(dict(probed.outputs)) == bench.environment.outputs
    assert (bench.environment.outputs.port, bench.environment.outputs.url) == (free, url)
    assert serves(bench, old)
    assert reserved(bench) == sorted([old, free])

    await bench.run("run")
    assert (serves(bench, free), reserved(bench)) == (True, [free])
    assert bench.environment.outputs.url == f"http://127.0.0.1:{free}/"


@pytest.mark.parametrize("command", ["stop", "destroy"])
async def test_both_ports_of_a_service_that_has_yet_to_move_are_found(bench, free, command):
    await bench.up()
    bench.amend(port=free)
    await bench.run("provision", command)

    assert reserved(bench) == ([free] if command == "stop" else [])
    assert not bench.service.processes()


async def test_provision_keeps_the_port_of_a_running_service(bench):
    await bench.up()
    before = bench.environment.outputs

    await bench.run("provision")

    assert (bench.environment.outputs, len(reserved(bench))) == (before, 1)
    assert serves(bench, before.port)


async def test_provision_after_a_loss_forgets_the_releases_that_went_with_it(bench):
    await bench.up()
    await bench.run("stop")
    shutil.rmtree(bench.layout.root)

    await bench.run("provision")

    outputs = bench.environment.outputs
    assert (outputs.release, outputs.previous, outputs.served) == (None, None, None)


async def test_configure_leaves_the_service_alone(bench):
    await bench.up()
    pid, serving = bench.pid, bench.environment.outputs.serving
    bench.amend(files={"settings.ini": "level = debug\n"})

    await bench.run("configure")

    assert (bench.layout.config / "settings.ini").is_file()
    assert (bench.pid, bench.environment.outputs.serving) == (pid, serving)


async def test_a_release_proves_itself_before_it_replaces_another(bench):
    await bench.up()
    good, pid = bench.environment.outputs.release, bench.pid
    bench.program("VERSION = 2")
    await bench.run("release")
    await bench.step("run", "preflight")

    assert (bench.pid, bench.environment.outputs.serving) == (pid, good)
    assert "on spare port" in bench.reports[-1]
    assert not Service(bench.layout, candidate=True).processes()
    assert not bench.layout.candidate.exists()
    await bench.run("run")
    assert bench.environment.outputs.previous == good


async def test_a_broken_release_leaves_the_old_service_running(bench):
    await bench.up()
    pid, port = bench.pid, bench.environment.outputs.port
    bench.program(code=BROKEN)
    await bench.run("release")

    with pytest.raises(StepFailed, match=r"broken; release \w+ serves on") as failed:
        await bench.run("run")

    assert "set preflight to false" in failed.value.detail
    assert (bench.pid, serves(bench, port)) == (pid, True)
    assert len(bench.service.processes()) == 1


async def test_without_a_preflight_the_old_service_ends_first(bench):
    bench.amend(preflight=False)
    await bench.up()
    good = bench.environment.outputs.release
    bench.program(code=BROKEN)
    await bench.run("release")

    with pytest.raises(StepFailed, match="broken"):
        await bench.run("run")

    assert (bench.environment.outputs.serving, bench.environment.outputs.rollback) == (None, good)
    assert not bench.service.processes()


async def test_a_preflight_is_passed_over_where_it_proves_nothing(bench):
    await bench.up()
    assert (await bench.probe("run", "preflight")).verdict is Verdict.DONE
    await bench.step("run", "preflight")
    assert bench.reports[-1] == "the service runs with this release and these settings"

    bench.program("VERSION = 2")
    await bench.run("release")
    assert (await bench.probe("run", "preflight")).verdict is Verdict.UNKNOWN
    await bench.service.stop(bench.spec.stop_grace, bench.spec.health)
    await bench.step("run", "preflight")
    assert bench.reports[-1] == "no service runs that could go on"


@pytest.mark.parametrize("by", ["preflight", "run", "destroy"])
async def test_a_candidate_of_an_interrupted_preflight_is_found(bench, by):
    await bench.up()
    bench.program("VERSION = 2")
    await bench.run("release")
    candidate, release = Service(bench.layout, candidate=True), bench.environment.outputs.release
    spare = Reservations.beside(bench.layout).spare()
    candidate.start(bench.spec, new_instance(bench.spec, operation="op-0", release=release, port=spare), {})
    assert len(candidate.processes()) == 1
    assert (await bench.probe("run", "preflight")).verdict is Verdict.NOT_DONE

    await (bench.step("run", by) if by == "preflight" else bench.run(by))

    assert not candidate.processes()
    if by != "destroy":
        assert Instance.load(bench.layout.candidate) is None


async def test_a_restart_is_done_only_by_a_new_process(bench):
    await bench.up()
    pid = bench.pid
    under_way(bench, "run")
    # The service was started by an earlier operation.
    instance = bench.service.instance
    instance.model_copy(update={"operation": "op-0"}).save(bench.layout.instance)

    for name in ("stop_previous", "start_service"):
        assert (await bench.probe("run", name)).verdict is Verdict.NOT_DONE, name
    await bench.run("run")

    assert bench.pid != pid
    for name in ("stop_previous", "start_service", "check_health"):
        assert (await bench.probe("run", name)).verdict is Verdict.DONE, name
