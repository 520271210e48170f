"""The look of a picture: classes and variables in CSS, in light and in dark."""

from __future__ import annotations

from typing import Literal, TypeAlias

from statechart.formats.svg.metrics import BADGE_SIZE, EVENT_SIZE, NAME_SIZE, SMALL_SIZE

Theme: TypeAlias = Literal["auto", "light", "dark"]

_LIGHT = {
    "ground": "#ffffff",
    "band": "#f3f6f8",
    "ink": "#14202b",
    "muted": "#566573",
    "line": "#768594",
    "box": "#ffffff",
    "edge": "#7f8d9a",
    "way": "#0b7a6f",
    "visited": "#e1f3f0",
    "current": "#0b7a6f",
    "on-current": "#ffffff",
    "failed": "#b3261e",
    "on-failed": "#ffffff",
    "failure": "#fdf1ef",
    "failure-edge": "#c66f67",
    "missed": "#b3261e",
    "unseen": "#8a6100",
}
_DARK = {
    "ground": "#12181f",
    "band": "#1a222b",
    "ink": "#e6edf3",
    "muted": "#9fb0c0",
    "line": "#6f8091",
    "box": "#1b242d",
    "edge": "#65778a",
    "way": "#4fd1bd",
    "visited": "#163a37",
    "current": "#4fd1bd",
    "on-current": "#06211d",
    "failed": "#ff8a80",
    "on-failed": "#2b0906",
    "failure": "#2a1c1e",
    "failure-edge": "#a8645f",
    "missed": "#ff8a80",
    "unseen": "#e3b341",
}

_FONTS = "system-ui,'Segoe UI','Helvetica Neue',Arial,'DejaVu Sans',sans-serif"

_RULES = f"""\
.chart{{font-family:{_FONTS};color:var(--chart-ink)}}
.chart .ground{{fill:var(--chart-ground)}}
.chart .band{{fill:var(--chart-band)}}
.chart text{{fill:var(--chart-ink)}}
.chart .name{{font-size:{NAME_SIZE}px}}
.chart .remark text{{font-size:{EVENT_SIZE}px;font-weight:600}}
.chart .event text{{font-size:{EVENT_SIZE}px;fill:var(--chart-muted)}}
.chart .small,.chart .note text,.chart .phase text{{font-size:{SMALL_SIZE}px;fill:var(--chart-muted)}}
.chart .event text,.chart .note text{{paint-order:stroke;stroke:var(--chart-ground);stroke-width:3px;\
stroke-linejoin:round}}
.chart .wire{{fill:none;stroke:var(--chart-line);stroke-width:1.3}}
.chart .tip,.chart .start{{fill:var(--chart-line)}}
.chart .box{{fill:var(--chart-box);stroke:var(--chart-edge);stroke-width:1.3}}
.chart .ring,.chart .inner{{fill:none;stroke:var(--chart-edge);stroke-width:1.3}}
.chart .failure .box{{fill:var(--chart-failure);stroke:var(--chart-failure-edge);stroke-dasharray:4 3}}
.chart .visited .box{{fill:var(--chart-visited);stroke:var(--chart-way)}}
.chart .visited .inner,.chart .current .ring{{stroke:var(--chart-way)}}
.chart .current .box{{fill:var(--chart-current);stroke:var(--chart-current)}}
.chart .current text{{fill:var(--chart-on-current)}}
.chart .failed .box{{fill:var(--chart-failed);stroke:var(--chart-failed)}}
.chart .failed .ring{{stroke:var(--chart-failed);stroke-dasharray:5 3}}
.chart .failed text{{fill:var(--chart-on-failed)}}
.chart .current .name,.chart .failed .name{{font-weight:700}}
.chart .current .inner{{stroke:var(--chart-on-current)}}
.chart .failed .inner{{stroke:var(--chart-on-failed)}}
.chart .state.missed .box{{stroke:var(--chart-missed);stroke-dasharray:2 3;stroke-width:2}}
.chart .wire.taken{{stroke:var(--chart-way);stroke-width:2.4}}
.chart .tip.taken{{fill:var(--chart-way)}}
.chart .event.taken text{{fill:var(--chart-way);font-weight:600}}
.chart .wire.failed{{stroke:var(--chart-failed);stroke-width:2.4}}
.chart .tip.failed{{fill:var(--chart-failed)}}
.chart .event.failed text{{fill:var(--chart-failed);font-weight:600}}
.chart .wire.missed{{stroke:var(--chart-missed);stroke-width:2;stroke-dasharray:6 4}}
.chart .tip.missed{{fill:var(--chart-missed)}}
.chart .event.missed text{{fill:var(--chart-missed)}}
.chart .wire.untested{{stroke:var(--chart-missed);stroke-width:2.4;stroke-dasharray:10 3 2 3}}
.chart .tip.untested{{fill:var(--chart-missed)}}
.chart .event.untested text{{fill:var(--chart-missed);font-weight:600}}
.chart .wire.unseen{{stroke:var(--chart-unseen);stroke-width:2;stroke-dasharray:2 3}}
.chart .tip.unseen{{fill:var(--chart-unseen)}}
.chart .event.unseen text{{fill:var(--chart-unseen)}}
.chart .everywhere{{stroke-dasharray:2 3}}
.chart .badge{{fill:var(--chart-way)}}
.chart .event text.count{{fill:var(--chart-on-current);stroke:none;\
font-size:{BADGE_SIZE}px;font-weight:700}}
.chart .unseen .badge{{fill:var(--chart-unseen)}}
.chart .event text.detail{{font-size:{SMALL_SIZE}px;font-weight:400}}
.chart .failed .badge,.chart .untested .badge{{fill:var(--chart-failed)}}
.chart .event.failed text.count,.chart .event.untested text.count{{fill:var(--chart-on-failed)}}
"""

