"""Before a switch: what a real emulated cluster tells of itself, and what of that stops a switch."""

from __future__ import annotations

from typing import Any

import pytest

from tests.operations.verifying import CLOSED_AND_OPEN, Lay, asked, close, evidence, gets, look_cost, verify, with_nodes

BEFORE = {"phase": "before", "mode": "NFTABLES"}
NEW = {"kernel": "6.8.0-1059-azure"}
NODE = "vmss000000"
# Beside a look: Services, DaemonSets of all namespaces, and Calico's Installation.
OBJECTS = 3


def states(result: dict[str, Any]) -> list[str]:
    """The clusters' states."""
    return [found["state"] for found in result["clusters"].values()]


def rules(found: dict[str, Any]) -> dict[str, str]:
    """The findings' severities by rule."""
    return {finding["rule"]: finding["severity"] for finding in found["findings"]}


@pytest.mark.parametrize("nodes", [1, 3, 500])
def test_a_cluster_without_findings_is_safe(nodes: int, azure: Lay) -> None:
    """One look, the objects, and one answer of each node."""
    cloud = azure(with_nodes(nodes, inside={**NEW, "services": 7}))
    found = evidence(cloud, **BEFORE)
    assert (found["state"], found["reason"], found["code"], found["findings"]) == ("safe", "", None, [])
    assert (found["expected"], found["services"]) == ("NFTABLES", 7)
    assert found["requests"] == look_cost(nodes) + OBJECTS + nodes
    assert asked(cloud, "metrics").total() == nodes
    assert asked(cloud, "proxyMode").total() == 0
    assert cloud.time.seconds == 0


def test_many_services_are_counted_page_by_page(azure: Lay) -> None:
    cloud = azure(with_nodes(1, inside={**NEW, "services": 600, "node_ports": ["shop/web"]}))
    found = evidence(cloud, **BEFORE)
    assert (found["services"], found["requests"]) == (601, look_cost(1) + OBJECTS + 2 + 1)
    assert sum(path == "/api/v1/services" for path in gets(cloud)) == 3


OPERATOR = {"linux_dataplane": "Iptables", "version": "v3.30.1"}


