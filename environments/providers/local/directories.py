"""Directories: an environment's root, made and removed so that it is never half one's own."""

from __future__ import annotations

import json
import os
from pathlib import Path

from environments.providers.local.layout import MARKER, Layout
from environments.system.files import remove_tree, sync_directory, write_private


def create(layout: Layout) -> bool:
    """Make the root, marker and all, at once; return whether there was anything to do.

    Raises:
        StepFailed: Something is there that is somebody else's.
    """
    if layout.exists:
        layout.require()
        missing = [place for place in (layout.config, layout.releases) if not place.is_dir()]
        for place in missing:
            place.mkdir(mode=0o700)
        if missing:
            sync_directory(layout.root)
        return bool(missing)
    draft = _draft(layout)
    remove_tree(draft)
    for place in (draft, draft / "config", draft / "releases"):
        place.mkdir(mode=0o700, parents=True)
    identity = {"lineage": layout.lineage, "name": layout.name, "instance_name": layout.instance_name}
    write_private(draft / MARKER, json.dumps(identity, indent=2) + "\n")
    draft.rename(layout.root)
    sync_directory(layout.directory)
    return True


def remove(layout: Layout) -> None:
    """Remove the root: out of sight at once, then file by file. It can be repeated.

    Raises:
        StepFailed: It is somebody else's; nothing was touched.
    """
    if not remains(layout):
        return
    leaving = layout.directory / f".local-gone-{layout.lineage}"
    remove_tree(leaving)
    if layout.exists:
        layout.require()
        layout.root.rename(leaving)
        sync_directory(layout.directory)
        remove_tree(leaving)
    remove_tree(_draft(layout))
    sync_directory(layout.directory)


def remains(layout: Layout) -> list[Path]:
    """Return what is left of it on disk, half-removed directories included."""
    places = (layout.root, *layout.directory.glob(f".local-*-{layout.lineage}"))
    return [place for place in places if os.path.lexists(place)]


def _draft(layout: Layout) -> Path:
    return layout.directory / f".local-new-{layout.lineage}"
