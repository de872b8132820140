"""After a switch: proof from the nodes of an emulated cluster, all that it can fall short of, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.operations.verifying import (
    CLOSED_AND_OPEN,
    Lay,
    asked,
    begin_switch,
    close,
    evidence,
    gets,
    look_cost,
    looks,
    meanwhile,
    standings,
    verify,
    with_nodes,
)

WAIT = 160
SETTLE = 35
NFT = {"mode": "NFTABLES"}
IPVS = {
    "enabled": True,
    "mode": "IPVS",
    "ipvsConfig": {"scheduler": "LeastConnection", "tcpTimeoutSeconds": 900, "udpTimeoutSeconds": 300},
}


# --- healthy clusters: no false alarm, at a known price ---


@pytest.mark.parametrize("nodes", [1, 3, 500])
def test_a_healthy_cluster_is_verified_with_two_looks_and_three_answers_of_each_node(nodes: int, azure: Lay) -> None:
    cloud = azure(with_nodes(nodes, **NFT))
    found = evidence(cloud)
    assert (found["state"], found["reason"], found["code"], found["expected"]) == ("verified", "", None, "NFTABLES")
    assert standings(found) == ["proven"] * nodes
    assert {row["observed"] for row in found["nodes"]} == {"NFTABLES"}
    assert found["requests"] == 2 * look_cost(nodes) + 3 * nodes
    assert asked(cloud, "proxyMode").total() == nodes
    assert asked(cloud, "metrics").total() == 2 * nodes
    assert cloud.time.seconds == found["seconds"] == SETTLE
    assert cloud.writes() == []


@pytest.mark.parametrize("mode", ["IPTABLES", "IPVS", "absent"])
def test_modes_without_a_count_take_one_look_and_one_answer_of_each_node(mode: str, azure: Lay) -> None:
    cloud = azure(with_nodes(3, mode=mode))
    found = evidence(cloud)
    assert (found["state"], found["expected"]) == ("verified", "IPTABLES" if mode == "absent" else mode)
    assert found["requests"] == look_cost(3) + 3
    assert cloud.time.seconds == 0


def test_a_rolling_switch_is_watched_until_the_last_node_is_proven(azure: Lay) -> None:
    """A node is asked when its pod is new, not before, and not again at each look."""
    cloud = azure(with_nodes(6, mode="IPTABLES"))
    begin_switch(cloud)
    found = evidence(cloud, **NFT)
    assert found["state"] == "verified"
    assert standings(found) == ["proven"] * 6
    assert looks(cloud) > 4
    assert found["requests"] == looks(cloud) * look_cost(6) + 3 * 6
    assert set(asked(cloud, "proxyMode").values()) == {1}
    assert set(asked(cloud, "metrics").values()) == {2}
    assert 5 + 6 * 8 + SETTLE <= cloud.time.seconds < 5 + 6 * 8 + 2 * SETTLE
    assert [path for path in gets(cloud) if "watch" in path] == []


def test_counts_of_failures_that_have_stopped_are_history(azure: Lay) -> None:
    cloud = azure(with_nodes(2, **NFT, inside={"sync_failing_nodes": 1}))
    cloud.emulator.advance(600)
    meanwhile(cloud, 35, lambda: cloud.emulator.change_kubernetes("c1", {"sync_failing_nodes": 0}))
    found = evidence(cloud, wait_timeout=300)
    assert found["state"] == "verified"


def test_what_azure_has_recorded_is_looked_for_when_nothing_is_asked(azure: Lay) -> None:
    cloud = azure(with_nodes(1, mode="IPVS"))
    assert evidence(cloud)["expected"] == "IPVS"
    cloud.emulator.clear_kubernetes_requests()
    assert evidence(cloud, mode="IPTABLES", wait_timeout=10)["state"] == "contradicted"


# --- what falls short ---


@dataclass(frozen=True)
class Row:
    """A deviation of a cluster with three nodes, the first of which deviates.

    Attributes:
        inside: the emulator's settings of the deviation.
        state: what the cluster has to come to.
        code: C(code) of the result.
        says: what the reason must hold.
        first: where the first node stands.
        seconds: how long it may take, in emulated seconds; at most, and at least.
        cluster: what else is laid out.
        options: the module's.
        switched: whether the switch is under way when it is verified, or done long ago.
        fleet: the rest of the layout.
    """

    name: str
    inside: dict[str, Any]
    state: str
    code: str
    says: tuple[str, ...]
    first: str
    seconds: tuple[float, float] = (WAIT - 10, WAIT)
    cluster: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    switched: bool = True
    fleet: dict[str, Any] = field(default_factory=dict)


NODE = "vmss000000"
FAILURES = (
    Row(
        "a stuck node",
        {"stuck_nodes": 1},
        "contradicted",
        "PodsNotReplaced",
        ("1 of 3 Linux node(s)", f"{NODE} still has a pod with IPTABLES (kube-proxy-", "kubectl rollout status"),
        "contradicted",
    ),
    Row(
        "a lying node",
        {"lying_nodes": 1},
        "contradicted",
        "NodesDiffer",
        ("1 of 3 Linux node(s)", f"{NODE} says that it runs IPTABLES (kube-proxy-", "kubectl logs", "reimaged"),
        "contradicted",
    ),
    Row(
        "a crashing pod",
        {"crashing_nodes": 1},
        "contradicted",
        "PodsNotReady",
        ("1 of 3", f"{NODE} has a pod that is not ready (kube-proxy-", "CrashLoopBackOff", "kubectl logs --previous"),
        "contradicted",
    ),
    Row(
        "rules that the kernel refuses",
        {"sync_failing_nodes": 1},
        "contradicted",
        "SyncFailures",
        ("1 of 3", f"{NODE} could not write its rules", "time(s) within", "put the former mode back"),
        "contradicted",
        seconds=(2 * SETTLE, 2 * SETTLE + 20),
        options={"wait_timeout": 600},
        switched=False,
    ),
    Row(
        "rules that the kernel refuses from the first one on",
        {"sync_failing_nodes": 1},
        "contradicted",
        "SyncFailures",
        ("1 of 3", f"{NODE} could not write its rules", "time(s) within", "put the former mode back"),
        "contradicted",
        seconds=(2 * SETTLE, WAIT),
    ),
    Row(
        "a setting that Azure took and did not apply",
        {},
        "contradicted",
        "DaemonSetUnchanged",
        ("has no --proxy-mode, which means iptables, not NFTABLES", "needs 1.33", "put the former mode"),
        "contradicted",
        cluster={"version": "1.32.7"},
        fleet={"behaviour": {"release": "before"}},
    ),
    Row(
        "a node that grew up without kube-proxy",
        {"joining_nodes": 1, "joining_seconds": 1e6},
        "contradicted",
        "NodesNotCovered",
        (f"{NODE} has no pod of kube-proxy", "taints"),
        "contradicted",
        options={"joining_seconds": 30},
        switched=False,
    ),
    Row(
        "a cordoned node that is stuck",
        {"stuck_nodes": 1, "cordoned_nodes": 1},
        "contradicted",
        "PodsNotReplaced",
        (f"{NODE} still has a pod",),
        "contradicted",
    ),
)
GAPS = (
    Row(
        "a node that is not ready",
        {"not_ready_nodes": 1},
        "unverified",
        "NodesNotReady",
        ("1 of 3 Linux node(s): aks-pool-", f"{NODE} is not ready", "not_ready_nodes: ignore"),
        "unverified",
        switched=False,
    ),
    Row(
        "a node that went before the switch",
        {"not_ready_nodes": 1},
        "unverified",
        "NodesNotReady",
        (f"{NODE} is not ready",),
        "unverified",
    ),
    Row(
        "pods that the API server does not reach",
        {"pod_proxy": "unreachable"},
        "unverified",
        "NoAnswer",
        ("3 of 3 Linux node(s)", f"{NODE} did not say its mode (HTTP 503", "i/o timeout", "10249"),
        "unverified",
        seconds=(WAIT - 10, WAIT + 5),  # a second's pause before each second try
        switched=False,
    ),
    Row(
        "no right to ask the pods",
        {"pod_proxy": "forbidden"},
        "unverified",
        "NoAnswer",
        ("3 of 3", f"{NODE} did not say its mode (HTTP 403", "pods/proxy", "docs/permissions.md"),
        "unverified",
        seconds=(0, 0),
        switched=False,
    ),
)


@pytest.mark.parametrize("row", [*FAILURES, *GAPS], ids=lambda row: str(row.name))
def test_a_deviation_is_told(row: Row, azure: Lay) -> None:
    """State, code, and a reason that names the node and what to do; the others are not blamed."""
    mode = "IPTABLES" if row.switched else "NFTABLES"
    cloud = azure(with_nodes(3, **{"mode": mode, "inside": row.inside, **row.cluster}), **row.fleet)
    if row.switched:
        cloud.emulator.change_kubernetes("c1", row.inside)
        begin_switch(cloud)
    options = {**NFT, "wait_timeout": WAIT, **row.options}
    result = verify(cloud, **options)
    found = result["clusters"]["c1"]
    assert (found["state"], found["code"], result["ok"], result["failed"]) == (row.state, row.code, False, True)
    for part in row.says:
        assert part in found["reason"], found["reason"]
    assert found["advice"]
    assert found["reason"].endswith(found["advice"])
    assert standings(found)[0] == row.first
    assert row.seconds[0] <= cloud.time.seconds <= row.seconds[1], cloud.time.seconds
    first, *table = result["msg"].splitlines()
    assert first == f"c1: {row.state}. {found['reason']}"
    assert "expected" in table[0]
    assert NODE in table[1]


def test_a_node_that_waits_in_vain_tells_since_when(azure: Lay) -> None:
    cloud = azure(with_nodes(2, mode="IPTABLES", inside={"stuck_nodes": 1}))
    begin_switch(cloud)
    stuck, moved = sorted(evidence(cloud, **NFT, wait_timeout=WAIT)["nodes"], key=lambda row: str(row["node"]))
    assert (stuck["expected"], stuck["observed"], stuck["pool"]) == ("NFTABLES", "IPTABLES", "pool")
    assert stuck["since"] < moved["since"]
    assert moved["standing"] == "proven"
    assert stuck["kernel"] == moved["kernel"] == "5.15.0-1116-azure"
    assert stuck["os_image"] == "Ubuntu 22.04.5 LTS"


def test_a_stuck_node_is_asked_what_it_runs_before_the_end(azure: Lay) -> None:
    cloud = azure(with_nodes(2, mode="IPTABLES", inside={"stuck_nodes": 1}))
    begin_switch(cloud)
    evidence(cloud, **NFT, wait_timeout=WAIT)
    assert sorted(asked(cloud, "proxyMode").values()) == [1, 1]


def test_what_a_container_said_before_it_was_started_again_counts_no_more(azure: Lay) -> None:
    """The first node is rebooted while the second one still waits for its new pod."""
    cloud = azure(with_nodes(2, mode="IPTABLES", inside={"rebooted_after_switch": True}))
    begin_switch(cloud, "IPVS")
    assert evidence(cloud, mode="IPVS")["state"] == "verified"
    assert sorted(asked(cloud, "proxyMode").values()) == [1, 2]


def test_other_modes_are_not_asked_for_a_count(azure: Lay) -> None:
    cloud = azure(with_nodes(2, **NFT))
    assert evidence(cloud, mode="IPTABLES", wait_timeout=10)["code"] == "DaemonSetUnchanged"
    assert asked(cloud, "metrics").total() == 0


def test_a_pool_behind_a_firewall_does_not_speak_for_the_others(azure: Lay) -> None:
    """Its nodes come first by name, and are more than it takes to give up."""
    cloud = azure(with_nodes(0, **NFT, pools=CLOSED_AND_OPEN))
    close(cloud, "closed")
    found = evidence(cloud, wait_timeout=120)
    assert (found["state"], found["code"]) == ("unverified", "NoAnswer")
    assert standings(found) == ["unverified"] * 40 + ["proven"] * 2


def test_nothing_more_is_asked_of_pods_that_may_not_be_asked(azure: Lay) -> None:
    cloud = azure(with_nodes(3, **NFT, inside={"pod_proxy": "forbidden"}))
    found = evidence(cloud)
    assert found["requests"] == look_cost(3) + 3
    assert asked(cloud, "metrics").total() == 0


# --- nodes of which nobody expects an answer ---


def test_nodes_that_are_not_ready_can_be_left_out(azure: Lay) -> None:
    cloud = azure(with_nodes(3, **NFT, inside={"not_ready_nodes": 1}))
    found = evidence(cloud, not_ready_nodes="ignore")
    assert found["state"] == "verified"
    assert standings(found) == ["left_out", "proven", "proven"]
    assert [row["reason"] for row in found["nodes"] if row["standing"] == "left_out"] == ["is not ready"]


def test_a_node_that_comes_back_is_waited_for(azure: Lay) -> None:
    cloud = azure(with_nodes(3, **NFT, inside={"not_ready_nodes": 1}))
    meanwhile(cloud, 60, lambda: cloud.emulator.change_kubernetes("c1", {"not_ready_nodes": 0}))
    found = evidence(cloud, wait_timeout=WAIT)
    assert found["state"] == "verified"
    assert 60 + SETTLE <= cloud.time.seconds < 60 + 2 * SETTLE


def test_a_node_long_gone_is_not_waited_for(azure: Lay) -> None:
    """What can be asked is asked, the rest is not proven: that is said at once."""
    cloud = azure(with_nodes(3, **NFT, inside={"not_ready_nodes": 1}))
    cloud.emulator.advance(900)
    found = evidence(cloud)
    assert (found["state"], found["code"]) == ("unverified", "NodesNotReady")
    assert standings(found) == ["unverified", "proven", "proven"]
    assert cloud.time.seconds <= SETTLE + 10
    (gone,) = [row for row in found["nodes"] if row["standing"] == "unverified"]
    assert gone["since"]


def test_cordoned_nodes_count_unless_they_are_to_be_ignored(azure: Lay) -> None:
    cloud = azure(with_nodes(3, mode="IPTABLES", inside={"cordoned_nodes": 1, "stuck_nodes": 1}))
    begin_switch(cloud)
    found = evidence(cloud, **NFT, cordoned_nodes="ignore", wait_timeout=WAIT)
    assert found["state"] == "verified", found["reason"]
    assert standings(found) == ["left_out", "proven", "proven"]
    assert found["nodes"][0]["reason"] == "is cordoned"
    healthy = azure(with_nodes(3, **NFT, inside={"cordoned_nodes": 1}))
    assert standings(evidence(healthy)) == ["proven"] * 3


def test_a_joining_node_is_left_out_until_it_serves(azure: Lay) -> None:
    cloud = azure(with_nodes(3, **NFT, inside={"joining_nodes": 1, "joining_seconds": 200}))
    found = evidence(cloud)
    assert found["state"] == "verified"
    assert standings(found) == ["left_out", "proven", "proven"]
    assert found["nodes"][0]["reason"] == "is just joining"
    cloud.emulator.advance(300)
    cloud.emulator.clear_kubernetes_requests()
    assert standings(evidence(cloud)) == ["proven"] * 3


def test_a_node_that_is_no_longer_young_is_waited_for(azure: Lay) -> None:
    cloud = azure(with_nodes(3, **NFT, inside={"joining_nodes": 1, "joining_seconds": 60}))
    found = evidence(cloud, joining_seconds=0, wait_timeout=WAIT)
    assert (found["state"], standings(found)) == ("verified", ["proven"] * 3)
    assert cloud.time.seconds >= 60 + SETTLE


def test_windows_nodes_are_named_and_left_out(azure: Lay) -> None:
    pools = [{"name": "pool", "count": 2}, {"name": "win", "count": 1, "mode": "User", "os_type": "Windows"}]
    cloud = azure(with_nodes(0, **NFT, pools=pools))
    found = evidence(cloud)
    assert found["state"] == "verified"
    (windows,) = [row for row in found["nodes"] if row["standing"] == "left_out"]
    assert (windows["pool"], windows["node"]) == ("win", "akswin000000")
    assert windows["reason"] == "runs Windows, where kube-proxy has one mode of its own"
    assert asked(cloud, "proxyMode").total() == 2


def test_a_cluster_of_windows_alone_proves_nothing(azure: Lay) -> None:
    pools = [{"name": "win", "count": 1, "os_type": "Windows"}]
    found = evidence(azure(with_nodes(0, **NFT, pools=pools)), wait_timeout=30)
    assert (found["state"], found["code"]) == ("unverified", "NoNodes")
    assert "None of the 1 node(s) counts" in found["reason"]


# --- rollouts of realistic length ---


@pytest.mark.parametrize(("nodes", "seconds", "wait"), [(3, 40, 60), (3, 40, 120), (30, 40, 150), (6, 100, 300)])
def test_a_rollout_that_takes_longer_than_the_wait_is_under_way(
    nodes: int, seconds: float, wait: int, azure: Lay
) -> None:
    """However little was waited for: a pod that takes its time is no evidence of failure."""
    cloud = azure(with_nodes(nodes, mode="IPTABLES"), behaviour={"node_seconds": seconds})
    begin_switch(cloud)
    found = evidence(cloud, **NFT, wait_timeout=wait)
    assert (found["state"], found["code"]) == ("unverified", "RolloutUnderWay"), found["reason"]
    assert "contradicted" not in standings(found)


@pytest.mark.parametrize(("wait", "state"), [(110, "unverified"), (160, "contradicted")])
def test_a_node_stands_still_after_two_minutes_not_before(wait: int, state: str, azure: Lay) -> None:
    cloud = azure(with_nodes(3, mode="IPTABLES"))
    cloud.emulator.change_kubernetes("c1", {"stuck_nodes": 1})
    begin_switch(cloud)
    assert evidence(cloud, **NFT, wait_timeout=wait)["state"] == state


@pytest.mark.parametrize("jump", [3600, -3600])
def test_a_clock_that_jumps_makes_no_rollout_stand_still(jump: float, azure: Lay) -> None:
    """The API server's clock, in the middle of a rollout of 100 seconds a node."""
    cloud = azure(with_nodes(3, mode="IPTABLES"), behaviour={"node_seconds": 100.0})
    begin_switch(cloud)
    meanwhile(cloud, 20, lambda: cloud.emulator.jump(jump))
    found = evidence(cloud, **NFT, wait_timeout=60)
    assert (found["state"], found["code"]) == ("unverified", "RolloutUnderWay"), found["reason"]


