"""For any cluster: a switch changes the kube-proxy configuration and nothing else."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from ansible_collections.aks.kube_proxy.plugins.module_utils._operations import config
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.operations import Azure

Lay = Callable[..., Azure]
SUBSCRIPTION = "11111111-1111-4111-8111-111111111111"
CLUSTER_ID = f"/subscriptions/{SUBSCRIPTION}/resourcegroups/rg1/providers/Microsoft.ContainerService/managedClusters/c1"
CLUSTER_NAMES = {"id": CLUSTER_ID, "name": "c1", "type": "Microsoft.ContainerService/ManagedClusters"}

# Names as the service has them and as nobody expects them; a name that differs in case alone would be the same to AKS.
NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=12
) | st.sampled_from(
    [
        "id",
        "eTag",
        "provisioningState",
        "fqdn",
        "kubeProxyConfig",
        "enabled",
        "mode",
        "*",
        "a.b",
        "a/b",
        "$ref",
        "ñandú",
    ]
)
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(
    allow_nan=False, allow_infinity=False, width=32
)  # JSON has no others
SCALARS = st.booleans() | NUMBERS | st.text(max_size=20)


def objects(values: st.SearchStrategy[Any], most: int) -> st.SearchStrategy[dict[str, Any]]:
    """JSON objects whose names differ in more than case."""
    return st.lists(st.tuples(NAMES, values), max_size=most, unique_by=lambda pair: pair[0].casefold()).map(dict)


JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | objects(inner, 3), max_leaves=8)
# What a later API version may add anywhere: names that no version has today.
FUTURE = st.dictionaries(
    st.text("abcxyzÄ0_-", min_size=1, max_size=8).map(lambda name: f"future{name}"), JSON, max_size=3
)
# Named like what the service calculates, but the user's own.
TRICKY_TAGS = {name: f"my {name}" for name in ("id", "eTag", "name", "type", "provisioningState", "kubeProxyConfig")}
KUBE_PROXY = st.sampled_from(
    [
        None,
        {"enabled": True, "mode": "IPTABLES"},
        {"enabled": True, "mode": "IPVS", "ipvsConfig": {"scheduler": "RoundRobin", "udpTimeoutSeconds": 7}},
        {"enabled": True, "mode": "IPVS"},
        {"Enabled": True, "Mode": "IPVS"},
    ]
)


@st.composite
def pools(draw: st.DrawFn) -> list[dict[str, Any]]:
    """One to three node pools."""
    return [
        {
            "name": f"pool{number}",
            "count": draw(st.integers(0, 100)),
            "vmSize": "Standard_D4ds_v5",
            "osType": "Linux",
            "osSKU": "AzureLinux",
            "nodeLabels": draw(st.dictionaries(NAMES, st.text(max_size=10), max_size=3)),
            "nodeTaints": draw(st.lists(st.text(max_size=10), max_size=2)),
            "orchestratorVersion": "1.34",
            "currentOrchestratorVersion": "1.34.2",
            "provisioningState": "Succeeded",
            "powerState": {"code": "Running"},
            "eTag": f"pool-etag-{number}",
            **draw(FUTURE),
        }
        for number in range(draw(st.integers(1, 3)))
    ]


@st.composite
def bodies(draw: st.DrawFn) -> dict[str, Any]:
    """A managedCluster as ARM might return it, in this year or in a later one."""
    network = {"networkPlugin": "azure", "networkPluginMode": "overlay", "loadBalancerSku": "standard", **draw(FUTURE)}
    stored = draw(KUBE_PROXY)
    if stored is not None:
        network["kubeProxyConfig"] = stored
    properties = {
        "provisioningState": "Succeeded",
        "powerState": {"code": "Running"},
        "kubernetesVersion": "1.34",
        "currentKubernetesVersion": "1.34.2",
        "fqdn": "c1.example",
        "networkProfile": network,
        "agentPoolProfiles": draw(pools()),
        "addonProfiles": draw(
            st.dictionaries(
                st.sampled_from(["azurepolicy", "omsagent"]),
                st.fixed_dictionaries(
                    {"enabled": st.booleans(), "config": st.dictionaries(NAMES, st.text(max_size=10), max_size=2)}
                ),
            )
        ),
        **draw(FUTURE),
    }
    return {
        **CLUSTER_NAMES,
        "location": "westeurope",
        "tags": draw(st.just(TRICKY_TAGS) | objects(st.text(max_size=20), 4)),
        "sku": {"name": "Base", "tier": "Free"},
        "identity": {"type": "SystemAssigned", "principalId": "p", "tenantId": "t"},
        **({"eTag": "etag-1"} if draw(st.booleans()) else {}),
        "properties": properties,
        **draw(FUTURE),
    }


def without_what_moves(body: dict[str, Any]) -> dict[str, Any]:
    """The body without the configuration, and without what every operation of the service moves."""
    rest = copy.deepcopy(body)
    rest.pop("eTag", None)
    rest["properties"].pop("provisioningState")
    rest["properties"]["networkProfile"].pop("kubeProxyConfig", None)
    for pool in rest["properties"]["agentPoolProfiles"]:
        pool.pop("eTag", None)
        pool.pop("provisioningState")
    return rest


@settings(
    max_examples=min(settings().max_examples * 3 // 5, 1500),  # 60, and many in the long profile
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(body=bodies(), mode=st.sampled_from(["NFTABLES", "IPVS", "IPTABLES"]))
def test_a_switch_changes_nothing_else(azure: Lay, body: dict[str, Any], mode: str) -> None:
    cloud = azure({"body": body})
    before = cloud.emulator.cluster("c1")
    result = cloud.call(config.OPERATION, resource_group="rg1", name="c1", mode=mode)
    assert not result.get("failed"), result["msg"]
    after = cloud.emulator.cluster("c1")
    assert without_what_moves(after) == without_what_moves(before)
    stored = after["properties"]["networkProfile"].get("kubeProxyConfig")
    if result["changed"]:
        assert len(cloud.writes()) == 1
        assert {key: value for key, value in stored.items() if key != "ipvsConfig"} == {"enabled": True, "mode": mode}
    else:
        assert after == before
