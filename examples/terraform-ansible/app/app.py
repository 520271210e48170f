"""A small web service with a greeting that its host's configuration defines.

The service needs only Python, and takes its settings from environment variables: the address from HOST
and PORT, the file that Ansible wrote from WELCOME_CONFIG, its identity from ENVCHART_INSTANCE_TOKEN and
ENVCHART_RELEASE.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import FrameType

VERSION = (Path(__file__).parent / "version.txt").read_text().strip()
RELEASE = os.environ.get("ENVCHART_RELEASE", "none")
TOKEN = os.environ.get("ENVCHART_INSTANCE_TOKEN", "")
CONFIG = Path(os.environ.get("WELCOME_CONFIG", "/etc/welcome/welcome.json"))


def greeting() -> str:
    """Read the greeting from the host's configuration."""
    return str(json.loads(CONFIG.read_text())["greeting"])


class Handler(BaseHTTPRequestHandler):
    """Serves the page and the health endpoint."""

    def do_GET(self) -> None:
        match self.path:
            case "/":
                text = f"{greeting()}\nThis is version {VERSION}, release {RELEASE}.\n"
                self.answer(200, "text/plain; charset=utf-8", text)
            case "/health":
                health = {"status": "ok", "instance": TOKEN, "release": RELEASE, "version": VERSION}
                self.answer(200, "application/json", json.dumps(health) + "\n")
            case _:
                self.answer(404, "text/plain; charset=utf-8", "Not found.\n")

    def answer(self, status: int, content_type: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Log no requests, to keep the log short."""


def main() -> None:
    greeting()  # fails early on a host without configuration
    address = (os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "8000")))
    with ThreadingHTTPServer(address, Handler) as server:

        def stop(_number: int, _frame: FrameType | None) -> None:
            # shutdown() waits for the loop that this handler interrupts, so it needs another thread.
            threading.Thread(target=server.shutdown).start()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        print(f"welcome {VERSION}: listening on http://{address[0]}:{address[1]}/", flush=True)
        server.serve_forever(poll_interval=0.05)
    print("welcome: stopped", flush=True)


if __name__ == "__main__":
    main()
