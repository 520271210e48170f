"""A callback plugin for Ansible that prints each event as a JSON object."""

# Ansible loads this file by its path, in the Python that runs Ansible: only Ansible can be imported.

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from ansible import context
from ansible.errors import AnsibleError
from ansible.executor.stats import AggregateStats
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.playbook.base import Base
from ansible.plugins.callback import CallbackBase
from ansible.utils.sentinel import Sentinel

_TOLD = ("msg", "rc", "stderr", "module_stderr")
_SKIPPED_BY_THE_PLAYBOOK = ("skip_reason", "skipped_reason", "false_condition")
_NOT_RUN = "not run by a check"  # as envchart_check says it
DOCUMENTATION = """
    name: envchart_events
    type: stdout
    short_description: a JSON object a line
    description: Prints a JSON object for each thing that happens.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]  # Ansible has no types
    """Prints the events of plays, tasks and hosts."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "envchart_events"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._play = ""
        self._counted = _last_counts()
        self._checks = bool(context.CLIARGS.get("check"))
        if self._checks and not hasattr(vars(Base)["check_mode"], "value"):
            raise AnsibleError("this version of Ansible can't be held to check mode, so nothing is run")

    def _say(self, event: str, **facts: Any) -> None:
        sys.stdout.write(json.dumps({"event": event, **facts}, default=str) + "\n")
        sys.stdout.flush()

    def _result(self, event: str, result: Any) -> None:
        said, task = result._result, result._task
        failed = list(_failed_items(said, task))
        self._say(
            event,
            host=result._host.get_name(),
            delegated=result._task_fields.get("delegate_to"),
            task=task.get_name(),
            action=task.action,
            changed=bool(said.get("changed")),
            unseen=self._checks and self._is_unseen(event, said, task),
            **({"items": failed} if failed else _told(said, task)),
        )

    def _is_unseen(self, event: str, said: Mapping[str, Any], task: Any) -> bool:
        """Return whether the check left out a task that would have run in Ansible's check mode."""
        results = list(_items(said)) or [{**said, "skipped": event == "skipped"}]
        if any(_NOT_RUN in str(each.get("msg")) for each in (said, *results)):
            return True
        skipped = any(
            each.get("skipped") and not any(reason in each for reason in _SKIPPED_BY_THE_PLAYBOOK)
            for each in results
        )
        return skipped and _leaves_check_mode(task)

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Remember the play's name."""
        self._play = play.get_name()

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Print that a task begins."""
        del is_conditional
        self._say("task", task=task.get_name())

    def v2_runner_on_ok(self, result: Any) -> None:
        """Print that a task has succeeded on a host."""
        self._result("ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Print that a task failed on a host, or that its failure was ignored or rescued."""
        rescued = self._counted.get(result._host.get_name()) == "rescued"
        self._result("ignored" if ignore_errors else "rescued" if rescued else "failed", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Print that a host can't be reached, or that this was ignored."""
        ignored = self._counted.get(result._host.get_name()) == "ignored"
        self._result("ignored" if ignored else "unreachable", result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        """Print that a task was skipped on a host."""
        self._result("skipped", result)

    def v2_playbook_on_no_hosts_matched(self) -> None:
        """Print that no host matched a play."""
        self._say("no_hosts_matched", play=self._play)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Print the results of each host at the end."""
        self._say("stats", hosts={host: stats.summarize(host) for host in stats.processed})


def _last_counts() -> dict[str, str]:
    """Return a mapping that is kept up to date with what Ansible counted last for each host."""
    # A callback is told of a failure, not of its rescue; but Ansible counts first, and then calls.
    counted: dict[str, str] = {}
    statistics: Any = AggregateStats
    count = statistics.increment

    def increment(stats: Any, what: str, host: str) -> None:
        counted[host] = what
        count(stats, what, host)

    statistics.increment = increment
    return counted


def _leaves_check_mode(task: Any) -> bool:
    """Return whether a task, or what surrounds it, declares that it runs in check mode too."""
    # Not task.check_mode, which is always true in a check.
    declared = task._get_parent_attribute("check_mode")
    return declared is not Sentinel and declared is not None and not boolean(declared, strict=False)


def _items(said: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the results of a loop's items."""
    results = said.get("results")
    for each in results if isinstance(results, list) else []:
        if isinstance(each, Mapping) and ("ansible_loop_var" in each or "censored" in each):
            yield each


def _failed_items(said: Mapping[str, Any], task: Any) -> Iterator[dict[str, Any]]:
    for each in _items(said):
        if each.get("failed") or each.get("unreachable") or "exception" in each:
            told = _told(each, task)
            yield told if _is_hidden(each, task) else {"item": _label(each), **told}


def _label(item: Mapping[str, Any]) -> Any:
    return item.get("_ansible_item_label", item.get(item.get("ansible_loop_var", "item")))


def _told(said: Mapping[str, Any], task: Any) -> dict[str, Any]:
    if _is_hidden(said, task):
        # Ansible's own plugins hide these results; the facts may hold secrets.
        return {"msg": "hidden: the task says no_log"}
    return {key: said[key] for key in _TOLD if key in said}


def _is_hidden(said: Mapping[str, Any], task: Any) -> bool:
    # A template is evaluated for each item, and Ansible marks the item's result.
    return task.no_log is True or "censored" in said or bool(said.get("_ansible_no_log", task.no_log))
