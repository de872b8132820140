# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What speaks against a kube-proxy mode on a cluster: one table of rules, each with its source.

Private to this collection. Pure: no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.cluster import (
    FAILED_STATES,
    Cluster,
    Pool,
    reaches,
    version_tuple,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.kube_proxy import (
    DISABLED,
    IPTABLES,
    IPVS,
    MODES,
    NFTABLES,
    TARGETS,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.wording import one_line

BEHIND_GOAL = "behind-goal"
BLOCK = "block"
WARN = "warn"

AKS_DOCS = "https://learn.microsoft.com/azure/aks/configure-kube-proxy"
AKS_RELEASES = "https://github.com/Azure/AKS/releases"
VIRTUAL_IPS = "https://kubernetes.io/docs/reference/networking/virtual-ips/"
NFTABLES_KEP = "https://github.com/kubernetes/enhancements/issues/3866"
IPVS_KEP = "https://github.com/kubernetes/enhancements/issues/5495"

PRODUCTION_TAG_KEYS = ("environment", "env", "stage")
PRODUCTION_TAG_VALUES = ("production", "prod")

# What a node's operating system brings: a pattern of the node image (or the OS SKU where Azure gives no image),
# its name, and its kernel. From the node images' release notes, https://github.com/Azure/AgentBaker/tree/master/vhdbuilder
OLD_KERNELS = (
    (r"ubuntu-?1804", "Ubuntu 18.04", (5, 4)),
    (r"ubuntu-?2004", "Ubuntu 20.04", (5, 4)),
    (r"ubuntu-?2204", "Ubuntu 22.04", (5, 15)),
    (r"azurelinux-?v?2(?!\d)|mariner", "Azure Linux 2", (5, 15)),
)
# The generic SKUs stand for another release from some Kubernetes version on:
# https://learn.microsoft.com/azure/aks/upgrade-os-version
GENERIC_SKUS = {"ubuntu": ((1, 35), "Ubuntu2204"), "azurelinux": ((1, 32), "AzureLinux2")}


@dataclass(frozen=True)
class Situation:
    """What a rule looks at.

    Attributes:
        cluster: the cluster as it is.
        target: the mode to judge, or DISABLED.
        feature: the state of the preview feature flag in the cluster's subscription; None when not known.
    """

    cluster: Cluster
    target: str
    feature: str | None = None


@dataclass(frozen=True)
class Rule:
    """A row of the table.

    Attributes:
        name: how results and documentation call it.
        severity: BLOCK (the switch is refused) or WARN.
        targets: the modes it is about.
        reason: gives the sentence that tells what is wrong here, or None where nothing is.
        remedy: what a user can do.
        source: where that is written.
    """

    name: str
    severity: str
    targets: tuple[str, ...]
    reason: Callable[[Situation], str | None]
    remedy: str
    source: str


@dataclass(frozen=True)
class Finding:
    """A rule that applies to a cluster."""

    rule: str
    severity: str
    target: str
    reason: str
    remedy: str
    source: str

    def __str__(self) -> str:
        return f"{self.reason} [{self.rule}] {self.remedy}"

    def as_result(self) -> dict[str, Any]:
        """The form in which modules return it."""
        return asdict(self)


def findings(situation: Situation) -> list[Finding]:
    """All that speaks against the target, what blocks it first."""
    found = []
    for rule in RULES:
        reason = rule.reason(situation) if situation.target in rule.targets else None
        if reason is not None:
            line = one_line(reason)  # tags and the like are anybody's words
            found.append(Finding(rule.name, rule.severity, situation.target, line, rule.remedy, rule.source))
    return sorted(found, key=lambda finding: finding.severity != BLOCK)


def blocking(found: list[Finding]) -> list[Finding]:
    """The findings that forbid the switch."""
    return [finding for finding in found if finding.severity == BLOCK]


def outlook(cluster: Cluster, feature: str | None) -> dict[str, Any]:
    """For each mode and for disabling: whether the cluster can be switched to it, and what to know."""
    result: dict[str, Any] = {}
    for target in TARGETS:
        found = findings(Situation(cluster, target, feature))
        result[target] = {
            "current": cluster.kube_proxy.target == target,
            "possible": not blocking(found),
            "findings": [finding.as_result() for finding in found],
        }
    return result


def _at_least(minor: tuple[int, int]) -> Callable[[Situation], str | None]:
    def reason(situation: Situation) -> str | None:
        version = situation.cluster.version
        if version_tuple(version) >= minor:
            return None
        runs = version or "an unknown version"
        return f"{situation.target} needs Kubernetes {minor[0]}.{minor[1]}, the cluster runs {runs}."

    return reason


def _cilium(situation: Situation) -> str | None:
    if str(situation.cluster.network.get("networkDataplane") or "").casefold() != "cilium":
        return None
    return "The cluster's network dataplane is Cilium, which replaces kube-proxy."


def _automatic(situation: Situation) -> str | None:
    return "AKS Automatic manages its own dataplane." if situation.cluster.sku.casefold() == "automatic" else None


def _ipvs_with_npm(situation: Situation) -> str | None:
    if str(situation.cluster.network.get("networkPolicy") or "").casefold() != "azure":
        return None
    return "With Azure Network Policy Manager, traffic to Service addresses fails under IPVS."


def _disable_needs_byo_cni(situation: Situation) -> str | None:
    network = situation.cluster.network
    if str(network.get("networkPlugin") or "").casefold() == "none" or _cilium(situation):
        return None
    plugin = network.get("networkPlugin")
    return f"kube-proxy can only be disabled with a network plugin of one's own, this cluster has {plugin!r}."


def _stopped(situation: Situation) -> str | None:
    return "The cluster is stopped." if situation.cluster.power_state == "Stopped" else None


def _last_operation_failed(situation: Situation) -> str | None:
    cluster = situation.cluster
    failed = [f"the cluster's ended {cluster.provisioning_state}"] if cluster.ended_badly else []
    failed += [f"pool {pool.name}'s ended {pool.state}" for pool in cluster.pools if pool.state in FAILED_STATES]
    if not failed:
        return None
    return (
        f"The last operation failed ({', '.join(failed)}); a switch would resume it, whatever it was, an upgrade too."
    )


def _behind_goal(situation: Situation) -> str | None:
    cluster = situation.cluster
    behind = [
        f"{what} runs {version}, its goal is {goal}"
        for what, version, goal in (
            ("the control plane", cluster.version, cluster.goal_version),
            *((f"pool {pool.name}", pool.version, pool.goal_version) for pool in cluster.pools),
        )
        if not reaches(version, goal)
    ]
    return f"A switch would start an upgrade: {'; '.join(behind)}." if behind else None


def _linux_kernel(pool: Pool) -> tuple[str, tuple[int, int]] | None:
    """The operating system and kernel of a pool, when it is one of the old ones."""
    if pool.os_type.casefold() != "linux":
        return None
    image = pool.node_image or pool.os_sku or "Ubuntu"
    generic = GENERIC_SKUS.get(image.casefold())
    if generic is not None and version_tuple(pool.version) < generic[0]:
        image = generic[1]
    for pattern, name, kernel in OLD_KERNELS:
        if re.search(pattern, image, re.IGNORECASE):
            return name, kernel
    return None


def _kernel_from(lowest: tuple[int, int], below: tuple[int, int], effect: str) -> Callable[[Situation], str | None]:
    def reason(situation: Situation) -> str | None:
        old = []
        for pool in situation.cluster.pools:
            system = _linux_kernel(pool)
            if system is not None and lowest <= system[1] < below:
                old.append(f"{pool.name} ({system[0]}, kernel {system[1][0]}.{system[1][1]})")
        return f"{effect}: {', '.join(old)}." if old else None

    return reason


def _calico(situation: Situation) -> str | None:
    if str(situation.cluster.network.get("networkPolicy") or "").casefold() != "calico":
        return None
    return "Calico programs iptables unless its Installation sets linuxDataplane: Nftables."


def _stale_rules(situation: Situation) -> str | None:
    pair = {situation.cluster.kube_proxy.target, situation.target}
    if pair != {IPTABLES, IPVS}:
        return None
    return "kube-proxy no longer cleans up between iptables and IPVS: rules of the old mode stay until a node reboots."


def _production(situation: Situation) -> str | None:
    for key, value in situation.cluster.tags.items():
        if key.casefold() in PRODUCTION_TAG_KEYS and str(value).casefold() in PRODUCTION_TAG_VALUES:
            return f"The tag {key}={value} marks the cluster as production, and the feature is a preview."
    return None


def _flag(situation: Situation) -> str | None:
    if situation.feature in (None, "Registered"):
        return None
    return f"The preview feature KubeProxyConfigurationPreview is {situation.feature} in the subscription."


def _busy(situation: Situation) -> str | None:
    activity = situation.cluster.activity
    return f"An operation is running on the cluster ({activity})." if activity else None


def _going_away(situation: Situation) -> str | None:
    return "The cluster is being deleted." if situation.cluster.provisioning_state == "Deleting" else None


RULES = (
    Rule(
        "nftables-kubernetes-version",
        BLOCK,
        (NFTABLES,),
        _at_least((1, 33)),
        "Upgrade the cluster first. Before AKS release 2026-07-17 Azure took the setting and went on with iptables.",
        AKS_RELEASES,
    ),
    Rule("ipvs-kubernetes-version", BLOCK, (IPVS,), _at_least((1, 22)), "Upgrade the cluster first.", AKS_DOCS),
    Rule(
        "cilium-dataplane",
        BLOCK,
        MODES,
        _cilium,
        "Leave kube-proxy alone on this cluster.",
        AKS_DOCS,
    ),
    Rule(
        "aks-automatic",
        BLOCK,
        TARGETS,
        _automatic,
        "Leave kube-proxy alone on this cluster.",
        "https://learn.microsoft.com/azure/aks/intro-aks-automatic",
    ),
    Rule(
        "ipvs-azure-npm",
        BLOCK,
        (IPVS,),
        _ipvs_with_npm,
        "Choose NFTABLES, or another network policy engine first.",
        "https://github.com/Azure/azure-container-networking/issues/1612",
    ),
    Rule(
        "disable-needs-byo-cni",
        BLOCK,
        (DISABLED,),
        _disable_needs_byo_cni,
        "Only clusters made with network plugin 'none' can do without kube-proxy.",
        "https://github.com/Azure/AKS/issues/4563",
    ),
    Rule(
        "deleting",
        BLOCK,
        TARGETS,
        _going_away,
        "Leave it out.",
        "https://learn.microsoft.com/azure/aks/delete-cluster",
    ),
    Rule(
        "stopped",
        BLOCK,
        TARGETS,
        _stopped,
        "Start it first: az aks start.",
        "https://learn.microsoft.com/azure/aks/start-stop-cluster",
    ),
    Rule(
        "last-operation-failed",
        BLOCK,
        TARGETS,
        _last_operation_failed,
        "Look at what failed and repair it, or ask for this with 'failed_clusters: repair'.",
        "https://learn.microsoft.com/troubleshoot/azure/azure-kubernetes/create-upgrade-delete/cluster-node-virtual-machine-failed-state",
    ),
    Rule(
        BEHIND_GOAL,
        BLOCK,
        TARGETS,
        _behind_goal,
        "Finish the upgrade first.",
        "https://learn.microsoft.com/azure/aks/upgrade-aks-cluster",
    ),
    Rule(
        "nftables-kernel-too-old",
        BLOCK,
        (NFTABLES,),
        _kernel_from((0, 0), (5, 13), "nftables mode needs kernel 5.13, but these pools run an older one"),
        "Move the pools to a newer node image first.",
        VIRTUAL_IPS,
    ),
    Rule(
        "nftables-kernel-conntrack",
        WARN,
        (NFTABLES,),
        _kernel_from(
            (5, 13),
            (6, 1),
            "kube-proxy's nftables mode has no workaround for a conntrack fault of kernels before 6.1, "
            "long-lived connections may be reset on these pools",
        ),
        "Prefer Ubuntu 24.04 or Azure Linux 3 nodes, or try it on a cluster that matters less.",
        VIRTUAL_IPS,
    ),
    Rule(
        "nftables-calico",
        WARN,
        (NFTABLES,),
        _calico,
        "Make sure that AKS's Calico follows, or set it on an Installation of your own (Calico 3.29 or later).",
        AKS_DOCS,
    ),
    Rule(
        "ipvs-deprecated",
        WARN,
        (IPVS,),
        lambda situation: "IPVS is deprecated upstream since Kubernetes 1.35, off by default in 1.40 and gone in 1.43.",
        "Plan the move to NFTABLES.",
        IPVS_KEP,
    ),
    Rule(
        "iptables-ipvs-stale-rules",
        WARN,
        (IPTABLES, IPVS),
        _stale_rules,
        "Reboot or reimage the nodes after the switch.",
        NFTABLES_KEP,
    ),
    Rule(
        "production",
        WARN,
        TARGETS,
        _production,
        "Preview features are meant for development and test: https://aka.ms/aks/previews.",
        "https://learn.microsoft.com/azure/aks/support-policies#preview-features-or-feature-flags",
    ),
    Rule(
        "feature-not-registered",
        WARN,
        MODES,
        _flag,
        "Register it with aks.kube_proxy.preview_feature.",
        AKS_DOCS,
    ),
    Rule(
        "operation-in-progress",
        WARN,
        TARGETS,
        _busy,
        "A switch waits for it to end.",
        "https://aka.ms/aks-pending-operation",
    ),
)
