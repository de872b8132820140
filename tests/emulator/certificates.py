"""A certificate authority for one run of the server."""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme

NAMES = ("localhost", "127.0.0.1", "::1")


def context(authority: trustme.CA) -> ssl.SSLContext:
    """The TLS context of a server on loopback, with a certificate of an authority."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*NAMES, common_name="localhost").configure_cert(made)
    return made


def asking(authority: trustme.CA) -> ssl.SSLContext:
    """Likewise, of a server that asks for clients' certificates, and trusts those of the same authority."""
    made = context(authority)
    authority.configure_trust(made)
    made.verify_mode = ssl.CERT_OPTIONAL
    return made


def make(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Make a CA and a server certificate. Return the server's TLS context and the path of the CA certificate."""
    authority = trustme.CA(organization_name="aks.kube_proxy emulator")
    ca_path = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_path))
    return context(authority), ca_path
