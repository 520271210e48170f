"""Backends for Terraform's state on this machine: PostgreSQL, a server of HTTP, and a file elsewhere."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol

import psycopg

from tests.ports import free_port

State = dict[str, Any]


class Backend(Protocol):
    """A backend of a kind, with its block for a module and its variables."""

    kind: str

    @property
    def block(self) -> str: ...

    @property
    def variables(self) -> dict[str, str]: ...

    def state(self) -> State | None: ...

    def store(self, state: State) -> None: ...

    def lose(self) -> None: ...


@dataclass
class LocalBackend:
    """A file outside of the environment's directory."""

    path: Path
    kind: str = "local"

    @property
    def block(self) -> str:
        return f'backend "local" {{ path = "{self.path}" }}'

    @property
    def variables(self) -> dict[str, str]:
        return {}

    def state(self) -> State | None:
        return json.loads(self.path.read_text()) if self.path.exists() else None

    def store(self, state: State) -> None:
        self.path.write_text(json.dumps(state))

    def lose(self) -> None:
        self.path.unlink()


@dataclass
class PostgresBackend:
    """A schema of a PostgreSQL database."""

    url: str
    schema: str = "web"
    kind: str = "pg"

    @property
    def block(self) -> str:
        return 'backend "pg" {}'

    @property
    def variables(self) -> dict[str, str]:
        return {"PG_CONN_STR": f"{self.url}?sslmode=disable", "PG_SCHEMA_NAME": self.schema}

    def _run(self, statement: str, *values: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement, values)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []

    def state(self) -> State | None:
        rows = self._run(f"SELECT data FROM {self.schema}.states")
        return json.loads(rows[0][0]) if rows else None

    def store(self, state: State) -> None:
        self._run(f"UPDATE {self.schema}.states SET data = %s", json.dumps(state))

    def lose(self) -> None:
        self._run(f"DROP SCHEMA {self.schema} CASCADE")


@dataclass
class HttpBackend:
    """A server of HTTP on loopback, with locks that last until they are released.

    Attributes:
        states: The content by path.
        locks: The lock's information by path.
        failing: The status with which every request is answered, or 0.
        slow: The seconds before an answer.
        requests: The methods and paths of the requests.
    """

    name: str = "web"
    kind: str = "http"
    states: dict[str, bytes] = field(default_factory=dict)
    locks: dict[str, bytes] = field(default_factory=dict)
    failing: int = 0
    slow: float = 0.0
    refused: set[str] = field(default_factory=set)
    requests: list[str] = field(default_factory=list)
    port: int = 0
    _server: ThreadingHTTPServer | None = None
    _thread: threading.Thread | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/{self.name}"

    @property
    def block(self) -> str:
        return 'backend "http" {}'

    @property
    def variables(self) -> dict[str, str]:
        names = ("TF_HTTP_ADDRESS", "TF_HTTP_LOCK_ADDRESS", "TF_HTTP_UNLOCK_ADDRESS")
        return {**dict.fromkeys(names, self.address), "TF_HTTP_RETRY_MAX": "0"}

    def state(self) -> State | None:
        content = self.states.get(f"/{self.name}")
        return json.loads(content) if content else None

    def store(self, state: State) -> None:
        self.states[f"/{self.name}"] = json.dumps(state).encode()

    def lose(self) -> None:
        self.states.clear()

    def start(self) -> None:
        """Listen, on the same port as before."""
        if not self.port:
            self.port = free_port()
        self._server = _Server(("127.0.0.1", self.port), _handler(self))
        self._thread = threading.Thread(target=lambda: self._serve(), daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        assert self._server is not None
        self._server.serve_forever(poll_interval=0.02)

    def stop(self) -> None:
        """Refuse connections from now on."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            self._server = self._thread = None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True


def _handler(backend: HttpBackend) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

        def _answer(self, status: int, content: bytes = b"") -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _handle(self) -> None:
            path = self.path.partition("?")[0]
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            backend.requests.append(f"{self.command} {path}")
            time.sleep(backend.slow)
            if backend.failing or self.command in backend.refused:
                self._answer(backend.failing or 503)
            elif self.command == "GET":
                content = backend.states.get(path)
                self._answer(200 if content else 404, content or b"")
            elif self.command == "POST":
                backend.states[path] = sent
                self._answer(200)
            elif self.command == "LOCK":
                held = backend.locks.setdefault(path, sent)
                self._answer(200 if held is sent else 423, b"" if held is sent else held)
            else:
                backend.locks.pop(path, None)
                self._answer(200)

    for method in ("GET", "POST", "LOCK", "UNLOCK"):
        setattr(Handler, f"do_{method}", Handler._handle)
    return Handler


@contextmanager
def http_backend() -> Iterator[HttpBackend]:
    """Run a server of HTTP."""
    backend = HttpBackend()
    backend.start()
    try:
        yield backend
    finally:
        backend.stop()
