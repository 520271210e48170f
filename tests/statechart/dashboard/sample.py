"""A dashboard of rows that a test makes, without a store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from statechart.dashboard.forms import form
from statechart.dashboard.guard import Access
from statechart.dashboard.hub import Hub
from statechart.dashboard.refusals import Refused
from statechart.dashboard.serving.server import Server, bound
from statechart.dashboard.site import Board, Site
from statechart.dashboard.templating import Settings, Templates
from statechart.errors import StorageError
from statechart.overview import Index

TOKEN = "t" * 43
KNOWN = {"authorization": f"Bearer {TOKEN}"}


@dataclass(frozen=True)
class SampleRow:
    name: str
    group: str = "idle"
    rank: tuple[int, ...] = (0,)
    since: float = 0.0
    words: str = ""
    facets: Mapping[str, str] = field(default_factory=dict)


@dataclass
class SampleSource:
    """Rows in memory; `change` tells of them as a store's watcher does."""

    kept: dict[str, SampleRow] = field(default_factory=dict)
    groups: tuple[str, ...] = ("failed", "idle")
    watching: str = "inotify"
    trouble: Exception | None = None
    changed: asyncio.Queue[frozenset[str]] = field(default_factory=asyncio.Queue)

    def rows(self) -> Iterable[SampleRow]:
        if self.trouble is not None:
            raise self.trouble
        return list(self.kept.values())

    def row(self, name: str) -> SampleRow | None:
        return self.kept.get(name)

    async def changes(self) -> AsyncGenerator[frozenset[str], None]:
        yield frozenset(self.kept)
        while True:
            names = await self.changed.get()
            if self.trouble is not None:
                raise self.trouble
            yield names

    def change(self, *rows: SampleRow) -> None:
        self.kept |= {row.name: row for row in rows}
        self.changed.put_nowait(frozenset(row.name for row in rows))

    def remove(self, name: str) -> None:
        del self.kept[name]
        self.changed.put_nowait(frozenset({name}))


def sample_site(
    source: SampleSource, access: Access | None = None, *, limit: int = 1000
) -> Site[SampleRow]:
    async def fields(request: Request) -> PlainTextResponse:
        return PlainTextResponse(repr(await form(request)))

    async def fault(request: Request) -> PlainTextResponse:
        raise ZeroDivisionError

    async def slow(request: Request) -> PlainTextResponse:
        await asyncio.Event().wait()
        raise AssertionError

    board = Board(
        source,
        Index(source),
        Templates(["statechart.dashboard"], {"settings": Settings("sample", "memory", source)}),
        draw=lambda row: {"html": f"<tr>{row.name}</tr>"},
        explain=lambda error: Refused(HTTPStatus.SERVICE_UNAVAILABLE, "storage", str(error)),
        errors=(StorageError,),
        hub=Hub(limit),
    )
    pages = [
        Route("/", lambda request: PlainTextResponse(" ".join(row.name for row in board.index.rows))),
        Route("/form", fields, methods=["POST"]),
        Route("/fault", fault),
        Route("/slow", slow),
    ]
    return Site(board, pages, access)


@asynccontextmanager
async def running(source: SampleSource, *, limit: int = 1000):
    """Serve a sample on a free port, and yield its address and its server."""
    listening = bound("127.0.0.1", 0)
    port = listening.getsockname()[1]
    site = sample_site(source, Access.of(port, TOKEN), limit=limit)
    ready = asyncio.Event()
    server = Server(site, ready.set)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        await ready.wait()
        yield f"http://127.0.0.1:{port}", server
    finally:
        server.should_exit = True
        await task


async def until(holds) -> None:
    while not holds():  # noqa: ASYNC110  # nothing tells of the end of a connection
        await asyncio.sleep(0.01)
