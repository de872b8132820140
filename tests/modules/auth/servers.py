"""Servers on loopback that answer as they are told to, or not at all."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import trustme

Answers = list[tuple[int, Any]]


class Teller(BaseHTTPRequestHandler):
    """Gives the answers of a list, one a request, and the last one for ever."""

    answers: Answers
    asked: list[str]

    def do_GET(self) -> None:
        """Give the next answer: a status, and JSON or bytes; a redirection's goes to the address that it has."""
        answers = self.answers
        status, content = answers.pop(0) if len(answers) > 1 else answers[0]
        self.asked.append(self.path)
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        if status in (301, 302, 307, 308):
            self.send_header("Location", body.decode())
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: Any) -> None:
        """Be quiet."""


@contextlib.contextmanager
def serve(folder: Path, handler: type[BaseHTTPRequestHandler]) -> Iterator[tuple[str, str]]:
    """Serve over TLS; give the URL and the CA bundle's path."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    bundle = folder / "stand-ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"https://localhost:{server.server_port}", str(bundle)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def answering(folder: Path, answers: Answers) -> Iterator[tuple[str, str, list[str]]]:
    """Serve these answers; give the URL, the CA bundle's path and the list of what was asked."""

    class Told(Teller):
        """With these answers."""

    Told.answers, Told.asked = list(answers), []
    with serve(folder, Told) as (url, bundle):
        yield url, bundle, Told.asked


@contextlib.contextmanager
def silent_server() -> Iterator[int]:
    """Take connections and never say anything; give the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def closed_port() -> int:
    """A port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port
