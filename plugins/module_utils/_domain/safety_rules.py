# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What in a cluster speaks against a mode of kube-proxy: the table of rules, each with its source, and its conditions.

Private to this collection. Pure: no I/O. What Azure's record of the cluster tells is judged in compatibility.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.compatibility import BLOCK, VIRTUAL_IPS, WARN
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.kube_objects import Node, release
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.kube_proxy import IPTABLES, IPVS, NFTABLES
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.safety_evidence import (
    FELIX_BPF,
    FELIX_NFTABLES,
    LOCAL_IPS,
    Counters,
    Evidence,
    Software,
)

NFTABLES_NEEDS = (5, 13)
"""The kernel that kube-proxy's nftables mode needs."""
CONNTRACK_MENDED = (6, 1)
"""The kernel that no longer needs kube-proxy's workaround for its conntrack fault."""
NO_COUNTERS = "no-counters"
"""The rule where evidence is missing in the evidence."""

CALICO_WITH_NFTABLES = (3, 29)
"""The first Calico with an nftables data plane."""

# The images by which software is recognised, whatever registry they come from.
CALICO_NODE = r"(?:mirrored-)?calico[/-]node"
NODE_CACHE = r"k8s-dns-node-cache(?:-[a-z0-9]+)?"
AZURE_NPM = "azure-npm"
ANTREA = r"antrea-(?:agent-)?(?:ubuntu|ubi|debian)"

MIGRATION = f"{VIRTUAL_IPS}#migrating-from-iptables-mode-to-nftables"
CONNTRACK_FAULT = "https://github.com/kubernetes/kubernetes/issues/117924"
COUNTERS_SINCE = "https://github.com/kubernetes/kubernetes/pull/125015"
CALICO_DOCS = "https://docs.tigera.io/calico/latest/getting-started/kubernetes/nftables"
CALICO_FAILS = "https://github.com/projectcalico/calico/issues/8025"
CALICO_EBPF = "https://github.com/projectcalico/calico/pull/11753"
NODELOCAL_DOCS = "https://kubernetes.io/docs/tasks/administer-cluster/nodelocaldns/"
NODELOCAL_NFTABLES = "https://github.com/kubernetes/dns/issues/682"
NPM_ISSUE = "https://github.com/Azure/azure-container-networking/issues/1612"
ANTREA_ISSUE = "https://github.com/antrea-io/antrea/issues/7391"


@dataclass(frozen=True)
class Situation:
    """What a rule looks at: the evidence, kube-proxy's mode now, and the one to switch to."""

    evidence: Evidence
    current: str
    target: str


@dataclass(frozen=True)
class Rule:
    """A row of the table. Two rows may share a name, where the same thing is worse on some objects than on others.

    Attributes:
        name: how results, options and documentation call it.
        severity: BLOCK (the switch is refused) or WARN.
        targets: the modes it is about.
        objects: names what it applies to; nothing where nothing is wrong.
        reason: why that matters.
        remedy: what a user can do.
        source: where that is written.
    """

    name: str
    severity: str
    targets: tuple[str, ...]
    objects: Callable[[Situation], Sequence[str]]
    reason: str
    remedy: str
    source: str


def _packets(
    value: Callable[[Counters], float | None], of_interest: Callable[[Node], bool] = lambda node: True
) -> Callable[[Situation], list[str]]:
    """The nodes on which a counter of iptables mode has counted. Other modes do not have it."""

    def objects(situation: Situation) -> list[str]:
        found = []
        for node in situation.evidence.linux if situation.current == IPTABLES else ():
            packets = value(situation.evidence.counters.get(node.name, Counters())) or 0
            if packets > 0 and of_interest(node):
                found.append(f"{node.name} ({packets:.0f} packets)")
        return found

    return objects


def _without_counters(situation: Situation) -> list[str]:
    if situation.current != IPTABLES:
        return []
    answers = ((node.name, situation.evidence.counters.get(node.name)) for node in situation.evidence.linux)
    return [name for name, told in answers if told is not None and None in (told.localhost, told.conntrack)]


def _mended(node: Node) -> bool:
    return node.kernel_version >= CONNTRACK_MENDED


def _kernels(lowest: tuple[int, int], below: tuple[int, int]) -> Callable[[Situation], list[str]]:
    """The nodes with such a kernel."""

    def objects(situation: Situation) -> list[str]:
        return [
            f"{node.name} (kernel {node.kernel or 'not known'})"
            for node in situation.evidence.linux
            if lowest <= node.kernel_version < below
        ]

    return objects


def _calico_nodes(situation: Situation) -> list[Software]:
    """Calico's agents where no operator keeps them: installed from manifests, or as part of something else."""
    evidence = situation.evidence
    if evidence.calico or evidence.calico_is_managed:
        return []
    return [software for software in evidence.software if software.runs(CALICO_NODE)]


def _setting(software: Software, name: str) -> str:
    return software.settings.get(name, "").casefold()


