# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Nodes, kube-proxy's DaemonSet and its pods, as far as evidence needs them.

Private to this collection. Pure: no I/O. What an answer lacks, or has in another form than Kubernetes documents, reads
as nothing known.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.kube_proxy import IPTABLES

NAMESPACE = "kube-system"
NAME = "kube-proxy"
METRICS_PORT = 10249
"""Where kube-proxy answers /proxyMode and /metrics, on all addresses of the node:
https://learn.microsoft.com/azure/aks/cis-kubernetes"""

LABELS = {"component": NAME}
"""What AKS calls kube-proxy's pods; only needed where there is no DaemonSet to tell."""

DAEMON_SET_PATH = f"/apis/apps/v1/namespaces/{NAMESPACE}/daemonsets/{NAME}"
PODS_PATH = f"/api/v1/namespaces/{NAMESPACE}/pods"
NODES_PATH = "/api/v1/nodes"

_VIRTUAL_TAINT = "virtual-kubelet.io/provider"
_POOL_LABELS = ("kubernetes.azure.com/agentpool", "agentpool")


def proxy_path(pod: str, page: str) -> str:
    """Where the API server hands on what kube-proxy in a pod says: the page C(proxyMode) or C(metrics)."""
    return f"{PODS_PATH}/{pod}:{METRICS_PORT}/proxy/{page}"


def moment(text: Any) -> float | None:
    """Seconds since the epoch of a time as Kubernetes and ARM write it (RFC 3339, in UTC); None when it is none."""
    match = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d{1,9})?(?:Z|\+00:00)", str(text))
    try:
        return datetime.fromisoformat(f"{match[1]}+00:00").timestamp() if match else None
    except ValueError:
        return None


def table(value: Any, *path: str) -> Mapping[str, Any]:
    """The object below a path of keys; an empty one where there is none."""
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def rows(value: Any, *path: str) -> list[Mapping[str, Any]]:
    """The objects of the list below a path of keys."""
    found = table(value, *path[:-1]).get(path[-1])
    return [row for row in found if isinstance(row, Mapping)] if isinstance(found, list) else []


def text(value: Any) -> str:
    """A string; an empty one where it is something else."""
    return value if isinstance(value, str) else ""


def release(version: str) -> tuple[int, int]:
    """Major and minor of a version such as C(5.15.0-1116-azure) or C(v3.29.1); (0, 0) when it cannot be read."""
    match = re.match(r"v?(\d{1,6})\.(\d{1,6})", version)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _condition(status: Mapping[str, Any], kind: str) -> tuple[bool, float | None]:
    """Whether a condition is true, and since when it is as it is."""
    for row in rows(status, "conditions"):
        if row.get("type") == kind:
            return row.get("status") == "True", moment(row.get("lastTransitionTime"))
    return False, None


@dataclass(frozen=True)
class Node:
    """A node.

    Attributes:
        name: its name.
        pool: the node pool that it belongs to; empty where no label tells.
        system: C(linux) or C(windows).
        os_image: its operating system, as it calls itself.
        kernel: the kernel that runs, as it calls itself; empty when not known.
        ready: whether its kubelet reports it ready.
        ready_since: since when it is ready, or not, in seconds since the epoch; None when not known.
        cordoned: whether new pods are kept away.
        created: when it joined, in seconds since the epoch; None when not known.
        virtual: whether it is no machine (virtual nodes of AKS), so that no DaemonSet runs there.
        machine: the machine's ARM resource id; empty when not known.
    """

    name: str
    pool: str = ""
    system: str = "linux"
    os_image: str = ""
    kernel: str = ""
    ready: bool = True
    ready_since: float | None = None
    cordoned: bool = False
    created: float | None = None
    virtual: bool = False
    machine: str = ""

    @property
    def kernel_version(self) -> tuple[int, int]:
        """Major and minor of the kernel; (0, 0) when not known."""
        return release(self.kernel)


def read_node(body: Any) -> Node:
    """Read an item of the list of nodes."""
    labels, info = table(body, "metadata", "labels"), table(body, "status", "nodeInfo")
    ready, since = _condition(table(body, "status"), "Ready")
    return Node(
        name=text(table(body, "metadata").get("name")),
        pool=next(filter(None, (text(labels.get(label)) for label in _POOL_LABELS)), ""),
        system=text(labels.get("kubernetes.io/os")) or text(info.get("operatingSystem")) or "linux",
        os_image=text(info.get("osImage")),
        kernel=text(info.get("kernelVersion")),
        ready=ready,
        ready_since=since,
        cordoned=table(body, "spec").get("unschedulable") is True,
        created=moment(table(body, "metadata").get("creationTimestamp")),
        virtual=labels.get("type") == "virtual-kubelet"
        or any(taint.get("key") == _VIRTUAL_TAINT for taint in rows(body, "spec", "taints")),
        machine=text(table(body, "spec").get("providerID")).removeprefix("azure://"),
    )


