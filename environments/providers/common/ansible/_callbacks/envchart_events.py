"""A callback plugin for Ansible that prints each event as a JSON object."""

# Ansible loads this file by its path, in the Python that runs Ansible: only Ansible can be imported.

from __future__ import annotations

import json
import sys
from typing import Any

from ansible.plugins.callback import CallbackBase

_TOLD = ("msg", "rc", "stderr", "module_stderr")
DOCUMENTATION = """
    name: envchart_events
    type: stdout
    short_description: a JSON object a line
    description: Prints a JSON object for each thing that happens.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]  # Ansible has no types
    """Prints the events of tasks and hosts."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "envchart_events"

    def _say(self, event: str, **facts: Any) -> None:
        sys.stdout.write(json.dumps({"event": event, **facts}, default=str) + "\n")
        sys.stdout.flush()

    def _result(self, event: str, result: Any) -> None:
        said = result._result
        more = {key: said[key] for key in _TOLD if key in said}
        if result._task.no_log or said.get("_ansible_no_log"):
            # Ansible's own plugins hide these results; the facts may hold secrets.
            more = {"msg": "hidden: the task says no_log"}
        changed = bool(said.get("changed"))
        self._say(
            event, host=result._host.get_name(), task=result._task.get_name(), changed=changed, **more
        )

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Print that a task begins."""
        del is_conditional
        self._say("task", task=task.get_name())

    def v2_runner_on_ok(self, result: Any) -> None:
        """Print that a task has succeeded on a host."""
        self._result("ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Print that a task failed on a host, or that its failure is ignored."""
        self._result("ignored" if ignore_errors else "failed", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Print that a host can't be reached."""
        self._result("unreachable", result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        """Print that a task was skipped on a host."""
        self._result("skipped", result)

    def v2_playbook_on_no_hosts_matched(self) -> None:
        """Print that no host matched a play."""
        self._say("no_hosts_matched")

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Print the results of each host at the end."""
        self._say("stats", hosts={host: stats.summarize(host) for host in stats.processed})