def _has_bpf(software: Software) -> bool:
    return _setting(software, FELIX_BPF) in ("true", "1", "yes", "y", "t")


def _operated(situation: Situation, dataplanes: tuple[str, ...]) -> list[str]:
    """The Installation of the user's own, when it asks for one of these data planes."""
    calico = situation.evidence.calico
    if calico is None or situation.evidence.calico_is_managed or calico.dataplane.casefold() not in dataplanes:
        return []
    return [f"Installation default (linuxDataplane {calico.dataplane})"]


def _agents(situation: Situation, modes: tuple[str, ...]) -> list[str]:
    """Calico's agents without an operator that are told one of these modes; the empty one stands for none."""
    return [
        f"DaemonSet {software.name} ({FELIX_NFTABLES} {software.settings.get(FELIX_NFTABLES, 'not set')})"
        for software in _calico_nodes(situation)
        if _setting(software, FELIX_NFTABLES) in modes and not _has_bpf(software)
    ]


def _calico_too_old(situation: Situation) -> list[str]:
    calico = situation.evidence.calico
    versions = [(f"DaemonSet {software.name}", software.tag(CALICO_NODE)) for software in _calico_nodes(situation)]
    if calico is not None and not situation.evidence.calico_is_managed:
        versions.append(("Installation default", calico.version))
    return [f"{name} ({version})" for name, version in versions if (0, 0) < release(version) < CALICO_WITH_NFTABLES]


def _calico_ebpf(situation: Situation) -> list[str]:
    agents = [f"DaemonSet {software.name}" for software in _calico_nodes(situation) if _has_bpf(software)]
    return _operated(situation, ("bpf", "vpp")) + agents


def _dns_on_service_address(situation: Situation) -> list[str]:
    """NodeLocal DNSCache where it listens on the address of the DNS Service too: a second one, beside its own."""
    caches = (software for software in situation.evidence.software if software.runs(NODE_CACHE))
    return [
        f"DaemonSet {cache.name} (-localip {cache.settings[LOCAL_IPS]})"
        for cache in caches
        if len([address for address in cache.settings.get(LOCAL_IPS, "").split(",") if "." in address]) > 1
    ]


def _runs(repository: str) -> Callable[[Situation], list[str]]:
    def objects(situation: Situation) -> list[str]:
        return [f"DaemonSet {software.name}" for software in situation.evidence.software if software.runs(repository)]

    return objects


