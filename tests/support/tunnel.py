"""An HTTP proxy on loopback."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from socket import SHUT_RDWR, create_connection, socket
from socketserver import ThreadingTCPServer
from typing import Any

Asked = list[tuple[str, str | None]]
"""Whom a proxy was asked for, and with what credentials."""


class Tunnel(BaseHTTPRequestHandler):
    """A proxy that notes whom it is asked for, and with what credentials."""

    asked: list[tuple[str, str | None]]

    def do_CONNECT(self) -> None:
        """Connect."""
        self.asked.append((self.path, self.headers["Proxy-Authorization"]))
        host, _colon, port = self.path.partition(":")
        with create_connection((host, int(port))) as far:
            self.send_response(200)
            self.end_headers()
            back = threading.Thread(target=pump, args=(far, self.connection))
            back.start()
            pump(self.connection, far)
            back.join()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in Python
        """Say nothing."""


def pump(source: socket, sink: socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(SHUT_RDWR)


@contextmanager
def tunnel() -> Iterator[tuple[str, Asked]]:
    """Run an HTTP proxy: its address, and the list of what it is asked for."""
    asked: Asked = []
    handler = type("Handler", (Tunnel,), {"asked": asked})
    with ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}", asked
        finally:
            server.shutdown()
            thread.join()
