"""The service: start, recognition and end of the process that serves a release."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import psutil

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.providers.common import health
from environments.providers.common.service_variables import ENVIRONMENT, PYTHON_SETTINGS, TOKEN
from environments.providers.local.instance import Instance
from environments.providers.local.layout import Layout
from environments.providers.local.settings import LocalSettings
from environments.system import processes
from environments.system.ending import end
from environments.system.files import OwnPath, remove_tree, rename, require_directory
from statechart.following.cancellation import in_thread

_INHERITED = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR")
_LOG_LIMIT = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Service:
    """The service of an environment, according to its record and the process table.

    Attributes:
        layout: The paths of the environment.
        candidate: Whether this is the candidate of a preflight, which runs beside the service.
    """

    layout: Layout
    candidate: bool = False

    @property
    def record(self) -> OwnPath:
        """The path of the record."""
        return self.layout.candidate if self.candidate else self.layout.instance

    @property
    def log(self) -> OwnPath:
        """The path of the output."""
        return self.layout.candidate_log if self.candidate else self.layout.log

    @property
    def instance(self) -> Instance | None:
        """The last start of the service, if its directory belongs to the environment."""
        return Instance.load(self.record) if self.layout.exists and not self.layout.unclaimed else None

    def leader(self) -> psutil.Process | None:
        """Return the first process of the service, if it lives."""
        instance = self.instance
        if instance is None:
            return None
        if instance.process is not None:
            return processes.find(instance.process, TOKEN, instance.token)
        # The start was interrupted before its process was recorded: the token identifies the process.
        found = processes.marked({TOKEN: instance.token})
        return next((each for each in found if processes.session_id(each) == each.pid), None)

    def processes(self) -> list[psutil.Process]:
        """Return the living processes: the service's session, and all with its mark."""
        leader = self.leader()
        session = processes.session_of(leader) if leader else []
        return list({each.pid: each for each in [*session, *self.marked()]}.values())

    def marked(self) -> list[psutil.Process]:
        """Return the processes with the service's mark, recorded or not.

        The mark of the service is the lineage, which a candidate shares; that of a candidate is its token.
        """
        if not self.candidate:
            return processes.marked({ENVIRONMENT: self.layout.lineage})
        instance = self.instance
        return processes.marked({TOKEN: instance.token}) if instance else []

    async def stop(self, grace: timedelta, health_path: str) -> tuple[int, int]:
        """End all processes and drop the record; return how many were found, and how many killed.

        Raises:
            StepFailed: A process can't be ended, or the service still answers.
        """
        instance = await in_thread(lambda: self.instance)
        ended = await end(self.processes, grace)
        if instance is None:
            return ended.found, ended.killed
        # A process may have left the session and cleared its environment; only its answer shows it.
        answer = await health.ask(instance.port, health_path, instance.token)
        if answer.kind is health.HealthVerdict.HEALTHY:
            summary = f"the service still answers on port {instance.port}, but its process can't be found"
            raise StepFailed(FailureCause.INFRASTRUCTURE, f"{summary}: end it, then try again")
        remove_tree(self.record)
        if instance.process is not None:
            processes.forget(instance.process.pid)
        return ended.found, ended.killed

    def start(self, spec: LocalSettings, instance: Instance, values: Mapping[str, str]) -> Instance:
        """Start and record the service.

        Raises:
            StepFailed: The program can't be started.
            OSError: The record can't be written; the process was killed.
        """
        # Not a coroutine: a cancellation can't come between the start and the record.
        layout = self.layout
        release = layout.releases / instance.release
        require_directory(release)
        instance = instance.model_copy(update={"log_offset": _rotated(self.log)})
        with open_log(self.log) as log:
            instance.save(self.record)  # with the token: see Instance
            env = {**_base_environment(layout, instance), **values}
            command = spec.command or (sys.executable, "app.py")
            try:
                identity = processes.spawn(command, cwd=Path(release), env=env, output=log.fileno())
            except OSError as error:
                remove_tree(self.record)
                reason = (error.strerror or str(error)).lower()
                summary = f"command: {error.filename or command[0]} can't be started: {reason}"
                raise StepFailed(FailureCause.CONFIGURATION, summary) from error
        try:
            started = instance.started(identity)
            started.save(self.record)
        except BaseException:
            os.killpg(identity.pid, signal.SIGKILL)
            raise
        return started


def _base_environment(layout: Layout, instance: Instance) -> dict[str, str]:
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    # Not the whole environment: it may hold secrets of the user, and differs from shell to shell.
    return {
        "PATH": os.defpath,
        **PYTHON_SETTINGS,
        **inherited,
        "HOST": health.HOST,
        "PORT": str(instance.port),
        "ENVCHART_CONFIG": str(layout.config),
        ENVIRONMENT: layout.lineage,
        TOKEN: instance.token,
        "ENVCHART_RELEASE": instance.release,
    }


def open_log(log: OwnPath) -> BinaryIO:
    """Open a log for appending, readable by its owner only."""
    descriptor = log.open(os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.set_blocking(descriptor, True)  # the service inherits it
    return os.fdopen(descriptor, "ab", buffering=0)


def _rotated(log: OwnPath) -> int:
    """Rotate a log that is too long, and return the size of the present log."""
    found = log.status()
    size = found.st_size if found is not None else 0
    if size <= _LOG_LIMIT:
        return size
    rename(log, log.parent / f"{log.name}.1")
    return 0


def new_instance(spec: LocalSettings, *, operation: str, release: str, port: int) -> Instance:
    """Return the record for the start of a service."""
    return Instance(
        operation=operation,
        release=release,
        port=port,
        fingerprint=spec.fingerprint(release, port),
        started_at=datetime.now(UTC),
    )
