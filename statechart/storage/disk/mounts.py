"""The file systems that paths are on."""

from __future__ import annotations

import os
import re
from pathlib import Path

_MOUNTINFO = Path("/proc/self/mountinfo")
_NETWORK = frozenset({"9p", "afs", "cifs", "davfs", "ncpfs", "nfs", "nfs4", "smb3", "smbfs"}) | {
    f"fuse.{kind}" for kind in ("davfs2", "gcsfuse", "rclone", "s3fs", "sshfs")
}
_ESCAPE = re.compile(r"\\([0-7]{3})")


def network_filesystem(path: Path, mountinfo: Path | None = None) -> str | None:
    """Return the type of the network file system of a path, or None for a local file system.

    The path need not exist. Without a list of mounts, every path counts as local.
    """
    try:
        lines = (mountinfo or _MOUNTINFO).read_text(errors="surrogateescape").splitlines()
    except OSError:
        return None
    where = os.path.realpath(path)
    best, kind = "", ""
    for line in lines:
        before, _, after = line.partition(" - ")
        mount = _ESCAPE.sub(lambda match: chr(int(match[1], 8)), before.split()[4])
        inside = mount == "/" or where == mount or where.startswith(mount + "/")
        if inside and len(mount) >= len(best):  # a later mount hides an earlier one
            best, kind = mount, after.split()[0]
    return kind if kind in _NETWORK else None
