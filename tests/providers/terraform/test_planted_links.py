"""Nothing below `build/` is followed through a symbolic link, nor given to a tool that would follow it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from environments.errors import StepFailed
from environments.providers.common.ansible.playbook import Playbook
from environments.providers.common.ansible.surroundings import plain_paths
from environments.providers.common.app_files import Manifest
from environments.providers.common.known_hosts import pin, pinned
from environments.providers.terraform.layout import Layout
from environments.providers.terraform.remote.archive import pack
from environments.providers.terraform.remote.collected_log import CollectedLog
from environments.providers.terraform.tofu import module
from environments.providers.terraform.tofu.state_file import StateFile, begin_state
from environments.system.files import remove_tree
from statechart.errors import NotOurs

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIC9xyZ2GxCfA0pQ3yLVu8BqY0xCkSGVv4dHfGOd4vCL"
DIRECTORIES = (
    *(".", "build", "build/terraform", "build/terraform/modules", "build/terraform/.terraform"),
    *("build/terraform/.terraform/providers", "build/terraform/.terraform/providers/registry.opentofu.org"),
    *("build/terraform/.terraform/modules", "build/ssh", "build/ansible", "build/ansible/tmp"),
)
FILES = (
    *("build/terraform/main.tf", "build/terraform/modules/net.tf", "build/terraform/old.tf"),
    *("build/terraform/envchart.auto.tfvars.json", "build/terraform/terraform.tfstate"),
    *("build/terraform/terraform.tfstate.backup", "build/terraform/errored.tfstate"),
    *("build/terraform/.terraform.lock.hcl", "build/terraform/.terraform.tfstate.lock.info"),
    *("build/terraform/.terraform/terraform.tfstate", "build/terraform/.terraform/modules/modules.json"),
    *("build/ssh/known_hosts", "build/ansible/inventory.json", "build/ansible/variables.json"),
    *("build/ansible/ansible.cfg", "build/ansible/tmp/file", "build/service.log", "build/service.log.1"),
    *("build/collected.json", "build/.collecting", "build/release.tar.gz"),
)
TERRAFORMS = {
    path
    for path in (*DIRECTORIES, *FILES)
    if ".terraform" in path or "tfstate" in path or path in (".", "build", "build/terraform")
}
ANSIBLES = {path for path in (*DIRECTORIES, *FILES) if path in (".", "build") or "/ansible" in path} - {
    # Replaced before Ansible runs.
    *("build/ansible/inventory.json", "build/ansible/variables.json", "build/ansible/ansible.cfg")
}


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """The directory of an environment in which everything was made."""
    place = tmp_path / "data" / "web"
    for directory in DIRECTORIES:
        (place / directory).mkdir(parents=True, exist_ok=True)
    for file in FILES:
        (place / file).write_text(f"127.0.0.1 {KEY}\n" if "known_hosts" in file else "{}\n")
    return place


def actions(place: Path) -> list[Callable[[], object]]:
    """Return all that is done with these files, the removal last."""
    layout, log = Layout(place), CollectedLog(Layout(place).build)
    rendered = {"main.tf": b"# new", "modules/net.tf": b"# new"}
    return [
        *(lambda: module.holds(rendered, layout.module), lambda: module.copied(layout.module)),
        *(lambda: begin_state(layout), lambda: StateFile.read(layout.state)),
        lambda: module.write(rendered, {}, layout.prepare(layout.module)),
        *(
            lambda: pinned(layout.known_hosts, "127.0.0.1", 22),
            lambda: pin(layout.known_hosts, "::1", 22, KEY),
        ),
        *(log._since, lambda: log._append("x" * 600_000), lambda: log._append("more"), lambda: lock(log)),
        lambda: pack(place.parent, Manifest({}), layout.build / "release.tar.gz", lambda: True),
        *(lambda: run_playbook(layout), lambda: remove_tree(layout.build)),
    ]


def lock(log: CollectedLog) -> None:
    with log._locked():
        pass


def run_playbook(layout: Layout) -> None:
    """Make the files of a run of Ansible, without the run."""
    playbook = Playbook(
        path=Path("site.yml"),
        directory=layout.ansible,
        name="web",
        address="127.0.0.1",
        port=22,
        user="ann",
        key=Path("key"),
        known_hosts=layout.known_hosts,
    )
    with plain_paths() as plain, playbook._files(plain):
        pass


def planted(place: Path, name: str, victim: Path) -> None:
    """Put a link in the place of a file or directory, to a victim that would serve as well."""
    path = place / name
    shutil.move(path, victim)
    if victim.is_dir():
        (victim / "more").write_text("the victim's")
    path.symlink_to(victim)


def content(place: Path) -> dict[str, bytes | None]:
    return {
        str(path): path.read_bytes() if path.is_file() else None
        for path in (place, *sorted(place.rglob("*")))
    }


@pytest.mark.parametrize("name", [*DIRECTORIES, *FILES])
def test_nothing_of_ours_goes_through_a_link(environment: Path, tmp_path: Path, name: str) -> None:
    victim = tmp_path / "victim"
    planted(environment, name, victim)
    before = content(victim)

    for act in actions(environment):
        with suppress(NotOurs, StepFailed, ValueError):
            act()
        assert content(victim) == before


@pytest.mark.parametrize("name", sorted(TERRAFORMS))
def test_terraform_is_not_run_on_a_link(environment: Path, tmp_path: Path, name: str) -> None:
    Layout(environment).require_unlinked()
    planted(environment, name, tmp_path / "victim")

    with pytest.raises(NotOurs, match="is a symbolic link"):
        Layout(environment).require_unlinked()


def test_the_cache_of_providers_may_be_linked(environment: Path, tmp_path: Path) -> None:
    version = environment / "build/terraform/.terraform/providers/registry.opentofu.org/a/b/1.0.0"
    version.mkdir(parents=True)
    (version / "linux_amd64").symlink_to(tmp_path)

    Layout(environment).require_unlinked()


@pytest.mark.parametrize("name", sorted(ANSIBLES))
def test_ansible_is_not_run_on_a_link(environment: Path, tmp_path: Path, name: str) -> None:
    run_playbook(Layout(environment))
    planted(environment, name, tmp_path / "victim")

    with pytest.raises(NotOurs, match="is a symbolic link"):
        run_playbook(Layout(environment))


def test_a_fifo_is_not_given_to_terraform(environment: Path) -> None:
    (environment / "build/terraform/terraform.tfstate").unlink()
    os.mkfifo(environment / "build/terraform/terraform.tfstate")

    with pytest.raises(NotOurs, match="is not a regular file"):
        Layout(environment).require_unlinked()