def test_a_node_that_is_not_ready_holds_a_rollout_up_only_where_it_uses_up_what_may_be_away(azure: Lay) -> None:
    """Of twenty nodes two may be replaced at a time. One that is gone leaves room for another."""
    deviation = {"stuck_nodes": 3, "not_ready_nodes": 1}
    for at_once, state, code in (("10%", "contradicted", "PodsNotReplaced"), (1, "unverified", "RolloutUnderWay")):
        cloud = azure(with_nodes(20, mode="IPTABLES"), behaviour={"nodes_at_once": at_once})
        cloud.emulator.change_kubernetes("c1", deviation)
        begin_switch(cloud)
        found = evidence(cloud, **NFT, not_ready_nodes="ignore", wait_timeout=400)
        assert (found["state"], found["code"]) == (state, code), found["reason"]
        assert "2 of 19 Linux node(s)" in found["reason"]


def test_a_switched_cluster_of_500_nodes_is_proven_while_it_rolls_at_the_documented_price(azure: Lay) -> None:
    """docs/evidence.md: a look costs 1 + 2 * ceil(N / 250), and each node is asked three times."""
    cloud = azure(with_nodes(500, mode="IPTABLES"), behaviour={"node_seconds": 12.0})
    begin_switch(cloud)
    found = evidence(cloud, **NFT)
    assert (found["state"], found["reason"]) == ("verified", "")
    assert standings(found) == ["proven"] * 500
    assert found["requests"] == 5 * looks(cloud) + 3 * 500
    assert looks(cloud) >= 5, "it rolled meanwhile"
    assert looks(cloud) <= 2 + cloud.time.seconds / 10, "no more than one every poll_interval"
    assert set(asked(cloud, "proxyMode").values()) == {1}
    assert set(asked(cloud, "metrics").values()) == {2}


