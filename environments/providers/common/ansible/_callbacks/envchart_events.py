"""Events: a callback plugin of Ansible's that prints a JSON object for each thing that happens.

Ansible loads it by its path, in whatever Python it runs with: it imports nothing but Ansible.
"""

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
    """Prints what happens to tasks and hosts."""

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
            more = {"msg": "hidden: the task says no_log"}
        changed = bool(said.get("changed"))
        self._say(
            event, host=result._host.get_name(), task=result._task.get_name(), changed=changed, **more
        )

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Tell that a task begins."""
        del is_conditional
        self._say("task", task=task.get_name())

    def v2_runner_on_ok(self, result: Any) -> None:
        """Tell that a task is done on a host."""
        self._result("ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Tell that a task failed on a host; one whose failure is ignored is told as such."""
        self._result("ignored" if ignore_errors else "failed", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Tell that a host can't be reached."""
        self._result("unreachable", result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        """Tell that a task is not for a host."""
        self._result("skipped", result)

    def v2_playbook_on_no_hosts_matched(self) -> None:
        """Tell that a play is for no host at all."""
        self._say("no_hosts_matched")

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Tell, at the end, how each host fared."""
        self._say("stats", hosts={host: stats.summarize(host) for host in stats.processed})
