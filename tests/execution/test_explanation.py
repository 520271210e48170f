from __future__ import annotations

from environments.errors import StepFailed
from environments.execution.explanation import explain
from environments.model.failure import FailureCause


def test_a_stored_failure_holds_no_control_codes() -> None:
    failed = StepFailed(
        FailureCause.NETWORK, "no \x1b[31mroute\x1bc\x9b2J", "first\r\n\tsecond\x1b]0;x\x07\x85"
    )

    assert explain(failed) == (FailureCause.NETWORK, "no route", "first\n\tsecond")


def test_a_stored_traceback_holds_no_control_codes_and_no_lone_surrogates() -> None:
    _, summary, detail = explain(ValueError("bad \x9b2Jword \udcff"))

    assert summary == "ValueError: bad word \\udcff"
    assert detail.endswith("ValueError: bad word \\udcff\n")
