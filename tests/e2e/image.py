"""Images: root file systems of machines, built once, cached, and never changed."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp

from filelock import FileLock

_PACKAGES = ("openssh-server", "python3", "iproute2", "procps", "adduser", "sudo")
_WITH_SYSTEMD = (*_PACKAGES, "systemd-sysv", "dbus", "cloud-init")
_HOOKS = (
    'rm -f "$1"/etc/ssh/ssh_host_*',
    # A password that nothing matches: an account that is locked would not be let in by a key either.
    'chroot "$1" useradd --create-home --shell /bin/bash --password "*" deploy',
    'printf "deploy ALL=(ALL) NOPASSWD: ALL\\n" >"$1/etc/sudoers.d/deploy"',
)
_LEFT_OUT = ("doc", "man", "locale")
_HANDED_ON = ("Acquire::Check-", "Acquire::http", "Acquire::https", "Acquire::Retries")


class ImageError(Exception):
    """Raised when an image can't be built."""


def cache() -> Path:
    """Return the directory for files that are kept between runs."""
    return Path(os.environ.get("ENVCHART_E2E_CACHE") or "~/.cache/envchart-e2e").expanduser()


def place(*, systemd: bool) -> Path:
    """Return the path of an image, which depends on release and content."""
    version = Path("/etc/debian_version")
    release = version.read_text() if version.is_file() else platform.platform()
    contents = repr((release, _WITH_SYSTEMD if systemd else _PACKAGES, _HOOKS, _LEFT_OUT))
    kind = "systemd" if systemd else "sshd"
    return cache() / f"{kind}-{sha256(contents.encode()).hexdigest()[:12]}"


def image(*, systemd: bool = False) -> Path:
    """Return the root file system for machines, built if missing, which takes a minute.

    Raises:
        ImageError: The image can't be built.
    """
    made = place(systemd=systemd)
    made.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{made}.lock"):
        if not made.is_dir():
            _make(made, _WITH_SYSTEMD if systemd else _PACKAGES)
    return made


def _make(made: Path, packages: tuple[str, ...]) -> None:
    for left in made.parent.glob(f".{made.name}.*"):
        shutil.rmtree(left)  # left by a killed attempt: the lock rules out others
    draft = Path(mkdtemp(prefix=f".{made.name}.", dir=made.parent))
    draft.chmod(0o755)
    options = [f"--include={','.join(packages)}", *_options()]
    # In a mount namespace of its own, so that nothing stays mounted in the draft after a failure.
    words = ["unshare", "--mount", "--propagation", "private", "mmdebstrap", "--variant=minbase"]
    words += [
        "--mode=root",
        *options,
        platform.freedesktop_os_release()["VERSION_CODENAME"],
        str(draft),
        "-",
    ]
    try:
        ended = subprocess.run(words, input=_sources(), capture_output=True, text=True)
    except OSError as error:
        raise ImageError(f"{error.filename} can't be run: {error.strerror}") from error
    if ended.returncode != 0:
        shutil.rmtree(draft)
        raise ImageError(f"mmdebstrap ended with {ended.returncode}: {ended.stderr[-2000:]}")
    draft.rename(made)


def _options() -> list[str]:
    dump = subprocess.run(["apt-config", "dump", "Acquire"], capture_output=True, text=True, check=True)
    settings = [line for line in dump.stdout.splitlines() if line.startswith(_HANDED_ON)]
    return [
        *(f"--aptopt={setting}" for setting in ["Acquire::Languages none", *settings]),
        *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in _LEFT_OUT),
        *(f"--customize-hook={hook}" for hook in _HOOKS),
    ]


def _sources() -> str:
    """Return the package sources of this machine's apt, as lines of a sources.list.

    Raises:
        ImageError: Apt has never fetched its lists.
    """
    origin = f"Origin: {platform.freedesktop_os_release()['ID'].capitalize()}"
    line = "deb $(REPO_URI) $(RELEASE) $(COMPONENT)"
    words = ["apt-get", "indextargets", "--format", line, "Created-By: Packages", origin]
    ended = subprocess.run(words, capture_output=True, text=True, check=True)
    if not ended.stdout.strip():
        raise ImageError("apt has no lists of packages: apt-get update")
    return ended.stdout
