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

_TOLD = ("msg", "reason", "rc", "stderr", "module_stderr")
_OUTPUTS = (("stderr", "stdout"), ("module_stderr", "module_stdout"))  # many tools tell errors on stdout
_MOST_CHARACTERS = 16_000  # of each text: an event is a line, which its reader takes up to a mebibyte
_MOST_ITEMS = 20
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
        failed = _failed_items(said, task)
        self._say(
            event,
            host=result._host.get_name(),
            delegated=result._task_fields.get("delegate_to"),
            reached=not said.get("unreachable"),
            task=_shortened(task.get_name()),
            action=task.action,
            changed=bool(said.get("changed")),
            unseen=self._checks and self._is_unseen(event, said, task),
            **({"items": failed} if failed else _told(said, task, failed=event not in ("ok", "skipped"))),
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

    def v2_playbook_on_start(self, playbook: Any) -> None:
        """Refuse a playbook that asks for values: nobody could answer, and Ansible would take `None`."""
        for play in playbook.get_plays():
            given = play.get_variable_manager().extra_vars
            for asked in play.vars_prompt or ():
                if asked.get("default") is None and asked["name"] not in given:
                    raise SystemExit(  # Ansible only warns of an error in a callback
                        f"ERROR: vars_prompt asks for {asked['name']!r}, and nobody can answer:"
                        " give it in playbook_variables"
                    )

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Print the hosts of a play, and remember the play's name."""
        self._play = play.get_name()
        hosts = play.get_variable_manager()._inventory.get_hosts(play.hosts)
        self._say("play", hosts=[host.get_name() for host in hosts])

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Print that a task begins."""
        del is_conditional
        self._say("task", task=task.get_name())

    def v2_runner_on_ok(self, result: Any) -> None:
        """Print that a task has succeeded on a host."""
        self._result("ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Print that a task failed on a host, or that its failure was ignored or rescued."""
        # Ansible counts the failure of an include as final, and rescues it nevertheless.
        rescued = self._counted.get(result._host.get_name()) == "rescued" or (
            "reason" in result._result and _has_rescue(result._task)
        )
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


def _has_rescue(task: Any) -> bool:
    """Return whether a block around a task has a rescue for the task's failure."""
    inner, outer = task, task._parent
    while outer is not None:
        tried = getattr(outer, "block", ())
        if getattr(outer, "rescue", None) and any(each._uuid == inner._uuid for each in tried):
            return True
        inner, outer = outer, outer._parent
    return False


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


def _failed_items(said: Mapping[str, Any], task: Any) -> list[dict[str, Any]]:
    failed = [
        each
        for each in _items(said)
        if each.get("failed") or each.get("unreachable") or "exception" in each
    ]
    shown = failed[:_MOST_ITEMS]
    told = [_told_item(each, task, _MOST_CHARACTERS // len(shown)) for each in shown]
    more = len(failed) - len(shown)
    return [*told, {"msg": f"{more} more items failed"}] if more else told


def _told_item(item: Mapping[str, Any], task: Any, most: int) -> dict[str, Any]:
    told = _told(item, task, failed=True, most=most)
    return told if _is_hidden(item, task) else {"item": _shortened(_label(item), most), **told}


def _label(item: Mapping[str, Any]) -> Any:
    return item.get("_ansible_item_label", item.get(item.get("ansible_loop_var", "item")))


def _told(
    said: Mapping[str, Any], task: Any, *, failed: bool, most: int = _MOST_CHARACTERS
) -> dict[str, Any]:
    if _is_hidden(said, task):
        # Ansible's own plugins hide these results; the facts may hold secrets.
        return {"msg": "hidden: the task says no_log"}
    told = [key for key in _TOLD if key in said]
    if failed:
        told += [other for usual, other in _OUTPUTS if said.get(other) and not said.get(usual)]
    return {key: _shortened(said[key], most) for key in told}


def _shortened(value: Any, most: int = _MOST_CHARACTERS) -> Any:
    """Return a value, or the beginning and the end of its text if that is too long."""
    text = str(value)
    if len(text) <= most:
        return value
    # Between words: the reader replaces secrets, and would not know a part of one.
    begin, end = text[: most // 2].rsplit(maxsplit=1)[:-1], text[-most // 2 :].split(maxsplit=1)[1:]
    return " ".join([*begin, "...", *end])


def _is_hidden(said: Mapping[str, Any], task: Any) -> bool:
    # A template is evaluated for each item, and Ansible marks the item's result.
    return task.no_log is True or "censored" in said or bool(said.get("_ansible_no_log", task.no_log))
