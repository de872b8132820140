"""What speaks against a switch inside the cluster: for every rule both sides of each of its boundaries."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.kube_objects import Node
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.kube_proxy import MODES, TARGETS
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.safety import (
    SHOWN,
    Finding,
    findings,
    tolerated,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.safety_evidence import (
    COUNTER_LINES,
    Calico,
    Counters,
    Evidence,
    Software,
    read_counters,
    read_installation,
    read_node_port,
    read_software,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.safety_rules import RULES
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.wording import listed

# What each rule is: its severity and the targets that it is about.
TABLE = {
    ("localhost-nodeports", "block", "NFTABLES IPVS"),
    ("conntrack-workaround", "block", "NFTABLES"),
    ("conntrack-workaround", "warn", "NFTABLES"),
    ("no-counters", "warn", "NFTABLES IPVS"),
    ("nftables-kernel-too-old", "block", "NFTABLES"),
    ("nftables-kernel-conntrack", "warn", "NFTABLES"),
    ("kernel-unknown", "warn", "NFTABLES"),
    ("node-port-services", "warn", "NFTABLES"),
    ("calico-version", "block", "NFTABLES"),
    ("calico-dataplane", "block", "NFTABLES"),
    ("calico-dataplane", "warn", "IPTABLES IPVS"),
    ("calico-unknown", "warn", "NFTABLES"),
    ("calico-ebpf", "warn", "NFTABLES"),
    ("nodelocal-dns", "block", "IPVS"),
    ("nodelocal-dns", "warn", "NFTABLES"),
    ("ipvs-azure-npm", "block", "IPVS"),
    ("antrea", "warn", "NFTABLES"),
}

NEW, OLD = "6.8.0-1059-azure", "5.15.0-1116-azure"


def machine(kernel: str = NEW, name: str = "n1", **parts: Any) -> Node:
    return Node(name=name, kernel=kernel, **parts)


def cluster(*nodes: Node, **parts: Any) -> Evidence:
    """A cluster of such nodes, or of a healthy one."""
    return Evidence(nodes=nodes or (machine(),), **parts)


def counted(
    localhost: float | None = 0.0, conntrack: float | None = 0.0, kernel: str = NEW, **parts: Any
) -> dict[str, Any]:
    """A node that tells these counters."""
    return {"nodes": (machine(kernel, **parts),), "counters": {"n1": Counters(localhost, conntrack)}}


def daemon_set(image: str, name: str = "kube-system/it", **settings: str) -> dict[str, Any]:
    return {"software": (Software(name, ("registry.example/sidecar:v1", image), settings),)}


def manifest_calico(mode: str | None = None, bpf: str | None = None, tag: str = "v3.30.2") -> dict[str, Any]:
    """Calico without an operator."""
    settings = {"FELIX_NFTABLESMODE": mode, "FELIX_BPFENABLED": bpf}
    given = {name: value for name, value in settings.items() if value is not None}
    return daemon_set(f"docker.io/calico/node:{tag}", "kube-system/calico-node", **given)


def operator(dataplane: str = "Iptables", version: str = "v3.30.2", managed: bool = False) -> dict[str, Any]:
    return {"calico": Calico(dataplane, version), "calico_is_managed": managed}


def dns(addresses: str) -> dict[str, Any]:
    return daemon_set("registry.k8s.io/dns/k8s-dns-node-cache:1.23.1", "kube-system/node-local-dns", localip=addresses)


class Case(NamedTuple):
    """A cluster of which a rule finds something, at C(says), with that severity; or not, without one."""

    rule: str
    target: str
    parts: dict[str, Any]
    severity: str | None = None
    says: str = ""
    current: str = "IPTABLES"


HIT, DROPPED = "n1 (1 packets)", "n1 (3 packets)"
NFT_CALICO = "Installation default (linuxDataplane Nftables)"
IPT_CALICO = "Installation default (linuxDataplane Iptables)"
ON_SERVICE = "169.254.20.10,10.0.0.10"
DNS_ON_SERVICE = f"DaemonSet kube-system/node-local-dns (-localip {ON_SERVICE})"

CASES = [
    Case("localhost-nodeports", "NFTABLES", counted(localhost=1.0), "block", HIT),
    Case("localhost-nodeports", "IPVS", counted(localhost=1.0), "block", HIT),
    Case("localhost-nodeports", "NFTABLES", counted(localhost=0.0)),
    Case("localhost-nodeports", "NFTABLES", counted(localhost=None)),
    Case("localhost-nodeports", "NFTABLES", counted(localhost=1.0), current="IPVS"),
    Case("localhost-nodeports", "NFTABLES", counted(localhost=1.0, system="windows")),
    Case("localhost-nodeports", "NFTABLES", counted(localhost=1.0, virtual=True)),
    Case("conntrack-workaround", "NFTABLES", counted(conntrack=3.0, kernel=OLD), "block", DROPPED),
    Case("conntrack-workaround", "NFTABLES", counted(conntrack=3.0, kernel="6.0.19"), "block", DROPPED),
    Case("conntrack-workaround", "NFTABLES", counted(conntrack=3.0, kernel=""), "block", DROPPED),
    Case("conntrack-workaround", "NFTABLES", counted(conntrack=3.0, kernel="6.1.0"), "warn", DROPPED),
    Case("conntrack-workaround", "NFTABLES", counted(conntrack=0.0, kernel=OLD)),
    Case("conntrack-workaround", "NFTABLES", counted(conntrack=0.0)),
    Case("conntrack-workaround", "NFTABLES", counted(conntrack=3.0, kernel=OLD), current="IPVS"),
    Case("no-counters", "NFTABLES", counted(localhost=None), "warn", "n1"),
    Case("no-counters", "IPVS", counted(conntrack=None), "warn", "n1"),
    Case("no-counters", "NFTABLES", counted(None, None), "warn", "n1"),
    Case("no-counters", "NFTABLES", counted()),
    Case("no-counters", "NFTABLES", {"nodes": (machine(),), "counters": {}}),
    Case("no-counters", "NFTABLES", counted(None, None), current="IPVS"),
    Case("no-counters", "NFTABLES", counted(None, None, system="windows")),
    Case("nftables-kernel-too-old", "NFTABLES", {"nodes": (machine("5.12.19"),)}, "block", "n1 (kernel 5.12.19)"),
    Case("nftables-kernel-too-old", "NFTABLES", {"nodes": (machine("5.4.0-1"),)}, "block", "n1 (kernel 5.4.0-1)"),
    Case("nftables-kernel-too-old", "NFTABLES", {"nodes": (machine("5.13.0"),)}),
    Case("nftables-kernel-too-old", "NFTABLES", {"nodes": (machine(""),)}),
    Case("nftables-kernel-too-old", "NFTABLES", {"nodes": (machine("5.4.0", system="windows"),)}),
    Case("nftables-kernel-too-old", "NFTABLES", {"nodes": (machine("5.4.0", virtual=True),)}),
    Case("nftables-kernel-conntrack", "NFTABLES", {"nodes": (machine("5.13.0"),)}, "warn", "n1 (kernel 5.13.0)"),
    Case("nftables-kernel-conntrack", "NFTABLES", {"nodes": (machine("6.0.19"),)}, "warn", "n1 (kernel 6.0.19)"),
    Case("nftables-kernel-conntrack", "NFTABLES", {"nodes": (machine("6.1.0"),)}),
    Case("nftables-kernel-conntrack", "NFTABLES", {"nodes": (machine("5.12.19"),)}),
    Case("kernel-unknown", "NFTABLES", {"nodes": (machine(""),)}, "warn", "n1 (kernel not known)"),
    Case("kernel-unknown", "NFTABLES", {"nodes": (machine("next"),)}, "warn", "n1 (kernel next)"),
    Case("kernel-unknown", "NFTABLES", {"nodes": (machine("5.4.0"),)}),
    Case("kernel-unknown", "NFTABLES", {"nodes": (machine("", system="windows"),)}),
    Case("node-port-services", "NFTABLES", {"node_ports": ("a/b", "c/d")}, "warn", "a/b, c/d"),
    Case("node-port-services", "NFTABLES", {"node_ports": ()}),
    Case("node-port-services", "IPVS", {"node_ports": ("a/b",)}),
    Case("calico-version", "NFTABLES", operator(version="v3.28.4"), "block", "Installation default (v3.28.4)"),
    Case("calico-version", "NFTABLES", operator(version="v3.29.0")),
    Case("calico-version", "NFTABLES", operator(version="")),
    Case("calico-version", "NFTABLES", operator(version="v3.28.4", managed=True)),
    Case(
        "calico-version",
        "NFTABLES",
        manifest_calico(tag="v3.28.4"),
        "block",
        "DaemonSet kube-system/calico-node (v3.28.4)",
    ),
    Case("calico-version", "NFTABLES", manifest_calico(tag="v3.29.0")),
    Case("calico-version", "NFTABLES", manifest_calico(tag="latest")),
    Case("calico-version", "NFTABLES", {**manifest_calico(tag="v3.28.4"), **operator()}),
    Case("calico-version", "NFTABLES", {**manifest_calico(tag="v3.28.4"), "calico_is_managed": True}),
    Case("calico-dataplane", "NFTABLES", operator("Iptables"), "block", IPT_CALICO),
    Case("calico-dataplane", "NFTABLES", operator("Nftables")),
    Case("calico-dataplane", "NFTABLES", operator("BPF")),
    Case("calico-dataplane", "NFTABLES", operator("Iptables", managed=True)),
    Case("calico-dataplane", "NFTABLES", {}),
    Case(
        "calico-dataplane",
        "NFTABLES",
        manifest_calico("Disabled"),
        "block",
        "DaemonSet kube-system/calico-node (FELIX_NFTABLESMODE Disabled)",
    ),
    Case("calico-dataplane", "NFTABLES", manifest_calico("Enabled")),
    Case("calico-dataplane", "NFTABLES", manifest_calico("Auto")),
    Case("calico-dataplane", "NFTABLES", manifest_calico("Disabled", bpf="true")),
    Case("calico-dataplane", "IPTABLES", operator("Nftables"), "warn", NFT_CALICO, "NFTABLES"),
    Case("calico-dataplane", "IPVS", operator("Nftables"), "warn", NFT_CALICO, "NFTABLES"),
    Case("calico-dataplane", "IPTABLES", operator("Iptables"), current="NFTABLES"),
    Case("calico-dataplane", "IPTABLES", operator("Nftables", managed=True), current="NFTABLES"),
    Case(
        "calico-dataplane",
        "IPTABLES",
        manifest_calico("enabled"),
        "warn",
        "DaemonSet kube-system/calico-node (FELIX_NFTABLESMODE enabled)",
        "NFTABLES",
    ),
    Case("calico-dataplane", "IPTABLES", manifest_calico("Auto"), current="NFTABLES"),
    Case(
        "calico-unknown",
        "NFTABLES",
        manifest_calico(),
        "warn",
        "DaemonSet kube-system/calico-node (FELIX_NFTABLESMODE not set)",
    ),
    Case("calico-unknown", "NFTABLES", manifest_calico("Auto")),
    Case("calico-unknown", "NFTABLES", manifest_calico("Disabled")),
    Case("calico-unknown", "NFTABLES", manifest_calico(bpf="True")),
    Case("calico-unknown", "NFTABLES", {**manifest_calico(), **operator()}),
    Case("calico-unknown", "NFTABLES", daemon_set("docker.io/notcalico/node:v1")),
    Case("calico-unknown", "NFTABLES", daemon_set("docker.io/calico/node-driver-registrar:v3.30.2")),
    Case("calico-ebpf", "NFTABLES", operator("BPF"), "warn", "Installation default (linuxDataplane BPF)"),
    Case("calico-ebpf", "NFTABLES", operator("VPP"), "warn", "Installation default (linuxDataplane VPP)"),
    *(
        Case("calico-ebpf", "NFTABLES", manifest_calico(bpf=yes), "warn", "DaemonSet kube-system/calico-node")
        for yes in ("1", "yes", "Y", "t")
    ),
    Case("calico-ebpf", "NFTABLES", operator("Iptables")),
    Case("calico-ebpf", "NFTABLES", manifest_calico(bpf="true"), "warn", "DaemonSet kube-system/calico-node"),
    Case("calico-ebpf", "NFTABLES", manifest_calico(bpf="false")),
    Case("nodelocal-dns", "IPVS", dns(ON_SERVICE), "block", DNS_ON_SERVICE),
    Case("nodelocal-dns", "NFTABLES", dns(ON_SERVICE), "warn", DNS_ON_SERVICE),
    Case("nodelocal-dns", "IPVS", dns("169.254.20.10")),
    Case("nodelocal-dns", "IPVS", dns("169.254.20.10,fd00::10")),
    Case("nodelocal-dns", "IPTABLES", dns(ON_SERVICE), current="NFTABLES"),
    Case("nodelocal-dns", "IPVS", daemon_set("docker.io/coredns/coredns:1.12", localip=ON_SERVICE)),
    Case(
        "ipvs-azure-npm",
        "IPVS",
        daemon_set("mcr.microsoft.com/containernetworking/azure-npm:v1.5.45"),
        "block",
        "DaemonSet kube-system/it",
    ),
    Case("ipvs-azure-npm", "NFTABLES", daemon_set("mcr.microsoft.com/containernetworking/azure-npm:v1.5.45")),
    Case("ipvs-azure-npm", "IPVS", daemon_set("mcr.microsoft.com/containernetworking/azure-npm-tools:v1")),
    Case("antrea", "NFTABLES", daemon_set("antrea/antrea-agent-ubuntu:v2.3.0"), "warn", "DaemonSet kube-system/it"),
    Case("antrea", "NFTABLES", daemon_set("antrea/antrea-ubuntu@sha256:00"), "warn", "DaemonSet kube-system/it"),
    Case("antrea", "NFTABLES", daemon_set("antrea/flow-aggregator:v2.3.0")),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}-{case.target}-{case.severity}")
def test_a_rule_at_its_boundary(case: Case) -> None:
    evidence = Evidence(**{"nodes": (machine(),), **case.parts})
    found = [finding for finding in findings(evidence, case.current, case.target) if finding.rule == case.rule]
    assert [finding.severity for finding in found] == ([case.severity] if case.severity else [])
    if found:
        assert found[0].object == case.says
        assert found[0].target == case.target


def test_every_row_of_the_table_is_tried_on_both_sides() -> None:
    assert {(rule.name, rule.severity, " ".join(rule.targets)) for rule in RULES} == TABLE
    for name, severity, targets in TABLE:
        fires = {case.target for case in CASES if (case.rule, case.severity) == (name, severity)}
        assert fires == set(targets.split()), (name, severity)
        assert any(case.rule == name and case.severity is None for case in CASES), name


def test_the_guide_has_every_rule_with_its_severities() -> None:
    page = (Path(__file__).parents[3] / "docs" / "evidence.md").read_text(encoding="utf-8")
    section = page.partition("## Before")[2]
    rows = re.findall(r"^\| `([a-z-]+)` \|[^|]*\|([^|]*)\|([^|]*)\|([^|]*)\|$", section, re.MULTILINE)
    told = {
        (name, target): re.findall("block|warn", cell)
        for name, *cells in rows
        for target, cell in zip(("NFTABLES", "IPVS", "IPTABLES"), cells, strict=True)
        if cell.strip()
    }
    known: dict[tuple[str, str], list[str]] = {}
    for rule in RULES:
        for target in rule.targets:
            known.setdefault((rule.name, target), []).append(rule.severity)
    assert told == known


def test_a_healthy_cluster_has_no_findings() -> None:
    evidence = cluster(
        *(machine(name=f"n{number}") for number in range(500)),
        machine("", "win", system="windows"),
        machine("", "aci", virtual=True),
        counters={f"n{number}": Counters(0.0, 0.0) for number in range(500)},
        calico=Calico("Iptables", "v3.28.0"),
        calico_is_managed=True,
        software=(
            Software("kube-system/kube-proxy", ("mcr.microsoft.com/oss/v2/kubernetes/kube-proxy:v1.34.2",)),
            Software("calico-system/calico-node", ("mcr.microsoft.com/oss/v2/calico/node:v3.28.0",)),
            Software("kube-system/azure-ip-masq-agent", ("mcr.microsoft.com/aks/ip-masq-agent-v2:v0.1.15",)),
        ),
    )
    assert [findings(evidence, current, target) for current in MODES for target in TARGETS] == [[]] * 12


def test_what_could_not_be_read_is_no_finding() -> None:
    assert [findings(Evidence(), current, target) for current in MODES for target in TARGETS] == [[]] * 12


def test_nothing_speaks_against_a_mode_that_a_rule_is_not_about() -> None:
    worst = cluster(
        machine("5.4.0"),
        counters={"n1": Counters(1.0, 1.0)},
        node_ports=("a/b",),
        **manifest_calico("Disabled"),
    )
    assert findings(worst, "IPTABLES", "IPTABLES") == []
    assert findings(worst, "IPTABLES", "DISABLED") == []


def test_each_rule_tells_why_what_to_do_and_where_that_is_written() -> None:
    for rule in RULES:
        assert rule.reason.endswith("."), rule.name
        assert rule.remedy.endswith("."), rule.name
        source = urlsplit(rule.source)
        assert source.scheme == "https" and source.netloc, rule.name


def mixed() -> list[Finding]:
    """Two findings that block and two that warn."""
    old, new = machine("5.15.0", "old"), machine("6.8.0", "new")
    counters = {"old": Counters(0.0, 4.0), "new": Counters(2.0, 4.0)}
    return findings(cluster(old, new, counters=counters), "IPTABLES", "NFTABLES")


def test_what_blocks_comes_first() -> None:
    assert [(finding.rule, finding.severity) for finding in mixed()] == [
        ("localhost-nodeports", "block"),
        ("conntrack-workaround", "block"),
        ("conntrack-workaround", "warn"),
        ("nftables-kernel-conntrack", "warn"),
    ]


def test_what_is_tolerated_warns_and_says_so() -> None:
    found = tolerated(mixed(), ["localhost-nodeports"])
    assert [(finding.rule, finding.severity, finding.tolerated) for finding in found] == [
        ("conntrack-workaround", "block", False),
        ("localhost-nodeports", "warn", True),
        ("conntrack-workaround", "warn", False),
        ("nftables-kernel-conntrack", "warn", False),
    ]
    assert "[localhost-nodeports] (tolerated) new (2 packets). " in str(found[1])
    assert "tolerated" not in str(found[0])


def test_tolerating_a_rule_that_finds_nothing_changes_nothing() -> None:
    assert tolerated(mixed(), ["antrea"]) == mixed()


def test_an_unknown_rule_cannot_be_tolerated() -> None:
    with pytest.raises(
        ValueError, match=r"^There is no rule all, localhost\. The rules are: antrea, calico-dataplane, "
    ) as caught:
        tolerated([], ["localhost", "all", "antrea"])
    assert all(rule.name in str(caught.value) for rule in RULES)


def test_a_finding_as_a_result_and_as_a_sentence() -> None:
    (finding,) = findings(cluster(machine("5.4.0")), "IPTABLES", "NFTABLES")
    result = finding.as_result()
    assert result == {
        "rule": "nftables-kernel-too-old",
        "severity": "block",
        "target": "NFTABLES",
        "object": "n1 (kernel 5.4.0)",
        "count": 1,
        "reason": finding.reason,
        "remedy": finding.remedy,
        "source": finding.source,
        "tolerated": False,
    }
    assert str(finding) == f"{finding.reason} [nftables-kernel-too-old] n1 (kernel 5.4.0). {finding.remedy}"


def test_a_finding_names_ten_objects_and_counts_the_others() -> None:
    (finding,) = findings(cluster(*(machine("5.4", f"n{n}") for n in range(500))), "IPTABLES", "NFTABLES")
    assert finding.object.startswith("n0 (kernel 5.4), n1 (kernel 5.4), ")
    assert finding.object.endswith("n9 (kernel 5.4) and 490 more")
    assert finding.count == 500
    assert listed([str(n) for n in range(10)], SHOWN) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9"
    assert listed([str(n) for n in range(11)], SHOWN) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 1 more"


METRICS = """\
# HELP kubeproxy_iptables_ct_state_invalid_dropped_packets_total [ALPHA] packets dropped by iptables
# TYPE kubeproxy_iptables_ct_state_invalid_dropped_packets_total counter
kubeproxy_iptables_ct_state_invalid_dropped_packets_total 7
kubeproxy_iptables_localhost_nodeports_accepted_packets_total{ip_family="IPv4"} 12
kubeproxy_sync_proxy_rules_iptables_total{table="nat"} 99
kubeproxy_sync_proxy_rules_last_timestamp_seconds 1.7e+09
"""


def test_the_counters_of_a_metrics_page() -> None:
    assert read_counters(METRICS) == Counters(localhost=12.0, conntrack=7.0)
    assert read_counters("kubeproxy_sync_proxy_rules_last_timestamp_seconds 0\n") == Counters(None, None)


@pytest.mark.parametrize("page", ["", "Killed\n", "go_goroutines 12\n"])
def test_what_is_no_page_of_kube_proxy_tells_nothing(page: str) -> None:
    assert read_counters(page) is None


def test_the_kept_lines_of_a_metrics_page_tell_the_same() -> None:
    kept = [line for line in METRICS.splitlines(keepends=True) if COUNTER_LINES.search(line)]
    assert len(kept) == 3
    assert read_counters("".join(kept)) == read_counters(METRICS)


@pytest.mark.parametrize(
    ("spec", "status", "expected"),
    [
        ({}, {}, Calico("Iptables", "")),
        ({"calicoNetwork": {"linuxDataplane": None}}, {"calicoVersion": "v3.30.2"}, Calico("Iptables", "v3.30.2")),
        ({"calicoNetwork": {"linuxDataplane": "Nftables"}}, {}, Calico("Nftables", "")),
        ({}, {"calicoVersion": "v3.30.2", "variant": "Calico"}, Calico("Iptables", "v3.30.2")),
        ({}, {"calicoVersion": "v3.22.0", "variant": "TigeraSecureEnterprise"}, Calico("Iptables", "")),
        ({"variant": "CalicoEnterprise"}, {"calicoVersion": "v3.22.0"}, Calico("Iptables", "")),
    ],
)
def test_an_installation_of_calico(spec: dict[str, Any], status: dict[str, Any], expected: Calico) -> None:
    assert read_installation({"spec": spec, "status": status}) == expected


@pytest.mark.parametrize(("kind", "name"), [("NodePort", "shop/web"), ("LoadBalancer", None), (None, None)])
def test_only_services_of_type_node_port_are_named(kind: str | None, name: str | None) -> None:
    assert read_node_port({"metadata": {"namespace": "shop", "name": "web"}, "spec": {"type": kind}}) == name


def containers(*rows: dict[str, Any]) -> dict[str, Any]:
    """A DaemonSet with such containers."""
    return {
        "metadata": {"namespace": "kube-system", "name": "agent"},
        "spec": {"template": {"spec": {"containers": list(rows)}}},
    }


def test_software_is_read_without_what_may_be_secret() -> None:
    env = [
        {"name": "FELIX_NFTABLESMODE", "value": "Auto"},
        {"name": "TOKEN", "value": "secret"},
        {"name": "FELIX_BPFENABLED", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}},
    ]
    one = {"image": "calico/node:v3.30.2", "env": env, "args": ["--password", "secret"]}
    two = {"image": "registry.example/cache@sha256:00", "args": ["-localip", "169.254.20.10,10.0.0.10", "-conf", "x"]}
    assert read_software(containers(one, two)) == Software(
        "kube-system/agent",
        ("calico/node:v3.30.2", "registry.example/cache@sha256:00"),
        {"FELIX_NFTABLESMODE": "Auto", "localip": "169.254.20.10,10.0.0.10"},
    )
    assert "secret" not in repr(read_software(containers(one, two)))


@pytest.mark.parametrize(
    ("image", "runs", "tag"),
    [
        ("calico/node:v3.30.2", True, "v3.30.2"),
        ("quay.io/calico/node:v3.30.2@sha256:00", True, "v3.30.2"),
        ("localhost:5000/mirror/calico/node:v3.30.2", True, "v3.30.2"),
        ("calico/node@sha256:00", True, ""),
        ("calico/node", True, ""),
        ("calico/nodes:v1", False, ""),
        ("acalico/node:v1", False, ""),
        ("", False, ""),
    ],
)
def test_software_is_recognised_by_its_image(image: str, runs: bool, tag: str) -> None:
    software = Software("a/b", ("other/image:v9", image))
    assert software.runs("calico/node") is runs
    assert software.tag("calico/node") == tag
