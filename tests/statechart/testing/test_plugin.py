"""The plugin in a user's project: markers, fixtures, scenarios, and its cost."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

ENOUGH = 'payloads={"pay": {"amount": 7}}'


def collected(result: pytest.RunResult) -> str:
    return "\n".join(result.outlines)


def test_a_marker_gives_a_test_its_paths(shop: pytest.Pytester) -> None:
    shop.makepyfile(
        f"""
        import pytest
        from shop import OrderChart

        @pytest.mark.statechart_paths(OrderChart, cover="edges", {ENOUGH})
        def test_path(path):
            path.drive()

        @pytest.mark.statechart_paths(OrderChart, "shortest", {ENOUGH})
        async def test_async_too(path):
            assert path.drive().state == path.states[-1]
        """
    )

    result = shop.runpytest_inprocess("-v")

    result.assert_outcomes(passed=6)
    result.stdout.fnmatch_lines(
        ["*test_path[[]pay>pack>ship[]]*", "*test_async_too[[]pay[]]*", "*test_async_too[[]cancel[]]*"]
    )


def test_a_marker_may_give_several_payloads(shop: pytest.Pytester) -> None:
    shop.makepyfile(
        """
        import pytest
        from shop import OrderChart

        PAYLOADS = {"pay": [{"amount": 1}, {"amount": 5}]}

        @pytest.mark.statechart_paths(OrderChart, "shortest", payloads=PAYLOADS)
        def test_path(path):
            assert path.drive().state == path.states[-1]

        @pytest.mark.statechart_matrix(chart=OrderChart, payloads=PAYLOADS)
        def test_cell(cell):
            cell.check()
            assert cell.event != "pay" or cell.allowed == (cell.state == "draft" and cell.number == 2)
        """
    )

    # Paid, shipped and cancelled are reached; and four states have four events, one of them with two payloads.
    shop.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=3 + 4 * 5)


def test_a_marker_gives_a_test_the_cells_of_the_matrix(shop: pytest.Pytester) -> None:
    shop.makepyfile(
        """
        import pytest
        from shop import OrderChart

        @pytest.mark.statechart_matrix(OrderChart)
        def test_cell(cell):
            cell.check()

        class TestOrders:
            pytestmark = [pytest.mark.statechart_matrix(chart=OrderChart)]

            def test_cell(self, cell):
                cell.check()
        """
    )

    shop.runpytest_inprocess("--strict-markers").assert_outcomes(passed=2 * 16)


def test_drivers_workspaces_and_clocks_are_fixtures_for_sync_and_async_tests(shop: pytest.Pytester) -> None:
    shop.makepyfile(
        """
        from datetime import timedelta

        import pytest
        from environments import CommandFailed, EnvironmentSpec, StepFailed
        from environments.testing import ScriptedSpec, in_child
        from shop import OrderChart

        def test_a_driver(chart_driver):
            chart_driver(OrderChart, state="paid", packed=True).fire("ship").expect("shipped")

        async def test_a_workspace(envchart_workspace, scripted_provider, envchart_fixed_clock):
            workspace, fixed_clock = envchart_workspace, envchart_fixed_clock
            created = workspace.create(EnvironmentSpec(name="demo", provider=ScriptedSpec()))
            scripted_provider.fails["second_provision"] = [StepFailed("network", "no route to host")]
            fixed_clock.move(timedelta(hours=1))
            with pytest.raises(CommandFailed, match="no route to host"):
                await workspace.provision(created)
            assert workspace.load("demo").since - created.since == timedelta(hours=1)
            scripted_provider.crashes.add("first_configure")
            await workspace.retry("demo")
            assert await in_child(workspace.configure("demo")) == -9
            assert workspace.load("demo").state.name == "configuring"
        """
    )

    shop.runpytest_inprocess().assert_outcomes(passed=2)


def test_fixtures_with_common_names_warn_and_give_way_to_those_of_a_project(shop: pytest.Pytester) -> None:
    shop.makepyfile(
        test_old="def test_old(workspace, envchart_workspace, fixed_clock, envchart_fixed_clock):\n"
        "    assert (workspace, fixed_clock) == (envchart_workspace, envchart_fixed_clock)",
        test_own="import pytest\n"
        "@pytest.fixture\ndef workspace(): return 7\n"
        "def test_own(workspace, envchart_workspace): assert workspace == 7",
    )

    result = shop.runpytest_inprocess("-p", "no:cacheprovider", "-W", "default")

    result.assert_outcomes(passed=2, warnings=2)
    place = "*test_old.py:1: DeprecationWarning: the fixture"
    result.stdout.fnmatch_lines(
        [
            f"{place} workspace of envchart is called envchart_workspace; workspace goes with the next release",
            f"{place} fixed_clock of envchart is called envchart_fixed_clock; *",
        ]
    )


FEATURE = """
Feature: orders
  Background:
    Given the chart "shop:OrderChart"

  Scenario: paying
    Given it is in state "draft"
    When "pay" is fired with amount 7
    Then the state is "paid"
    And "ship" is refused because "nothing is packed"
    And allowed is "cancel" and "pack"

  Scenario Outline: ending
    Given it is in state "<state>"
    And its packed is true
    When "<event>" is fired
    Then the state is "<end>"
    And "<event>" is refused
    And allowed is nothing

    Examples:
      | state | event  | end       |
      | paid  | ship   | shipped   |
      | draft | cancel | cancelled |
