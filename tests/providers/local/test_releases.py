from __future__ import annotations

import os
import socket
from pathlib import Path
from threading import Event

import pytest

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.providers.common.app_files import scan, unfit
from environments.providers.local import LocalProvider
from environments.providers.local.releases import Releases
from environments.system.files import OwnPath, entries, sync_file_system
from statechart.following.cancellation import in_thread

NOWHERE = Path("/nowhere")


@pytest.fixture
def app(tmp_path):
    app = tmp_path / "app"
    (app / "static").mkdir(parents=True)
    (app / "app.py").write_text("print('v1')")
    (app / "static" / "style.css").write_text("body {}")
    return app


@pytest.fixture
def releases(tmp_path):
    root = tmp_path / "root"
    (root / "releases").mkdir(parents=True)
    return Releases(OwnPath(root))


def bundle(releases, app):
    manifest, _ = releases.bundle(app, NOWHERE, lambda: True)
    return manifest.id


def test_the_same_content_is_the_same_release(releases, app):
    first, new = releases.bundle(app, NOWHERE, lambda: True)
    again, new_again = releases.bundle(app, NOWHERE, lambda: True)

    assert (first, new, new_again) == (again, True, False)
    assert releases.ids() == [first.id]
    assert sorted(first.entries) == ["app.py", "static/style.css"]


@pytest.mark.parametrize(
    "change",
    [
        lambda app: (app / "app.py").write_text("print('v2')"),
        lambda app: (app / "app.py").chmod(0o755),
        lambda app: (app / "app.py").rename(app / "main.py"),
        lambda app: (app / "more.py").write_text(""),
        lambda app: (app / "link.py").symlink_to("app.py"),
    ],
)
def test_a_different_content_name_or_mode_is_a_different_release(releases, app, change):
    first = bundle(releases, app)
    change(app)

    second = bundle(releases, app)

    assert first != second
    assert (releases.damage(first), releases.damage(second)) == (None, None)


def test_files_that_tools_make_are_left_out(releases, app):
    first = scan(app, NOWHERE).id
    for name in (".git/HEAD", "__pycache__/app.pyc", ".venv/bin/python", "old.pyc"):
        (app / name).parent.mkdir(parents=True, exist_ok=True)
        (app / name).write_text("")

    assert bundle(releases, app) == first
    assert not Path(releases.directory / first / ".git").exists()


def test_a_data_directory_inside_the_application_is_left_out(app):
    before = scan(app, NOWHERE)
    data = app / "data"
    (data / "demo").mkdir(parents=True)
    (data / "demo" / "state.json").write_text("{}")

    assert scan(app, data) == before
    assert scan(app, NOWHERE) != before


def test_links_that_stay_inside_are_kept_as_links(releases, app):
    (app / "static" / "app").symlink_to("../app.py")
    (app / "assets").symlink_to("static")

    copy = Path(releases.directory / bundle(releases, app))

    links = [str((copy / name).readlink()) for name in ("static/app", "assets")]
    assert links == ["../app.py", "static"]


@pytest.mark.parametrize("target", ["/etc/hostname", "../outside", "static/../../outside"])
def test_links_to_the_outside_are_refused_and_no_draft_is_left(releases, app, target):
    (app / "link").symlink_to(target)

    with pytest.raises(StepFailed, match="points outside") as caught:
        bundle(releases, app)

    assert caught.value.cause is FailureCause.CONFIGURATION
    assert entries(releases.directory) == []


def test_what_can_not_be_released_is_named_before(app, tmp_path):
    (app / "data" / ".locks").mkdir(parents=True)
    (app / "data" / "cache").symlink_to("/usr")  # not the application's
    (app / "self").symlink_to(".")
    assert unfit(app) is None

    (app / "lib").mkdir()
    (app / "lib" / "shared").symlink_to(tmp_path)
    assert LocalProvider(app=app).problems() == (
        f"app: the link {app}/lib/shared points outside, to {tmp_path}; remove it, or copy its target",
    )


def test_directories_too_deep_to_be_removed_again_are_refused(app):
    app.joinpath(*("d" * 150)).mkdir(parents=True)

    assert "more than 100 deep" in str(unfit(app))
    with pytest.raises(StepFailed, match="more than 100 deep"):
        scan(app, NOWHERE)


def test_an_entry_that_is_neither_a_file_nor_a_link_is_refused(app):
    os.mkfifo(app / "pipe")
    with pytest.raises(StepFailed, match="neither a file nor a link"):
        scan(app, NOWHERE)
    (app / "pipe").unlink()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(app / "s"))
        with pytest.raises(StepFailed, match="neither a file nor a link"):
            scan(app, NOWHERE)


def test_an_application_that_is_empty_or_missing_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(StepFailed, match="holds no files"):
        scan(tmp_path / "empty", NOWHERE)
    with pytest.raises(StepFailed, match="is not a directory; name the application"):
        scan(tmp_path / "missing", NOWHERE)


