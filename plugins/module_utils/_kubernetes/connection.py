# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The connections to an API server: what is trusted, what proves who asks, and which way they take.

Private to this collection.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.api import NoAccess
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.entries import Server

DESCRIPTORS = Path("/proc/self/fd")


def tls(server: Server, certificate: str, key: str) -> ssl.SSLContext:
    """What TLS trusts and shows.

    As kubectl does, it takes certificates without the extensions on which Python 3.13 insists by itself (many
    clusters' own authorities leave them out: https://github.com/kubernetes-client/python/issues/2394), and trusts an
    authority in the kubeconfig although another one has signed it.

    Args:
        server: where to. With a C(ca) nothing else is trusted, not even what the operating system trusts.
        certificate: a client certificate (PEM); empty for none.
        key: its private key (PEM).

    Raises:
        NoAccess: a certificate or the key cannot be read.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_flags = (context.verify_flags & ~ssl.VERIFY_X509_STRICT) | ssl.VERIFY_X509_PARTIAL_CHAIN
    if not server.ca:
        context.load_default_certs()
    else:
        try:
            # Comments between certificates may be in any language; Python takes ASCII alone.
            context.load_verify_locations(cadata=server.ca.encode("ascii", "ignore").decode())
        except (ssl.SSLError, ValueError):
            raise NoAccess(
                f"The kubeconfig's certificate authority for {server.host} holds no certificate in PEM format.",
                code="BadKubeconfig",
            ) from None
    if certificate:
        _show(context, certificate, key)
    return context


def _show(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Have TLS show a client certificate. Python takes it from a file only."""
    try:
        with _as_file(f"{certificate}\n{key}\n".encode("ascii", "ignore").decode()) as path:
            context.load_cert_chain(path, password="")  # never asks for a password on the terminal
    except (ssl.SSLError, ValueError):
        raise NoAccess(
            "The client certificate and its key cannot be read, or do not belong together. Both have to be in PEM "
            "format, the key without a password.",
            code="BadKubeconfig",
        ) from None


@contextmanager
def _as_file(text: str) -> Iterator[str]:
    """A path where a secret can be read for the moment.

    Where the system can (Linux), it leads to memory of this process, so that nothing is left behind even if that is
    killed: https://man7.org/linux/man-pages/man2/memfd_create.2.html. Else to a file that nobody else can read (0600).
    """
    if hasattr(os, "memfd_create") and DESCRIPTORS.is_dir():
        with os.fdopen(os.memfd_create("aks.kube_proxy"), "w", encoding="ascii") as memory:
            memory.write(text)
            memory.flush()
            yield str(DESCRIPTORS / str(memory.fileno()))
    else:
        with tempfile.NamedTemporaryFile("w", prefix="aks.kube_proxy-", encoding="ascii") as file:
            file.write(text)
            file.flush()
            yield file.name


def proxy_of(server: Server, environ: Mapping[str, str]) -> str:
    """The URL of the proxy on the way to a server; empty for none.

    As kubectl does it: the kubeconfig's C(proxy-url), else E(HTTPS_PROXY), which E(NO_PROXY) and addresses of this very
    host are excepted from. https://pkg.go.dev/golang.org/x/net/http/httpproxy
    """
    if server.proxy:
        return server.proxy
    proxy = environ.get("HTTPS_PROXY") or environ.get("https_proxy") or ""
    excepted = environ.get("NO_PROXY") or environ.get("no_proxy") or ""
    if not proxy or is_this_host(server.host):
        return ""
    if any(_covers(row.strip().lower(), server) for row in excepted.split(",")):
        return ""
    return proxy if "://" in proxy else f"http://{proxy}"


def is_this_host(host: str) -> bool:
    """Whether a name or an address is that of the host on which this runs, in itself (C(localhost), C(127.0.0.1))."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _covers(row: str, server: Server) -> bool:
    """Whether an entry of NO_PROXY covers a server: an address, a network, C(*), or a name with its subdomains.

    C(.NAME) and C(*.NAME) cover the subdomains only.
    """
    if not row:
        return False
    if row == "*":
        return True
    try:
        return ipaddress.ip_address(server.host) in ipaddress.ip_network(row, strict=False)
    except ValueError:
        pass
    name, _colon, port = row.partition(":")
    if port and port != str(urlsplit(server.url).port or 443):
        return False
    if name.startswith("*."):
        name = name[1:]
    if name.startswith("."):
        return server.host.endswith(name)
    return server.host == name or server.host.endswith(f".{name}")
