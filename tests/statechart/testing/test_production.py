"""Chart coverage compared with the transitions that journals have seen."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import pytest

from statechart import JsonFileRepository, fire
from statechart.storage.segments.size import Segment
from statechart.storage.sql.repository import JsonSqlRepository
from statechart.testing.coverage.production import Journals
from tests.statechart.testing.conftest import Stored

TESTS = """
from shop import OrderChart

def test_paying(chart_driver):
    chart_driver(OrderChart).refuses("pay", amount=1).fire("pay", amount=7).refuses("ship")

def test_cancelling(chart_driver):
    chart_driver(OrderChart).fire("cancel").refuses("pay")
"""


def run(shop: pytest.Pytester, *options: str, text: str = TESTS) -> pytest.RunResult:
    shop.makepyfile(test_orders=text)
    return shop.runpytest_inprocess("--chart-coverage", "-p", "no:cacheprovider", *options)


def test_production_is_compared_with_tests_in_all_reports(shop: pytest.Pytester, production: Path) -> None:
    reports = [f"--chart-coverage-report={kind}" for kind in ("term", "html", "json", "mermaid")]

    result = run(shop, f"--chart-coverage-journals={production}", *reports)

    assert result.ret == 0
    start = next(n for n, line in enumerate(result.outlines) if line.startswith("  production"))
    told = [line.replace(str(production), "ORDERS") for line in result.outlines[start : start + 7]]
    assert told[:5] == [
        "  production      1 of 2        50 %",
        "    seen in production, never tested: paid --pack--> paid (3 times)",
        "    tested, never seen in production: draft --cancel--> cancelled (1 test)",
        "    seen in production, no longer declared: paid --archive--> archived (1 time)",
        "    7 transitions of 4 names in ORDERS",
    ]
    assert told[5].startswith("    not read: A-3: the history of 'A-3' is damaged (ORDERS/A-3/")
    assert told[6].startswith(
        "    not read: notes: ORDERS/notes holds neither history.jsonl nor state.json"
    )
    said = json.loads((shop.path / "chart-coverage.json").read_text())["charts"][0]
    assert said["production"]["seen"] == {"draft --pay--> paid": 3, "paid --pack--> paid": 3}
    assert said["production"]["untested"] == ["paid --pack--> paid"]
    assert said["production"]["unseen"] == ["draft --cancel--> cancelled"]
    assert said["production"]["undeclared"] == {"paid --archive--> archived": 1}
    assert said["kinds"]["production"]["percent"] == 50
    page = (shop.path / "chart-coverage.html").read_text()
    assert "<td><code>paid --pack--&gt; paid</code></td><td>3 times</td>" in page
    assert "<summary>tested, never seen in production</summary>" in page
    drawn = (shop.path / "chart-coverage.md").read_text()
    assert "s_draft --> s_paid : pay (1 test, seen 3 times) [enough]" in drawn
    assert "s_draft --> s_cancelled : cancel (1 test, never seen)" in drawn
    assert "## Seen in production, no longer declared\n\n- paid" in drawn


def test_production_may_have_a_threshold(shop: pytest.Pytester, production: Path) -> None:
    journals = f"--chart-coverage-journals=shop:OrderChart={production}"

    result = run(shop, journals, "--chart-coverage-fail-under=production:60")
    met = run(shop, journals, "--chart-coverage-fail-under=production:50")
    foreign = run(
        shop,
        f"--chart-coverage-journals=test_orders:Till={production}",
        "--chart-coverage-fail-under=production:50",
        text=SEVERAL.replace("chart_driver(Order)", "pass"),
    )

    assert (result.ret, met.ret, foreign.ret) == (1, 0, 1)
    none = "FAIL test_orders:Till: no transition was seen in production, and 50 % are required"
    assert none in foreign.outlines
    failed = "FAIL shop:OrderChart: 50 % of its transitions seen in production, and 60 % are required"
    assert failed in result.outlines


SEVERAL = """
from statechart import Chart, State

class Till(Chart):
    shut = State(initial=True)
    open_ = State("open")
    open = shut.to(open_)
    close = open_.to(shut)

class Order(Chart):
    draft = State(initial=True)
    paid = State(final=True)
    pay = draft.to(paid)

def test_till(chart_driver):
    chart_driver(Till).follow("open", "close")

def test_order(chart_driver):
    chart_driver(Order)
