"""GET and LIST of clusters, pools, upgrades and credentials: the three read states, versions, paging, quirks."""

from __future__ import annotations

import base64
import json

import yaml

from tests.contract.arm_client import PREVIEW, STABLE, SUBSCRIPTION, cluster_path, group_path, wrapped
from tests.contract.conftest import Start

LIST = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.ContainerService/managedClusters"


def test_three_read_states(start: Start) -> None:
    arm = start(
        [
            {"name": "never"},
            {"name": "disabled", "plugin": "none", "mode": "disabled"},
            {"name": "half", "kube_proxy": {"enabled": False, "mode": "IPTABLES"}},
            {
                "name": "ipvs",
                "kube_proxy": {"enabled": True, "mode": "IPVS", "ipvsConfig": {"scheduler": "RoundRobin"}},
            },
        ]
    )
    shown = {name: arm.get(name)["properties"]["networkProfile"].get("kubeProxyConfig") for name in
             ("never", "disabled", "half", "ipvs")}  # fmt: skip
    assert shown == {
        "never": None,
        "disabled": {},
        "half": {"mode": "IPTABLES"},
        "ipvs": {"enabled": True, "mode": "IPVS", "ipvsConfig": {"scheduler": "RoundRobin"}},
    }


def test_stable_versions_and_early_previews_do_not_show_it(start: Start) -> None:
    arm = start([{"name": "c1", "mode": "IPVS"}], behaviour={"api_versions": {"added": ["2022-07-02-preview"]}})
    assert "controlPlanePluginProfiles" in arm.get()["properties"]
    for version in (STABLE, "2025-09-01", "2022-07-02-preview"):
        assert "kubeProxyConfig" not in arm.get(version=version)["properties"]["networkProfile"]
    assert "controlPlanePluginProfiles" not in arm.get(version=STABLE)["properties"]


def test_spelling_of_a_cluster(start: Start) -> None:
    body = start().get()
    assert body["id"] == cluster_path().replace("resourceGroups", "resourcegroups")
    assert body["type"] == "Microsoft.ContainerService/ManagedClusters"
    assert body["properties"]["networkProfile"]["loadBalancerSku"] == "Standard"
    assert body["eTag"]
    assert all(pool["eTag"] for pool in body["properties"]["agentPoolProfiles"])
    assert "etag" not in {name.lower() for name in start().ask("GET", cluster_path()).headers}


def test_a_cloud_that_returns_no_etags(start: Start) -> None:
    body = start(behaviour={"etag": False}).get()
    assert "eTag" not in json.dumps(body)


def test_a_full_body_is_served_as_it_is(start: Start) -> None:
    body = {
        "id": cluster_path("odd", "RG-Odd"),
        "location": "West Europe",
        "name": "odd",
        "type": "Microsoft.ContainerService/ManagedClusters",
        "properties": {"provisioningState": "Succeeded", "hologramProfile": {"rays": [1, None, {"x": 0.5}]}},
        "futureTop": True,
    }
    arm = start([{"body": body}])
    assert arm.ask("GET", cluster_path("odd", "rg-odd")).json() == body


def test_pools(start: Start) -> None:
    arm = start(
        [{"name": "c1", "pools": [{"name": "sys", "count": 2, "autoscaler": {"min": 1, "max": 5}},
                                  {"name": "win", "os_type": "Windows", "mode": "User"}]}]
    )  # fmt: skip
    listed = arm.ask("GET", f"{cluster_path()}/agentPools").json()["value"]
    assert [pool["name"] for pool in listed] == ["sys", "win"]
    one = arm.ask("GET", f"{cluster_path()}/agentpools/SYS").json()
    assert one == listed[0]
    assert one["type"] == "Microsoft.ContainerService/managedClusters/agentPools"
    properties = one["properties"]
    assert (properties["enableAutoScaling"], properties["minCount"], properties["maxCount"]) == (True, 1, 5)
    assert "name" not in properties


def test_listing_by_subscription_and_group(start: Start) -> None:
    other = "99999999-9999-4999-8999-999999999999"
    arm = start(
        [{"name": "c1"}, {"name": "c2", "resource_group": "rg2"}, {"name": "c3", "subscription": other}],
        subscriptions=[{"id": SUBSCRIPTION}],
    )

    def names(path: str) -> list[str]:
        return [cluster["name"] for cluster in arm.ask("GET", path).json()["value"]]

    assert names(LIST) == ["c1", "c2"]
    assert names(LIST.replace(SUBSCRIPTION, other)) == ["c3"]
    assert names(f"{group_path('RG2')}/providers/Microsoft.ContainerService/managedClusters") == ["c2"]
    wrapped(arm.ask("GET", cluster_path().rpartition("/")[0].replace("rg1", "no")), 404, "ResourceGroupNotFound")


