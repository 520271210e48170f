"""Read the graph of a chart from its class, without building a machine."""

from statechart.graph.edges import (
    AnyChart,
    Edge,
    edges,
    events,
    failures,
    guard_attribute,
    guard_reason,
    phases,
    states,
)
from statechart.graph.lints import Findings, findings, lints
from statechart.graph.paths import (
    Configurations,
    Paths,
    Reached,
    allowed_events,
    breadth_first,
    configurations,
    outcomes,
    reachable,
    shortest_path,
    shortest_paths,
)

__all__ = [
    "AnyChart",
    "Configurations",
    "Edge",
    "Findings",
    "Paths",
    "Reached",
    "allowed_events",
    "breadth_first",
    "configurations",
    "edges",
    "events",
    "failures",
    "findings",
    "guard_attribute",
    "guard_reason",
    "lints",
    "outcomes",
    "phases",
    "reachable",
    "shortest_path",
    "shortest_paths",
    "states",
]
