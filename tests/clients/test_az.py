"""The real Azure CLI knows nothing of the emulator, and takes it for an Azure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.clients.az import CLOUD, Az
from tests.clients.conftest import GROUP
from tests.clients.requests_log import Asked, asked, entries, sign_in_requests
from tests.emulator import Emulator

STABLE = "2026-06-01"  # azure-cli 2.91.0's own version of the AKS API
CLUSTERS = "/providers/Microsoft.ContainerService/managedClusters"
FEATURES = "/providers/Microsoft.Features/providers/Microsoft.ContainerService/features"


def cluster_path(name: str) -> str:
    """The path of a cluster below its subscription."""
    return f"/resourceGroups/{GROUP}{CLUSTERS}/{name}"


@pytest.fixture
def newcomer(stranger: Az, tmp_path: Path) -> Az:
    """An az without a memory."""
    return stranger.elsewhere(tmp_path / "config")


def test_the_cloud_describes_itself(newcomer: Az, log: Emulator) -> None:
    newcomer.register_cloud(log.url)
    shown = newcomer("cloud", "show", "--name", CLOUD)
    assert shown["isActive"]
    assert shown["endpoints"]["resourceManager"].rstrip("/") == log.url
    assert shown["endpoints"]["activeDirectory"].rstrip("/") == log.url
    assert sign_in_requests(log) == [("GET", "/metadata/endpoints")]


def test_login_with_a_secret(newcomer: Az, log: Emulator) -> None:
    newcomer.sign_in(log.url)
    account, known = newcomer("account", "show"), log.environment()
    assert (account["environmentName"], account["id"]) == (CLOUD, known["AZURE_SUBSCRIPTION_ID"])
    assert account["user"] == {"name": known["AZURE_CLIENT_ID"], "type": "servicePrincipal"}
    assert sign_in_requests(log) == [
        ("GET", "/metadata/endpoints"),
        ("GET", f"/{known['AZURE_TENANT']}/v2.0/.well-known/openid-configuration"),
        ("POST", f"/{known['AZURE_TENANT']}/oauth2/v2.0/token"),
        ("GET", "/subscriptions"),
    ]


def test_login_with_a_wrong_secret(newcomer: Az, log: Emulator) -> None:
    newcomer.register_cloud(log.url)
    refused = newcomer.log_in("not-the-secret")
    assert refused.returncode == 1
    assert "AADSTS7000215" in refused.stderr
    assert newcomer.run("account", "show").returncode == 1


READS: tuple[tuple[str, Any, list[Asked]], ...] = (
    (
        f"aks show -g {GROUP} -n aks-a --query currentKubernetesVersion",
        "1.34.2",
        [Asked("GET", cluster_path("aks-a"), STABLE)],
    ),
    ("aks list --query [].name", ["aks-a", "aks-b", "aks-c", "aks-d"], [Asked("GET", CLUSTERS, STABLE)]),
    (
        f"aks nodepool list -g {GROUP} --cluster-name aks-a --query [].name",
        ["nodepool1"],
        [Asked("GET", f"{cluster_path('aks-a')}/agentPools", STABLE)],
    ),
    (
        f"aks get-upgrades -g {GROUP} -n aks-a --query controlPlaneProfile.upgrades[].kubernetesVersion",
        ["1.35.0"],
        [Asked("GET", f"{cluster_path('aks-a')}/upgradeProfiles/default", STABLE)],
    ),
    (
        "feature show --namespace Microsoft.ContainerService -n KubeProxyConfigurationPreview --query properties.state",
        "NotRegistered",
        [Asked("GET", f"{FEATURES}/KubeProxyConfigurationPreview", "2021-07-01")],
    ),
    (
        "provider show --namespace Microsoft.ContainerService --query registrationState",
        "Registered",
        [Asked("GET", "/providers/Microsoft.ContainerService", "2024-11-01")],
    ),
    (f"group show -n {GROUP} --query name", GROUP, [Asked("GET", f"/resourcegroups/{GROUP}", "2024-11-01")]),
    (
        f"resource show -g {GROUP} -n aks-a --resource-type Microsoft.ContainerService/managedClusters --query name",
        "aks-a",
        # Without --api-version it asks the provider for one, and then for a path with an empty segment.
        [
            Asked("GET", "/providers/Microsoft.ContainerService", "2024-11-01"),
            Asked("GET", f"/resourcegroups/{GROUP}/providers/Microsoft.ContainerService//managedClusters/aks-a",
                  "2026-08-01"),
        ],
    ),
)  # fmt: skip


@pytest.mark.parametrize(("command", "answer", "requests"), READS, ids=[" ".join(row[0].split()[:2]) for row in READS])
def test_reading(az: Az, log: Emulator, command: str, answer: Any, requests: list[Asked]) -> None:
    assert az(*command.split()) == answer
    assert asked(log) == requests


def test_what_is_not_there_exits_with_3(az: Az) -> None:
    refused = az.run("aks", "show", "-g", GROUP, "-n", "nope")
    assert refused.returncode == 3
    assert "ResourceNotFound" in refused.stderr


def test_registering_a_preview_flag(az: Az, log: Emulator) -> None:
    flag = ("--namespace", "Microsoft.ContainerService", "--name", "AKSNetworkingPreview")
    path = f"{FEATURES}/AKSNetworkingPreview"
    assert az("feature", "register", *flag)["properties"]["state"] == "Registering"
    log.advance(60)
    assert az("feature", "show", *flag)["properties"]["state"] == "Registered"
    az("provider", "register", "--namespace", "Microsoft.ContainerService", "--wait")
    assert az("feature", "unregister", *flag)["properties"]["state"] == "Unregistering"
    requests = asked(log)
    assert requests[0] == Asked("POST", f"{path}/register", "2021-07-01")
    assert requests[1] == Asked("GET", path, "2021-07-01")
    assert Asked("POST", "/providers/Microsoft.ContainerService/register", "2024-11-01") in requests
    assert requests[-1] == Asked("POST", f"{path}/unregister", "2021-07-01")


def test_changing_tags_sends_the_whole_cluster(az: Az, log: Emulator) -> None:
    before = log.cluster("aks-a")
    assert az("aks", "update", "-g", GROUP, "-n", "aks-a", "--tags", "team=red", "--query", "tags") == {"team": "red"}
    (put,) = entries(log, "PUT")
    assert put["api_version"] == STABLE
    assert {request.method for request in asked(log)} == {"GET", "PUT"}
    assert any("/operations/" in request.path for request in asked(log))
    after = log.cluster("aks-a")
    assert after["tags"] == {"team": "red"}
    assert after["properties"]["provisioningState"] == "Succeeded"
    assert after["properties"]["currentKubernetesVersion"] == before["properties"]["currentKubernetesVersion"]


def test_a_mode_alone_cannot_be_set_on_a_cluster_that_was_never_configured(az: Az, log: Emulator) -> None:
    refused = az.run(
        *("resource", "update", "--ids", log.cluster("aks-b")["id"], "--api-version", "2026-05-02-preview"),
        *("--set", "properties.networkProfile.kubeProxyConfig.mode=NFTABLES"),
    )
    assert refused.returncode == 1
    assert "Couldn't find 'kubeProxyConfig'" in refused.stderr
    assert not entries(log, "PUT")
