"""Services, namespaces, and the Installation of Calico's operator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..wire import JsonObject
from .objects import metadata

if TYPE_CHECKING:
    from ..world import Cluster
    from .rollout import Template

OF_KUBERNETES = (
    ("default", "kubernetes", 443),
    ("kube-system", "kube-dns", 53),
    ("kube-system", "metrics-server", 443),
)
NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")
FIRST_NODE_PORT = 30080


def services(cluster: Cluster) -> list[JsonObject]:
    """All Services: those of Kubernetes itself, invented ones up to the wanted number, and the NodePort ones."""
    settings = cluster.kubernetes.settings
    names = list(OF_KUBERNETES[: settings.services])
    names += [("default", f"app-{i}", 80) for i in range(1, settings.services - len(names) + 1)]
    found = [_service(cluster, i, *place, node_port=None) for i, place in enumerate(names)]
    for i, full_name in enumerate(settings.node_ports):
        namespace, name = full_name.split("/")
        found.append(_service(cluster, len(found), namespace, name, 80, node_port=FIRST_NODE_PORT + i))
    return found


def _service(
    cluster: Cluster, number: int, namespace: str, name: str, port: int, *, node_port: int | None
) -> JsonObject:
    address = (
        "10.0.0.10"
        if name == "kube-dns"
        else "10.0.0.1"
        if number == 0
        else f"10.0.{number // 250}.{number % 250 + 20}"
    )
    entry: JsonObject = {"name": "main", "protocol": "TCP", "port": port, "targetPort": 8080}
    if node_port is not None:
        entry["nodePort"] = node_port
    return {
        "metadata": {**metadata(cluster, "Service", name, namespace, cluster.kubernetes.born), "labels": {"app": name}},
        "spec": {
            "ports": [entry],
            "selector": {"app": name},
            "clusterIP": address,
            "clusterIPs": [address],
            "type": "ClusterIP" if node_port is None else "NodePort",
            **({} if node_port is None else {"externalTrafficPolicy": "Cluster"}),
            "sessionAffinity": "None",
            "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack",
            "internalTrafficPolicy": "Cluster",
        },
        "status": {"loadBalancer": {}},
    }


def namespaces(cluster: Cluster) -> list[JsonObject]:
    """All namespaces: those of Kubernetes, and those that something is in."""
    settings = cluster.kubernetes.settings
    names = {*NAMESPACES, *(x.split("/")[0] for x in settings.node_ports)}
    names |= {item["name"].split("/")[0] for item in settings.daemonsets}
    if has_calico(cluster):
        names |= {"calico-system", "tigera-operator"}
    return [
        {
            "metadata": {
                **metadata(cluster, "Namespace", name, None, cluster.kubernetes.born),
                "labels": {"kubernetes.io/metadata.name": name},
            },
            "spec": {"finalizers": ["kubernetes"]},
            "status": {"phase": "Active"},
        }
        for name in sorted(names)
    ]


def managed_calico(cluster: Cluster) -> bool:
    """Whether AKS itself runs Calico."""
    network = cluster.properties.get("networkProfile") or {}
    return str(network.get("networkPolicy", "")).lower() == "calico"


def has_calico(cluster: Cluster) -> bool:
    """Whether Calico's operator is there."""
    return managed_calico(cluster) or cluster.kubernetes.settings.calico is not None


def installations(cluster: Cluster, template: Template | None) -> list[JsonObject]:
    """Calico's Installation. AKS's own follows kube-proxy's mode."""
    if not has_calico(cluster):
        return []
    own, managed = cluster.kubernetes.settings.calico, managed_calico(cluster)
    follows = "Nftables" if template is not None and template.mode == "nftables" else "Iptables"
    dataplane = follows if own is None else own.get("linux_dataplane", "Iptables")
    version = "v3.30.3" if own is None else own.get("version", "v3.29.1")
    labels = {"kubernetes.azure.com/managedby": "aks"} if managed else {}
    return [
        {
            "metadata": {
                **metadata(cluster, "Installation", "default", None, cluster.kubernetes.born),
                "generation": 2,
                **({"labels": labels} if labels else {}),
            },
            "spec": {
                "calicoNetwork": {"bgp": "Disabled", "hostPorts": "Enabled", "linuxDataplane": dataplane},
                "cni": {"ipam": {"type": "AzureVNET"}, "type": "AzureVNET"},
                "kubernetesProvider": "AKS",
                "variant": "Calico",
            },
            "status": {"calicoVersion": version, "mtu": 1500, "variant": "Calico"},
        }
    ]


def calico_node(cluster: Cluster) -> list[JsonObject]:
    """The name and image of the DaemonSet that Calico's operator makes, as a setting would give it."""
    if not has_calico(cluster):
        return []
    version = (cluster.kubernetes.settings.calico or {}).get("version", "v3.30.3")
    return [{"name": "calico-system/calico-node", "image": f"quay.io/calico/node:{version}"}]
