"""Clouds that describe themselves, over real HTTPS, and what else may answer there."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure import clouds
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.clouds import find_cloud
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError

from tests.emulator import Emulator

from .servers import Answers, answering, closed_port, silent_server

LOGIN, AUDIENCE = "https://login.stack.example", "https://management.stack.example/3f1c"
STACK: dict[str, Any] = {"name": "Stack", "authentication": {"loginEndpoint": f"{LOGIN}/", "audiences": [AUDIENCE]}}
NEW, OLD = "/metadata/endpoints?api-version=2022-09-01", "/metadata/endpoints?api-version=2015-01-01"


@pytest.mark.parametrize(
    ("answers", "asked"),
    [
        ([(200, STACK)], [NEW]),
        ([(200, [STACK])], [NEW]),
        ([(400, {"error": {"code": "InvalidApiVersionParameter"}}), (200, STACK)], [NEW, OLD]),
        ([(503, {}), (503, {}), (200, STACK)], [NEW, NEW, NEW]),
    ],
    ids=["an object", "a list", "an old stack", "after two failures"],
)
def test_a_cloud(answers: Answers, asked: list[str], tmp_path: Path) -> None:
    with answering(tmp_path, answers) as (url, bundle, requested):
        cloud = find_cloud(f"{url}/", verify=bundle)
    assert (cloud.name, cloud.resource_manager, cloud.authority, cloud.audience) == ("Stack", url, LOGIN, AUDIENCE)
    assert requested == asked


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ([(200, b"<html>Sign in</html>")], "the answer is not JSON"),
        ([(200, {"value": []})], "'authentication' is missing"),
        ([(404, {})], "HTTP status 404"),
        ([(503, {})], "HTTP status 503"),
        ([(302, b"http://elsewhere.example/")], "HTTP status 302"),
    ],
    ids=["a page", "other JSON", "nothing", "a failure", "a redirection"],
)
def test_something_else(answers: Answers, told: str, tmp_path: Path) -> None:
    with answering(tmp_path, answers) as (url, bundle, _asked), pytest.raises(AzureError) as refusal:
        find_cloud(url, verify=bundle)
    assert f"{url}/metadata/endpoints does not answer as an Azure Resource Manager: {told}" in refusal.value.message
    assert "AZURE_CLOUD_ENVIRONMENT" in refusal.value.message


def test_the_emulator_in_both_versions(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for version in clouds.METADATA_VERSIONS:
        monkeypatch.setattr(clouds, "METADATA_VERSIONS", (version,))
        cloud = find_cloud(emulator.url, verify=str(emulator.ca_path))
        found.append((cloud.resource_manager, cloud.authority, cloud.audience))
    assert found == [(emulator.url, emulator.url, emulator.url)] * 2


def test_an_untrusted_certificate(emulator: Emulator) -> None:
    with pytest.raises(AzureError) as refusal:
        find_cloud(emulator.url, verify=True)
    host = emulator.url.removeprefix("https://")
    assert refusal.value.message.startswith(f"The TLS certificate of {host} is not trusted: ")
    assert "ca_path" in refusal.value.message
    assert "REQUESTS_CA_BUNDLE" in refusal.value.message


def test_a_bundle_that_is_none(emulator: Emulator, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("not a certificate")
    with pytest.raises(AzureError, match=r"TLS with localhost:\d+ failed: .* holds certificates in PEM format"):
        find_cloud(emulator.url, verify=str(bundle))


def test_nobody_there() -> None:
    port = closed_port()
    with pytest.raises(AzureError, match=f"Cannot reach localhost:{port}: the connection is refused"):
        find_cloud(f"https://localhost:{port}", verify=True)


def test_a_name_that_does_not_exist() -> None:
    with pytest.raises(AzureError, match=r"Cannot reach management\.stack\.invalid: its name cannot be resolved"):
        find_cloud("https://management.stack.invalid", verify=True)


def test_somebody_who_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clouds, "CONNECT_SECONDS", 0.2)
    monkeypatch.setattr(clouds, "READ_SECONDS", 0.2)
    start = time.monotonic()
    with silent_server() as port, pytest.raises(AzureError, match=f"Cannot reach localhost:{port}: no "):
        find_cloud(f"https://localhost:{port}", verify=True)
    assert time.monotonic() - start < 60
