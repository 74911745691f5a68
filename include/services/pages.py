"""Data Docs and dbt docs over HTTP, read-only: ``python -m include.services.pages --port P``."""

from __future__ import annotations

import argparse
import http.server
import ssl
from http import HTTPStatus
from pathlib import Path
from urllib.parse import unquote, urlsplit

from include.settings import settings

_INDEX = """<!doctype html><meta charset="utf-8"><title>Warehouse documents</title>
<style>body{font:16px system-ui;margin:3rem auto;max-width:40rem}li{margin:.6rem 0}</style>
<h1>Warehouse documents</h1><ul>
<li><a href="/data_docs/index.html">Data Docs</a>: findings in each delivery and month
<li><a href="/dbt/index.html">dbt docs</a>: tables, columns, lineage</ul>
"""
_DBT_FILES = ("index.html", "manifest.json", "catalog.json")
"""All that is served of dbt's target folder; its logs and compiled SQL are not."""


def locate(path: str, data_docs: Path, dbt_target: Path) -> Path | None:
    """The file a request path stands for, or None: nothing outside the two folders is reachable."""
    area, _, rest = unquote(urlsplit(path).path).lstrip("/").partition("/")
    if area == "dbt":
        name = rest or "index.html"
        return dbt_target / name if name in _DBT_FILES else None
    if area != "data_docs":
        return None
    root = data_docs.resolve()
    file = (root / (rest or "index.html")).resolve()
    return file if file.is_relative_to(root) and file.is_file() else None


class Handler(http.server.SimpleHTTPRequestHandler):
    """GET and HEAD of what ``locate`` finds."""

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep no access log."""

    def _answer(self, *, with_body: bool) -> None:
        if urlsplit(self.path).path == "/":
            body, kind = _INDEX.encode(), "text/html; charset=utf-8"
        else:
            file = locate(self.path, settings().data_docs, settings().dbt_target)
            if file is None or not file.is_file():
                self.send_error(HTTPStatus.NOT_FOUND, "Nothing there (yet)")
                return
            body, kind = file.read_bytes(), self.guess_type(file)
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-cache")
        self.end_headers()
        if with_body:
            self.wfile.write(body)


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--certificate", help="PEM file; with it and its key, HTTPS.")
    parser.add_argument("--key")
    arguments = parser.parse_args()
    server = http.server.ThreadingHTTPServer((arguments.host, arguments.port), Handler)
    if arguments.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(arguments.certificate, arguments.key)
        # The handshake is the connection's own thread's: one slow client holds up nobody.
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    server.serve_forever()


if __name__ == "__main__":
    main()
