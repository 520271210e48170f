"""A proxy before a server, which cuts connections at messages of the client's."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

from tests.ports import free_port

How = Literal["before", "after", "late"]
"""Cut before the message arrives, after the server has carried it out, or before it arrives late."""


@dataclass(frozen=True)
class Way:
    """A client's connection, and the one to the server that it is passed on by."""

    client: socket.socket
    server: socket.socket
    silent: threading.Event = field(default_factory=threading.Event)
    answered: threading.Event = field(default_factory=threading.Event)

    def carry_out(self, message: bytes) -> None:
        """Send a message to the server, and wait until it has answered."""
        self.answered.clear()
        self.server.sendall(message)
        self.answered.wait(20)


class Proxy:
    """Passes bytes between clients and a server, until a message of the client's is to be cut off.

    Args:
        url: The URL of the server.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._server = (str(parts.hostname), int(parts.port or 0))
        self._listening = socket.create_server(("127.0.0.1", free_port()))
        self._cut: tuple[bytes, How] | None = None
        self.late = threading.Event()
        self._open: list[socket.socket] = []
        port = self._listening.getsockname()[1]
        self.url = urlunsplit(parts._replace(netloc=f"{parts.username}@127.0.0.1:{port}"))
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, message: bytes, how: How) -> None:
        """Cut the connection of the next client that sends a message."""
        self._cut = (message, how)

    def refuse(self) -> None:
        """Take no more connections."""
        _end(self._listening)

    def reopen(self) -> None:
        """Take connections again, at the same URL."""
        port = urlsplit(self.url).port
        self._open = []
        self._listening = socket.create_server(("127.0.0.1", int(port or 0)))
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Cut all connections, and take no more."""
        self.late.set()
        self.refuse()
        for each in self._open:
            _end(each)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            server = socket.create_connection(self._server)
            self._open += [client, server]
            way = Way(client, server)
            threading.Thread(target=self._pass, args=(way,), daemon=True).start()
            threading.Thread(target=self._answer, args=(way,), daemon=True).start()

    def _pass(self, way: Way) -> None:
        client, server = way.client, way.server
        with suppress(OSError):
            while sent := client.recv(65536):
                cut = self._cut
                if cut is None or cut[0] not in sent:
                    server.sendall(sent)
                    continue
                self._cut = None
                way.silent.set()
                if cut[1] == "after":
                    way.carry_out(sent)
                _end(client)
                if cut[1] == "late":
                    self.late.wait(20)
                    way.carry_out(sent)
                break
        _end(server)

    def _answer(self, way: Way) -> None:
        with suppress(OSError):
            while answer := way.server.recv(65536):
                way.answered.set()  # before the client hears of it, and says more
                if not way.silent.is_set():
                    way.client.sendall(answer)
        way.answered.set()
        _end(way.client)


def _end(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
