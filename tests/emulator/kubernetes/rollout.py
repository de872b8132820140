"""How kube-proxy's DaemonSet follows the cluster's kubeProxyConfig: its revisions, and which pod runs where and when.

A cluster's revisions are the only thing remembered. All else is worked out from them for any moment.
"""

from __future__ import annotations

import hashlib
import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..wire import JsonObject
from .settings import Settings

if TYPE_CHECKING:
    from ..fleet import Behaviour

OBSERVED_AFTER = 1.0  # emulated seconds until the DaemonSet's controller takes a generation up
TERMINATING = 0.25  # the part of a node's time in which the old pod still ends
STARTING = 3.0  # emulated seconds until a pod without a predecessor is ready
MONTH = 30 * 86400.0
FOREVER = float("inf")
SCHEDULERS = {"roundrobin": "rr", "leastconnection": "lc"}
# kubeProxyConfig.ipvsConfig -> kube-proxy's flag (azure-container-networking issue 1612 shows AKS's).
IPVS_TIMEOUTS = {
    "tcpTimeoutSeconds": "--ipvs-tcp-timeout",
    "tcpFinTimeoutSeconds": "--ipvs-tcpfin-timeout",
    "udpTimeoutSeconds": "--ipvs-udp-timeout",
}


def version_of(body: JsonObject) -> str:
    """The Kubernetes version that runs."""
    properties = body["properties"]
    return str(properties.get("currentKubernetesVersion") or properties.get("kubernetesVersion") or "1.34.2")


def minor_of(version: str) -> tuple[int, int]:
    """Major and minor of a version."""
    major, minor = (*version.split("."), "0")[:2]
    return int(major), int(minor)


@dataclass(frozen=True)
class Template:
    """What of the DaemonSet's pod template changes."""

    image: str
    command: tuple[str, ...]

    @property
    def hash(self) -> str:
        """The label `controller-revision-hash`: of the content, so that going back brings the old one back."""
        return hashlib.sha256(repr((self.image, self.command)).encode()).hexdigest()[:10]

    @property
    def image_id(self) -> str:
        """The image by digest."""
        return f"{self.image.partition(':')[0]}@sha256:{hashlib.sha256(self.image.encode()).hexdigest()}"

    @property
    def mode(self) -> str:
        """The proxy mode that the command asks for; kube-proxy's default on Linux is iptables."""
        flag = "--proxy-mode="
        return next((word[len(flag) :] for word in self.command if word.startswith(flag)), "iptables")


def template(body: JsonObject, missing_enabled: str) -> Template | None:
    """What AKS makes of a cluster's body; None where no kube-proxy runs."""
    network = body["properties"].get("networkProfile") or {}
    config = network.get("kubeProxyConfig")
    automatic = str((body.get("sku") or {}).get("name", "")).lower() == "automatic"
    if automatic or str(network.get("networkDataplane", "")).lower() == "cilium":
        return None
    if config is not None and not config.get("enabled", missing_enabled == "enabled"):
        return None
    version = version_of(body)
    command = [
        "kube-proxy",
        "--conntrack-max-per-core=0",
        "--metrics-bind-address=0.0.0.0:10249",
        "--kubeconfig=/var/lib/kubelet/kubeconfig",
        f"--cluster-cidr={network.get('podCidr') or '10.244.0.0/16'}",
        "--detect-local-mode=ClusterCIDR",
        "--pod-interface-name-prefix=",
        "--v=3",
        *_mode_flags(config or {}, version),
    ]
    return Template(f"mcr.microsoft.com/oss/v2/kubernetes/kube-proxy:v{version}", tuple(command))


def _mode_flags(config: JsonObject, version: str) -> list[str]:
    mode = str(config.get("mode", "IPTABLES")).upper()
    if mode == "NFTABLES" and minor_of(version) >= (1, 33):
        return ["--proxy-mode=nftables"]
    if mode != "IPVS":  # NFTABLES on an older version, too: accepted before v20260717, and then nothing happens
        return []
    ipvs = config.get("ipvsConfig") or {}
    scheduler = SCHEDULERS.get(str(ipvs.get("scheduler", "")).lower())
    return [
        "--proxy-mode=ipvs",
        *([f"--ipvs-scheduler={scheduler}"] if scheduler else []),
        *(f"{flag}={ipvs[name]}s" for name, flag in IPVS_TIMEOUTS.items() if ipvs.get(name) is not None),
    ]


@dataclass(frozen=True)
class Revision:
    """One state of the DaemonSet. `template` None: there is none."""

    serial: int
    moment: float
    generation: int
    born: float  # when this DaemonSet was made
    template: Template | None

    @property
    def observed(self) -> float:
        """When the controller takes it up."""
        return self.moment + OBSERVED_AFTER


