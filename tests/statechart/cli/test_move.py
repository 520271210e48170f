"""`move`: values brought to another store, and back."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from statechart import ChartRepository, MovedAway
from tests.cli.conftest import Cli
from tests.statechart.cli.conftest import ORDERS
from tests.statechart.cli.shop import Order, OrderChart


@pytest.fixture
def three(orders: ChartRepository[Order]) -> ChartRepository[Order]:
    for name in ("A-1", "A-2", "A-3"):
        orders.create(name, Order(price=Decimal(7)))
    orders.fire("A-1", OrderChart.pay, amount=Decimal(7))
    return orders


def content(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.glob("[!.]*/*")
        if path.name.startswith("history")
    }


def test_values_move_to_a_database_and_back_byte_for_byte(
    cli: Cli, three: ChartRepository[Order], tmp_path: Path, any_blank_url: str
) -> None:
    before = content(tmp_path / "orders")
    assert len(before) == 3

    there = cli("move", ORDERS, "--all", "--to", any_blank_url)
    back = cli("move", ORDERS, "--all", "--to", "orders", "--store", any_blank_url, "--remove")

    assert (there.code, back.code, there.err, back.err) == (0, 0, "", "")
    assert f"A-1 is moved: 2 records in {any_blank_url}, verified\n" in there.out
    assert f"A-3 is moved: 1 record in {tmp_path}/orders, verified\n" in back.out
    assert content(tmp_path / "orders") == before
    assert cli("verify", ORDERS).code == 0


def test_a_value_that_was_moved_is_found_by_the_command_that_is_told(
    cli: Cli, three: ChartRepository[Order], tmp_path: Path
) -> None:
    assert cli("move", ORDERS, "A-1", "--to", "sqlite:///shop.db").code == 0

    gone = cli("fire", ORDERS, "A-1", "lose")
    again = cli("move", ORDERS, "A-1", "--to", "sqlite:///shop.db")

    to = f"sqlite:///{tmp_path}/shop.db"
    assert (gone.code, again.code) == (3, 3)
    for each in (gone, again):
        assert f"it was moved to {to}" in each.err
        assert f"next: python -m statechart show {ORDERS} A-1 --store {to}\n" in each.err
    assert cli("show", ORDERS, "A-1", "--store", to).code == 0


def test_nothing_is_moved_if_a_value_can_t_be(
    cli: Cli, three: ChartRepository[Order], tmp_path: Path
) -> None:
    with three.open("A-2", command="work"):
        refused = cli("move", ORDERS, "--all", "--to", "sqlite:///shop.db")
        planned = cli("move", ORDERS, "--all", "--to", "sqlite:///shop.db", "--dry-run", "--json")
        assert three.names() == ["A-1", "A-2", "A-3"]
        skipped = cli("move", ORDERS, "--all", "--skip", "--to", "sqlite:///shop.db")
    held = three.names()

    assert (refused.code, planned.code, skipped.code) == (2, 0, 0)
    assert "A-2: 'A-2' is locked: work" in refused.err
    assert "1 value of 3 can't be moved, so none was" in refused.err
    assert f"move {ORDERS} --all --skip --to sqlite:///shop.db" in refused.err
    told = json.loads(planned.out)
    assert [each["name"] for each in told["values"]] == ["A-1", "A-3"]
    assert told["staying"] == [{"name": "A-2", "error": "locked"}]
    assert held == ["A-2"]


def test_a_held_value_can_be_waited_for(cli: Cli, three: ChartRepository[Order]) -> None:
    with three.open("A-2"):
        held = cli("move", ORDERS, "A-2", "--to", "sqlite:///shop.db")
        waited = cli("move", ORDERS, "A-2", "--to", "sqlite:///shop.db", "--lock-timeout", "0.1")

    assert (held.code, waited.code) == (5, 5)
    assert "--lock-timeout" in held.err
    assert cli("move", ORDERS, "A-2", "--to", "sqlite:///shop.db").code == 0


def test_a_name_that_is_taken_there_stays_here(
    cli: Cli, three: ChartRepository[Order], tmp_path: Path
) -> None:
    ChartRepository("sqlite:///shop.db", OrderChart).create("A-1", Order(price=Decimal(1)))

    ran = cli("move", ORDERS, "A-1", "--to", "sqlite:///shop.db")

    assert ran.code == 5
    assert f"show {ORDERS} A-1 --store sqlite:///{tmp_path}/shop.db" in ran.err
    assert three.load("A-1").price == 7


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--to", "sqlite:///shop.db"], "give either names or --all"),
        (["A-1", "--all", "--to", "sqlite:///shop.db"], "give either names or --all"),
        (["A-1"], "--to"),
        (["A-1", "--to", "orders"], "is the store that the values are in already"),
        (["--all", "--to", "mysql://ann:pw@h/d"], "mysql is not supported"),
    ],
)
def test_words_that_make_no_sense_are_refused(
    cli: Cli, three: ChartRepository[Order], words: list[str], told: str
) -> None:
    ran = cli("move", ORDERS, *words)

    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err
    assert "pw" not in ran.err
    assert len(three.names()) == 3


def test_no_values_are_told_as_such(cli: Cli, tmp_path: Path) -> None:
    assert cli("move", ORDERS, "--all", "--to", "sqlite:///shop.db").out == "no value was moved\n"
    assert "no value" in cli("move", ORDERS, "--all", "--to", "sqlite:///shop.db", "--dry-run").out
    assert not (tmp_path / "shop.db").exists()


def test_a_repository_is_moved_by_its_name(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "stall.py").write_text(
        "from statechart import ChartRepository\n"
        "from tests.statechart.cli.shop import OrderChart\n"
        'orders = ChartRepository("stall", OrderChart)\n'
    )
    ChartRepository("stall", OrderChart).create("A-1", Order(price=Decimal(7)))

    moved = cli("move", "stall.py:orders", "A-1", "--to", "sqlite:///shop.db", "--json")
    gone = cli("show", "stall.py:orders", "A-1")

    assert json.loads(moved.out)["values"][0]["records"] == 1
    assert "give stall.py:orders the store" in gone.err
    with pytest.raises(MovedAway):
        ChartRepository("stall", OrderChart).load("A-1")
