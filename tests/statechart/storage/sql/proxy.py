"""A proxy before a server, which cuts connections at messages of the client's."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

How = Literal["before", "after", "late"]
"""Cut before the message arrives, after the server has carried it out, or before it arrives late."""


class Proxy:
    """Passes bytes between clients and a server, until a message of the client's is to be cut off.

    Args:
        url: The URL of the server.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._server = (str(parts.hostname), int(parts.port or 0))
        self._listening = socket.create_server(("127.0.0.1", 0))
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
            silent = threading.Event()
            threading.Thread(target=self._pass, args=(client, server, silent), daemon=True).start()
            threading.Thread(target=self._answer, args=(server, client, silent), daemon=True).start()

    def _pass(self, client: socket.socket, server: socket.socket, silent: threading.Event) -> None:
        with suppress(OSError):
            while sent := client.recv(65536):
                cut = self._cut
                if cut is None or cut[0] not in sent:
                    server.sendall(sent)
                    continue
                self._cut = None
                silent.set()
                if cut[1] == "after":
                    server.sendall(sent)
                    time.sleep(0.2)
                _end(client)
                if cut[1] == "late":
                    self.late.wait(20)
                    server.sendall(sent)
                    time.sleep(0.2)
                break
        _end(server)

    def _answer(self, server: socket.socket, client: socket.socket, silent: threading.Event) -> None:
        with suppress(OSError):
            while answer := server.recv(65536):
                if not silent.is_set():
                    client.sendall(answer)
        _end(client)


def _end(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
