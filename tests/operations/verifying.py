"""What the tests of verify share: clusters with so many nodes, a switch behind everyone's back, what it all costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from json import loads
from typing import Any

from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.access import USER
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.verify import OPERATION

from tests.support.caller import LIST_PODS, Caller
from tests.support.operations import Azure

Lay = Callable[..., Azure]
PAGE = 250
"""Items on a page of a list, when the API server is asked itself."""

CLOSED_AND_OPEN = [{"name": "closed", "count": 40}, {"name": "open", "count": 2}]


def close(cloud: Azure, pool: str) -> None:
    """Let a firewall keep the control plane from kube-proxy on a pool's nodes."""
    (listed,) = Caller(cloud).ask(USER, LIST_PODS, name="c1")
    pods = {pod["metadata"]["name"]: pod["spec"]["nodeName"] for pod in loads(listed.text)["items"]}
    shut = "|".join(name for name, node in pods.items() if node.startswith(f"aks-{pool}-"))
    match = {"api": "kubernetes", "path": f"({shut}).*/proxy/"}
    cloud.emulator.fault("server_error", match=match, times=None, status=503)
    cloud.emulator.clear_kubernetes_requests()


def with_nodes(count: int, name: str = "c1", **more: Any) -> dict[str, Any]:
    """A cluster with so many Linux nodes, and Kubernetes' settings under C(inside)."""
    inside = more.pop("inside", {})
    return {
        "name": name,
        "version": "1.34.2",
        "pools": [{"name": "pool", "count": count}],
        "kubernetes": inside,
        **more,
    }


def begin_switch(cloud: Azure, mode: str = "NFTABLES", name: str = "c1", **config: Any) -> None:
    """Let Azure record another mode, and the DaemonSet follow in the emulator's time."""
    patch = {"properties": {"networkProfile": {"kubeProxyConfig": {"enabled": True, "mode": mode, **config}}}}
    cloud.emulator.change_cluster(name, patch)


def verify(cloud: Azure, **options: Any) -> dict[str, Any]:
    """The result of the module for the cluster c1."""
    return cloud.call(OPERATION, **{"resource_group": "rg1", "name": "c1", **options})


def evidence(cloud: Azure, **options: Any) -> dict[str, Any]:
    """What it says of that cluster."""
    result = verify(cloud, **options)
    assert "clusters" in result, result
    (found,) = result["clusters"].values()
    assert found["ok"] is result["ok"] is ("failed" not in result), result
    assert found["requests"] == len(gets(cloud)), "what it says that it cost"
    return dict(found)


def gets(cloud: Azure) -> list[str]:
    """The paths that the clusters' API servers were asked for."""
    return [entry["path"] for entry in cloud.emulator.kubernetes_requests() if "path" in entry]


def asked(cloud: Azure, page: str) -> Counter[str]:
    """How often each pod was asked for C(proxyMode) or C(metrics)."""
    return Counter(path for path in gets(cloud) if path.endswith(f"/proxy/{page}"))


def looks(cloud: Azure) -> int:
    """How often the cluster was looked at."""
    return sum(path.endswith("/daemonsets/kube-proxy") for path in gets(cloud))


def look_cost(nodes: int) -> int:
    """Requests for one look: the DaemonSet, and the pages of nodes and of pods."""
    return 1 + 2 * -(-nodes // PAGE)


def standings(found: dict[str, Any]) -> list[str]:
    """Where the nodes stand, by name."""
    return [row["standing"] for row in sorted(found["nodes"], key=lambda row: str(row["node"]))]


def meanwhile(cloud: Azure, after: float, what: Callable[[], object]) -> None:
    """Let something happen once so many seconds have passed."""
    sleep, done = cloud.time.sleep, list[float]()

    def sleeping(seconds: float) -> None:
        sleep(seconds)
        if cloud.time.seconds >= after and not done:
            done.append(cloud.time.seconds)
            what()

    cloud.time.sleep = sleeping  # type: ignore[method-assign]