@pytest.mark.parametrize("mode", ["IPTABLES", "IPVS"])
def test_a_container_that_runs_between_two_crashes_is_not_proven(mode: str, azure: Lay) -> None:
    """Caught while it is up, in its second round: ready, with the flags, and with an answer."""
    cloud = azure(with_nodes(1, mode="NFTABLES"))
    cloud.emulator.change_kubernetes("c1", {"crashing_nodes": 1, "crash_after_seconds": 12.0})
    begin_switch(cloud, mode)
    cloud.emulator.advance(5 + 1 + 2 + 300 + 4)
    found = evidence(cloud, mode=mode, wait_timeout=60)
    assert (found["state"], found["code"]) == ("contradicted", "PodsNotReady"), found["reason"]
    assert asked(cloud, "proxyMode").total() >= 1
    assert cloud.time.seconds <= 100


# --- other configurations than a mode ---


def test_a_disabled_kube_proxy_is_gone_from_every_node(azure: Lay) -> None:
    cloud = azure(with_nodes(3, mode="disabled", plugin="none"))
    found = evidence(cloud)
    assert (found["state"], found["expected"]) == ("verified", "DISABLED")
    assert found["requests"] == look_cost(3)


def test_a_kube_proxy_that_goes_on_although_disabled_is_evidence(azure: Lay) -> None:
    cloud = azure(with_nodes(3, mode="IPTABLES", plugin="none"), behaviour={"daemonset_seconds": 1e6})
    begin_switch(cloud)
    cloud.emulator.change_cluster("c1", {"properties": {"networkProfile": {"kubeProxyConfig": {"enabled": False}}}})
    found = evidence(cloud, enabled=False, wait_timeout=WAIT)
    assert (found["state"], found["code"]) == ("contradicted", "StillRunning")
    assert f"{NODE} still has the pod kube-proxy-" in found["reason"]


