"""The list of environments: its columns, its order, and lines that fit a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from environments.model.fields.labels import labels_text
from environments.selection import FAILED, INTERRUPTED, UNDER_WAY
from statechart.terminal.table import Table, cleaned
from statechart.terminal.text import ago, until, when

if TYPE_CHECKING:
    from statechart.terminal.text import Style

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
    "actor": _Column(lambda each, _now: each["actor"] or "-", lambda each: each["actor"]),
    "drift": _Column(lambda each, now: _drift(each, now) or "-"),
    "revision": _Column(lambda each, _now: str(each["revision"]), lambda each: each["revision"]),
}
"""The columns by name, in the order in which they are described."""

DEFAULT_COLUMNS: Final = ("state", "name", "age", "release", "note")
_TABLE = Table(
    usual=DEFAULT_COLUMNS,
    flexible=("note", "url", "labels"),
    dropped=("release", "age"),
    short={"release": 7},
)


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
    rows = [[cleaned(cell(each, now)) for cell in cells] for each in documents]
    rows += [[cleaned(cell) for cell in _unreadable_row(columns, *each)] for each in unreadable]
    colours = [_sign(each)[1] for each in documents] + ["red"] * len(unreadable)
    heading, *lines = _TABLE.lines(columns, rows, colours, style, width)
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
    drift = document["drift"]
    if document["note"]:
        parts = (document["note"], expiry)
    elif drift and drift["current"] and drift["findings"]:
        parts = (_drift(document, now), expiry)
    else:
        parts = (expiry, url) if expiry.startswith("expired") else (url, expiry)
    return ", ".join(part for part in parts if part)


def _drift(document: Document, now: datetime) -> str:
    """Return the findings of the last look for drift, and its time."""
    drift = document["drift"]
    if drift is None:
        return ""
    words = [f"{each['kind'].replace('_', ' ')}: {each['what']}" for each in drift["findings"][:1]]
    more = f" and {len(drift['findings']) - 1} more" if len(drift["findings"]) > 1 else ""
    outdated = "" if drift["current"] else ", outdated"
    age = ago(datetime.fromisoformat(drift["at"]), now)
    return f"drift {age}{outdated}: {''.join(words) or 'none'}{more}"


def sign_of(kind: str) -> tuple[str, str]:
    """Return the sign of a class, and its colour."""
    return _SIGNS.get(kind, _AT_REST)


def _sign(document: Document) -> tuple[str, str]:
    return sign_of(document["class"])


def _rank(document: Document) -> tuple[bool, bool, bool, str]:
    """Sort by urgency: what needs attention comes first, what is destroyed last."""
    found = document["class"]
    return found == "destroyed", found not in _ATTENTION, found != UNDER_WAY, document["state"]


def _unreadable_row(columns: Sequence[str], name: str, reason: str) -> Iterator[str]:
    said = {"state": f"{_SIGNS[UNREADABLE][0]} {UNREADABLE}", "name": name, "note": reason}
    return (said.get(column, "?") for column in columns)


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
    return f"without {label}" if value is None else f"{label}={cleaned(value)}"
