"""`top`: all environments, or one, live on the whole terminal."""

from __future__ import annotations

import asyncio
import signal
from contextlib import aclosing
from functools import partial

import click

from environments.cli import loading
from environments.cli.commands.monitoring.detail import Present, lines_of, read
from environments.cli.commands.monitoring.display import can_draw, draw, size, whole_terminal
from environments.cli.commands.monitoring.overview import Overview
from environments.cli.group import subcommand
from environments.cli.parameters import optional_name_argument
from environments.cli.settings import Settings
from environments.cli.signals import Ended, Interruption
from environments.overview import EnvironmentSource
from statechart.following.cancellation import in_thread
from statechart.following.watching import EVERY
from statechart.overview import Index
from statechart.terminal.colours import styled
from statechart.terminal.refusal import UsageRefused

_KEYS = "↑↓ scroll  Esc all environments  q quit"


@subcommand("top")
@optional_name_argument
def top(settings: Settings, name: str | None) -> None:
    """Show all environments live, or one in detail.

    It takes the whole terminal, whose last line names the keys; q or Ctrl-C ends it. What needs a
    person comes first. An environment is shown with the steps of its command, how long they take and
    usually take, what you can do, and why it is in its state. Nothing is changed, and no lock is taken.

    Examples:
        envchart top
        envchart top web
    """
    if settings.json:
        raise UsageRefused(
            "top has no end, and --json needs one",
            (settings.spell("list --json") if name is None else settings.spell("why NAME --json", name),),
        )
    if not can_draw():
        raise UsageRefused(
            "top draws on the whole terminal, and stdout is none, or TERM says that it only prints",
            (settings.spell("list --watch"), settings.spell("watch NAME", name)),
        )
    if name is not None:
        loading.storage(settings).summary(name)  # raises if there is none
    try:
        Interruption(lambda _text: None, last=False).run(_Top(settings, name).run())
    except (KeyboardInterrupt, Ended) as stopped:
        # The usual end is no error.
        code = stopped.exit_code if isinstance(stopped, Ended) else 128 + signal.SIGINT
        raise click.exceptions.Exit(code) from None


class _Top:
    """The screens, one of which is shown, over an index that is kept up to date."""

    def __init__(self, settings: Settings, name: str | None) -> None:
        self._settings = settings
        self._workspace = loading.workspace(settings)
        self._source = EnvironmentSource(self._workspace, settings.spell)
        self._index = Index(self._source)
        self._overview = Overview(self._index, settings.where)
        self._name = name
        self._present: Present | None = None
        self._scrolled = 0
        self._is_read = False
        self._ended = False
        self._woken = asyncio.Event()

    async def run(self) -> None:
        """Show the environments until a key ends it.

        Raises:
            StorageError: The data directory can't be read.
        """
        following = asyncio.create_task(self._follow())
        try:
            with whole_terminal(self._press, self._woken.set):
                while not self._ended and not following.done():
                    await self._sleep(following)
                    if not self._ended and not following.done():
                        await self._draw()
        finally:
            following.cancel()
            await asyncio.wait([following])
        if not following.cancelled():
            following.result()

    async def _sleep(self, following: asyncio.Task[None]) -> None:
        """Wait for a key, for a change or for a second, in which times go on."""
        woken = asyncio.ensure_future(self._woken.wait())
        try:
            await asyncio.wait([woken, following], timeout=EVERY, return_when=asyncio.FIRST_COMPLETED)
        finally:
            woken.cancel()
        self._woken.clear()

    async def _follow(self) -> None:
        async with aclosing(self._source.changes()) as changes:
            async for names in changes:
                if self._is_read:
                    await in_thread(partial(self._index.refresh, names))
                else:
                    await in_thread(self._index.read)
                    self._is_read = True
                self._overview.refresh()
                if self._name in names:
                    self._present = None
                self._woken.set()

    async def _draw(self) -> None:
        if self._name is None:
            lines = self._overview.lines(size(), self._source.watching)
            draw(lines if self._is_read else ["reading all environments"])
            return
        if self._present is None:
            name = self._name
            row = await in_thread(lambda: self._source.row(name))
            self._present = await in_thread(lambda: read(self._workspace, self._settings, name, row))
        lines = lines_of(self._present, self._settings, self._name, size().columns)
        room = max(1, size().lines - 1)
        self._scrolled = max(0, min(self._scrolled, len(lines) - room))
        shown = lines[self._scrolled : self._scrolled + room]
        draw([*shown, *[""] * (room - len(shown)), styled(_KEYS, "dim")])

    def _press(self, key: str) -> None:
        self._woken.set()
        if self._name is None:
            if key == "q" and not self._overview.is_typing:
                self._ended = True
            elif key == "enter" and not self._overview.is_typing and self._overview.chosen is not None:
                self._open(self._overview.chosen)
            else:
                self._overview.press(key)
        elif key == "q":
            self._ended = True
        elif key in ("escape", "left", "backspace"):
            self._open(None)
        else:
            page = max(1, size().lines - 2)
            steps = {"up": -1, "k": -1, "down": 1, "j": 1, "page up": -page, "page down": page, " ": page}
            self._scrolled = {"home": 0, "g": 0, "end": 1 << 30, "G": 1 << 30}.get(
                key, self._scrolled + steps.get(key, 0)
            )

    def _open(self, name: str | None) -> None:
        self._name, self._present, self._scrolled = name, None, 0