def test_a_disabled_kube_proxy_is_no_enabled_one(azure: Lay) -> None:
    cloud = azure(with_nodes(1, mode="disabled", plugin="none"))
    found = evidence(cloud, enabled=True, mode="IPTABLES", wait_timeout=30)
    assert (found["state"], found["code"]) == ("contradicted", "DaemonSetUnchanged")
    assert "no DaemonSet kube-proxy in kube-system" in found["reason"]


@pytest.mark.parametrize(
    ("wanted", "state", "says"),
    [
        (None, "verified", ""),
        ({"scheduler": "LeastConnection", "tcp_timeout_seconds": 900}, "verified", ""),
        ({"tcp_fin_timeout_seconds": 30}, "verified", ""),  # a flag that is not there says nothing
        ({"scheduler": "RoundRobin"}, "contradicted", "--ipvs-scheduler=lc in place of RoundRobin"),
        ({"udp_timeout_seconds": 301}, "contradicted", "--ipvs-udp-timeout=300s in place of 301"),
    ],
)
def test_settings_of_ipvs_are_read_from_the_flags(
    wanted: dict[str, Any] | None, state: str, says: str, azure: Lay
) -> None:
    cloud = azure({**with_nodes(1), "kube_proxy": IPVS})
    found = evidence(cloud, mode="IPVS", ipvs_config=wanted, wait_timeout=20)
    assert found["state"] == state, found["reason"]
    assert says in found["reason"]
    assert found["code"] == ("SettingsDiffer" if says else None)


