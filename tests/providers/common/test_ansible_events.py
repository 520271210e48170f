"""Events of Ansible: which playbook has configured the host, and why one failed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from environments import StepFailed
from environments.model.failure import FailureCause
from environments.providers.common.ansible.events import Events


def result(event: str, host: str = "web", **facts: Any) -> dict[str, Any]:
    return {"event": event, "host": host, "task": "try it", "action": "ansible.builtin.debug", **facts}


def stats(*hosts: str) -> dict[str, Any]:
    return {"event": "stats", "hosts": {host: {} for host in hosts}}


def play(*hosts: str) -> dict[str, Any]:
    return {"event": "play", "hosts": list(hosts)}


def taken(*events: dict[str, Any]) -> Events:
    found = Events("web")
    for event in events:
        found.take(json.dumps(event))
    return found


NO_MATCH = {"event": "no_hosts_matched", "play": "databases"}
WORK = {
    "a task": (result("ok"),),
    "a change": (result("ok", changed=True),),
    "a task that its condition skips": (result("skipped"),),
    "an ignored failure": (result("ignored"),),
    "a task of another play, delegated to the host": (result("ok", "localhost", delegated="web"),),
    "a play for this host, and one for others": (NO_MATCH, result("ok", "localhost"), result("ok")),
}


@pytest.mark.parametrize("case", WORK)
def test_a_task_for_the_host_configures_it(case: str) -> None:
    taken(*WORK[case], stats("web", "localhost")).require_work()


IDLE = {
    "only for localhost": ((result("ok", "localhost"), stats("localhost")), "no play"),
    "only for a host that was added": ((result("ok", "other"), stats("other")), "no play"),
    "a pattern that matches nothing": ((NO_MATCH, stats()), "no play"),
    "a pattern that matches nothing, and localhost": (
        (NO_MATCH, result("ok", "localhost"), stats("localhost")),
        "no play",
    ),
    "facts only": (
        (play("web"), result("ok", action="gather_facts"), result("ok", action="ansible.builtin.setup")),
        "no task",
    ),
    "ended before the first task": ((play("web"), play("localhost"), stats()), "no task"),
    "another host that could not be reached": (
        (result("ignored", "other", reached=False), stats("other")),
        "no play",
    ),
    "nothing was said": ((), "no play"),
}


@pytest.mark.parametrize("case", IDLE)
def test_without_a_task_for_the_host_it_is_not_configured(case: str) -> None:
    events, said = IDLE[case]
    with pytest.raises(StepFailed, match=f"^{said} of the playbook") as caught:
        taken(*events).require_work()
    assert caught.value.cause is FailureCause.CONFIGURATION


def test_a_host_that_no_task_has_reached_is_not_configured() -> None:
    ignored = result("ignored", reached=False, msg="no route to host")

    with pytest.raises(StepFailed, match=r"has reached this host .*: no route to host") as caught:
        taken(ignored, result("ok", action="gather_facts"), stats("web")).require_work()

    assert caught.value.cause is FailureCause.NETWORK
    taken(ignored, result("ok"), stats("web")).require_work()


def failure(*events: dict[str, Any], detail: str = "") -> StepFailed:
    ended = StepFailed(FailureCause.COMMAND_EXECUTION, "ansible-playbook ended with exit code 2", detail)
    return taken(*events).failure(ended)


def test_a_failure_on_another_host_names_that_host() -> None:
    failed = failure(result("failed", "localhost", msg="no route"), stats("web", "localhost"))
    assert failed.summary == "try it (on localhost): no route"


def test_without_a_failed_task_the_last_words_of_ansible_are_the_reason() -> None:
    events = (result("ok"), stats("web"))
    lines = [*map(json.dumps, events), "the callback has crashed", json.dumps(stats("web"))]
    failed = failure(*events, detail="\n".join(lines))
    assert failed.summary == "the playbook could not be run: the callback has crashed"
    assert failure(*events).summary == "the playbook could not be run: Ansible gave no reason"


def test_a_run_that_was_killed_ended_at_a_task() -> None:
    begun = {"event": "task", "task": "fill the disk"}
    summary = f"ansible-playbook was killed by SIGKILL: {json.dumps(begun)}"

    failed = taken(play("web"), begun).failure(StepFailed(FailureCause.COMMAND_EXECUTION, summary))

    expected = "the playbook ended at the task fill the disk: ansible-playbook was killed by SIGKILL"
    assert (failed.summary, failed.cause) == (expected, FailureCause.COMMAND_EXECUTION)

    failed = taken(begun).failure(
        StepFailed(FailureCause.COMMAND_EXECUTION, summary, "[ERROR]: a bad include")
    )
    assert (failed.summary, failed.cause) == (
        "the playbook ended at the task fill the disk: a bad include",
        FailureCause.CONFIGURATION,
    )


def test_the_field_for_the_password_of_a_vault_is_named() -> None:
    failed = failure(detail="[ERROR]: Attempting to decrypt but no vault secrets found.")
    assert failed.summary.endswith("no vault secrets found. (vault_password names the password)")


def test_changes_of_the_inventory_change_no_host() -> None:
    events = taken(result("ok", changed=True, action="add_host"), result("rescued"), stats("web"))
    assert (events.changed, events.summary()) == ([], "1 ok, 1 rescued")


@pytest.mark.parametrize("line", ["{", "{}", "[1]", '{"event": "new"}', "{\x00", '{"event": "ok"}'])
def test_lines_that_are_no_events_are_ignored(line: str) -> None:
    events = Events("web")
    events.take(line)
    assert not events.worked