@dataclass(frozen=True)
class Pod:
    """A pod of kube-proxy.

    Attributes:
        name: its name.
        node: the node that it runs on; empty when none is chosen yet.
        command: its container's command and arguments.
        ready: whether it reports ready.
        deleting: whether it is on its way out.
        started: when its container last started, in seconds since the epoch; None when it does not run.
        created: when the pod was made, in seconds since the epoch; None when not known.
        restarts: how often its container was started again.
        trouble: why its container does not run, in Kubernetes' words such as C(CrashLoopBackOff); empty when it does.
    """

    name: str
    node: str
    command: tuple[str, ...] = ()
    ready: bool = True
    deleting: bool = False
    started: float | None = None
    created: float | None = None
    restarts: int = 0
    trouble: str = ""


def words(container: Mapping[str, Any]) -> tuple[str, ...]:
    """The command and arguments of a container."""
    parts = [container.get(key) for key in ("command", "args")]
    return tuple(text(word) for part in parts if isinstance(part, list) for word in part)


def _command(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """The command and arguments of kube-proxy's container; of the only one, where it has another name."""
    containers = rows(spec, "containers")
    named = [row for row in containers if row.get("name") == NAME] or containers[:1]
    return tuple(word for row in named for word in words(row))


def read_pod(body: Any) -> Pod:
    """Read an item of the list of kube-proxy's pods."""
    meta, status = table(body, "metadata"), table(body, "status")
    statuses = rows(status, "containerStatuses")
    container = next((row for row in statuses if row.get("name") == NAME), statuses[0] if statuses else {})
    waiting, ended = table(container, "state", "waiting"), table(container, "state", "terminated")
    return Pod(
        name=text(meta.get("name")),
        node=text(table(body, "spec").get("nodeName")),
        command=_command(table(body, "spec")),
        ready=_condition(status, "Ready")[0],
        deleting=meta.get("deletionTimestamp") is not None,
        started=moment(table(container, "state", "running").get("startedAt")),
        created=moment(meta.get("creationTimestamp")),
        restarts=_number(container.get("restartCount")),
        trouble=text(waiting.get("reason")) or text(ended.get("reason")),
    )


@dataclass(frozen=True)
class DaemonSet:
    """kube-proxy's DaemonSet.

    Attributes:
        generation: of what is asked for.
        observed: the generation that its controller has taken up.
        desired: how many nodes it shall run on.
        updated: on how many it runs as asked for now.
        unavailable: on how many no available pod runs.
        at_once: how many nodes its rollout may leave without an available pod at a time.
        command: the command and arguments asked for.
        selector: the labels of its pods.
    """

    generation: int
    observed: int
    desired: int
    updated: int
    command: tuple[str, ...]
    selector: Mapping[str, str]
    unavailable: int = 0
    at_once: int = 1


def read_daemon_set(body: Any) -> DaemonSet:
    """Read the DaemonSet."""
    status = table(body, "status")
    desired = _number(status.get("desiredNumberScheduled"))
    rolling = table(body, "spec", "updateStrategy", "rollingUpdate")
    return DaemonSet(
        generation=_number(table(body, "metadata").get("generation")),
        observed=_number(status.get("observedGeneration")),
        desired=desired,
        updated=_number(status.get("updatedNumberScheduled")),
        command=_command(table(body, "spec", "template", "spec")),
        selector={text(key): text(value) for key, value in table(body, "spec", "selector", "matchLabels").items()},
        unavailable=_number(status.get("numberUnavailable")),
        at_once=_at_once(rolling.get("maxUnavailable"), desired),
    )


def _at_once(given: Any, desired: int) -> int:
    """C(maxUnavailable) as a number: a percentage is rounded up, and it is never less than 1, as Kubernetes has it."""
    percentage = re.fullmatch(r"(\d{1,3})%", text(given))
    return max(1, math.ceil(int(percentage[1]) * desired / 100) if percentage else _number(given))


def flag(command: Sequence[str], name: str) -> str | None:
    """The value of a flag in a command, None where it is not there.

    It is written C(--name=value) or C(--name value), by some programs with one dash; the last one counts.
    """
    found = None
    for word, following in zip(command, [*command[1:], ""], strict=False):
        given, equals, value = word.partition("=")
        if given in (f"--{name}", f"-{name}"):
            found = value if equals else following
    return found


def mode_of(command: Sequence[str]) -> str:
    """The mode that a command asks for; empty where it does not tell.

    Without C(--proxy-mode) it is iptables, kube-proxy's default on Linux, unless a file may say more.
    """
    if not command:
        return ""
    asked = flag(command, "proxy-mode")
    if asked is None and flag(command, "config") is not None:
        return ""
    return (asked or IPTABLES).upper()


def metric(page: str, name: str) -> float | None:
    """The sum of a metric's series in the text of a metrics page; None where it has none, or no numbers.

    The form: https://prometheus.io/docs/instrumenting/exposition_formats/
    """
    labels = r"\{(?:[^\"}\n]|\"(?:\\.|[^\"\\\n])*\")*\}"
    found = re.findall(rf"^{re.escape(name)}(?:{labels})?[ \t]+(\S+)", page, re.MULTILINE)
    try:
        total = sum(float(value) for value in found)
    except ValueError:
        return None
    return total if found and not math.isnan(total) else None
