"""A small web service with a page, a health endpoint and a configurable greeting.

The service needs only Python, and takes its settings from environment variables: the address from HOST
and PORT, the greeting from GREETING, its identity from ENVCHART_INSTANCE_TOKEN and ENVCHART_RELEASE.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import FrameType

VERSION = (Path(__file__).parent / "version.txt").read_text().strip()
RELEASE = os.environ.get("ENVCHART_RELEASE", "none")
TOKEN = os.environ.get("ENVCHART_INSTANCE_TOKEN", "")
GREETING = os.environ.get("GREETING", "Hello")

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{greeting}</title>
<style>
  body {{ font: 1.1rem/1.6 system-ui, sans-serif; max-width: 32rem; margin: 20vh auto; padding: 0 1rem; }}
  h1 {{ margin: 0; }}
  code {{ background: #8882; padding: .1em .4em; border-radius: .3em; }}
</style>
<h1>{greeting}</h1>
<p>This is version <code>{version}</code>, release <code>{release}</code>.</p>
"""


class Handler(BaseHTTPRequestHandler):
    """Serves the page and the health endpoint."""

    def do_GET(self) -> None:
        match self.path:
            case "/":
                page = PAGE.format(
                    greeting=escape(GREETING), version=escape(VERSION), release=escape(RELEASE)
                )
                self.answer(200, "text/html; charset=utf-8", page)
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
    address = (os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "8000")))
    with ThreadingHTTPServer(address, Handler) as server:

        def stop(_number: int, _frame: FrameType | None) -> None:
            # shutdown() waits for the loop that this handler interrupts, so it needs another thread.
            threading.Thread(target=server.shutdown).start()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        print(f"hello {VERSION}: listening on http://{address[0]}:{address[1]}/", flush=True)
        server.serve_forever(poll_interval=0.05)
    print("hello: stopped", flush=True)


if __name__ == "__main__":
    main()