"""


def feature(shop: pytest.Pytester, text: str) -> pytest.RunResult:
    (shop.path / "orders.feature").write_text(text)
    shop.makepyfile('from pytest_bdd import scenarios\nscenarios("orders.feature")')
    return shop.runpytest_inprocess("-p", "no:cacheprovider")


def test_scenarios_run_in_given_when_then(shop: pytest.Pytester) -> None:
    feature(shop, FEATURE).assert_outcomes(passed=3)


def test_a_scenario_may_have_its_chart_from_the_configuration(shop: pytest.Pytester) -> None:
    ini = shop.path / "tox.ini"
    ini.write_text(ini.read_text().rstrip() + "\nstatechart = shop:OrderChart\n")

    feature(
        shop, FEATURE.split("Background")[0] + FEATURE[FEATURE.index("  Scenario: p") :]
    ).assert_outcomes(passed=3)


RULES = """
Feature: orders
  Background:
    Given the chart "shop:OrderChart"

  Rule: an order can be cancelled
    Scenario Outline: cancelling
      Given it is in state "<state>"
      When "cancel" is fired
      Then the state is "cancelled"

      Examples: before it is paid
        | state |
        | draft |

      Examples: after it is paid
        | state |
        | paid  |

  Rule: an order is paid once
    Example: paying
      When "pay" is fired with amount 7
      Then the state is "paid"
      And "pay" is refused
"""

FRENCH = """# language: fr
Fonctionnalité: commandes
  Contexte:
    Étant donné the chart "shop:OrderChart"

  Scénario: payer
    Étant donné que it is in state "draft"
    Quand "pay" is fired with amount 7
    Alors the state is "paid"
    Et "ship" is refused because "nothing is packed"

  Plan du scénario: finir
    Soit it is in state "<état>"
    Et que its packed is true
    Lorsque "<événement>" is fired
    Alors the state is "<fin>"

    Exemples:
      | état  | événement | fin       |
      | paid  | ship      | shipped   |
      | draft | cancel    | cancelled |
"""


@pytest.mark.parametrize("text", [RULES, FRENCH], ids=["rules and several examples", "French keywords"])
def test_a_feature_may_be_written_in_all_the_ways_of_gherkin(shop: pytest.Pytester, text: str) -> None:
    feature(shop, text).assert_outcomes(passed=3)


REFUSALS = """
import pytest
from hypothesis import settings
from pydantic import BaseModel
from shop import Order, OrderChart
from statechart import Chart, ChartRepository, Event, State
from statechart.testing import Driver, matrix, state_machine