@pytest.mark.parametrize(
    ("inside", "rule", "severity", "about"),
    [
        ({"localhost_nodeports": 7}, "localhost-nodeports", "block", f"{NODE} (7 packets)"),
        ({"ct_invalid": 9, "kernel": "5.15.0-1"}, "conntrack-workaround", "block", f"{NODE} (9 packets)"),
        ({"ct_invalid": 9}, "conntrack-workaround", "warn", f"{NODE} (9 packets)"),
        ({"kernel": "5.4.0-1"}, "nftables-kernel-too-old", "block", f"{NODE} (kernel 5.4.0-1)"),
        ({"kernel": "5.15.0-1"}, "nftables-kernel-conntrack", "warn", f"{NODE} (kernel 5.15.0-1)"),
        ({"node_ports": ["shop/web", "shop/api"]}, "node-port-services", "warn", "shop/api, shop/web"),
        ({"calico": OPERATOR}, "calico-dataplane", "block", "Installation default (linuxDataplane Iptables)"),
        (
            {"calico": {"linux_dataplane": "Nftables", "version": "v3.28.2"}},
            "calico-version",
            "block",
            "Installation default (v3.28.2)",
        ),
        (
            {"calico": {"linux_dataplane": "BPF", "version": "v3.30.1"}},
            "calico-ebpf",
            "warn",
            "Installation default (linuxDataplane BPF)",
        ),
        (
            {"daemonsets": [{"name": "kube-system/calico-node", "image": "docker.io/calico/node:v3.30.1"}]},
            "calico-unknown",
            "warn",
            "DaemonSet kube-system/calico-node",
        ),
        (
            {"daemonsets": [{"name": "kube-system/agent", "image": "docker.io/antrea/antrea-agent-ubuntu:v2.3.0"}]},
            "antrea",
            "warn",
            "DaemonSet kube-system/agent",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_each_finding_says_what_is_wrong_where_and_what_to_do(
    inside: dict[str, Any], rule: str, severity: str, about: str, azure: Lay
) -> None:
    cloud = azure(with_nodes(1, inside={**NEW, **inside}))
    result = verify(cloud, **BEFORE)
    found = result["clusters"]["c1"]
    (finding,) = [finding for finding in found["findings"] if finding["rule"] == rule]
    assert (finding["severity"], finding["tolerated"], finding["target"]) == (severity, False, "NFTABLES")
    assert about in finding["object"]
    assert finding["source"].startswith("https://")
    assert finding["reason"]
    assert finding["remedy"]
    if severity == "block":
        assert (found["state"], found["code"], result["ok"]) == ("unsafe", rule, False)
        assert result["failed"] is True
        assert result["msg"] == f"c1: unsafe. {found['reason']}"
        for part in (finding["reason"], f"[{rule}]", about, finding["remedy"]):
            assert part in found["reason"]
        assert found["advice"] == finding["remedy"]
        assert [text for text in result["warnings"] if f"[{rule}]" in text] == [], "what fails is no warning too"
    else:
        assert (found["state"], found["reason"], result["ok"]) == ("safe", "", True)
        assert [text for text in result["warnings"] if f"[{rule}]" in text and finding["reason"] in text]


def test_software_is_recognised_for_ipvs_too(azure: Lay) -> None:
    npm = {"name": "kube-system/npm", "image": "mcr.microsoft.com/containernetworking/azure-npm:v1.5.45"}
    cloud = azure(with_nodes(1, inside={"daemonsets": [npm]}))
    assert rules(evidence(cloud, phase="before", mode="NFTABLES")).get("ipvs-azure-npm") is None


def test_calico_that_aks_manages_is_left_alone(azure: Lay) -> None:
    cloud = azure(with_nodes(1, inside=NEW, policy="calico"))
    found = evidence(cloud, **BEFORE)
    assert (found["state"], found["findings"]) == ("safe", [])


def test_the_way_back_is_never_blocked_by_calico(azure: Lay) -> None:
    calico = {"linux_dataplane": "Nftables", "version": "v3.30.1"}
    cloud = azure(with_nodes(1, mode="NFTABLES", inside={"calico": calico}))
    found = evidence(cloud, phase="before", mode="IPTABLES")
    assert (found["state"], rules(found)) == ("safe", {"calico-dataplane": "warn"})
    assert found["requests"] == look_cost(1) + OBJECTS, "the counters are of iptables mode alone"


def test_several_findings_are_all_told_what_blocks_first(azure: Lay) -> None:
    inside = {"localhost_nodeports": 1, "ct_invalid": 2, "kernel": "5.4.0-1", "node_ports": ["shop/web"]}
    found = evidence(azure(with_nodes(2, inside=inside)), **BEFORE)
    assert found["state"] == "unsafe"
    assert list(rules(found).values()) == ["block"] * 3 + ["warn"]
    for rule in ("localhost-nodeports", "conntrack-workaround", "nftables-kernel-too-old"):
        assert f"[{rule}]" in found["reason"]
    assert "node-port-services" not in found["reason"]


def test_old_releases_without_the_counters_are_told_apart_from_silence(azure: Lay) -> None:
    """What nobody counts is not known to be none: whoever accepts that says so."""
    cloud = azure(with_nodes(1, version="1.30.9", inside=NEW))
    found = evidence(cloud, phase="before", mode="IPVS")
    assert (found["state"], found["code"]) == ("unverified", "no-counters")
    assert rules(found) == {"no-counters": "warn"}
    assert found["findings"][0]["remedy"] in found["reason"]
    accepted = verify(cloud, phase="before", mode="IPVS", tolerate=["no-counters"])
    assert states(accepted) == ["safe"]


# --- what a user accepts ---


def test_a_tolerated_finding_only_warns_and_says_so(azure: Lay) -> None:
    cloud = azure(with_nodes(1, inside={**NEW, "localhost_nodeports": 7, "calico": OPERATOR}))
    found = evidence(cloud, **BEFORE, tolerate=["localhost-nodeports"])
    assert (found["state"], found["code"]) == ("unsafe", "calico-dataplane")
    assert "localhost-nodeports" not in found["reason"]
    result = verify(cloud, **BEFORE, tolerate=["localhost-nodeports", "calico-dataplane"])
    assert result["ok"] is True
    findings = result["clusters"]["c1"]["findings"]
    assert {(row["rule"], row["severity"], row["tolerated"]) for row in findings} == {
        ("localhost-nodeports", "warn", True),
        ("calico-dataplane", "warn", True),
    }
    assert len(result["warnings"]) == 2


def test_tolerating_an_unknown_rule_is_an_error_before_anything_is_asked(azure: Lay) -> None:
    cloud = azure(with_nodes(1))
    result = verify(cloud, **BEFORE, tolerate=["localhost-nodeport"])
    assert result["failed"] is True
    assert "There is no rule localhost-nodeport. The rules are: " in result["msg"]
    assert "localhost-nodeports" in result["msg"]
    assert cloud.arm_requests() == cloud.emulator.kubernetes_requests() == []


# --- what cannot be read ---


@pytest.mark.parametrize(
    ("inside", "why"),
    [
        ({"not_ready_nodes": 1}, "it is not ready"),
        ({"pod_proxy": "unreachable"}, "HTTP 503"),
        ({"pod_proxy": "forbidden"}, "HTTP 403"),
    ],
)
def test_a_node_that_could_not_be_asked_makes_it_unverified(inside: dict[str, Any], why: str, azure: Lay) -> None:
    """Nobody knows what would be missed there: that is neither safe nor a finding."""
    cloud = azure(with_nodes(3, inside={**NEW, **inside}))
    found = evidence(cloud, **BEFORE)
    assert (found["state"], found["code"], found["findings"]) == ("unverified", "Unread", [])
    assert f"{NODE} (" in found["reason"]
    assert why in found["reason"]
    assert "docs/permissions.md" in found["reason"]
    assert ("and 2 more" in found["reason"]) == ("pod_proxy" in inside)


def test_a_pod_that_is_not_ready_makes_it_unverified(azure: Lay) -> None:
    cloud = azure(with_nodes(1, inside=NEW))
    cloud.emulator.change_kubernetes("c1", {"crashing_nodes": 1})
    patch = {"properties": {"networkProfile": {"kubeProxyConfig": {"enabled": True, "mode": "IPVS"}}}}
    cloud.emulator.change_cluster("c1", patch)
    cloud.emulator.advance(60)
    patch["properties"]["networkProfile"]["kubeProxyConfig"]["mode"] = "IPTABLES"
    cloud.emulator.change_cluster("c1", patch)
    found = evidence(cloud, **BEFORE)
    assert (found["state"], found["code"]) == ("unverified", "Unread")
    assert "kube-proxy is not ready there" in found["reason"]


def test_evidence_against_a_switch_counts_more_than_what_is_missing(azure: Lay) -> None:
    cloud = azure(with_nodes(3, inside={**NEW, "not_ready_nodes": 1, "calico": OPERATOR}))
    found = evidence(cloud, **BEFORE)
    assert (found["state"], found["code"]) == ("unsafe", "calico-dataplane")


def test_nodes_that_do_not_count_need_not_be_asked(azure: Lay) -> None:
    cloud = azure(with_nodes(3, inside={**NEW, "not_ready_nodes": 1, "cordoned_nodes": 2, "joining_nodes": 0}))
    found = evidence(cloud, **BEFORE, not_ready_nodes="ignore", cordoned_nodes="ignore")
    assert found["state"] == "safe"
    assert asked(cloud, "metrics").total() == 1


def test_a_list_that_may_not_be_read_makes_it_unverified(azure: Lay) -> None:
    cloud = azure(with_nodes(1, inside=NEW))
    match = {"api": "kubernetes", "path": "^/api/v1/services"}
    cloud.emulator.fault("server_error", match=match, times=None, status=503)
    found = evidence(cloud, **BEFORE)
    assert (found["state"], found["code"], found["services"]) == ("unverified", "Unread", None)
    assert "/api/v1/services cannot be read" in found["reason"]
    cloud.emulator.change_kubernetes("c1", {"calico": OPERATOR})
    assert states(verify(cloud, **BEFORE)) == ["unsafe"], "what was read counts"


@pytest.mark.parametrize("path", ["^/apis/apps/v1/daemonsets", "^/apis/operator.tigera.io", "^/api/v1/nodes"])
def test_no_list_can_be_missed(path: str, azure: Lay) -> None:
    cloud = azure(with_nodes(1, inside=NEW))
    cloud.emulator.fault("server_error", match={"api": "kubernetes", "path": path}, times=None, status=503)
    found = evidence(cloud, **BEFORE)
    assert found["state"] == "unverified"
    assert path.removeprefix("^") in found["reason"]


def test_a_page_of_another_program_is_not_read_as_zero(azure: Lay) -> None:
    cloud = azure(with_nodes(1, inside=NEW))
    cloud.emulator.fault("wrong_content", match={"api": "kubernetes", "path": "/proxy/metrics$"}, times=None)
    found = evidence(cloud, **BEFORE)
    assert (found["state"], found["code"]) == ("unverified", "Unread")
    assert NODE in found["reason"]


def test_a_cluster_of_windows_alone_has_nobody_to_ask(azure: Lay) -> None:
    pools = [{"name": "win", "count": 1, "os_type": "Windows"}]
    found = evidence(azure(with_nodes(0, pools=pools)), **BEFORE)
    assert (found["state"], found["code"]) == ("unverified", "Unread")


def test_a_pool_behind_a_firewall_does_not_speak_for_the_others(azure: Lay) -> None:
    cloud = azure(with_nodes(0, mode="IPTABLES", pools=CLOSED_AND_OPEN))
    close(cloud, "closed")
    found = evidence(cloud, **BEFORE)
    assert found["state"] == "unverified"
    assert "40 node(s) could not be asked for their counters: aks-closed-" in found["reason"]
