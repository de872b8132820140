# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What a cluster itself tells before a switch: where to ask, and how the answers are read.

Private to this collection. Pure: no I/O. What an answer lacks, or has in another form than documented, reads as nothing
known. Of DaemonSets only what rules look at is kept: their environment and arguments may hold secrets.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.kube_objects import (
    Node,
    flag,
    metric,
    rows,
    table,
    text,
    words,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.proof_counts import LAST_SYNC

SERVICES_PATH = "/api/v1/services"
DAEMON_SETS_PATH = "/apis/apps/v1/daemonsets"
INSTALLATION_PATH = "/apis/operator.tigera.io/v1/installations/default"
"""What Calico's operator was asked for: https://docs.tigera.io/calico/latest/reference/installation/api"""

# kube-proxy's iptables mode tells these since Kubernetes 1.31, where the kernel has nfacct. The kernel counts, from the
# node's start on: https://github.com/kubernetes/kubernetes/pull/125015 and .../pull/122812
LOCALHOST_NODE_PORTS = "kubeproxy_iptables_localhost_nodeports_accepted_packets_total"
CONNTRACK_WORKAROUND = "kubeproxy_iptables_ct_state_invalid_dropped_packets_total"
COUNTER_LINES = re.compile(f"^(?:{LOCALHOST_NODE_PORTS}|{CONNTRACK_WORKAROUND}|{LAST_SYNC})")
"""The lines of a metrics page that tell them, and the one by which a page of kube-proxy is known."""

# Felix, Calico's agent, takes its settings from its environment first:
# https://docs.tigera.io/calico/latest/reference/felix/configuration
FELIX_NFTABLES = "FELIX_NFTABLESMODE"
FELIX_BPF = "FELIX_BPFENABLED"
# The addresses that NodeLocal DNSCache listens on:
# https://github.com/kubernetes/kubernetes/blob/master/cluster/addons/dns/nodelocaldns/nodelocaldns.yaml
LOCAL_IPS = "localip"


@dataclass(frozen=True)
class Counters:
    """The two counters of a node that tell what would be missed without iptables mode.

    Attributes:
        localhost: packets accepted for NodePorts on 127.0.0.1; None where kube-proxy does not tell.
        conntrack: packets that the workaround for the kernel's conntrack fault dropped; None where it does not tell.
    """

    localhost: float | None = None
    conntrack: float | None = None


def read_counters(page: str) -> Counters | None:
    """Read a node's metrics page; None when it is no page of kube-proxy."""
    if metric(page, LAST_SYNC) is None:
        return None
    return Counters(metric(page, LOCALHOST_NODE_PORTS), metric(page, CONNTRACK_WORKAROUND))


@dataclass(frozen=True)
class Calico:
    """Calico as its operator was asked for it.

    Attributes:
        dataplane: C(Iptables), the operator's default, C(Nftables), C(BPF) or C(VPP).
        version: of Calico, as it runs; empty when not known, and for Calico Enterprise, which counts in another way.
    """

    dataplane: str = "Iptables"
    version: str = ""


def read_installation(body: Any) -> Calico:
    """Read the operator's Installation."""
    status = table(body, "status")
    variant = text(status.get("variant")) or text(table(body, "spec").get("variant")) or "Calico"
    return Calico(
        dataplane=text(table(body, "spec", "calicoNetwork").get("linuxDataplane")) or "Iptables",
        version=text(status.get("calicoVersion")) if variant == "Calico" else "",
    )


def read_node_port(body: Any) -> str | None:
    """C(namespace/name) of an item of the list of Services when it is of type NodePort, else None."""
    return _name(body) if table(body, "spec").get("type") == "NodePort" else None


@dataclass(frozen=True)
class Software:
    """A DaemonSet, as far as it tells which software it runs.

    Attributes:
        name: C(namespace/name).
        images: those of its containers.
        settings: of the settings that rules look at, by name: those that are written out in it.
    """

    name: str
    images: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)

    def runs(self, repository: str) -> bool:
        """Whether one of its images is of a repository: a pattern of its end, whatever registry it comes from."""
        return any(re.search(rf"(?:^|/)(?:{repository})(?:[:@]|$)", image) for image in self.images)

    def tag(self, repository: str) -> str:
        """The tag of its image of a repository; empty when there is none."""
        found = (re.search(rf"(?:^|/)(?:{repository}):([^@]+)", image) for image in self.images)
        return next((match[1] for match in found if match), "")


def read_software(body: Any) -> Software:
    """Read an item of the list of DaemonSets."""
    containers = rows(body, "spec", "template", "spec", "containers")
    env = {text(row.get("name")): text(row.get("value")) for container in containers for row in rows(container, "env")}
    settings = {name: env.get(name, "") for name in (FELIX_NFTABLES, FELIX_BPF)}
    settings[LOCAL_IPS] = next(filter(None, (flag(words(container), LOCAL_IPS) for container in containers)), "")
    return Software(
        name=_name(body),
        images=tuple(text(container.get("image")) for container in containers),
        settings={name: value for name, value in settings.items() if value},
    )


def _name(body: Any) -> str:
    meta = table(body, "metadata")
    return f"{text(meta.get('namespace'))}/{text(meta.get('name'))}"


@dataclass(frozen=True)
class Evidence:
    """What was read from a cluster before a switch. What could not be read is not in it, and no finding comes of it.

    Attributes:
        nodes: all of them.
        counters: by name of node, what its kube-proxy tells; only nodes that answered.
        node_ports: C(namespace/name) of the Services of type NodePort.
        calico: the operator's Installation; None when there is none.
        calico_is_managed: whether Calico is AKS's own (network policy C(calico)), which follows kube-proxy's mode.
        software: the DaemonSets.
    """

    nodes: tuple[Node, ...] = ()
    counters: Mapping[str, Counters] = field(default_factory=dict)
    node_ports: tuple[str, ...] = ()
    calico: Calico | None = None
    calico_is_managed: bool = False
    software: tuple[Software, ...] = ()

    @property
    def linux(self) -> tuple[Node, ...]:
        """The machines that kube-proxy's mode is about."""
        return tuple(node for node in self.nodes if node.system == "linux" and not node.virtual)
