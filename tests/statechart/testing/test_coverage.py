"""Chart coverage: counted over all tests and workers, reported, and compared with a threshold."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import mermaidx
import pytest

from statechart import Chart, State
from statechart.formats.dot import dot
from statechart.testing.coverage.colouring import coloured
from statechart.testing.coverage.counting import Coverage
from statechart.testing.coverage.items import Covered
from statechart.testing.coverage.page import as_html

HALF = """
from shop import OrderChart

def test_paying(chart_driver):
    chart_driver(OrderChart).refuses("pay", amount=1).fire("pay", amount=7).refuses("ship")

def test_cancelling(chart_driver):
    chart_driver(OrderChart).fire("cancel").refuses("pay")
"""
WHOLE = """
import pytest
from shop import OrderChart

@pytest.mark.statechart_paths(OrderChart, cover="edges", payloads={"pay": {"amount": 7}})
def test_path(path):
    path.drive()

@pytest.mark.statechart_matrix(chart=OrderChart)
def test_cell(cell):
    cell.check()
"""


@pytest.fixture
def covered(shop: pytest.Pytester) -> Callable[..., pytest.RunResult]:
    def run(text: str, *options: str) -> pytest.RunResult:
        shop.makepyfile(test_orders=text)
        return shop.runpytest_inprocess("--chart-coverage", "-p", "no:cacheprovider", *options)

    return run


def numbers(result: pytest.RunResult) -> dict[str, tuple[int, int]]:
    found = re.findall(r"^  (\w+) +(\d+) of (\d+) +[\d.]+ %$", "\n".join(result.outlines), re.M)
    return {kind: (int(met), int(of)) for kind, met, of in found}


def test_covered_items_are_counted(covered: Callable[..., pytest.RunResult]) -> None:
    result = covered(HALF)

    assert numbers(result) == {
        "states": (3, 4),
        "transitions": (2, 5),
        "pairs": (0, 6),
        "guards": (3, 4),
        "refused": (1, 11),
    }
    result.stdout.fnmatch_lines(
        [
            "shop:OrderChart",
            "    not met: shipped",
            "    not met: paid --pack--> paid, paid --ship--> shipped, paid --cancel--> cancelled",
            "    not met: is_packed agrees",
        ]
    )


def test_cond_and_unless_ask_the_same_guard(covered: Callable[..., pytest.RunResult]) -> None:
    result = covered(
        """
        from statechart import Chart, State

        class Till(Chart):
            shut = State(initial=True)
            open_ = State("open", final=True)
            open = shut.to(open_, cond="has_key") | shut.to(shut, unless="has_key")

            def has_key(self, code):
                return code > 2

        def test_it(chart_driver):
            chart_driver(Till).fire("open", code=1).fire("open", code=3)
        """
    )

    assert numbers(result)["guards"] == (2, 2)


def test_paths_and_matrix_meet_everything_that_is_demanded(
    covered: Callable[..., pytest.RunResult],
) -> None:
    result = covered(WHOLE, "--chart-coverage-fail-under=100")

    assert result.ret == 0
    assert numbers(result)["transitions"] == (5, 5)
    assert numbers(result)["refused"] == (11, 11)


def test_below_the_threshold_the_run_fails_and_names_the_kind(
    covered: Callable[..., pytest.RunResult],
) -> None:
    result = covered(HALF, "--chart-coverage-fail-under=60.5")

    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "FAIL shop:OrderChart: 40 % of its transitions, and 60.5 % are required",
            "FAIL shop:OrderChart: 9 % of its refusals, and 60.5 % are required",
        ]
    )
    assert "of its states" not in result.stdout.str()


def test_a_threshold_that_is_met_does_not_hide_a_failure(covered: Callable[..., pytest.RunResult]) -> None:
    assert covered(f"{HALF}\ndef test_bad(): assert False", "--chart-coverage-fail-under=1").ret == 1


def test_a_run_without_charts_fails_a_threshold(covered: Callable[..., pytest.RunResult]) -> None:
    result = covered("def test_it(): pass", "--chart-coverage-fail-under=1")

    assert result.ret == 1
    result.stdout.fnmatch_lines(["FAIL no chart was touched by any test, and 1 % are required"])


SENSELESS = {
    "--chart-coverage-of=shop:*": "the chart coverage options need --chart-coverage",
    "--chart-coverage-fail-under=0": "the chart coverage options need --chart-coverage",
    "--chart-coverage-untouched": "the chart coverage options need --chart-coverage",
    "--chart-coverage-journals=.": "the chart coverage options need --chart-coverage",
    "--chart-coverage --chart-coverage-report=pdf": "there is no report 'pdf': use term, html, json, mermaid",
    "--chart-coverage --chart-coverage-fail-under=abc": "'abc' is not a percentage: give a number from 0 to 100",
    "--chart-coverage --chart-coverage-fail-under=101": "'101' is not a percentage: give a number from 0 to 100",
    "--chart-coverage --chart-coverage-fail-under=nan": "'nan' is not a percentage: give a number from 0 to 100",
    "--chart-coverage --chart-coverage-fail-under=": "'' is not a percentage: give a number from 0 to 100",
    "--chart-coverage --chart-coverage-fail-under=pairs:": "'pairs:' is not a percentage: give a number",
    "--chart-coverage --chart-coverage-fail-under=90,": "'' is not a percentage: give a number from 0 to 100",
    "--chart-coverage --chart-coverage-fail-under=90,transitons:5": "there is no measure 'transitons': did you mean transitions?",
    "--chart-coverage --chart-coverage-fail-under=x:5": "there is no measure 'x': use states, transitions, pairs, guards, refusals, history, timers, configurations, production, steps",
    "--chart-coverage --chart-coverage-fail-under=production:5": "a threshold of production needs journals",
    "--chart-coverage --chart-coverage-journals=nowhere": "'nowhere' is not a directory: give that of a store",
    "--chart-coverage --chart-coverage-journals=shop:Chart=nowhere": "'nowhere' is not a directory",
    "--chart-coverage --chart-coverage-journals=shop:OrderChart=": "'shop:OrderChart=' names no directory",
    "--chart-coverage --chart-coverage-journals=shop:OrderChart": "shop:OrderChart is a chart: add the place of its histories, as in shop:OrderChart=DIR",
    "--chart-coverage --chart-coverage-journals=shpo:orders": "there is no module shpo",
    "--chart-coverage --chart-coverage-journals=shop:orders": "shop has no orders",
    "--chart-coverage --chart-coverage-journals=shop:OderChart=.": "shop has no OderChart: did you mean shop:OrderChart?",
}


def test_options_that_make_no_sense_are_usage_errors(shop: pytest.Pytester) -> None:
    for options, said in SENSELESS.items():
        result = shop.runpytest_inprocess(*options.split(), "-p", "no:cacheprovider")

        assert (options, result.ret) == (options, pytest.ExitCode.USAGE_ERROR)
        assert said in result.stderr.str(), options


def test_each_measure_may_have_a_threshold_of_its_own(covered: Callable[..., pytest.RunResult]) -> None:
    under = "--chart-coverage-fail-under"
    options = (f"{under}=transitions:100,refusals:9", f"{under}=30", f"{under}=guards:80,pairs:0,steps:50")

    result = covered(HALF, *options)

    assert result.ret == 1
    failed = [line for line in result.outlines if line.startswith("FAIL")]
    assert failed == [
        "FAIL shop:OrderChart: 40 % of its transitions, and 100 % are required",
        "FAIL shop:OrderChart: 75 % of its guards, and 80 % are required",
        "FAIL no step was observed in any test, and 50 % are required",
    ]


UNTOUCHED = """
from statechart import Chart, State