def test_a_node_that_keeps_the_old_settings_of_ipvs_is_named(azure: Lay) -> None:
    former = {"enabled": True, "mode": "IPVS", "ipvsConfig": {"scheduler": "RoundRobin"}}
    cloud = azure({**with_nodes(3), "kube_proxy": former})
    cloud.emulator.change_kubernetes("c1", {"stuck_nodes": 1})
    begin_switch(cloud, "IPVS", ipvsConfig={"scheduler": "LeastConnection"})
    found = evidence(cloud, mode="IPVS", ipvs_config={"scheduler": "LeastConnection"}, wait_timeout=WAIT)
    assert (found["state"], found["code"]) == ("contradicted", "PodsNotReplaced"), found["reason"]
    assert f"{NODE} still has a pod with --ipvs-scheduler=rr in place of LeastConnection" in found["reason"]
    assert standings(found) == ["contradicted", "proven", "proven"]


@pytest.mark.parametrize(("before", "after"), [("IPTABLES", "IPVS"), ("IPVS", "IPTABLES")])
def test_nodes_that_may_keep_stale_rules_are_named_until_they_are_rebooted(before: str, after: str, azure: Lay) -> None:
    cloud = azure(with_nodes(2, mode=before))
    begin_switch(cloud, after)
    result = verify(cloud, mode=after, previous_mode=before)
    (finding,) = result["clusters"]["c1"]["findings"]
    assert (result["ok"], finding["rule"]) == (True, "iptables-ipvs-stale-rules")
    assert (finding["severity"], finding["count"], finding["target"]) == ("warn", 2, after)
    assert f"{NODE}, " in finding["object"]
    assert "eboot" in finding["remedy"]
    (warning,) = result["warnings"]
    assert warning.startswith("c1 (aks-pool-")
    assert "iptables-ipvs-stale-rules" in warning
    cloud.emulator.change_kubernetes("c1", {"rebooted_after_switch": True})
    cloud.emulator.advance(600)
    rebooted = verify(cloud, mode=after, previous_mode=before)
    assert (rebooted["ok"], rebooted["warnings"], rebooted["clusters"]["c1"]["findings"]) == (True, [], [])


