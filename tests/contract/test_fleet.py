"""Fleet files: what they make, and what their mistakes get."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.contract.arm_client import SUBSCRIPTION, cluster_path
from tests.emulator import Emulator, FleetError
from tests.emulator.fleet import load


def test_the_smallest_fleet() -> None:
    (cluster,) = load({"clusters": [{"name": "c1"}]}).clusters
    assert cluster.body["id"] == cluster_path().replace("resourceGroups", "resourcegroups")
    assert load(None).subscriptions == {SUBSCRIPTION: {"name": SUBSCRIPTION, "state": "Enabled"}}


def test_everything_that_a_short_entry_can_say() -> None:
    entry = {
        "name": "c1", "resource_group": "rg", "subscription": "s", "location": "eastus", "version": "1.35.5",
        "kubernetes_version": "1.35", "kube_proxy": {"mode": "IPVS"}, "plugin": "kubenet", "policy": "calico",
        "sku": "Base", "power": "Stopped", "provisioning_state": "Failed", "tags": {"env": "prod"},
        "pools": [{"name": "p", "count": 7, "os_sku": "AzureLinux", "version": "1.34.1", "goal_version": "1.35.5",
                   "mode": "User", "vm_size": "big", "node_image": "img", "autoscaler": {"min": 1, "max": 9}}],
        "merge": {"properties": {"fqdn": None, "new": 1}},
    }  # fmt: skip
    (cluster,) = load({"clusters": [entry]}).clusters
    body, properties = cluster.body, cluster.body["properties"]
    assert (cluster.subscription, cluster.group, body["location"], body["tags"]) == (
        "s",
        "rg",
        "eastus",
        {"env": "prod"},
    )
    assert (properties["kubernetesVersion"], properties["currentKubernetesVersion"]) == ("1.35", "1.35.5")
    assert properties["powerState"] == {"code": "Stopped"}
    assert properties["provisioningState"] == "Failed"
    network = properties["networkProfile"]
    assert (network["networkPlugin"], network["networkPolicy"]) == ("kubenet", "calico")
    assert network["kubeProxyConfig"] == {"mode": "IPVS"}
    (pool,) = properties["agentPoolProfiles"]
    assert (pool["name"], pool["count"], pool["osSKU"], pool["mode"]) == ("p", 7, "AzureLinux", "User")
    assert (pool["orchestratorVersion"], pool["currentOrchestratorVersion"]) == ("1.35.5", "1.34.1")
    assert (pool["vmSize"], pool["nodeImageVersion"]) == ("big", "img")
    assert (pool["minCount"], pool["maxCount"], pool["enableAutoScaling"]) == (1, 9, True)
    assert ("fqdn" in properties, properties["new"]) == (False, 1)


@pytest.mark.parametrize(
    ("entry", "network"),
    [
        ({}, {"networkPlugin": "azure", "networkPluginMode": "overlay", "networkDataplane": "azure"}),
        ({"plugin_mode": "none"}, {"networkPlugin": "azure", "networkDataplane": "azure"}),
        ({"plugin": "none"}, {"networkPlugin": "none"}),
        ({"dataplane": "cilium"}, {"networkDataplane": "cilium", "networkPolicy": "cilium"}),
        ({"sku": "Automatic"}, {"networkDataplane": "cilium"}),
        ({"mode": "NFTABLES"}, {"kubeProxyConfig": {"enabled": True, "mode": "NFTABLES"}}),
        ({"mode": "disabled", "plugin": "none"}, {"kubeProxyConfig": {"enabled": False}}),
    ],
)
def test_networks(entry: Any, network: Any) -> None:
    made = load({"clusters": [{"name": "c1", **entry}]}).clusters[0].body["properties"]["networkProfile"]
    assert {key: made[key] for key in network} == network
    assert ("networkPluginMode" in made) == (entry.get("plugin_mode", entry.get("plugin", "azure")) == "azure")


MISTAKES: list[tuple[Any, str]] = [
    ([], "the fleet: must be a table, not []"),
    ({"cluster": []}, "the fleet: unknown key 'cluster'; did you mean 'clusters'?"),
    ({"clusters": {}}, "the fleet.clusters: must be a list, not {}"),
    ({"clusters": ["c1"]}, "clusters[0]: must be a table, not 'c1'"),
    ({"clusters": [{"name": "a"}, {"resource_group": "x"}]}, "clusters[1]: name is missing"),
    ({"clusters": [{"name": "a", "version": 1.33}]},
     "clusters[0] (a).version: must be text (numbers in quotes), not 1.33"),
    ({"clusters": [{"name": "a", "version": "new"}]}, "clusters[0] (a).version: is no Kubernetes version: 'new'"),
    ({"clusters": [{"name": "a", "mode": "nft"}]},
     "clusters[0] (a).mode: must be one of IPTABLES, IPVS, NFTABLES, absent, disabled, not 'nft'"),
    ({"clusters": [{"name": "a", "mode": "IPVS", "kube_proxy": {}}]},
     "clusters[0] (a): only one of mode and kube_proxy can be given"),
    ({"clusters": [{"name": "a"}, {"name": "A"}]}, "clusters[1] (A): a second cluster with the id"),
    ({"clusters": [{"name": "a", "pools": [{"count": 1}]}]}, "clusters[0] (a).pools[0]: name is missing"),
    ({"clusters": [{"name": "a", "pools": [{"name": "p", "size": 1}]}]},
     "clusters[0] (a).pools[0]: unknown key 'size'"),
    ({"clusters": [{"name": "a", "pools": [{"name": "p", "autoscaler": {"min": 1}}]}]},
     "clusters[0] (a).pools[0].autoscaler: max is missing"),
    ({"clusters": [{"body": {"location": "x"}}]}, "clusters[0].body: properties is missing"),
    ({"clusters": [{"body": {"properties": {}, "location": "x"}}]}, "clusters[0].body: id is missing"),
    ({"clusters": [{"body": {"properties": {}, "location": "x", "id": "/a/b"}}]}, "clusters[0].body.id: is no id of"),
    ({"clusters": [{"body": {}, "mode": "IPVS"}]}, "clusters[0]: mode cannot stand beside body, which is served as"),
    ({"features": {"s": []}}, "features.s: must be a table of feature names and states"),
    ({"features": {"s": {"F": "On"}}}, "features.s.F: must be one of NotRegistered, Pending, Registering,"),
    ({"behaviour": {"relase": "before"}}, "behaviour: unknown key 'relase'; did you mean 'release'?"),
    ({"behaviour": {"put_seconds": -1}}, "behaviour.put_seconds: must be a number, not negative, not -1"),
    ({"behaviour": {"api_versions": {"offer": []}}}, "behaviour.api_versions: unknown key 'offer'; did you mean"),
    ({"principals": [{"role": "king"}]}, "principals[0].role: must be one of owner, reader, not 'king'"),
    ({"principals": [{"role": "owner", "actions": []}]}, "principals[0]: only one of role, actions and role_file"),
    ({"principals": [{"role_file": "no.json"}]}, "principals[0].role_file: "),
    ({"principals": [{"certificate": "no.pem"}]}, "principals[0].certificate: there is no file no.pem"),
    ({"principals": [{"federated": [{"issuer": "x"}]}]}, "principals[0].federated[0]: subject is missing"),
    ({"locks": [{"level": "ReadOnly"}]}, "locks[0]: scope is missing"),
    ({"policies": [{"scope": 1}]}, "policies[0].scope: must be text"),
    ({"subscriptions": [{"name": "x"}]}, "subscriptions[0]: id is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("fleet", "complaint"), MISTAKES)
def test_mistakes_are_one_line_that_names_the_place(fleet: Any, complaint: str) -> None:
    with pytest.raises(FleetError) as raised:
        load(fleet)
    assert str(raised.value).startswith(complaint)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("text", ["clusters: [", "{", "\x00"])
def test_files_that_cannot_be_read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "fleet.yml"
    path.write_text(text)
    for wrong in (path, tmp_path / "absent.yml"):
        with pytest.raises(FleetError) as raised:
            load(wrong)
        assert str(wrong) in str(raised.value)
        assert "\n" not in str(raised.value)


def test_yaml_and_json_say_the_same(tmp_path: Path) -> None:
    content = {"clusters": [{"name": "c1", "mode": "IPVS"}], "features": {"s": {"F": "Pending"}}}
    (tmp_path / "a.json").write_text(json.dumps(content))
    (tmp_path / "a.yml").write_text("clusters: [{name: c1, mode: IPVS}]\nfeatures: {s: {F: Pending}}\n")
    assert load(tmp_path / "a.json") == load(tmp_path / "a.yml") == load(content)


def test_a_large_fleet_is_quick() -> None:
    """Loose bounds: they catch a quadratic loader, not a busy machine."""
    fleet = {"clusters": [{"name": f"c{i}"} for i in range(500)]}
    begin = time.monotonic()
    with Emulator(fleet, speed=0) as emulator:
        assert time.monotonic() - begin < 5
        assert emulator.cluster("c499")["name"] == "c499"
