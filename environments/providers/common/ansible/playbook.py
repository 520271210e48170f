"""Run a playbook on a host."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from pydantic import JsonValue

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.model.steps import StepContext
from environments.providers.common.ansible.events import Events
from environments.providers.common.tools import Tool, run_tool
from environments.system.files import write_private

_PROGRAM = "ansible-playbook"
_GRACE = timedelta(seconds=10)
_LONGEST = 1024 * 1024  # an event is a line, and holds all output of a module


def find() -> str | None:
    """Return the path of ansible-playbook, beside this Python or on PATH, or None."""
    beside = Path(sys.executable).with_name(_PROGRAM)
    return str(beside) if beside.is_file() else shutil.which(_PROGRAM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Playbook:
    """A playbook with its host.

    Attributes:
        path: The playbook.
        directory: The directory for the inventory and Ansible's own files.
        name: The host's name in the inventory.
        address: The host's address.
        port: The port of the SSH server.
        user: The user on the host.
        key: The file of the private key.
        known_hosts: The file of the accepted host keys. No other key is accepted.
        become: Whether tasks run as root, by sudo.
        variables: The playbook's extra variables; they may hold secrets.
    """

    path: Path
    directory: Path
    name: str
    address: str
    port: int
    user: str
    key: Path
    known_hosts: Path
    become: bool = False
    variables: Mapping[str, JsonValue] = field(default_factory=dict)

    async def run(self, context: StepContext, *, check: bool = False) -> Events:
        """Run the playbook and return its events.

        Args:
            context: The step.
            check: Predict the changes instead of making them.

        Raises:
            StepFailed: A task failed, the host can't be reached or shows another key, the playbook
                can't be read, or no play matches the host.
        """
        program = find()
        if program is None:
            summary = f"{_PROGRAM} is not on the path: pip install 'envchart[terraform]'"
            raise StepFailed(FailureCause.CONFIGURATION, summary)
        if not self.path.is_file():
            summary = f"playbook: {self.path} is not there: put it back, then try again"
            raise StepFailed(FailureCause.CONFIGURATION, summary)
        events = Events(context.progress)
        with self._files() as (inventory, variables):
            words = ("-i", str(inventory), "--extra-vars", f"@{variables}", *(["--check"] if check else []))
            command = (program, *words, str(self.path))
            tool = Tool(
                command=command,
                cwd=self.path.parent,
                env=self._environment(),
                on_line=events.take,
                longest_line=_LONGEST,
                grace=_GRACE,
                on_stop=signal.SIGINT,
            )
            try:
                await run_tool(context, tool)
            except StepFailed as failed:
                raise events.failure(failed) from failed
        events.require_work()
        return events

    @contextmanager
    def _files(self) -> Iterator[tuple[Path, Path]]:
        """Write the inventory, and the variables for the time of the run."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        inventory, variables = self.directory / "inventory.json", self.directory / "variables.json"
        host = {
            "ansible_host": self.address,
            "ansible_port": self.port,
            "ansible_user": self.user,
            "ansible_ssh_private_key_file": str(self.key),
            # False would override a play that asks for it.
            **({"ansible_become": True} if self.become else {}),
            "ansible_python_interpreter": "auto_silent",
        }
        write_private(inventory, json.dumps({"all": {"hosts": {self.name: host}}}, indent=2) + "\n")
        write_private(self.directory / "ansible.cfg", "")  # else Ansible takes the user's or the system's
        write_private(variables, json.dumps(dict(self.variables)) + "\n")
        try:
            yield inventory, variables
        finally:
            variables.unlink(missing_ok=True)

    def _environment(self) -> dict[str, str]:
        """Return the variables of the process, without the user's Ansible settings and SSH agent."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("ANSIBLE_") and name != "SSH_AUTH_SOCK"
        }
        return {
            **kept,
            "ANSIBLE_CONFIG": str(self.directory / "ansible.cfg"),
            "ANSIBLE_HOME": str(self.directory),
            "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).with_name("_callbacks")),
            "ANSIBLE_STDOUT_CALLBACK": "envchart_events",
            "ANSIBLE_HOST_KEY_CHECKING": "True",
            "ANSIBLE_SSH_ARGS": " ".join(f"-o '{option}'" for option in self._ssh_options()),
            "ANSIBLE_PIPELINING": "1",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_RETRY_FILES_ENABLED": "0",
        }

    def _ssh_options(self) -> Iterator[str]:
        """Yield the options of OpenSSH."""
        # A connection that is shared with an earlier run would not check the host key again.
        yield "ControlMaster=no"
        yield "ControlPath=none"
        yield f'UserKnownHostsFile="{self.known_hosts}"'
        yield "GlobalKnownHostsFile=/dev/null"
        yield "StrictHostKeyChecking=yes"
        yield "IdentitiesOnly=yes"
        yield "BatchMode=yes"
