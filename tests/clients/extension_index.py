"""Extensions of the Azure CLI of our own: wheels, and an index that offers them over HTTPS on this machine."""

from __future__ import annotations

import hashlib
import json
import threading
import zipfile
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.emulator.certificates import make

LOADER = """\
from azure.cli.core import AzCommandsLoader


class Loader(AzCommandsLoader):
    pass


COMMAND_LOADER_CLS = Loader
"""
PREVIEW = {"azext.isPreview": True}
FUTURE = {"azext.minCliCoreVersion": "99.0.0"}


def build_wheel(folder: Path, name: str, version: str, metadata: Mapping[str, Any] | None = None) -> Path:
    """Write a wheel with an extension that has no command.

    Args:
        folder: where to.
        name: the extension.
        version: its version.
        metadata: what az looks at (C(azext_metadata.json)).
    """
    module = name.replace("-", "_")
    about = f"{module}-{version}.dist-info"
    path = folder / f"{module}-{version}-py3-none-any.whl"
    files = {
        f"azext_{module}/__init__.py": LOADER,
        f"azext_{module}/azext_metadata.json": json.dumps(metadata or {}),
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: An extension.\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/RECORD": "",
    }
    with zipfile.ZipFile(path, "w") as wheel:
        for file, content in files.items():
            wheel.writestr(file, content)
    return path


class Index:
    """A server with wheels and these indexes: C(/index.json), and C(/altered.json) with digests that fit none.

    C(/silent.json) never answers, C(/page.json) is no JSON, C(/gone.json) has wheels that are not there; everything
    else is not found.

    Args:
        folder: where wheels and certificates go.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.offers: dict[str, list[dict[str, Any]]] = {}
        self.requests: list[str] = []
        self._closing = threading.Event()
        context, self.ca_path = make(folder)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://localhost:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self) -> Index:
        """Start it."""
        self._thread.start()
        return self

    def __exit__(self, *_unused: object) -> None:
        """Stop it, with the requests that wait."""
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def offer(self, name: str, version: str, metadata: Mapping[str, Any] | None = None) -> Path:
        """Build a version of an extension and put it into the index."""
        path = build_wheel(self.folder, name, version, metadata)
        entry = {
            "downloadUrl": f"{self.url}/{path.name}",
            "filename": path.name,
            "sha256Digest": hashlib.sha256(path.read_bytes()).hexdigest(),
            "metadata": {"name": name, "version": version, "summary": "An extension.", **(metadata or {})},
        }
        self.offers.setdefault(name, []).append(entry)
        return path

    def _index(self, **changes: str) -> bytes:
        offers = {name: [{**entry, **changes} for entry in entries] for name, entries in self.offers.items()}
        return json.dumps({"formatVersion": "1", "extensions": offers}).encode()

    def answer(self, path: str) -> bytes | None:
        """What there is at a path, None for nothing."""
        if path == "/silent.json":
            self._closing.wait(60)
            return None
        pages: dict[str, Callable[[], bytes]] = {
            "/index.json": self._index,
            "/altered.json": lambda: self._index(sha256Digest="0" * 64),
            "/gone.json": lambda: self._index(downloadUrl=f"{self.url}/gone/tiny-1.10.0-py3-none-any.whl"),
            "/page.json": lambda: b"<html>Sign in to the network of this hotel</html>",
        }
        if path in pages:
            return pages[path]()
        wheel = self.folder / path.lstrip("/")
        return wheel.read_bytes() if path.endswith(".whl") and wheel.is_file() else None

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        index = self

        class Handler(BaseHTTPRequestHandler):
            """Answers GET."""

            def do_GET(self) -> None:
                """Look the path up."""
                path = self.path.partition("?")[0]
                index.requests.append(path)
                content = index.answer(path)
                self.send_response(404 if content is None else 200)
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()
                self.wfile.write(content or b"")

            def log_message(self, *_unused: object) -> None:
                """Say nothing."""

        return Handler