RULES = (
    Rule(
        "localhost-nodeports",
        BLOCK,
        (NFTABLES, IPVS),
        _packets(lambda counters: counters.localhost),
        "Something on these nodes reaches NodePort Services over 127.0.0.1, which works in iptables mode only.",
        "Find the client, often a container runtime that pulls from a registry on localhost, and give it the node's "
        "address. The counter starts anew when a node boots.",
        MIGRATION,
    ),
    Rule(
        "conntrack-workaround",
        BLOCK,
        (NFTABLES,),
        _packets(lambda counters: counters.conntrack, lambda node: not _mended(node)),
        "Connections on these nodes depend on kube-proxy's workaround for a conntrack fault of kernels before 6.1. "
        "nftables mode has none, and AKS does not offer --conntrack-tcp-be-liberal: long-lived connections to Services "
        "would be reset.",
        "Move these nodes to Ubuntu 24.04 or Azure Linux 3 first.",
        MIGRATION,
    ),
    Rule(
        "conntrack-workaround",
        WARN,
        (NFTABLES,),
        _packets(lambda counters: counters.conntrack, _mended),
        "kube-proxy's workaround for a conntrack fault has dropped packets on these nodes. Their kernel no longer has "
        "the fault, so that nftables mode should do without.",
        "After the switch, watch for long-lived connections that end with 'connection reset by peer'.",
        CONNTRACK_FAULT,
    ),
    Rule(
        NO_COUNTERS,
        WARN,
        (NFTABLES, IPVS),
        _without_counters,
        "kube-proxy on these nodes does not tell both of its counters, which takes Kubernetes 1.31 and a kernel with "
        "nfacct. So it is not proven that nobody uses NodePorts on 127.0.0.1 or needs the conntrack workaround.",
        "Ask the owners of what runs there, or try it on a cluster that matters less.",
        COUNTERS_SINCE,
    ),
    Rule(
        "nftables-kernel-too-old",
        BLOCK,
        (NFTABLES,),
        _kernels((0, 1), NFTABLES_NEEDS),
        "kube-proxy's nftables mode needs kernel 5.13.",
        "Move the pools of these nodes to a newer node image first.",
        f"{VIRTUAL_IPS}#proxy-mode-nftables",
    ),
    Rule(
        "nftables-kernel-conntrack",
        WARN,
        (NFTABLES,),
        _kernels(NFTABLES_NEEDS, CONNTRACK_MENDED),
        "Kernels before 6.1 have a conntrack fault for which nftables mode has no workaround: long-lived connections "
        "to Services may be reset on these nodes.",
        "Prefer Ubuntu 24.04 or Azure Linux 3 nodes, or try it on a cluster that matters less.",
        MIGRATION,
    ),
    Rule(
        "kernel-unknown",
        WARN,
        (NFTABLES,),
        _kernels((0, 0), (0, 1)),
        "These nodes do not tell their kernel; nftables mode needs 5.13, and 6.1 to be free of a conntrack fault.",
        "Look on the node: uname -r.",
        f"{VIRTUAL_IPS}#proxy-mode-nftables",
    ),
    Rule(
        "node-port-services",
        WARN,
        (NFTABLES,),
        lambda situation: situation.evidence.node_ports,
        "In nftables mode NodePort Services answer on the primary addresses of a node only, not on 127.0.0.1 or other "
        "addresses, and kube-proxy opens no way for them through a host's firewall.",
        "Make sure that clients use the nodes' primary addresses, and that firewalls on nodes let node ports through.",
        MIGRATION,
    ),
    Rule(
        "calico-version",
        BLOCK,
        (NFTABLES,),
        _calico_too_old,
        "Calico works with kube-proxy's nftables mode since 3.29; earlier ones fail beside nftables rules.",
        "Upgrade Calico first, then set its nftables data plane.",
        CALICO_FAILS,
    ),
    Rule(
        "calico-dataplane",
        BLOCK,
        (NFTABLES,),
        lambda situation: _operated(situation, ("iptables",)) + _agents(situation, ("disabled",)),
        "Calico's data plane is iptables; beside kube-proxy's nftables rules, network policies and Services may fail.",
        "Set spec.calicoNetwork.linuxDataplane to Nftables (without an operator: nftablesMode of FelixConfiguration) "
        "right before the switch; newer Calico then follows kube-proxy node by node. To do it right after, tolerate "
        "this rule.",
        CALICO_DOCS,
    ),
    Rule(
        "calico-dataplane",
        WARN,
        (IPTABLES, IPVS),
        lambda situation: _operated(situation, ("nftables",)) + _agents(situation, ("enabled",)),
        "Calico's nftables data plane asks for kube-proxy in nftables mode.",
        "Set spec.calicoNetwork.linuxDataplane to Iptables (without an operator: nftablesMode of FelixConfiguration) "
        "right after the switch. With nftablesMode Auto, which newer operators set, it follows kube-proxy by itself.",
        CALICO_DOCS,
    ),
    Rule(
        "calico-unknown",
        WARN,
        (NFTABLES,),
        lambda situation: _agents(situation, ("",)),
        "Calico was installed without its operator, and its DaemonSet does not tell the data plane. With iptables, "
        "network policies and Services may fail beside kube-proxy's nftables rules.",
        "Look at nftablesMode, which has to be Enabled or Auto: "
        "kubectl get felixconfigurations.crd.projectcalico.org default -o yaml.",
        CALICO_DOCS,
    ),
    Rule(
        "calico-ebpf",
        WARN,
        (NFTABLES,),
        _calico_ebpf,
        "Calico itself handles Services here, so that another mode of kube-proxy gains nothing; only its releases "
        "since February 2026 remove kube-proxy's nftables rules beside their own.",
        "Leave kube-proxy in iptables mode, or disable it where the network plugin is your own.",
        CALICO_EBPF,
    ),
    Rule(
        "nodelocal-dns",
        BLOCK,
        (IPVS,),
        _dns_on_service_address,
        "NodeLocal DNSCache listens on the address of the DNS Service, which IPVS mode puts on an interface of its "
        "own: the cache cannot bind it, and DNS fails.",
        "Let it listen on its link-local address alone, and pods ask there.",
        NODELOCAL_DOCS,
    ),
    Rule(
        "nodelocal-dns",
        WARN,
        (NFTABLES,),
        _dns_on_service_address,
        "NodeLocal DNSCache takes packets for the DNS Service from kube-proxy by iptables rules. It documents that for "
        "iptables and IPVS mode, not for nftables.",
        "Try DNS on one node or a cluster that matters less, or let it listen on its link-local address alone.",
        NODELOCAL_NFTABLES,
    ),
    Rule(
        "ipvs-azure-npm",
        BLOCK,
        (IPVS,),
        _runs(AZURE_NPM),
        "With Azure Network Policy Manager, traffic to Service addresses fails under IPVS.",
        "Choose NFTABLES, or another network policy engine first.",
        NPM_ISSUE,
    ),
    Rule(
        "antrea",
        WARN,
        (NFTABLES,),
        _runs(ANTREA),
        "Antrea with proxyAll failed its own tests beside kube-proxy's nftables mode (2.3); nftables of its own came "
        "later, behind the feature gate NFTablesHostNetworkMode.",
        "Without proxyAll there is nothing to do; with it, upgrade Antrea and enable that feature gate.",
        ANTREA_ISSUE,
    ),
)
