"""Creation and removal of an environment's root directory, atomic also across crashes."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase

from environments.providers.local.layout import MARKER, Layout
from environments.system.files import (
    OwnPath,
    entries,
    make_directories,
    make_directory,
    remove_tree,
    rename,
    sync_directory,
    write_private,
)


def create(layout: Layout) -> bool:
    """Create the root with its marker, or complete it; return whether anything was missing.

    Raises:
        StepFailed: The root exists and belongs to another environment.
    """
    if layout.exists:
        layout.require()
        missing = [place for place in (layout.config, layout.releases) if not place.is_dir()]
        for place in missing:
            make_directory(place)
        if missing:
            sync_directory(layout.root)
        return bool(missing)
    # The root appears whole, by a rename: without its marker it would be taken for a stranger's.
    draft = _draft(layout)
    remove_tree(draft)
    for place in (draft, draft / "config", draft / "releases"):
        make_directories(place)
    identity = {"lineage": layout.lineage, "name": layout.name, "instance_name": layout.instance_name}
    write_private(draft / MARKER, json.dumps(identity, indent=2) + "\n")
    rename(draft, layout.root)
    sync_directory(layout.root.parent)
    return True


def remove(layout: Layout) -> None:
    """Remove the root and the remains of interrupted creations and removals.

    Raises:
        StepFailed: The root belongs to another environment; it was not touched.
    """
    if not remains(layout):
        return
    # The rename takes the root away at once. A removal that is interrupted after it finds the rest by
    # this name, which holds the lineage: the marker may be gone by then.
    leaving = layout.root.parent / f".local-gone-{layout.lineage}"
    remove_tree(leaving)
    if layout.exists:
        layout.require()
        rename(layout.root, leaving)
        sync_directory(layout.root.parent)
        remove_tree(leaving)
    remove_tree(_draft(layout))
    sync_directory(layout.root.parent)


def remains(layout: Layout) -> list[OwnPath]:
    """Return the paths that are left on disk, with drafts and half-removed directories."""
    drafts = f".local-*-{layout.lineage}"
    return [
        place
        for place in entries(layout.root.parent)
        if place == layout.root or fnmatchcase(place.name, drafts)
    ]


def _draft(layout: Layout) -> OwnPath:
    return layout.root.parent / f".local-new-{layout.lineage}"
