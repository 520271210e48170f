"""A walk through a chart, typed into a pipe, and the test that it becomes."""

from __future__ import annotations

import io
import runpy
from pathlib import Path
from typing import Any

import pytest

from statechart.cli.app import main
from statechart.cli.commands import simulate
from tests.statechart.cli.conftest import ORDERS, SHOP

LIFECYCLE = "environments.lifecycle:Lifecycle"


@pytest.fixture
def walk(cli: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Types lines into `simulate`."""

    def walked(lines: str, *words: str | Path) -> Any:
        monkeypatch.setattr("sys.stdin", io.StringIO(lines.replace("; ", "\n") + "\n"))
        return cli("simulate", *words)

    return walked


def test_a_walk_becomes_a_test_that_passes(walk: Any, tmp_path: Path) -> None:
    lines = "ship; pay; 5; pay amount=7; undo; pay amount=7; ship; lose; quit"

    ran = walk(lines, ORDERS, "--set", "price=7", "--write", "test_walk.py")

    assert ran.code == 0
    assert "> pay\namount: Decimal = 5\nrefused: cannot pay in state draft: the amount is not" in ran.out
    assert ran.out.endswith("2 events, 3 refused: it is lost\n")
    written = (tmp_path / "test_walk.py").read_text()
    for line in (
        'driver = Driver(OrderChart, model=Order(price=Decimal("7")))',
        'driver.refuses("pay", amount=Decimal("5"))',
        'driver.fire("pay", amount=Decimal("7")).expect("paid")',
        'driver.fire("lose").expect("lost")',
    ):
        assert f"    {line}\n" in written
    runpy.run_path(str(tmp_path / "test_walk.py"))["test_walk"]()


def test_a_secret_is_left_out_of_the_test(walk: Any, tmp_path: Path) -> None:
    ran = walk("unlock code=1; unlock code=1234; :q", f"{SHOP}:SafeChart", "--write", "test_walk.py")

    assert ran.code == 0
    assert ran.out.endswith("> :q\n1 event, 1 refused: it is open\n")
    assert "note: unlock is left out: SecretStr can't be written as Python source" in ran.err
    written = (tmp_path / "test_walk.py").read_text()
    assert "1234" not in written
    assert 'driver = Driver(SafeChart, model=Door(state="open"))\n    driver.expect("open")' in written
    runpy.run_path(str(tmp_path / "test_walk.py"))["test_walk"]()


def test_the_chart_is_drawn_with_the_current_state_and_the_reasons(walk: Any) -> None:
    out = walk("pay amount=7; show", ORDERS, "--set", "price=7").out

    assert "║ ▶ Draft ║" in out
    assert "  2  pay   amount: Decimal\n" in out
    assert "║ ▶ Paid ║" in out
    assert "  ship  the order has no note\n" in out
    assert '> show\n  price  7\n  paid   7\n  note   ""\n' in out


def test_what_is_typed_wrong_is_said_and_changes_nothing(walk: Any) -> None:
    out = walk(
        "undo; pya; 9; pay amount=x; pay x; pay 'x; ; help; restart; lose; x", ORDERS, "--set", "price=7"
    ).out

    for said in (
        "there is nothing to undo",
        "error: there is no event 'pya': did you mean 'pay'?",
        "error: there is no event '9': help lists the commands",
        "error: amount: Decimal: 'x': Input should be a valid decimal",
        "error: 'x' is not of the form KEY=VALUE",
        "error: no closing quotation",
        "back at the beginning",
        "no event can follow: undo, restart or quit",
    ):
        assert f"{said}\n" in out
    assert out.endswith("1 event: it is lost\n")


def test_a_hook_that_raises_ends_only_its_event(walk: Any) -> None:
    out = walk("lose", ORDERS, "--set", "price=7", "--set", "note=broken").out

    assert "error: a hook raised ZeroDivisionError: broken; nothing was changed\n" in out
    assert out.endswith("0 events: it is draft\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((ORDERS,), "price: Field required"),
        ((ORDERS, "--set", "price"), "'price' is not of the form KEY=VALUE"),
        ((ORDERS, "--set", "price=7", "--write", "taken.py"), "taken.py exists, and is left as it is"),
        ((ORDERS, "--set", "price=7", "--write", "no/x.py"), "there is no directory no"),
        ((LIFECYCLE, "--set", "adoptd=true"), "Subject has no field 'adoptd': did you mean 'adopted'?"),
    ],
)
def test_a_walk_that_can_not_begin_is_refused(
    walk: Any, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    (tmp_path / "taken.py").write_text("mine")

    ran = walk("pay", *words)

    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert (tmp_path / "taken.py").read_text() == "mine"


@pytest.mark.parametrize("reference", [LIFECYCLE, f"{SHOP}:Bare", f"{SHOP}:DoorChart"])
def test_any_chart_can_be_walked(walk: Any, tmp_path: Path, reference: str) -> None:
    ran = walk("1; k; quit", reference, "--write", "test_walk.py", "--json")

    (step,) = ran.document["steps"]
    assert step["refused"] is None
    assert step["state"] == ran.document["state"]
    runpy.run_path(str(tmp_path / "test_walk.py"))["test_walk"]()


def test_a_file_is_walked_and_found_again_by_its_test(walk: Any, tmp_path: Path) -> None:
    (tmp_path / "doors").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "doors" / "walked_doors.py").write_text(
        "from statechart import Chart, State\n"
        "class Model:\n"
        "    def __init__(self, state=None, width=1):\n"
        "        self.state, self.width = state, width\n"
        "class Door(Chart):\n"
        "    shut = State(initial=True)\n"
        "    open = State(final=True)\n"
        "    push = shut.to(open)\n"
    )
    reference = "doors/walked_doors.py"

    ran = walk("push", f"{reference}:Door", "--model", f"{reference}:Model", "--set", "width=2",
               "--write", "tests/test_walk.py")  # fmt: skip

    assert ran.code == 0
    written = (tmp_path / "tests" / "test_walk.py").read_text()
    assert 'sys.path.insert(0, str(Path(__file__).parent / "../doors"))' in written
    assert "Driver(Door, model=Model(width=2))" in written or "Model(state=None, width=2)" in written
    runpy.run_path(str(tmp_path / "tests" / "test_walk.py"))["test_walk"]()


def test_ctrl_c_does_not_lose_the_walk(walk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(io.StringIO):
        def readline(self, *_size: Any) -> str:
            if line := super().readline():
                return line
            raise KeyboardInterrupt

    monkeypatch.setattr("sys.stdin", Interrupted("lose\n"))

    code = main(["simulate", ORDERS, "--set", "price=7", "--write", str(tmp_path / "test_walk.py")])

    assert code == 130
    runpy.run_path(str(tmp_path / "test_walk.py"))["test_walk"]()


def test_on_a_terminal_the_end_asks_for_a_file(
    walk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "taken.py").write_text("mine")
    answers = iter(["lose", "quit", "taken.py", "test_walk.py"])
    monkeypatch.setattr("builtins.input", lambda _prompt: next(answers))
    monkeypatch.setattr(simulate.Conversation, "is_typed", True)

    ran = walk("", ORDERS, "--set", "price=7")

    assert "error: taken.py exists, and is left as it is\n" in ran.out
    assert ran.err == "written to test_walk.py; run it with pytest test_walk.py\n"
    runpy.run_path(str(tmp_path / "test_walk.py"))["test_walk"]()
