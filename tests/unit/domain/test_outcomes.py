"""What a wave came to, and what follows from it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.outcomes import (
    BadPolicy,
    Consequence,
    consequence,
    interrupted,
    judgement,
    pending,
    wave_outcomes,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.verdict import STATES, Verdict, timed

IPTABLES = {"enabled": True, "mode": "IPTABLES", "ipvs_config": None, "configured": False}
NFTABLES = {"enabled": True, "mode": "NFTABLES", "ipvs_config": None, "configured": True}


def verdict(state: str, **differences: Any) -> dict[str, Any]:
    ok = state in ("switched", "unchanged", "would_switch")
    found = {
        "id": "/id",
        "state": state,
        "ok": ok,
        "changed": state in ("switched", "would_switch", "failed"),
        "previous": IPTABLES,
        "current": NFTABLES,
        "verified": "azure" if state in ("switched", "unchanged") else None,
        "seconds": 1.0,
        "reason": "" if ok else f"it {state}",
        "advice": "",
        "findings": [],
        "code": None if ok else state.upper(),
    }
    return {**found, **differences}


def states(outcomes: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {host: outcome["state"] for host, outcome in outcomes.items()}


def test_a_verdict_is_ok_by_its_state() -> None:
    for state in STATES:
        found = Verdict("/id", state).as_result()
        assert found["ok"] is (state in ("switched", "unchanged", "would_switch"))
        assert found == {
            **dict.fromkeys(found),
            "id": "/id",
            "state": state,
            "ok": found["ok"],
            "changed": False,
            "seconds": 0.0,
            "reason": "",
            "advice": "",
            "findings": [],
        }
    assert timed(Verdict("/id", "switched"), 1.26).seconds == 1.3


def test_what_is_left_to_do_is_to_switch_and_to_wait() -> None:
    preflight = {
        "a": verdict("would_switch"),
        "b": verdict("unchanged"),
        "running": verdict("unchanged", verified=None),
        "old": verdict("blocked", changed=False),
    }
    assert pending(preflight) == ["a", "running"]


def test_the_switch_counts_in_place_of_the_preflight() -> None:
    preflight = {"a": verdict("would_switch"), "b": verdict("would_switch"), "old": verdict("blocked", changed=False)}
    found = wave_outcomes(preflight, switched={"a": verdict("switched"), "b": verdict("failed")})
    assert states(found) == {"a": "switched", "b": "failed", "old": "blocked"}
    assert [outcome["bad"] for outcome in found.values()] == [False, True, True]
    assert found["b"]["reason"] == "it failed"


def test_a_blocked_cluster_may_be_left_out() -> None:
    found = wave_outcomes({"old": verdict("blocked", changed=False)}, skip_blocked=True)
    assert (found["old"]["bad"], found["old"]["ok"]) == (False, False)


def test_a_cluster_whose_last_operation_failed_is_never_just_left_out() -> None:
    broken = verdict("blocked", changed=False, code="last-operation-failed")
    assert wave_outcomes({"a": broken}, skip_blocked=True)["a"]["bad"] is True


def test_a_wave_that_was_not_begun_has_changed_nothing_and_failed_nowhere() -> None:
    preflight = {"a": verdict("would_switch"), "b": verdict("unchanged"), "x": verdict("blocked", changed=False)}
    preflight["running"] = verdict("unchanged", verified=None)
    found = wave_outcomes(preflight, stopped="The window is closed.")
    assert states(found) == {"a": "not_started", "b": "unchanged", "x": "blocked", "running": "not_started"}
    assert found["a"]["reason"] == "The window is closed."
    assert (found["a"]["changed"], found["a"]["bad"], found["a"]["current"]) == (False, False, IPTABLES)


def test_a_failed_hook_is_a_failure_whenever_it_comes() -> None:
    before = wave_outcomes(
        {"a": verdict("would_switch"), "b": verdict("would_switch")}, hook_failed=["a"], stopped="no"
    )
    assert states(before) == {"a": "failed", "b": "not_started"}
    assert (before["a"]["code"], before["a"]["changed"], before["a"]["bad"]) == ("HookFailed", False, True)
    after = wave_outcomes({"a": verdict("would_switch")}, switched={"a": verdict("switched")}, hook_failed=["a"])
    assert (after["a"]["state"], after["a"]["changed"], after["a"]["bad"]) == ("failed", True, True)
    worse = wave_outcomes({"a": verdict("would_switch")}, switched={"a": verdict("failed")}, hook_failed=["a"])
    assert worse["a"]["reason"] == "it failed"


def test_putting_back_is_told_with_what_led_to_it() -> None:
    advised = verdict("failed", reason="it failed. Run again.", advice="Run again.")
    switched = {"bad": advised, "good": verdict("switched"), "worse": verdict("failed")}
    back = {
        "bad": verdict("switched", current=IPTABLES),
        "good": verdict("unchanged", current=IPTABLES),
        "worse": verdict("failed", reason="no way"),
    }
    found = wave_outcomes(dict.fromkeys(switched, verdict("would_switch")), switched=switched, rolled_back=back)
    assert states(found) == {"bad": "rolled_back", "good": "rolled_back", "worse": "rollback_failed"}
    assert all(outcome["bad"] and not outcome["ok"] for outcome in found.values())
    assert (found["bad"]["reason"], found["bad"]["code"]) == ("it failed. It was put back.", "FAILED")
    assert (found["bad"]["current"], found["bad"]["verified"], found["bad"]["seconds"]) == (IPTABLES, "azure", 2.0)
    assert "with the rest of its wave" in found["good"]["reason"]
    assert found["worse"]["reason"] == "it failed Putting it back failed: no way"
    assert all(outcome["changed"] and outcome["id"] == "/id" for outcome in found.values())
    assert found["good"]["reason"] == "It was put back with the rest of its wave."
    assert [outcome["advice"] for outcome in found.values()] == ["", "", ""]


def test_the_advice_of_what_could_not_be_put_back_counts() -> None:
    failed = verdict("failed", reason="", advice="", seconds=1.16, changed=False)
    back = verdict("failed", reason="no way.", advice="Look.", code="Odd", seconds=1.16)
    (found,) = wave_outcomes({"a": failed}, rolled_back={"a": back}).values()
    assert (found["advice"], found["code"], found["seconds"]) == ("Look.", "Odd", 2.3)
    assert found["changed"] is True
    assert found["reason"] == "Putting it back failed: no way."
    advised = {**failed, "advice": "Old."}
    (found,) = wave_outcomes({"a": advised}, not_rolled_back=["a"], rollback_error="no token").values()
    assert (found["reason"], found["ok"]) == ("Putting it back could not be begun: no token", False)
    assert found["advice"] == ""


def test_putting_back_that_could_not_be_begun_is_told_too() -> None:
    switched = {"a": verdict("failed"), "b": verdict("switched")}
    found = wave_outcomes(switched, not_rolled_back=["a"], rollback_error="no token")
    assert states(found) == {"a": "rollback_failed", "b": "switched"}
    assert found["a"]["reason"] == "it failed Putting it back could not be begun: no token"
    assert found["a"]["bad"] is True
    assert (found["a"]["ok"], found["a"]["advice"]) == (False, "")
    assert states(wave_outcomes(switched, not_rolled_back=["a"])) == {"a": "failed", "b": "switched"}


LINE = '{"event": "submitting", "id": "/ID", "run": "r1"}'


@pytest.mark.parametrize(
    ("journal", "run", "changed"),
    [("", "r1", True), (LINE, "r1", True), (LINE, "r2", False), (LINE.replace("/ID", "/other"), "r1", False)],
)
def test_of_a_switch_that_told_nothing_the_journal_knows(journal: str, run: str, changed: bool) -> None:
    before = {"a": verdict("would_switch"), "b": verdict("unchanged"), "c": verdict("blocked")}
    (host, found), *others = interrupted(before, journal, run, "It died.").items()
    assert (host, others) == ("a", [])
    assert (found["state"], found["ok"], found["code"], found["verified"]) == ("failed", False, "Interrupted", None)
    assert (found["changed"], found["current"]) == (changed, NFTABLES if changed else IPTABLES)
    assert found["reason"].startswith("The task that switches the wave ended in its middle: It died. Run again")
    assert "nobody knows why" in interrupted(before, journal, run, " ")["a"]["reason"]


def test_what_was_found_before_a_switch_is_told_after_it() -> None:
    before, after = {"rule": "before"}, {"rule": "after"}
    found = wave_outcomes(
        {"a": verdict("would_switch", findings=[before])}, switched={"a": verdict("switched", findings=[before, after])}
    )
    assert found["a"]["findings"] == [before, after]
    silent = wave_outcomes({"a": verdict("would_switch", findings=[before])}, switched={"a": verdict("switched")})
    assert silent["a"]["findings"] == [before]


def test_nobody_goes_on_without_evidence_that_is_required_whatever_the_policy() -> None:
    silent = {"a": verdict("unverified"), "b": verdict("switched")}
    for required, stop in ((True, True), (False, False)):
        found = wave_outcomes(silent, required=required)
        assert consequence(found, "continue").as_result()["stop"] is stop
        assert consequence(found, "continue").rollback == ()


def test_missing_evidence_is_never_just_left_out_where_it_is_required() -> None:
    silent = {"a": verdict("blocked", code="NoEvidence"), "b": verdict("unverified"), "c": verdict("not_started")}
    bad = wave_outcomes(silent, skip_blocked=True, required=True)
    assert [outcome["bad"] for outcome in bad.values()] == [True, True, False]
    assert [outcome["bad"] for outcome in wave_outcomes(silent).values()] == [True, False, False]


GOOD = {"bad": False, "changed": True, "state": "switched", "reason": "", "code": None}
SAME = {"bad": False, "changed": False, "state": "unchanged", "code": None}
FAILED = {"bad": True, "changed": True, "state": "failed", "reason": "it failed", "code": "X"}
NOT_BEGUN = {"bad": False, "changed": False, "state": "not_started", "reason": "closed"}
REFUSED = {"bad": True, "changed": False, "state": "blocked", "code": "X"}
FORESEEN = {"bad": False, "changed": True, "state": "would_switch", "code": None}


@pytest.mark.parametrize(
    ("policy", "rollback", "stop"),
    [
        ("halt", (), True),
        ("continue", (), False),
        ("rollback", ("bad",), True),
        ("rollback_wave", ("good", "bad"), True),
    ],
)
def test_consequences_of_a_failure(policy: str, rollback: tuple[str, ...], stop: bool) -> None:
    outcomes = {"good": GOOD, "same": SAME, "bad": FAILED, "refused": REFUSED, "foreseen": FORESEEN}
    found = consequence(outcomes, policy)
    assert (found.rollback, found.stop) == (rollback, stop)
    assert ("bad, refused" in found.reason) is stop


@pytest.mark.parametrize("policy", ["rollback", "rollback_wave"])
def test_what_somebody_else_has_written_since_is_not_put_back(policy: str) -> None:
    found = consequence({"theirs": {**FAILED, "code": "NotApplied"}, "bad": FAILED}, policy)
    assert found.rollback == ("bad",)


@pytest.mark.parametrize("policy", ["halt", "rollback", "rollback_wave", "continue"])
def test_a_good_wave_has_none(policy: str) -> None:
    assert consequence({"a": GOOD, "b": SAME}, policy, failed_before=9, ceiling=1) == Consequence()


def test_a_ceiling_of_one_is_reached_by_the_first_failure() -> None:
    assert consequence({"a": FAILED}, "continue", ceiling=1).stop


def test_no_ceiling_ends_nothing() -> None:
    for ceiling in (None, ""):
        assert not consequence({"a": FAILED}, "continue", failed_before=999, ceiling=ceiling).stop


def test_the_reason_of_a_stop_names_all_that_failed() -> None:
    silent = {**FAILED, "state": "unverified"}
    found = consequence({"a": FAILED, "b": FAILED, "c": silent, "d": silent}, "halt")
    assert found.reason == (
        "2 cluster(s) of the wave failed: a, b. "
        "2 cluster(s) of the wave are unverified, and evidence is required: c, d."
    )


@pytest.mark.parametrize(("ceiling", "stops_at"), [(3, 3), ("3", 3), ("5%", 2), ("1%", 1)])
def test_the_ceiling_ends_a_rollout_that_would_go_on(ceiling: int | str, stops_at: int) -> None:
    below = consequence({"a": FAILED}, "continue", failed_before=stops_at - 2, ceiling=ceiling, total=40)
    assert not below.stop
    reached = consequence({"a": FAILED}, "continue", failed_before=stops_at - 1, ceiling=ceiling, total=40)
    assert reached.stop
    assert reached.reason == f"{stops_at} cluster(s) failed, the ceiling is {stops_at}."
    assert reached.as_result() == {"rollback": [], "stop": True, "reason": reached.reason}


@pytest.mark.parametrize(
    ("policy", "ceiling", "says"),
    [
        ("stop", None, "^The failure policy is 'stop'; it has to be one of halt, rollback, rollback_wave, continue.$"),
        (
            "halt",
            "some",
            "^The ceiling of failures is 'some'; it has to be a number from 1 on, or a percentage such as ",
        ),
        ("halt", 0, "^The ceiling of failures is 0; it has to be a number"),
        ("continue", "5%", "^The ceiling of failures is '5%': a percentage needs a plan to be a part of.$"),
    ],
)
def test_odd_policies_are_refused_even_where_nothing_failed(policy: str, ceiling: Any, says: str) -> None:
    with pytest.raises(BadPolicy, match=says):
        consequence({}, policy, ceiling=ceiling)


@pytest.mark.parametrize(
    ("outcomes", "host", "stopped", "check", "says"),
    [
        ({"a": GOOD}, "a", "", False, ""),
        ({"a": FAILED, "b": GOOD}, "a", "", False, "it failed"),
        ({"a": FAILED, "b": GOOD}, "b", "one failed", False, ""),
        ({"a": FAILED, "b": NOT_BEGUN}, "b", "one failed", False, ""),
        ({"a": GOOD, "b": NOT_BEGUN}, "b", "closed", False, "closed"),
        ({"a": GOOD, "b": NOT_BEGUN}, "a", "closed", False, ""),
        ({"a": GOOD}, "c", "closed", False, "closed"),
        ({"a": GOOD}, "c", "no token", True, "no token"),
        ({"a": GOOD}, "a", "closed", True, ""),
        ({"a": GOOD, "b": NOT_BEGUN}, "b", "closed", True, ""),
        ({"a": GOOD}, "stranger", "no token", True, ""),
        ({"a": FAILED}, "a", "would stop", True, "it failed"),
        ({"a": GOOD}, "c", "", False, "went on without this cluster"),
        ({"a": GOOD}, "stranger", "", False, ""),
        ({"a": {**FAILED, "reason": ""}}, "a", "", False, "not as asked for"),
    ],
)
def test_who_fails_in_the_end(
    outcomes: dict[str, dict[str, Any]], host: str, stopped: str, check: bool, says: str
) -> None:
    found = judgement(outcomes, host, ["a", "b", "c"], stopped=stopped, check_mode=check)
    assert (says in found) if says else (found == "")
