"""Write the reference pages that are generated from the program's declarations, and the pictures.

`python docs/generate.py` writes them. With `--check` it only lists stale pages, and exits with 8.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import click
from pictures import PICTURES

import environments.errors
from environments.cli.app import ENVCHART
from environments.cli.error_reports import KINDS
from environments.configuration.schema import spec_schema
from environments.execution.progress import Progress
from environments.lifecycle import Lifecycle
from statechart.cli.app import STATECHART
from statechart.cli.parameters import EVERYWHERE
from statechart.cli.settings import NETWORK_VARIABLE
from statechart.graph import edges, events, guard_reason
from statechart.terminal.program.group import ProgramGroup
from statechart.terminal.report import ExitCode

HERE = Path(__file__).parent
STALE = 8

Row = Iterable[str]


def table(head: Row, rows: Iterable[Row]) -> str:
    """Return a Markdown table."""
    cells = [list(head), *(list(row) for row in rows)]
    lines = [
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |"
        for row in cells
    ]
    return "\n".join([lines[0], "|" + "---|" * len(cells[0]), *lines[1:]])


def code(text: object) -> str:
    """Return a value as inline code."""
    return f"`{text}`"


def command_line() -> str:
    """Return the page of all subcommands."""
    parts = [
        "# Every command",
        "",
        "This page lists the arguments and options of each command, as printed by `--help`.",
        "Options of all commands are on the page [the command line](command-line.md).",
    ]
    return _commands(ENVCHART, parts)


def chart_command_line() -> str:
    """Return the page of the subcommands for any chart."""
    parts = [
        "# Every command for a chart",
        "",
        "`python -m statechart` works with the values of any chart; [inspect a chart](../how-to/inspect-a-chart.md) shows it at work.",
        "This page lists the arguments and options of each command, as printed by `--help`.",
        "Output, `--json` and [exit codes](exit-codes.md) are those of `envchart`: the result goes to stdout, and everything else to stderr.",
        "",
        "Every command takes these options, if it has a use for them, before or after its name:",
        "",
        _options(option for option in EVERYWHERE),
        "",
        f"The variable `{NETWORK_VARIABLE}=1` accepts a store on a network file system, where locks don't keep other machines out.",
    ]
    return _commands(STATECHART, parts)


def _commands(program: ProgramGroup, parts: list[str]) -> str:
    context = click.Context(program, info_name=program.name)
    for name in program.registry:
        command = program.get_command(context, name)
        parts += ["", f"## {program.name} {name}", "", *_command(command, f"{program.name} {name}")]
        if isinstance(command, ProgramGroup):
            for inner in command.registry:
                spelled = f"{program.name} {name} {inner}"
                found = command.get_command(click.Context(command, info_name=name), inner)
                parts += ["", f"### {spelled}", "", *_command(found, spelled)]
    return "\n".join(parts) + "\n"


def _command(command: Any, spelled: str) -> Iterator[str]:
    own = [parameter for parameter in command.params if parameter.name not in _EVERYWHERE]
    arguments = [p for p in own if p.param_type_name == "argument"]
    usage = " ".join([spelled, *(p.metavar or p.name.upper() for p in arguments), "[OPTIONS]"])
    yield f"```text\n{usage}\n```"
    yield ""
    yield "\n\n".join(" ".join(part.split()) for part in (command.help or "").split("\n\n"))
    if any(parameter.name != "help" for parameter in own):
        yield ""
        yield _options(own)
    if command.examples:
        yield ""
        yield "\n".join(["```text", *command.examples, "```"])


def _options(parameters: Iterable[Any]) -> str:
    rows = [
        (_spelling(parameter), " ".join((parameter.help or "").split()))
        for parameter in parameters
        if parameter.name != "help"
    ]
    return table(("argument or option", "meaning"), rows)


_EVERYWHERE = {"data_dir", "json", "verbose", "log_file", "help", "store", "model"}


def _spelling(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return code(parameter.metavar or parameter.name.upper())
    value = f" {parameter.metavar}" if parameter.metavar else ""
    return ", ".join(code(f"{option}{value}") for option in parameter.opts)


def exit_codes() -> str:
    """Return the page of exit codes and their errors."""
    parts = ["# Exit codes and errors", "", "With `--json`, `error.code` names the error:", ""]
    meaning = {
        ExitCode.DONE: "done",
        ExitCode.UNEXPECTED: "unexpected: a bug",
        ExitCode.USAGE: "usage, an invalid configuration, or a prompt that was declined or could not be shown",
        ExitCode.NOT_FOUND: "not found",
        ExitCode.NOT_ALLOWED: "not allowed in this state",
        ExitCode.CONFLICT: "conflict: locked, changed meanwhile, or the name is taken",
        ExitCode.STEP_FAILED: "a step failed, and the failure is recorded",
        ExitCode.STORAGE: "damaged or unusable storage",
        ExitCode.DIFFERENCE: "a check found a difference",
        ExitCode.INTERRUPTED: "a command was interrupted, and has to be recovered first",
    }
    rows = []
    for exit_code in ExitCode:
        kinds = [kind for kind in KINDS.items() if kind[1].exit_code is exit_code]
        names = ", ".join(dict.fromkeys(code(kind.code) for _, kind in kinds))
        rows.append((str(exit_code.value), meaning[exit_code], names or "none"))
    rows.append(("128+n", "ended by signal n; the recorded state is true", "none"))
    parts += [table(("code", "meaning", "`error.code`"), rows), "", "## Errors by class", ""]
    parts.append(
        table(
            ("class", "code", "means"),
            (
                (
                    code(f"{_module(kind)}.{kind.__qualname__}"),
                    code(entry.code),
                    _first(kind.__doc__) or "Stored data does not fit its class.",
                )
                for kind, entry in KINDS.items()
            ),
        )
    )
    return "\n".join(parts) + "\n"


def _module(kind: type) -> str:
    # Errors of values are defined in environments.model.errors, and imported from environments.errors.
    public = getattr(environments.errors, kind.__name__, None) is kind
    return environments.errors.__name__ if public else kind.__module__


def _first(doc: str | None) -> str:
    return " ".join((doc or "").strip().split("\n\n")[0].split())


def chart() -> str:
    """Return the page of the lifecycle; its table is written by `envchart docs write`."""
    existing = HERE / "reference" / "chart.md"
    kept = existing.read_text() if existing.exists() else ""
    guards = dict.fromkeys(guard for edge in edges(Lifecycle) for guard in edge.guards)
    rows = [
        (
            code(name),
            ", ".join(dict.fromkeys(code(edge.source) for edge in edges(Lifecycle) if edge.event == name)),
            ", ".join(dict.fromkeys(code(edge.target) for edge in edges(Lifecycle) if edge.event == name)),
        )
        for name in events(Lifecycle)
    ]
    return "\n".join(
        [
            "# The chart",
            "",
            _doc(Lifecycle.__doc__),
            "",
            '<a href="../_static/lifecycle.svg"><picture>',
            '  <source media="(max-width: 40rem)" srcset="../_static/lifecycle-upright.svg">',
            '  <img src="../_static/lifecycle.svg" alt="The states and transitions, which follow as tables">',
            "</picture></a>",
            "",
            "## Events",
            "",
            table(("event", "from", "to"), rows),
            "",
            "## Guards",
            "",
            table(
                ("guard", "a refusal says"),
                ((code(guard), guard_reason(Lifecycle, guard)) for guard in guards),
            ),
            "",
            "## Every transition",
            "",
            _region(kept, "environments.lifecycle:Lifecycle md"),
            "",
            "## As python-statemachine draws it",
            "",
            "The Sphinx directive draws a chart in place, with every transition, and needs pydot and Graphviz:",
            "",
            "```{statemachine-diagram} environments.lifecycle.Lifecycle",
            ":alt: All transitions of the lifecycle",
            ":width: 100%",
            "```",
            "",
        ]
    )


def _doc(doc: str | None) -> str:
    return "\n\n".join(" ".join(part.split()) for part in (doc or "").strip().split("\n\n"))


def _region(page: str, marker: str) -> str:
    """Return a region of a page with its markers, or an empty region if the page has none."""
    begin, end = f"<!-- statechart: {marker} -->", "<!-- /statechart -->"
    if begin not in page:
        return f"{begin}\n{end}"
    rest = page[page.index(begin) :]
    return rest[: rest.index(end) + len(end)]


def event_page() -> str:
    """Return the page of progress events and log lines."""
    parts = [
        "# Progress and log lines",
        "",
        "## Progress events",
        "",
        "`Workspace(observers=[...])` calls each observer with the following events, which `environments` exports.",
        "An event is sent after it has been recorded.",
        "An exception in an observer is logged, and does not break the command.",
    ]
    for kind in get_args(Progress):
        meanings = _attributes(kind)
        parts += ["", f"### {kind.__name__}", "", _first(kind.__doc__), ""]
        parts.append(
            table(
                ("field", "type", "meaning"),
                ((code(each.name), code(each.type), meanings[each.name]) for each in fields(kind)),
            )
        )
    parts += [
        "",
        "## Log lines",
        "",
        '`logger.enable("environments")` of loguru shows one line at INFO for each transition, once the transition is durable:',
        f"`{Lifecycle.log_message}`. These fields are bound to the line:",
        "",
        table(
            ("field", "meaning"),
            (
                (code("environment_name"), "the name of the environment"),
                (code("instance_name"), "the name of its resources"),
                (code("event"), "the event that was fired"),
                (f"{code('from_state')}, {code('to_state')}", "the states before and after"),
                (code("revision"), "the environment's revision after the event"),
                (code("operation_id"), "the operation of the event"),
                (code("trace_id"), "the id of the operation, which leads to its traces"),
                (code("duration_ms"), "the duration of the event, commit included"),
            ),
        ),
        "",
        "At DEBUG, a line names the state that is left, and its duration (`state`, `event`, `lasted_s`).",
        "Charts without environments log the same lines under `statechart`, with `State transition`.",
        "",
    ]
    return "\n".join(parts)


def _attributes(kind: type) -> dict[str, str]:
    """Return the meanings of a class's attributes, from its docstring and those of its bases."""
    found: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        _, _, listed = inspect.cleandoc(each.__doc__ or "").partition("Attributes:\n")
        described = re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", listed, re.M)
        found |= {name: " ".join(text.split()) for name, text in described}
    return found