@dataclass(frozen=True)
class Stint:
    """One pod of kube-proxy on a node: from when on, and by which revision."""

    revision: Revision
    start: float  # when its predecessor was told to end
    created: float
    ready: float  # FOREVER: it never gets ready


@dataclass
class State:
    """What a cluster's inside remembers."""

    settings: Settings = field(default_factory=Settings)
    born: float = 0.0
    since: dict[str, float] = field(default_factory=dict)  # when a setting was last given
    revisions: list[Revision] = field(default_factory=list)
    timelines: tuple[object, list[list[Stint]]] = (None, [])  # worked out last, and from what

    def begin(self, now: float, *, age: float, wanted: Template | None) -> None:
        """Take the state of a cluster that is `age` seconds old and settled."""
        self.born = now - age
        self.revisions = [Revision(0, self.born, 1, self.born, wanted)]
        self.since = dict.fromkeys(vars(self.settings), now)

    def change(self, given: JsonObject, now: float) -> None:
        """Change settings."""
        self.settings = Settings(**{**vars(self.settings), **given})
        self.since.update(dict.fromkeys(given, now))

    def follow(self, wanted: Template | None, moment: float) -> None:
        """Make a new revision at `moment`, if the DaemonSet is to change."""
        last = self.revisions[-1]
        if last.template == wanted or self.settings.silent:
            return
        fresh = last.template is None
        generation, born = (1, moment) if fresh else (last.generation + 1, last.born)
        self.revisions.append(Revision(last.serial + 1, moment, generation, born, wanted))

    def revision(self, now: float, *, observed: bool = False) -> Revision:
        """The revision in force, or the one that the controller has taken up."""
        delay = OBSERVED_AFTER if observed else 0.0
        return next((r for r in reversed(self.revisions) if r.moment + delay <= now), self.revisions[0])

    def stints(self, count: int, behaviour: Behaviour) -> list[list[Stint]]:
        """The pods of each of `count` nodes, in order of time."""
        key = (count, len(self.revisions), repr(self.settings), tuple(self.since.items()))
        if self.timelines[0] != key:
            self.timelines = (key, _timelines(self, count, behaviour))
        return self.timelines[1]


def at_once(given: str | float, count: int) -> int:
    """How many pods may be replaced at once: a number, or a share of all such as `10%`; rounded up."""
    text = str(given)
    return max(1, math.ceil(int(text[:-1]) * count / 100) if text.endswith("%") else int(text))


def _timelines(state: State, count: int, behaviour: Behaviour) -> list[list[Stint]]:
    settings = state.settings
    lines: list[list[Stint]] = [[] for _unused in range(count)]
    joined = state.since["joining_nodes"] + settings.joining_seconds
    ends = [r.observed for r in state.revisions[1:]] + [FOREVER]
    for revision, end in zip(state.revisions, ends, strict=True):
        if revision.template is None:
            continue
        for i, line in enumerate(lines):
            moment = max(revision.observed, joined if i < settings.joining_nodes else 0.0)
            if moment < end and (not line or line[-1].revision.born != revision.born):
                settled = revision.serial == 0 and moment == revision.observed
                line.append(Stint(revision, moment, moment, moment if settled else moment + STARTING))
        _roll(state, revision, end, lines, behaviour)
    return lines


def _roll(state: State, revision: Revision, end: float, lines: Sequence[list[Stint]], behaviour: Behaviour) -> None:
    """Replace pods node by node, as far as there is time until `end`, when the next revision takes over.

    A pod that does not get ready keeps its place among those that may be missing, so that the rollout comes to a halt,
    as in Kubernetes. A node that is stuck or not ready does not: it is passed over.
    """
    settings, since = state.settings, state.since
    places = [revision.observed] * at_once(behaviour.nodes_at_once, len(lines))
    for i, line in enumerate(lines):
        stuck = i < settings.stuck_nodes and revision.moment >= since["stuck_nodes"]
        lost = i < settings.not_ready_nodes and revision.moment >= since["not_ready_nodes"]
        if stuck or lost or not line or line[-1].revision.template == revision.template:
            continue
        start = places[0]
        if start >= end:
            return
        crashes = i < settings.crashing_nodes and revision.moment >= since["crashing_nodes"]
        done = start + behaviour.node_seconds
        heapq.heapreplace(places, FOREVER if crashes else done)
        created = start + TERMINATING * behaviour.node_seconds
        line.append(Stint(revision, start, created, FOREVER if crashes else done))
