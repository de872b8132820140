"""The closing summary and the audit, for machines and for people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.audit import audit, audit_table
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.cluster import Cluster
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.compatibility import outlook
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.summary import (
    nodes_table,
    plan_table,
    summary,
    table,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.verdict import STATES

IPTABLES = {"enabled": True, "mode": "IPTABLES", "ipvs_config": None, "configured": False}
NFTABLES = {"enabled": True, "mode": "NFTABLES", "ipvs_config": None, "configured": True}


def wave(stage: str, number: int, of: int, *hosts: str, **more: Any) -> dict[str, Any]:
    return {"stage": stage, "number": number, "of": of, "hosts": list(hosts), "soak_seconds": 60, "gate": False, **more}


PLAN = {
    "run": "r1",
    "started": "2026-11-22T20:00:00+00:00",
    "waves": [
        wave("dev", 1, 1, "d1", "d2", last=False),
        wave("production", 1, 1, "p1", gate=True, last=True),
    ],
    "left_out": ["other"],
}


STALE = {
    "rule": "stale-rules",
    "severity": "warn",
    "object": "aks-1, aks-2",
    "reason": "Rules may be left.",
    "remedy": "Reboot them.",
    "source": "https://example.org",
}
BLOCKS = {**STALE, "rule": "other", "severity": "block"}


def outcome(state: str, **more: Any) -> dict[str, Any]:
    found = {"id": f"/{state}", "state": state, "ok": state == "switched", "changed": True, "previous": IPTABLES}
    rest = {
        "current": NFTABLES,
        "verified": "azure",
        "seconds": 95.4,
        "reason": "",
        "code": None,
        "findings": [BLOCKS, STALE],
    }
    return {**found, **rest, "correlation_id": None, **more}


FAILED = outcome("rolled_back", reason="Cluster d2: it broke.", code="Broken", current=IPTABLES)


def test_the_record_has_a_row_for_each_planned_cluster() -> None:
    record = summary(PLAN, {"d1": outcome("switched"), "d2": FAILED}, ended="later", stopped="dev 1/1: one failed")
    assert (record["kind"], record["version"], record["run"]) == ("aks.kube_proxy rollout", 1, "r1")
    assert record["counts"] == {"switched": 1, "rolled_back": 1, "not_started": 1}
    assert record["stopped"] == "dev 1/1: one failed"
    assert record["left_out"] == ["other"]
    first, second, third = record["clusters"]
    assert first == {
        "host": "d1",
        "stage": "dev",
        "wave": 1,
        "waves": 1,
        "id": "/switched",
        "state": "switched",
        "ok": True,
        "changed": True,
        "before": IPTABLES,
        "after": NFTABLES,
        "verified": "azure",
        "seconds": 95.4,
        "reason": "",
        "code": None,
        "correlation_id": None,
        "warnings": [STALE],
        "evidence": None,
    }
    assert second["code"] == "Broken"
    assert set(third) == set(first)
    assert third == {
        **dict.fromkeys(first),
        "host": "p1",
        "stage": "production",
        "wave": 1,
        "waves": 1,
        "state": "not_started",
        "ok": False,
        "changed": False,
        "seconds": 0.0,
        "reason": "dev 1/1: one failed",
        "warnings": [],
    }


NODE = {
    "node": "aks-1",
    "pool": "pool1",
    "kernel": "6.8.0",
    "os_image": "Ubuntu",
    "expected": "NFTABLES",
    "observed": "IPTABLES",
    "since": None,
    "standing": "contradicted",
    "reason": "says so",
}


def test_the_nodes_that_are_not_as_asked_for_stand_in_record_and_table() -> None:
    evidence = {
        "how": "the API server",
        "proven": 2,
        "left_out": 1,
        "left_out_nodes": ["win"],
        "others": 3,
        "nodes": [NODE],
    }
    bad = outcome("contradicted", reason="Nodes differ.", code="NodesDiffer", evidence=evidence)
    record = summary(PLAN, {"d1": outcome("switched", evidence={**evidence, "nodes": []}), "d2": bad}, ended="later")
    assert record["clusters"][1]["evidence"] == evidence
    lines = table(record)
    place = lines.index("d2:")
    assert lines[place + 1 : place + 4] == [
        "node   pool   kernel  expected  observed  since  what",
        "aks-1  pool1  6.8.0   NFTABLES  IPTABLES  -      says so",
        "3 node(s) not as asked for (2 of them not shown), 2 proven, 1 left out (win)",
    ]
    assert "d1:" not in lines
    back = outcome("rolled_back", reason="It was put back.", evidence=evidence)
    assert "d2, before it was put back:" in table(summary(PLAN, {"d2": back}, ended="later"))


def test_the_table_is_for_people() -> None:
    record = summary(PLAN, {"d1": outcome("switched"), "d2": FAILED}, ended="later", stopped="dev 1/1: one failed")
    assert table(record) == [
        "cluster  stage       wave  before    after     verified  seconds  outcome",
        "d1       dev         1/1   IPTABLES  NFTABLES  azure     95       switched",
        "d2       dev         1/1   IPTABLES  IPTABLES  azure     95       rolled back",
        "p1       production  1/1   -         -         -         -        not started",
        "",
        "d2: Broken: Cluster d2: it broke.",
        "",
        "Warnings:",
        "  d1 (aks-1, aks-2), d2 (aks-1, aks-2): Rules may be left. Reboot them. [stale-rules]",
        "",
        "Left out: other",
        "",
        "Stopped: dev 1/1: one failed",
        "",
        "3 cluster(s): 1 switched, 1 rolled back, 1 not started",
    ]


def test_a_cluster_whose_turn_did_not_come_has_the_reason_except_in_a_prediction() -> None:
    found = {"d1": outcome("switched")}
    for check_mode, reason in ((False, "dev 1/1: closed"), (True, "")):
        record = summary(PLAN, found, ended="later", stopped="dev 1/1: closed", check_mode=check_mode)
        assert [row["reason"] for row in record["clusters"]][1:] == [reason, reason]


def test_check_mode_says_would() -> None:
    record = summary(PLAN, {}, ended="later", stopped="dev 1/1: one failed", check_mode=True)
    assert "Would stop: dev 1/1: one failed" in table(record)
    assert record["check_mode"] is True
    assert summary(PLAN, {}, ended="later")["stopped"] is None


def test_batches_without_a_plan_are_summed_up_too() -> None:
    record = summary({}, {"d1": outcome("switched")}, ended="later")
    assert [(row["host"], row["stage"], row["state"]) for row in record["clusters"]] == [("d1", "all", "switched")]
    assert (record["run"], record["started"], record["left_out"]) == ("", "", [])
    assert (record["clusters"][0]["wave"], record["clusters"][0]["waves"]) == (1, 1)


def test_clusters_with_the_same_reason_share_a_line_and_seconds_are_whole() -> None:
    same = outcome("failed", reason="It broke.", seconds=1.0)
    record = summary(PLAN, {"d1": same, "d2": {**same, "seconds": 0.9}}, ended="later")
    lines = table(record)
    assert "d1, d2: It broke." in lines
    assert [line.split()[-2] for line in lines[1:3]] == ["1", "-"]


@pytest.mark.parametrize(("number", "names"), [(5, "n0, n1, n2, n3, n4"), (6, "n0, n1, n2, n3, n4, …")])
def test_many_nodes_that_are_left_out_are_not_all_named(number: int, names: str) -> None:
    left_out = [f"n{one}" for one in range(number)]
    lines = nodes_table([NODE], proven=0, left_out=number, left_out_nodes=left_out, others=1)
    assert lines[-1] == f"1 node(s) not as asked for, 0 proven, {number} left out ({names})"


def test_the_plan_shows_gates_and_soaks() -> None:
    assert plan_table(PLAN) == [
        "dev 1/1: d1, d2; soaks 60 s",
        "production 1/1: gate; p1",
        "Left out: other",
    ]


def test_the_plan_ends_with_the_time_window() -> None:
    assert plan_table(PLAN, "Time window: closed now.")[-1] == "Time window: closed now."


def test_a_plan_without_soaks_and_left_out_clusters_says_nothing_of_them() -> None:
    plan = {**PLAN, "waves": [wave("dev", 1, 2, "d1", soak_seconds=0, last=False)], "left_out": []}
    assert plan_table(plan) == ["dev 1/2: d1"]


def described(name: str, version: str, kube_proxy: dict[str, Any] | None = None) -> dict[str, Any]:
    network = {"kubeProxyConfig": kube_proxy} if kube_proxy else {}
    properties = {"currentKubernetesVersion": version, "kubernetesVersion": version, "networkProfile": network}
    cluster = Cluster({"id": f"/{name}", "name": name, "location": "x", "properties": properties})
    return {
        "id": f"/{name}",
        "name": name,
        "kubernetes_version": version,
        "kube_proxy": cluster.kube_proxy.as_result(),
        "feature_state": "Registered",
        "targets": outlook(cluster, "Registered"),
    }


def test_the_audit_tells_who_can_go_where_and_who_has_to_leave() -> None:
    ipvs = described("old", "1.32.7", {"enabled": True, "mode": "IPVS"})
    record = audit([{**described("new", "1.34.2"), "host": "new-host"}, ipvs], ["gone"])
    new, old = record["clusters"]
    assert (new["host"], new["mode"], new["can"]) == ("new-host", "IPTABLES", ["IPVS", "NFTABLES"])
    assert (old["mode"], old["can"]) == ("IPVS", ["IPTABLES"])
    assert old["blocked"]["NFTABLES"] == ["nftables-kubernetes-version"]
    assert (record["counts"], record["leave_ipvs"], record["missing"]) == (
        {"IPTABLES": 1, "IPVS": 1},
        ["old"],
        ["gone"],
    )
    lines = audit_table(record)
    assert lines[:3] == [
        "cluster   version  runs      can go to      blocked",
        "new-host  1.34.2   IPTABLES  IPVS NFTABLES  -",
        "old       1.32.7   IPVS      IPTABLES       nftables-kubernetes-version (NFTABLES)",
    ]
    assert lines[3:5] == ["", "2 cluster(s): 1 IPTABLES, 1 IPVS"]
    assert lines[5].startswith("Have to leave IPVS: old. ") and "1.40" in lines[5] and "1.43" in lines[5]
    assert lines[6:] == ["Not found in Azure: gone"]
    assert audit_table(audit([described("new", "1.34.2")]))[2:] == ["", "1 cluster(s): 1 IPTABLES"]


def test_an_audit_names_what_blocks_and_nothing_else() -> None:
    def target(possible: bool, *findings: tuple[str, str], current: bool = False) -> dict[str, Any]:
        told = [{"rule": rule, "severity": severity} for rule, severity in findings]
        return {"possible": possible, "current": current, "findings": told}

    cluster = {
        **described("c", "1.34.2"),
        "id": "/c",
        "feature_state": "Registered",
        "kube_proxy": {"mode": None},
        "targets": {
            "IPTABLES": target(False, ("one", "block"), ("two", "block")),
            "IPVS": target(False, ("one", "block"), ("odd", "warning")),
            "NFTABLES": target(True, ("three", "block"), current=True),
            "DISABLED": target(True, current=True),
        },
    }
    (row,) = audit([cluster])["clusters"]
    assert row == {
        "host": "c",
        "id": "/c",
        "kubernetes_version": "1.34.2",
        "mode": "NFTABLES",
        "feature_state": "Registered",
        "can": [],
        "blocked": {"IPTABLES": ["one", "two"], "IPVS": ["one"]},
    }
    record = {"clusters": [row], "counts": {"NFTABLES": 1, "IPVS": 2}, "leave_ipvs": ["b", "c"], "missing": ["d", "e"]}
    lines = audit_table(record)
    assert lines[1].endswith("NFTABLES  -          one (IPTABLES IPVS); two (IPTABLES)")
    assert lines[3] == "1 cluster(s): 2 IPVS, 1 NFTABLES"
    assert lines[4].startswith("Have to leave IPVS: b, c. ")
    assert lines[5:] == ["Not found in Azure: d, e"]


def test_the_record_keeps_to_its_published_schema() -> None:
    jsonschema = pytest.importorskip(
        "jsonschema", reason="jsonschema comes with ansible-lint, in the development tools"
    )
    schema = json.loads((Path(__file__).parents[3] / "docs" / "summary.schema.json").read_text())
    evidence = {
        "how": "runCommand",
        "proven": 2,
        "left_out": 1,
        "left_out_nodes": ["win"],
        "others": 3,
        "nodes": [NODE],
    }
    found = {"d1": outcome("switched"), "d2": FAILED, "p1": outcome("contradicted", evidence=evidence)}
    record = summary(PLAN, found, ended="later", stopped="dev 1/1: one failed")
    jsonschema.validate(record, schema)
    assert schema["$defs"] and set(schema["properties"]["clusters"]["items"]["properties"]["state"]["enum"]) == set(
        STATES
    )
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**record, "version": 2}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**record, "clusters": [{**record["clusters"][0], "before": {"enabled": "yes"}}]}, schema)
