"""Find what the repository has in common with the packages of the suites: nothing of them is copied."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

_IN_A_ROW = 4
_LETTERS = 120
_READ = (".js", ".json", ".md", ".py", ".rst", ".scxml", ".txt", ".xml", ".yaml")


def copied(packages: Iterable[Path], files: Iterable[Path]) -> Iterator[str]:
    """Yield the files that have some lines in a row in common with the packages, a sentence each."""
    theirs: dict[str, Path] = {}
    for package in packages:
        for path in package.rglob("*"):
            if path.is_file() and path.suffix in _READ:
                for part in _parts(path):
                    theirs.setdefault(part, path.relative_to(package))
    for path in files:
        found = next((part for part in _parts(path) if part in theirs), None)
        if found is not None:
            first = found.partition("\n")[0]
            yield f"{path} has lines of {theirs[found]}, from {first!r} on: write them anew"


def own_files() -> Iterator[Path]:
    """Yield the files of this repository."""
    root = Path(__file__).parents[2]
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True
    ).stdout
    yield from (root / name for name in listed.split("\0") if name and (root / name).is_file())


def _parts(path: Path) -> Iterator[str]:
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError:  # a picture
        return
    lines = [line for each in text.splitlines() if len(line := " ".join(each.split())) > 8]
    for number in range(len(lines) - _IN_A_ROW + 1):
        part = "\n".join(lines[number : number + _IN_A_ROW])
        if len(part) > _LETTERS:
            yield part
