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
# reason: of an include; module_stderr: why a module could not even start; stdout: if stderr is empty
_REASONS = ("msg", "reason", "module_stderr", "module_stdout", "stderr", "stdout")
_ENCRYPTED = re.compile(r"no vault secrets (were )?found")
_COUNTED = ("ok", "changed", "failed", "rescued", "unreachable", "skipped", "ignored")
_ENDING = ("failed", "unreachable")
_NOT_RUN = "not run by a check"  # as the plugin that holds Ansible to check mode says it
_GATHERING = {"gather_facts", "setup"}
_IN_MEMORY = {"add_host", "group_by"}  # they call themselves a change of the inventory


@dataclass(slots=True)
class Events:
    """Collects the events of a run.

    Attributes:
        host: The name of the environment's host in the inventory.
        progress: Called with each task and its outcome.
        counts: The number of tasks by outcome.
        changed: The tasks that made changes.
        trouble: The events of failed tasks and unreachable hosts, in order; a rescued failure is none.
        unseen: The tasks that a check left out, and why.
        told: The tasks with their outcomes, in order.
        begun: The task that began last.
        unmatched: The plays that matched no host.
        ended: Whether the final statistics have come.
        played: Whether a play is for the host.
        worked: Whether a task was for the host and reached it, apart from those that only gather facts.
        unreached: Why the host could not be reached, if the playbook ignored that.
    """

    host: str
    progress: Callable[[str], None] = lambda _text: None
    counts: Counter[str] = field(default_factory=Counter)
    changed: list[str] = field(default_factory=list)
    trouble: list[dict[str, Any]] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    begun: str = ""
    unmatched: list[str] = field(default_factory=list)
    ended: bool = False
    played: bool = False
    worked: bool = False
    unreached: str = ""

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
            self.unmatched.append(str(event.get("play")))
        elif kind == "task":
            self.begun = str(event.get("task"))
        elif kind == "play":
            # Not the statistics: they leave a host out that a play has ended before its first task.
            self.played |= self.host in event.get("hosts", ())
        elif kind == "stats":
            self.ended = True
        elif kind in _COUNTED:
            changed = kind == "ok" and event.get("changed") and _action(event) not in _IN_MEMORY
            self._count(event, "changed" if changed else kind)

    def _count(self, event: dict[str, Any], outcome: str) -> None:
        task = str(event.get("task"))
        self.counts[outcome] += 1
        self.told.append(f"{task}: {outcome}")
        self.progress(self.told[-1])
        if self.host in (event.get("host"), event.get("delegated")):
            if event.get("reached", True):
                self.worked |= _action(event) not in _GATHERING
            else:
                self.unreached = _said(event)
        if event.get("unseen") and outcome not in _ENDING:
            self.unseen.append(f"{task}: {_unseen(event)}")
        elif outcome == "changed":
            self.changed.append(task)
        if outcome in _ENDING:
            self.trouble.append(event)

    def summary(self) -> str:
        """Return the number of tasks by outcome, and the names of those that made changes."""
        counted = ", ".join(f"{self.counts[kind]} {kind}" for kind in _COUNTED if self.counts[kind])
        changes = f": {'; '.join(self.changed)}" if self.changed else ""
        unmatched = f"; for no host here: {', '.join(self.unmatched)}" if self.unmatched else ""
        return f"{counted or 'no tasks'}{changes}{unmatched}"

    def failure(self, failed: StepFailed) -> StepFailed:
        """Return the failure of a run with Ansible's own reason."""
        if failed.cause is FailureCause.CANCELLED:
            return failed
        rest = [line for line in failed.detail.splitlines() if not line.startswith('{"event":')]
        told = (reason for event in self.trouble for reason in _reasons(event))
        detail = "\n".join([*self.told, "", *told, *rest]).strip()
        if not self.trouble:
            return self._failure_without_a_task(failed, rest, detail)
        # The first: after a failure that nothing rescued, only what `always` holds is run.
        # Hosts report a task in any order, and ours tells the most.
        same = [event for event in self.trouble if event.get("task") == self.trouble[0].get("task")]
        first = next((event for event in same if event.get("host") == self.host), same[0])
        said = _said(first)
        where = "" if first.get("host") == self.host else f" (on {first.get('host')})"
        return StepFailed(_cause(first, said), f"{first.get('task')}{where}: {said}", detail)

    def _failure_without_a_task(self, failed: StepFailed, rest: list[str], detail: str) -> StepFailed:
        ending, _, _ = failed.summary.partition(': {"event":')
        error = _last_error(rest)
        # A syntax error, a bad inventory, a missing role; otherwise Ansible was killed, or the host failed.
        cause = FailureCause.CONFIGURATION if error or not (self.begun or self.ended) else failed.cause
        summary = error or (_last(rest) if self.ended else ending)
        if _ENCRYPTED.search(summary):
            summary += " (vault_password names the password)"
        in_the_middle = self.begun and not self.ended
        what = f"ended at the task {self.begun}" if in_the_middle else "could not be run"
        return StepFailed(cause, f"the playbook {what}: {summary}", detail)

    def require_work(self) -> None:
        """Check that the playbook has configured the host.

        Raises:
            StepFailed: No play is for the host, or its plays hold no task for the host.
        """
        # Ansible itself reports success.
        if self.worked:
            return
        if self.unreached:
            summary = (
                f"no task of the playbook has reached this host (ignore_unreachable): {self.unreached}"
            )
            raise StepFailed(FailureCause.NETWORK, summary)
        if self.played:
            summary = (
                "no task of the playbook was for this host: its plays only gathered facts, or ended early"
            )
        else:
            summary = "no play of the playbook is for this host: write 'hosts: all' in a play"
        raise StepFailed(FailureCause.CONFIGURATION, summary)


