"""The API of environments: its calls, each with the command that prints the same."""

from __future__ import annotations

from typing import Final

from environments.dashboard.api import fleet, many, one
from environments.dashboard.api.schemas import schemas
from environments.dashboard.desk import Desk
from statechart.dashboard.api.calls import Api, Call

CALLS: Final[tuple[Call[Desk], ...]] = (
    Call(
        "/environments",
        "listEnvironments",
        "List environments, those that need a person first.",
        "envchart list",
        "EnvironmentList",
        many.environments,
        many.PARAMETERS,
    ),
    Call(
        "/environments/{name}",
        "showEnvironment",
        "Show an environment: state, problems and next commands.",
        "envchart show NAME",
        "Environment",
        one.environment,
        (one.AT,),
    ),
    Call(
        "/environments/{name}/history",
        "listRecords",
        "Show the transitions and steps of an environment.",
        "envchart history NAME",
        "History",
        one.history,
    ),
    Call(
        "/environments/{name}/why",
        "explainEnvironment",
        "Explain what happened, what is known, and what to do next.",
        "envchart why NAME",
        "Explanation",
        one.why,
    ),
    Call(
        "/environments/{name}/chart",
        "drawEnvironment",
        "Draw the chart with the path of an environment and its state.",
        "envchart diagram --of NAME",
        "Chart",
        one.chart,
        (one.FORMAT, one.AT),
    ),
    Call(
        "/environments/{name}/log",
        "readLog",
        "Show the end of the service's log, as far as it is on this machine.",
        "envchart logs NAME",
        "Log",
        one.log,
        (one.LINES,),
    ),
    Call(
        "/environments/{name}/trace",
        "readTrace",
        "Show the trace of the last failed command.",
        "envchart logs NAME --trace",
        "Trace",
        one.trace,
    ),
    Call(
        "/environments/{name}/drift",
        "readDrift",
        "Show the differences that were found when drift last looked. Nothing is looked at.",
        "envchart show NAME",
        "Drift",
        one.drift,
    ),
    Call(
        "/fleet/workers",
        "listWorkers",
        "List the workers of the fleet, and their work.",
        "envchart fleet workers",
        "FleetWorkers",
        fleet.workers,
    ),
    Call(
        "/fleet/wishes",
        "listWishes",
        "List the last 100 wishes for environments, the newest first.",
        "envchart fleet list",
        "FleetWishes",
        fleet.wishes,
    ),
)
"""All calls that answer with a document of the command line."""

API: Final = Api(
    "envchart",
    "The environments of a data directory, read without their locks. Each document is the document that "
    "the command prints with `--json`.",
    noun="environment",
    program="envchart dashboard",
    calls=CALLS,
    schemas=schemas,
)
"""The API of environments."""
