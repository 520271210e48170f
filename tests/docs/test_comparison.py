"""The answers of this package on the page that compares libraries."""

from __future__ import annotations

from tests.benchmarks.compared.faults import ours


def test_the_page_says_what_this_package_does() -> None:
    assert ours() == {
        "refused": "raises InvalidTransition",
        "hook": "raises, old state, data as before",
        "killed in a hook": "old state",
        "killed afterwards": "new state",
    }
