"""Pods: those of kube-proxy as its rollout has them at a moment, and a few others."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..wire import JsonObject
from . import nodes
from .nodes import Place
from .objects import metadata, rfc3339, uid
from .rollout import FOREVER, Revision, Stint, Template

if TYPE_CHECKING:
    from ..fleet import Behaviour
    from ..world import Cluster

NAMESPACE = "kube-system"
LABELS = {"component": "kube-proxy", "tier": "node"}
LETTERS = "bcdfghjklmnpqrstvwxz2456789"
GRACE = 30  # seconds that a pod is given to end
BACK_OFF_EVERY = 300.0  # the longest time between two starts of a container that crashes


@dataclass(frozen=True)
class Pod:
    """One pod of kube-proxy at a moment."""

    place: Place
    stint: Stint
    ready: bool
    started: float | None  # when its container started; None while it does not run
    ending: float | None  # since when it is told to end
    boot: float | None  # when its node was rebooted

    @property
    def name(self) -> str:
        """Its name, with five letters of chance."""
        seed = f"{self.place.name}/{self.stint.revision.serial}/{self.stint.created}"
        digest = hashlib.sha256(seed.encode()).digest()
        return "kube-proxy-" + "".join(LETTERS[byte % len(LETTERS)] for byte in digest[:5])

    @property
    def template(self) -> Template:
        """What it was made from."""
        assert self.stint.revision.template is not None
        return self.stint.revision.template

    @property
    def crashing(self) -> bool:
        """Whether its container crashes again and again."""
        return self.stint.ready == FOREVER


def kube_proxies(cluster: Cluster, behaviour: Behaviour, now: float) -> list[Pod]:
    """All pods of kube-proxy."""
    state = cluster.kubernetes
    current = state.revision(now, observed=True)
    if current.template is None:
        return []
    linux = [place for place in nodes.places(cluster) if not place.windows]
    found = []
    for place, line in zip(linux, state.stints(len(linux), behaviour), strict=True):
        shown = [stint for stint in line if stint.start <= now and stint.revision.born == current.born]
        if shown:
            found.append(_pod(cluster, place, shown, behaviour, now))
    return found


def _pod(cluster: Cluster, place: Place, shown: list[Stint], behaviour: Behaviour, now: float) -> Pod:
    settings = cluster.kubernetes.settings
    lost = place.rank < settings.not_ready_nodes
    if now < shown[-1].created and len(shown) > 1:
        started = _started(shown[-2], settings.crash_after_seconds, now)
        return Pod(place, shown[-2], started is not None and not lost, started, shown[-1].start, None)
    boot = nodes.rebooted(cluster, place, shown, behaviour, now)
    started = _started(shown[-1], settings.crash_after_seconds, now)
    ready = started is not None and not lost
    return Pod(place, shown[-1], ready, started if boot is None else boot, None, boot)


def _started(stint: Stint, crash_after: float, now: float) -> float | None:
    """When the container that runs now was started. One that crashes runs for `crash_after` seconds each time."""
    if stint.ready != FOREVER:
        return stint.ready if stint.ready <= now else None
    begun = now - max(0.0, now - stint.created) % BACK_OFF_EVERY
    return begun if now < begun + crash_after else None


def updated(pod: Pod, current: Revision) -> bool:
    """Whether a pod is of the DaemonSet's present template."""
    return pod.ending is None and pod.stint.revision.template == current.template