class Refund(Chart):
    asked = State(initial=True)
    paid = State(final=True)
    pay = asked.to(paid)

def test_it():
    class Local(Chart):
        asked = State(initial=True)
        paid = State(final=True)
        pay = asked.to(paid)
"""


def test_charts_that_were_imported_and_never_touched_are_listed_and_counted_where_asked(
    covered: Callable[..., pytest.RunResult], shop: pytest.Pytester
) -> None:
    shop.makepyfile(refunds=UNTOUCHED.split("def test")[0])
    text = f"import refunds\n{UNTOUCHED.replace('Refund', 'Return')}{HALF}"
    reports = [f"--chart-coverage-report={kind}" for kind in ("term", "json", "html", "mermaid")]

    listed = covered(text, "--chart-coverage-fail-under=9", *reports)
    counted = covered(text, "--chart-coverage-fail-under=9", "--chart-coverage-untouched")
    chosen = covered(text, "--chart-coverage-of=shop:*")

    assert (listed.ret, counted.ret) == (0, 1)
    line = "imported, and touched by no test: refunds:Refund, test_orders:Return"
    assert line in listed.outlines
    for file, told in {"html": "<code>refunds:Refund</code>", "md": "- refunds:Refund\n"}.items():
        assert told in (shop.path / f"chart-coverage.{file}").read_text()
    said = json.loads((shop.path / "chart-coverage.json").read_text())
    assert said["untouched"] == ["refunds:Refund", "test_orders:Return"]
    assert "FAIL refunds:Refund: 0 % of its states, and 9 % are required" in counted.outlines
    assert "touched by no test" not in counted.stdout.str() + chosen.stdout.str()


def test_only_charts_that_are_asked_for_are_counted(covered: Callable[..., pytest.RunResult]) -> None:
    other = (
        "\nfrom environments.lifecycle import Lifecycle\ndef test_l(chart_driver): chart_driver(Lifecycle)"
    )
    text = f"{HALF}{other}.fire('provision')"

    assert "environments.lifecycle:Lifecycle" in covered(text).stdout.str()
    asked = covered(text, "--chart-coverage-of=shop:*").stdout.str()
    assert "environments.lifecycle" not in asked
    assert "shop:OrderChart" in asked


def test_the_workers_of_xdist_count_together(shop: pytest.Pytester, production: Path) -> None:
    shop.makepyfile(test_orders=WHOLE, test_refunds=UNTOUCHED)
    journals = f"--chart-coverage-journals={production}"
    options = (
        "--chart-coverage",
        "--chart-coverage-fail-under=100",
        "--chart-coverage-report=json",
        journals,
    )

    alone = shop.runpytest_subprocess(*options)
    by_itself = json.loads((shop.path / "chart-coverage.json").read_text())
    together = shop.runpytest_subprocess("-n", "2", *options)
    by_workers = json.loads((shop.path / "chart-coverage.json").read_text())

    assert (alone.ret, together.ret) == (0, 0)
    assert by_itself["charts"][0]["production"] == by_workers["charts"][0]["production"]
    assert by_itself["untouched"] == by_workers["untouched"] == ["test_refunds:Refund"]
    for kind in ("states", "transitions", "pairs", "guards", "refused"):
        mine, theirs = (said["charts"][0]["kinds"][kind] for said in (by_itself, by_workers))
        assert {item: sorted(tests) for item, tests in mine["tests"].items()} == theirs["tests"]


def test_every_report_can_be_had_at_once(
    covered: Callable[..., pytest.RunResult], shop: pytest.Pytester
) -> None:
    reports = [
        f"--chart-coverage-report={kind}" for kind in ("term", "html:out/page.html", "json", "mermaid:c.md")
    ]

    result = covered(HALF, *reports)

    assert numbers(result)["states"] == (3, 4)
    page = (shop.path / "out" / "page.html").read_text()
    assert "<li><code>test_orders.py::test_paying</code></li>" in page
    assert page.count('role="img"') == 2  # for wide and for narrow screens
    said = json.loads((shop.path / "chart-coverage.json").read_text())["charts"][0]
    assert said["kinds"]["transitions"]["tests"]["draft --pay--> paid"] == ["test_orders.py::test_paying"]
    assert said["percent"] == 9.0
    (drawn,) = re.findall(r"```mermaid\n(.*?)```", (shop.path / "c.md").read_text(), re.S)
    assert "    s_paid --> s_shipped : ship (no test) [is_packed]\n" in drawn
    assert "class s_draft,s_paid,s_cancelled visited" in drawn
    assert "pay (1 test)" in mermaidx.render(drawn).svg()


def test_a_report_that_can_not_be_written_fails_the_run(
    covered: Callable[..., pytest.RunResult], shop: pytest.Pytester
) -> None:
    (shop.path / "taken").write_text("")

    result = covered(HALF, "--chart-coverage-report=html:taken/page.html")

    assert result.ret == 1
    result.stdout.fnmatch_lines(["FAIL taken/page.html can't be written: *; name another file"])


def test_a_folded_transition_that_no_test_met_is_drawn(
    covered: Callable[..., pytest.RunResult], shop: pytest.Pytester
) -> None:
    text = """
