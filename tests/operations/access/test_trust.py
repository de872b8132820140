"""Whom to trust, whom to ask, and by which proxy."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socket import SHUT_RDWR, create_connection, socket
from socketserver import ThreadingTCPServer
from typing import Any

import pytest
import yaml
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.access import KUBECONFIG

from tests.support.caller import Caller

Call = Callable[..., Caller]


def test_another_authority_is_not_trusted(call: Call, tmp_path: Path) -> None:
    caller = call()
    arm_ca = base64.b64encode(caller.azure.emulator.ca_path.read_bytes()).decode()
    path = caller.kubeconfig(tmp_path, **{"certificate-authority-data": arm_ca})
    error = caller.refused(KUBECONFIG, kubeconfig=str(path), context="web")
    assert error.details["code"] == "Untrusted"
    assert "the kubeconfig's certificate authority" in error.message
    assert caller.gets() == []
    assert caller.azure.time.slept == []


def test_without_an_authority_in_the_kubeconfig_a_private_one_is_not_trusted(call: Call, tmp_path: Path) -> None:
    caller = call()
    path = caller.kubeconfig(tmp_path, **{"certificate-authority-data": ""})
    assert "this host's authorities" in caller.refused(KUBECONFIG, kubeconfig=str(path), context="web").message


def test_what_the_system_trusts_counts_only_where_the_kubeconfig_names_no_authority(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = call()
    content = yaml.safe_load(caller.kubeconfig(tmp_path).read_text())
    own = content["clusters"][0]["cluster"]["certificate-authority-data"]
    (tmp_path / "system.pem").write_bytes(base64.b64decode(own))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "system.pem"))
    path = caller.kubeconfig(tmp_path, **{"certificate-authority-data": ""})
    assert caller.ask(KUBECONFIG, kubeconfig=str(path), context="web")[0].ok
    other = base64.b64encode(caller.azure.emulator.ca_path.read_bytes()).decode()
    path = caller.kubeconfig(tmp_path, **{"certificate-authority-data": other})
    assert caller.refused(KUBECONFIG, kubeconfig=str(path), context="web").details["code"] == "Untrusted"


def test_the_name_on_the_certificate_counts(call: Call, tmp_path: Path) -> None:
    caller = call()
    fqdn = caller.cluster().properties["fqdn"]
    path = caller.kubeconfig(tmp_path, **{"tls-server-name": fqdn})
    error = caller.refused(KUBECONFIG, kubeconfig=str(path))  # the context leads to the cluster, by that name
    assert error.details["code"] == "Untrusted"
    assert "Hostname mismatch" in error.message
    assert caller.gets() == []


def test_another_cluster_is_not_asked(call: Call, tmp_path: Path) -> None:
    caller = call({}, {"name": "other"})
    path = caller.kubeconfig(tmp_path, "other", server=f"https://{caller.cluster('other').properties['fqdn']}:443")
    for context in (None, "other"):
        error = caller.refused(KUBECONFIG, kubeconfig=str(path), context=context)
        assert error.details["code"] == "WrongCluster"
        assert "leads to other-" in error.message
    assert caller.gets() == []


# --- through a proxy ---


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


@pytest.fixture
def proxy() -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    """Return an HTTP proxy's address, and the list of what it is asked for."""
    asked: list[tuple[str, str | None]] = []
    handler = type("Handler", (Tunnel,), {"asked": asked})
    with ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()
        thread.join()


def test_the_kubeconfigs_proxy_is_used(
    call: Call, tmp_path: Path, proxy: tuple[str, list[tuple[str, str | None]]]
) -> None:
    caller = call()
    address, asked = proxy
    path = caller.kubeconfig(tmp_path, **{"proxy-url": f"http://me:p%40ss@{address}"})
    assert caller.ask(KUBECONFIG, kubeconfig=str(path), context="web")[0].ok
    ((host, credentials),) = asked
    assert host.startswith("localhost:")
    assert credentials == f"Basic {base64.b64encode(b'me:p@ss').decode()}"