def body(cluster: Cluster, pod: Pod, now: float) -> JsonObject:
    """Write a pod of kube-proxy out."""
    revision, stint = pod.stint.revision, pod.stint
    meta = metadata(cluster, "Pod", pod.name, NAMESPACE, stint.created, changed=_changed(pod, now))
    meta["generateName"] = "kube-proxy-"
    meta["labels"] = {
        "component": "kube-proxy",
        "controller-revision-hash": pod.template.hash,
        "kubernetes.azure.com/managedby": "aks",
        "pod-template-generation": str(revision.generation),
        "tier": "node",
    }
    meta["ownerReferences"] = [
        {
            "apiVersion": "apps/v1",
            "kind": "DaemonSet",
            "name": "kube-proxy",
            "uid": uid(cluster, "DaemonSet", NAMESPACE, "kube-proxy", int(revision.born)),
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]
    if pod.ending is not None:
        meta["deletionTimestamp"] = rfc3339(pod.ending + GRACE)
        meta["deletionGracePeriodSeconds"] = GRACE
    return {
        "metadata": meta,
        "spec": {**spec(pod.template), "nodeName": pod.place.name},
        "status": {
            "phase": "Running",
            "conditions": _conditions(pod),
            "hostIP": pod.place.address,
            "hostIPs": [{"ip": pod.place.address}],
            "podIP": pod.place.address,
            "podIPs": [{"ip": pod.place.address}],
            "startTime": rfc3339(stint.created),
            "containerStatuses": [_container(cluster, pod, now)],
            "qosClass": "Burstable",
        },
    }


def spec(template: Template) -> JsonObject:
    """The pod's specification, as the DaemonSet has it."""
    return {
        "volumes": [
            {"name": "kubeconfig", "hostPath": {"path": "/var/lib/kubelet", "type": ""}},
            {"name": "modules", "hostPath": {"path": "/lib/modules", "type": ""}},
            {"name": "xtables-lock", "hostPath": {"path": "/run/xtables.lock", "type": "FileOrCreate"}},
        ],
        "containers": [
            {
                "name": "kube-proxy",
                "image": template.image,
                "command": list(template.command),
                "resources": {"requests": {"cpu": "100m"}},
                "volumeMounts": [
                    {"name": "kubeconfig", "readOnly": True, "mountPath": "/var/lib/kubelet"},
                    {"name": "modules", "readOnly": True, "mountPath": "/lib/modules"},
                    {"name": "xtables-lock", "mountPath": "/run/xtables.lock"},
                ],
                "terminationMessagePath": "/dev/termination-log",
                "terminationMessagePolicy": "File",
                "imagePullPolicy": "IfNotPresent",
                "securityContext": {"capabilities": {"add": ["NET_ADMIN", "SYS_RESOURCE"], "drop": ["ALL"]}},
            }
        ],
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": GRACE,
        "dnsPolicy": "ClusterFirst",
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "serviceAccountName": "kube-proxy",
        "hostNetwork": True,
        "schedulerName": "default-scheduler",
        "tolerations": [{"operator": "Exists"}],
        "priorityClassName": "system-node-critical",
    }


def _changed(pod: Pod, now: float) -> float:
    moments = [pod.stint.created, pod.stint.ready, pod.started or 0.0, pod.ending or 0.0, pod.boot or 0.0]
    return max(moment for moment in moments if moment <= now)


def _conditions(pod: Pod) -> list[JsonObject]:
    stint = pod.stint
    since = rfc3339(pod.started if pod.ready and pod.started else stint.created)
    found = [
        {"type": "PodReadyToStartContainers", "status": "True", "lastTransitionTime": rfc3339(stint.created)},
        {"type": "Initialized", "status": "True", "lastTransitionTime": rfc3339(stint.created)},
    ]
    trouble = {} if pod.ready else {
        "reason": "ContainersNotReady", "message": "containers with unready status: [kube-proxy]",
    }  # fmt: skip
    found += [
        {"type": kind, "status": str(pod.ready), "lastTransitionTime": since, **trouble}
        for kind in ("Ready", "ContainersReady")
    ]
    found.append({"type": "PodScheduled", "status": "True", "lastTransitionTime": rfc3339(stint.created)})
    return [{**row, "lastProbeTime": None} for row in found]


def _container(cluster: Cluster, pod: Pod, now: float) -> JsonObject:
    stint = pod.stint
    container = f"containerd://{hashlib.sha256(f'{cluster.key}{pod.name}{pod.boot}'.encode()).hexdigest()}"
    status: JsonObject = {
        "name": "kube-proxy",
        "image": pod.template.image,
        "imageID": pod.template.image_id,
        "lastState": {},
        "ready": pod.ready,
        "restartCount": 0,
        "started": pod.ready,
        "containerID": container,
    }
    if pod.crashing and pod.started is not None:
        status["state"] = {"running": {"startedAt": rfc3339(pod.started)}}
        status["restartCount"] = round((pod.started - stint.created) / BACK_OFF_EVERY)
    elif pod.crashing:
        ended = {"exitCode": 1, "reason": "Error", "containerID": container}
        ended["startedAt"] = ended["finishedAt"] = rfc3339(max(stint.created, now - now % BACK_OFF_EVERY))
        message = f"back-off 5m0s restarting failed container=kube-proxy pod={pod.name}_{NAMESPACE}"
        status["state"] = {"waiting": {"reason": "CrashLoopBackOff", "message": message}}
        status["lastState"] = {"terminated": ended}
        status["restartCount"] = 1 + int((now - stint.created) / BACK_OFF_EVERY)
    elif pod.started is None:
        status["state"] = {"waiting": {"reason": "ContainerCreating"}}
        del status["containerID"]
    else:
        status["state"] = {"running": {"startedAt": rfc3339(pod.started)}}
        status["started"] = True
        if pod.boot is not None:
            status["restartCount"] = 1
            status["lastState"] = {
                "terminated": {"exitCode": 255, "reason": "Unknown", "startedAt": rfc3339(stint.ready),
                               "finishedAt": rfc3339(pod.boot), "containerID": container}
            }  # fmt: skip
    return status


def other(cluster: Cluster) -> list[JsonObject]:
    """Pods of kube-system that have nothing to do with kube-proxy."""
    placed = nodes.places(cluster)
    if not placed:
        return []
    born, found = cluster.kubernetes.born, []
    for app, number in (("coredns", 2), ("metrics-server", 2), ("konnectivity-agent", 2)):
        for i in range(number):
            name = f"{app}-{uid(cluster, app)[:8]}-{uid(cluster, app, i)[:5]}"
            meta = metadata(cluster, "Pod", name, NAMESPACE, born)
            meta["labels"] = {"k8s-app": "kube-dns" if app == "coredns" else app}
            ready = {"type": "Ready", "status": "True", "lastProbeTime": None, "lastTransitionTime": rfc3339(born)}
            found.append(
                {
                    "metadata": meta,
                    "spec": {
                        "containers": [{"name": app, "image": f"mcr.microsoft.com/oss/v2/kubernetes/{app}:v1"}],
                        "nodeName": placed[i % len(placed)].name,
                    },
                    "status": {"phase": "Running", "conditions": [ready], "podIP": f"10.244.{i}.{len(app)}"},
                }
            )
    return found
