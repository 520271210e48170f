"""Conversation: a walk, as it is typed and answered line by line."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from statechart.answers.ways import refused_rows
from statechart.cli.scenarios.scenario import require_new
from statechart.cli.scenarios.walking import Walk
from statechart.cli.settings import Settings
from statechart.cli.values import rows, section, value_rows
from statechart.diagram import render
from statechart.errors import StatechartError
from statechart.formats.columns import USUAL, columns_of, is_ascii
from statechart.terminal.colours import coloured, styled
from statechart.terminal.control_codes import strip_control_codes
from statechart.terminal.lines import fitted
from statechart.terminal.output import note, write
from statechart.terminal.program.moments import duration
from statechart.terminal.refusal import UsageRefused
from statechart.terminal.text import until
from statechart.wording import counted, nearest

if TYPE_CHECKING:
    from statechart.engine.declaration.timers import Due

_HELP = (
    ("EVENT [KEY=VALUE]...", "fire an event; its number in the list does as well"),
    ("undo", "take the last event back"),
    ("restart", "go back to the beginning"),
    ("show", "show the fields of the model"),
    ("quit", "end the walk"),
)
_TIME = ("elapse [TIME]", "let time pass, such as 30m, 2h or 7d; by default until the next timer is due")
_SHORT = {
    "u": "undo",
    "r": "restart",
    "s": "show",
    "q": "quit",
    "exit": "quit",
    "?": "help",
    "h": "help",
    "e": "elapse",
}
_WORDS = ("undo", "restart", "show", "quit", "help", "elapse")


class _End(Exception):
    """The walk has ended."""


@dataclass(slots=True)
class Conversation:
    """Reads lines, and answers them on stdout; with `--json` on stderr."""

    settings: Settings
    walk: Walk

    @property
    def is_typed(self) -> bool:
        """Whether a person types at a terminal."""
        return sys.stdin.isatty()

    def hold(self) -> None:
        """Read lines until the walk ends."""
        try:
            while True:
                self._draw()
                while not self._answered(self._read("> ")):
                    pass
        except _End:
            self._say(self._summary())

    def ask_file(self) -> Path | None:
        """Ask for a file to write the walk to; return None if it is not wanted."""
        while True:
            try:
                typed = self._read("write this walk as a test? FILE, or Enter for no: ").strip()
                if not typed:
                    return None
                require_new(Path(typed), "choose OTHER.py")
            except _End:
                return None
            except UsageRefused as refused:
                self._say(f"error: {refused}")
            else:
                return Path(typed)

    def _answered(self, line: str) -> bool:
        """Answer a line; return whether the chart may have to be drawn again."""
        try:
            word, *more = shlex.split(line)
        except ValueError as error:
            if line.strip():
                self._say(f"error: {str(error)[:1].lower()}{str(error)[1:]}")
            return False
        try:
            return self._carried_out(word, more)
        except (UsageRefused, StatechartError) as error:
            self._say(f"error: {error}")
        return False

    def _carried_out(self, word: str, more: list[str]) -> bool:
        known = self.walk.chart._outer
        if word not in known:
            command = _SHORT.get(word.removeprefix(":"), word.removeprefix(":"))
            if command == "elapse":
                return self._elapsed(more)
            if command in _WORDS:
                return self._commanded(command)
            word = self._event(word)
        return self._fired(word, more)

    def _event(self, word: str) -> str:
        """Return the event of a number, or complain about the word."""
        listed = self._numbered()
        if word.isdecimal() and 0 < int(word) <= len(listed):
            return listed[int(word) - 1]
        near = nearest(word, [*self.walk.chart._outer, *_WORDS])
        hint = f"did you mean {near!r}?" if near else "help lists the commands"
        raise UsageRefused(f"there is no event {word!r}: {hint}")

    def _commanded(self, command: str) -> bool:
        match command:
            case "quit":
                raise _End
            case "help":
                timed = [_TIME] if self.walk.chart._alarms else []
                self._say("\n".join(rows([*_HELP[:1], *timed, *_HELP[1:]], self._width)))
                return False
            case "show":
                self._say("\n".join(self._model()))
                return False
            case "restart":
                self.walk.restart()
                self._say("back at the beginning")
                return True
        undone = self.walk.undo()
        taken = "the time that passed" if undone and undone.elapsed is not None else undone and undone.event
        self._say(f"{taken} was taken back" if undone else "there is nothing to undo")
        return undone is not None

    def _fired(self, event: str, more: Iterable[str]) -> bool:
        given: dict[str, str] = {}
        for word in more:
            name, equals, text = word.partition("=")
            if not equals:
                raise UsageRefused(f"{word!r} is not of the form KEY=VALUE")
            given[name] = text
        for keyword in self.walk.missing(event, given):
            text = self._read(f"{keyword} = ")
            if not text.strip():
                self._say(f"{event} was not fired")
                return False
            given[keyword.name] = text.strip()
        try:
            step = self.walk.fire(event, given)
        except (UsageRefused, StatechartError):
            raise
        except Exception as error:  # guards and hooks of any chart can raise any exception
            self._say(f"error: a hook raised {type(error).__name__}: {error}; nothing was changed")
            return False
        self._say(
            f"refused: {step.refused}"
            if step.refused
            else "\n".join([f"{event} → {step.state}", *step.lines])
        )
        return step.refused is None

    def _elapsed(self, more: list[str]) -> bool:
        if len(more) > 1:
            raise UsageRefused("elapse takes one time, such as 30m")
        try:
            step = self.walk.elapse(duration(more[0]) if more else None)
        except (UsageRefused, StatechartError):
            raise
        except Exception as error:  # as of `fire`
            self._say(f"error: a hook raised {type(error).__name__}: {error}; nothing was changed")
            return False
        timers = [f"{each.timer} {until(each.at, self.walk.driver.now)}" for each in self.walk.timers]
        nothing = "; ".join([f"no timer was due: it is {step.state}", *timers])
        self._say("\n".join([*step.lines] or [nothing]))
        return bool(step.taken)

    def _draw(self) -> None:
        ascii = is_ascii(sys.stdout)
        drawn = render(
            self.walk.chart, "text", marks=self.walk.marks, width=self._width or USUAL, ascii=ascii
        )
        self._say(f"\n{drawn.rstrip()}\n")
        ways = self.walk.ways
        remarks = [
            *(f"→ {targets}" for targets in ways.events.values()),
            *(", ".join(map(str, needed)) for needed in ways.needing.values()),
        ]
        listed = self._numbered()
        numbered = [f"{number}  {event}" for number, event in enumerate(listed, 1)]
        lines = rows(zip(numbered, remarks, strict=True), self._width)
        timers = [(each.timer, self._due(each)) for each in self.walk.timers]
        lines += section("refused", refused_rows(ways), self._width)
        lines += section("timers, with elapse", timers, self._width)
        self._say("\n".join(lines if listed else [*lines, "no event can follow: undo, restart or quit"]))

    def _due(self, timer: Due) -> str:
        return f"{timer.event} {until(timer.at, self.walk.driver.now)}"

    def _numbered(self) -> list[str]:
        ways = self.walk.ways
        return [*ways.events, *ways.needing]

    def _model(self) -> list[str]:
        fields = self.walk.fields()
        return rows(value_rows(fields), self._width) if len(fields) > 1 else ["the model has no fields"]

    def _summary(self) -> str:
        refused = sum(step.refused is not None for step in self.walk.steps)
        fired = counted(sum(len(step.taken) for step in self.walk.steps), "event")
        return f"{fired}{f', {refused} refused' if refused else ''}: it is {self.walk.state}"

    @property
    def _width(self) -> int | None:
        return columns_of(sys.stdout)

    def _read(self, prompt: str) -> str:
        """Return the next line; the end of the input ends the walk."""
        if self.is_typed:
            try:
                # With readline, if there is one; the prompt goes to stdout, as the rest.
                return input(prompt) if not self.settings.json else self._line(prompt)
            except EOFError:
                write("\n")
                raise _End from None
        line = self._line("")
        # As on a terminal, which shows the typed line.
        self._say(f"{prompt}{line.rstrip()}")
        return line

    def _line(self, prompt: str) -> str:
        if prompt:
            note(prompt)
        line = sys.stdin.readline()
        if not line:
            raise _End
        return line

    def _say(self, text: str) -> None:
        clean = strip_control_codes(text)
        if self.settings.json:
            note(clean)
        else:
            style = "red" if clean.startswith(("error:", "refused:")) else "plain"
            shown = fitted(clean, self._width) if style == "red" else clean
            write("\n".join(coloured(styled(line, style)) for line in shown.split("\n")) + "\n")
