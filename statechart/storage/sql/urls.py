"""The URLs of stores: read, checked and shown without a password, without any driver.

SQLAlchemy and libpq read a password with an unescaped `@` or `/` in ways of their own, by which a part of
the password becomes the host. Such URLs are refused here, and shown only as far as they are understood.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Final, Literal, NoReturn
from urllib.parse import parse_qsl, urlencode

from statechart.storage.sql.errors import DriverMissing, InvalidUrl
from statechart.wording import listed, nearest

Dialect = Literal["postgresql", "sqlite"]

_SCHEME = re.compile(r"\s*(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)", re.DOTALL)
_LIKE_A_URL = re.compile(
    r"\s*(?:postgres(?:ql)?|sqlite|mysql|mariadb)(?:\+[a-z0-9_]+)?:.*", re.DOTALL | re.I
)
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.%]+\]|[^\[\]:@,]*)(?::(?P<port>[^:@,]*))?")
_COLLECTION = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9._-]{0,99})?")
_SECRET = re.compile(r"pass(?!file)|secret|token", re.IGNORECASE)
_LOGIN = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://[^\s:/@'\"]*:)[^\s'\"]*@")
_ASSIGNED = re.compile(r"\b((?:ssl)?password=)[^\s&'\"]+")
_NO_TEXT = re.compile(r"[\x00-\x1f\x7f]")
_LAST_PORT = 65535
_DIALECTS: Final[dict[str, Dialect]] = {
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "postgresql+psycopg": "postgresql",
    "sqlite": "sqlite",
    "sqlite+pysqlite": "sqlite",
}
_DRIVERS: Final[dict[Dialect, str]] = {"postgresql": "postgresql+psycopg", "sqlite": "sqlite+pysqlite"}
_PACKAGES: Final[dict[Dialect, tuple[str, ...]]] = {
    "postgresql": ("sqlalchemy", "alembic", "psycopg"),
    "sqlite": ("sqlalchemy", "alembic"),
}
TCP: Final[dict[str, int]] = {
    "connect_timeout": 3,
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 2,
    "tcp_user_timeout": 8000,
}
"""The settings of connections to a server, where a URL has no other."""

_EXAMPLES = "write postgresql://USER@HOST/DATABASE or sqlite:///FILE"


@dataclass(frozen=True, slots=True)
class StoreUrl:
    """A URL that names a store.

    Attributes:
        dialect: The kind of database.
        where: The URL for messages, without passwords; a valid URL where the password is known otherwise.
        collection: The part of the database that the URL names, or None if it leaves that open.
        connect: The URL for SQLAlchemy, with the driver and the password.
        file: The file of a database of SQLite, else an empty string.
    """

    dialect: Dialect
    where: str
    collection: str | None
    connect: str = field(repr=False)
    file: str = ""

    def __str__(self) -> str:
        return self.where


def is_url(text: object) -> bool:
    """Return whether a place is meant as a URL, valid or not, and not as the path of a directory."""
    return isinstance(text, str) and any(form.fullmatch(text) for form in (_SCHEME, _LIKE_A_URL))


def shown(text: str) -> str:
    """Return a URL without a password, whether it is valid or not; of another text, the text."""
    if not is_url(text):
        return text
    try:
        return read_url(text).where
    except InvalidUrl as error:
        return error.where


def lasting(location: str | Path) -> str | Path:
    """Return a location that leads to the same store from any directory.

    Raises:
        InvalidUrl: It is a URL that can't be read.
    """
    if not isinstance(location, str) or not is_url(location):
        return Path(location).absolute()
    file = read_url(location).file
    return location.replace(f":///{file}", f":///{Path(file).absolute()}", 1) if file else location


def without_passwords(text: str) -> str:
    """Return a text, such as a traceback, with stars for the passwords of URLs and of settings."""
    return _ASSIGNED.sub(r"\1***", _LOGIN.sub(r"\1***@", text))


def read_url(text: str) -> StoreUrl:
    """Read the URL of a store.

    Raises:
        InvalidUrl: It can't be read, or names a database that is not supported.
    """
    matched = _SCHEME.fullmatch(text.rstrip())
    if matched is None:
        raise InvalidUrl("the text", _EXAMPLES)  # not the text: a password may be all of it
    scheme, rest = matched["scheme"].lower(), matched["rest"]
    dialect = _DIALECTS.get(scheme)
    if dialect is None:
        _refuse(scheme, _unsupported(scheme))
    if _NO_TEXT.search(rest):
        _refuse(scheme, "it contains a control character, perhaps a line break")
    place, mark, query = rest.partition("?")
    parameters = _read_query(scheme, query) if mark else []
    collection = _collection(scheme, parameters)
    others = [pair for pair in parameters if pair[0] != "collection"]
    if dialect == "sqlite":
        return _sqlite(place, collection, others)
    _check_server(scheme, place)
    return StoreUrl(
        dialect,
        _joined("postgresql", _without_password(place), _public(parameters)),
        collection,
        _joined(_DRIVERS[dialect], place, others),
    )


def require_driver(url: StoreUrl) -> None:
    """Check that the packages for a URL are installed.

    Raises:
        DriverMissing: One is not.
    """
    for package in _PACKAGES[url.dialect]:
        try:
            found = find_spec(package)
        except (ImportError, ValueError):
            found = None
        if found is None:
            raise DriverMissing(url.where, package)


def load_for(url: str, module: str) -> ModuleType:
    """Import a module that needs the packages of a URL, and return it.

    Raises:
        InvalidUrl: The URL can't be read, or names a database that is not supported.
        DriverMissing: The packages are not installed.
    """
    require_driver(read_url(url))
    return import_module(module)


def _refuse(scheme: str, problem: str) -> NoReturn:
    # Where a URL can't be read, no part of it is known to be without a password.
    raise InvalidUrl(f"{scheme}://…", problem)


def _refuse_file(problem: str, file: str = "orders.db") -> NoReturn:
    raise InvalidUrl("sqlite://…", problem, f"sqlite:///{file}")


def _unsupported(scheme: str) -> str:
    plain, plus, driver = scheme.partition("+")
    if plus and plain in ("postgresql", "postgres", "sqlite"):
        return f"leave out the driver {driver!r}: {_EXAMPLES}"
    near = nearest(scheme, ("postgresql", "sqlite"))
    meant = f"did you mean {near}://? " if near else f"{scheme} is not supported: "
    return f"{meant}{_EXAMPLES}"


def _read_query(scheme: str, query: str) -> list[tuple[str, str]]:
    if "@" in query:  # the question mark may belong to a password
        _refuse(scheme, "write ? as %3F in a user or password, and @ as %40 wherever it is no host's")
    try:
        return parse_qsl(query, keep_blank_values=True, strict_parsing=True) if query else []
    except ValueError:
        _refuse(scheme, "write what comes after ? as KEY=VALUE&KEY=VALUE, and ? in a password as %3F")


def _collection(scheme: str, parameters: Iterable[tuple[str, str]]) -> str | None:
    named = [value for key, value in parameters if key == "collection"]
    if len(named) > 1:
        _refuse(scheme, "collection is given twice")
    if named and _COLLECTION.fullmatch(named[0]) is None:
        _refuse(
            scheme,
            "a collection has at most 100 letters, digits, dots, dashes and underscores, and begins with "
            "a letter or a digit",
        )
    return named[0] if named else None


def _check_server(scheme: str, place: str) -> None:
    """Refuse an authority that is read in several ways; `place` is what stands before the `?`."""
    authority, slash, database = place.partition("/")
    if authority.count("@") > 1 or "@" in database or "#" in place:
        _refuse(
            scheme,
            "write @ as %40, / as %2F, ? as %3F and # as %23 in a user or password, or leave the password "
            "out: it is read from ~/.pgpass or PGPASSWORD",
        )
    if slash and "/" in database:
        _refuse(scheme, f"it has more than one / after the host: {_EXAMPLES}")
    for host in authority.rpartition("@")[2].split(","):
        matched = _HOST.fullmatch(host)
        if matched is None:
            _refuse(scheme, "its host can't be read; write an IPv6 address in brackets, as [::1]")
        port = matched["port"]
        if port and not (port.isascii() and port.isdigit() and 0 < int(port) <= _LAST_PORT):
            _refuse(scheme, f"its port is not a number from 1 to {_LAST_PORT}")


def _without_password(place: str) -> str:
    authority, slash, database = place.partition("/")
    login, at, host = authority.rpartition("@")
    return f"{login.partition(':')[0]}{at}{host}{slash}{database}"


def _public(parameters: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(key, value) for key, value in parameters if not _SECRET.search(key)]


def _joined(scheme: str, place: str, parameters: Iterable[tuple[str, str]]) -> str:
    query = urlencode(list(parameters), safe="/")
    return f"{scheme}://{place}{'?' if query else ''}{query}"


def _sqlite(place: str, collection: str | None, others: list[tuple[str, str]]) -> StoreUrl:
    file = place.removeprefix("/")
    if not place.startswith("/"):
        meant = place or "orders.db"
        _refuse_file(f"a file comes after three slashes: write sqlite:///{meant}", meant)
    if not file or file == ":memory:" or file.startswith("file:"):
        _refuse_file("it names no file: write sqlite:///orders.db, or sqlite:////var/lib/orders.db")
    if others:
        _refuse_file(f"it takes no {listed(key for key, _ in others)}, only collection", file)
    parameters = [] if collection is None else [("collection", collection)]
    return StoreUrl(
        "sqlite",
        _joined("sqlite", place, parameters),
        collection,
        _joined(_DRIVERS["sqlite"], place, ()),
        file,
    )
