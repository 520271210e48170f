"""The path of a document is taken wherever a chart is named, and any chart is written as one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Cli

MODEL = """
from pydantic import BaseModel
from statechart import Configuration


class Order(BaseModel, frozen=True):
    name: str
    state: Configuration | None = None
"""

ORDER = """<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0">
<parallel id="open">
  <state id="payment"><state id="awaiting"><transition event="pay" target="paid"/></state><final id="paid"/></state>
  <state id="shipment"><state id="packing"><transition event="ship" target="shipped"/></state><final id="shipped"/></state>
  <transition event="done.state.open" target="done"/>
</parallel>
<final id="done"/>
</scxml>
"""  # noqa: E501


@pytest.fixture
def document(tmp_path: Path) -> Path:
    (tmp_path / "order.scxml").write_text(ORDER)
    (tmp_path / "ordered.py").write_text(MODEL)
    return tmp_path / "order.scxml"


def test_values_of_a_document_are_created_changed_shown_and_verified(cli: Cli, document: Path) -> None:
    model = ("--model", "ordered.py:Order")

    said = [
        cli("create", "order.scxml", "A-1", *model, "name=A-1"),
        cli("fire", "order.scxml", "A-1", "pay", *model),
        cli("allowed", "order.scxml", "A-1", *model),
        cli("fire", document, "A-1", "ship", *model),
        cli("verify", "order.scxml", "A-1", *model),
    ]

    assert [ran.code for ran in said] == [0] * 5, said
    assert "A-1 is paid + packing, by pay from awaiting + packing" in said[1].out + said[1].err
    assert "ship" in said[2].out
    assert "A-1 is done" in said[3].out + said[3].err


def test_a_document_that_is_wrong_is_told_with_its_line(cli: Cli, document: Path) -> None:
    document.write_text(ORDER.replace('target="paid"', 'target="pai"'))

    ran = cli("diagram", "order.scxml")

    assert ran.code == 2
    assert (
        "order.scxml, line 3: it leads to 'pai', and there is no such state: did you mean 'paid'?"
        in ran.err
    )


def test_a_document_with_methods_is_told_to_be_loaded_by_a_module(cli: Cli, document: Path) -> None:
    document.write_text(ORDER.replace('event="pay"', 'event="pay" cond="is_enough"'))

    ran = cli("diagram", "order.scxml")

    assert ran.code == 2
    assert "next: write chart = statechart.load(" in ran.err
    assert "order.scxml', methods={'is_enough': ...}) in a module, and name it as MODULE:chart" in ran.err


def test_a_document_needs_the_class_of_its_values(cli: Cli, document: Path) -> None:
    ran = cli("create", "order.scxml", "A-1", "--store", "orders")

    assert ran.code == 2
    assert "order.scxml does not name the class of its values: give the class with --model\n" in ran.err


def test_a_chart_is_written_as_a_document_that_is_read_again(cli: Cli, tmp_path: Path) -> None:
    written = cli("diagram", "tests.statechart.cli.shop:OrderChart", "--format", "scxml").out
    cli("diagram", "tests.statechart.cli.shop:OrderChart", "--output", "again.scxml")

    assert (tmp_path / "again.scxml").read_text() == written
    assert written.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<scxml xmlns="http://www.w3.org/')
