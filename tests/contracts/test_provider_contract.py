"""Every provider passes the contract, and a broken provider does not."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from environments.model.command_name import CommandName
from environments.model.provider_kinds import ProviderSpec
from environments.providers.local import LocalProvider
from environments.testing.doubles import ScriptedProvider, ScriptedSpec
from environments.testing.provider_contract import ProviderContract
from tests.providers.terraform.conftest import Project, project, sshd

__all__ = ["project", "sshd"]  # fixtures

HELLO = Path(__file__).parent.parent.parent / "examples" / "hello"


class TestLocal(ProviderContract):
    @pytest.fixture
    def spec(self) -> ProviderSpec:
        return LocalProvider(app=HELLO, settle=timedelta(seconds=0.05))


class TestScripted(ProviderContract):
    @pytest.fixture
    def spec(self) -> Iterator[ProviderSpec]:
        with ScriptedProvider().installed():
            yield ScriptedSpec()


@pytest.mark.e2e
@pytest.mark.timeout(1200)
class TestTerraform(ProviderContract):
    """On this machine as a host, over SSH. Terraform starts and stops the SSH server."""

    @pytest.fixture
    def spec(self, project: Project, request: pytest.FixtureRequest) -> ProviderSpec:
        server = project.sshd
        server.stop()
        module = project.directory / "module" / "main.tf.j2"
        words = f"{shutil.which('sshd', path='/usr/sbin:/usr/bin')} -f '{server.directory}/sshd_config'"
        begins = (
            '  provisioner "local-exec" {\n'
            f'    command = "unset ENVCHART_OPERATION; {words} -p {server.port} >/dev/null 2>&1"\n'
            "  }\n"
        )
        mark = '  provisioner "local-exec" {\n    when'
        module.write_text(module.read_text().replace(mark, begins + mark))
        return project.provider(**{} if configures(request.node) else {"playbook": None})


def configures(test: pytest.Function) -> bool:
    """Return whether a test is about the playbook, each run of which takes seconds of a processor.

    The tests of a killed command run those before it once for each of its steps.
    """
    if "killed" in test.name:
        return test.callspec.params["command"] is CommandName.CONFIGURE
    return "every_stage" not in test.name


BROKEN = {
    "TestSeesWhatIsGone": (
        "async def observe(self, environment, directory):\n"
        "        from dataclasses import replace\n"
        "        return replace(await super().observe(environment, directory), resources=True)",
        "test_it_comes_up_and_goes_away",
    ),
    "TestDeniesWhatWasDone": (
        "def steps(self, command, environment):\n"
        "        from dataclasses import replace\n"
        "        from environments import Probed\n"
        "        async def deny(context):\n"
        "            return Probed.not_done('I say so')\n"
        "        return [replace(step, probe=deny) for step in super().steps(command, environment)]",
        "test_probes_tell",
    ),
    "TestChangesItsSteps": (
        "def steps(self, command, environment):\n"
        "        from dataclasses import replace\n"
        "        from uuid import uuid4\n"
        "        steps = super().steps(command, environment)\n"
        "        return [replace(step, inputs={'salt': uuid4().hex}) for step in steps]",
        "test_steps_are_the_same",
    ),
    "TestRepeatsAStep": (
        "def steps(self, command, environment):\n"
        "        return [super(Broken, self).steps(command, environment)[0]] * 2",
        "test_each_command_has_steps",
    ),
    "TestStopsNothing": (
        "async def observe(self, environment, directory):\n"
        "        from dataclasses import replace\n"
        "        from environments import ServiceState\n"
        "        return replace(await super().observe(environment, directory), service=ServiceState.UP)",
        "test_its_service_is_stopped",
    ),
    "TestLacksACommand": (
        "def supports(self, command):\n        return command != 'destroy'",
        "test_each_command_has_steps",
    ),
}


HEAD = """
import pytest
from environments.model.provider_kinds import register_provider
from environments.testing.doubles import ScriptedProvider, ScriptedSpec
from environments.testing.provider_contract import ProviderContract

class Contract(ProviderContract):
    @pytest.fixture
    def spec(self):
        register_provider("scripted", f"{__name__}:{self.broken.__name__}")
        with ScriptedProvider().installed():
            yield self.broken()
"""


def test_a_broken_provider_does_not_pass(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n")
    classes = [
        f"""
class {name[4:]}(ScriptedSpec, frozen=True, extra="forbid"):
    {method.replace("Broken", name[4:])}

class {name}(Contract):
    broken = {name[4:]}
"""
        for name, (method, _) in BROKEN.items()
    ]
    pytester.makepyfile("".join([HEAD, *classes]))
    # A whole contract takes long: of each, the test that has to find the fault, and one that has to pass.
    chosen = " or ".join(f"({name} and ({found_by} or json))" for name, (_, found_by) in BROKEN.items())

    result = pytester.runpytest_subprocess("-rA", "-p", "no:cacheprovider", "-k", chosen)

    said = result.stdout.str()
    for name, (_, found_by) in BROKEN.items():
        assert re.search(rf"^FAILED \S+::{name}::{found_by}", said, re.MULTILINE), name
        assert re.search(rf"^PASSED \S+::{name}::\w*json", said, re.MULTILINE), name