def test_stale_rules_are_none_of_nftables(azure: Lay) -> None:
    cloud = azure(with_nodes(2, mode="IPTABLES"))
    begin_switch(cloud)
    assert evidence(cloud, **NFT, previous_mode="IPTABLES")["findings"] == []


# --- clusters that cannot be asked ---


ROLE_WITHOUT_NODES = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: kube-system}
rules:
  - {apiGroups: [""], resources: [pods, pods/proxy], verbs: [get, list]}
  - {apiGroups: [apps], resources: [daemonsets], verbs: [get, list]}
"""


@pytest.mark.parametrize(
    ("cluster", "options", "code", "says"),
    [
        ({"inside": {"api": "unreachable"}}, {}, "Unreachable", ("localhost cannot be reached", "HTTPS_PROXY")),
        ({"inside": {"api": "unauthorized"}}, {}, "Unauthorized", ("does not take these credentials (HTTP 401",)),
        ({"power": "Stopped"}, {}, "Stopped", ("is stopped", "az aks start")),
        ({}, {"name": "nowhere"}, "ResourceNotFound", ("nowhere",)),
        ({"inside": {"local_accounts": False}}, {}, None, ("local accounts",)),
        ({"inside": {"entra": True, "local_accounts": False}}, {"access": "admin"}, None, ("local accounts",)),
        ({"inside": {"private": True}}, {}, "Unreachable", ("is private", "'run_command'")),
        (
            {"inside": {"run_command": False}},
            {"access": "run_command"},
            "RunCommandDisabled",
            ("--enable-run-command",),
        ),
        ({}, {"access": "kubeconfig", "kubeconfig": "/nowhere/config"}, None, ("/nowhere/config",)),
        ({}, {"ipvs_config": {"scheduler": "RoundRobin"}}, "InvalidRequest", ("runs NFTABLES", "'mode: IPVS'")),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_cluster_that_cannot_be_asked_is_unverified(
    cluster: dict[str, Any], options: dict[str, Any], code: str | None, says: tuple[str, ...], azure: Lay
) -> None:
    """Neither fine nor failed: it says which cluster, why, and what to do."""
    cloud = azure(with_nodes(1, **{**NFT, **cluster}))
    result = verify(cloud, **options)
    (found,) = result["clusters"].values()
    assert (found["state"], result["ok"], result["failed"]) == ("unverified", False, True), found
    assert found["code"]
    assert code in (None, found["code"])
    for part in says:
        assert part in found["reason"], found["reason"]
    assert found["reason"].endswith((".", ")"))
    assert found["nodes"] == found["findings"] == []
    assert "111111111111): " not in found["reason"], "the message begins with the cluster anyway"
    name = options.get("name", "c1")
    assert result["msg"] == f"{name}: unverified. {found['reason']}"
    assert found["id"].endswith(f"/managedClusters/{name}")
    assert asked(cloud, "proxyMode").total() == 0
    assert cloud.time.seconds <= 60, "nobody waits long for what was never there"


def test_an_identity_that_may_not_read_nodes_is_told_so(azure: Lay, tmp_path: Path) -> None:
    role = tmp_path / "role.yml"
    role.write_text(ROLE_WITHOUT_NODES)
    somebody = {"client_id": "44444444-4444-4444-8444-444444444444", "secret": "s", "kubernetes_role_file": str(role)}
    cloud = azure(with_nodes(1, **NFT, inside={"entra": True}), principals=[somebody])
    found = evidence(cloud)
    assert (found["state"], found["code"]) == ("unverified", "HTTP 403")
    assert "/api/v1/nodes cannot be read" in found["reason"]
    assert 'cannot list resource "nodes"' in found["reason"]
    assert "docs/permissions.md" in found["reason"]
    assert found["requests"] == 3


def test_a_broken_list_is_no_evidence(azure: Lay) -> None:
    cloud = azure(with_nodes(1, **NFT))
    cloud.emulator.fault("wrong_content", match={"api": "kubernetes", "path": "/api/v1/nodes"}, times=None)
    found = evidence(cloud)
    assert (found["state"], found["code"]) == ("unverified", "NoJson")
    assert "proxy" in found["reason"]


def test_a_page_of_another_programs_is_no_mode(azure: Lay) -> None:
    cloud = azure(with_nodes(1, **NFT))
    cloud.emulator.fault("wrong_content", match={"api": "kubernetes", "path": "/proxy/proxyMode$"}, times=None)
    found = evidence(cloud, wait_timeout=30)
    assert (found["state"], found["code"]) == ("unverified", "NoAnswer")
    assert "its answer is no mode" in found["reason"]


def test_a_count_that_cannot_be_read_is_missing(azure: Lay) -> None:
    cloud = azure(with_nodes(1, **NFT))
    silent = {"api": "kubernetes", "path": "/proxy/metrics$"}
    cloud.emulator.fault("server_error", match=silent, times=None, status=503)
    found = evidence(cloud, wait_timeout=30)
    assert (found["state"], found["code"]) == ("unverified", "NoAnswer")
    assert "HTTP 503" in found["reason"]


def test_a_page_without_counts_is_no_page_of_kube_proxy(azure: Lay) -> None:
    cloud = azure(with_nodes(1, **NFT))
    cloud.emulator.fault("wrong_content", match={"api": "kubernetes", "path": "/proxy/metrics$"}, times=None)
    found = evidence(cloud, wait_timeout=30)
    assert (found["state"], found["code"]) == ("unverified", "NoCounter")


def test_an_outage_of_the_api_server_is_outlasted(azure: Lay) -> None:
    """It may come with the operation itself. One that lasts is told with what was known until then."""
    cloud = azure(with_nodes(2, mode="IPTABLES"))
    begin_switch(cloud)
    meanwhile(cloud, 10, lambda: cloud.emulator.change_kubernetes("c1", {"api": "unreachable"}))
    found = evidence(cloud, **NFT, wait_timeout=WAIT)
    assert (found["state"], found["code"]) == ("unverified", "Unreachable")
    assert "Until then: " in found["reason"]
    cloud.emulator.change_kubernetes("c1", {"api": "ok"})
    cloud.emulator.clear_kubernetes_requests()
    cloud.emulator.fault("cut_before", match={"api": "kubernetes", "path": "/nodes$"}, times=6)
    assert evidence(cloud, **NFT)["state"] == "verified"


def test_a_list_that_expires_is_read_again_from_its_beginning(azure: Lay) -> None:
    cloud = azure(with_nodes(300, mode="IPTABLES"))
    gone = {"api": "kubernetes", "path": "nodes.*continue="}
    cloud.emulator.fault("server_error", match=gone, times=1, status=410)
    found = evidence(cloud)
    assert (found["state"], len(found["nodes"])) == ("verified", 300)
    assert found["requests"] == look_cost(300) + 300 + 2
    cloud.emulator.clear_kubernetes_requests()
    cloud.emulator.fault("server_error", match=gone, times=None, status=410)
    given_up = evidence(cloud)
    assert (given_up["state"], given_up["code"]) == ("unverified", "Expired")
    assert "changes faster than it can be read" in given_up["reason"]


@pytest.mark.parametrize("access", ["auto", "user", "admin", "run_command"])
@pytest.mark.parametrize("entra", [False, True])
def test_each_way_proves_the_same(access: str, entra: bool, azure: Lay) -> None:
    cloud = azure(with_nodes(2, **NFT, inside={"entra": entra}))
    found = evidence(cloud, access=access)
    assert (found["state"], standings(found)) == ("verified", ["proven"] * 2), found["reason"]
    assert ("runCommand" in found["how"]) == (access == "run_command")


def test_a_private_cluster_is_proven_by_run_command(azure: Lay) -> None:
    cloud = azure(with_nodes(3, **NFT, inside={"private": True}))
    found = evidence(cloud, access="run_command")
    assert (found["state"], standings(found)) == ("verified", ["proven"] * 3), found["reason"]
    assert found["requests"] == 2 * look_cost(3) + 9
    assert {entry.get("via", "runCommand") for entry in cloud.emulator.kubernetes_requests()} == {"runCommand"}
