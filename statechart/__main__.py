"""`python -m statechart`: draw any chart, and keep the diagrams in pages up to date."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from statechart.diagram import FORMATS, draw
from statechart.errors import DiagramUnavailable, StatechartError
from statechart.formats.columns import USUAL, columns_of, is_ascii
from statechart.pages import default_places, refresh, write
from statechart.picture import chosen
from statechart.reference import find_chart

DONE, USAGE, DIFFERENCE = 0, 2, 8
"""The exit codes, with the meanings that they have in `envchart`."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    arguments = _parser().parse_args(argv)
    try:
        code: int = arguments.run(arguments)
    except (StatechartError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return USAGE
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m statechart", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    diagram = commands.add_parser("diagram", help="draw a chart")
    diagram.add_argument("chart", metavar="MODULE:CHART", help="as in shop.orders:OrderChart")
    diagram.add_argument("--format", choices=FORMATS, default="mermaid")
    marks = diagram.add_mutually_exclusive_group()
    marks.add_argument("--state", metavar="STATE", help="mark a state")
    marks.add_argument("--path", metavar="EVENT,...", help="mark the path of these events")
    diagram.add_argument("--output", "-o", metavar="FILE", type=Path, help="write it to a file")
    diagram.set_defaults(run=_diagram)
    docs = commands.add_parser("docs", help="write the diagrams between markers, or check them")
    docs.add_argument("action", choices=("write", "check"))
    docs.add_argument("places", metavar="PATH", nargs="*", type=Path, help="by default README.md and docs")
    docs.set_defaults(run=_docs)
    return parser


def _diagram(arguments: argparse.Namespace) -> int:
    chart = find_chart(arguments.chart)
    marks = chosen(chart, arguments.state, arguments.path)
    width = (columns_of(sys.stdout) if arguments.output is None else None) or USUAL
    ascii = arguments.output is None and is_ascii(sys.stdout)
    text = draw(chart, arguments.format, marks=marks, width=width, ascii=ascii)
    if arguments.output is not None:
        arguments.output.write_bytes(text)
    elif arguments.format == "png" and sys.stdout.isatty():
        raise DiagramUnavailable("png is not for a terminal: add --output FILE")
    else:
        sys.stdout.buffer.write(text)
        sys.stdout.flush()
    return DONE


def _docs(arguments: argparse.Namespace) -> int:
    stale = [page for page in refresh(arguments.places or default_places()) if not page.is_fresh]
    for page in stale:
        if arguments.action == "check":
            sys.stdout.write(page.diff())
        else:
            write(page)
            sys.stderr.write(f"written: {page.path}\n")
    if stale and arguments.action == "check":
        names = " ".join(str(page.path) for page in stale)
        sys.stderr.write(f"next: python -m statechart docs write {names}\n")
        return DIFFERENCE
    return DONE


if __name__ == "__main__":
    sys.exit(main())