class NeedsChart(Chart):
    a = State("a", initial=True, final=False)
    go = Event(a.to(a), name="go")

    def on_go(self, amount):
        pass

class Stored(BaseModel):
    state: str = "paid"
    packed: bool = False

@pytest.fixture
def orders(tmp_path):
    orders = ChartRepository(tmp_path / "orders", OrderChart, model=Stored)
    orders.create("A-1", Stored())
    return orders

def test_not_declared():
    OrderChart(Order("shipped")).fire(OrderChart.cancel)

def test_a_guard():
    OrderChart(Order("paid")).fire(OrderChart.ship)

def test_a_driver():
    Driver(OrderChart, state="paid").follow("ship")

def test_a_typo():
    Driver(OrderChart).fire("pya")

def test_a_fact():
    Driver(OrderChart, pakced=True)

def test_no_chart():
    Driver(Order)

def test_a_hook_assigns_an_unknown_field(orders):
    Driver(OrderChart, model=Stored(state="paid")).refuses("pack", typo=True)

def test_require():
    OrderChart(Order("paid")).require(OrderChart.ship)

def test_a_repository(orders):
    orders.fire("A-1", "ship")

async def test_a_repository_that_waits(orders):
    await orders.afire("A-1", "ship")

def test_a_session(orders):
    with orders.open("A-1") as order:
        order.fire("ship")

def test_a_hook():
    Driver(OrderChart, state="paid").fire("pack", jam=True)

class Machine(state_machine(OrderChart)):
    def fired(self, transition):
        self.driver.fire("pay")

def test_a_matrix_without_payloads():
    cells = {str(cell): cell for cell in matrix(NeedsChart)}
    cells["a-go"].check()

