"""Run a playbook on a host."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from uuid import uuid4

import psutil
from pydantic import JsonValue

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.model.steps import StepContext
from environments.providers.common.ansible.events import Events
from environments.providers.common.ansible.surroundings import (
    PlainPaths,
    plain_paths,
    search_paths,
    utf8_locale,
)
from environments.providers.common.tools import Tool, run_tool
from environments.system.files import (
    AnyPath,
    OwnPath,
    entries,
    make_directories,
    remove_tree,
    require_unlinked,
    write_private,
)
from environments.system.inherited import passed_on

_PROGRAM = "ansible-playbook"
_GRACE = timedelta(seconds=10)
_LONGEST = 1024 * 1024  # an event is a line, and holds all output of a module
_SECRETS = ("variables*.json", "vault-password-*")
_HERE = Path(__file__).parent
_RUN = re.compile(r"-(\d{1,9})-[0-9a-f]{8}\b")
_EVERY_HOST = ("all", "ungrouped")  # Ansible's own groups: no host can have their names


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
        name: The name of the environment, which the host has in the inventory.
        address: The host's address.
        port: The port of the SSH server.
        user: The user on the host.
        key: The file of the private key.
        known_hosts: The file of the accepted host keys. No other key is accepted.
        become: Whether tasks run as root, by sudo.
        variables: The playbook's extra variables; they may hold secrets.
        vault_password: The password of files and variables that ansible-vault has encrypted.
    """

    path: Path
    directory: OwnPath
    name: str
    address: str
    port: int
    user: str
    key: Path
    known_hosts: AnyPath
    become: bool = False
    variables: Mapping[str, JsonValue] = field(default_factory=dict)
    vault_password: str | None = None

    @property
    def host(self) -> str:
        """The host's name in the inventory."""
        return f"envchart-{self.name}" if self.name in _EVERY_HOST else self.name

    async def run(self, context: StepContext) -> Events:
        """Run the playbook and return its events.

        Raises:
            StepFailed: A task failed, the host can't be reached or shows another key, the playbook
                can't be read, or no play is for the host.
        """
        events = Events(self.host, context.progress)
        await self._ansible(context, events)
        return events

    async def check(self, context: StepContext) -> Events:
        """Predict the changes of the playbook, and return the events.

        Every task is held to check mode, whatever the playbook says. Tasks that are left out for that
        reason, and the failure that ended the check, are among the events as unseen.

        Raises:
            StepFailed: The check was cancelled.
        """
        events = Events(self.host, context.progress)
        try:
            await self._ansible(context, events, check=True)
        except StepFailed as failed:
            if failed.cause is FailureCause.CANCELLED:
                raise
            rest = "; the tasks after it were not checked" if events.trouble else ""
            events.unseen.append(failed.summary + rest)
        return events

    async def _ansible(self, context: StepContext, events: Events, *, check: bool = False) -> None:
        program = find()
        if program is None:
            summary = f"{_PROGRAM} is not on the path: pip install 'envchart[terraform]'"
            raise StepFailed(FailureCause.CONFIGURATION, summary)
        if not self.path.is_file():
            summary = f"playbook: {self.path} is not there: put it back, then try again"
            raise StepFailed(FailureCause.CONFIGURATION, summary)
        with plain_paths() as plain, self._files(plain) as words:
            mode = ("--check",) if check else ()
            tool = Tool(
                command=(program, *words, *mode, str(self.path)),
                cwd=self.path.parent,
                env=self._environment(plain, check=check),
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

    @contextmanager
    def _files(self, plain: PlainPaths) -> Iterator[tuple[str, ...]]:
        """Write the files for Ansible, and yield the options that name them; remove those with secrets."""
        make_directories(self.directory)
        require_unlinked(self.directory)  # Ansible keeps files of its own there
        write_private(self.directory / "ansible.cfg", "")  # else Ansible takes the user's or the system's
        inventory = self._inventory(str(self.key))
        write_private(self.directory / "inventory.json", inventory)
        # People may use that file by hand, after the links are gone.
        linked = self._inventory(plain(self.key))
        home = plain(Path(self.directory))
        words = [
            "-i",
            f"{home}/inventory.json" if linked == inventory else plain.write("hosts.json", linked),
        ]
        # Of this run only: `drift` takes no lock, and may come upon another run.
        run = f"{os.getpid()}-{uuid4().hex[:8]}"
        secrets = {f"variables-{run}.json": json.dumps(dict(self.variables)) + "\n"}
        words += ["--extra-vars", f"@{home}/variables-{run}.json"]
        if self.vault_password is not None:
            secrets[f"vault-password-{run}"] = self.vault_password + "\n"
            words += ["--vault-password-file", f"{home}/vault-password-{run}"]
        self._remove_left_secrets()
        try:
            for name, text in secrets.items():
                write_private(self.directory / name, text)
            yield tuple(words)
        finally:
            for name in secrets:
                remove_tree(self.directory / name)

    def _remove_left_secrets(self) -> None:
        """Remove the files of runs whose process was killed."""
        for path in entries(self.directory):
            if not any(fnmatchcase(path.name, secret) for secret in _SECRETS):
                continue
            run = _RUN.search(path.name)  # earlier versions named none
            if run is None or not psutil.pid_exists(int(run[1])):
                remove_tree(path)

    def _inventory(self, key: str) -> str:
        host = {
            "ansible_host": self.address,
            "ansible_port": self.port,
            "ansible_user": self.user,
            "ansible_ssh_private_key_file": key,
            # False would override a play that asks for it.
            **({"ansible_become": True} if self.become else {}),
            "ansible_python_interpreter": "auto_silent",
        }
        return json.dumps({"all": {"hosts": {self.host: host}}}, indent=2) + "\n"

    def _environment(self, plain: PlainPaths, *, check: bool) -> dict[str, str]:
        """Return the variables of the process, without the user's Ansible settings and SSH agent."""
        kept = {
            name: value
            for name, value in passed_on().items()
            if not name.startswith("ANSIBLE_") and name != "SSH_AUTH_SOCK"
        }
        home = plain(Path(self.directory))
        searched = search_paths(os.environ, plain)
        held = {"ANSIBLE_CACHE_PLUGIN": "envchart_check", "ANSIBLE_CACHE_PLUGINS": plain(_HERE / "_check")}
        return {
            **plain.without_replaced(kept, self.path),
            **utf8_locale(),
            **searched,
            **(held if check else {}),
            "ANSIBLE_CONFIG": f"{home}/ansible.cfg",
            "ANSIBLE_HOME": home,
            "ANSIBLE_CALLBACK_PLUGINS": plain(_HERE / "_callbacks"),
            "ANSIBLE_STDOUT_CALLBACK": "envchart_events",
            "ANSIBLE_HOST_KEY_CHECKING": "True",
            "ANSIBLE_SSH_ARGS": " ".join(f"-o {option}" for option in self._ssh_options(plain)),
            "ANSIBLE_PIPELINING": "1",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_RETRY_FILES_ENABLED": "0",
        }

    def _ssh_options(self, plain: PlainPaths) -> Iterator[str]:
        """Yield the options of OpenSSH."""
        # A connection that is shared with an earlier run would not check the host key again.
        yield "ControlMaster=no"
        yield "ControlPath=none"
        yield f"UserKnownHostsFile={plain(Path(self.known_hosts))}"
        yield "GlobalKnownHostsFile=/dev/null"
        yield "StrictHostKeyChecking=yes"
        yield "IdentitiesOnly=yes"
        yield "BatchMode=yes"
