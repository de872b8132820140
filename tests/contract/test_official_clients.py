"""Microsoft's newest Python clients, which know nothing of the emulator: an independent reading of the wire."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
import yaml
from azure.core import MatchConditions
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.identity import (
    CertificateCredential,
    ClientSecretCredential,
    DefaultAzureCredential,
    EnvironmentCredential,
    ManagedIdentityCredential,
    WorkloadIdentityCredential,
)
from azure.mgmt.containerservice import ContainerServiceClient
from azure.mgmt.resource.features import FeatureClient
from azure.mgmt.resource.resources import ResourceManagementClient

from tests.contract.arm_client import FLAG, PREVIEW, REGISTERED, SUBSCRIPTION
from tests.contract.test_sign_in import CLIENT, ISSUER, make_certificate
from tests.emulator import Emulator

NFTABLES = {"enabled": True, "mode": "NFTABLES"}
SPEED = 1000
Client = Any  # the SDKs type nearly everything as optional, so their types say little here


@pytest.fixture(scope="module")
def quick() -> Iterator[Emulator]:
    """An emulator with compressed time: official clients poll by themselves."""
    with Emulator(speed=SPEED) as emulator:
        yield emulator


@pytest.fixture
def cloud(quick: Emulator, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """The emulator, started again, with its environment."""
    quick.reset({"clusters": [{"name": "c1"}, {"name": "c2"}], "features": REGISTERED, "behaviour": {"page_size": 1}})
    for name, value in quick.environment().items():
        monkeypatch.setenv(name, value)
    return quick


def credential(cloud: Emulator, **changes: str) -> ClientSecretCredential:
    environment = cloud.environment()
    return ClientSecretCredential(
        environment["AZURE_TENANT_ID"],
        changes.get("client_id", environment["AZURE_CLIENT_ID"]),
        changes.get("secret", environment["AZURE_CLIENT_SECRET"]),
        authority=cloud.url,
        disable_instance_discovery=True,
    )


def settings(cloud: Emulator, **more: Any) -> dict[str, Any]:
    return {"base_url": cloud.url, "credential_scopes": [f"{cloud.url}/.default"], **more}


@pytest.fixture
def aks(cloud: Emulator) -> Iterator[Client]:
    """A client of the stable version that the SDK chooses."""
    with ContainerServiceClient(credential(cloud), SUBSCRIPTION, **settings(cloud)) as client:
        yield client


@pytest.fixture
def preview(cloud: Emulator) -> Iterator[Client]:
    """A client of a preview version."""
    with ContainerServiceClient(
        credential(cloud), SUBSCRIPTION, **settings(cloud, api_version=PREVIEW, retry_total=0)
    ) as client:
        yield client


def code_of(raised: pytest.ExceptionInfo[HttpResponseError]) -> str | None:
    """The error code as azure-core read it."""
    return raised.value.error.code if raised.value.error else None


def body_of(client: Client, name: str = "c1") -> Any:
    return client.managed_clusters.get("rg1", name).as_dict()


# -- reading and writing clusters


def test_reading_with_the_stable_client(aks: Client) -> None:
    cluster = aks.managed_clusters.get("rg1", "c1")
    assert cluster.properties.current_kubernetes_version == "1.34.2"
    assert cluster.properties.network_profile.network_plugin == "azure"
    assert cluster.properties.agent_pool_profiles[0].os_type == "Linux"
    assert [found.name for found in aks.managed_clusters.list()] == ["c1", "c2"]
    assert [found.name for found in aks.managed_clusters.list_by_resource_group("rg1")] == ["c1", "c2"]
    assert [pool.name for pool in aks.agent_pools.list("rg1", "c1")] == ["nodepool1"]
    assert aks.agent_pools.get("rg1", "c1", "nodepool1").properties.count == 3
    upgrades = aks.managed_clusters.get_upgrade_profile("rg1", "c1")
    assert upgrades.properties.control_plane_profile.kubernetes_version == "1.34.2"
    (kubeconfig,) = aks.managed_clusters.list_cluster_user_credentials("rg1", "c1").kubeconfigs
    assert yaml.safe_load(kubeconfig.value)["kind"] == "Config"


def test_a_switch_by_a_preview_version(cloud: Emulator, preview: Client) -> None:
    body = body_of(preview)
    body["properties"]["networkProfile"]["kubeProxyConfig"] = NFTABLES
    poller = preview.managed_clusters.begin_create_or_update("rg1", "c1", body, polling_interval=600)
    begin = time.monotonic()
    result = poller.result().as_dict()
    assert time.monotonic() - begin < 300, "the client slept through compressed time"
    assert result["properties"]["networkProfile"]["kubeProxyConfig"] == NFTABLES
    assert result["properties"]["provisioningState"] == "Succeeded"
    assert "kubeProxyConfig" not in body_of(preview, "c2")["properties"]["networkProfile"]
    polls = [entry for entry in cloud.requests() if "/operations/" in entry["path"]]
    assert polls
    assert all(entry["status"] == 200 for entry in polls)


def test_the_stable_client_keeps_what_it_cannot_see(aks: Client, preview: Client) -> None:
    body = body_of(preview)
    body["properties"]["networkProfile"]["kubeProxyConfig"] = NFTABLES
    preview.managed_clusters.begin_create_or_update("rg1", "c1", body).result()
    cluster = aks.managed_clusters.get("rg1", "c1")
    assert "kubeProxyConfig" not in cluster.as_dict()["properties"]["networkProfile"]
    cluster.tags = {"by": "stable"}
    aks.managed_clusters.begin_create_or_update("rg1", "c1", cluster).result()
    seen = body_of(preview)
    assert (seen["tags"], seen["properties"]["networkProfile"]["kubeProxyConfig"]) == ({"by": "stable"}, NFTABLES)


def test_conditions(preview: Client) -> None:
    body = body_of(preview)
    with pytest.raises(ResourceModifiedError) as raised:
        preview.managed_clusters.begin_create_or_update(
            "rg1", "c1", body, etag="stale", match_condition=MatchConditions.IfNotModified
        )
    assert raised.value.status_code == 412
    preview.managed_clusters.begin_create_or_update(
        "rg1", "c1", body, etag=body["eTag"], match_condition=MatchConditions.IfNotModified
    ).result()


def test_tags_and_deletion(aks: Client) -> None:
    aks.managed_clusters.begin_update_tags("rg1", "c1", {"tags": {"a": "b"}}).result()
    assert aks.managed_clusters.get("rg1", "c1").tags == {"a": "b"}
    aks.managed_clusters.begin_delete("rg1", "c1").result()
    with pytest.raises(ResourceNotFoundError):
        aks.managed_clusters.get("rg1", "c1")


def test_creation(preview: Client) -> None:
    body = {
        "location": "westeurope",
        "identity": {"type": "SystemAssigned"},
        "properties": {
            "dnsPrefix": "new",
            "agentPoolProfiles": [{"name": "p", "count": 1, "vmSize": "Standard_D2s_v5", "mode": "System"}],
            "networkProfile": {"networkPlugin": "none", "kubeProxyConfig": {"enabled": False}},
        },
    }
    made = preview.managed_clusters.begin_create_or_update("rg1", "new", body).result().as_dict()
    assert made["properties"]["provisioningState"] == "Succeeded"
    assert made["properties"]["networkProfile"]["kubeProxyConfig"] == {}


# -- errors, as azure-core reads them


def test_both_error_shapes_are_read(preview: Client) -> None:
    with pytest.raises(ResourceNotFoundError) as wrapped:
        preview.managed_clusters.get("rg1", "none")
    assert code_of(wrapped) == "ResourceNotFound"
    body = body_of(preview)
    body["properties"]["networkProfile"]["kubeProxyConfig"] = {"enabled": False}
    with pytest.raises(HttpResponseError) as flat:
        preview.managed_clusters.begin_create_or_update("rg1", "c1", body)
    assert code_of(flat) == "KubeProxyConfigDisabledBYOCNIOnly"
    assert "Preflight validation check" in str(flat.value)


def test_conflicts_and_failed_operations(cloud: Emulator, preview: Client) -> None:
    body = body_of(preview)
    cloud.fault("operation_in_progress")
    with pytest.raises(ResourceExistsError) as conflict:
        preview.managed_clusters.begin_create_or_update("rg1", "c1", body)
    assert code_of(conflict) == "OperationNotAllowed"
    cloud.fault("operation_failed", code="AllocationFailed", message="No room.")
    with pytest.raises(HttpResponseError) as failed:
        preview.managed_clusters.begin_create_or_update("rg1", "c1", body).result()
    assert code_of(failed) == "AllocationFailed"
    assert "No room." in str(failed.value)


def test_the_sdk_retries_a_throttled_read(cloud: Emulator, aks: Client) -> None:
    cloud.fault("throttled", shape="arm", retry_after=0)
    assert aks.managed_clusters.get("rg1", "c1").name == "c1"
    assert [entry["status"] for entry in cloud.requests() if entry["path"].endswith("/c1")] == [429, 200]


# -- flags and providers


def test_flags(cloud: Emulator) -> None:
    cloud.reset({"clusters": [{"name": "c1"}]})
    client: Client
    with FeatureClient(credential(cloud), SUBSCRIPTION, **settings(cloud)) as client:
        namespace, _unused, name = FLAG.partition("/")
        assert client.features.get(namespace, name).properties.state == "NotRegistered"
        assert client.features.register(namespace, name).properties.state == "Registering"
        cloud.advance(3600)
        assert client.features.get(namespace, name).properties.state == "Registered"
        assert FLAG in [flag.name for flag in client.features.list(namespace)]
        assert FLAG in [flag.name for flag in client.features.list_all()]
        assert client.features.unregister(namespace, name).properties.state == "Unregistering"
        newer = client.subscription_feature_registrations
        assert newer.create_or_update(namespace, name, {}).properties.state == "Registered"
        assert newer.get(namespace, name).properties.provider_namespace == namespace
        newer.delete(namespace, name)
        assert newer.get(namespace, name).properties.state == "Unregistering"


def test_providers_and_groups(cloud: Emulator) -> None:
    client: Client
    with ResourceManagementClient(credential(cloud), SUBSCRIPTION, **settings(cloud)) as client:
        provider = client.providers.get("Microsoft.ContainerService")
        assert provider.registration_state == "Registered"
        kinds = {kind.resource_type: kind.api_versions for kind in provider.resource_types}
        assert PREVIEW in kinds["managedClusters"]
        assert client.providers.register("Microsoft.ContainerService").registration_state == "Registered"
        assert [group.name for group in client.resource_groups.list()] == ["rg1"]
        assert client.resource_groups.get("rg1").location == "westeurope"
        assert client.resource_groups.check_existence("rg1")
        assert not client.resource_groups.check_existence("rg9")
        assert client.resource_groups.create_or_update("rg9", {"location": "eastus"}).name == "rg9"


# -- credentials


def scope(cloud: Emulator) -> str:
    return f"{cloud.url}/.default"


def holder(token: str) -> str:
    """Whose token it is."""
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    return str(claims["appid"])


def test_wrong_secret(cloud: Emulator) -> None:
    with pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
        credential(cloud, secret="wrong").get_token(scope(cloud))
    with pytest.raises(ClientAuthenticationError, match="AADSTS700016"):
        credential(cloud, client_id="nobody").get_token(scope(cloud))


def test_the_environment_file_is_enough(cloud: Emulator) -> None:
    wanted = cloud.environment()["AZURE_CLIENT_ID"]
    for found in (
        EnvironmentCredential(disable_instance_discovery=True),
        DefaultAzureCredential(disable_instance_discovery=True),
    ):
        with found:
            assert holder(found.get_token(scope(cloud)).token) == wanted


def test_the_token_without_credential_scopes_is_for_another_cloud(cloud: Emulator) -> None:
    with (
        ContainerServiceClient(credential(cloud), SUBSCRIPTION, base_url=cloud.url) as client,
        pytest.raises(ClientAuthenticationError) as raised,
    ):
        client.managed_clusters.get("rg1", "c1")
    assert code_of(raised) == "InvalidAuthenticationTokenAudience"


def test_certificate(cloud: Emulator, tmp_path: Path) -> None:
    path, _unused = make_certificate(tmp_path)
    cloud.reset({"principals": [{"client_id": CLIENT, "certificate": str(path)}]})
    with CertificateCredential(
        cloud.environment()["AZURE_TENANT_ID"],
        CLIENT,
        certificate_path=str(path),
        authority=cloud.url,
        disable_instance_discovery=True,
    ) as found:
        assert holder(found.get_token(scope(cloud)).token) == CLIENT


def test_workload_identity(cloud: Emulator, tmp_path: Path) -> None:
    cloud.reset({"principals": [{"client_id": CLIENT, "federated": [ISSUER]}]})
    audience, end = "api://AzureADTokenExchange", time.time() + 600
    claims = {"iss": ISSUER["issuer"], "sub": ISSUER["subject"], "aud": audience, "exp": end}
    path = tmp_path / "token"
    path.write_text(jwt.encode(claims, "k" * 32, "HS256"))
    with WorkloadIdentityCredential(
        tenant_id=cloud.environment()["AZURE_TENANT_ID"],
        client_id=CLIENT,
        token_file_path=str(path),
        authority=cloud.url,
        disable_instance_discovery=True,
    ) as found:
        assert holder(found.get_token(scope(cloud)).token) == CLIENT


@pytest.mark.parametrize("kind", ["app_service", "imds"])
def test_managed_identity(cloud: Emulator, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    other = {"client_id": CLIENT, "managed_identity": True}
    cloud.reset({"principals": [{"client_id": "first", "secret": "s", "managed_identity": True}, other]})
    for name, value in cloud.managed_identity_environment(kind).items():
        monkeypatch.setenv(name, value)
    for chosen, wanted in ((None, "first"), (CLIENT, CLIENT)):
        with ManagedIdentityCredential(client_id=chosen) as found:
            assert holder(found.get_token(scope(cloud)).token) == wanted
