# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Reads from a cluster what tells whether a switch is safe. Private to this collection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from ansible_collections.aks.kube_proxy.plugins.module_utils._domain import safety_evidence as safety
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.cluster import Cluster
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.kube_proxy import IPTABLES
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.proof import left_out
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.proof_look import Care, Look
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.proof_next import by_turns
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.proof_problems import NO_ANSWER
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.safety_evidence import Counters, Evidence
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.api import NoAccess, Reply, said
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.reading import Reader, read_look

T = TypeVar("T")


@dataclass(frozen=True)
class Inspection:
    """What was read.

    Attributes:
        evidence: all that could be read.
        unread: what could not, a sentence each.
        services: how many Services there are; None when they could not be counted.
    """

    evidence: Evidence
    unread: tuple[str, ...]
    services: int | None


class Inspect:
    """The phase before a switch, for one cluster.

    That takes a request each for the DaemonSet and for Calico's Installation, the pages of nodes, pods, Services and
    DaemonSets, and where iptables runs one request for each Linux node. What cannot be read keeps nothing else from
    being read: a finding counts whatever else is missing.

    Args:
        reader: reads the cluster.
        cluster: what Azure says of it.
        care: how to treat nodes.
    """

    def __init__(self, reader: Reader, cluster: Cluster, care: Care) -> None:
        self.reader = reader
        self.cluster = cluster
        self.care = care
        self._unread: list[str] = []

    def run(self) -> Inspection:
        """Read it.

        Raises:
            NoAccess: not even the nodes can be read.
        """
        look = read_look(self.reader)
        counters = self._counters(look) if self.cluster.kube_proxy.target == IPTABLES else {}
        names = self._tried(lambda: self.reader.every(safety.SERVICES_PATH, safety.read_node_port))
        software = self._tried(lambda: self.reader.every(safety.DAEMON_SETS_PATH, safety.read_software))
        installation = self._tried(lambda: self.reader.one(safety.INSTALLATION_PATH))
        if all(left_out(node, look, self.care) for node in look.nodes):
            self._unread.append("No Linux node is there to ask.")
        found = Evidence(
            nodes=look.nodes,
            counters=counters,
            node_ports=tuple(name for name in names or () if name),
            calico=safety.read_installation(installation) if installation else None,
            calico_is_managed=str(self.cluster.network.get("networkPolicy") or "").casefold() == "calico",
            software=tuple(software or ()),
        )
        return Inspection(found, tuple(self._unread), None if names is None else len(names))

    def _tried(self, read: Callable[[], T]) -> T | None:
        """What can be read; else it is noted why not."""
        try:
            return read()
        except NoAccess as error:
            self._unread.append(error.message.removeprefix(f"{self.reader.about}: "))
            return None

    def _counters(self, look: Look) -> dict[str, Counters]:
        """The counters of each node that counts, by its name."""
        missing, asked = {}, {}
        for node in look.nodes:
            pod = look.pod_of(node)
            if left_out(node, look, self.care):
                continue
            if not node.ready:
                missing[node.name] = "it is not ready"
            elif pod is None or not pod.ready:
                missing[node.name] = "kube-proxy is not ready there"
            else:
                asked[node.name] = pod.name
        counters = {}
        names = by_turns((node.pool, node.name) for node in look.nodes if node.name in asked)
        pods = [asked[name] for name in names]
        answers = self._tried(lambda: self.reader.pages_of_pods(pods, "metrics", _read, keep=safety.COUNTER_LINES))
        for name, answer in zip(names, answers or (), strict=answers is not None):
            if isinstance(answer, Counters):
                counters[name] = answer
            else:
                missing[name] = answer
        if missing:
            name, why = next(iter(missing.items()))
            more = f", and {len(missing) - 1} more" if len(missing) > 1 else ""
            told = f"{len(missing)} node(s) could not be asked for their counters: {name} ({why}){more}."
            self._unread.append(f"{told} {NO_ANSWER.advice}")
        return counters


def _read(reply: Reply) -> Counters | str:
    if not reply.ok:
        return said(reply)
    return safety.read_counters(reply.text) or "what answers is not kube-proxy's page of metrics"