from environments.lifecycle import Lifecycle
def test_l(chart_driver):
    chart_driver(Lifecycle).fire("destroy")
"""

    covered(text, "--chart-coverage-report=mermaid")

    drawn = (shop.path / "chart-coverage.md").read_text()
    assert "s_running --> s_destroyed : destroy (no test)" in drawn
    assert "s_created --> s_destroyed" not in drawn


def test_a_page_tells_tests_from_production_by_colour_and_dash() -> None:
    covered = Covered.of(Crossing)
    covered.meet("transitions", "green --stop--> red", "test_one")
    covered.meet("transitions", "red --pause--> green", "test_one")
    covered.meet_production({"green --stop--> red": 3, "red --go--> green": 2}, [])

    arrows = coloured(covered).arrows
    page = as_html(Coverage({"light": covered}))

    assert {arrow.names[0]: (arrow.kind, arrow.detail) for arrow in arrows} == {
        "Stop": ("taken", "1 test · 3x"),
        "Go": ("untested", "no test · 2x"),
        "Pause": ("unseen", "1 test · 0x"),
        "Wait": ("missed", "no test · 0x"),
    }
    ids = re.findall(r' id="(.*?)"', page)
    assert len(ids) == len(set(ids)) > 0
    assert not re.search(r"https?://(?!www\.w3\.org/)", page)
    legend = page[page.index('<ul class="legend">') :]
    assert re.findall(r'class="wire (\w+)".*?</svg>(.*?)</li>', legend[: legend.index("</ul>")]) == [
        ("taken", "tested, and seen in production"),
        ("untested", "seen in production, never tested"),
        ("unseen", "tested, never seen in production"),
        ("missed", "neither"),
    ]


class Crossing(Chart):
    green = State(initial=True)
    red = State()
    stop = green.to(red)
    go = red.to(green)
    pause = red.to(green)
    wait = red.to.itself()


class Light(Chart):
    green = State(initial=True)
    red = State()
    stop = green.to(red)
    go = red.to(green)
    cycle = stop | go


def test_a_transition_that_events_share_is_drawn_with_the_tests_of_each() -> None:
    covered = Covered.of(Light)
    covered.meet("transitions", "green --cycle--> red", "test_one")

    drawn = dot(coloured(covered))

    assert re.findall(r'label="(Stop.*?)", color="(.*?)"', drawn) == [("Stop, Cycle (1 test)", "#00796b")]
    assert re.findall(r'label="(Go.*?)", color="(.*?)"', drawn) == [("Go, Cycle (no test)", "#b71c1c")]


def test_steps_are_counted_by_how_they_end(covered: Callable[..., pytest.RunResult]) -> None:
    text = """
import asyncio
import pytest
from environments import CommandFailed, EnvironmentSpec
from environments.testing import ScriptedSpec

async def test_steps(envchart_workspace, scripted_provider):
    workspace = envchart_workspace
    workspace.create(EnvironmentSpec(name="demo", provider=ScriptedSpec()))
    scripted_provider.fails["second_provision"] = [OSError("no route")]
    with pytest.raises(CommandFailed):
        await workspace.provision("demo")
    await workspace.retry("demo")
    scripted_provider.hangs.add("first_configure")
    begun = asyncio.Event()
    scripted_provider.at_step = lambda _step, _context: begun.set()
    configuring = asyncio.create_task(workspace.configure("demo"))
    await begun.wait()
    configuring.cancel()
    with pytest.raises(asyncio.CancelledError):
        await configuring
"""

    covered(text, "--chart-coverage-fail-under=steps:50").stdout.fnmatch_lines(
        [
            "steps: done 2 of 3, failed 1 of 3, interrupted 1 of 3",
            "FAIL steps: 33.3 % were failed in a test, and 50 % are required",
        ]
    )
