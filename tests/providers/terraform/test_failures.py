"""Failures between envchart and SSH, Ansible and Terraform, reported with their causes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from environments import CommandFailed, Configured, InvalidConfiguration, StepFailed
from environments.model.failure import FailureCause
from environments.providers.common import ssh
from environments.providers.common.known_hosts import pin, pinned
from environments.providers.common.ssh import Target
from tests.ports import free_port
from tests.providers.terraform.conftest import Project, Sshd, make_key

SHORT = timedelta(seconds=1)


async def refused(where: Target) -> StepFailed:
    with pytest.raises(StepFailed) as caught:
        await ssh.wait_for(where, SHORT)
    return caught.value


async def test_the_pinned_host_accepts_the_key(sshd: Sshd, known_hosts: Path) -> None:
    assert await ssh.wait_for(sshd.target(known_hosts), SHORT) < 5
    async with ssh.connect(sshd.target(known_hosts)) as remote:
        assert (await remote.run("cat", input="said")).stdout == "said"
        assert (await remote.run("exit 3", check=False)).status == 3


async def test_a_rejected_key_is_an_authentication_failure_without_retries(
    sshd: Sshd, known_hosts: Path, tmp_path: Path
) -> None:
    failed = await refused(sshd.target(known_hosts, key=make_key(tmp_path / "other")))
    assert failed.cause is FailureCause.AUTHENTICATION
    assert "does not let the key" in failed.summary
    assert ssh.shown_pinned_key(failed), "so the host is still there"


async def test_a_changed_host_key_is_never_accepted(sshd: Sshd, known_hosts: Path, tmp_path: Path) -> None:
    make_key(tmp_path / "changed")
    changed = " ".join((tmp_path / "changed.pub").read_text().split()[:2])
    pin(known_hosts, "127.0.0.1", sshd.port, changed)

    failed = await refused(sshd.target(known_hosts))
    assert failed.cause is FailureCause.AUTHENTICATION
    assert str(known_hosts) in failed.summary
    assert not ssh.shown_pinned_key(failed)


async def test_an_unknown_host_is_not_trusted(sshd: Sshd, tmp_path: Path) -> None:
    failed = await refused(sshd.target(tmp_path / "nothing"))
    assert failed.cause is FailureCause.AUTHENTICATION


async def test_a_host_that_does_not_answer_is_retried(sshd: Sshd, known_hosts: Path) -> None:
    failed = await refused(sshd.target(known_hosts, port=free_port()))
    assert failed.cause is FailureCause.TIMEOUT
    assert "did not answer within 1 s" in failed.summary


async def test_the_key_of_a_host_can_be_read_and_pinned(sshd: Sshd, tmp_path: Path) -> None:
    shown = await ssh.host_key("127.0.0.1", sshd.port, SHORT)
    assert shown == sshd.host_key
    pin(tmp_path / "known_hosts", "127.0.0.1", sshd.port, shown)
    assert pinned(tmp_path / "known_hosts", "127.0.0.1", sshd.port) == shown


def test_a_key_with_a_passphrase_is_refused_early(sshd: Sshd, tmp_path: Path) -> None:
    assert ssh.check_key_file(sshd.key) is None
    assert "passphrase" in str(ssh.check_key_file(make_key(tmp_path / "locked", "a secret")))
    assert "is not a file" in str(ssh.check_key_file(tmp_path / "none"))
    sshd.key.chmod(0o644)
    assert "chmod 600" in str(ssh.check_key_file(sshd.key))
    sshd.key.chmod(0o600)


PLAYBOOKS = {
    "a task fails": ("tasks: [{name: try it, command: 'false'}]", FailureCause.COMMAND_EXECUTION, "try it"),
    "a variable is not there": (
        "tasks: [{name: try it, debug: {msg: '{{ nowhere }}'}}]",
        FailureCause.CONFIGURATION,
        "nowhere",
    ),
    "no play is for the host": ("hosts: others", FailureCause.CONFIGURATION, "no play of the playbook"),
    "it is no YAML": ("tasks: [", FailureCause.CONFIGURATION, "could not be run"),
    "a module is unknown": (
        "tasks: [{no_such_module: {}}]",
        FailureCause.CONFIGURATION,
        "could not be run",
    ),
}


@pytest.mark.e2e
@pytest.mark.parametrize("case", PLAYBOOKS)
async def test_a_failed_playbook_reports_the_reason(project: Project, case: str) -> None:
    text, cause, said = PLAYBOOKS[case]
    hosts = "" if "hosts" in text else "hosts: all\n  "
    (project.directory / "site.yml").write_text(f"- {hosts}gather_facts: false\n  {text}\n")
    # As good as any other name, although every inventory of Ansible has a group `all`.
    project.workspace.create(project.spec().model_copy(update={"name": "all"}))
    with pytest.raises(CommandFailed) as caught:
        await project.workspace.bring("all", to=Configured)

    assert (caught.value.failure.step, caught.value.failure.cause) == ("run_playbook", cause)
    assert said in caught.value.failure.summary
    await project.workspace.destroy("all")


@pytest.mark.e2e
async def test_a_secret_of_a_playbook_is_never_stored(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GREETING", "hunter2-is-secret")
    variables = {**project.provider().playbook_variables, "greeting": {"env": "GREETING"}}
    echo, fail = (
        "{name: try it, command: 'echo {{ greeting }}'}",
        "{name: fail, command: 'ls /{{ greeting }}'}",
    )
    task = f"tasks: [{echo}, {fail}]"
    (project.directory / "site.yml").write_text(f"- hosts: all\n  gather_facts: false\n  {task}\n")
    project.workspace.create(project.spec(playbook_variables=variables))
    with pytest.raises(CommandFailed):
        await project.workspace.bring("web", to=Configured)

    kept = [path for path in project.data.rglob("*") if path.is_file() and b"hunter2" in path.read_bytes()]
    assert kept == []
    await project.workspace.destroy("web")


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no module": ({"directory": "/nowhere"}, "directory: /nowhere is not a directory"),
    "no such variable": (
        {"variables": {"sizee": 1}},
        "variables.sizee: the module declares no such variable",
    ),
    "no such output": (
        {"outputs": {"instance_ip": "ip"}},
        "outputs.instance_ip: the module has no output 'ip'",
    ),
    "no address": ({"address": "root@192.0.2.7"}, "address: holds a user"),
    "no key": ({"ssh": {"key": "/nowhere"}}, "ssh.key: /nowhere is not a file"),
    "no playbook": ({"playbook": "/nowhere"}, "playbook: /nowhere is not a file"),
    "no app": ({"app": "/nowhere"}, "app: /nowhere is not a directory"),
    "no program": ({"binary": "terrafrom"}, "binary: terrafrom is not on the path"),
    "a secret as it is": (
        {"playbook_variables": {"db_password": "hunter2-hunter2"}},
        "playbook_variables.db_password:",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_an_unusable_spec_is_refused_at_create(project: Project, case: str) -> None:
    changes, said = WRONG[case]
    with pytest.raises(InvalidConfiguration) as caught:
        project.workspace.create(project.spec(**changes))
    assert any(problem.startswith(said) for problem in caught.value.problems), caught.value.problems


async def test_a_template_error_names_file_and_line(project: Project) -> None:
    (project.directory / "module" / "more.tf.j2").write_text("# one\n# {{ nothing.there }}\n")
    project.workspace.create(project.spec())
    with pytest.raises(CommandFailed) as caught:
        await project.workspace.provision("web")

    assert caught.value.failure.cause is FailureCause.TEMPLATE_RENDERING
    assert "more.tf.j2" in caught.value.failure.summary
    await project.workspace.destroy("web")


async def test_an_invalid_module_is_a_configuration_error(project: Project) -> None:
    (project.directory / "module" / "more.tf").write_text('output "more" { value = local.nothing }\n')
    project.workspace.create(project.spec())
    with pytest.raises(CommandFailed) as caught:
        await project.workspace.provision("web")

    assert caught.value.failure.cause is FailureCause.CONFIGURATION
    assert "undeclared local" in caught.value.failure.summary
    await project.workspace.destroy("web")


@pytest.mark.parametrize(
    ("facts", "described"),
    [
        ({}, "root@web"),
        ({"host": "::1"}, "root@::1"),
        ({"host": "::1", "port": 2222}, "root@[::1]:2222"),
        ({"host": "web", "port": 2222, "user": ""}, "web:2222"),
    ],
)
def test_a_host_is_named_with_its_user_and_its_port(facts: dict[str, Any], described: str) -> None:
    given = {"host": "web", "user": "root", "key": Path(), "known_hosts": Path(), **facts}

    assert Target(**given).describe() == described


@pytest.mark.e2e
async def test_a_module_that_turns_unfit_after_create_is_refused_before_the_apply(project: Project) -> None:
    module, leased = project.directory / "module", project.directory / "leased"
    whole = (module / "main.tf.j2").read_text()
    address = f'value = fileexists("{leased}") ? "127.0.0.1" : ""'
    late = whole.replace('value = "127.0.0.1"', address)
    backend = 'terraform {\n  backend "local" {}\n}\n'
    unfit = {
        "render_module": (late + backend, "backend \"local\" needs an absolute 'path' outside"),
        # The parser does not know this form of a number, so only Terraform can tell.
        "initialise": (
            late + backend + "locals { a = 1e3 }\n",
            "the module's backend 'local' needs an absolute 'path' outside",
        ),
        "plan_infrastructure": (
            late.replace("instance_ip", "ip"),
            "the output 'instance_ip' of the module is missing",
        ),
        "read_outputs": (late, "the output 'instance_ip' of the module is empty"),
    }
    project.workspace.create(project.spec())
    state = project.data / "web" / "build" / "terraform" / "terraform.tfstate"
    attempt = project.workspace.provision
    for step, (text, said) in unfit.items():
        (module / "main.tf.j2").write_text(text)
        with pytest.raises(CommandFailed) as caught:
            await attempt("web")
        assert said in caught.value.failure.summary
        assert caught.value.failure.step == step
        applied = state.exists() and "ssh_server" in state.read_text()
        assert applied == (step == "read_outputs")
        attempt = project.workspace.retry

    leased.touch()
    assert (await project.workspace.retry("web")).outputs.instance_ip == "127.0.0.1"
    await project.workspace.destroy("web")
