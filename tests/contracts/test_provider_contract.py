"""Every provider passes the contract, and a broken provider does not."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

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
    def spec(self, project: Project) -> ProviderSpec:
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
        return project.provider()


BROKEN = {
    "observe sees what is gone": (
        "async def observe(self, environment, directory):\n"
        "        from dataclasses import replace\n"
        "        return replace(await super().observe(environment, directory), resources=True)",
        "test_it_comes_up_and_goes_away",
    ),
    "a probe denies what was done": (
        "def steps(self, command, environment):\n"
        "        from dataclasses import replace\n"
        "        from environments import Probed\n"
        "        async def deny(context):\n"
        "            return Probed.not_done('I say so')\n"
        "        return [replace(step, probe=deny) for step in super().steps(command, environment)]",
        "test_probes_tell",
    ),
    "steps change from time to time": (
        "def steps(self, command, environment):\n"
        "        from dataclasses import replace\n"
        "        from uuid import uuid4\n"
        "        steps = super().steps(command, environment)\n"
        "        return [replace(step, inputs={'salt': uuid4().hex}) for step in steps]",
        "test_steps_are_the_same",
    ),
    "two steps of one name": (
        "def steps(self, command, environment):\n"
        "        return [super(Broken, self).steps(command, environment)[0]] * 2",
        "test_each_command_has_steps",
    ),
    "it does not know a command": (
        "def supports(self, command):\n        return command != 'destroy'",
        "test_each_command_has_steps",
    ),
}


@pytest.mark.parametrize(("method", "found_by"), BROKEN.values(), ids=BROKEN)
def test_a_broken_provider_does_not_pass(pytester: pytest.Pytester, method: str, found_by: str) -> None:
    pytester.makeini("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n")
    pytester.makepyfile(
        f"""
import pytest
from environments.model.provider_kinds import register_provider
from environments.testing import ScriptedProvider, ScriptedSpec
from environments.testing.doubles import ScriptedProvider, ScriptedSpec
from environments.testing.provider_contract import ProviderContract

class Broken(ScriptedSpec, frozen=True, extra="forbid"):
    {method}

register_provider("scripted", __name__ + ":Broken")

class TestBroken(ProviderContract):
    @pytest.fixture
    def spec(self):
        with ScriptedProvider().installed():
            yield Broken()
"""
    )

    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-k", f"{found_by} or json")

    assert result.parseoutcomes()["failed"] >= 1
    assert result.parseoutcomes()["passed"] >= 1
    assert found_by in result.stdout.str()
