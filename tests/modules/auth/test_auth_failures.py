"""Sign-ins that fail, over real HTTPS: one clear message with the remedy, and no credential anywhere."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure import auth_endpoint, auth_managed_identity
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.authentication import authenticate
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.tokens import TokenCache

from tests.emulator import Emulator

from .conftest import make_certificate
from .people import CERTIFIED, FEDERATED, MACHINE, SECRET, SECRETIVE, federated_token
from .servers import answering, closed_port, silent_server

Options = dict[str, Any]
RIGHT = {"client_id": SECRETIVE, "secret": SECRET}


def failure(options: Options, environ: dict[str, str] | None = None, *, at_once: bool = False) -> AzureError:
    """Sign in, which is to fail; give the error. What a traceback would show holds no credential either.

    Args:
        options: the options of the sign-in.
        environ: the environment.
        at_once: whether it is to fail before a token is asked for.
    """
    with pytest.raises(AzureError) as refusal:
        authenticate(options, environ or {}, TokenCache()) if at_once else sign_in(options, environ or {})
    shown = "".join(traceback.format_exception(refusal.value)) + repr(refusal.value.details)
    for name in ("secret", "password", "oidc_token"):
        assert str(options.get(name) or "<nothing>") not in shown
    assert "eyJ" not in shown
    return refusal.value


def sign_in(options: Options, environ: dict[str, str]) -> None:
    session = authenticate(options, environ, TokenCache())
    session.credential.get_token(session.cloud.scope)


def test_a_wrong_secret(place: Options) -> None:
    error = failure({**place, **RIGHT, "secret": "wrong-one"})
    assert "(client secret, credentials from the module parameters). AADSTS7000215: Invalid client" in error.message
    assert "Give the secret's value, not its ID, in secret or AZURE_SECRET." in error.message
    assert error.details["code"] == "AADSTS7000215"
    assert f"Correlation id: {error.details['correlation_id']}." in error.message


@pytest.mark.parametrize(
    ("change", "code", "remedy"),
    [
        (
            {"client_id": "00000000-0000-0000-0000-00000000ffff"},
            "AADSTS700016",
            "Check client_id, tenant and the cloud",
        ),
        ({"tenant": "99999999-9999-9999-9999-999999999999"}, "AADSTS90002", "Check tenant (or AZURE_TENANT)"),
        ({"client_id": FEDERATED, "secret": None, "oidc_token": federated_token("other")}, "AADSTS70021", "federated"),
        ({"client_id": FEDERATED, "secret": None, "oidc_token": federated_token(life=-1)}, "AADSTS700024", "clock"),
        ({"client_id": FEDERATED, "secret": None, "oidc_token": "nonsense"}, "AADSTS", "token"),
    ],
    ids=["client", "tenant", "subject", "expired token", "no token"],
)
def test_a_refusal(place: Options, change: Options, code: str, remedy: str) -> None:
    error = failure({**place, **RIGHT, **change})
    assert code in error.message
    assert remedy in error.message
    assert error.details["code"].startswith(code)


def test_an_impossible_tenant(place: Options) -> None:
    assert "Invalid tenant ID" in failure({**place, **RIGHT, "tenant": "my tenant!"}, at_once=True).message


def test_an_unknown_certificate(place: Options, tmp_path: Path) -> None:
    other = make_certificate(tmp_path, "other")
    error = failure({**place, "client_id": CERTIFIED, "x509_certificate_path": str(other)})
    assert "AADSTS700027" in error.message
    assert "This client is not registered with that certificate" in error.message


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "No such file or directory."),
        (b"nonsense", "must be a PEM file with the certificate and its RSA private key, without a password"),
        (b"-----BEGIN PRIVATE KEY-----\nhush\n-----END PRIVATE KEY-----\n", "must be a PEM file"),
        (b"", "must be a PEM file"),
    ],
    ids=["absent", "nonsense", "broken", "empty"],
)
def test_an_unusable_certificate_file(place: Options, tmp_path: Path, content: bytes | None, told: str) -> None:
    path = tmp_path / "certificate.pem"
    if content is not None:
        path.write_bytes(content)
    error = failure({**place, "client_id": CERTIFIED, "x509_certificate_path": str(path)}, at_once=True)
    assert f"x509_certificate_path {path}" in error.message
    assert told in error.message
    assert "hush" not in error.message


def test_a_certificate_without_its_key_and_one_with_a_password(
    place: Options, tmp_path: Path, certificate: Path
) -> None:
    bare, locked = tmp_path / "bare.pem", make_certificate(tmp_path, "locked", b"hush")
    bare.write_bytes(
        b"-----BEGIN CERTIFICATE-----" + certificate.read_bytes().partition(b"-----BEGIN CERTIFICATE-----")[2]
    )
    for path in (bare, locked):
        error = failure({**place, "client_id": CERTIFIED, "x509_certificate_path": str(path)}, at_once=True)
        assert "must be a PEM file with the certificate and its RSA private key, without a password" in error.message


def test_an_unusable_token_file(place: Options, tmp_path: Path) -> None:
    path = tmp_path / "token"
    options = {**place, "client_id": FEDERATED, "oidc_token_file_path": str(path)}
    assert f"Cannot read the federated token file {path}: No such file" in failure(options, at_once=True).message
    path.write_text("\n")
    assert f"The federated token file {path} is empty." in failure(options, at_once=True).message
    path.write_bytes(b"\xff\xfe")
    assert f"The federated token file {path} does not hold a token" in failure(options, at_once=True).message


def test_a_token_file_that_disappears_meanwhile(place: Options, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(federated_token())
    options = {**place, "client_id": FEDERATED, "oidc_token_file_path": str(path)}
    session = authenticate(options, {}, TokenCache())
    path.unlink()
    with pytest.raises(AzureError, match=r"Cannot read the federated token file .*: No such file"):
        session.credential.get_token(session.cloud.scope)


def test_an_untrusted_certificate_of_the_authority(place: Options, emulator: Emulator) -> None:
    """The cloud is a known one here, so that the first thing to be reached is the authority."""
    error = failure({**RIGHT, "tenant": place["tenant"], "adfs_authority_url": emulator.url})
    host = emulator.url.removeprefix("https://")
    assert f"The TLS certificate of {host} is not trusted: " in error.message
    assert "Give the bundle of its CA in ca_path or in the environment variable REQUESTS_CA_BUNDLE" in error.message


def test_an_absent_bundle(place: Options) -> None:
    error = failure({**place, **RIGHT, "ca_path": None}, {"REQUESTS_CA_BUNDLE": "/nowhere/ca.pem"}, at_once=True)
    assert error.message == "The CA bundle /nowhere/ca.pem (REQUESTS_CA_BUNDLE) does not exist."


def test_an_authority_where_nobody_listens(place: Options) -> None:
    port = closed_port()
    error = failure({**place, **RIGHT, "adfs_authority_url": f"https://localhost:{port}"})
    assert f"Cannot reach localhost:{port}: the connection is refused." in error.message


def test_an_authority_that_never_answers(place: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth_endpoint, "CONNECT_SECONDS", 0.2)
    monkeypatch.setattr(auth_endpoint, "READ_SECONDS", 0.2)
    start = time.monotonic()
    with silent_server() as port:
        error = failure({**place, **RIGHT, "adfs_authority_url": f"https://localhost:{port}"})
    assert f"Cannot reach localhost:{port}: no " in error.message
    assert time.monotonic() - start < 60


def test_an_authority_that_takes_too_long(place: Options, emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth_endpoint, "READ_SECONDS", 0.2)
    emulator.fault("slow", match={"path": "/oauth2/"}, times=None, seconds=3)
    error = failure({**place, **RIGHT})
    assert "Cannot reach localhost:" in error.message
    assert "no answer in time" in error.message


@pytest.mark.parametrize("fault", ["garbage", "wrong_content"])
def test_an_authority_that_talks_nonsense(place: Options, emulator: Emulator, fault: str) -> None:
    emulator.fault(fault, match={"path": "/oauth2/"}, times=None)
    error = failure({**place, **RIGHT})
    assert f"{emulator.url.removeprefix('https://')} did not answer as a token service. Is a proxy" in error.message
    assert "access_token" not in error.message


def test_an_authority_that_fails(place: Options, emulator: Emulator) -> None:
    emulator.fault("server_error", match={"path": "/oauth2/"}, times=None, status=503)
    error = failure({**place, **RIGHT})
    assert "503. The token service is localhost:" in error.message


def test_an_authority_that_fails_once(place: Options, emulator: Emulator) -> None:
    emulator.fault("server_error", match={"path": "/oauth2/"}, times=1, status=503)
    sign_in({**place, **RIGHT}, {})


def test_an_adfs_is_asked_as_one(place: Options, tmp_path: Path) -> None:
    """Its path stands in the tenant's place, and there is no v2.0 in it."""
    with answering(tmp_path, [(404, {})]) as (url, bundle, asked):
        failure({**RIGHT, "tenant": place["tenant"], "adfs_authority_url": f"{url}/adfs/", "ca_path": bundle})
    assert asked[0] == "/adfs/.well-known/openid-configuration"


