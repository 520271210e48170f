"""The texts by which items of coverage are known."""

from __future__ import annotations


def edge_item(source: str, event: str, target: str) -> str:
    """Return the item of a transition."""
    return f"{source} --{event}--> {target}"


def pair_item(first: str, event: str, target: str) -> str:
    """Return the item of a transition after another transition."""
    return f"{first} --{event}--> {target}"


def guard_item(guard: str, agrees: bool) -> str:  # both are counted
    """Return the item of a guard's answer; with `unless`, the guard has given the opposite answer."""
    # Of `to(a, cond="ok") | to(b, unless="ok")`, the second is asked only if it agrees.
    if guard.startswith("!") and guard[1:].isidentifier():
        guard, agrees = guard[1:], not agrees
    return f"{guard} {'agrees' if agrees else 'refuses'}"


def cell_item(state: str, event: str) -> str:
    """Return the item of a refusal."""
    return f"{event} in {state}"


def history_item(history: str, remembered: bool) -> str:  # both are counted
    """Return the item of a history state that is entered."""
    return f"{history} {'from memory' if remembered else 'by default'}"


def timer_item(timer: str, how: str) -> str:
    """Return the item of a timer that fired or was cancelled."""
    return f"{timer} {how}"
