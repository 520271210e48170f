"""The surroundings of an Ansible process."""

from __future__ import annotations

from pathlib import Path

import pytest

from environments.providers.common.ansible.surroundings import plain_paths, search_paths


def test_search_paths_are_relative_to_where_the_user_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ann")

    with plain_paths() as plain:
        found = search_paths({"ANSIBLE_ROLES_PATH": "vendor/roles:~/own:~no-such-user/x:/opt:"}, plain)

    system = "/usr/share/ansible/roles:/etc/ansible/roles"
    own = f"{tmp_path}/vendor/roles:/home/ann/own:{tmp_path}/~no-such-user/x:/opt"
    assert found["ANSIBLE_ROLES_PATH"] == f"{own}:{system}"
    assert found["ANSIBLE_COLLECTIONS_PATH"] == "/usr/share/ansible/collections"
