"""The URLs of stores: read in one way only, and never shown with a password."""

from __future__ import annotations

import pytest

from statechart.storage.sql.errors import InvalidUrl
from statechart.storage.sql.urls import is_url, read_url, shown, without_passwords


@pytest.mark.parametrize(
    ("text", "where", "connect"),
    [
        ("postgresql://ann@h:5/db", "postgresql://ann@h:5/db", "postgresql+psycopg://ann@h:5/db"),
        ("postgres://ann:pw@h/db", "postgresql://ann@h/db", "postgresql+psycopg://ann:pw@h/db"),
        ("postgresql+psycopg://h/db", "postgresql://h/db", "postgresql+psycopg://h/db"),
        ("postgresql://", "postgresql://", "postgresql+psycopg://"),
        ("postgresql://a,b:5/db", "postgresql://a,b:5/db", "postgresql+psycopg://a,b:5/db"),
        ("postgresql://u:p%40%2F@[::1]:5/db", "postgresql://u@[::1]:5/db", "postgresql+psycopg://u:p%40%2F@[::1]:5/db"),
        ("postgresql:///db?host=/run&password=pw", "postgresql:///db?host=/run", "postgresql+psycopg:///db?host=/run&password=pw"),
        ("postgresql://h/db?sslpassword=pw&passfile=/p", "postgresql://h/db?passfile=/p", "postgresql+psycopg://h/db?sslpassword=pw&passfile=/p"),
        ("postgresql://h/db?collection=a", "postgresql://h/db?collection=a", "postgresql+psycopg://h/db"),
        ("postgresql://h/db\n", "postgresql://h/db", "postgresql+psycopg://h/db"),
        ("sqlite:///a b.db", "sqlite:///a b.db", "sqlite+pysqlite:///a b.db"),
        ("sqlite:////var/a.db?collection=x.y", "sqlite:////var/a.db?collection=x.y", "sqlite+pysqlite:////var/a.db"),
    ],
)  # fmt: skip
def test_a_url_is_shown_without_its_password(text: str, where: str, connect: str) -> None:
    read = read_url(text)

    assert (read.where, read.connect) == (where, connect)
    assert shown(text) == str(read) == where
    assert "pw" not in repr(read)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("mysql://u:pw@h/db", "mysql is not supported"),
        ("postgrsql://u:pw@h/db", r"did you mean postgresql://\?"),
        ("postgresql+asyncpg://u:pw@h/db", "leave out the driver 'asyncpg'"),
        ("postgresql:/u:pw@h/db", "write postgresql://"),
        ("postgresql://u:p@pw@h/db", "write @ as %40"),
        ("postgresql://u:p/pw@h/db", "write @ as %40"),
        ("postgresql://u:p#pw@h/db", "# as %23"),
        ("postgresql://u:p?pw@h/db", "%3F"),
        ("postgresql://u:1?a=pw@h/db", "%3F"),
        ("postgresql://u:pw@h:abc/db", "its port is not a number from 1 to 65535"),
        ("postgresql://u:pw@h:70000/db", "its port"),
        ("postgresql://u:pw@::1/db", "in brackets"),
        ("postgresql://u:pw@h/a/b", "more than one /"),
        ("postgresql://u:pw@h/db?sslmode", "KEY=VALUE"),
        ("postgresql://u:pw@h/db?collection=a&collection=b", "twice"),
        ("postgresql://u:pw@h/db?collection=/", "at most 100 letters"),
        ("postgresql://u:pw@h/d\0b", "control character"),
        ("sqlite://", "sqlite:///orders.db"),
        ("sqlite://a.db", "write sqlite:///a.db"),
        ("sqlite:///", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:///a.db?mode=ro", "takes no mode"),
    ],
)
def test_a_url_that_can_be_read_in_two_ways_or_not_at_all_is_refused(text: str, problem: str) -> None:
    with pytest.raises(InvalidUrl, match=problem) as caught:
        read_url(text)

    assert is_url(text)
    assert "pw" not in f"{caught.value} {caught.value!r} {shown(text)}"


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("sqlite://a.db", "sqlite:///a.db"),
        ("sqlite://", "sqlite:///orders.db"),
        ("sqlite:///", "sqlite:///orders.db"),
        ("sqlite:///a.db?mode=ro", "sqlite:///a.db"),
        ("mysql://h/db", "postgresql://USER@HOST/DATABASE"),
    ],
)
def test_a_refusal_has_a_url_to_begin_from(text: str, instead: str) -> None:
    with pytest.raises(InvalidUrl) as caught:
        read_url(text)

    assert caught.value.instead == instead


@pytest.mark.parametrize("text", ["", "orders", "/var/lib/orders", "./a:b", "C:orders", "data/sqlite:x"])
def test_a_directory_is_not_a_url(text: str) -> None:
    assert not is_url(text)
    assert shown(text) == text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("--store=postgresql://u:pw@h/db", "--store=postgresql://u:***@h/db"),
        (
            "connect to postgresql+psycopg://u:pw@x@h/db now",
            "connect to postgresql+psycopg://u:***@h/db now",
        ),
        ("postgresql:///db?password=pw&a=b", "postgresql:///db?password=***&a=b"),
        ("host=h password=pw user=u", "host=h password=*** user=u"),
        ("nothing to hide at http://host:80/", "nothing to hide at http://host:80/"),
    ],
)
def test_passwords_are_taken_out_of_any_text(text: str, left: str) -> None:
    assert without_passwords(text) == left
