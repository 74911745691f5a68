"""Whom notices are sent to: a webhook and a mail server's inbox, both real and on loopback."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any


class Hook:
    """A webhook; ``status`` is what it answers. With a ``context`` it speaks HTTPS."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.got: list[dict[str, Any]] = []
        self.status = 204
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if hook.status < 300:
                    hook.got.append(json.loads(body))
                self.send_response(hook.status)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Not into the tests' output."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self._scheme = "https" if context else "http"
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.server.server_port}/hook"

    def told(self) -> list[tuple[str, str]]:
        return [(n["kind"], n["subject"]) for each in self.got for n in each["notices"]]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Post:
    """A mail server's inbox."""

    def __init__(self) -> None:
        self.got: list[Any] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.got.append((envelope.rcpt_tos, message_from_bytes(envelope.content)))
        return "250 OK"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