"""


def test_journals_belong_to_the_one_chart_that_knows_them_or_are_asked_for(
    shop: pytest.Pytester, production: Path
) -> None:
    journals = f"--chart-coverage-journals={production}"

    found = run(shop, journals, text=TESTS + SEVERAL.replace("chart_driver(Order)", "pass"))
    unclear = run(shop, journals, text=TESTS + SEVERAL.replace("(Order)", "(Order).fire('pay')"))
    nothing = run(shop, journals, text="def test_it(): pass")
    single = run(shop, f"--chart-coverage-journals={production}/A-1", text=TESTS)
    (shop.path / "empty").mkdir()
    empty = run(shop, "--chart-coverage-journals=empty", text=TESTS)
    above = run(shop, f"--chart-coverage-journals={production.parent}", text=TESTS)

    assert (found.ret, unclear.ret, nothing.ret, single.ret, empty.ret, above.ret) == (0, 1, 1, 0, 1, 1)
    advice = "name the directory or database of a store, or the data directory of environments"
    assert f"FAIL there are no journals in empty: {advice}" in empty.outlines
    assert f"can be read: orders: {production} holds neither history.jsonl nor state.json" in (
        above.stdout.str()
    )
    assert "  production      1 of 2        50 %" in found.outlines
    text = unclear.stdout.str()
    assert "belong to an unknown chart, as shop:OrderChart, test_orders:Order may be meant: name it" in text
    assert "--chart-coverage-journals=shop:OrderChart=" in text
    assert "as no chart is counted: name it" in nothing.stdout.str()
    assert any(line.startswith("    2 transitions of 1 name in") for line in single.outlines)


def test_a_chart_that_only_its_journals_name_is_counted(shop: pytest.Pytester, production: Path) -> None:
    # Without imports in the tests, the plugin imports the chart itself.
    options = (f"--chart-coverage-journals=shop:OrderChart={production}", "--chart-coverage-of=other:*")

    result = run(shop, *options, text="def test_it(): pass")

    assert result.ret == 0
    assert "  production      0 of 2         0 %" in result.outlines


def test_all_segments_are_read_back_to_one_that_is_not_there(
    tmp_path: Path, shop_module: ModuleType
) -> None:
    chart = shop_module.OrderChart
    orders = JsonFileRepository(tmp_path, Stored, segment=Segment(records=4))
    orders.create("A-1", Stored())
    with orders.open("A-1") as session:
        for event, payload in [("pay", {"amount": 7}), *[("pack", {})] * 9]:
            fire(session, chart, chart.event(event), **payload)
    orders.compress("A-1")

    whole = Journals(tmp_path).taken()
    first, *_ = orders.segments("A-1")
    first.path.unlink()
    later = Journals(tmp_path).taken()

    assert whole.transitions == {"draft --pay--> paid": 1, "paid --pack--> paid": 9}
    assert whole.unread == []
    assert later.names == 1
    assert later.transitions == {"paid --pack--> paid": 10 - (first.last_seq - 1)}
    assert later.unread[0].startswith(f"records up to {first.last_seq} of A-1: ")


def test_a_repository_reads_its_journals_with_their_migrations(
    shop: pytest.Pytester, production: Path
) -> None:
    shop.makepyfile(
        sales=f"""
        from pydantic import BaseModel
        from shop import OrderChart
        from statechart import ChartRepository
        from statechart.stored.migrations import rename_state

        class Sold(BaseModel):
            state: str = "draft"
            packed: bool = False

        orders = ChartRepository(
            {str(production)!r}, OrderChart, model=Sold, schema_version=4,
            migrations={{3: rename_state("archived", "paid")}},
        )
        """
    )

    result = run(shop, "--chart-coverage-journals=sales:orders")

    typo = run(shop, "--chart-coverage-journals=sales:order")

    assert result.ret == 0
    gone = "    seen in production, no longer declared: paid --archive--> paid (1 time)"
    assert gone in result.outlines
    assert "; its repositories are sales:orders" in typo.stderr.str()


def test_a_database_tells_what_its_histories_have_seen(
    shop: pytest.Pytester, tmp_path: Path, shop_module: ModuleType
) -> None:
    url = f"sqlite:///{tmp_path}/orders.db?collection=orders"
    chart = shop_module.OrderChart
    orders = JsonSqlRepository(url, Stored, schema_version=3)
    orders.create("A-1", Stored())
    with orders.open("A-1") as session:
        fire(session, chart, chart.event("pay"), amount=7)

    result = run(shop, f"--chart-coverage-journals=shop:OrderChart={url}")
    missing = run(shop, "--chart-coverage-journals=postgresql://ann:secret@127.0.0.1:1/orders")
    wrong = run(shop, "--chart-coverage-journals=mysql://ann:secret@db/orders")

    assert f"    1 transition of 1 name in {url}" in result.outlines
    assert (result.ret, missing.ret, wrong.ret) == (0, 1, pytest.ExitCode.USAGE_ERROR)
    assert "postgresql://ann@127.0.0.1:1/orders can't be reached" in missing.stdout.str()
    assert "mysql is not supported" in wrong.stderr.str()
    assert "secret" not in missing.stdout.str() + wrong.stderr.str()