TestMachine = Machine.TestCase
TestMachine.settings = settings(TestMachine.settings, max_examples=5, database=None, derandomize=True)
"""


def test_a_refusal_in_a_test_is_shown_without_the_library(shop: pytest.Pytester) -> None:
    shop.makepyfile(test_orders=REFUSALS)
    usual = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")

    long, short, whole = (
        shop.runpytest_inprocess(*usual, *options)
        for options in (["--tb=long"], ["--tb=short"], ["--full-trace", "-k", "guard"])
    )

    for result, lines in ((long, 14), (short, 9)):
        failures = "\n".join(result.outlines).partition("short test summary")[0]
        assert not re.search(r"statechart/|statemachine/|direct cause", failures)
        each = re.split(r"^_+ [\w.]+ _+$", failures, flags=re.M)[1:]
        for shown in each[:-1]:  # Hypothesis has lines of its own in the last
            assert len([line for line in shown.splitlines() if line]) <= lines, shown
            assert re.search(r"^(test_orders|shop).py:\d+: ", shown, re.M), shown
        assert "as in payloads={'go': {'amount': ...}}" in failures
    assert "chart.py" in whole.stdout.str()


def test_a_failing_scenario_reports_the_actual_state(shop: pytest.Pytester) -> None:
    result = feature(shop, FEATURE.replace('"cancel" and "pack"', '"cancel"'))

    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(['orders.feature:11: And allowed is "cancel": allowed is pack, cancel'])
    result.stdout.no_fnmatch_line("*call_fixture_func*")


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        ('"draft"', '"darft"', "orders.feature:7: Given it is in state \"darft\": OrderChart has no state 'darft': did you mean 'draft'?"),
        ('"pay" is', '"pya" is', "orders.feature:8: When \"pya\" is fired with amount 7: OrderChart has no event 'pya': did you mean 'pay'?"),
        ('is "paid"', 'is "piad"', "orders.feature:9: Then the state is \"piad\": OrderChart has no state 'piad': did you mean 'paid'?"),
        ('"pack"', '"pakc"', "orders.feature:11: And allowed is \"cancel\" and \"pakc\": OrderChart has no event 'pakc': did you mean 'pack'?"),
        ("| ship  ", "| shpi  ", "orders.feature:16: When \"shpi\" is fired: OrderChart has no event 'shpi': did you mean 'ship'?"),
        ("shop:OrderChart", "shop:OderChart", "orders.feature:4: Given the chart \"shop:OderChart\": 'shop:OderChart': shop has no OderChart: did you mean shop:OrderChart?"),
        ("with amount 7", "with amount", "orders.feature:8: When \"pay\" is fired with amount: expected a payload like `NAME VALUE, NAME VALUE`, got 'amount'"),
    ],
)  # fmt: skip
def test_a_typo_in_a_scenario_fails_at_collection(
    shop: pytest.Pytester, wrong: str, right: str, said: str
) -> None:
    assert wrong in FEATURE

    result = feature(shop, FEATURE.replace(wrong, right))

    result.assert_outcomes(errors=1)
    assert said.rstrip("*") in collected(result)


def test_steps_without_a_chart_are_refused_with_advice(shop: pytest.Pytester) -> None:
    result = feature(shop, FEATURE.split("Background")[0] + FEATURE[FEATURE.index("  Scenario: p") :])

    result.assert_outcomes(failed=3)
    told = 'orders.feature:*: When "pay" is fired with amount 7: no chart is named: begin with Given the chart*'
    result.stdout.fnmatch_lines([told])


def test_scenarios_of_others_are_left_alone(shop: pytest.Pytester) -> None:
    (shop.path / "others.feature").write_text(
        'Feature: others\n  Scenario: theirs\n    Given a parcel\n    Then the state is "Ohio"\n'
    )
    shop.makepyfile(
        """
        from pytest_bdd import given, parsers, scenarios, then

        scenarios("others.feature")

        @given("a parcel", target_fixture="parcel")
        def parcel():
            return "Ohio"

        @then(parsers.parse('the state is "{state}"'))
        def lies_in(parcel, state):
            assert parcel == state
        """
    )

    shop.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("marker", "said"),
    [
        ("statechart_paths(chart=OrderChart)", "no path of OrderChart takes pay from draft to paid (enough: the amount is too small, with amount=0)"),
        ('statechart_paths(OrderChart, cover="egdes")', "there is no cover 'egdes': use edges, edge-pairs, shortest"),
        ('statechart_paths("shop:OrderChart")', "expected a chart's class, such as OrderChart, got 'shop:OrderChart'"),
        ("statechart_paths(cover='edges')", "the marker names no chart: add its class, as in statechart_paths(OrderChart)"),
        ("statechart_paths(OrderChart, wihtout=['pay'])", "there is no option 'wihtout': did you mean without?"),
        ("statechart_paths(OrderChart, without=['payy'])", "OrderChart has no event 'payy': did you mean 'pay'?"),
        ("statechart_matrix(chart=OrderChart)", "statechart_matrix gives the test a 'cell': add it to the test's"),
        ("statechart_paths(OrderChart)", "no path of OrderChart takes pay from draft to paid"),
        ("statechart_paths", "the marker names no chart: add its class, as in statechart_paths(OrderChart)"),
        ("statechart_paths(str)", "expected a chart's class, such as OrderChart, got <class 'str'>"),
        ("statechart_paths(OrderChart, without='pay')", "no path of OrderChart takes pack from paid to paid (paid is never reached)"),
        ("statechart_paths(OrderChart, model=3)", "expected a function that makes a model, as in model=lambda: int(...), got 3"),
        ("statechart_path(OrderChart)", "a marker of this test is misspelt: known are statechart_paths and statechart_matrix"),
        ("statechart_paths(OrderChart, model=lambda: 1 / 0)", "ZeroDivisionError: division by zero (test_orders.py:4)"),
        ("statechart_paths(OrderChart, payloads={'pay': [3]})", "the payload of pay is [3]: give keywords with values"),
        ("statechart_paths(OrderChart, payloads={'pay': 3})", "the payload of pay is 3: give keywords with values, as in"),
        ("statechart_paths(OrderChart, payloads={'pay': {'amuont': 3}})", "takes no payload 'amuont': did you mean 'amou"),
    ],
)  # fmt: skip
def test_a_marker_that_can_not_be_followed_fails_its_test_alone_with_its_place(
    shop: pytest.Pytester, marker: str, said: str
) -> None:
    shop.makepyfile(
        test_orders=f"""
        import pytest
        from shop import OrderChart

        @pytest.mark.{marker}
        def test_it(path):
            path.drive()

        def test_another():
            pass
        """
    )

    result = shop.runpytest_inprocess("-W", "ignore::pytest.PytestUnknownMarkWarning")

    misspelt = "statechart_path(" in marker  # the test has been replaced by one that fails
    result.assert_outcomes(errors=not misspelt, failed=misspelt, passed=1)
    assert said in collected(result)
    assert "test_orders.py" in collected(result)


def test_a_marker_in_a_testcase_of_unittest_is_refused_with_advice(shop: pytest.Pytester) -> None:
    shop.makepyfile(
        """
        import unittest
        import pytest
        from shop import OrderChart

        class TestOrders(unittest.TestCase):
            @pytest.mark.statechart_matrix(OrderChart)
            def test_it(self, cell):
                cell.check()
        """
    )

    result = shop.runpytest_inprocess("-p", "no:cacheprovider")

    assert "takes no parameters: move the test into a function or a plain class" in collected(result)


def test_a_run_that_does_not_use_the_plugins_imports_only_them(shop: pytest.Pytester) -> None:
    shop.makepyfile(
        """
        import sys

        def test_nothing_was_imported():
            ours = {name for name in sys.modules if name.split(".")[0] in ("statechart", "environments")}
            plugins = {"statechart.pytest_plugin", "environments.pytest_plugin"}
            assert ours == {"statechart", "statechart.lazy", "environments", *plugins}
            assert not {"statemachine", "pydantic", "loguru", "hypothesis.stateful"} & set(sys.modules)
        """
    )

    result = shop.runpytest_subprocess("-p", "no:bdd", "-p", "no:pytest-bdd", "-p", "no:hypothesispytest")

    result.assert_outcomes(passed=1)


def test_no_line_that_is_run_on_import_is_hidden_from_coverage(shop: pytest.Pytester) -> None:
    shop.makepyfile(
        "from shop import OrderChart\n"
        "def test_it(chart_driver): "
        "chart_driver(OrderChart).fire('cancel').expect('cancelled').expect_active('cancelled').refuses('pay')"
    )
    command = [
        sys.executable,
        "-m",
        "coverage",
        "run",
        "--source=shop,statechart.chart,statechart.testing.driver",
    ]

    subprocess.run([*command, "-m", "pytest", "-q"], cwd=shop.path, check=True, capture_output=True)
    told = subprocess.run(
        [sys.executable, "-m", "coverage", "report", "--format=total", "--include=*/driver.py,*/shop.py"],
        cwd=shop.path,
        check=True,
        capture_output=True,
        text=True,
    )
    missing = subprocess.run(
        [sys.executable, "-m", "coverage", "json", "-o", "-"],
        cwd=shop.path,
        check=True,
        capture_output=True,
        text=True,
    )

    assert int(told.stdout) > 50
    for line in ("class Chart(", "class Driver(", "class OrderChart("):
        assert not _missed(missing.stdout, shop, line), line


def _missed(report: str, shop: pytest.Pytester, text: str) -> bool:
    """Return whether a line that is run on import was not counted as run."""
    import json

    for name, file in json.loads(report)["files"].items():
        lines = (shop.path / name).read_text().splitlines()
        for number, line in enumerate(lines, 1):
            if line.startswith(text):
                return number in file["missing_lines"]
    raise AssertionError(f"no file has a line that begins with {text}")
