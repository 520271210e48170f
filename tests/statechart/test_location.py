"""Locations of stores, as messages and commands show them."""

from pathlib import Path

import pytest

from statechart.location import is_url, without_password


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ann:secret@db:5432/orders", "postgresql://ann@db:5432/orders"),
        (
            "postgresql://ann:se%2Fcr:et@db/orders?sslmode=require",
            "postgresql://ann@db/orders?sslmode=require",
        ),
        ("postgresql://ann:p@ss@db/orders", "postgresql://ann@db/orders"),
        ("postgresql://ann:p/w@db/orders", "postgresql://ann@db/orders"),
        ("postgresql://ann@db/orders?password=secret", "postgresql://ann@db/orders"),
        ("postgresql://db/orders?password=secret&user=ann", "postgresql://db/orders?user=ann"),
        ("postgresql://db/orders?user=ann&password=secret", "postgresql://db/orders?user=ann"),
        ("postgresql://[::1]:5432/orders", "postgresql://[::1]:5432/orders"),
        ("postgresql:///orders", "postgresql:///orders"),
        ("sqlite:///shop:1/orders@home.db", "sqlite:///shop:1/orders@home.db"),
        ("sqlite:////srv/orders.db?collection=orders", "sqlite:////srv/orders.db?collection=orders"),
    ],
)
def test_a_password_is_never_shown(url, shown):
    assert without_password(url) == shown


def test_a_path_is_shown_as_it_is():
    assert without_password("orders/a:b@c?password=d") == "orders/a:b@c?password=d"


def test_a_url_is_told_from_a_path():
    assert is_url("sqlite:///orders.db")
    assert not is_url("./orders")
    assert not is_url(Path("/srv/orders"))
