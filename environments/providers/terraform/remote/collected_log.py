"""The part of a service's log that was fetched from the host, stored here without secrets."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from environments.providers.common import known_hosts, ssh
from environments.providers.common.failures import translated
from environments.providers.terraform.layout import Layout
from environments.providers.terraform.remote.connection import PINNED, root_of, target_of
from environments.providers.terraform.remote.host import HostDirectory, LogChunk
from environments.secrets.redaction import clean, redactor
from environments.system.files import OwnPath, read_object, rename, write_private
from statechart.errors import NotOurs

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.providers.terraform.settings import TerraformSettings

_LIMIT = 512 * 1024
_LAST = 32 * 1024
_LINES = 20


@dataclass(frozen=True, slots=True)
class CollectedLog:
    """The end of a service's log, in two files of at most half a mebibyte each.

        build/service.log      the current file
        build/service.log.1    the previous file, which was full
        build/collected.json   the position in the host's log up to which lines were collected

    Attributes:
        build: The directory.
    """

    build: OwnPath

    @property
    def log(self) -> OwnPath:
        """The current file."""
        return self.build / "service.log"

    def files(self) -> list[Path]:
        """Return the existing files, the current file last."""
        return [Path(path) for path in (self.build / "service.log.1", self.log) if path.exists()]

    async def collect(
        self, host: HostDirectory, redact: Callable[[str], str], *, whole: bool = False
    ) -> None:
        """Fetch new log lines. Does nothing if another process is already fetching.

        Args:
            host: The environment's directory on the host.
            redact: Replaces the secrets in a text.
            whole: Whether to include a last line that may still be incomplete.

        Raises:
            StepFailed: The host can't be reached.
        """
        with self._locked() as locked:
            if locked:
                chunk = await host.read_log(self._since(), _LIMIT, whole=whole)
                # In this order: a crash in between repeats lines, the other order would lose them.
                self._append(readable(chunk, redact))
                write_private(self.build / "collected.json", json.dumps(chunk.since) + "\n")

    def _since(self) -> Mapping[str, int] | None:
        try:
            found = read_object(self.build / "collected.json")
        except (OSError, NotOurs):
            return None  # collect from the beginning
        whole = found is not None and all(type(value) is int for value in found.values())
        return found if whole else None

    def _append(self, text: str) -> None:
        if not text:
            return
        # In characters, of which some are longer than a byte: the limit need not be exact.
        found = self.log.status()
        if found is not None and found.st_size + len(text) > _LIMIT:
            rename(self.log, self.build / "service.log.1")
        descriptor = self.log.open(os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        with os.fdopen(descriptor, "a", encoding="utf-8", newline="") as file:
            file.write(text)

    @contextmanager
    def _locked(self) -> Iterator[bool]:
        """Try to lock the collection, and yield whether that succeeded."""
        descriptor = (self.build / ".collecting").open(os.O_WRONLY | os.O_CREAT)
        with os.fdopen(descriptor, "w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False  # the holder fetches the same lines, so there is no need to wait
                return
            yield True


def readable(chunk: LogChunk, redact: Callable[[str], str]) -> str:
    """Return new log lines as text, with a note about the bytes that were left out before them."""
    left_out = f"[{chunk.skipped} bytes before this were left out]\n" if chunk.skipped else ""
    return left_out + _text(chunk, redact)


def _text(chunk: LogChunk, redact: Callable[[str], str]) -> str:
    """Decode new log lines without control codes and secrets."""
    text = chunk.text.decode("utf-8", "backslashreplace")
    return clean(text, redact)


async def last_lines(
    host: HostDirectory, since: Mapping[str, int] | None, redact: Callable[[str], str]
) -> str:
    """Return the last lines that a service wrote since a position in its log, ready to be shown."""
    chunk = await host.read_log(since, _LAST, whole=True)
    return "\n".join(_text(chunk, redact).splitlines()[-_LINES:])


@translated
async def collect_logs(spec: TerraformSettings, environment: AnyEnvironment, directory: Path) -> None:
    """Fetch new lines of an environment's service log, if a host was ever reached.

    Raises:
        StepFailed: The host can't be reached, or the log can't be stored.
    """
    layout, address = Layout(directory), environment.outputs.instance_ip
    if address is None:
        return
    keys = _keys_of(layout, environment, address, spec.ssh.port)
    if not keys.is_file():
        return
    async with ssh.connect(target_of(spec, address, keys)) as remote:
        host = HostDirectory(remote, root_of(spec, environment), environment.lineage)
        await CollectedLog(layout.build).collect(host, redactor(spec))


def _keys_of(layout: Layout, environment: AnyEnvironment, address: str, port: int) -> OwnPath:
    """Return the file with the host's key; on a machine that never had it, made from the record."""
    key = environment.outputs.details.get(PINNED)
    if layout.known_hosts.exists() or not isinstance(key, str):
        return layout.known_hosts
    look = Layout(layout.look).known_hosts
    if not look.exists() and not layout.module.exists():
        known_hosts.pin(look, address, port, key)
    return look
