"""What missing evidence means: required, when_possible or off; in a preview, in a rollout, and in a rollback."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.playbooks.support import (
    IPTABLES,
    NFTABLES,
    Estate,
    Rollout,
    assert_keeps_to_its_schema,
    cluster,
    named,
)

ROLLBACK = "aks.kube_proxy.rollback"
ASKS = named("Ask the clusters themselves")
UNREACHABLE = {"api": "unreachable"}
DARK = cluster("dark", kubernetes=UNREACHABLE)
UNSAFE = cluster("unsafe", kubernetes={"localhost_nodeports": 5})
GOOD = cluster("good")
FLEET = [GOOD, cluster("lost"), DARK, UNSAFE, cluster("znext")]
REQUIRED: dict[str, Any] = {"mode": "NFTABLES", "verify": "required", "policy": "rollback", "blocked": "skip"}


def counts(done: Rollout) -> dict[str, int]:
    """How many clusters came to which end."""
    assert done.summary is not None, str(done.run)
    found: dict[str, int] = done.summary["counts"]
    return found


def losing(estate: Estate, name: str) -> str:
    """A hook that lets a cluster's API server be out of reach from then on; its path."""
    ask = {
        "url": f"{estate.azure.control_url}/kubernetes/{name}",
        "ca_path": str(estate.azure.ca_path),
        "method": "POST",
        "body_format": "json",
        "body": UNREACHABLE,
    }
    path = estate.folder / "lose.yml"
    path.write_text(json.dumps([{"ansible.builtin.uri": ask, "run_once": True}]), encoding="utf-8")
    return str(path)


def test_required_evidence_blocks_halts_and_puts_nothing_back(estate: Estate) -> None:
    estate.lay_out(*FLEET)
    words = {**REQUIRED, "stages": [{"name": "all", "waves": [4, 1]}]}

    # a preview tells what evidence blocks, and only reads
    check = estate.roll(FLEET, "--check", "--diff", **words)
    assert (check.writes, check.files, check.status) == ([], [], 2), str(check.run)
    told = {one.host: one.message for one in check.run.results_of(named("Tell the outcome of each cluster"))}
    assert told == {
        "dark": "blocked: NoEvidence",
        "good": "would_switch",
        "lost": "would_switch",
        "unsafe": "blocked: localhost-nodeports",
        "znext": "would_switch",
    }
    reasons = [line for line in check.table if line.startswith(("dark: ", "unsafe: "))]
    assert "could not be asked, and evidence is required" in reasons[0] and "HTTPS_PROXY" in reasons[0]
    assert "aks-nodepool1-" in reasons[1] and "[localhost-nodeports]" in reasons[1]
    assert check.asked_of("good")

    # what blocks is skipped, but a cluster without evidence is a failure all the same: the wave is not begun
    refused = estate.roll(FLEET, **words)
    assert (refused.puts, refused.status) == ([], 2), str(refused.run)
    assert refused.states == {
        "dark": "blocked",
        "unsafe": "blocked",
        **dict.fromkeys(("good", "lost", "znext"), "not_started"),
    }
    assert refused.row("dark")["code"] == "NoEvidence"
    assert refused.counted("failed") == {"dark": 1, "good": 0, "lost": 0, "unsafe": 0, "znext": 0}

    # without it the others are switched; one whose nodes cannot be asked then ends the rollout, and stays as it is
    words = {**REQUIRED, "stages": [{"name": "all", "waves": [3, 1]}], "before_wave": losing(estate, "lost")}
    done = estate.roll(FLEET, "--limit", "!dark", **words)
    assert sorted(done.puts) == [("good", "NFTABLES"), ("lost", "NFTABLES")], str(done.run)
    assert done.states == {"good": "switched", "lost": "unverified", "unsafe": "blocked", "znext": "not_started"}
    assert done.after == {"good": NFTABLES, "lost": NFTABLES, "dark": None, "unsafe": None, "znext": None}
    assert done.row("good")["verified"] == "nodes" and done.row("lost")["code"] == "Unreachable"
    assert done.summary is not None
    assert done.summary["stopped"] == (
        "all 1/2: 1 cluster(s) of the wave are unverified, and evidence is required: lost."
    )
    assert (done.status, done.counted("failed")) == (2, {"good": 0, "lost": 1, "unsafe": 0, "znext": 0})
    assert_keeps_to_its_schema(done.summary)


def test_required_evidence_ends_a_rollout_that_would_continue(estate: Estate) -> None:
    fleet = [cluster("lost"), cluster("znext")]
    estate.lay_out(*fleet)
    words = {**REQUIRED, "policy": "continue", "stages": [{"name": "all", "waves": [1, 1]}]}
    done = estate.roll(fleet, before_wave=losing(estate, "lost"), **words)
    assert (done.status, done.puts) == (2, [("lost", "NFTABLES")]), str(done.run)
    assert done.states == {"lost": "unverified", "znext": "not_started"}


PAIR = [DARK, cluster("forbidden", kubernetes={"pod_proxy": "forbidden"})]