def test_programs_stay_executable_and_all_files_are_private(releases, app):
    (app / "run").write_text("#!/bin/sh")
    (app / "run").chmod(0o755)

    copy = Path(releases.directory / bundle(releases, app))

    modes = {name: (copy / name).stat().st_mode & 0o777 for name in ("run", "app.py", "static")}
    assert modes == {"run": 0o700, "app.py": 0o600, "static": 0o700}


def test_damage_is_reported_and_files_of_the_service_are_none(releases, app):
    release = bundle(releases, app)
    copy = Path(releases.directory / release)

    (copy / "data.sqlite").write_text("kept by the service")
    assert releases.damage(release) is None
    (copy / "app.py").write_text("print('edited')")
    assert releases.damage(release) == "app.py is missing or changed"
    (copy / "app.py").unlink()
    (copy / "app.py").mkdir()
    assert releases.damage(release) == "app.py is missing or changed"
    assert releases.damage("0" * 12) == "it is not there"


@pytest.mark.parametrize("manifest", ["", "[]", "{torn"])
def test_a_release_without_a_readable_manifest_is_damaged_and_copied_again(releases, app, manifest):
    release = bundle(releases, app)
    Path(releases.directory / f"{release}.json").write_text(manifest)

    assert releases.damage(release) == "its manifest can't be read"
    assert releases.bundle(app, NOWHERE, lambda: True)[1]
    assert releases.damage(release) is None


def test_a_manifest_of_another_release_is_damage(releases, app):
    release = bundle(releases, app)
    Path(releases.directory / f"{release}.json").write_text("{}")

    assert releases.damage(release) == "its manifest is of another release"


def test_switching_sets_both_links(releases):
    assert releases.linked("current") is None
    for current, previous in (("a", None), ("a", None), ("b", "a"), ("b", "a"), ("a", "b"), ("c", None)):
        releases.switch(current, previous)
        assert (releases.linked("current"), releases.linked("previous")) == (current, previous)
    assert str(Path(releases.root / "current").readlink()) == "releases/c"


def test_pruning_keeps_linked_and_needed_releases(releases, app):
    made = []
    for version in range(5):
        (app / "app.py").write_text(f"print({version})")
        made.append(bundle(releases, app))
    releases.switch(made[1], made[0])

    assert sorted(releases.prune([made[4], None])) == sorted([made[2], made[3]])
    assert sorted(releases.ids()) == sorted([made[0], made[1], made[4]])
    assert not Path(releases.directory / f"{made[2]}.json").exists()


async def test_a_cancelled_copy_leaves_no_draft(releases, app):
    given_up = Event()
    given_up.set()

    with pytest.raises(StepFailed) as caught:
        await in_thread(lambda: releases.bundle(app, NOWHERE, lambda: not given_up.is_set()))

    assert caught.value.cause is FailureCause.CANCELLED
    assert entries(releases.directory) == []


def test_the_draft_of_an_interrupted_copy_is_removed(releases, app):
    Path(releases.directory / ".new-1").mkdir()
    Path(releases.directory / ".new-1" / "half").write_text("")

    release = bundle(releases, app)

    assert sorted(path.name for path in Path(releases.directory).iterdir()) == [release, f"{release}.json"]


async def test_a_missing_pinned_release_is_refused_with_the_available_releases(bench):
    await bench.run("provision", "configure", "release")
    bench.amend(pinned_release="0" * 12)

    with pytest.raises(StepFailed) as caught:
        await bench.run("release")

    available = bench.environment.outputs.release
    assert caught.value.summary == (
        f"release {'0' * 12} can't be used: it is not there; available: {available}; "
        "or deploy the application"
    )


async def test_the_probe_denies_an_edited_application_and_does_not_know_about_a_missing_one(bench):
    await bench.run("provision", "configure", "release")
    bench.program("VERSION = 2")
    assert (await bench.probe("release", "bundle_release")).verdict == "not_done"

    bench.app.rename(bench.app.with_name("moved"))

    found = await bench.probe("release", "bundle_release")
    assert (found.verdict, "is not a directory" in found.reason) == ("unknown", True)


async def test_a_damaged_release_is_not_switched_to(bench):
    await bench.run("provision", "configure", "release")
    bench.path(bench.layout.releases / bench.environment.outputs.release / "app.py").write_text("")

    for command, step in (("release", "verify_release"), ("run", "switch_release")):
        with pytest.raises(StepFailed, match=r"app.py is missing or changed; release again"):
            await bench.step(command, step)

    assert (await bench.probe("release", "verify_release")).verdict == "not_done"
    assert (await bench.probe("run", "switch_release")).verdict == "not_done"


def test_a_release_is_durable_before_it_has_its_name(releases, app, monkeypatch):
    synced = []

    def sync(draft):
        synced.append((sorted(path.name for path in Path(draft).rglob("*.*")), releases.ids()))

    monkeypatch.setattr("environments.providers.local.releases.sync_file_system", sync)

    first = bundle(releases, app)
    again = bundle(releases, app)

    assert synced == [(["app.py", "style.css"], [])]
    assert releases.ids() == [first] == [again]


def test_a_missing_directory_can_not_be_made_durable(tmp_path):
    sync_file_system(tmp_path)

    with pytest.raises(FileNotFoundError):
        sync_file_system(tmp_path / "gone")