def test_pages(start: Start) -> None:
    arm = start([{"name": f"c{i}"} for i in range(7)], behaviour={"page_size": 3})
    names, url, pages = [], LIST, 0
    while url:
        page = arm.ask("GET", url).json()
        names += [cluster["name"] for cluster in page["value"]]
        url, pages = page.get("nextLink"), pages + 1
        assert url is None or (url.startswith(arm.emulator.url) and f"api-version={PREVIEW}" in url)
    assert (names, pages) == ([f"c{i}" for i in range(7)], 3)


def test_pages_of_subscriptions(start: Start) -> None:
    ids = [SUBSCRIPTION, *(f"{n}0000000-0000-4000-8000-000000000000" for n in range(4))]
    arm = start([], subscriptions=[{"id": each} for each in ids], behaviour={"page_size": 2})
    found, url, pages = [], "/subscriptions", 0
    while url:
        page = arm.ask("GET", url, "2022-12-01").json() if pages == 0 else arm.ask("GET", url).json()
        found += [entry["subscriptionId"] for entry in page["value"]]
        assert page["count"] == {"type": "Total", "value": 5}
        url, pages = page.get("nextLink"), pages + 1
    assert (found, pages) == (ids, 3)


def test_kubernetes_versions_of_a_region(start: Start) -> None:
    path = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.ContainerService/locations/westeurope/orchestrators"
    found = start().ask("GET", path, "2019-04-01").json()["properties"]["orchestrators"]
    assert [each["orchestratorVersion"] for each in found if each.get("default")] == ["1.34.2"]
    assert found[-1]["upgrades"] == []
    assert found[0]["upgrades"][0]["orchestratorVersion"] == found[1]["orchestratorVersion"]


def test_node_images_follow_the_os_and_the_version(start: Start) -> None:
    pools = [
        {"name": "a", "version": "1.34.2"},
        {"name": "b", "version": "1.35.1"},
        {"name": "c", "os_sku": "AzureLinux"},
        {"name": "d", "os_type": "Windows"},
    ]
    made = start([{"name": "c1", "pools": pools}]).get()["properties"]["agentPoolProfiles"]
    images = [(pool["osSKU"], pool["nodeImageVersion"].partition("-202607")[0]) for pool in made]
    assert images[:3] == [
        ("Ubuntu", "AKSUbuntu-2204gen2containerd"),
        ("Ubuntu", "AKSUbuntu-2404gen2containerd"),
        ("AzureLinux", "AKSAzureLinux-V3gen2"),
    ]
    assert images[3][1].startswith("AKSWindows-2022")


def test_upgrades_and_credentials(start: Start) -> None:
    arm = start(
        [
            {"name": "c1", "version": "1.33.4"},
            {"name": "locked", "merge": {"properties": {"disableLocalAccounts": True}}},
        ]
    )
    profile = arm.ask("GET", f"{cluster_path()}/upgradeProfiles/default").json()["properties"]["controlPlaneProfile"]
    assert profile["upgrades"] == [{"kubernetesVersion": "1.34.0"}]
    for role in ("User", "Admin"):
        answer = arm.ask("POST", f"{cluster_path()}/listCluster{role}Credential").json()["kubeconfigs"]
        assert [entry["name"] for entry in answer] == [f"cluster{role}"]
        config = yaml.safe_load(base64.b64decode(answer[0]["value"]))
        assert config["kind"] == "Config"
        assert config["clusters"][0]["cluster"]["server"].startswith("https://localhost:")
    refused = arm.ask("POST", f"{cluster_path('locked')}/listClusterAdminCredential")
    assert (refused.status_code, refused.json()["code"]) == (400, "BadRequest")


def test_a_fleet_in_the_middle_of_things_goes_on(start: Start) -> None:
    arm = start([{"name": "c1", "provisioning_state": "Upgrading"}, {"name": "c2", "provisioning_state": "Failed"}])
    assert arm.get()["properties"]["provisioningState"] == "Upgrading"
    assert arm.get()["properties"]["agentPoolProfiles"][0]["provisioningState"] == "Upgrading"
    arm.emulator.advance(3600)
    assert arm.get()["properties"]["provisioningState"] == "Succeeded"
    assert arm.get("c2")["properties"]["provisioningState"] == "Failed"
