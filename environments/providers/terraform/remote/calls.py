"""Calls of the host program, which is sent along with each call."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from shlex import join
from typing import Any

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.providers.common.ssh import CommandResult, Connection
from statechart.terminal.control_codes import strip_control_codes

_PACKAGE = Path(__file__).parents[1] / "host_program"
_OLDEST = (3, 9)  # of Debian 11 and RHEL 9
# Nothing is installed on the host: its Python imports the modules from standard input.
_LOADER = """\
import importlib.abc, importlib.util, json, sys
sent = json.load(sys.stdin)
class Sent(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path=None, target=None):
        if name in sent["modules"]:
            return importlib.util.spec_from_loader(name, self, is_package="." not in name)
    def exec_module(self, module):
        text = sent["modules"][module.__name__]
        exec(compile(text, module.__name__, "exec"), module.__dict__)
sys.meta_path.insert(0, Sent())
from host.program import main
main(**sent["call"])
"""
_VERSION = "import json, sys; print(json.dumps(sys.version_info[:2]))"
_KEYS = {"result", "summary"}
_EXCERPT = 200
QUICK = timedelta(seconds=30)


@cache
def _modules() -> dict[str, str]:
    """Return the source of the host program's modules by their names on the host."""
    named = {f"host.{path.stem}": path for path in sorted(_PACKAGE.glob("*.py"))}
    named["host"] = named.pop("host.__init__")
    return {name: path.read_text(encoding="utf-8") for name, path in named.items()}


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls functions of `environments.providers.terraform.host_program` for an environment.

    Attributes:
        remote: The connection.
        root: The environment's directory on the host.
        lineage: The incarnation of the environment; not needed by functions that change nothing.
    """

    remote: Connection
    root: str
    lineage: str = ""

    async def __call__(
        self, function: str, *, within: timedelta | None = QUICK, **arguments: object
    ) -> Any:  # Any: JSON
        """Call a function on the host and return its result.

        Raises:
            StepFailed: The function refused, failed or timed out, or the host has no Python.
        """
        # By standard input: a command line would show the secrets in the arguments to all users.
        call = {"function": function, "root": self.root, "lineage": self.lineage, "arguments": arguments}
        sent = json.dumps({"modules": _modules(), "call": call})
        ran = await self._python(_LOADER, input=sent, within=within)
        answer = self._understood(ran, lambda found: isinstance(found, dict) and _KEYS & found.keys())
        if "result" not in answer:
            summary = f"on {self.remote.target.host}, {strip_control_codes(answer['summary'])}"
            raise StepFailed(FailureCause(answer["cause"]), summary)
        return answer["result"]

    def _understood(self, ran: CommandResult, is_answer: Callable[[Any], object]) -> Any:  # Any: JSON
        """Return the answer in the output of a call: a login may print lines before and after it.

        Raises:
            StepFailed: There is none.
        """
        for line in reversed(ran.stdout.splitlines()):
            with suppress(ValueError, RecursionError):
                found = json.loads(line)
                if is_answer(found):
                    return found
        last = strip_control_codes(ran.stdout).strip().rpartition("\n")[2]
        summary = f"the answer of {self.remote.target.host} is not understood: {last[:_EXCERPT]}"
        raise StepFailed(FailureCause.COMMAND_EXECUTION, summary)

    async def require_python(self) -> None:
        """Check that the host has Python 3.9 or later.

        Raises:
            StepFailed: The host has no Python, or an older version.
        """
        ran = await self._python(_VERSION, within=QUICK)
        found = tuple(self._understood(ran, lambda found: isinstance(found, list)))
        if found < _OLDEST:
            version, wanted = (".".join(map(str, each)) for each in (found, _OLDEST))
            host = self.remote.target.host
            summary = f"the python3 of {host} is {version}: {wanted} or later is needed, install that"
            raise StepFailed(FailureCause.CONFIGURATION, summary)

    async def _python(self, program: str, *, within: timedelta | None, input: str = "") -> CommandResult:
        command = join(["python3", "-I", "-c", program])
        ran = await self.remote.run(command, input=input, timeout=within, check=False)
        host = self.remote.target.host
        if ran.status == 127:
            summary = f"{host} has no python3: install it (apt-get install python3, or in the image)"
            raise StepFailed(FailureCause.CONFIGURATION, summary)
        if ran.status != 0 or not ran.stdout.strip():
            printed = strip_control_codes(ran.stderr)
            last = (printed.strip().splitlines() or ["it printed nothing"])[-1]
            summary = f"on {host}, python3 ended with {ran.status}: {last}"
            raise StepFailed(FailureCause.COMMAND_EXECUTION, summary, printed)
        return ran
