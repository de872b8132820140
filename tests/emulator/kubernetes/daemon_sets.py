"""DaemonSets: kube-proxy's with the state of its rollout, and the others of a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..wire import JsonObject
from . import nodes, pods, services
from .objects import metadata
from .rollout import FOREVER

if TYPE_CHECKING:
    from ..fleet import Behaviour
    from ..world import Cluster

# What AKS runs on each node besides: name, image, whether on Windows.
OF_AKS = (
    ("azure-cns", "containernetworking/azure-cns", False),
    ("cloud-node-manager", "kubernetes/azure-cloud-node-manager", False),
    ("csi-azuredisk-node", "kubernetes-csi/azuredisk-csi", False),
    ("csi-azurefile-node", "kubernetes-csi/azurefile-csi", False),
    ("windows-kube-proxy-initializer", "kubernetes/windows-kube-proxy-initializer", True),
)


def every(cluster: Cluster, behaviour: Behaviour, now: float) -> list[JsonObject]:
    """All DaemonSets of all namespaces."""
    placed = nodes.places(cluster)
    count = {windows: sum(place.windows is windows for place in placed) for windows in (False, True)}
    found = [
        _other(cluster, pods.NAMESPACE, name, f"mcr.microsoft.com/oss/v2/{image}:v1", count[windows])
        for name, image, windows in OF_AKS
    ]
    for item in [*cluster.kubernetes.settings.daemonsets, *services.calico_node(cluster)]:
        namespace, name = item["name"].split("/")
        found.append(_other(cluster, namespace, name, item.get("image", f"registry.example/{name}:v1"), count[False]))
    own = kube_proxy(cluster, behaviour, now)
    return found + ([] if own is None else [own])


def kube_proxy(cluster: Cluster, behaviour: Behaviour, now: float) -> JsonObject | None:
    """kube-proxy's DaemonSet; None where there is none."""
    state = cluster.kubernetes
    revision, observed = state.revision(now), state.revision(now, observed=True)
    if revision.template is None:
        return None
    running = pods.kube_proxies(cluster, behaviour, now)
    labels = {**pods.LABELS, "addonmanager.kubernetes.io/mode": "Reconcile", "kubernetes.azure.com/managedby": "aks"}
    linux = sum(not place.windows for place in nodes.places(cluster))
    ready = sum(pod.ready for pod in running)
    born = revision.born == observed.born
    status = {
        "currentNumberScheduled": len(running),
        "numberMisscheduled": 0,
        "desiredNumberScheduled": linux if born else 0,
        "numberReady": ready,
        "observedGeneration": observed.generation if born else 0,
        "updatedNumberScheduled": sum(pods.updated(pod, observed) for pod in running),
        "numberAvailable": ready,
        "numberUnavailable": linux - ready,
    }
    changed = _changed(running, cluster, now)
    meta = metadata(cluster, "DaemonSet", "kube-proxy", pods.NAMESPACE, revision.born, changed=changed)
    annotations = {"deprecated.daemonset.template.generation": str(revision.generation)}
    return {
        "metadata": {**meta, "generation": revision.generation, "labels": labels, "annotations": annotations},
        "spec": {
            "selector": {"matchLabels": dict(pods.LABELS)},
            "template": {
                "metadata": {"labels": {**pods.LABELS, "kubernetes.azure.com/managedby": "aks"}},
                "spec": pods.spec(revision.template),
            },
            "updateStrategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxUnavailable": behaviour.nodes_at_once, "maxSurge": 0},
            },
            "revisionHistoryLimit": 10,
        },
        "status": {name: number for name, number in status.items() if number or name not in OMITTED_WHEN_ZERO},
    }


# The API server leaves these out when they are zero (`omitempty` in the API's Go types).
OMITTED_WHEN_ZERO = ("observedGeneration", "updatedNumberScheduled", "numberAvailable", "numberUnavailable")


def _changed(running: list[pods.Pod], cluster: Cluster, now: float) -> float:
    state = cluster.kubernetes
    moments = [state.revision(now).moment, state.revision(now, observed=True).observed]
    for pod in running:
        moments += [pod.stint.created, pod.stint.ready, pod.ending or 0.0]
    moments += [moment for name, moment in state.since.items() if name in ("joining_nodes", "not_ready_nodes")]
    return max(moment for moment in moments if moment <= now and moment != FOREVER)


def _other(cluster: Cluster, namespace: str, name: str, image: str, count: int) -> JsonObject:
    labels = {"k8s-app": name}
    meta = metadata(cluster, "DaemonSet", name, namespace, cluster.kubernetes.born)
    return {
        "metadata": {**meta, "generation": 1, "labels": labels},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": name, "image": image}]}},
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}},
            "revisionHistoryLimit": 10,
        },
        "status": {
            "currentNumberScheduled": count,
            "numberMisscheduled": 0,
            "desiredNumberScheduled": count,
            "numberReady": count,
            "observedGeneration": 1,
            **({"updatedNumberScheduled": count, "numberAvailable": count} if count else {}),
        },
    }
