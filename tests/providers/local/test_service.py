from __future__ import annotations

import asyncio
import errno
import json
import time
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.model.observation import ServiceState
from environments.providers.local.instance import Instance
from environments.providers.local.service import new_instance
from tests.operations import own
from tests.providers import nasty


class Unrecordable(Instance):
    """A record that fails to be written once the process has started."""

    def started(self, process):  # the signature is the record's
        raise OSError(errno.ENOSPC, "No space left on device", "instance.json")


@asynccontextmanager
async def impostor(port, token):
    """Answer with the token of an instance from a process that is not its own."""

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.0 200 OK\r\n\r\n" + token.encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()


def record_of(bench):
    outputs = bench.environment.outputs
    return new_instance(bench.spec, operation=own("op"), release=outputs.release, port=outputs.port)


async def test_a_service_that_can_not_be_recorded_is_ended(bench):
    await bench.run("provision", "configure", "release")
    record = Unrecordable(**dict(record_of(bench)))

    with pytest.raises(OSError, match="No space left"):
        bench.service.start(bench.spec, record, {})

    deadline = time.monotonic() + 60
    while bench.service.marked():
        assert time.monotonic() < deadline


async def test_a_service_that_still_answers_after_its_end_is_reported(bench):
    await bench.run("provision", "configure", "release")
    record = record_of(bench)
    record.save(bench.layout.instance)

    async with impostor(record.port, record.token):
        with pytest.raises(StepFailed, match=r"still answers on port .*, but its process") as caught:
            await bench.step("destroy", "stop_service")
        observed = await bench.observe()

    assert caught.value.cause is FailureCause.INFRASTRUCTURE
    assert bench.service.instance == record
    assert observed.service is ServiceState.UP


async def test_a_failed_start_also_reports_why_the_service_could_not_be_ended(bench):
    await bench.run("provision", "configure", "release")
    record = record_of(bench)
    record.save(bench.layout.instance)

    async with impostor(record.port, record.token):
        with pytest.raises(StepFailed) as caught:
            await bench.step("run", "check_health")

    assert "the app exited; then: the service still answers on port" in caught.value.summary


async def test_a_health_check_without_a_record_advises_to_run_again(bench):
    await bench.run("provision", "configure", "release")

    with pytest.raises(StepFailed, match="no service is recorded: run again"):
        await bench.step("run", "check_health")

    assert (await bench.probe("run", "check_health")).verdict == "not_done"


@pytest.mark.parametrize("content", ["", "{torn", '{"pid": 1}'])
async def test_a_service_with_an_unreadable_record_is_found(bench, content):
    await bench.up()
    bench.path(bench.layout.instance).write_text(content)

    assert bench.service.instance is None
    await bench.run("destroy")
    assert bench.service.marked() == []


async def test_missing_results_of_provision_are_observed(bench):
    await bench.run("provision")
    assert (await bench.observe()).resources
    bench.path(bench.layout.config).rmdir()
    assert "is not complete" in (await bench.probe("provision", "create_directories")).reason
    (bench.data / ".ports" / str(bench.environment.outputs.port)).unlink()
    assert (await bench.observe()).detail == "no port is reserved"
    bench.path(bench.layout.root / ".envchart.json").unlink()

    observed = await bench.observe()

    assert (observed.resources, "is not ours" in observed.detail) == (False, True)
    assert (await bench.probe("configure", "write_configuration")).verdict == "not_done"
    assert (await bench.probe("release", "bundle_release")).verdict == "not_done"


async def test_absence_is_denied_while_files_are_left(bench):
    await bench.up()

    with pytest.raises(StepFailed, match=r"not all is gone: .* runs; .* is still there; port \d+ is still"):
        await bench.step("destroy", "verify_absence")


async def test_destroy_succeeds_although_another_program_has_taken_the_port(bench):
    await bench.run("provision")
    port = bench.environment.outputs.port

    async with impostor(port, "another token"):
        await bench.run("destroy")

    assert bench.reports[-1] == f"no process, no files, port {port} is another program's now"


async def test_an_app_that_needs_time_is_waited_for(bench):
    bench.program("time.sleep(0.4)")

    await bench.up()

    assert bench.environment.outputs.serving == bench.environment.outputs.release


async def test_an_app_that_fails_in_its_settle_time_is_not_healthy(bench):
    bench.program("STATUS, BEFORE = 503, [200]")
    bench.amend(settle=timedelta(seconds=0.1), start_timeout=timedelta(seconds=2))
    await bench.run("provision", "configure", "release")
    await bench.start()
    await bench.listening()

    with pytest.raises(StepFailed, match="answered HTTP 503"):
        await bench.step("run", "check_health")


async def test_variables_arrive_byte_for_byte(bench):
    bench.amend(env=nasty.VARIABLES)
    await bench.up()

    reader, writer = await asyncio.open_connection("127.0.0.1", bench.environment.outputs.port)
    writer.write(b"GET / HTTP/1.0\r\n\r\n")
    body = (await reader.read()).partition(b"\r\n\r\n")[2]
    writer.close()
    seen = json.loads(body)["env"]
    assert {name: seen.get(name) for name in nasty.VARIABLES} == nasty.VARIABLES
