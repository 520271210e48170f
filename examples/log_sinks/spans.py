"""Commands and their steps as nested OpenTelemetry spans, with transitions as events."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from loguru import logger
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
from opentelemetry.trace import Span, Status, StatusCode, Tracer

from environments import (
    CommandEnded,
    CommandStarted,
    EnvironmentsError,
    EnvironmentSpec,
    LocalProvider,
    Progress,
    StepAttemptFailed,
    StepFinished,
    StepReported,
    StepStarted,
    Workspace,
)

if TYPE_CHECKING:
    from loguru import Message

HELLO = Path(__file__).resolve().parent.parent / "hello"


class Spans:
    """An observer and a log sink, with a span for each command and each attempt of a step.

    Each instance observes a single workspace, whose commands run one after the other.
    """

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._command: Span | None = None
        self._step: Span | None = None

    def observe(self, progress: Progress) -> None:
        """Open and close spans as a command progresses."""
        match progress:
            case CommandStarted(name=name, command=command, operation_id=operation):
                self._command = self._open(
                    command, {"environment": name, "operation": operation, "kept": progress.kept}
                )
            case StepStarted(step=step, attempt=attempt):
                self._step = self._open(step, {"attempt": attempt}, inside=self._command)
            case StepReported(message=message) if self._step:
                self._step.add_event(message)
            case StepAttemptFailed(summary=summary):
                self._end_step(summary)
            case StepFinished():
                self._end_step()
            case CommandEnded(failure=failure):
                if failure and self._command:
                    self._command.set_attributes({"trace_id": failure.trace_id, "cause": failure.cause})
                problem = failure.summary if failure else None
                self._end_step(problem)
                self._command = _ended(self._command, problem)

    def write(self, message: Message) -> None:
        """Add a log line to the open span as an event; used by `logger.add(spans.write)`."""
        span = self._step or self._command
        if span is not None:
            fields = {key: _plain(value) for key, value in message.record["extra"].items()}
            span.add_event(message.record["message"], fields)

    def _open(self, name: str, attributes: dict[str, str | int], *, inside: Span | None = None) -> Span:
        context = trace.set_span_in_context(inside) if inside else None
        return self._tracer.start_span(name, context=context, attributes=attributes)

    def _end_step(self, problem: str | None = None) -> None:
        self._step = _ended(self._step, problem)


def _ended(span: Span | None, problem: str | None) -> Span | None:
    """End a span, and return None as the open span."""
    if span and problem:
        span.set_status(Status(StatusCode.ERROR, problem))
    if span:
        span.end()
    return None


def _plain(value: object) -> str | int | float | bool:
    return value if isinstance(value, str | int | float | bool) else str(value)


async def main() -> int:
    """Bring an environment up and down, and print its spans as JSON."""
    parser = argparse.ArgumentParser(prog="spans.py", description=__doc__)
    parser.add_argument(
        "--app", type=Path, default=HELLO, metavar="DIR", help="another app, such as a broken one"
    )
    app = parser.parse_args().app.absolute()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))
    spans = Spans(provider.get_tracer("envchart"))
    logger.remove()
    logger.add(spans.write, level="INFO")
    logger.enable("environments")
    with tempfile.TemporaryDirectory() as directory:
        workspace = Workspace(directory, observers=[spans.observe])
        try:
            await up_and_down(workspace, app)
        except EnvironmentsError as error:
            print(f"spans.py: {error}", file=sys.stderr)
            return 1
        finally:
            provider.shutdown()
    return 0


async def up_and_down(workspace: Workspace, app: Path) -> None:
    """Bring an environment up and then, even after a failure, down again."""
    workspace.create(EnvironmentSpec(name="traced", provider=LocalProvider(app=app)))
    try:
        await workspace.bring("traced")
    finally:
        await workspace.destroy("traced")


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
