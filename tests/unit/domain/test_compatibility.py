"""The compatibility table: for every rule both sides of each of its boundaries."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain import compatibility
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.compatibility import (
    RULES,
    Situation,
    blocking,
    findings,
    outlook,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.kube_proxy import MODES, TARGETS

from tests.unit.domain.builders import cluster, pool

# What each rule is: its severity and the targets that it is about.
TABLE = {
    "nftables-kubernetes-version": ("block", "NFTABLES"),
    "ipvs-kubernetes-version": ("block", "IPVS"),
    "cilium-dataplane": ("block", "IPTABLES IPVS NFTABLES"),
    "aks-automatic": ("block", "IPTABLES IPVS NFTABLES DISABLED"),
    "ipvs-azure-npm": ("block", "IPVS"),
    "disable-needs-byo-cni": ("block", "DISABLED"),
    "stopped": ("block", "IPTABLES IPVS NFTABLES DISABLED"),
    "last-operation-failed": ("block", "IPTABLES IPVS NFTABLES DISABLED"),
    "behind-goal": ("block", "IPTABLES IPVS NFTABLES DISABLED"),
    "nftables-kernel-too-old": ("block", "NFTABLES"),
    "nftables-kernel-conntrack": ("warn", "NFTABLES"),
    "nftables-calico": ("warn", "NFTABLES"),
    "ipvs-deprecated": ("warn", "IPVS"),
    "iptables-ipvs-stale-rules": ("warn", "IPTABLES IPVS"),
    "production": ("warn", "IPTABLES IPVS NFTABLES DISABLED"),
    "feature-not-registered": ("warn", "IPTABLES IPVS NFTABLES"),
    "deleting": ("block", "IPTABLES IPVS NFTABLES DISABLED"),
    "operation-in-progress": ("warn", "IPTABLES IPVS NFTABLES DISABLED"),
}


class Case(NamedTuple):
    """A cluster that a rule applies to (then its reason says C(says)) or not."""

    rule: str
    applies: bool
    parts: dict[str, Any]
    says: str = ""
    target: str = ""
    """The target to judge; empty for all that the rule is about."""
    feature: str | None = None


def version(running: str | None, goal: str | None = None) -> dict[str, Any]:
    """A cluster on this version, with no pools to be behind it."""
    return {"currentKubernetesVersion": running, "kubernetesVersion": goal or running, "pools": []}


def node(
    image: str | None, *, sku: str | None = None, running: str = "1.34.2", os_type: str = "Linux"
) -> dict[str, Any]:
    """A cluster with one pool of this node image and OS SKU."""
    parts = {"nodeImageVersion": image, "osSKU": sku, "currentOrchestratorVersion": running, "osType": os_type}
    return {"pools": [pool(**parts, orchestratorVersion=running)]}


OLD, CONNTRACK = "nftables-kernel-too-old", "nftables-kernel-conntrack"
IPTABLES_SET, IPVS_SET = {"enabled": True, "mode": "IPTABLES"}, {"enabled": True, "mode": "IPVS"}
FAILED_POOL = pool(provisioningState="Failed")

CASES = [
    Case(
        "nftables-kubernetes-version",
        True,
        version("1.32.9"),
        "NFTABLES needs Kubernetes 1.33, the cluster runs 1.32.9.",
    ),
    Case("nftables-kubernetes-version", False, version("1.33.0")),
    Case(
        "nftables-kubernetes-version", True, version("1.32.9", goal="1.33"), "runs 1.32.9"
    ),  # what runs, not what is asked for
    Case("nftables-kubernetes-version", False, version("1.100.0")),
    Case("nftables-kubernetes-version", False, version("2.0.0")),
    Case("nftables-kubernetes-version", True, version(None), "an unknown version"),
    Case("ipvs-kubernetes-version", True, version("1.21.14"), "IPVS needs Kubernetes 1.22, the cluster runs 1.21.14."),
    Case("ipvs-kubernetes-version", False, version("1.22.0")),
    Case("cilium-dataplane", True, {"network": {"networkDataplane": "cilium"}}, "Cilium"),
    Case("cilium-dataplane", True, {"network": {"networkDataplane": "Cilium"}}, "Cilium"),
    Case("cilium-dataplane", False, {"network": {"networkDataplane": "azure"}}),
    Case("cilium-dataplane", False, {"network": {"networkPolicy": "cilium"}}),
    Case("cilium-dataplane", False, {}),
    Case("aks-automatic", True, {"sku": {"name": "Automatic", "tier": "Standard"}}, "AKS Automatic"),
    Case("aks-automatic", True, {"sku": {"name": "automatic"}}, "AKS Automatic"),
    Case("aks-automatic", False, {"sku": {"name": "Base"}}),
    Case("aks-automatic", False, {}),
    Case("ipvs-azure-npm", True, {"network": {"networkPolicy": "azure"}}, "Azure Network Policy Manager"),
    Case("ipvs-azure-npm", True, {"network": {"networkPolicy": "Azure"}}, "Azure Network Policy Manager"),
    Case("ipvs-azure-npm", False, {"network": {"networkPolicy": "calico"}}),
    Case("ipvs-azure-npm", False, {"network": {"networkPolicy": "none"}}),
    Case("ipvs-azure-npm", False, {}),
    Case("disable-needs-byo-cni", True, {"network": {"networkPlugin": "azure"}}, "this cluster has 'azure'"),
    Case("disable-needs-byo-cni", True, {"network": {"networkPlugin": "kubenet"}}, "this cluster has 'kubenet'"),
    Case("disable-needs-byo-cni", True, {"network": {"networkPlugin": None}}, "this cluster has None"),
    Case("disable-needs-byo-cni", False, {"network": {"networkPlugin": "none"}}),
    Case("disable-needs-byo-cni", False, {"network": {"networkPlugin": "None"}}),
    Case("disable-needs-byo-cni", False, {"network": {"networkPlugin": "azure", "networkDataplane": "cilium"}}),
    Case("stopped", True, {"powerState": {"code": "Stopped"}}, "is stopped"),
    Case("stopped", False, {"powerState": {"code": "Running"}}),
    Case("stopped", False, {"powerState": None}),
    Case("stopped", False, {"pools": [pool(powerState={"code": "Stopped"})]}),
    Case("last-operation-failed", True, {"provisioningState": "Failed"}, "ended Failed"),
    Case("last-operation-failed", True, {"provisioningState": "Canceled"}, "ended Canceled"),
    Case("last-operation-failed", False, {"provisioningState": "Succeeded"}),
    Case("last-operation-failed", False, {"provisioningState": "Updating"}),
    Case("last-operation-failed", True, {"pools": [FAILED_POOL]}, "pool system's ended Failed"),
    Case("behind-goal", True, version("1.33.9", goal="1.34"), "the control plane runs 1.33.9, its goal is 1.34"),
    Case("behind-goal", True, version("1.34.1", goal="1.34.2"), "the control plane runs 1.34.1, its goal is 1.34.2"),
    Case("behind-goal", False, version("1.34.2", goal="1.34.2")),
    Case("behind-goal", False, version("1.34.2", goal="1.34")),
    Case("behind-goal", False, version(None)),
    Case(
        "behind-goal",
        True,
        {"pools": [pool(), pool(name="two", currentOrchestratorVersion="1.33.9")]},
        "pool two runs 1.33.9",
    ),
    Case("behind-goal", False, {"pools": [pool(), pool(name="two", currentOrchestratorVersion="1.34.0")]}),
    Case("behind-goal", False, {"pools": [pool(orchestratorVersion=None)]}),
    Case("behind-goal", False, {"pools": [pool(orchestratorVersion="1.33", currentOrchestratorVersion="1.33.9")]}),
    # images: every row of the table of old kernels, and the systems right after them
    Case(OLD, True, node("AKSUbuntu-1804gen2containerd-202309.06.0"), "system (Ubuntu 18.04, kernel 5.4)"),
    Case(OLD, True, node("AKSUbuntu-2004fipscontainerd-202412.04.0"), "system (Ubuntu 20.04, kernel 5.4)"),
    Case(OLD, True, node(None, sku="Ubuntu2004"), "Ubuntu 20.04"),
    Case(OLD, False, node("AKSUbuntu-2204gen2containerd-202607.09.0")),
    Case(OLD, False, node("AKSAzureLinux-V2gen2-202512.06.0")),
    Case(OLD, False, node("Ubuntu2004", os_type="Windows")),
    Case(OLD, False, {"pools": []}),
    Case(CONNTRACK, True, node("AKSUbuntu-2204gen2containerd-202607.09.0"), "system (Ubuntu 22.04, kernel 5.15)"),
    Case(CONNTRACK, True, node("AKSAzureLinux-V2gen2-202512.06.0"), "Azure Linux 2, kernel 5.15"),
    Case(CONNTRACK, True, node("AKSCBLMariner-V2gen2-202311.07.0"), "Azure Linux 2, kernel 5.15"),
    Case(CONNTRACK, False, node("AKSUbuntu-2404gen2containerd-202607.09.0")),
    Case(CONNTRACK, False, node("AKSAzureLinux-V3gen2-202607.09.0")),
    Case(CONNTRACK, False, node("AKSUbuntu-2004fipscontainerd-202412.04.0")),
    # a Windows pool without an image would count as one with Ubuntu
    Case(CONNTRACK, False, node(None, os_type="Windows")),
    # the image counts before the SKU, which may be that of the next image
    Case(CONNTRACK, False, node("AKSUbuntu-2404gen2containerd-202607.09.0", sku="Ubuntu2204")),
    Case(CONNTRACK, True, node(None, sku="Ubuntu2204"), "Ubuntu 22.04"),
    Case(CONNTRACK, False, node(None, sku="Ubuntu2404")),
    Case(CONNTRACK, True, node(None, sku="AzureLinux2"), "Azure Linux 2"),
    Case(CONNTRACK, False, node(None, sku="AzureLinux3")),
    # generic SKUs, on both sides of the version where they change their meaning
    Case(CONNTRACK, True, node(None, sku="Ubuntu", running="1.34.9"), "Ubuntu 22.04"),
    Case(CONNTRACK, False, node(None, sku="Ubuntu", running="1.35.0")),
    Case(CONNTRACK, True, node(None, running="1.34.9"), "Ubuntu 22.04"),
    Case(CONNTRACK, False, node(None, running="1.35.0")),
    Case(CONNTRACK, True, node(None, sku="AzureLinux", running="1.31.9"), "Azure Linux 2"),
    Case(CONNTRACK, False, node(None, sku="AzureLinux", running="1.32.0")),
    Case("nftables-calico", True, {"network": {"networkPolicy": "calico"}}, "linuxDataplane: Nftables"),
    Case("nftables-calico", True, {"network": {"networkPolicy": "Calico"}}, "linuxDataplane: Nftables"),
    Case("nftables-calico", False, {"network": {"networkPolicy": "azure"}}),
    Case("nftables-calico", False, {}),
    Case("ipvs-deprecated", True, {}, "off by default in 1.40 and gone in 1.43"),
    Case("ipvs-deprecated", True, {"kube_proxy": IPVS_SET}, "deprecated"),
    Case("iptables-ipvs-stale-rules", True, {}, "until a node reboots", target="IPVS"),
    Case("iptables-ipvs-stale-rules", True, {"kube_proxy": IPTABLES_SET}, "until a node reboots", target="IPVS"),
    Case("iptables-ipvs-stale-rules", True, {"kube_proxy": IPVS_SET}, "until a node reboots", target="IPTABLES"),
    Case("iptables-ipvs-stale-rules", False, {"kube_proxy": IPVS_SET}, target="IPVS"),
    Case("iptables-ipvs-stale-rules", False, {}, target="IPTABLES"),
    Case("iptables-ipvs-stale-rules", False, {"kube_proxy": {"enabled": True, "mode": "NFTABLES"}}),
    Case("iptables-ipvs-stale-rules", False, {"kube_proxy": {}}),
    Case("production", True, {"tags": {"environment": "production"}}, "The tag environment=production"),
    Case("production", True, {"tags": {"Env": "PROD"}}, "The tag Env=PROD"),
    Case("production", True, {"tags": {"stage": "prod", "a": "b"}}, "The tag stage=prod"),
    Case("production", False, {"tags": {"environment": "pre-production"}}),
    Case("production", False, {"tags": {"environment": "test"}}),
    Case("production", False, {"tags": {"owner": "production"}}),
    Case("production", False, {"tags": {"env": None}}),
    Case("production", False, {}),
    *(
        Case("feature-not-registered", True, {}, f"KubeProxyConfigurationPreview is {state}", feature=state)
        for state in ("NotRegistered", "Pending", "Registering", "Unregistering", "Unregistered")
    ),
    Case("feature-not-registered", False, {}, feature="Registered"),
    Case("feature-not-registered", False, {}, feature=None),
    Case("operation-in-progress", True, {"provisioningState": "Updating"}, "(Updating)"),
    Case("operation-in-progress", True, {"provisioningState": "Creating"}, "(Creating)"),
    Case("operation-in-progress", True, {"pools": [pool(provisioningState="Upgrading")]}, "(system - Upgrading)"),
    Case("operation-in-progress", False, {"provisioningState": "Succeeded"}),
    Case("operation-in-progress", False, {"pools": [pool(provisioningState="Failed")]}),
    Case("deleting", True, {"provisioningState": "Deleting"}, "deleted"),
    Case("deleting", False, {"provisioningState": "Succeeded"}),
    Case("deleting", False, {"provisioningState": "Updating"}),
    Case("last-operation-failed", False, {"pools": [pool(provisioningState="Upgrading")]}),
    Case("operation-in-progress", False, {"provisioningState": "Failed"}),
    Case("operation-in-progress", False, {"provisioningState": "Canceled"}),
]


def case_name(case: Case) -> str:
    return f"{case.rule}-{'applies' if case.applies else 'not'}"


@pytest.mark.parametrize("case", CASES, ids=case_name)
def test_rule(case: Case) -> None:
    severity, targets = TABLE[case.rule]
    for target in [case.target] if case.target else targets.split():
        found = {f.rule: f for f in findings(Situation(cluster(**case.parts), target, case.feature))}
        assert (case.rule in found) is case.applies
        if case.applies:
            finding = found[case.rule]
            assert (finding.severity, finding.target) == (severity, target)
            assert case.says in finding.reason
            assert str(finding) == f"{finding.reason} [{case.rule}] {finding.remedy}"


@pytest.mark.parametrize("case", [case for case in CASES if case.applies], ids=case_name)
def test_rule_leaves_other_targets_alone(case: Case) -> None:
    for target in set(TARGETS) - set(TABLE[case.rule][1].split()):
        found = findings(Situation(cluster(**case.parts), target, case.feature))
        assert case.rule not in {finding.rule for finding in found}


def test_every_rule_has_its_rows_here() -> None:
    assert set(TABLE) == {rule.name for rule in RULES}
    assert {case.rule for case in CASES if case.applies} == set(TABLE)
    always = {"ipvs-deprecated"}  # about the mode itself, whatever the cluster
    assert {case.rule for case in CASES if not case.applies} == set(TABLE) - always


def test_names_are_unique() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_says_what_it_is(rule: compatibility.Rule) -> None:
    assert (rule.severity, " ".join(rule.targets)) == TABLE[rule.name]
    source = urlsplit(rule.source)
    assert source.scheme == "https"
    assert "." in source.netloc
    assert len(source.path) > 1
    assert rule.remedy.endswith((".", "previews."))


@pytest.mark.parametrize(
    ("kernel", "rule"),
    [((5, 12), OLD), ((5, 13), CONNTRACK), ((6, 0), CONNTRACK), ((6, 1), None)],
)
def test_the_boundaries_between_kernels(
    kernel: tuple[int, int], rule: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compatibility, "OLD_KERNELS", ((r"ubuntu-?2404", "Ubuntu 24.04", kernel),))
    found = {finding.rule for finding in findings(Situation(cluster(), "NFTABLES"))}
    assert found & {OLD, CONNTRACK} == ({rule} if rule else set())


def test_all_that_failed_is_named() -> None:
    pools = [pool(name="one", provisioningState="Failed"), pool(name="two", provisioningState="Canceled")]
    (reason,) = [
        f.reason for f in findings(Situation(cluster(pools=pools), "IPTABLES")) if f.rule == "last-operation-failed"
    ]
    assert "(pool one's ended Failed, pool two's ended Canceled)" in reason


def test_all_pools_with_an_old_kernel_are_named() -> None:
    old = {"nodeImageVersion": "AKSUbuntu-2204gen2containerd-202607.09.0"}
    pools = [pool(name="one", **old), pool(name="new"), pool(name="two", **old)]
    (finding,) = findings(Situation(cluster(pools=pools), "NFTABLES"))
    assert finding.reason == (
        "kube-proxy's nftables mode has no workaround for a conntrack fault of kernels before 6.1, long-lived "
        "connections may be reset on these pools: one (Ubuntu 22.04, kernel 5.15), two (Ubuntu 22.04, kernel 5.15)."
    )


def test_a_kernel_that_is_too_old_is_named_with_what_is_needed() -> None:
    pools = [pool(nodeImageVersion="AKSUbuntu-1804gen2containerd-202309.06.0")]
    (reason,) = [f.reason for f in findings(Situation(cluster(pools=pools), "NFTABLES")) if f.rule == OLD]
    assert reason == (
        "nftables mode needs kernel 5.13, but these pools run an older one: system (Ubuntu 18.04, kernel 5.4)."
    )


@pytest.mark.parametrize("target", [target for target in MODES if target != "IPVS"])
def test_nothing_speaks_against_a_healthy_cluster(target: str) -> None:
    assert findings(Situation(cluster(), target, "Registered")) == []


def test_what_blocks_comes_first_and_the_order_of_the_table_stays() -> None:
    bad = cluster(
        tags={"env": "prod"},
        powerState={"code": "Stopped"},
        provisioningState="Failed",
        network={"networkPolicy": "azure"},
    )
    found = findings(Situation(bad, "IPVS"))
    assert [finding.rule for finding in found] == [
        "ipvs-azure-npm",
        "stopped",
        "last-operation-failed",
        "ipvs-deprecated",
        "iptables-ipvs-stale-rules",
        "production",
    ]
    assert blocking(found) == found[:3]


def test_outlook() -> None:
    judged = outlook(cluster(kube_proxy=IPTABLES_SET, network={"networkPolicy": "azure"}), "NotRegistered")
    assert list(judged) == list(TARGETS)
    assert {target: (one["current"], one["possible"]) for target, one in judged.items()} == {
        "IPTABLES": (True, True),
        "IPVS": (False, False),
        "NFTABLES": (False, True),
        "DISABLED": (False, False),
    }
    (finding,) = judged["NFTABLES"]["findings"]
    assert finding == {
        "rule": "feature-not-registered",
        "severity": "warn",
        "target": "NFTABLES",
        "reason": "The preview feature KubeProxyConfigurationPreview is NotRegistered in the subscription.",
        "remedy": "Register it with aks.kube_proxy.preview_feature.",
        "source": "https://learn.microsoft.com/azure/aks/configure-kube-proxy",
    }
