"""Playbooks on a host over SSH. Ansible takes a second to start, so many checks share a run."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from environments import Environment, EnvironmentSpec, LocalProvider, StepFailed
from environments.model.failure import FailureCause
from environments.model.steps import StepContext
from environments.providers.common.ansible.events import Events
from environments.providers.common.ansible.playbook import Playbook, find
from environments.system.files import OwnPath
from tests.operations import own
from tests.providers import nasty
from tests.providers.terraform.conftest import USER, Sshd

pytestmark = pytest.mark.e2e


@pytest.fixture
def site(sshd: Sshd, known_hosts: Path, tmp_path: Path) -> Site:
    return Site(sshd, known_hosts, tmp_path)


class Site:
    """A directory with a playbook for the host `web`."""

    def __init__(self, sshd: Sshd, known_hosts: Path, base: Path) -> None:
        self.sshd, self.known_hosts = sshd, known_hosts
        self.marks, self.directory, self.data = base / "marks", base / "site", base / "data"
        for place in (self.marks, self.directory):
            place.mkdir()
        self.said: list[str] = []

    def write(self, name: str, text: str) -> Path:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def playbook(self, **changes: Any) -> Playbook:
        facts = {
            "path": self.directory / "site.yml",
            "directory": OwnPath(self.data) / "ansible",
            "name": "web",
            "address": "127.0.0.1",
            "port": self.sshd.port,
            "user": USER,
            "key": self.sshd.key,
            "known_hosts": self.known_hosts,
            "variables": {"ansible_python_interpreter": sys.executable, "marks": str(self.marks)},
        }
        return Playbook(**{**facts, **changes})

    def context(self) -> StepContext:
        spec = EnvironmentSpec(name="web", provider=LocalProvider(app=self.directory))
        self.data.mkdir(exist_ok=True)
        return StepContext(
            environment=Environment.new(spec, datetime.now(UTC)),
            operation_id=own("op"),
            directory=self.data,
            report=self.said.append,
        )

    async def run(self, **changes: Any) -> Events:
        return await self.playbook(**changes).run(self.context())

    async def check(self, **changes: Any) -> Events:
        return await self.playbook(**changes).check(self.context())

    def marked(self) -> list[str]:
        return sorted(path.name for path in self.marks.iterdir())


def encrypted(text: str, password: Path) -> str:
    """Return a text as ansible-vault encrypts it."""
    vault = str(Path(str(find())).with_name("ansible-vault"))
    words = [vault, "encrypt", "--vault-password-file", str(password), "--output", "-"]
    return subprocess.run(words, input=text, capture_output=True, text=True, check=True).stdout


ROLE = """
- name: write {name}
  copy:
    content: "{{{{ greeting }}}} {{{{ hidden }}}} {{{{ plain }}}}\\n"
    dest: "{{{{ marks }}}}/{name}"
  notify: tell
"""
USUAL = {
    "site.yml": """
- import_playbook: host.yml
- hosts: databases
  tasks: [{name: never, command: "touch {{ marks }}/never"}]
- hosts: localhost
  gather_facts: false
  tasks: [{name: tell the chat, debug: {msg: deployed}}]
""",
    "host.yml": """
- hosts: all
  gather_facts: false
  vars_files: [secret.yml]
  roles: [beside, acme.tools.shared, installed]
  tasks:
    - {name: tell it, greet: {}}
    - acme.tools.hello:
    - {name: handle, meta: flush_handlers}
    - {name: end early, meta: end_play}
    - {name: never, command: "touch {{ marks }}/never"}
  handlers:
    - {name: tell, copy: {content: x, dest: "{{ marks }}/handled"}}
""",
    "group_vars/all.yml": "greeting: hello\n",
    "host_vars/web.yml": "plain: there\n",
    "roles/beside/tasks/main.yml": ROLE.format(name="beside"),
    "library/greet.py": """
