"""A rollout that is run again, or was killed while it asked, asks the nodes again of what has been switched."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from tests.playbooks.processes import eventually, rolling
from tests.playbooks.support import NFTABLES, Estate, assert_keeps_to_its_schema, cluster, named

HEALTHY: dict[str, Any] = {"api": "ok", "lying_nodes": 0, "not_ready_nodes": 0}
ROLL: dict[str, Any] = {"mode": "NFTABLES", "verify": "when_possible", "policy": "rollback"}


def modes_asked(paths: list[str]) -> int:
    """How often a node was asked for its mode."""
    return sum(path.endswith("/proxyMode") for path in paths)


def test_a_rerun_asks_again_and_a_cluster_that_has_drifted_fails(estate: Estate) -> None:
    fleet = [cluster("new"), cluster("old", mode="NFTABLES"), cluster("quiet", mode="NFTABLES")]
    estate.lay_out(*fleet)
    estate.azure.change_kubernetes("quiet", {"api": "unreachable"})

    # beside a cluster that is switched, those that are as asked for already are asked as well
    first = estate.roll(fleet, **ROLL)
    assert (first.status, first.puts) == (0, [("new", "NFTABLES")]), str(first.run)
    assert first.states == {"new": "switched", "old": "unchanged", "quiet": "unverified"}
    assert (first.row("old")["verified"], first.row("quiet")["verified"]) == ("nodes", "azure")
    assert modes_asked(first.asked_of("old")) == 3

    # nothing is left to switch: all are asked again, and nothing is written
    estate.azure.change_kubernetes("quiet", HEALTHY)
    second = estate.roll(fleet, **ROLL)
    assert (second.status, second.writes) == (0, []), str(second.run)
    assert second.states == dict.fromkeys(("new", "old", "quiet"), "unchanged")
    for name in ("new", "old", "quiet"):
        assert second.row(name)["verified"] == "nodes"
        assert modes_asked(second.asked_of(name)) == 3
    assert second.counted("changed") == {"new": 0, "old": 0, "quiet": 0}
    assert_keeps_to_its_schema(second.summary)

    # a node that has fallen back since makes it fail; whoever set the mode, it was not this run, so it stays
    estate.azure.change_kubernetes("old", {"lying_nodes": 1})
    drifted = estate.roll(fleet, **ROLL)
    assert (drifted.status, drifted.writes) == (2, []), str(drifted.run)
    assert drifted.states == {"new": "unchanged", "old": "contradicted", "quiet": "unchanged"}
    assert "vmss000000 says that it runs IPTABLES" in drifted.row("old")["reason"]
    assert drifted.counted("failed") == {"new": 0, "old": 1, "quiet": 0}
    assert drifted.after == dict.fromkeys(("new", "old", "quiet"), NFTABLES)
    assert_keeps_to_its_schema(drifted.summary)


@pytest.mark.parametrize("why", ["a cluster is blocked", "the gate is closed"])
def test_what_is_in_place_is_proven_also_where_its_wave_is_not_begun(why: str, estate: Estate) -> None:
    """Azure's word alone is not called fine because something else ended the wave."""
    other = {"a cluster is blocked": {"version": "1.32.7"}, "the gate is closed": {}}[why]
    gate = {"gate": why == "the gate is closed"}
    fleet = [
        cluster("fine", mode="NFTABLES"),
        cluster("lying", mode="NFTABLES", kubernetes={"lying_nodes": 1}),
        cluster("quiet", mode="NFTABLES", kubernetes={"api": "unreachable"}),
        cluster("zother", **other),
    ]
    estate.lay_out(*fleet)
    done = estate.roll(fleet, **{**ROLL, "verify": "required"}, stages=[{"name": "all", **gate}])
    assert (done.status, done.writes) == (2, []), str(done.run)
    last = "blocked" if other else "not_started"
    assert done.states == {"fine": "unchanged", "lying": "contradicted", "quiet": "unverified", "zother": last}
    assert done.row("fine")["verified"] == "nodes"
    assert done.counted("failed") == {"fine": 0, "lying": 1, "quiet": 1, "zother": 1 if other else 0}
    assert done.summary is not None
    stopped = done.summary["stopped"]
    assert "failed: lying" in stopped or "failed: lying, zother" in stopped
    assert ("gate" in stopped) is bool(gate["gate"])
    assert_keeps_to_its_schema(done.summary)


def test_warnings_tell_where_and_what_to_do_on_the_screen_and_in_the_file(estate: Estate) -> None:
    """A switch between iptables and IPVS leaves rules behind, which nothing shows but a warning."""
    fleet = [cluster("tables")]
    estate.lay_out(*fleet)
    done = estate.roll(fleet, mode="IPVS", verify="required")
    assert (done.status, done.states) == (0, {"tables": "switched"}), str(done.run)
    (stale,) = [one for one in done.row("tables")["warnings"] if one.get("object")]
    assert (stale["rule"], stale["count"]) == ("iptables-ipvs-stale-rules", 3)
    assert "aks-nodepool1-" in stale["object"]
    told = [line for line in done.table if stale["object"] in line]
    assert told == [f"  tables ({stale['object']}): {stale['reason']} {stale['remedy']} [iptables-ipvs-stale-rules]"]
    printed = " ".join(f"{done.run.stdout} {done.run.stderr}".split())
    assert f"tables ({stale['object']}): {stale['reason']} {stale['remedy']}" in printed
    assert_keeps_to_its_schema(done.summary)


def test_killed_while_it_asks_it_stops_asking_and_the_next_run_proves_it(estate: Estate) -> None:
    fleet = [cluster("c1", kubernetes={"not_ready_nodes": 1})]
    estate.lay_out(*fleet)
    words = {**ROLL, "verify_timeout": 600, "joining_seconds": 10**6}
    command = estate.command(fleet, **words)
    estate.azure.clear_requests()
    estate.azure.clear_kubernetes_requests()
    with rolling(estate, command) as run:
        run.watch_until(lambda: estate.stored("c1") == NFTABLES, "the cluster is switched")
        switched = estate.azure.now()
        asked = estate.azure.kubernetes_requests
        run.watch_until(lambda: sum(one["time"] > switched for one in asked()) > 6, "the nodes are asked")
        run.kill(signal.SIGKILL)
        eventually(lambda: not run.members(), "its workers end")
    assert estate.summary() is None

    estate.azure.change_kubernetes("c1", HEALTHY)
    again = estate.roll(fleet, **words)
    assert (again.status, again.writes, again.states) == (0, [], {"c1": "unchanged"}), str(again.run)
    assert again.row("c1")["verified"] == "nodes"
    assert {one.event for one in again.run.results_of(named("Put back"))} == {"skipped"}
