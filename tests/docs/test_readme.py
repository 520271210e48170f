"""What the README and the documentation say is true."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import BaseModel

from environments.checks.drift import DriftKind
from environments.cli.registry import COMMANDS
from environments.model.command_name import CommandName
from environments.model.environment import Environment
from environments.model.spec import EnvironmentSpec
from environments.providers.local import LocalProvider
from environments.providers.terraform import TerraformProvider
from statechart.pages import refresh

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PROGRAMS = re.findall(r"```python\n(.*?)```", README, re.S)


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (PROGRAMS[0], "Environment 'demo' is in state: running http://127.0.0.1:"),
        (PROGRAMS[1], "paid ('ship',) ['A-1']"),
    ],
    ids=["environments", "orders"],
)
def test_the_programs_run_as_they_stand(program: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")

    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], cwd=tmp_path, capture_output=True, text=True
    )

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith(said)


def test_there_are_no_other_programs() -> None:
    assert len(PROGRAMS) == 2


def test_the_diagrams_in_all_pages_are_those_of_the_chart() -> None:
    found = refresh([ROOT / "README.md", ROOT / "docs"])

    assert ROOT / "README.md" in [page.path for page in found]
    assert [page.diff() for page in found if not page.is_fresh] == []


@pytest.mark.parametrize(
    "page",
    sorted(path.relative_to(ROOT) for path in [ROOT / "README.md", *ROOT.glob("docs/**/*.md")]),
    ids=str,
)
def test_links_lead_somewhere(page: Path) -> None:
    prose = re.sub(r"^```.*?^```", "", (ROOT / page).read_text(), flags=re.M | re.S)
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", prose)

    assert [link for link in links if not ((ROOT / page).parent / link).exists()] == []


def test_every_command_is_described() -> None:
    page = (ROOT / "docs" / "reference" / "command-line.md").read_text()

    assert [name for name in COMMANDS if not re.search(rf"`[^`]*\b{name}\b", page)] == []


def test_the_two_commands_of_the_readme_are_there() -> None:
    makefile = (ROOT / "Makefile").read_text()

    for command in ("demo", "test"):
        assert f"make {command} " in README
        assert re.search(rf"^{command}:", makefile, re.M)


def test_the_command_for_real_hosts_runs_each_test_that_needs_them() -> None:
    told = re.search(r"^E2E := (.+)$", (ROOT / "Makefile").read_text(), re.M)
    assert told is not None
    places = [ROOT / place for place in told[1].split()]

    files = (ROOT / "tests").rglob("test_*.py")
    marked = [path for path in files if re.search(r"mark\.e2e\b", path.read_text())]
    assert marked != []
    assert [path for path in marked if not any(map(path.is_relative_to, places))] == []


@pytest.mark.parametrize(
    "keep",
    [
        pytest.param(
            False, id="down", marks=pytest.mark.pages
        ),  # as `make demo` does, which CI runs as well
        pytest.param(True, id="kept", marks=pytest.mark.soak),
    ],
)
def test_the_demo_runs_to_its_end(keep: bool, tmp_path: Path) -> None:
    arguments = ["--keep"] if keep else []
    environ = {**os.environ, "ENVCHART_DEMO_DIR": str(tmp_path / "with space")}
    demo = [sys.executable, str(ROOT / "examples" / "demo.py"), *arguments]

    ended = subprocess.run(demo, env=environ, capture_output=True, text=True)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ("It is still running." in ended.stdout) is keep
    if keep:
        down = ended.stdout.splitlines()[-1]
        subprocess.run(f"{down} --yes", shell=True, check=True, capture_output=True)
    assert not (tmp_path / "with space" / "demo" / "local").exists()


LOCAL = LocalProvider(app=ROOT)
TERRAFORM = TerraformProvider.model_validate(
    {
        "directory": ROOT / "docs" / "decisions",
        "app": ROOT,
        "playbook": ROOT / "site.yml",
        "ssh": {"key": ROOT / "key"},
    }
)


@pytest.mark.parametrize("provider", [LOCAL, TERRAFORM], ids=lambda provider: provider.kind)
def test_the_page_on_a_provider_names_its_fields_and_steps(
    provider: LocalProvider | TerraformProvider,
) -> None:
    page = (ROOT / "docs" / "reference" / f"{provider.kind}-provider.md").read_text()
    created = Environment.new(EnvironmentSpec(name="demo", provider=provider), datetime.now(UTC))
    steps = {
        step.name
        for command in CommandName
        if provider.supports(command)
        for step in provider.steps(command, created)
    }
    fields = {*_fields(type(provider))} - {"kind", "pinned_release"}

    assert {name for name in fields | steps if f"`{name}`" not in page} == set()


def _fields(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield name
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _fields(field.annotation)


def test_the_page_on_drift_names_all_that_can_be_found() -> None:
    page = (ROOT / "docs" / "how-to" / "detect-drift.md").read_text()

    assert [kind.value for kind in DriftKind if f"| `{kind.value}` |" not in page] == []
