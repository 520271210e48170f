"""The list of environments: its columns, its order, and lines that fit a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from environments.model.fields.labels import labels_text
from environments.presentation.cells import cut, padded, width_of
from environments.presentation.text import ago, until, when
from environments.selection import FAILED, INTERRUPTED, UNDER_WAY
from environments.system.control_codes import strip_control_codes

if TYPE_CHECKING:
    from environments.presentation.text import Style

Document: TypeAlias = Mapping[str, Any]  # Any: JSON, of `summary_document`

UNREADABLE: Final = "unreadable"
LABEL: Final = "label:"
"""The beginning of the column of a label, as in `label:team`."""

# Signs that take one column in every terminal, also where ambiguous characters take two.
_SIGNS = {
    "running": ("✓", "green"),
    UNDER_WAY: (">", "cyan"),
    FAILED: ("✗", "red"),
    INTERRUPTED: ("!", "yellow"),
    UNREADABLE: ("?", "red"),
    "destroyed": ("-", "dim"),
}
_AT_REST = ("◦", "plain")
_ATTENTION = (FAILED, INTERRUPTED, UNREADABLE)
_GAP = 2
_SHORT_RELEASE = 7
_LEAST_NOTE = 20
_USUAL_NAME = 24  # where space is short, a longer name moves the rest of its own line only


class _Column(NamedTuple):
    cell: Callable[[Document, datetime], str]
    key: Callable[[Document], Any] | None = None  # Any: what a column is sorted by


def _moment(key: str) -> Callable[[Document], datetime]:
    return lambda document: datetime.fromisoformat(document[key])


def _newest_first(key: str) -> Callable[[Document], timedelta]:
    return lambda document: _EPOCH - datetime.fromisoformat(document[key])


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
COLUMNS: Final[dict[str, _Column]] = {
    "state": _Column(lambda each, _now: f"{_sign(each)[0]} {each['state']}", lambda each: _rank(each)),
    "name": _Column(lambda each, _now: each["name"], lambda each: each["name"]),
    "age": _Column(lambda each, now: short_age(each["created_at"], now), _newest_first("created_at")),
    "release": _Column(lambda each, _now: each["serving"] or each["release"] or "-"),
    "note": _Column(lambda each, now: _note(each, now)),
    "provider": _Column(lambda each, _now: each["provider"]),
    "url": _Column(lambda each, _now: (each["serving"] and each["url"]) or "-"),
    "since": _Column(lambda each, _now: when(_moment("since")(each)), _newest_first("since")),
    "updated": _Column(
        lambda each, now: ago(_moment("updated_at")(each), now), _newest_first("updated_at")
    ),
    "expires": _Column(
        lambda each, now: expiry_text(each["expires_at"], now) or "-",
        lambda each: each["expires_at"] and _moment("expires_at")(each),
    ),
    "labels": _Column(lambda each, _now: labels_text(each["labels"]) or "-"),
    "revision": _Column(lambda each, _now: str(each["revision"]), lambda each: each["revision"]),
}
"""The columns by name, in the order in which they are described."""

DEFAULT_COLUMNS: Final = ("state", "name", "age", "release", "note")
_FLEXIBLE = ("note", "url", "labels")
_DROPPED = ("release", "age")


def column_of(name: str) -> _Column:
    """Return a column by its name, of those in `COLUMNS` or `label:KEY`."""
    if not name.startswith(LABEL):
        return COLUMNS[name]
    key = name.removeprefix(LABEL)
    return _Column(lambda each, _now: each["labels"].get(key, "-"), lambda each: each["labels"].get(key))


def ordered(documents: Iterable[Document], sort: str, group_by: str | None = None) -> list[Document]:
    """Return documents sorted by a column, backwards with a `-` before its name; no value comes last."""
    column = column_of(sort.removeprefix("-"))
    key = column.key or (lambda each: column.cell(each, _EPOCH))
    known: list[Document] = []
    missing: list[Document] = []
    for each in documents:
        (missing if key(each) in (None, "-") else known).append(each)
    known.sort(key=key, reverse=sort.startswith("-"))
    found = known + missing
    if group_by is not None:
        found.sort(key=lambda each: (group_by not in each["labels"], each["labels"].get(group_by, "")))
    return found


def list_lines(
    documents: Sequence[Document],
    unreadable: Sequence[tuple[str, str]],
    columns: Sequence[str],
    style: Style,
    *,
    now: datetime,
    width: int | None = None,
    group_by: str | None = None,
) -> list[str]:
    """Return a heading and a line for each environment, with the reason where it can't be read.

    Args:
        documents: The environments that can be read, in the order of their lines.
        unreadable: The names of the others, and the reasons.
        columns: The names of the columns.
        style: Colours a text.
        now: The time that ages are counted to.
        width: The columns of the terminal, to which lines are cut; by default, nothing is cut.
        group_by: The label by which the documents are grouped.
    """
    # Names and messages come from files: a control code in them could act on the terminal.
    cells = [column_of(name).cell for name in columns]
    rows = [[_clean(cell(each, now)) for cell in cells] for each in documents]
    rows += [[_clean(cell) for cell in _unreadable_row(columns, *each)] for each in unreadable]
    names, rows, widths = _fitted(list(columns), [[name.upper() for name in columns], *rows], width)
    colours = [_sign(each)[1] for each in documents] + ["red"] * len(unreadable)
    heading, *lines = [
        _line(row, widths, names, colour, style, width)
        for row, colour in zip(rows, ["plain", *colours], strict=True)
    ]
    if group_by is None:
        return [heading, *lines]
    return [heading, *_grouped(documents, unreadable, lines, group_by)]


def counts_text(classes: Iterable[str], total: int) -> str:
    """Return how many environments there are of each class, and of how many they are a selection."""
    counts = Counter(classes)
    shown = counts.total()
    last = (UNDER_WAY, FAILED, INTERRUPTED, UNREADABLE, "destroyed")
    order = sorted(
        counts, key=lambda each: (each != "running", last.index(each) if each in last else -1, each)
    )
    parts = ", ".join(f"{counts[each]} {each.replace('-', ' ')}" for each in order)
    return f"{shown}{f' of {total}' if shown != total else ''}{f': {parts}' if parts else ''}"


def short_age(moment: str, now: datetime) -> str:
    """Return how long ago a moment was, in the largest unit of which at least two passed, such as `5d`."""
    passed = (now - datetime.fromisoformat(moment)).total_seconds()
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if passed >= 2 * length:
            return f"{int(passed // length)}{unit}"
    return f"{max(0, int(passed))}s"


def expiry_text(moment: str | None, now: datetime) -> str:
    """Return when an environment expires or expired, or an empty string."""
    if moment is None:
        return ""
    at = datetime.fromisoformat(moment)
    return f"expired {ago(at, now)}" if at <= now else f"expires {until(at, now)}"


def _note(document: Document, now: datetime) -> str:
    """Return a note: the command under way, the trouble, or the address; and the expiry."""
    url = (document["serving"] and document["url"]) or ""
    expiry = expiry_text(document["expires_at"], now) if document["state"] != "destroyed" else ""
    if document["note"]:
        parts = (document["note"], expiry)
    else:
        parts = (expiry, url) if expiry.startswith("expired") else (url, expiry)
    return ", ".join(part for part in parts if part)


def _sign(document: Document) -> tuple[str, str]:
    return _SIGNS.get(document["class"], _AT_REST)


def _rank(document: Document) -> tuple[bool, bool, bool, str]:
    """Sort by urgency: what needs attention comes first, what is destroyed last."""
    found = document["class"]
    return found == "destroyed", found not in _ATTENTION, found != UNDER_WAY, document["state"]


def _unreadable_row(columns: Sequence[str], name: str, reason: str) -> Iterator[str]:
    said = {"state": f"{_SIGNS[UNREADABLE][0]} {UNREADABLE}", "name": name, "note": reason}
    return (said.get(column, "?") for column in columns)


def _clean(text: str) -> str:
    return strip_control_codes(text).replace("\n", " ")


def _line(
    row: Sequence[str],
    widths: Sequence[int],
    names: Sequence[str],
    colour: str,
    style: Style,
    limit: int | None,
) -> str:
    """Return a line; a name that is wider than its column moves the cells after it."""
    cells = [padded(cell, width) for cell, width in zip(row, widths, strict=True)]
    if limit is not None:
        cells = _within(limit, cells, names)
    cells[-1] = cells[-1].rstrip()
    if colour != "plain" and "state" in names[: len(cells)]:
        place = names.index("state")
        cells[place] = style(cells[place], colour)
    return (" " * _GAP).join(cells).rstrip()


def _within(limit: int, cells: list[str], names: Sequence[str]) -> list[str]:
    """Return the cells of a line that fit; of all things, the name has to."""

    def room() -> int:
        return limit - _total([width_of(cell) for cell in cells])

    if names[-1] in _FLEXIBLE:
        last = cells[-1].rstrip()
        cells[-1] = cut(last, room() + width_of(cells[-1]))
    while room() < 0 and names[len(cells) - 1] not in ("state", "name"):
        cells.pop()
    if room() < 0 and "state" in names[: len(cells)]:
        cells[names.index("state")] = cells[names.index("state")][:1]
    return cells


def _grouped(
    documents: Sequence[Document], unreadable: Sequence[object], lines: Sequence[str], label: str
) -> Iterator[str]:
    groups = [_group(each, label) for each in documents] + [UNREADABLE] * len(unreadable)
    counts = Counter(groups)
    before = None
    for group, line in zip(groups, lines, strict=True):
        if group != before:
            yield ""
            yield f"{group} ({counts[group]})"
        before = group
        yield line


def _group(document: Document, label: str) -> str:
    value = document["labels"].get(label)
    return f"without {label}" if value is None else f"{label}={_clean(value)}"


def _fitted(
    names: list[str], rows: list[list[str]], limit: int | None
) -> tuple[list[str], list[list[str]], list[int]]:
    """Return the columns that fit, with what is long in them shortened, and their widths."""
    widths = _widths(names, rows)
    if limit is None or _total(widths) <= limit:
        return names, rows, widths
    if "release" in names:
        place = names.index("release")
        rows = [[*row[:place], row[place][:_SHORT_RELEASE], *row[place + 1 :]] for row in rows]
    if "name" in names:
        widths = _widths(names, rows, _USUAL_NAME)
    if tuple(names) == DEFAULT_COLUMNS:
        least = min(_LEAST_NOTE, widths[-1])
        for dropped in _DROPPED:
            if _total(widths) - widths[-1] + least > limit:
                names, rows = _without(names, rows, names.index(dropped))
                widths = _widths(names, rows, _USUAL_NAME)
    rows = _cut(names, rows, widths, limit)
    widths = _widths(names, rows, _USUAL_NAME)
    while len(names) > 1 and _total(widths) > limit:
        others = [place for place, name in enumerate(names) if name not in ("state", "name")]
        if not others:  # not even names and states fit: the sign of the state has to do
            place = names.index("state")
            rows = [[*row[:place], row[place][:1], *row[place + 1 :]] for row in rows]
            return names, rows, _widths(names, rows, _USUAL_NAME)
        names, rows = _without(names, rows, others[-1])
        widths = _widths(names, rows, _USUAL_NAME)
    return names, rows, widths


def _widths(names: Sequence[str], rows: Sequence[Sequence[str]], longest: int | None = None) -> list[int]:
    widths = [max(map(width_of, column)) for column in zip(*rows, strict=True)]
    if longest is not None and "name" in names:
        place = names.index("name")
        widths[place] = max(width for row in rows if (width := width_of(row[place])) <= longest)
    return widths


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)


def _without(
    names: Sequence[str], rows: Sequence[Sequence[str]], place: int
) -> tuple[list[str], list[list[str]]]:
    kept, *others = [[*row[:place], *row[place + 1 :]] for row in (names, *rows)]
    return kept, others


def _cut(names: Sequence[str], rows: list[list[str]], widths: Sequence[int], limit: int) -> list[list[str]]:
    """Cut the columns of long texts so that lines fit, the widest the most."""
    flexible = sorted(
        (place for place, name in enumerate(names) if name in _FLEXIBLE), key=widths.__getitem__
    )
    room = limit - _GAP * (len(names) - 1)
    room -= sum(each for place, each in enumerate(widths) if place not in flexible)
    for number, place in enumerate(flexible):
        share = max(0, room // (len(flexible) - number))
        rows = [[*row[:place], cut(row[place], share), *row[place + 1 :]] for row in rows]
        room -= min(widths[place], share)
    return rows
