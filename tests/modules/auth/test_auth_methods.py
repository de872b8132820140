"""Every way to sign in, over real HTTPS: a token is had, and Resource Manager takes it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure import clouds
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.authentication import Session, authenticate
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.tokens import TokenCache

from tests.emulator import Emulator

from .people import CERTIFIED, FEDERATED, MACHINE, SECRET, SECRETIVE, federated_token

Options = dict[str, Any]


def get_clusters(session: Session, emulator: Emulator) -> int:
    """Read the clusters with the session's token; give the HTTP status."""
    token = session.credential.get_token(session.cloud.scope).token
    subscription = emulator.environment()["AZURE_SUBSCRIPTION_ID"]
    return requests.get(
        f"{session.cloud.resource_manager}/subscriptions/{subscription}/providers/Microsoft.ContainerService"
        "/managedClusters?api-version=2026-08-01",
        headers={"Authorization": f"Bearer {token}"},
        verify=session.verify,
        timeout=10,
    ).status_code


def sign_ins(emulator: Emulator) -> int:
    """How many tokens the emulator was asked for."""
    return sum(request["path"].endswith("/token") for request in emulator.requests())


def secret(tmp_path: Path, certificate: Path) -> Options:
    return {"client_id": SECRETIVE, "secret": SECRET}


def with_certificate(tmp_path: Path, certificate: Path) -> Options:
    return {"client_id": CERTIFIED, "x509_certificate_path": str(certificate)}


def with_thumbprint(tmp_path: Path, certificate: Path) -> Options:
    """As azure.azcollection wants it."""
    return {**with_certificate(tmp_path, certificate), "thumbprint": "0123"}


def token(tmp_path: Path, certificate: Path) -> Options:
    return {"client_id": FEDERATED, "oidc_token": federated_token()}


def token_file(tmp_path: Path, certificate: Path) -> Options:
    path = tmp_path / "token"
    path.write_text(federated_token() + "\n")
    return {"client_id": FEDERATED, "oidc_token_file_path": str(path)}


@pytest.mark.parametrize("who", [secret, with_certificate, with_thumbprint, token, token_file])
def test_sign_in(
    who: Callable[[Path, Path], Options], place: Options, emulator: Emulator, tmp_path: Path, certificate: Path
) -> None:
    session = authenticate({**place, **who(tmp_path, certificate)}, {}, TokenCache())
    assert session.cloud.audience == emulator.url
    assert get_clusters(session, emulator) == 200
    assert session.source == "the module parameters"