def configuration() -> str:
    """Return the page of an environment's file."""
    schema = spec_schema()
    parts = [
        "# An environment's file",
        "",
        "`envchart create --file FILE` takes YAML of this form; `envchart create --template` prints a commented one,",
        "and `envchart schema` prints the JSON Schema below, for editors.",
        "Unknown fields are refused, and the error names the nearest known field.",
        "",
        _fields(schema, schema["$defs"]),
    ]
    for name, definition in sorted(schema.get("$defs", {}).items()):
        if "properties" in definition:
            parts += [
                "",
                f"## {name}",
                "",
                _doc(definition.get("description")),
                "",
                _fields(definition, schema["$defs"]),
            ]
    dumped = json.dumps(schema, indent=2, sort_keys=True)
    parts += ["", "## JSON Schema", "", f"```json\n{dumped}\n```", ""]
    return "\n".join(parts)


def _fields(definition: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    required = definition.get("required", [])
    return table(
        ("field", "type", "default", "meaning"),
        (
            (
                code(name),
                _type(field),
                "required" if name in required else _default(field),
                _doc(field.get("description") or definitions.get(_type(field), {}).get("description")),
            )
            for name, field in definition.get("properties", {}).items()
        ),
    )


def _type(field: Mapping[str, Any]) -> str:
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    if "const" in field:
        return code(field["const"])
    variants = field.get("anyOf") or field.get("oneOf")
    if variants:
        return " or ".join(dict.fromkeys(_type(variant) for variant in variants))
    kinds = field.get("type", "any")
    said = " or ".join(kinds) if isinstance(kinds, list) else str(kinds)
    return said + (f" ({field['format']})" if "format" in field else "")


def _default(field: Mapping[str, Any]) -> str:
    return "" if "default" not in field or field["default"] is None else code(json.dumps(field["default"]))


PAGES = {
    "reference/commands.md": command_line,
    "reference/chart-commands.md": chart_command_line,
    "reference/exit-codes.md": exit_codes,
    "reference/chart.md": chart,
    "reference/events.md": event_page,
    "reference/configuration.md": configuration,
    **PICTURES,
}


def main(arguments: list[str]) -> int:
    """Write the pages, or list the stale pages."""
    stale = [name for name, make in PAGES.items() if _read(HERE / name) != make()]
    for name in stale:
        if "--check" in arguments:
            sys.stderr.write(f"stale: docs/{name}\n")
        else:
            (HERE / name).write_text(PAGES[name]())
            sys.stderr.write(f"written: docs/{name}\n")
    return STALE if stale and "--check" in arguments else 0


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
