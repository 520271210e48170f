"""`effects` lists what is due, runs it, and tells by its exit code whether something is left."""

from __future__ import annotations

import json

import pytest
from pydantic import BaseModel

from statechart import Chart, ChartRepository, State, effect
from statechart.cli.app import main


class Order(BaseModel, frozen=True):
    state: str = "draft"


class OrderChart(Chart[Order]):
    draft = State(initial=True)
    paid = State(final=True)
    pay = draft.to(paid)

    @effect(pay)
    def receipt(self, model: Order) -> None: ...

    @effect(pay)
    def post(self, name: str) -> None:
        if name == "A-2":
            raise ValueError("no\naddress")


@pytest.fixture
def store(tmp_path):
    orders = ChartRepository(tmp_path / "orders", OrderChart)
    for name in ("A-1", "A-2"):
        orders.create(name, Order())
        orders.fire(name, "pay")
    return tmp_path / "orders"


@pytest.fixture
def run(store, capsys):
    def run(*words):
        code = main(["effects", f"{__name__}:OrderChart", *words, "--store", str(store)])
        return code, *capsys.readouterr()

    return run


def test_effects_are_listed_and_run(run):
    code, out, err = run()
    assert (code, out.splitlines()[0].split()) == (
        0,
        ["NAME", "EFFECT", "EVENT", "SINCE", "TRIES", "NEXT", "ERROR"],
    )
    assert [line.split()[:3] for line in out.splitlines()[1:]] == [
        ["A-1", "receipt", "pay"],
        ["A-1", "post", "pay"],
        ["A-2", "receipt", "pay"],
        ["A-2", "post", "pay"],
    ]
    assert "4 due\nnext: python -m statechart effects" in err
    assert "--run" in err

    code, out, err = run("--run", "--limit", "1")
    assert (code, out.splitlines()[1].split(), err.splitlines()[0]) == (
        0,
        ["done", "A-1", "receipt", "1"],
        "1 done",
    )
    code, out, err = run("--run")
    assert (code, err.splitlines()[0]) == (8, "2 done, 1 failed")
    assert out.splitlines()[-1].split() == ["failed", "A-2", "post", "1", "ValueError:", "no", "address"]
    assert run("A-1", "--run")[::2] == (0, "no effect is due\n")
    assert run("A-1")[::2] == (0, "no effect of A-1 is due\n")

    code, out, _ = run("--run", "--force", "--json")
    document = json.loads(out)
    assert (code, document["counts"]) == (8, {"failed": 1})
    assert document["effects"][0]["attempts"] == 2
    (due,) = json.loads(run("--json")[1])["due"]
    assert (due["effect"], due["attempts"]) == ("post", 2)


def test_a_damaged_value_is_told_beside_the_others(run, store):
    journal = store / "A-1/history.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b'"draft"', b'"drift"'))

    code, out, err = run("--json")
    document = json.loads(out)
    assert (code, [each["name"] for each in document["due"]]) == (7, ["A-2", "A-2"])
    assert document["unreadable"][0]["error"]["code"] == "corrupt_history"
    assert "next, for A-1: python -m statechart verify" in err

    code, out, err = run("--run")
    assert (code, err.splitlines()[0]) == (7, "1 done, 1 failed, 1 skipped")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--force"], 2, "--force is for --run"),
        (["--limit", "2"], 2, "--limit is for --run"),
        (["--run", "--limit", "0"], 2, "--limit"),
        (["B-1"], 3, "there is no 'B-1'"),
        (["B-1", "--run"], 3, "there is no 'B-1'"),
    ],
)
def test_wrong_words_are_refused(run, words, code, message):
    found, _, err = run(*words)

    assert found == code
    assert message in err