_NESTED_RULES = """\
.chart.nested .event text{stroke:none}
.chart .frame .box{fill:var(--chart-band)}
.chart .frame.odd .box{fill:var(--chart-ground)}
.chart .frame.region .box{fill:none;stroke:none}
.chart .frame.tied .box{stroke:var(--chart-edge);stroke-dasharray:2 3}
.chart .frame .name{font-weight:600}
.chart .frame.around>.box{stroke:var(--chart-way);stroke-width:2}
.chart .frame.region.around>.box{stroke:none}
.chart .frame.region.tied.around>.box{stroke:var(--chart-way);stroke-width:1.6}
.chart .frame.around .name{fill:var(--chart-way)}
.chart .frame.visited .box{stroke:var(--chart-way)}
.chart .frame.region.visited:not(.tied) .box{stroke:none}
.chart .frame.failure .box{stroke:var(--chart-failure-edge)}
.chart .frame.missed .box,.chart .frame.region.missed .box{stroke:var(--chart-missed);\
stroke-dasharray:2 3;stroke-width:2}
.chart .separator{fill:none;stroke:var(--chart-edge);stroke-width:1.3;stroke-dasharray:6 5}
.chart .history .mark{font-size:11px;font-weight:700}
.chart .clock{fill:none;stroke:var(--chart-muted);stroke-width:1.2}
.chart .taken .clock{stroke:var(--chart-way)}
.chart .failed .clock,.chart .missed .clock,.chart .untested .clock{stroke:var(--chart-failed)}
.chart .unseen .clock{stroke:var(--chart-unseen)}
"""


def _variables(colours: dict[str, str]) -> str:
    return "".join(f"--chart-{name}:{colour};" for name, colour in colours.items())


CHART_CSS: str = (
    f":root{{{_variables(_LIGHT)}}}\n"
    f"@media (prefers-color-scheme:dark){{:root{{{_variables(_DARK)}}}}}\n"
    f':root[data-theme="light"]{{{_variables(_LIGHT)}}}\n'
    f':root[data-theme="dark"]{{{_variables(_DARK)}}}\n{_RULES}{_NESTED_RULES}'
)
"""The rules for pictures that are drawn with `styled=False`: a page has them once, in its stylesheet.

A page may give the variables other values, or choose by `data-theme` on its root element.
"""


def style(theme: Theme, *, nested: bool = False) -> str:
    """Return the rules for a picture of its own: in variables, or with the colours of a theme."""
    rules = _RULES + _NESTED_RULES if nested else _RULES
    if theme == "auto":
        dark = f"@media (prefers-color-scheme:dark){{.chart{{{_variables(_DARK)}}}}}"
        return f".chart{{{_variables(_LIGHT)}}}\n{dark}\n{rules}"
    for name, colour in (_LIGHT if theme == "light" else _DARK).items():
        rules = rules.replace(f"var(--chart-{name})", colour)
    return rules
