"""Pages with diagrams, refreshed and written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from statechart.errors import PageError, PageErrors, StatechartError
from statechart.pages.drawn import FindChart, drawn
from statechart.pages.files import PictureFile, mode_of, write_file
from statechart.pages.markers import regions, split_lines
from statechart.reference import find_chart

SUFFIXES = (".md", ".markdown", ".rst")
"""The suffixes of pages."""

_SKIPPED = frozenset(("_build", "build", "dist", "node_modules", "site-packages", "__pycache__"))


@dataclass(frozen=True, slots=True)
class Page:
    """A page: its present text and its text with fresh diagrams.

    Attributes:
        regions: The number of diagrams.
        files: The files of the pictures that the page shows.
    """

    path: Path
    now: str
    fresh: str
    regions: int
    files: tuple[PictureFile, ...] = ()

    @property
    def is_fresh(self) -> bool:
        """Whether the present text and all pictures are up to date."""
        return self.now == self.fresh and all(file.is_fresh for file in self.files)

    def diff(self) -> str:
        """Return the missing changes of the text as a unified diff, and a line for each stale picture."""
        now, fresh = (split_lines(text) for text in (self.now, self.fresh))
        changes = unified_diff(now, fresh, f"{self.path}", f"{self.path} (fresh)")
        return "".join([*changes, *(file.diff() for file in self.files)])


def default_places() -> list[Path]:
    """Return the usual places of a project's pages that exist: its README and `docs`."""
    usual = [Path("README.md"), Path("README.rst"), Path("docs")]
    return [place for place in usual if place.exists()]


def pages(places: Iterable[Path]) -> list[Path]:
    """Return all pages in files and directories, sorted, without hidden and built directories.

    Raises:
        PageError: There is no such file.
    """
    found: set[Path] = set()
    for place in places:
        if place.is_dir():
            found.update(path for path in place.rglob("*") if _is_page(path.relative_to(place), path))
        elif place.exists():
            found.add(place)
        else:
            raise PageError(place, None, "there is no such file")
    return sorted(found)


def _is_page(relative: Path, path: Path) -> bool:
    hidden = any(part.startswith(".") or part in _SKIPPED for part in relative.parts)
    return path.suffix in SUFFIXES and not hidden and path.is_file()


def refresh(places: Iterable[Path], find: FindChart = find_chart) -> list[Page]:
    """Return the pages that have diagrams, with fresh text; write nothing.

    Raises:
        PageErrors: Pages can't be read, or have invalid markers. The error names all of them.
    """
    done: list[Page] = []
    errors: list[PageError] = []
    files: dict[Path, bytes] = {}
    for path in pages(places):
        page, wrong = _refreshed(path, find, files)
        errors += wrong
        if page is not None and page.regions:
            done.append(page)
    if errors:
        raise PageErrors(errors)
    return done


def write(page: Page) -> None:
    """Write the fresh text of a page, and before it the pictures that it shows.

    Each file is written whole, or not at all.

    Raises:
        PageError: A file is read-only, or can't be written.
    """
    try:
        mode = mode_of(page.path)
    except OSError as error:
        raise PageError(page.path, None, f"it can't be written: {error.strerror}") from error
    for file in page.files:
        if not file.is_fresh:
            write_file(file.path, file.fresh, mode & 0o666)
    if page.now != page.fresh:
        write_file(page.path, page.fresh.encode(), mode)


def _refreshed(
    path: Path, find: FindChart, files: dict[Path, bytes]
) -> tuple[Page | None, list[PageError]]:
    """Return a page, or its errors.

    Args:
        path: The page.
        find: Returns the chart of a reference.
        files: The pictures of earlier markers, which this one adds to.
    """
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        return None, [PageError(path, None, f"it can't be read: {error.strerror}")]
    except UnicodeDecodeError as error:
        return None, [PageError(path, None, f"it is not UTF-8: {error.reason}")]
    kind = "rst" if path.suffix == ".rst" else "md"
    lines = split_lines(text)
    found, errors = regions(path, lines, kind)
    fresh, shown = list(lines), dict[Path, PictureFile]()
    # From the end, as each replacement moves the lines below it.
    for region in reversed(found):
        try:
            done = drawn(region, path, kind, find)
            if done.file is not None:
                _require_alike(done.file, files)
                shown[done.file.path] = done.file
        except (StatechartError, ValueError) as error:
            errors.append(PageError(path, region.begin + 1, str(error)))
            continue
        begin = lines[region.begin]
        ending = begin[len(begin.rstrip("\r\n")) :]
        fresh[region.begin + 1 : region.end] = [
            f"{region.before}{line}".rstrip() + ending for line in done.lines
        ]
    if errors:
        return None, sorted(errors, key=lambda error: error.line or 0)
    return Page(path, text, "".join(fresh), len(found), tuple(shown.values())), []


def _require_alike(file: PictureFile, files: dict[Path, bytes]) -> None:
    if files.setdefault(file.path.resolve(), file.fresh) != file.fresh:
        raise ValueError(f"another marker draws a different {file.path}: choose another file=NAME.svg")
