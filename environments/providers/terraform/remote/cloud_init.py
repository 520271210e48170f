"""The end of a host's boot, as cloud-init tells it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.providers.common.ssh import CommandResult, Connection
from environments.providers.terraform.remote.calls import QUICK
from statechart.terminal.control_codes import strip_control_codes

_IS_THERE = "if command -v cloud-init >/dev/null 2>&1; then echo there; else echo absent; fi"
_WORD = re.compile(r"^[.\s]*status:[ \t]*(\S.*?)\s*$", re.M)  # dots come before it while it waits
_READY = ("done", "disabled")
_SUCCESS = (0, 2)  # 2 is a boot with errors that cloud-init has recovered from


@dataclass(frozen=True, slots=True)
class BootStatus:
    """The status of cloud-init.

    Attributes:
        word: The status in a word, such as `done`.
        code: The exit code of the command that told it.
        told: The JSON, empty for versions that print none.
    """

    word: str
    code: int
    told: dict[str, Any] = field(default_factory=dict)  # Any: JSON

    def describe(self) -> str:
        """Return the status in words."""
        return f"cloud-init {self.told.get('extended_status') or self.word}"

    def require_success(self) -> None:
        """Check that the boot has succeeded, or that cloud-init is disabled.

        Raises:
            StepFailed: The boot failed, or has not ended.
        """
        errors, extended = self.told.get("errors"), str(self.told.get("extended_status") or "")
        told_failure = bool(errors) or extended.startswith("error")
        if self.word in _READY and self.code in _SUCCESS and not told_failure:
            return
        listed = "; ".join(map(str, errors)) if isinstance(errors, list) else ""
        reason = listed or self.told.get("detail") or f"exit code {self.code}"
        summary = f"cloud-init ended as {self.word}: {reason}; see cloud-init status --long on the host"
        raise StepFailed(FailureCause.INFRASTRUCTURE, summary)


async def await_cloud_init(
    remote: Connection, within: timedelta, tell: Callable[[str], None] = lambda _reason: None
) -> BootStatus | None:
    """Wait until cloud-init has ended, and return its status, or None if the host has none.

    `tell` is called with the reason to wait.

    Raises:
        StepFailed: Time is up, or no answer of cloud-init is understood.
    """
    asked = await remote.run(_IS_THERE, timeout=QUICK, check=False)
    match asked.stdout.split()[-1:]:  # the last word: a login may print a greeting first
        case ["absent"]:
            return None
        case ["there"]:
            pass
        case _:
            raise _unknown(asked)
    tell("waiting for cloud-init to end")
    waited = await remote.run("cloud-init status --wait", timeout=within, check=False)
    # Versions differ: some know no JSON, some no --wait.
    answer = await remote.run("cloud-init status --format json", timeout=QUICK, check=False)
    if found := _as_json(answer) or _as_text(waited):
        return found
    plain = await remote.run("cloud-init status", timeout=QUICK, check=False)
    if found := _as_text(plain):
        return found
    raise _unknown(plain)


def _as_json(answer: CommandResult) -> BootStatus | None:
    found = [told for told in _objects(answer.stdout) if isinstance(told.get("status"), str)]
    return BootStatus(found[-1]["status"], answer.status, found[-1]) if found else None


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """Yield the outermost JSON objects in a text: warnings may be printed before them."""
    decoder, end = json.JSONDecoder(), 0
    for start in (found.start() for found in re.finditer(r"\{", text)):
        if start < end:
            continue
        try:
            told, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        yield told


def _as_text(answer: CommandResult) -> BootStatus | None:
    words = _WORD.findall(answer.stdout)
    return BootStatus(words[-1], answer.status) if words else None


def _unknown(answer: CommandResult) -> StepFailed:
    printed = strip_control_codes(f"{answer.stdout}\n{answer.stderr}")
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    said = lines[-1] if lines else "it printed nothing"
    summary = f"whether the boot succeeded is not known: exit code {answer.status} of cloud-init: {said}"
    return StepFailed(FailureCause.INFRASTRUCTURE, summary, printed)