@pytest.mark.parametrize("kind", ["app_service", "imds"])
@pytest.mark.parametrize("client", [None, MACHINE])
def test_managed_identity(
    kind: str, client: str | None, place: Options, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in emulator.managed_identity_environment(kind).items():
        monkeypatch.setenv(name, value)
    session = authenticate({**place, "tenant": None, "auth_source": "msi", "client_id": client}, {}, TokenCache())
    assert get_clusters(session, emulator) == 200


def test_environment_alone(emulator: Emulator, tokens: TokenCache) -> None:
    """What the emulator leaves with --write-env is enough, and so is what AWX injects."""
    environ = emulator.environment()
    session = authenticate({}, environ, tokens)
    assert (session.source, session.subscription_id) == ("the environment", environ["AZURE_SUBSCRIPTION_ID"])
    assert session.verify == str(emulator.ca_path)
    assert get_clusters(session, emulator) == 200


def test_profile(emulator: Emulator, tokens: TokenCache, tmp_path: Path) -> None:
    environ = emulator.environment()
    lines = {
        "client_id": environ["AZURE_CLIENT_ID"],
        "secret": environ["AZURE_SECRET"],
        "tenant": environ["AZURE_TENANT"],
        "subscription_id": environ["AZURE_SUBSCRIPTION_ID"],
        "cloud_environment": emulator.url,
        "ca_path": str(emulator.ca_path),
    }
    (tmp_path / ".azure").mkdir()
    text = "\n".join(["[mine]", *(f"{key}={value}" for key, value in lines.items())])
    (tmp_path / ".azure" / "credentials").write_text(text)
    session = authenticate({"profile": "mine"}, {}, tokens)
    assert (session.source, session.subscription_id) == (
        "profile 'mine' of ~/.azure/credentials",
        environ["AZURE_SUBSCRIPTION_ID"],
    )
    assert get_clusters(session, emulator) == 200


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_certificates_can_be_ignored(place: Options, emulator: Emulator, tokens: TokenCache) -> None:
    options = {**place, **secret(Path(), Path()), "ca_path": None, "cert_validation_mode": "ignore"}
    session = authenticate(options, {}, tokens)
    assert session.verify is False
    assert get_clusters(session, emulator) == 200


def test_nothing_is_asked_of_the_token_service_before_a_token_is_needed(
    place: Options, emulator: Emulator, tokens: TokenCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what a cloud tells about itself is asked for once in a process."""
    monkeypatch.setattr(clouds, "_FOUND", {})
    for _task in range(2):
        session = authenticate({**place, **secret(Path(), Path())}, {}, tokens)
        assert [request["path"] for request in emulator.requests()] == ["/metadata/endpoints"]
    session.credential.get_token(session.cloud.scope)
    assert sign_ins(emulator) == 1


def test_a_second_session_uses_the_first_ones_token(place: Options, emulator: Emulator, tokens: TokenCache) -> None:
    """The same identity in another subscription is the same identity."""
    options = {**place, **secret(Path(), Path())}
    for subscription in ("one", "two"):
        session = authenticate({**options, "subscription_id": subscription}, {}, tokens)
        session.credential.get_token(session.cloud.scope)
    assert sign_ins(emulator) == 1


def test_a_wrong_secret_does_not_get_the_right_ones_token(
    place: Options, emulator: Emulator, tokens: TokenCache
) -> None:
    options = {**place, **secret(Path(), Path())}
    session = authenticate(options, {}, tokens)
    session.credential.get_token(session.cloud.scope)
    with pytest.raises(AzureError, match="AADSTS7000215"):
        authenticate({**options, "secret": "other"}, {}, tokens).credential.get_token(session.cloud.scope)


def test_a_token_with_less_than_five_minutes_is_renewed(place: Options, emulator: Emulator) -> None:
    """The emulator's tokens live for an hour; the clock of the cache is put forward instead of waiting."""
    ahead = [0, 3000, 3400]
    tokens = TokenCache(lambda: time.time() + ahead[0])
    options = {**place, **secret(Path(), Path())}
    while ahead:
        session = authenticate(options, {}, tokens)
        session.credential.get_token(session.cloud.scope)
        ahead.pop(0)
    assert sign_ins(emulator) == 2


def test_the_token_file_is_read_again(place: Options, emulator: Emulator, tokens: TokenCache, tmp_path: Path) -> None:
    """Its writer renews it: what counts is what stands in it when an access token is fetched."""
    options = token_file(tmp_path, Path())
    path = Path(options["oidc_token_file_path"])
    path.write_text(federated_token(life=-60))
    session = authenticate({**place, **options}, {}, tokens)
    with pytest.raises(AzureError, match="AADSTS700024"):
        session.credential.get_token(session.cloud.scope)
    path.write_text(federated_token())
    assert get_clusters(session, emulator) == 200


def test_an_authority_of_ones_own(place: Options, emulator: Emulator, tokens: TokenCache) -> None:
    """It replaces the cloud's; the emulator is known by two names, so that the log tells which was used."""
    authority = emulator.url.replace("localhost", "127.0.0.1")
    options = {**place, **secret(Path(), Path()), "adfs_authority_url": authority}
    session = authenticate(options, {}, tokens)
    assert (session.cloud.authority, session.cloud.resource_manager) == (authority, emulator.url)
    assert get_clusters(session, emulator) == 200


def test_a_worker_inherits_the_parents_token(place: Options, emulator: Emulator, tokens: TokenCache) -> None:
    options = {**place, **secret(Path(), Path())}
    scope = f"{emulator.url}/.default"
    mine = authenticate(options, {}, tokens).credential.get_token(scope).token
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, authenticate(options, {}, tokens).credential.get_token(scope).token.encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        assert pipe.read() == mine
    os.waitpid(child, 0)
    assert sign_ins(emulator) == 1
