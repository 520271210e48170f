"""Collected log: what the service said on its host, without secrets, kept on this machine."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from environments.providers.common import ssh
from environments.providers.common.steps import translated
from environments.providers.terraform.layout import Layout
from environments.providers.terraform.remote.connection import root_of, target_of
from environments.providers.terraform.remote.host import HostDirectory, LogChunk
from environments.secrets.redaction import redactor
from environments.system.control_codes import strip_control_codes
from environments.system.files import write_private

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.providers.terraform import TerraformProvider

_LIMIT = 512 * 1024
_LAST = 32 * 1024
_LINES = 20


@dataclass(frozen=True, slots=True)
class CollectedLog:
    """The last that was collected, in two files of at most half a mebibyte each.

        build/service.log      the present one; before it was full, `service.log.1` was
        build/collected.json   the place in the host's log up to which it was collected

    Attributes:
        build: The directory.
    """

    build: Path

    @property
    def log(self) -> Path:
        """The present file."""
        return self.build / "service.log"

    def files(self) -> list[Path]:
        """Return the files that are there, the present one last."""
        return [path for path in (self.build / "service.log.1", self.log) if path.is_file()]

    async def collect(
        self, host: HostDirectory, redact: Callable[[str], str], *, whole: bool = False
    ) -> None:
        """Fetch what the service said since the last time; whoever else does so now is let do it.

        Args:
            host: Where it is.
            redact: Replaces the secrets in a text.
            whole: Whether the last line counts although it may be written still.

        Raises:
            StepFailed: The host can't be asked.
        """
        with self._alone() as alone:
            if alone:
                said = await host.said(self._since(), _LIMIT, whole=whole)
                self._append(readable(said, redact))
                write_private(self.build / "collected.json", json.dumps(said.since) + "\n")

    def _since(self) -> Mapping[str, int] | None:
        try:
            found: Mapping[str, int] | None = json.loads((self.build / "collected.json").read_text())
        except (OSError, ValueError):
            return None
        return found

    def _append(self, text: str) -> None:
        if not text:
            return
        if self.log.is_file() and self.log.stat().st_size + len(text) > _LIMIT:
            self.log.replace(self.build / "service.log.1")
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
        with os.fdopen(os.open(self.log, flags, 0o600), "a", encoding="utf-8", newline="") as file:
            file.write(text)

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        """Yield whether nobody else collects now."""
        with os.fdopen(os.open(self.build / ".collecting", os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True


def readable(said: LogChunk, redact: Callable[[str], str]) -> str:
    """Return new log lines as text, with a note about the bytes that were left out before them."""
    left_out = f"[{said.skipped} bytes before this were left out]\n" if said.skipped else ""
    return left_out + _text(said, redact)


def _text(said: LogChunk, redact: Callable[[str], str]) -> str:
    """Decode new log lines without control codes and secrets."""
    text = said.text.decode("utf-8", "backslashreplace")
    # Twice: a secret may hold control codes, and control codes may stand in the middle of a secret.
    return redact(strip_control_codes(redact(text)))


async def last_words(
    host: HostDirectory, since: Mapping[str, int] | None, redact: Callable[[str], str]
) -> str:
    """Return the last lines that a service said since a place in its log, fit to be shown."""
    said = await host.said(since, _LAST, whole=True)
    return "\n".join(_text(said, redact).splitlines()[-_LINES:])


@translated
async def collect_logs(spec: TerraformProvider, environment: AnyEnvironment, directory: Path) -> None:
    """Fetch what the service said since the last time, if there ever was a host.

    Raises:
        StepFailed: The host can't be asked, or what it said can't be kept.
    """
    layout, address = Layout(directory), environment.outputs.instance_ip
    if address is None or not layout.known_hosts.is_file():
        return
    async with ssh.connect(target_of(spec, address, layout.known_hosts)) as remote:
        host = HostDirectory(remote, root_of(spec, environment), environment.lineage)
        await CollectedLog(layout.build).collect(host, redactor(spec))
