"""Nodes: as many as the agent pools count, each about as large as a real one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..cluster_body import steady_guid
from ..wire import JsonObject
from .objects import condition, metadata, rfc3339
from .rollout import Stint, version_of

if TYPE_CHECKING:
    from ..fleet import Behaviour
    from ..world import Cluster

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
# What the node image's name begins with -> operating system and kernel, of AKS release 202607.09.0 (its VHD notes).
SYSTEMS = {
    "AKSUbuntu-2204": ("Ubuntu 22.04.5 LTS", "5.15.0-1116-azure"),
    "AKSUbuntu-2404": ("Ubuntu 24.04.3 LTS", "6.8.0-1059-azure"),
    "AKSAzureLinux-V2": ("CBL-Mariner/Linux", "5.15.186.1-1.cm2"),
    "AKSAzureLinux-V3": ("Microsoft Azure Linux 3.0", "6.6.143.1-1.azl3"),
    "AKSWindows-2019": ("Windows Server 2019 Datacenter", "10.0.17763.7792"),
    "AKSWindows-2022": ("Windows Server 2022 Datacenter", "10.0.20348.4171"),
    "AKSWindows-2025": ("Windows Server 2025 Datacenter", "10.0.26100.4946"),
}
IMAGES = (
    "kubernetes/kube-proxy", "kubernetes/coredns", "kubernetes/pause", "kubernetes/autoscaler/addon-resizer",
    "kubernetes/autoscaler/cluster-proportional-autoscaler", "kubernetes/metrics-server", "azure/ip-masq-agent-v2",
    "kubernetes-csi/azuredisk-csi", "kubernetes-csi/azurefile-csi", "kubernetes-csi/csi-node-driver-registrar",
    "kubernetes-csi/livenessprobe", "kubernetes/azure-cloud-node-manager", "kubernetes/konnectivity-agent",
    "containernetworking/azure-cns", "containernetworking/azure-cni", "kubernetes/windows-gmsa-webhook",
    "open-policy-agent/gatekeeper", "azure/azure-policy-kubernetes-addon", "azuremonitor/containerinsights/ciprod",
    "azuremonitor/prometheus-collector", "calico/node", "calico/typha", "calico/kube-controllers", "calico/cni",
    "tigera/operator", "nginx/nginx-ingress-controller", "kubernetes/external-dns", "azure/workload-identity-webhook",
    "azure/secrets-store-csi-driver-provider", "kubernetes-csi/secrets-store",
)  # fmt: skip


@dataclass(frozen=True)
class Place:
    """One node: where it stands in its pool, and among all Linux nodes (-1: it runs Windows)."""

    name: str
    pool: JsonObject
    number: int
    rank: int

    @property
    def windows(self) -> bool:
        """Whether it runs Windows."""
        return self.rank < 0

    @property
    def address(self) -> str:
        """Its address in the virtual network, the same after each start."""
        return f"10.224.{self.number // 250}.{self.number % 250 + 4}"


def places(cluster: Cluster) -> list[Place]:
    """All nodes, by name."""
    stem = str(int(steady_guid(cluster.key + "/vmss")[:8], 16) % 10**8).zfill(8)
    named: list[tuple[str, JsonObject]] = []
    for pool in cluster.pools:
        if (pool.get("powerState") or {}).get("code") != "Stopped":
            windows = pool.get("osType") == "Windows"
            prefix = f"aks{pool['name']}" if windows else f"aks-{pool['name']}-{stem}-vmss"
            named += [(prefix + _base36(i), pool) for i in range(int(pool.get("count") or 0))]
    found, rank = [], 0
    for number, (name, pool) in enumerate(sorted(named, key=lambda pair: pair[0])):
        windows = pool.get("osType") == "Windows"
        found.append(Place(name, pool, number, -1 if windows else rank))
        rank += not windows
    return found


def _base36(number: int) -> str:
    """Scale set instances are counted in base 36, with six digits."""
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = DIGITS[digit] + text
    return text.zfill(6)


def rebooted(cluster: Cluster, place: Place, stints: list[Stint], behaviour: Behaviour, now: float) -> float | None:
    """When a node was rebooted because of a switch between iptables and IPVS; None when it was not."""
    if not cluster.kubernetes.settings.rebooted_after_switch or len(stints) < 2:
        return None
    old, new = (stint.revision.template for stint in stints[-2:])
    if old is None or new is None or {old.mode, new.mode} != {"iptables", "ipvs"}:
        return None
    moment = stints[-1].ready + behaviour.node_seconds
    return moment if moment <= now else None


def node(cluster: Cluster, place: Place, boot: float | None, now: float) -> JsonObject:
    """Write a node out. `boot`: when it was rebooted after a switch."""
    settings, since = cluster.kubernetes.settings, cluster.kubernetes.since
    linux = not place.windows
    joining = linux and place.rank < settings.joining_nodes
    born = since["joining_nodes"] if joining else cluster.kubernetes.born
    cordoned = linux and place.rank < settings.cordoned_nodes
    gone = since["not_ready_nodes"] if linux and place.rank < settings.not_ready_nodes else None
    pool, image = place.pool, str(place.pool.get("nodeImageVersion") or "")
    system, kernel = next(
        (found for prefix, found in SYSTEMS.items() if image.startswith(prefix)), ("Ubuntu", "6.8.0-1059-azure")
    )
    version = f"v{pool.get('currentOrchestratorVersion') or version_of(cluster.body)}"
    boot_seed = f"{cluster.key}/{place.name}/boot/{int(boot or 0)}"
    taints = [{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}] if cordoned else []
    if gone is not None:
        taints.append({"key": "node.kubernetes.io/unreachable", "effect": "NoExecute", "timeAdded": rfc3339(gone)})
    return {
        "metadata": {
            **metadata(cluster, "Node", place.name, None, born, changed=max(born, now - now % 300)),
            "labels": _labels(cluster, place, image),
            "annotations": {
                "csi.volume.kubernetes.io/nodeid": f'{{"disk.csi.azure.com":"{place.name}"}}',
                "node.alpha.kubernetes.io/ttl": "0",
                "volumes.kubernetes.io/controller-managed-attach-detach": "true",
                **({"example.com/inventory": "x" * settings.node_bytes} if settings.node_bytes else {}),
            },
        },
        "spec": {
            "podCIDR": f"10.244.{place.number % 256}.0/24",
            "podCIDRs": [f"10.244.{place.number % 256}.0/24"],
            "providerID": "azure://" + _machine_id(cluster, place),
            **({"unschedulable": True} if cordoned else {}),
            **({"taints": taints} if taints else {}),
        },
        "status": {
            "addresses": [
                {"type": "InternalIP", "address": place.address},
                {"type": "Hostname", "address": place.name},
            ],
            "capacity": _resources(pool, "4", "16374256Ki"),
            "allocatable": _resources(pool, "3860m", "12880368Ki"),
            "conditions": _conditions(born, gone, now),
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            "images": _images(place.name, version),
            "nodeInfo": {
                "architecture": "amd64",
                "bootID": steady_guid(boot_seed),
                "containerRuntimeVersion": "containerd://2.0.0" if linux else "containerd://1.7.20+azure",
                "kernelVersion": (settings.kernel if linux else None) or kernel,
                "kubeProxyVersion": "",
                "kubeletVersion": version,
                "machineID": steady_guid(f"{cluster.key}/{place.name}").replace("-", ""),
                "operatingSystem": "linux" if linux else "windows",
                "osImage": system,
                "systemUUID": steady_guid(f"{cluster.key}/{place.name}/system"),
            },
        },
    }


def _labels(cluster: Cluster, place: Place, image: str) -> dict[str, str]:
    pool, system = place.pool, "windows" if place.windows else "linux"
    size, group = str(pool.get("vmSize")), str(cluster.properties.get("nodeResourceGroup"))
    return {
        "agentpool": pool["name"],
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/instance-type": size,
        "beta.kubernetes.io/os": system,
        "failure-domain.beta.kubernetes.io/region": cluster.location,
        "failure-domain.beta.kubernetes.io/zone": "0",
        "kubernetes.azure.com/agentpool": pool["name"],
        "kubernetes.azure.com/cluster": group,
        "kubernetes.azure.com/mode": str(pool.get("mode", "System")).lower(),
        "kubernetes.azure.com/node-image-version": image,
        "kubernetes.azure.com/nodepool-type": "VirtualMachineScaleSets",
        "kubernetes.azure.com/os-sku": str(pool.get("osSKU")),
        "kubernetes.azure.com/role": "agent",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": place.name,
        "kubernetes.io/os": system,
        "node.kubernetes.io/instance-type": size,
        "topology.disk.csi.azure.com/zone": "",
        "topology.kubernetes.io/region": cluster.location,
        "topology.kubernetes.io/zone": "0",
    }


def _machine_id(cluster: Cluster, place: Place) -> str:
    group = str(cluster.properties.get("nodeResourceGroup", "")).lower()
    scale_set, number = place.name[:-6], int(place.name[-6:], 36)
    return (
        f"/subscriptions/{cluster.subscription}/resourceGroups/{group}/providers/Microsoft.Compute"
        f"/virtualMachineScaleSets/{scale_set}/virtualMachines/{number}"
    )


def _resources(pool: JsonObject, cpu: str, memory: str) -> dict[str, str]:
    return {
        "cpu": cpu,
        "ephemeral-storage": "129886128Ki",
        "hugepages-1Gi": "0",
        "hugepages-2Mi": "0",
        "memory": memory,
        "pods": str(pool.get("maxPods", 250)),
    }


# Conditions of a node: type, then reason and message as a healthy node has them.
HEALTHY = (
    ("MemoryPressure", ("KubeletHasSufficientMemory", "kubelet has sufficient memory available")),
    ("DiskPressure", ("KubeletHasNoDiskPressure", "kubelet has no disk pressure")),
    ("PIDPressure", ("KubeletHasSufficientPID", "kubelet has sufficient PID available")),
    ("KernelDeadlock", ("KernelHasNoDeadlock", "kernel has no deadlock")),
    ("ReadonlyFilesystem", ("FilesystemIsNotReadOnly", "Filesystem is not read-only")),
    ("FrequentKubeletRestart", ("NoFrequentKubeletRestart", "kubelet is functioning properly")),
    ("FrequentContainerdRestart", ("NoFrequentContainerdRestart", "containerd is functioning properly")),
    ("VMEventScheduled", ("NoVMEventScheduled", "VM has no scheduled event")),
)
READY = ("KubeletReady", "kubelet is posting ready status")
LOST = ("NodeStatusUnknown", "Kubelet stopped posting node status.")
JOINING = ("KubeletNotReady", "container runtime network not ready: reason:NetworkPluginNotReady")
READY_AFTER = 20.0  # emulated seconds from joining


def _conditions(born: float, gone: float | None, now: float) -> list[JsonObject]:
    seen = now - now % 300 if gone is None else gone - 40
    found = [condition(kind, False, words, since=born, seen=max(seen, born)) for kind, words in HEALTHY]
    ready_at = born + READY_AFTER
    if gone is not None:
        ready = condition("Ready", None, LOST, since=gone, seen=seen)
    elif now < ready_at:
        ready = condition("Ready", False, JOINING, since=born, seen=now)
    else:
        ready = condition("Ready", True, READY, since=ready_at, seen=max(seen, ready_at))
    return [*found, ready]


def _images(seed: str, version: str) -> list[JsonObject]:
    """The images on a node: most of a node's size."""
    found = []
    for i, name in enumerate(IMAGES):
        digest = hashlib.sha256(f"{name}{version}".encode()).hexdigest()
        tag = version if i == 0 else f"v1.{i}.{len(seed) % 10}"
        path = f"mcr.microsoft.com/oss/v2/{name}"
        found.append({"names": [f"{path}@sha256:{digest}", f"{path}:{tag}"], "sizeBytes": 150_000_000 - i * 3_000_000})
    return found
