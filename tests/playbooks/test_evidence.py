"""Proof from the nodes in a rollout: what is caught, what is put back, and what whoever is on call reads of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pytest

from tests.playbooks.support import IPTABLES, NFTABLES, Estate, Rollout, assert_keeps_to_its_schema, cluster

NODE = re.compile(r"aks-nodepool1-\d+-vmss000000")
WINDOWS = [{"name": "nodepool1", "count": 1}, {"name": "win", "count": 2, "os_type": "Windows", "mode": "User"}]
CALICO = {"linux_dataplane": "Iptables", "version": "v3.29.1"}


class Told(NamedTuple):
    """What has to come of a cluster.

    Attributes:
        state: what became of it.
        code: the kind of trouble.
        node: whether a node is named.
        says: what stands in the reason, too.
    """

    state: str
    code: str | None = None
    node: bool = False
    says: tuple[str, ...] = ()


@dataclass(frozen=True)
class Inside:
    """A cluster by its inside and its layout, with what has to come of it."""

    told: Told
    inside: dict[str, Any] = field(default_factory=dict)
    layout: dict[str, Any] = field(default_factory=dict)


# By the policy "rollback". Whatever is wrong with a healthy rollout's clusters here is no reason for an alarm.
FLEET = {
    "healthy": Inside(Told("switched")),
    "cordoned": Inside(Told("switched"), {"cordoned_nodes": 1}),
    "entra": Inside(Told("switched"), {"entra": True, "local_accounts": False}),
    "joining": Inside(Told("switched"), {"joining_nodes": 1, "joining_seconds": 1e6}),
    "windows": Inside(Told("switched"), layout={"pools": WINDOWS}),
    "fallback": Inside(
        Told("rolled_back", "DaemonSetUnchanged", True, ("has no --proxy-mode, which means iptables",)),
        layout={"version": "1.32.7"},
    ),
    "stuck": Inside(
        Told("rolled_back", "PodsNotReplaced", True, ("still has a pod with IPTABLES (kube-proxy-",)),
        {"stuck_nodes": 1},
    ),
    "lying": Inside(
        Told("rolled_back", "NodesDiffer", True, ("says that it runs IPTABLES (kube-proxy-",)), {"lying_nodes": 1}
    ),
    # Of kernels that refuse the rules from the first one on, kube-proxy tells no time at which it wrote any.
    "failing": Inside(
        Told("rolled_back", "SyncFailures", True, ("could not write its rules",)), {"sync_failing_nodes": 1}
    ),
    "crashing": Inside(
        Told("rollback_failed", "PodsNotReady", True, ("CrashLoopBackOff", "Putting it back failed", "kubectl logs")),
        {"crashing_nodes": 1},
    ),
    "sleepy": Inside(
        Told("unverified", "NodesNotReady", True, ("is not ready", "not_ready_nodes: ignore")), {"not_ready_nodes": 1}
    ),
    "forbidden": Inside(
        Told("unverified", "NoAnswer", True, ("HTTP 403", "pods/proxy", "docs/permissions.md")),
        {"pod_proxy": "forbidden"},
    ),
    "unauthorized": Inside(Told("unverified", "Unauthorized", says=("HTTP 401", "Run again")), {"api": "unauthorized"}),
    "unreachable": Inside(
        Told("unverified", "Unreachable", says=("cannot be reached", "HTTPS_PROXY")), {"api": "unreachable"}
    ),
    "private": Inside(
        Told("unverified", "Unreachable", says=("The cluster is private", "run_command")), {"private": True}
    ),
    "nodeports": Inside(
        Told("blocked", "localhost-nodeports", True, ("5 packets", "Find the client")), {"localhost_nodeports": 5}
    ),
    "conntrack": Inside(
        Told("blocked", "conntrack-workaround", True, ("7 packets", "Ubuntu 24.04 or Azure Linux 3")), {"ct_invalid": 7}
    ),
    "kernel": Inside(Told("blocked", "nftables-kernel-too-old", True, ("5.13",)), {"kernel": "5.4.0-1109-azure"}),
    "calico": Inside(
        Told("blocked", "calico-dataplane", says=("Installation default", "linuxDataplane to Nftables")),
        {"calico": CALICO},
    ),
}
LAYOUTS = [cluster(name, kubernetes=one.inside, **one.layout) for name, one in FLEET.items()]
# The compatibility rules only warn, and the release is one that takes NFTABLES on any version: the silent fallback.
# There is time for several looks without progress: they alone tell a node that is stuck from one that is slow.
SILENT: dict[str, Any] = {"preflight": "warn", "blocked": "skip", "joining_seconds": 10**6, "verify_timeout": 10}


def by_state(*states: str) -> list[str]:
    return sorted(name for name, one in FLEET.items() if one.told.state in states)


def test_each_deviation_is_caught_and_only_evidence_of_failure_puts_back(estate: Estate) -> None:
    estate.lay_out(*LAYOUTS, release="before")
    done = estate.roll(LAYOUTS, mode="NFTABLES", policy="rollback", verify="when_possible", **SILENT)
    assert done.states == {name: one.told.state for name, one in FLEET.items()}, str(done.run)
    failed, written = by_state("rolled_back", "rollback_failed"), by_state("switched", "unverified")

    # Azure: what is blocked was not written to, what has failed was put back, what is not known was left as it is
    assert sorted(done.puts) == sorted(
        [(name, "NFTABLES") for name in written + failed] + [(name, "IPTABLES") for name in failed]
    )
    assert done.after == {
        **dict.fromkeys(FLEET, None),
        **dict.fromkeys(written, NFTABLES),
        **dict.fromkeys(failed, IPTABLES),
    }

    # the summary
    for name, one in FLEET.items():
        row = done.row(name)
        told, reason = one.told, row["reason"]
        proven = told.state in ("switched", "rolled_back")
        assert row["ok"] == (told.state == "switched")
        assert row["verified"] == ("nodes" if proven else None if told.state == "blocked" else "azure"), row
        assert row["code"] == told.code
        assert bool(NODE.search(reason)) == told.node, reason
        assert [words for words in told.says if words not in reason] == [], reason
        (line,) = [line for line in done.table if line.startswith(f"{name} ")]
        assert line.endswith(told.state.replace("_", " "))
        shown = reason if not told.code or told.code in reason else f"{told.code}: {reason}"
        assert bool(reason) == any(line == f"{name}: {shown}" for line in done.table), str(done.run)
        assert done.asked_of(name) or told.code == "Unreachable"
    assert len(done.row("windows")["evidence"]["left_out_nodes"]) == done.row("windows")["evidence"]["left_out"] == 2
    joining = done.row("joining")["evidence"]
    healthy = done.row("healthy")["evidence"]
    assert joining == {**healthy, "proven": 2, "left_out": 1, "left_out_nodes": joining["left_out_nodes"]}
    assert [bool(NODE.search(name)) for name in joining["left_out_nodes"]] == [True]
    assert_keeps_to_its_schema(done.summary)
    stopped = f"all 1/1: {len(failed)} cluster(s) of the wave failed: {', '.join(failed)}."
    assert done.summary is not None and done.summary["stopped"] == stopped

    # Ansible
    assert done.status == 2
    assert done.counted("failed") == {name: int(name in failed) for name in sorted(FLEET)}
    assert done.counted("changed") == {name: int(name in written + failed) for name in sorted(FLEET)}


TRIO = [cluster("good"), cluster("lying", kubernetes={"lying_nodes": 1}), cluster("next")]


class Policy(NamedTuple):
    """A policy, and what it makes of a wave with evidence of failure, and of the next one."""

    policy: str
    states: dict[str, str]
    after: dict[str, Any]


POLICIES = {
    "halt": Policy(
        "halt",
        {"good": "switched", "lying": "contradicted", "next": "not_started"},
        {"good": NFTABLES, "lying": NFTABLES, "next": None},
    ),
    "rollback, any_errors_fatal": Policy(
        "rollback",
        {"good": "switched", "lying": "rolled_back", "next": "not_started"},
        {"good": NFTABLES, "lying": IPTABLES, "next": None},
    ),
    "rollback_wave": Policy(
        "rollback_wave",
        {"good": "rolled_back", "lying": "rolled_back", "next": "not_started"},
        {"good": IPTABLES, "lying": IPTABLES, "next": None},
    ),
    "continue": Policy(
        "continue",
        {"good": "switched", "lying": "contradicted", "next": "switched"},
        {"good": NFTABLES, "lying": NFTABLES, "next": NFTABLES},
    ),
}


def modes_sent(done: Rollout, name: str) -> list[str]:
    return [mode for host, mode in done.puts if host == name]


@pytest.mark.parametrize(
    ("case", "settings"),
    [(case, "any_errors_fatal" if "fatal" in name else "plain") for name, case in POLICIES.items()],
    indirect=["settings"],
    ids=POLICIES,
)
def test_evidence_of_failure_is_a_failure_with_all_that_the_policy_makes_of_it(
    estate: Estate, settings: dict[str, str], case: Policy
) -> None:
    estate.lay_out(*TRIO)
    done = estate.roll(
        TRIO,
        settings=settings,
        mode="NFTABLES",
        policy=case.policy,
        verify="when_possible",
        stages=[{"name": "all", "waves": [2, 1]}],
    )
    assert (done.states, done.after) == (case.states, case.after), str(done.run)
    for name, state in case.states.items():
        sent = {"not_started": [], "rolled_back": ["NFTABLES", "IPTABLES"]}.get(state, ["NFTABLES"])
        assert modes_sent(done, name) == sent
        proven = {"not_started": None, "contradicted": "azure"}.get(state, "nodes")
        assert done.row(name)["verified"] == proven, done.row(name)
        assert bool(done.asked_of(name)) == (state != "not_started"), "a wave that is not begun is not asked"
    bad = {"contradicted", "rolled_back"}
    assert done.counted("failed") == {name: int(state in bad) for name, state in case.states.items()}
    assert done.status == 2
    assert_keeps_to_its_schema(done.summary)
    stopped = None if case.policy == "continue" else "all 1/2: 1 cluster(s) of the wave failed: lying."
    assert done.summary is not None and done.summary["stopped"] == stopped
    if case.policy == "rollback_wave":
        assert done.row("good")["reason"] == "It was put back with the rest of its wave."
