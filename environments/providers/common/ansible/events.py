"""Events of the callback plugin, counted and summarised."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from environments.errors import StepFailed
from environments.model.failure import FailureCause

_REFUSED = re.compile(
    r"permission denied|host key verification failed|identification has changed|no matching host key", re.I
)
_UNDEFINED = re.compile(r"is undefined|undefined variable|could not find or access", re.I)
_REASONS = ("msg", "module_stderr", "stderr")  # module_stderr: why a module could not even start
_COUNTED = ("ok", "changed", "failed", "unreachable", "skipped", "ignored")


@dataclass(slots=True)
class Events:
    """Collects the events of a run.

    Attributes:
        progress: Called with each task and its outcome.
        counts: The number of tasks by outcome.
        changed: The tasks that made changes.
        trouble: The events of failed tasks and unreachable hosts, in order.
        told: The tasks with their outcomes, in order.
        hosts: The hosts in the final statistics.
        ended: Whether the final statistics have come.
        unmatched: Whether a play matched no host.
    """

    progress: Callable[[str], None] = lambda _text: None
    counts: Counter[str] = field(default_factory=Counter)
    changed: list[str] = field(default_factory=list)
    trouble: list[dict[str, Any]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)
    ended: bool = False
    unmatched: bool = False

    def take(self, line: str) -> None:
        """Take a line of output. Lines that are not events are ignored."""
        if not line.startswith("{"):
            return
        try:
            event = json.loads(line)
        except ValueError:
            return
        if isinstance(event, dict) and "event" in event:
            self._take(event)

    def _take(self, event: dict[str, Any]) -> None:
        kind = event["event"]
        if kind == "no_hosts_matched":
            self.unmatched = True
        elif kind == "stats":
            self.ended = True
            self.hosts = set(event.get("hosts") or {})
        elif kind in _COUNTED:
            outcome = "changed" if kind == "ok" and event.get("changed") else kind
            self.counts[outcome] += 1
            self.told.append(f"{event.get('task')}: {outcome}")
            self.progress(self.told[-1])
            if outcome == "changed":
                self.changed.append(str(event.get("task")))
            if kind in ("failed", "unreachable"):
                self.trouble.append(event)

    def summary(self) -> str:
        """Return the number of tasks by outcome, and the names of those that made changes."""
        counted = ", ".join(f"{self.counts[kind]} {kind}" for kind in _COUNTED if self.counts[kind])
        changes = f": {'; '.join(self.changed)}" if self.changed else ""
        return f"{counted or 'no tasks'}{changes}"

    def failure(self, failed: StepFailed) -> StepFailed:
        """Return the failure of a run with Ansible's own reason."""
        if failed.cause is FailureCause.CANCELLED:
            return failed
        rest = (line for line in failed.detail.splitlines() if not line.startswith('{"event":'))
        detail = "\n".join([*self.told, "", *self._said(), *rest]).strip()
        # Without a failed task the playbook never ran: a syntax error, a bad inventory, a missing role.
        if not self.trouble:
            summary = _last_error(failed.detail) or failed.summary
            cause = failed.cause if self.ended else FailureCause.CONFIGURATION
            return StepFailed(cause, f"the playbook could not be run: {summary}", detail)
        first = self.trouble[0]
        said = _line(
            "; ".join(str(first[key]) for key in _REASONS if first.get(key)) or "it gave no reason"
        )
        return StepFailed(_cause(first, said), f"{first.get('task')}: {said}", detail)

    def _said(self) -> Iterator[str]:
        for event in self.trouble:
            for key in _REASONS:
                if event.get(key):
                    yield str(event[key])

    def require_work(self) -> None:
        """Check that a play matched the host.

        Raises:
            StepFailed: No play matched.
        """
        # Ansible itself reports success.
        if self.unmatched or not self.hosts:
            summary = "no play of the playbook matches this host: write 'hosts: all' in a play"
            raise StepFailed(FailureCause.CONFIGURATION, summary)


def _cause(event: dict[str, Any], said: str) -> FailureCause:
    if event["event"] == "unreachable":
        return FailureCause.AUTHENTICATION if _REFUSED.search(said) else FailureCause.NETWORK
    return FailureCause.CONFIGURATION if _UNDEFINED.search(said) else FailureCause.COMMAND_EXECUTION


def _line(text: str) -> str:
    return " ".join(text.split())[:400]  # modules print whole tracebacks; the detail keeps them


def _last_error(detail: str) -> str:
    lines = [line.strip() for line in detail.splitlines() if line.strip()]
    found = [line for line in lines if re.match(r"(\[?ERROR\]?|ERROR!)", line)]
    return found[0].removeprefix("[ERROR]:").removeprefix("ERROR!").strip() if found else ""
