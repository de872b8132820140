"""Builders of clusters for tests: the shortest body that a rule can look at, and arbitrary ones."""

from __future__ import annotations

from typing import Any

from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.cluster import Cluster
from hypothesis import strategies as st

SUBSCRIPTION = "00000000-1111-2222-3333-444444444444"
RESOURCE_ID = (
    f"/subscriptions/{SUBSCRIPTION}/resourcegroups/rg-one/providers/Microsoft.ContainerService/managedClusters/aks-one"
)


def body(
    *,
    kube_proxy: dict[str, Any] | None = None,
    network: dict[str, Any] | None = None,
    pools: list[dict[str, Any]] | None = None,
    **properties: Any,
) -> dict[str, Any]:
    """A healthy cluster on Kubernetes 1.34 with Azure CNI and one Ubuntu 24.04 pool, except for what is given.

    Args:
        kube_proxy: its kubeProxyConfig; without it the cluster was never configured.
        network: further properties of its networkProfile.
        pools: its node pools.
        properties: further ARM properties; C(sku) and C(tags) go to the top level.
    """
    top: dict[str, Any] = {key: properties.pop(key) for key in ("sku", "tags", "eTag", "etag") if key in properties}
    profile = {"networkPlugin": "azure", **(network or {})}
    if kube_proxy is not None:
        profile["kubeProxyConfig"] = kube_proxy
    return {
        "id": RESOURCE_ID,
        "name": "aks-one",
        **top,
        "properties": {
            "provisioningState": "Succeeded",
            "powerState": {"code": "Running"},
            "kubernetesVersion": "1.34",
            "currentKubernetesVersion": "1.34.2",
            "agentPoolProfiles": [pool()] if pools is None else pools,
            **properties,
            "networkProfile": profile,
        },
    }


def cluster(**parts: Any) -> Cluster:
    """The cluster of such a body."""
    return Cluster(body(**parts))


def pool(**properties: Any) -> dict[str, Any]:
    """A node pool on Ubuntu 24.04, except for what is given."""
    return {
        "name": "system",
        "osType": "Linux",
        "osSKU": "Ubuntu2404",
        "nodeImageVersion": "AKSUbuntu-2404gen2containerd-202607.09.0",
        "orchestratorVersion": "1.34",
        "currentOrchestratorVersion": "1.34.2",
        **properties,
    }


NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
# Names that mean something somewhere in a cluster, so that the same name often turns up in another place.
MEANINGFUL = (
    "id",
    "name",
    "type",
    "eTag",
    "provisioningState",
    "powerState",
    "identity",
    "state",
    "fqdn",
    "kubeProxyConfig",
)
KEYS = st.sampled_from(MEANINGFUL) | st.text(max_size=6)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
MAPS = st.dictionaries(KEYS, JSON, max_size=4)
