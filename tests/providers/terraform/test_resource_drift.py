"""Drift of resources of a real Terraform provider."""

from __future__ import annotations

import asyncio
import platform
import sys
from pathlib import Path

import pytest

from environments import DriftKind, Workspace
from tests.providers.terraform.conftest import Project

pytestmark = pytest.mark.e2e

PLUGIN = Path(__file__).with_name("disk_plugin.py")
RESOURCE = """
terraform {{
  required_providers {{
    lab = {{ source = "lab.local/lab/lab" }}
  }}
}}

resource "lab_disk" "data" {{
  path    = "{path}"
  content = "as declared"
}}
"""


@pytest.fixture
def disk(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that the module creates with a provider, which `init` gets from a local mirror."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    place = tmp_path / "mirror" / "lab.local" / "lab" / "lab" / "0.1.0" / f"linux_{machine}"
    place.mkdir(parents=True)
    program = place / "terraform-provider-lab_v0.1.0"
    program.write_text(f"#!{sys.executable}\n{PLUGIN.read_text()}")
    program.chmod(0o700)
    settings = tmp_path / "settings.tfrc"
    mirror = f'path = "{tmp_path / "mirror"}"\n    include = ["lab.local/*/*"]'
    settings.write_text(f"provider_installation {{\n  filesystem_mirror {{\n    {mirror}\n  }}\n}}\n")
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(settings))
    monkeypatch.setenv("HOME", str(tmp_path))  # the library keeps a key below it
    path = tmp_path / "disk"
    (project.directory / "module" / "disk.tf").write_text(RESOURCE.format(path=path))
    return path


def told(workspace: Workspace) -> list[tuple[DriftKind, str]]:
    drift = asyncio.run(workspace.drift("web"))
    return [(finding.kind, finding.what) for finding in drift.findings]


def test_altered_and_deleted_resources_are_named(project: Project, disk: Path, tmp_path: Path) -> None:
    workspace = project.workspace
    workspace.create(project.spec())
    asyncio.run(workspace.provision("web"))
    assert disk.read_text() == "as declared"
    assert told(workspace) == []

    disk.write_text("altered")
    assert told(workspace) == [(DriftKind.RESOURCE_ALTERED, "lab_disk.data: update")]
    assert disk.read_text() == "altered", "looking mends nothing"

    disk.unlink()
    key = project.sshd.key.rename(tmp_path / "elsewhere")
    drift = asyncio.run(workspace.drift("web"))
    assert [finding.what for finding in drift.findings] == ["lab_disk.data: delete"]
    assert any(part.startswith("the host: ") for part in drift.unseen), "not all of the rest is lost"
    key.rename(project.sshd.key)

    project.sshd.stop()
    ((kind, what),) = told(workspace)
    assert kind is DriftKind.HOST_GONE
    assert "lab_disk.data: delete" in what
    project.sshd.start()
    asyncio.run(workspace.destroy("web"))