def _action(event: dict[str, Any]) -> str:
    """Return the name of an event's action, without its collection."""
    return str(event.get("action")).rpartition(".")[2]


def _unseen(event: dict[str, Any]) -> str:
    """Return why a check left a task out."""
    reasons = "; ".join(_reasons(event))
    return _line(reasons) if _NOT_RUN in reasons else f"{_NOT_RUN}, although it says check_mode: false"


def _reasons(event: dict[str, Any]) -> list[str]:
    """Return the reasons of an event, for a loop with the items that failed."""
    items = event.get("items")
    if not isinstance(items, list):
        return list(_given(event))
    return [_item(item) for item in items if isinstance(item, dict)]


def _said(event: dict[str, Any]) -> str:
    return _line("; ".join(_reasons(event)) or "it gave no reason")


def _item(item: dict[str, Any]) -> str:
    named = f"item {_line(str(item['item']))}: " if "item" in item else ""
    return named + ("; ".join(_given(item)) or "it gave no reason")


def _given(said: dict[str, Any]) -> Iterator[str]:
    for key in _REASONS:
        if text := str(said.get(key) or ""):
            # Ansible puts the places of the error before it.
            yield text[max(0, text.find(_NOT_RUN)) :]


def _cause(event: dict[str, Any], said: str) -> FailureCause:
    if event["event"] == "unreachable":
        return FailureCause.AUTHENTICATION if _REFUSED.search(said) else FailureCause.NETWORK
    return FailureCause.CONFIGURATION if _UNDEFINED.search(said) else FailureCause.COMMAND_EXECUTION


def _line(text: str) -> str:
    return " ".join(text.split())[:400]  # modules print whole tracebacks; the detail keeps them


def _last(lines: list[str]) -> str:
    return next((line.strip() for line in reversed(lines) if line.strip()), "Ansible gave no reason")


def _last_error(lines: list[str]) -> str:
    found = [line.strip() for line in lines if re.match(r"\s*(\[?ERROR\]?|ERROR!)", line)]
    return (
        found[0].removeprefix("[ERROR]:").removeprefix("ERROR!").removeprefix("ERROR:").strip()
        if found
        else ""
    )
