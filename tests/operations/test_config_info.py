"""Reading clusters: all of them or an error, with few requests, and an outlook for each mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.api_versions import KNOWN
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.authentication import AUTH_ARGUMENT_SPEC
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.runtime import Runtime
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations import config_info
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.operation import sign_in

from tests.support.operations import Azure

Lay = Callable[..., Azure]
FIRST = "11111111-1111-4111-8111-111111111111"
SECOND = "99999999-9999-4999-8999-999999999999"
UNKNOWN = "77777777-7777-4777-8777-777777777777"
REGISTERED = {"KubeProxyConfigurationPreview": "Registered"}
PROVIDER = "/providers/Microsoft.ContainerService/managedClusters"

ESTATE: tuple[dict[str, Any], ...] = (
    {"name": "a1", "tags": {"Team": "blue", "env": "test"}},
    {"name": "a2", "mode": "NFTABLES", "tags": {"team": "green"}},
    {"name": "a3", "resource_group": "rg2", "mode": "IPVS"},
    {"name": "b1", "subscription": SECOND, "plugin": "none", "mode": "disabled", "tags": {"team": "blue"}},
)


def info(cloud: Azure, **arguments: Any) -> dict[str, Any]:
    return cloud.call(config_info.OPERATION, **arguments)


def estate(azure: Lay, **fleet: Any) -> Azure:
    return azure(*ESTATE, **{"features": {FIRST: REGISTERED, SECOND: REGISTERED}, **fleet})


def names(result: dict[str, Any]) -> list[str]:
    assert not result.get("failed"), result["msg"]
    return [cluster["name"] for cluster in result["clusters"]]


def asked(cloud: Azure) -> list[str]:
    """The paths that were asked for, below the subscription; nothing but GET was."""
    assert {entry["method"] for entry in cloud.arm_requests()} <= {"GET"}
    return [entry["path"].split("/", 3)[3] for entry in cloud.arm_requests()]


FLAG_PATH = "providers/Microsoft.Features/providers/Microsoft.ContainerService/features/KubeProxyConfigurationPreview"
LIST_PATH = PROVIDER.lstrip("/")


@pytest.mark.parametrize(
    ("arguments", "found", "requests"),
    [
        ({}, ["a1", "a2", "a3"], [LIST_PATH, FLAG_PATH]),
        ({"subscription_id": SECOND}, ["b1"], [LIST_PATH, FLAG_PATH]),
        ({"subscriptions": [FIRST, SECOND]}, ["a1", "a2", "a3", "b1"], [LIST_PATH] * 2 + [FLAG_PATH] * 2),
        ({"subscriptions": [SECOND, SECOND]}, ["b1"], [LIST_PATH, FLAG_PATH]),
        ({"resource_group": "rg2"}, ["a3"], [f"resourceGroups/rg2{PROVIDER}", FLAG_PATH]),
        ({"resource_group": "rg1", "name": "a2"}, ["a2"], [f"resourceGroups/rg1{PROVIDER}/a2", FLAG_PATH]),
        (
            {"resource_id": f"/subscriptions/{SECOND}/resourcegroups/rg1{PROVIDER}/b1"},
            ["b1"],
            [f"resourceGroups/rg1{PROVIDER}/b1", FLAG_PATH],
        ),
        ({"tags": ["team"]}, ["a1", "a2"], [LIST_PATH, FLAG_PATH]),
        ({"tags": ["TEAM:blue"]}, ["a1"], [LIST_PATH, FLAG_PATH]),
        ({"tags": ["team:Blue"]}, [], [LIST_PATH]),
        ({"tags": ["team:blue", "env:test"]}, ["a1"], [LIST_PATH, FLAG_PATH]),
        ({"tags": ["team:blue", "env:prod"]}, [], [LIST_PATH]),
        (
            {"tags": ["team:blue"], "subscriptions": [FIRST, SECOND]},
            ["a1", "b1"],
            [LIST_PATH] * 2 + [FLAG_PATH] * 2,
        ),
    ],
)
def test_what_is_found_and_with_how_many_requests(
    azure: Lay, arguments: dict[str, Any], found: list[str], requests: list[str]
) -> None:
    cloud = estate(azure)
    result = info(cloud, **arguments)
    assert names(result) == found
    assert asked(cloud) == requests
    assert result["changed"] is False
    assert info(cloud, check=True, **arguments) == result
    assert info(cloud, **arguments) == result


def test_a_subscription_without_clusters_is_an_empty_list(azure: Lay) -> None:
    cloud = azure(features={})
    assert names(info(cloud)) == []
    assert asked(cloud) == [LIST_PATH]


@pytest.mark.parametrize("count", [0, 6, 7, 8, 21])
def test_pages_are_read_to_the_end(azure: Lay, count: int) -> None:
    cloud = azure(*({"name": f"c{n:02}"} for n in range(count)), behaviour={"page_size": 7})
    assert names(info(cloud)) == [f"c{n:02}" for n in range(count)]
    assert asked(cloud).count(LIST_PATH) == max(1, -(-count // 7))


@pytest.mark.parametrize(
    ("fault", "arguments", "code"),
    [
        ("throttled", {"match": {"path": "managedClusters$"}}, "Throttled"),
        ("throttled", {"match": {"path": "managedClusters$"}, "shape": "arm"}, "SubscriptionRequestsThrottled"),
        ("forbidden", {"match": {"path": f"{SECOND}.*managedClusters$"}}, "AuthorizationFailed"),
        ("server_error", {"match": {"path": f"{SECOND}.*managedClusters$"}, "skip": 1}, "InternalServerError"),
        ("throttled", {"match": {"path": "managedClusters$"}, "skip": 1}, "Throttled"),
        ("server_error", {"match": {"path": "/features/"}, "status": 503}, "InternalServerError"),
        ("cut_before", {"match": {"path": "managedClusters$"}, "skip": 2}, "Unreachable"),
        ("wrong_content", {"match": {"path": "managedClusters$"}, "skip": 2}, "NotAzure"),
    ],
)
def test_it_is_complete_or_an_error(azure: Lay, fault: str, arguments: dict[str, Any], code: str) -> None:
    more = {"name": "b2", "subscription": SECOND}
    cloud = azure(*ESTATE, more, features={}, behaviour={"page_size": 1})
    cloud.emulator.fault(fault, times=None, **arguments)
    result = info(cloud, subscriptions=[FIRST, SECOND])
    assert result["failed"] is True
    assert "clusters" not in result
    assert "subscription" in result["msg"]
    assert result.get("code") == code
    assert len(cloud.arm_requests()) <= 14
    assert cloud.time.seconds <= 120


def test_an_answer_without_a_list_is_no_empty_list(azure: Lay) -> None:
    cloud = azure({"name": "a1"})
    parameters = ArgumentSpecValidator(AUTH_ARGUMENT_SPEC).validate({}).validated_parameters
    arm = sign_in(parameters, Runtime(environ=cloud.emulator.environment()))
    one_cluster = f"/subscriptions/{FIRST}/resourceGroups/rg1{PROVIDER}/a1"
    with pytest.raises(AzureError, match="Clusters: Azure's answer holds no list"):
        list(arm.pages(one_cluster, KNOWN[0], about="Clusters"))


def test_a_page_that_stumbles_is_asked_for_again(azure: Lay) -> None:
    cloud = azure(*ESTATE, behaviour={"page_size": 1})
    cloud.emulator.fault("throttled", match={"path": "managedClusters$"}, skip=1, times=2, retry_after=3)
    assert names(info(cloud)) == ["a1", "a2", "a3"]
    assert cloud.time.slept == [3, 3]


def test_who_may_not_read_the_flag_still_gets_the_rest(azure: Lay) -> None:
    audit = {
        "client_id": "33333333-3333-4333-8333-333333333333",
        "secret": "emulator~secret~of~nobody",
        "actions": ["Microsoft.ContainerService/managedClusters/read"],
    }
    cloud = estate(azure, principals=[audit], features={})
    result = info(cloud)
    assert names(result) == ["a1", "a2", "a3"]
    for cluster in result["clusters"]:
        assert cluster["feature_state"] is None
        for target in cluster["targets"].values():
            assert "feature-not-registered" not in [finding["rule"] for finding in target["findings"]]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"resource_group": "rg9"}, "ResourceGroupNotFound"),
        ({"resource_group": "rg9", "name": "a1"}, "ResourceGroupNotFound"),
        ({"resource_group": "rg1", "name": "a9"}, "ResourceNotFound"),
        ({"subscriptions": [FIRST, UNKNOWN]}, "SubscriptionNotFound"),
        ({"subscription_id": UNKNOWN}, "SubscriptionNotFound"),
    ],
)
def test_what_does_not_exist_is_an_error(azure: Lay, arguments: dict[str, Any], code: str) -> None:
    result = info(estate(azure), **arguments)
    assert result["failed"] is True
    assert result["code"] == code
    assert result["status"] == 404


# cluster -> what can be switched to, in this order: IPTABLES, IPVS, NFTABLES, DISABLED; and the rules that forbid it
OUTLOOKS: tuple[tuple[dict[str, Any], str, str, dict[str, list[str]]], ...] = (
    ({}, "IPTABLES", "yyyn", {"DISABLED": ["disable-needs-byo-cni"]}),
    ({"mode": "NFTABLES"}, "NFTABLES", "yyyn", {}),
    ({"version": "1.32.7"}, "IPTABLES", "yynn", {"NFTABLES": ["nftables-kubernetes-version"]}),
    ({"version": "1.33.0"}, "IPTABLES", "yyyn", {}),
    ({"policy": "azure"}, "IPTABLES", "ynyn", {"IPVS": ["ipvs-azure-npm"]}),
    ({"plugin": "none"}, "IPTABLES", "yyyy", {}),
    ({"plugin": "none", "mode": "disabled"}, "DISABLED", "yyyy", {}),
    ({"dataplane": "cilium"}, "IPTABLES", "nnny", {"NFTABLES": ["cilium-dataplane"]}),
    ({"sku": "Automatic"}, "IPTABLES", "nnnn", {"DISABLED": ["aks-automatic"]}),
    ({"power": "Stopped"}, "IPTABLES", "nnnn", {"IPVS": ["stopped"]}),
    ({"provisioning_state": "Failed"}, "IPTABLES", "nnnn", {"IPTABLES": ["last-operation-failed"]}),
    ({"kubernetes_version": "1.35.1"}, "IPTABLES", "nnnn", {"NFTABLES": ["behind-goal"]}),
    ({"pools": [{"name": "old", "node_image": "AKSUbuntu-2004gen2containerd-202407.09.0"}]}, "IPTABLES", "yynn", {}),
)
TARGETS = ("IPTABLES", "IPVS", "NFTABLES", "DISABLED")


def test_the_outlook_of_a_mixed_fleet(azure: Lay) -> None:
    cloud = azure(*({"name": f"c{number:02}", **row[0]} for number, row in enumerate(OUTLOOKS)))
    clusters = info(cloud)["clusters"]
    assert len(cloud.arm_requests()) == 2
    for cluster, (_entry, current, possible, blocked) in zip(clusters, OUTLOOKS, strict=True):
        targets = cluster["targets"]
        assert "".join("y" if targets[target]["possible"] else "n" for target in TARGETS) == possible, cluster["name"]
        assert [target for target in TARGETS if targets[target]["current"]] == [current]
        for target, rules in blocked.items():
            found = [finding for finding in targets[target]["findings"] if finding["severity"] == "block"]
            assert [finding["rule"] for finding in found][: len(rules)] == rules
            assert all(finding["reason"] and finding["remedy"] and finding["source"] for finding in found)


def test_the_configuration_is_normalised(azure: Lay) -> None:
    ipvs = {"enabled": True, "mode": "IPVS", "ipvsConfig": {"scheduler": "leastconnection", "TCPTimeoutSeconds": 900}}
    cloud = azure(
        {"name": "c1"},
        {"name": "c2", "kube_proxy": ipvs},
        {"name": "c3", "plugin": "none", "kube_proxy": {}},
        features={FIRST: {"KubeProxyConfigurationPreview": "Pending"}},
    )
    c1, c2, c3 = info(cloud)["clusters"]
    assert c1["kube_proxy"] == {"enabled": True, "mode": "IPTABLES", "ipvs_config": None, "configured": False}
    settings = {"scheduler": "LeastConnection", "tcp_timeout_seconds": 900}
    assert c2["kube_proxy"] == {"enabled": True, "mode": "IPVS", "ipvs_config": settings, "configured": True}
    assert c3["kube_proxy"] == {"enabled": False, "mode": None, "ipvs_config": None, "configured": True}
    assert c1["feature_state"] == "Pending"
    assert {key: c1[key] for key in ("subscription_id", "resource_group", "kubernetes_version", "sku")} == {
        "subscription_id": FIRST,
        "resource_group": "rg1",
        "kubernetes_version": "1.34.2",
        "sku": "Base",
    }