def test_what_is_possible_goes_on_without_evidence_and_never_calls_it_fine(estate: Estate) -> None:
    estate.lay_out(*PAIR)
    words: dict[str, Any] = {"mode": "NFTABLES", "verify": "when_possible", "stages": [{"name": "all", "waves": [1]}]}
    check = estate.roll(PAIR, "--check", **words)
    assert (check.writes, check.status) == ([], 0), str(check.run)
    printed = " ".join(f"{check.run.stdout} {check.run.stderr}".split())
    for told in ("dark: unverified. ", "forbidden: unverified. "):
        assert told in printed, "who goes on without evidence is told of before anything is written"

    done = estate.roll(PAIR, **words)
    assert (done.status, counts(done)) == (0, {"unverified": 2}), str(done.run)
    assert done.after == dict.fromkeys(("dark", "forbidden"), NFTABLES)
    for name in ("dark", "forbidden"):
        row = done.row(name)
        assert (row["ok"], row["verified"], row["changed"]) == (False, "azure", True)
    assert done.table[-1] == "2 cluster(s): 2 unverified"
    assert_keeps_to_its_schema(done.summary)

    # a hook's failure for a cluster that nobody could ask is a failure, and puts it back
    hook = estate.folder / "hook.yml"
    hook.write_text("- ansible.builtin.fail: {msg: The shop is down.}\n", encoding="utf-8")
    estate.lay_out(*PAIR)
    failed = estate.roll(PAIR, after_wave=str(hook), policy="rollback", **words)
    assert failed.states == {"dark": "rolled_back", "forbidden": "not_started"}, str(failed.run)
    assert failed.after == {"dark": IPTABLES, "forbidden": None}
    row = failed.row("dark")
    assert (failed.status, row["code"], row["verified"]) == (2, "HookFailed", "azure")
    assert "It was put back. Azure reports IPTABLES." in row["reason"] and "cannot be reached" in row["reason"]


@pytest.mark.parametrize("how", ["a bare word in YAML", "on the command line"])
def test_switched_off_no_cluster_is_asked(estate: Estate, tmp_path: Path, how: str) -> None:
    estate.lay_out(GOOD)
    variables = tmp_path / "verify.yml"
    variables.write_text("rolling_update_verify: off\n", encoding="utf-8")
    options = {"a bare word in YAML": f"@{variables}", "on the command line": "rolling_update_verify=off"}
    done = estate.roll([GOOD], "-e", options[how], mode="NFTABLES", verify="required")
    assert (done.status, done.after, done.asked) == (0, {"good": NFTABLES}, []), str(done.run)
    assert [entry["path"] for entry in done.requests if entry["path"].endswith("Credential")] == []
    assert (done.row("good")["verified"], done.row("good")["evidence"]) == ("azure", None)
    assert {one.event for one in done.run.results_of(ASKS)} <= {"skipped"}


def test_the_preflight_alone_asks_whether_it_is_safe_and_a_closed_gate_stays_closed(estate: Estate) -> None:
    fleet = [GOOD, UNSAFE]
    estate.lay_out(*fleet)
    words: dict[str, Any] = {"mode": "NFTABLES", "verify": "when_possible", "blocked": "skip"}
    looked = estate.roll(fleet, "--tags", "preflight", **words)
    assert (looked.writes, looked.files, looked.status) == ([], [], 0), str(looked.run)
    assert looked.table[1:3] == [
        "good     all    1/1   IPTABLES  NFTABLES  -         -        would switch",
        "unsafe   all    1/1   IPTABLES  IPTABLES  -         -        blocked",
    ]
    assert looked.asked_of("good") and looked.asked_of("unsafe")

    wrong = estate.roll(fleet, tolerate=["no-such-rule"], **words)
    assert (wrong.writes, wrong.asked, wrong.status) == ([], [], 2), str(wrong.run)
    assert wrong.summary is not None and "no-such-rule" in wrong.summary["stopped"]

    gated = estate.roll(fleet, stages=[{"name": "all", "gate": True}], **words)
    assert (gated.writes, gated.status) == ([], 2), str(gated.run)
    assert gated.states == {"good": "not_started", "unsafe": "blocked"}
    assert "proxyMode" not in str(gated.asked), "what was not switched is not asked for its mode"


def test_a_rollback_is_proven_too_and_never_waits_for_evidence(estate: Estate) -> None:
    fleet = [GOOD, DARK]
    estate.lay_out(*fleet)
    forward = estate.roll(fleet, mode="NFTABLES")
    assert forward.status == 0, str(forward.run)
    back = estate.roll(fleet, playbook=ROLLBACK, verify="when_possible")
    assert (back.status, back.after) == (0, dict.fromkeys(("good", "dark"), IPTABLES)), str(back.run)
    assert back.states == {"good": "switched", "dark": "unverified"}
    assert (back.row("good")["verified"], back.row("dark")["verified"]) == ("nodes", "azure")
    assert_keeps_to_its_schema(back.summary)

    # evidence that is required is missed afterwards, and has kept nobody from putting back; nor does a wrong option
    estate.lay_out(*fleet)
    for name in ("good", "dark"):
        estate.azure.change_cluster(name, {"properties": {"networkProfile": {"kubeProxyConfig": NFTABLES}}})
    strict = estate.roll(fleet, playbook=ROLLBACK, verify="required", tolerate=["no-such-rule"])
    assert (strict.status, strict.after) == (2, dict.fromkeys(("good", "dark"), IPTABLES)), str(strict.run)
    assert strict.states == dict.fromkeys(("good", "dark"), "unverified")
    assert "no-such-rule" in strict.row("good")["reason"]
    assert strict.counted("failed") == {"good": 1, "dark": 1}