from ansible.module_utils.basic import AnsibleModule
AnsibleModule({}, supports_check_mode=True).exit_json(changed=False)
""",
}


async def test_a_usual_site_in_an_unusual_place_configures_the_host(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every character of a path, an old locale, a vault, and what ansible-galaxy installs: in one run."""
    site.directory = tmp_path / nasty.DIRECTORY / "site"
    site.data = tmp_path / nasty.DIRECTORY / "data"
    key, home = tmp_path / nasty.DIRECTORY / "id", tmp_path / "home $HOME"
    for name, text in USUAL.items():
        site.write(name, text)
    key.write_bytes(site.sshd.key.read_bytes())
    key.chmod(0o600)
    known_hosts = tmp_path / nasty.DIRECTORY / "known hosts"
    known_hosts.write_bytes(site.known_hosts.read_bytes())
    (tmp_path / "password").write_text("vault-pass-1\n")
    site.write("secret.yml", encrypted("hidden: from the vault\n", tmp_path / "password"))
    collection = home / ".ansible/collections/ansible_collections/acme/tools"
    for path, text in {
        collection / "plugins/modules/hello.py": USUAL["library/greet.py"],
        collection / "roles/shared/tasks/main.yml": ROLE.format(name="shared"),
        home / ".ansible/roles/installed/tasks/main.yml": ROLE.format(name="installed"),
    }.items():
        path.parent.mkdir(parents=True)
        path.write_text(text)
    monkeypatch.setenv("HOME", str(home))
    for name, value in {"LC_ALL": "xx_YY.UTF-8", "LANG": "C", "ANSIBLE_LIMIT": "nobody"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ANSIBLE_HOME", "")

    where = {"key": key, "known_hosts": known_hosts, "vault_password": "vault-pass-1"}
    events = await site.run(**where)

    assert site.marked() == ["beside", "handled", "installed", "shared"]
    assert (site.marks / "shared").read_text() == "hello from the vault there\n"
    assert events.summary().startswith("3 ok, 4 changed")
    assert events.summary().endswith("; for no host here: databases")
    assert str(key) in (site.data / "ansible" / "inventory.json").read_text().encode().decode(
        "unicode_escape"
    )
    left = {path.name for path in (site.data / "ansible").iterdir() if path.is_file()}
    assert left == {"ansible.cfg", "inventory.json"}, "no secret stays"


TROUBLE = """
- hosts: all
  gather_facts: false
  tasks:
    - name: look around
      command: "{{ item.run }}"
      no_log: "{{ item.secret }}"
      ignore_errors: true
      loop:
        - {run: /bin/true, secret: false}
        - {run: sh -c 'echo hunter2 >&2; exit 4', secret: true}
        - {run: sh -c 'echo nothing here >&2; exit 3', secret: false}
    - block: [{name: try the new way, command: /bin/false}]
      rescue: [{name: take the old way, debug: {msg: fine}}]
    - block: [{name: include it, include_tasks: "absent-{{ 1 }}.yml"}]
      rescue: [{name: do without it, debug: {msg: "{{ 'much to say ' * 200000 }}"}}]
    - block:
        - name: make directories
          command: "{{ item.run }}"
          no_log: "{{ item.secret }}"
          loop:
            - {run: /bin/true, secret: false}
            - {run: sh -c 'echo hunter2 >&2; exit 4', secret: true}
            - {run: "sh -c 'echo no space left on device >&2; exit 3'", secret: false}
            - {run: "sh -c 'seq 200000; echo no room here either; exit 3'", secret: false}
      always:
        - {name: clean up, shell: echo there is nothing to clean up; exit 1}
"""


async def test_the_failure_that_ended_the_play_is_told_with_the_items_that_failed(site: Site) -> None:
    site.write("site.yml", TROUBLE)

    with pytest.raises(StepFailed) as caught:
        await site.run()

    failed = caught.value
    assert failed.cause is FailureCause.COMMAND_EXECUTION
    assert failed.summary.startswith("make directories: hidden: the task says no_log; item ")
    assert "non-zero return code; no space left on device" in failed.summary
    assert "look around: ignored\ntry the new way: rescued\ntake the old way: ok" in failed.detail
    assert "include it: rescued\ndo without it: ok\n" in failed.detail, "however much it says"
    assert "\nno room here either" in failed.detail.replace(" ... ", "\n")
    assert "clean up: failed" in failed.detail
    assert "there is nothing to clean up" in failed.detail
    assert "hunter2" not in failed.summary + failed.detail


LEAVES_CHECK_MODE = """
- hosts: all
  gather_facts: false
  tasks:
    - {name: a command, command: "touch {{ marks }}/1"}
    - {name: a file, copy: {content: x, dest: "{{ marks }}/2"}, check_mode: false}
    - {name: a shell, shell: "touch {{ marks }}/3", check_mode: false, register: said}
    - {name: a template says so, shell: "touch {{ marks }}/4", check_mode: "{{ said.changed }}"}
    - {name: a loop, shell: "touch {{ marks }}/5{{ item }}", check_mode: "no", loop: [a, b]}
    - {name: raw, raw: "touch '{{ marks }}/6'", check_mode: false}
    - {name: a script, script: script.sh, check_mode: false}
    - {name: in the background, command: "touch {{ marks }}/8", async: 30, poll: 0, check_mode: false}
    - {name: an old module, old: {}}
    - {name: a look, stat: {path: /}, check_mode: false}
    - {name: not now, shell: "touch {{ marks }}/9", check_mode: false, when: said is failed}
    - {name: never mind, debug: {msg: "{{ lookup('pipe', 'touch ' ~ marks ~ '/10') }}"}, ignore_errors: yes}
    - {name: here, command: "touch {{ marks }}/11", delegate_to: localhost, check_mode: false}
    - {name: by address, add_host: {name: other, ansible_connection: local}}
    - {name: away, ping: {}, vars: {ansible_port: 1}, ignore_unreachable: true}
    - block: [{name: a block, shell: "touch {{ marks }}/12"}]
      check_mode: false
    - {include_role: {name: role, apply: {check_mode: false}}}
    - {name: hooked, debug: {msg: x}, changed_when: true, notify: hook}
  handlers:
    - {name: hook, shell: "touch {{ marks }}/13", check_mode: false}
- hosts: other
  gather_facts: false
  check_mode: false
  strategy: free
  tasks: [{name: a play, shell: "touch {{ marks }}/14"}]
- hosts: all
  gather_facts: false
  vars: {made: "{{ lookup('password', marks ~ '/15') }}"}
  tasks:
    - {name: last, debug: {msg: "{{ made }}"}}
    - {name: unreached, debug: {msg: x}}
"""


async def test_a_check_changes_nothing_and_names_the_tasks_that_it_left_out(site: Site) -> None:
    site.write("site.yml", LEAVES_CHECK_MODE)
    site.write("roles/role/tasks/main.yml", "- {name: a role, shell: 'touch {{ marks }}/16'}\n")
    site.write("library/old", f"#!/bin/sh\ntouch '{site.marks}/17'\necho '{{}}'\n")
    site.write("script.sh", f"#!/bin/sh\ntouch '{site.marks}/7'\n")

    events = await site.check()

    assert site.marked() == []
    assert events.changed == ["a file", "hooked"]
    assert "refused" in events.unreached
    leaving = [reason.split(": not run")[0] for reason in events.unseen if "although it says" in reason]
    assert leaving == [
        "a shell",
        "a template says so",
        "a loop",
        "raw",
        "a script",
        "in the background",
        "here",
        "a block",
        "role : a role",
        "hook",
        "a play",
    ]
    others = [reason for reason in events.unseen if "although it says" not in reason]
    assert others == [
        "an old module: not run by a check: a module of the style old has no check mode",
        "never mind: not run by a check: the lookup pipe may have effects",
        "last: not run by a check: the lookup password may have effects"
        "; the tasks after it were not checked",
    ]


OTHER_HOSTS = """
- hosts: localhost
  gather_facts: false
  connection: local
  tasks:
    - {name: tell the chat, debug: {msg: deployed}}
    - {name: add a host, add_host: {name: other, ansible_connection: local}}
- hosts: other
  gather_facts: false
  tasks: [{name: configure the other, debug: {msg: done}}]
- hosts: nobody
  tasks: [{name: never, debug: {msg: never}}]
"""
ENDED_EARLY = """
- hosts: all:!localhost
  gather_facts: false
  tasks:
    - {name: end early, meta: end_host}
    - {name: never, debug: {msg: never}}
"""


async def test_a_playbook_for_other_hosts_does_not_configure_this_one(site: Site) -> None:
    site.write("site.yml", OTHER_HOSTS)
    with pytest.raises(StepFailed, match="no play of the playbook is for this host"):
        await site.run()

    site.write("site.yml", f"{OTHER_HOSTS}{ENDED_EARLY}")
    with pytest.raises(StepFailed, match="no task of the playbook was for this host") as caught:
        await site.run(name="all")  # also the name of a group of Ansible's own
    assert caught.value.cause is FailureCause.CONFIGURATION


async def test_a_playbook_that_asks_is_refused_since_nobody_can_answer(site: Site) -> None:
    site.write(
        "site.yml", "- hosts: all\n  vars_prompt: [{name: why, default: x}, {name: marks}, {name: who}]\n"
    )
    with pytest.raises(StepFailed, match="vars_prompt asks for 'who', and nobody can answer"):
        await site.run()