def test_nothing_is_printed_beside_the_error(emulator: Emulator) -> None:
    """azure-identity logs a warning for each failure, and Python prints those that nobody handles."""
    script = (
        "from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.authentication import authenticate\n"
        "from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError\n"
        "try:\n"
        "    session = authenticate({})\n"
        "    session.credential.get_token(session.cloud.scope)\n"
        "except AzureError as error:\n"
        "    print(error.details['code'])\n"
    )
    environ = {**os.environ, **emulator.environment(), "AZURE_SECRET": "wrong", "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=False)
    assert (run.stdout, run.stderr) == ("AADSTS7000215\n", "")


def test_an_identity_that_is_not_assigned(place: Options, emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in emulator.managed_identity_environment("imds").items():
        monkeypatch.setenv(name, value)
    error = failure({**place, "tenant": None, "auth_source": "msi", "client_id": SECRETIVE})
    assert "(managed identity, credentials from this host's managed identity)" in error.message
    assert "must be the client id of an identity assigned to it" in error.message


def test_no_managed_identity(place: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", f"http://127.0.0.1:{closed_port()}")
    start = time.monotonic()
    error = failure({**place, "tenant": None, "auth_source": "msi"})
    assert time.monotonic() - start < 60
    assert "This host must be an Azure resource with a managed identity" in error.message


def test_a_managed_identity_endpoint_that_never_answers(place: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth_managed_identity, "READ_SECONDS", 0.1)
    start = time.monotonic()
    with silent_server() as port:
        monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", f"http://127.0.0.1:{port}")
        error = failure({**place, "tenant": None, "auth_source": "msi", "client_id": MACHINE})
    assert time.monotonic() - start < 60
    assert "This host must be an Azure resource with a managed identity" in error.message
