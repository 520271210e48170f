"""Which kinds of providers are installed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from environments.model.provider_kinds import provider_kinds


def _install(site: Path, package: str) -> None:
    """Put down what an installer does: a package that brings a kind of its own name."""
    about = site / f"{package}-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[environments.providers]\n{package} = {package}:Spec\n")


def test_a_package_is_known_as_soon_as_it_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _install(tmp_path, "chartered")
    before = provider_kinds()
    monkeypatch.syspath_prepend(tmp_path)
    found = provider_kinds()
    os.utime(tmp_path, (0, 0))  # some file systems tell times apart by hundredths of a second only

    _install(tmp_path, "borrowed")

    assert "chartered" not in before
    assert found["chartered"] == "chartered:Spec"
    assert provider_kinds() == {**found, "borrowed": "borrowed:Spec"}


def test_the_installed_packages_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _install(tmp_path, "chartered")
    monkeypatch.syspath_prepend(tmp_path)
    provider_kinds()
    (tmp_path / "chartered-1.0.dist-info" / "entry_points.txt").unlink()  # its directory does not change

    assert provider_kinds()["chartered"] == "chartered:Spec"
