"""What evidence changes in a wave's verdicts, and how it is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.evidence_outcomes import (
    evidence_clusters,
    with_proof,
    with_safety,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.kube_objects import Node
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.outcomes import consequence, wave_outcomes
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.proof_look import Proof, Row
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.proof_problems import (
    NO_ANSWER,
    OTHER_MODE,
    UNAPPLIED,
    UNSETTLED,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.safety import Finding
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.verification import (
    Verification,
    from_findings,
    from_proof,
    messages,
)

from .test_outcomes import IPTABLES, NFTABLES, states
from .test_outcomes import verdict as plain_verdict

BLOCKED = Finding("localhost-nodeports", "block", "NFTABLES", "node-0", 1, "It breaks.", "Mend it.", "https://source")


def verdict(state: str, **differences: Any) -> dict[str, Any]:
    return plain_verdict(state, findings=[], **differences)


def evidence(state: str, **differences: Any) -> dict[str, Any]:
    return Verification("/id", state, "NFTABLES", seconds=41.0, **differences).as_result()


def test_before_a_switch_those_are_asked_that_would_be_switched() -> None:
    verdicts = {"a": verdict("would_switch"), "b": verdict("unchanged"), "c": verdict("blocked")}
    assert evidence_clusters(verdicts, "before", {"a": {"access": "admin"}, "b": {"access": "user"}}) == [
        {
            "host": "a",
            "resource_id": "/id",
            "enabled": True,
            "mode": "NFTABLES",
            "previous_mode": "IPTABLES",
            "access": "admin",
        }
    ]


def test_what_is_not_known_or_not_set_is_not_asked_for() -> None:
    ipvs = {"enabled": True, "mode": "IPVS", "ipvs_config": {"scheduler": "RoundRobin"}, "configured": True}
    verdicts = {"a": verdict("would_switch", current=ipvs, previous=None)}
    (one,) = evidence_clusters(verdicts, "before", {"a": {"context": "", "kubeconfig": None}})
    assert one == {
        "host": "a",
        "resource_id": "/id",
        "enabled": True,
        "mode": "IPVS",
        "ipvs_config": {"scheduler": "RoundRobin"},
    }


def test_after_a_switch_those_are_asked_that_azure_reports_as_asked_for() -> None:
    running = verdict("unchanged", verified=None)
    failed = verdict("failed", verified="azure")
    verdicts = {"a": verdict("switched"), "b": verdict("unchanged"), "c": failed, "d": running}
    assert [one["host"] for one in evidence_clusters(verdicts, "after", {})] == ["a", "b"]


def test_a_disabled_kube_proxy_has_no_mode_to_be_asked_for() -> None:
    off = {"enabled": False, "mode": None, "ipvs_config": None, "configured": True}
    (one,) = evidence_clusters({"a": verdict("switched", current=off, previous=off)}, "after", {})
    assert one == {"host": "a", "resource_id": "/id", "enabled": False}


def test_what_speaks_against_a_switch_blocks_it_before_any_write() -> None:
    found = from_findings("/id", "NFTABLES", [BLOCKED], [], 3).as_result()
    known = {**verdict("would_switch"), "findings": [{"rule": "from-azure"}]}
    (blocked,) = with_safety({"a": known}, {"a": {**found, "advice": "Look."}}).values()
    assert (blocked["state"], blocked["ok"], blocked["changed"], blocked["id"]) == ("blocked", False, False, "/id")
    assert blocked["advice"] == "Look."
    assert (blocked["code"], blocked["current"]) == ("localhost-nodeports", IPTABLES)
    assert blocked["reason"] == "refused before any write. It breaks. [localhost-nodeports] node-0. Mend it."
    assert [finding["rule"] for finding in blocked["findings"]] == ["from-azure", "localhost-nodeports"]


def test_findings_of_azure_and_of_the_cluster_stand_beside_each_other() -> None:
    found = {"a": {**evidence("verified"), "findings": [{"rule": "of-nodes"}], "how": "x", "seconds": 1.23}}
    known = {**verdict("switched"), "findings": [{"rule": "from-azure"}], "seconds": 1.23}
    (outcome,) = with_proof({"a": known}, found).values()
    assert outcome["findings"] == [{"rule": "from-azure"}, {"rule": "of-nodes"}]
    assert (outcome["seconds"], outcome["id"], outcome["changed"]) == (2.5, "/id", known["changed"])


def test_that_nobody_knows_is_a_finding_of_its_own() -> None:
    found = {"a": evidence("unverified", reason="Unreachable.", advice="Look.", code="Unreachable")}
    (outcome,) = with_safety({"a": verdict("would_switch")}, found).values()
    assert outcome["findings"] == [
        {
            "rule": "no-evidence",
            "severity": "warn",
            "target": "NFTABLES",
            "object": "",
            "count": 0,
            "reason": "Unreachable.",
            "remedy": "Look.",
            "source": "",
            "tolerated": False,
        }
    ]


def test_missing_evidence_blocks_only_where_it_is_required() -> None:
    before = {"a": verdict("would_switch"), "b": verdict("would_switch")}
    found = {"a": evidence("unverified", reason="Unreachable.", code="Unreachable"), "b": evidence("safe")}
    possible = with_safety(before, found)
    assert states(possible) == {"a": "would_switch", "b": "would_switch"}
    assert [(one["rule"], one["reason"]) for one in possible["a"]["findings"]] == [("no-evidence", "Unreachable.")]
    assert possible["b"]["findings"] == []
    required = with_safety(before, found, required=True)
    assert states(required) == {"a": "blocked", "b": "would_switch"}
    assert required["a"]["code"] == "NoEvidence"
    assert "could not be asked, and evidence is required. Unreachable." in required["a"]["reason"]


def test_who_is_not_to_be_asked_stays_as_it_is() -> None:
    verdicts = {"a": verdict("failed"), "b": verdict("blocked")}
    assert with_safety(verdicts, {}, required=True) == verdicts
    assert with_proof(verdicts, {}) == verdicts
    verdicts = {"a": verdict("would_switch"), "b": verdict("switched")}
    assert with_safety(verdicts, {}, required=True, asked=False) == verdicts
    assert with_proof(verdicts, {}, asked=False) == verdicts


def test_silence_is_no_evidence() -> None:
    (found,) = with_safety({"a": verdict("would_switch")}, {}, required=True).values()
    assert (found["state"], found["code"]) == ("blocked", "NoEvidence")
    assert found["reason"].endswith("evidence is required. Nothing was heard of it. Run again.")
    (found,) = with_proof({"a": verdict("switched")}, {}).values()
    assert (found["state"], found["ok"], found["code"]) == ("unverified", False, "NoEvidence")


def test_required_evidence_that_is_missing_is_never_just_left_out() -> None:
    blocked = with_safety({"a": verdict("would_switch")}, {}, required=True)
    assert [one["bad"] for one in wave_outcomes(blocked, skip_blocked=True, required=True).values()] == [True]
    unsafe = {"a": evidence("unsafe", reason="It breaks.", code="localhost-nodeports")}
    skipped = with_safety({"a": verdict("would_switch")}, unsafe, required=True)
    assert [one["bad"] for one in wave_outcomes(skipped, skip_blocked=True, required=True).values()] == [False]


def test_proof_makes_nodes_the_witness() -> None:
    nodes = [{"standing": standing, "node": "n"} for standing in ["proven"] * 3 + ["left_out"] + ["unverified"] * 30]
    found = evidence("verified", nodes=nodes, proven=3, left_out=1, how="runCommand")
    (proven,) = with_proof({"a": verdict("switched")}, {"a": found}).values()
    assert (proven["state"], proven["ok"], proven["verified"], proven["seconds"]) == ("switched", True, "nodes", 42.0)
    assert proven["evidence"] == {
        "how": "runCommand",
        "proven": 3,
        "left_out": 1,
        "left_out_nodes": ["n"],
        "others": 30,
        "nodes": [{"standing": "unverified", "node": "n"}] * 20,
    }


@pytest.mark.parametrize("state", ["contradicted", "unverified"])
def test_without_proof_a_cluster_is_not_as_asked_for(state: str) -> None:
    found = {"a": evidence(state, reason="Three nodes differ.", advice="Look.", code="NodesDiffer")}
    (outcome,) = with_proof({"a": verdict("switched")}, found).values()
    assert (outcome["state"], outcome["ok"], outcome["verified"]) == (state, False, "azure")
    assert (outcome["code"], outcome["advice"]) == ("NodesDiffer", "Look.")
    assert outcome["reason"] == "Azure reports NFTABLES. Three nodes differ."


def test_nobody_is_proven_when_nobody_could_be_asked() -> None:
    verdicts = {"a": verdict("switched"), "b": verdict("failed")}
    found = with_proof(verdicts, {}, error="No credentials.")
    assert states(found) == {"a": "unverified", "b": "failed"}
    assert found["a"]["reason"] == "Azure reports NFTABLES. No credentials."


def outcomes(required: bool, **found: str) -> dict[str, dict[str, Any]]:
    switched = with_proof(
        {host: verdict("switched") for host in found}, {host: evidence(state) for host, state in found.items()}
    )
    return wave_outcomes({host: verdict("would_switch") for host in found}, switched=switched, required=required)


def test_evidence_of_failure_puts_back_and_missing_evidence_never_does() -> None:
    both = outcomes(True, a="contradicted", b="unverified", c="verified")
    assert [one["bad"] for one in both.values()] == [True, True, False]
    assert consequence(both, "rollback").rollback == ("a",)
    assert consequence(both, "rollback_wave").rollback == ("a", "b", "c")
    assert consequence(both, "halt").reason == (
        "1 cluster(s) of the wave failed: a. 1 cluster(s) of the wave are unverified, and evidence is required: b."
    )
    missing = outcomes(True, b="unverified", c="verified")
    for policy in ("halt", "rollback", "rollback_wave"):
        assert (consequence(missing, policy).rollback, consequence(missing, policy).stop) == ((), True)


def test_missing_evidence_stops_nothing_where_it_is_not_required() -> None:
    found = outcomes(False, a="unverified", b="verified")
    assert (found["a"]["ok"], found["a"]["bad"]) == (False, False)
    assert not consequence(found, "rollback_wave").stop


def test_a_failed_hook_counts_for_an_unverified_cluster_too() -> None:
    switched = with_proof({"a": verdict("switched")}, {"a": evidence("unverified")})
    found = wave_outcomes({"a": verdict("would_switch")}, switched=switched, hook_failed=["a"])
    assert (found["a"]["state"], found["a"]["bad"]) == ("failed", True)


PUT_BACK = {
    "verified": ("rolled_back", "nodes", "It was put back."),
    "unverified": ("rolled_back", "azure", "It was put back. Azure reports IPTABLES. Nobody knows."),
    "contradicted": ("rollback_failed", "azure", "Putting it back failed: Azure reports IPTABLES. Nobody knows."),
}


@pytest.mark.parametrize(("state", "end", "verified", "reason"), [(key, *row) for key, row in PUT_BACK.items()])
def test_what_was_put_back_is_proven_too(state: str, end: str, verified: str, reason: str) -> None:
    back = with_proof({"a": verdict("switched", current=IPTABLES)}, {"a": evidence(state, reason="Nobody knows.")})
    failed = {"a": verdict("failed", current=NFTABLES, reason="it failed.", evidence={"how": "before"})}
    (outcome,) = wave_outcomes({"a": verdict("would_switch")}, switched=failed, rolled_back=back).values()
    assert (outcome["state"], outcome["verified"], outcome["ok"]) == (end, verified, False)
    assert outcome["reason"] == f"it failed. {reason}"
    assert outcome["evidence"]["how"] == (
        "before" if state == "verified" else ""
    )  # what failed, or what is left unproven


def row(number: int, standing: str, reason: str = "") -> Row:
    node = Node(f"node-{number}", "pool1", kernel="6.8.0-1059-azure")
    return Row(node, "NFTABLES", standing, "IPTABLES", reason, 1_000_000.0)


def test_the_message_names_node_pool_kernel_expected_observed_and_since_when() -> None:
    rows = (
        row(0, "proven"),
        row(1, "left_out"),
        row(3, "unverified", "is not ready"),
        row(2, "contradicted", "says so"),
    )
    found = from_proof("/id", "NFTABLES", Proof("contradicted", rows, ((OTHER_MODE, "One differs."),)))
    told = [
        f"web: contradicted. One differs. {OTHER_MODE.advice}",
        "node    pool   kernel            expected  observed  since                 what",
        "node-2  pool1  6.8.0-1059-azure  NFTABLES  IPTABLES  1970-01-12T13:46:40Z  says so",
        "node-3  pool1  6.8.0-1059-azure  NFTABLES  IPTABLES  1970-01-12T13:46:40Z  is not ready",
        "2 node(s) not as asked for, 1 proven, 1 left out (node-1)",
    ]
    for one in (found, found.with_nodes_of("others")):
        assert messages({"web": one.as_result()}) == ["\n".join(told)]
    assert (len(found.with_nodes_of("all").nodes), len(found.with_nodes_of("others").nodes)) == (4, 3)


def test_a_message_about_hundreds_of_nodes_stays_readable() -> None:
    rows = tuple(row(number, "contradicted") for number in range(500))
    (told,) = messages({"web": from_proof("/id", "NFTABLES", Proof("contradicted", rows)).as_result()})
    lines = told.splitlines()
    assert (len(lines), lines[-1]) == (
        23,
        "500 node(s) not as asked for (480 of them not shown), 0 proven, 0 left out",
    )


def test_clusters_of_which_the_same_is_to_be_told_share_a_message() -> None:
    lost = evidence("unverified", reason="The API server is away.")
    found = {f"c{number}": lost for number in range(12)} | {"other": evidence("unverified", reason="No credentials.")}
    first, second = messages(found)
    assert first == "c0, c1, c2, c3, c4, c5, c6, c7, c8, c9 and 2 more: unverified. The API server is away."
    assert second == "other: unverified. No credentials."


STATES = {
    "proven": ("verified", True),
    "contradicted": ("contradicted", False),
    "unverified": ("unverified", False),
    "settling": ("unverified", False),
}


@pytest.mark.parametrize(("standing", "state", "ok"), [(key, *value) for key, value in STATES.items()])
def test_only_what_is_proven_is_called_verified(standing: str, state: str, ok: bool) -> None:
    kinds = {"contradicted": UNAPPLIED, "unverified": NO_ANSWER, "settling": UNSETTLED}
    troubles = ((kinds[standing], "So it is."),) if standing in kinds else ()
    found = from_proof("/id", "NFTABLES", Proof(standing, (), troubles))
    assert (found.state, found.ok) == (state, ok)
    assert bool(found.reason) is not ok


def test_stale_rules_are_a_warning_beside_a_proof() -> None:
    found = from_proof("/id", "IPVS", Proof("proven", ()), ["node-0", "node-1"])
    assert (found.ok, found.findings[0]["rule"], found.findings[0]["count"]) == (True, "iptables-ipvs-stale-rules", 2)


def test_a_warning_or_nothing_is_safe_and_what_was_not_read_is_not() -> None:
    warned = Finding("node-port-services", "warn", "NFTABLES", "a/b", 1, "Why.", "How.", "https://source")
    assert from_findings("/id", "NFTABLES", [warned], [], 3).state == "safe"
    missing = from_findings("/id", "NFTABLES", [warned], ["2 node(s) could not be asked."], 3)
    assert (missing.state, missing.code, missing.reason) == ("unverified", "Unread", "2 node(s) could not be asked.")


def test_all_that_is_missing_is_told() -> None:
    untold = Finding("no-counters", "warn", "NFTABLES", "node-0", 1, "Why.", "How.", "https://source")
    found = from_findings("/id", "NFTABLES", [untold], ["One.", "Two."], 3)
    assert found.reason == f"One. Two. {untold}"
    found = from_findings("/id", "NFTABLES", [untold, replace(untold, object="node-1")], [], 3)
    assert (found.code, found.reason) == ("no-counters", f"{untold} {replace(untold, object='node-1')}")
    blocks = [BLOCKED, replace(BLOCKED, rule="other", remedy="Last.")]
    found = from_findings("/id", "NFTABLES", blocks, [], 3)
    assert (found.code, found.advice) == ("localhost-nodeports", "Last.")
    assert found.reason == f"{blocks[0]} {blocks[1]}"


def test_what_is_not_said_of_a_verification_is_nothing() -> None:
    found = Verification("/id", "safe").as_result()
    numbers = dict.fromkeys(("proven", "left_out", "requests", "seconds"), 0)
    texts = dict.fromkeys(("expected", "how", "reason", "advice"), "")
    assert found == {
        **numbers,
        **texts,
        "id": "/id",
        "state": "safe",
        "ok": True,
        "code": None,
        "nodes": [],
        "findings": [],
        "services": None,
    }


def test_no_more_than_three_troubles_are_told() -> None:
    troubles = tuple((NO_ANSWER, f"{number}.") for number in range(4))
    found = from_proof("/id", "NFTABLES", Proof("unverified", (), troubles))
    assert found.reason == f"0. 1. 2. {NO_ANSWER.advice}"


def test_the_first_trouble_gives_code_and_advice() -> None:
    troubles = ((NO_ANSWER, "One."), (UNAPPLIED, "Two."))
    found = from_proof("/id", "NFTABLES", Proof("unverified", (row(0, "proven"),), troubles))
    assert (found.code, found.advice) == (NO_ANSWER.code, NO_ANSWER.advice)
    assert found.reason == f"One. Two. {NO_ANSWER.advice}"
    assert found.nodes == [
        {
            "node": "node-0",
            "pool": "pool1",
            "kernel": "6.8.0-1059-azure",
            "os_image": "",
            "expected": "NFTABLES",
            "observed": "IPTABLES",
            "since": "1970-01-12T13:46:40Z",
            "standing": "proven",
            "reason": "",
        }
    ]


def test_what_speaks_against_a_switch_counts_whatever_else_was_not_read() -> None:
    found = from_findings("/id", "NFTABLES", [BLOCKED], ["The Installation could not be read."], None)
    assert (found.state, found.code, found.services) == ("unsafe", "localhost-nodeports", None)
    assert from_findings("/id", "NFTABLES", [], [], 3).services == 3


def test_counters_that_are_not_told_are_missing_evidence_unless_that_is_tolerated() -> None:
    untold = Finding("no-counters", "warn", "NFTABLES", "node-0", 1, "Why.", "How.", "https://source")
    assert from_findings("/id", "NFTABLES", [untold], [], 3).state == "unverified"
    assert from_findings("/id", "NFTABLES", [replace(untold, tolerated=True)], [], 3).state == "safe"
