"""What a failed cluster leads to: who is put back, whether the rollout goes on, and how it is told."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from tests.playbooks.support import IPTABLES, NFTABLES, Estate, Rollout, cluster

IPVS_SETTINGS = {"scheduler": "LeastConnection", "tcpTimeoutSeconds": 777}
IPVS = {"enabled": True, "mode": "IPVS", "ipvsConfig": IPVS_SETTINGS}
DISABLED = {"enabled": False}
FLEET = [
    layout
    for wave in "ab"
    for layout in (
        cluster(f"{wave}1"),
        cluster(f"{wave}2", kube_proxy=IPVS),
        cluster(f"{wave}3", plugin="none", mode="disabled"),
    )
]
NEVER_TOUCHED: dict[str, Any] = {"a1": None, "a2": IPVS, "a3": DISABLED, "b1": None, "b2": IPVS, "b3": DISABLED}
PUT_BACK: dict[str, Any] = {**NEVER_TOUCHED, "a1": IPTABLES, "b1": IPTABLES}
"""The meaning of what there was, written out: a property left out might be kept as it is."""
WAVES = [["a1", "a2", "a3"], ["b1", "b2", "b3"]]
STAGES = [{"name": "all", "waves": ["50%"]}]


class Failure(NamedTuple):
    """A rollout in which operations fail: the policy, the clusters, how many waves run, who is put back."""

    policy: str
    failing: list[str]
    ran: int
    back: list[str]


FAILURES = [
    Failure("halt", ["a2"], 1, []),
    Failure("halt", ["b2"], 2, []),
    Failure("rollback", ["a3"], 1, ["a3"]),
    Failure("rollback", ["b1"], 2, ["b1"]),
    Failure("rollback_wave", ["a2"], 1, ["a1", "a2", "a3"]),
    Failure("rollback_wave", ["b3"], 2, ["b1", "b2", "b3"]),
    Failure("continue", ["a2", "b1"], 2, []),
]


def rolled(estate: Estate, settings: dict[str, str], policy: str) -> Rollout:
    return estate.roll(FLEET, settings=settings, mode="NFTABLES", enabled=True, policy=policy, stages=STAGES)


def sent_to(done: Rollout) -> list[tuple[str, str]]:
    """The writes, in an order that does not depend on who came first within a wave."""
    return sorted(done.puts)


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: f"{failure.policy}, {'+'.join(failure.failing)}")
def test_each_policy_puts_back_goes_on_and_tells_as_it_says(
    estate: Estate, settings: dict[str, str], failure: Failure
) -> None:
    policy, failing, ran, back = failure
    estate.lay_out(*FLEET)
    for name in failing:
        estate.azure.fault("operation_failed", match={"cluster": name})
    done = rolled(estate, settings, policy)
    begun = [name for wave in WAVES[:ran] for name in wave]
    bad = sorted({*failing, *back})

    # Azure
    switched = [name for name in begun if name not in back]
    assert done.after == {
        **NEVER_TOUCHED,
        **dict.fromkeys(switched, NFTABLES),
        **{name: PUT_BACK[name] for name in back},
    }
    restored = [(name, str(PUT_BACK[name].get("mode", "disabled"))) for name in back]
    assert sent_to(done) == sorted([*((name, "NFTABLES") for name in begun), *restored]), str(done.run)
    assert {name for name, _mode in done.puts[: len(WAVES[0])]} == set(WAVES[0]), "the waves came in another order"

    # the summary
    told = {name: "rolled_back" if name in back else "failed" if name in failing else "switched" for name in begun}
    assert done.states == {**dict.fromkeys(NEVER_TOUCHED, "not_started"), **told}
    assert done.summary is not None
    stopped = done.summary["stopped"]
    assert (stopped is None) == (policy == "continue")
    if stopped:
        assert stopped == f"all {ran}/2: 1 cluster(s) of the wave failed: {failing[0]}."
    for name in failing:
        assert "InternalOperationError" in done.row(name)["reason"]
    for name in begun:
        assert done.row(name)["verified"] == (None if name in failing and name not in back else "azure"), name

    # Ansible
    assert done.status == 2
    assert done.counted("failed") == {name: int(name in bad) for name in NEVER_TOUCHED}
    assert done.counted("changed") == {name: int(name in begun) for name in NEVER_TOUCHED}
    assert done.counted("rescued") == dict.fromkeys(NEVER_TOUCHED, 0)
    for name in NEVER_TOUCHED:
        (line,) = [line for line in done.table if line.startswith(f"{name} ")]
        assert line.endswith(done.states[name].replace("_", " "))


def test_a_rollback_that_fails_is_told_and_the_others_are_put_back(estate: Estate, settings: dict[str, str]) -> None:
    estate.lay_out(*FLEET)
    estate.azure.fault("operation_failed", match={"cluster": "a2"})
    estate.azure.fault("operation_failed", match={"cluster": "a1"}, skip=1)
    done = rolled(estate, settings, "rollback_wave")
    assert done.after == {**NEVER_TOUCHED, "a1": IPTABLES}
    assert {name: done.states[name] for name in WAVES[0]} == {
        "a1": "rollback_failed",
        "a2": "rolled_back",
        "a3": "rolled_back",
    }
    row = done.row("a1")
    assert "Putting it back failed: " in row["reason"] and row["verified"] is None
    assert (done.status, done.counted("failed")) == (2, {name: int(name in WAVES[0]) for name in NEVER_TOUCHED})


THREE = [cluster("c1"), cluster("c2"), cluster("c3")]


@pytest.mark.parametrize(("ceiling", "settings"), [(2, "plain"), ("67%", "any_errors_fatal")], indirect=["settings"])
def test_the_ceiling_of_failures_counts_over_the_waves(
    estate: Estate, settings: dict[str, str], ceiling: int | str
) -> None:
    estate.lay_out(*THREE)
    for name in ("c1", "c2"):
        estate.azure.fault("operation_failed", match={"cluster": name})
    done = estate.roll(
        THREE,
        settings=settings,
        mode="NFTABLES",
        policy="continue",
        max_failures=ceiling,
        stages=[{"name": "one", "waves": [1]}],
    )
    assert done.states == {"c1": "failed", "c2": "failed", "c3": "not_started"}, str(done.run)
    assert done.after["c3"] is None
    assert done.summary is not None
    assert done.summary["stopped"] == "one 2/3: 2 cluster(s) failed, the ceiling is 2."
    assert (done.status, done.counted("failed")) == (2, {"c1": 1, "c2": 1, "c3": 0})


OLD_ONE = [cluster("c1"), cluster("c2", version="1.32.7"), cluster("c3")]


@pytest.mark.parametrize(("blocked", "others"), [("fail", "not_started"), ("skip", "switched")])
def test_a_blocked_cluster_fails_before_anything_is_written_or_is_skipped(
    estate: Estate, settings: dict[str, str], blocked: str, others: str
) -> None:
    estate.lay_out(*OLD_ONE)
    done = estate.roll(
        OLD_ONE, settings=settings, mode="NFTABLES", blocked=blocked, stages=[{"name": "all", "waves": [2, 1]}]
    )
    assert done.states == {"c1": others, "c2": "blocked", "c3": others}, str(done.run)
    assert sorted(done.puts) == ([("c1", "NFTABLES"), ("c3", "NFTABLES")] if blocked == "skip" else [])
    assert "1.33" in done.row("c2")["reason"]
    fails = int(blocked == "fail")
    assert (done.status, done.counted("failed")) == (2 * fails, {"c1": 0, "c2": fails, "c3": 0})
