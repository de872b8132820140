"""One emulator for the sign-in tests, with everybody who can sign in, and an environment without credentials."""

from __future__ import annotations

import datetime as dt
import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.tokens import TokenCache
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from tests.emulator import Emulator

from .people import CERTIFIED, FEDERATED, ISSUER, MACHINE, PASSWORD, SECRET, SECRETIVE, SUBJECT, USER


def make_certificate(folder: Path, name: str, password: bytes | None = None) -> Path:
    """Make a self-signed certificate; the file holds the certificate and its key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    path = folder / f"{name}.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The certificate that the emulator knows."""
    return make_certificate(tmp_path_factory.mktemp("certificate"), "known")


@pytest.fixture(scope="session")
def running_emulator(certificate: Path) -> Iterator[Emulator]:
    """The server, started once."""
    fleet = {
        "clusters": [{"name": "c1"}],
        "principals": [
            {"client_id": SECRETIVE, "secret": SECRET},
            {"client_id": CERTIFIED, "certificate": str(certificate)},
            {"client_id": FEDERATED, "federated": [{"issuer": ISSUER, "subject": SUBJECT}]},
            {"client_id": MACHINE, "managed_identity": True},
            {"client_id": "00000000-0000-0000-0000-0000000000e5", "username": USER, "password": PASSWORD},
        ],
    }
    with Emulator(fleet) as emulator:
        yield emulator
        gc.collect()  # azure-identity keeps the connection of a refused sign-in in a reference cycle


@pytest.fixture
def emulator(running_emulator: Emulator) -> Iterator[Emulator]:
    """The server, with an empty log and no faults."""
    running_emulator.clear_requests()
    yield running_emulator
    running_emulator.clear_faults()


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials of whoever runs the tests, and a home directory without any."""
    for name in [name for name in os.environ if name.startswith(("AZURE_", "ANSIBLE_AZURE_", "IDENTITY_", "MSI_"))]:
        monkeypatch.delenv(name)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def tokens() -> TokenCache:
    """Somewhere to keep tokens for one test."""
    return TokenCache()


@pytest.fixture
def place(emulator: Emulator) -> dict[str, Any]:
    """Options that say where the emulator is, and nothing about who."""
    return {
        "cloud_environment": emulator.url,
        "ca_path": str(emulator.ca_path),
        "tenant": emulator.environment()["AZURE_TENANT"],
    }
