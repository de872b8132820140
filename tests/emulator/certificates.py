"""A certificate authority for one run of the server."""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme

NAMES = ("localhost", "127.0.0.1", "::1")


def make(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Make a CA and a server certificate. Return the server's TLS context and the path of the CA certificate."""
    authority = trustme.CA(organization_name="aks.kube_proxy emulator")
    certificate = authority.issue_cert(*NAMES, common_name="localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    ca_path = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_path))
    return context, ca_path
