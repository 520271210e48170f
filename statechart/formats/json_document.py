"""JSON: a chart with its marks, for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from statechart.graph import edges, events, failures, guard_reason, phases
from statechart.picture import Marks
from statechart.wording import state_text

if TYPE_CHECKING:
    from statechart.graph import AnyChart


def json_document(chart: AnyChart, marks: Marks) -> str:
    """Return the chart's states, events, guards and transitions as JSON, with the marks."""
    home = {member: phase for phase, members in phases(chart).items() for member in members}
    guards = sorted({guard for edge in edges(chart) for guard in edge.guards})
    document = {
        "chart": chart.__name__,
        "states": [
            {
                "name": state_text(state.value),
                "initial": state.initial,
                "final": state.final,
                "failure": state_text(state.value) in failures(chart),
                "phase": home.get(state_text(state.value)),
            }
            for state in chart.states
        ],
        "events": list(events(chart)),
        "guards": {guard: guard_reason(chart, guard) for guard in guards},
        "transitions": [
            {
                "event": edge.event,
                "source": edge.source,
                "target": edge.target,
                "guards": list(edge.guards),
            }
            for edge in edges(chart)
        ],
        "marks": {
            "current": marks.current,
            "failed": marks.failed,
            "remark": marks.remark,
            "visits": [
                {"source": v.source, "event": v.event, "target": v.target, "label": v.label}
                for v in marks.visits
            ],
        },
    }
    # Half a surrogate pair is no Unicode: its escape in Python is the one of JSON.
    text = json.dumps(document, indent=2, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").decode() + "\n"
