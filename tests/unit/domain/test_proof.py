"""Where nodes stand, and a cluster with them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain import proof_problems as problems
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.kube_objects import DaemonSet, Node, Pod
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.kube_proxy import KubeProxy
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.proof import (
    arrived,
    assess,
    left_out,
    seconds_until_steady,
    stale_rules,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.proof_look import (
    IGNORE,
    Answer,
    Care,
    Look,
    Proof,
    Row,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.proof_next import (
    is_worth_waiting,
    not_asked,
    to_ask,
)

NOW = 1_000_000.0
OLD = NOW - 86_400.0
CARE = Care(joining_seconds=600.0, settle_seconds=35.0)
NFTABLES = KubeProxy(mode="NFTABLES", configured=True)
IPTABLES = KubeProxy(mode="IPTABLES", configured=True)
FLAGS = ("kube-proxy", "--v=3", "--proxy-mode=nftables")
SETTLED = Answer(mode="NFTABLES", first=(2.0, 0.0), last=(2.0, 35.0))


def node(number: int = 0, **differences: object) -> Node:
    known = Node(f"node-{number}", "pool1", kernel="6.8.0", ready_since=OLD, created=OLD)
    return replace(known, **differences)  # type: ignore[arg-type]


def pod(number: int = 0, **differences: object) -> Pod:
    known = Pod(f"kube-proxy-{number}", f"node-{number}", FLAGS, started=NOW - 60, created=NOW - 90)
    return replace(known, **differences)  # type: ignore[arg-type]


def daemon_set(**differences: object) -> DaemonSet:
    known = DaemonSet(3, 3, desired=1, updated=1, command=FLAGS, selector={"component": "kube-proxy"})
    return replace(known, **differences)  # type: ignore[arg-type]


def look(one: Node | None = None, its: Pod | None = None, answer: Answer = SETTLED, **differences: object) -> Look:
    """A cluster of one node, all well unless told otherwise."""
    pods = () if its is None else (its,)
    known = Look(NOW, daemon_set(), (one or node(),), pods, {"kube-proxy-0": answer})
    return replace(known, **differences)  # type: ignore[arg-type]


def row(found: Proof) -> Row:
    (only,) = found.rows
    return only


def test_a_node_whose_pod_flags_answer_and_count_agree_is_proven() -> None:
    found = assess(NFTABLES, look(its=pod()), CARE)
    assert (found.standing, found.troubles) == ("proven", ())
    assert (row(found).standing, row(found).observed, row(found).since) == ("proven", "NFTABLES", NOW - 60)
    assert (row(found).reason, row(found).problem, row(found).pod) == ("", None, "kube-proxy-0")
    bare = Row(node(), "NFTABLES", "proven")
    assert (bare.observed, bare.reason, bare.pod) == ("", "", "")


FAULTS = {
    "not ready": (look(node(ready=False), pod()), problems.NOT_READY, "is not ready"),
    "no pod": (look(), problems.NO_POD, "has no pod of kube-proxy"),
    "a pod on its way out": (look(its=pod(deleting=True)), problems.NO_POD, "has no pod"),
    "an old pod": (look(its=pod(command=("kube-proxy",))), problems.OLD_POD, "still has a pod with IPTABLES"),
    "a broken pod": (look(its=pod(ready=False, trouble="CrashLoopBackOff")), problems.BROKEN_POD, "CrashLoopBackOff"),
    "a pod started again": (look(its=pod(ready=False, restarts=1)), problems.BROKEN_POD, "started again 1 time(s)"),
    "a pod that starts": (
        look(its=pod(ready=False, trouble="ContainerCreating")),
        problems.STARTING_POD,
        "ContainerCr",
    ),
    "no answer": (look(its=pod(), answer=Answer(trouble="HTTP 503")), problems.NO_ANSWER, "HTTP 503"),
    "not asked": (look(its=pod(), answer=Answer()), problems.NO_ANSWER, "not asked yet"),
    "another mode": (look(its=pod(), answer=Answer("IPTABLES")), problems.OTHER_MODE, "says that it runs IPTABLES"),
    "no count": (
        look(its=pod(), answer=Answer("NFTABLES", unwritten=True)),
        problems.NO_COUNTER,
        "ever wrote its rules",
    ),
    "no rules, and counted once": (
        look(its=pod(), answer=Answer("NFTABLES", unwritten=True, first=(0, 1), last=(0, 1))),
        problems.UNSETTLED,
        "is watched",
    ),
    "no rules, and a count that stands still": (
        look(its=pod(), answer=replace(SETTLED, unwritten=True)),
        problems.NO_COUNTER,
        "ever wrote its rules",
    ),
    "no rules, and a count that grows": (
        look(its=pod(), answer=replace(SETTLED, unwritten=True).counting(3.0, 70.0, 35.0)),
        problems.FAILING_RULES,
        "could not write its rules 1 time(s)",
    ),
    "started again just now": (
        look(its=pod(restarts=9, started=NOW - 29)),
        problems.UNSETTLED,
        "was started again just now (kube-proxy-0, 9 time(s))",
    ),
    "counted once": (look(its=pod(), answer=Answer("NFTABLES", first=(0, 1), last=(0, 1))), problems.UNSETTLED, ""),
    "counted too soon": (
        look(its=pod(), answer=Answer("NFTABLES", first=(0, 1), last=(0, 35))),
        problems.UNSETTLED,
        "",
    ),
}


@pytest.mark.parametrize(("seen", "problem", "reason"), FAULTS.values(), ids=FAULTS)
def test_each_thing_that_is_missing_has_its_name(seen: Look, problem: problems.Problem, reason: str) -> None:
    found = assess(NFTABLES, seen, CARE)
    assert found.standing == problem.standing
    assert [kind for kind, _unused in found.troubles] == [problem]
    assert row(found).problem is problem
    assert reason in row(found).reason
    assert "node-0" in found.troubles[0][1]


def test_only_nftables_has_a_count_of_failed_updates() -> None:
    seen = look(its=pod(command=("kube-proxy",)), answer=Answer("IPTABLES"), daemon_set=daemon_set(command=()))
    assert assess(IPTABLES, seen, CARE).standing == "proven"


STEADINESS = {
    "first start": (pod(started=NOW - 1), 0.0),
    "started again": (pod(started=NOW - 1, restarts=9), 29.0),
    "long ago": (pod(started=NOW - 30, restarts=9), 0.0),
    "by a clock that was set back": (pod(started=NOW + 3600, restarts=9), 30.0),
    "nobody knows when": (pod(started=None, restarts=9), 0.0),
}


@pytest.mark.parametrize(("its", "seconds"), STEADINESS.values(), ids=STEADINESS)
def test_a_pod_that_was_started_again_has_to_run_for_half_a_minute(its: Pod, seconds: float) -> None:
    assert seconds_until_steady(its, NOW) == seconds
    assert seconds_until_steady(its, None) == 0.0
    seen = look(its=replace(its, command=("kube-proxy",)), answer=Answer("IPTABLES"), daemon_set=daemon_set(command=()))
    assert assess(IPTABLES, seen, CARE).standing == ("settling" if seconds else "proven")


LEFT_OUT = {
    "Windows": (node(system="windows"), None, CARE, "Windows"),
    "virtual": (node(virtual=True), None, CARE, "virtual"),
    "cordoned": (node(cordoned=True), pod(ready=False), Care(cordoned="ignore"), "cordoned"),
    "not ready": (node(ready=False), None, Care(not_ready=IGNORE), "not ready"),
    "joining without a pod": (node(created=NOW - 599), None, CARE, "joining"),
    "joining with a pod that starts": (node(created=NOW - 599), pod(ready=False), CARE, "joining"),
}


@pytest.mark.parametrize(("one", "its", "care", "reason"), LEFT_OUT.values(), ids=LEFT_OUT)
def test_who_is_left_out_is_named_and_counts_for_nothing(one: Node, its: Pod | None, care: Care, reason: str) -> None:
    beside = node(1)
    seen = look(
        one, its, nodes=(one, beside), pods=(*((its,) if its else ()), pod(1)), answers={"kube-proxy-1": SETTLED}
    )
    found = assess(NFTABLES, seen, care)
    assert found.standing == "proven"
    assert [row.standing for row in found.rows] == ["left_out", "proven"]
    assert reason in found.rows[0].reason
    assert reason in left_out(one, seen, care)


def test_a_node_that_joins_may_have_its_pod_before_it_is_ready_itself() -> None:
    joining = look(node(created=NOW - 10, ready=False), pod())
    assert (row(assess(NFTABLES, joining, CARE)).standing, row(assess(NFTABLES, joining, CARE)).reason) == (
        "left_out",
        "is just joining",
    )


def test_a_pod_that_was_started_again_and_is_ready_is_well() -> None:
    assert assess(NFTABLES, look(its=pod(restarts=2)), CARE).standing == "proven"


def test_what_keeps_a_pod_from_starting_is_told() -> None:
    told = {"ContainerCreating": "ContainerCreating", "PodInitializing": "PodInitializing", "": "not ready"}
    for trouble, shown in told.items():
        found = row(assess(NFTABLES, look(its=pod(ready=False, trouble=trouble)), CARE))
        assert found.reason == f"has a pod that does not start (kube-proxy-0: {shown})"


def test_who_counts_all_the_same() -> None:
    crashing = look(node(created=NOW - 10), pod(ready=False, trouble="CrashLoopBackOff"))
    assert row(assess(NFTABLES, crashing, CARE)).problem is problems.BROKEN_POD
    timeless = look(node(created=NOW - 10), moment=None)
    assert row(assess(NFTABLES, timeless, CARE)).problem is problems.NO_POD
    cordoned = look(node(cordoned=True), pod())
    assert row(assess(NFTABLES, cordoned, CARE)).standing == "proven"
    grown_up = look(node(created=NOW - 600))
    assert row(assess(NFTABLES, grown_up, CARE)).problem is problems.NO_POD
    quick = look(node(created=NOW - 10), pod(), Answer("IPTABLES"))
    assert row(assess(NFTABLES, quick, CARE)).problem is problems.OTHER_MODE


@pytest.mark.parametrize("nodes", [(), (node(system="windows"),)], ids=["no nodes", "Windows alone"])
def test_a_cluster_with_nobody_to_ask_is_never_proven(nodes: tuple[Node, ...]) -> None:
    found = assess(NFTABLES, look(nodes=nodes), CARE)
    assert (found.standing, found.troubles[0][0]) == ("unverified", problems.NO_NODES)


DAEMON_SETS = {
    "none": (None, problems.UNAPPLIED, "no DaemonSet"),
    "unchanged": (daemon_set(command=("kube-proxy",)), problems.UNAPPLIED, "no --proxy-mode, which means iptables"),
    "another mode": (
        daemon_set(command=("--proxy-mode", "ipvs")),
        problems.UNAPPLIED,
        "DaemonSet says --proxy-mode=ipvs, not NFTABLES.",
    ),
    "not taken up": (daemon_set(observed=2), problems.NOT_OBSERVED, "has not taken up"),
    "under way": (daemon_set(desired=3, updated=2), problems.NOT_OBSERVED, "2 of 3 pods"),
}


@pytest.mark.parametrize(("found", "problem", "reason"), DAEMON_SETS.values(), ids=DAEMON_SETS)
def test_the_daemon_set_has_to_agree(found: DaemonSet | None, problem: problems.Problem, reason: str) -> None:
    proof = assess(NFTABLES, look(its=pod(), daemon_set=found), CARE)
    assert (proof.standing, proof.troubles[0][0]) == (problem.standing, problem)
    assert reason in proof.troubles[0][1]


def test_pods_of_nodes_that_are_left_out_need_not_be_updated() -> None:
    nodes = (node(), node(1, ready=False), node(2, system="windows"))
    seen = look(its=pod(), nodes=nodes, daemon_set=daemon_set(desired=2, updated=1))
    assert assess(NFTABLES, seen, Care(not_ready=IGNORE)).standing == "proven"
    assert assess(NFTABLES, replace(seen, daemon_set=daemon_set(desired=3, updated=1)), Care(not_ready=IGNORE)).troubles


BESIDE = {
    "a pod that is updated": (node(1, cordoned=True), pod(1), True),
    "an old pod": (node(1, cordoned=True), pod(1, command=("kube-proxy",)), False),
    "a pod on its way out": (node(1, cordoned=True), pod(1, deleting=True), False),
    "no pod": (node(1, cordoned=True), None, False),
    "a virtual node": (node(1, virtual=True), None, True),
    "a node that is not ready, with a pod that is updated": (node(1, ready=False), pod(1), True),
}


@pytest.mark.parametrize(("beside", "its", "told"), BESIDE.values(), ids=BESIDE)
def test_only_nodes_that_lack_an_updated_pod_excuse_one_that_is_missing(
    beside: Node, its: Pod | None, told: bool
) -> None:
    """One pod of the two that the DaemonSet wants is not updated."""
    pods = (pod(), *((its,) if its else ()))
    seen = look(nodes=(node(), beside), pods=pods, daemon_set=daemon_set(desired=2, updated=1))
    found = assess(NFTABLES, seen, Care(cordoned=IGNORE, not_ready=IGNORE))
    assert (problems.NOT_OBSERVED in [kind for kind, _unused in found.troubles]) is told


def test_an_old_pod_beside_an_ignored_node_that_is_updated_is_no_proof() -> None:
    old, new = (("kube-proxy", "--proxy-mode=ipvs", f"--ipvs-scheduler={one}") for one in ("rr", "lc"))
    seen = look(
        nodes=(node(), node(1, cordoned=True)),
        pods=(pod(command=old), pod(1, command=new)),
        answer=Answer("IPVS"),
        daemon_set=daemon_set(command=new, desired=2, updated=1),
    )
    wanted = KubeProxy(mode="IPVS", ipvs={"scheduler": "LeastConnection"}, configured=True)
    found = assess(wanted, seen, Care(cordoned=IGNORE))
    assert [kind for kind, _unused in found.troubles] == [problems.OLD_POD, problems.NOT_OBSERVED]
    told = "still has a pod with --ipvs-scheduler=rr in place of LeastConnection (kube-proxy-0)"
    assert (found.standing, found.rows[0].reason) == ("contradicted", told)


SETTINGS = {
    "scheduler": ({"scheduler": "LeastConnection"}, "--ipvs-scheduler=rr", False),
    "the usual scheduler": ({"scheduler": "RoundRobin"}, "--ipvs-scheduler=rr", True),
    "same scheduler": ({"scheduler": "LeastConnection"}, "--ipvs-scheduler=lc", True),
    "timeout": ({"tcp_timeout_seconds": 900}, "--ipvs-tcp-timeout=600s", False),
    "timeout in milliseconds": ({"tcp_timeout_seconds": 900}, "--ipvs-tcp-timeout=900000ms", True),
    "timeout in minutes": ({"tcp_timeout_seconds": 900}, "--ipvs-tcp-timeout=15m0s", True),
    "timeout in hours": ({"tcp_timeout_seconds": 3600}, "--ipvs-tcp-timeout=1h0m0s", True),
    "FIN timeout": ({"tcp_fin_timeout_seconds": 120}, "--ipvs-tcpfin-timeout=2m", True),
    "another FIN timeout": ({"tcp_fin_timeout_seconds": 120}, "--ipvs-tcpfin-timeout=2s", False),
    "UDP timeout": ({"udp_timeout_seconds": 120}, "--ipvs-udp-timeout=3m", False),
    "no flag": ({"udp_timeout_seconds": 30}, "--v=3", True),
}


@pytest.mark.parametrize(("ipvs", "shown", "same"), SETTINGS.values(), ids=SETTINGS)
def test_settings_of_ipvs_are_read_from_the_flags(ipvs: dict[str, object], shown: str, same: bool) -> None:
    command = ("kube-proxy", "--proxy-mode=ipvs", shown)
    wanted = KubeProxy(mode="IPVS", ipvs=ipvs, configured=True)
    seen = look(its=pod(command=command), answer=Answer("IPVS"), daemon_set=daemon_set(command=command))
    found = assess(wanted, seen, CARE)
    kinds = [kind for kind, _unused in found.troubles]
    assert kinds == ([] if same else [problems.OTHER_SETTINGS, problems.OLD_POD])
    (setting,) = ipvs.values()
    for _unused, told in found.troubles[:1]:
        assert told == f"kube-proxy's DaemonSet has other settings: {shown} in place of {setting}."


DISABLED = KubeProxy(enabled=False, mode=None, configured=True)
LEFT_OVER = {
    "a pod": (look(its=pod(), daemon_set=None), problems.STILL_RUNNING),
    "a DaemonSet that wants pods": (look(), problems.STILL_RUNNING),
    "a node that is gone": (look(node(ready=False), daemon_set=None), problems.NOT_READY),
    "no nodes": (look(nodes=(), daemon_set=None), problems.NO_NODES),
}


@pytest.mark.parametrize(("seen", "problem"), LEFT_OVER.values(), ids=LEFT_OVER)
def test_disabled_means_that_nothing_of_it_is_left(seen: Look, problem: problems.Problem) -> None:
    assert assess(DISABLED, look(daemon_set=None), CARE).standing == "proven"
    assert assess(DISABLED, look(daemon_set=daemon_set(desired=0)), CARE).standing == "proven"
    assert [kind for kind, _unused in assess(DISABLED, seen, CARE).troubles] == [problem]


@pytest.mark.parametrize("command", [(), ("kube-proxy", "--config=/etc/kube-proxy.yaml")])
def test_flags_that_do_not_tell_leave_it_to_the_nodes_answers(command: tuple[str, ...]) -> None:
    unknown = daemon_set(command=command)
    assert assess(NFTABLES, look(its=pod(command=command), daemon_set=unknown), CARE).standing == "proven"
    other = look(its=pod(command=command), daemon_set=unknown, answer=Answer("IPTABLES"))
    assert row(assess(NFTABLES, other, CARE)).problem is problems.OTHER_MODE


UNDER_WAY = {"old": pod(command=("kube-proxy",)), "none": None, "starting": pod(ready=False)}


@pytest.mark.parametrize("its", UNDER_WAY.values(), ids=UNDER_WAY)
def test_a_rollout_that_goes_on_is_no_failure(its: Pod | None) -> None:
    still = look(its=its)
    assert assess(NFTABLES, still, CARE).standing == "contradicted"
    assert row(assess(NFTABLES, replace(still, moving=True), CARE)).problem is problems.UNDER_WAY
    assert assess(NFTABLES, replace(still, moving=True), CARE).standing == "unverified"


GONE = (node(1, ready=False), node(2, ready=False))
HELD_UP = {
    "as many as may be away": (GONE, daemon_set(unavailable=2, at_once=2), True),
    "more": (GONE, daemon_set(unavailable=2, at_once=1), True),
    "fewer": (GONE, daemon_set(unavailable=2, at_once=3), False),
    "fewer, and others that are not available": (GONE, daemon_set(unavailable=9, at_once=3), False),
    "their pods are counted as available": (GONE, daemon_set(unavailable=1, at_once=2), False),
    "Windows": ((node(1, ready=False, system="windows"),), daemon_set(unavailable=1), False),
    "a virtual node": ((node(1, ready=False, virtual=True),), daemon_set(unavailable=1), False),
    "just joining": ((node(1, ready=False, created=NOW - 10),), daemon_set(unavailable=1), False),
    "nobody": ((), daemon_set(), False),
}


@pytest.mark.parametrize(("others", "found", "held_up"), HELD_UP.values(), ids=HELD_UP)
def test_nodes_that_are_not_ready_hold_a_rollout_up_when_they_use_up_what_may_be_away(
    others: tuple[Node, ...], found: DaemonSet, held_up: bool
) -> None:
    """They keep old pods from being replaced, ignored or not; a pod that is missing or does not start has no excuse."""
    for its in UNDER_WAY.values():
        still = look(its=its, nodes=(node(), *others), daemon_set=found)
        excused = held_up and its is UNDER_WAY["old"]
        first = assess(NFTABLES, still, Care(not_ready=IGNORE)).rows[0]
        assert first.standing == ("unverified" if excused else "contradicted")
        assert (first.problem is problems.UNDER_WAY) is excused


def test_a_pod_that_crashes_is_a_failure_even_while_the_rollout_goes_on() -> None:
    seen = look(its=pod(ready=False, trouble="CrashLoopBackOff"), moving=True)
    assert assess(NFTABLES, seen, CARE).standing == "contradicted"


def test_the_nodes_that_a_rollout_has_come_to_are_counted() -> None:
    pods = (pod(), pod(1, command=("kube-proxy",)), pod(2, ready=False), pod(3, ready=False, trouble="Error"))
    seen = look(nodes=tuple(node(number) for number in range(5)), pods=pods)
    assert arrived(assess(NFTABLES, seen, CARE)) == arrived(assess(NFTABLES, replace(seen, moving=True), CARE)) == 2


def test_what_harms_most_is_told_first() -> None:
    nodes = tuple(node(number) for number in range(3))
    pods = (pod(), pod(1, ready=False, trouble="Error"), pod(2, command=("kube-proxy",)))
    seen = look(nodes=nodes, pods=pods, answers={"kube-proxy-0": SETTLED}, daemon_set=daemon_set(desired=3, updated=2))
    found = assess(NFTABLES, seen, CARE)
    assert [kind.code for kind, _unused in found.troubles] == ["PodsNotReady", "PodsNotReplaced", "RolloutNotObserved"]
    told = "1 of 3 Linux node(s): node-1 has a pod that is not ready (kube-proxy-1: Error)."
    assert found.troubles[0][1] == told


def counted(*readings: tuple[float, float]) -> Answer:
    answer = Answer("NFTABLES")
    for count, moment in readings:
        answer = answer.counting(count, moment, CARE.settle_seconds)
    return answer


COUNTS = {
    "standing still": (counted((7, 0), (7, 35)), None),
    "growing": (counted((7, 0), (8, 35)), problems.FAILING_RULES),
    "growing at the end": (counted((7, 0), (7, 34), (9, 35)), problems.FAILING_RULES),
    "still growing": (counted((7, 0), (8, 35), (9, 70)), problems.FAILING_RULES),
    "grown, then still for too short": (counted((7, 0), (8, 35), (8, 69)), problems.FAILING_RULES),
    "grown, then still for long enough": (counted((7, 0), (8, 35), (8, 70)), None),
    "restarted without a failure": (counted((7, 0), (0, 35)), problems.UNSETTLED),
    "restarted with failures": (counted((7, 0), (3, 35)), problems.FAILING_RULES),
}


@pytest.mark.parametrize(("answer", "problem"), COUNTS.values(), ids=COUNTS)
def test_failed_updates_have_to_stand_still_for_long_enough(answer: Answer, problem: problems.Problem | None) -> None:
    assert row(assess(NFTABLES, look(its=pod(), answer=answer), CARE)).problem is problem


def test_failures_are_added_up_while_they_go_on() -> None:
    answer = counted((7, 0), (8, 35), (10, 70))
    assert (answer.failed, answer.failing_for) == (3.0, 70.0)
    told = row(assess(NFTABLES, look(its=pod(), answer=answer), CARE)).reason
    assert told == "could not write its rules 3 time(s) within 70 seconds (kube-proxy-0)"


def test_a_watch_begins_with_the_first_reading_and_anew_with_each_failure() -> None:
    assert (Answer().watched, Answer().failing_for) == (0.0, 0.0)
    assert Answer(failed=2.0).failing_for == 0.0
    once = Answer().counting(7, 10, 35)
    assert (once.first, once.last, once.watched) == ((7, 10), (7, 10), 0.0)
    still = once.counting(7, 30, 35)
    assert (still.first, still.last, still.watched, still.failed) == ((7, 10), (7, 30), 20.0, 0.0)
    failing = still.counting(8, 40, 35)
    assert (failing.first, failing.watched, failing.failed, failing.failing_since) == ((8, 40), 0.0, 1.0, 10)
    restarted = failing.counting(3, 50, 35)
    assert (restarted.first, restarted.failed, restarted.failing_since) == ((3, 50), 4.0, 10)
    quiet = restarted.counting(3, 84, 35)
    assert (quiet.last, quiet.failed, quiet.failing_for) == ((3, 84), 4.0, 74.0)
    over = quiet.counting(3, 85, 35)
    assert (over.failed, over.failing_for, over.watched) == (0.0, 0.0, 35.0)


def test_since_when_it_is_so_depends_on_what_is_missing() -> None:
    since = {
        problems.NOT_READY: (look(node(ready=False, ready_since=NOW - 7), pod()), NOW - 7),
        problems.NO_POD: (look(node(created=NOW - 700)), NOW - 700),
        problems.BROKEN_POD: (look(its=pod(ready=False, trouble="Error")), NOW - 90),
        problems.STARTING_POD: (look(its=pod(ready=False)), NOW - 90),
        problems.OLD_POD: (look(its=pod(command=("kube-proxy",))), NOW - 60),
    }
    assert {kind: row(assess(NFTABLES, seen, CARE)).since for kind, (seen, _unused) in since.items()} == {
        kind: moment for kind, (_unused, moment) in since.items()
    }
    left = look(node(cordoned=True), pod())
    assert row(assess(NFTABLES, left, Care(cordoned=IGNORE))).since == OLD


def test_what_a_node_says_counts_before_its_flags() -> None:
    observed = {"IPVS": Answer("IPVS"), "NFTABLES": Answer()}
    for mode, answer in observed.items():
        assert row(assess(NFTABLES, look(its=pod(), answer=answer), CARE)).observed == mode


def test_troubles_of_several_nodes_are_told_with_the_first() -> None:
    seen = look(nodes=(node(), node(1), node(2), node(3, system="windows")), its=pod())
    (told,) = [text for kind, text in assess(NFTABLES, seen, CARE).troubles if kind is problems.NO_POD]
    assert told == "2 of 3 Linux node(s): node-1 has no pod of kube-proxy, and 1 more."
    nobody = assess(NFTABLES, look(nodes=()), CARE)
    assert nobody.troubles[0][1] == "There are none."
    windows = assess(NFTABLES, look(nodes=(node(system="windows"),)), CARE)
    assert windows.troubles[0][1] == "None of the 1 node(s) counts."


def test_only_those_are_asked_whose_flags_are_right_and_who_are_not_proven() -> None:
    nodes = tuple(node(number) for number in range(5))
    pods = (pod(), pod(1), pod(2, command=("kube-proxy",)), pod(3, ready=False), pod(4))
    answers = {"kube-proxy-0": SETTLED, "kube-proxy-4": Answer(trouble="HTTP 403", refused=True)}
    seen = look(nodes=nodes, pods=pods, answers=answers)
    found = assess(NFTABLES, seen, CARE)
    assert to_ask(found, seen) == ["kube-proxy-1"]
    assert not_asked(found, seen) == ["kube-proxy-2"]
    moving = replace(seen, moving=True)
    assert not_asked(assess(NFTABLES, moving, CARE), moving) == ["kube-proxy-2"]


def test_pools_are_asked_by_turns() -> None:
    pools = ("a", "a", "a", "b", "b", "c")
    nodes = tuple(node(number, pool=pool) for number, pool in enumerate(pools))
    seen = look(nodes=nodes, pods=tuple(pod(number) for number in range(6)), answers={})
    assert [name[-1] for name in to_ask(assess(NFTABLES, seen, CARE), seen)] == ["0", "3", "5", "1", "4", "2"]
    old = replace(seen, pods=tuple(pod(number, command=("kube-proxy",)) for number in range(6)))
    assert [name[-1] for name in not_asked(assess(NFTABLES, old, CARE), old)] == ["0", "3", "5", "1", "4", "2"]


WAITING = {
    "an old pod": (look(its=pod(command=("kube-proxy",))), True),
    "gone for a moment": (look(node(ready=False, ready_since=NOW - 600), pod()), True),
    "gone for long": (look(node(ready=False, ready_since=NOW - 601), pod()), False),
    "gone since nobody knows when": (look(node(ready=False, ready_since=None), pod()), True),
    "refused": (look(its=pod(), answer=Answer(trouble="HTTP 403", refused=True)), False),
    "silent": (look(its=pod(), answer=Answer(trouble="HTTP 503")), True),
    "crashed twice": (look(its=pod(ready=False, restarts=2)), True),
    "crashed three times": (look(its=pod(ready=False, restarts=3)), False),
    "gone for long, with an old pod": (
        look(node(ready=False, ready_since=OLD), pod(command=()), daemon_set=daemon_set(updated=0)),
        False,
    ),
    "failing and crashing beside one that is well": (
        look(
            nodes=(node(), node(1)),
            pods=(pod(), pod(1, ready=False, restarts=3)),
            daemon_set=daemon_set(desired=2, updated=2),
        ),
        False,
    ),
    "silent for long while another one fails": (
        look(
            nodes=(node(), node(1)),
            pods=(pod(), pod(1)),
            answers={"kube-proxy-0": Answer(trouble="HTTP 503"), "kube-proxy-1": counted((0, 0), (1, 35), (2, 70))},
        ),
        False,
    ),
    "failing": (look(its=pod(), answer=counted((0, 0), (1, 35))), True),
    "failing for long": (look(its=pod(), answer=counted((0, 0), (1, 35), (2, 70))), False),
    "refused, but the rollout is under way": (
        look(
            its=pod(),
            answer=Answer(trouble="HTTP 403", refused=True),
            daemon_set=daemon_set(observed=2),
        ),
        True,
    ),
}


@pytest.mark.parametrize(("seen", "worth"), WAITING.values(), ids=WAITING)
def test_what_time_cannot_mend_is_not_waited_for(seen: Look, worth: bool) -> None:
    assert is_worth_waiting(assess(NFTABLES, seen, CARE), seen, CARE, 600.0) is worth


def test_one_that_may_come_back_is_worth_waiting_for() -> None:
    seen = look(
        nodes=(node(ready=False, ready_since=OLD), node(1, ready=False, ready_since=NOW - 5)),
        pods=(pod(), pod(1)),
    )
    assert is_worth_waiting(assess(NFTABLES, seen, CARE), seen, CARE, 600.0)


def test_a_daemon_set_that_stays_as_it_was_is_waited_for_three_minutes() -> None:
    seen = look(its=pod(command=("kube-proxy",)), daemon_set=daemon_set(command=("kube-proxy",)))
    found = assess(NFTABLES, seen, CARE)
    assert is_worth_waiting(found, seen, CARE, 179.0)
    assert not is_worth_waiting(found, seen, CARE, 180.0)


@pytest.mark.parametrize(
    ("previous", "expected", "named"),
    [("IPTABLES", "IPVS", ["node-0"]), ("IPVS", "IPTABLES", ["node-0"]), ("IPVS", "NFTABLES", []), ("", "IPVS", [])],
)
def test_nodes_that_may_keep_stale_rules_are_those_not_rebooted_since(
    previous: str, expected: str, named: list[str]
) -> None:
    nodes = (node(), node(1), node(2, created=NOW - 80))
    seen = look(nodes=nodes, pods=(pod(), pod(1, restarts=1), pod(2)))
    assert stale_rules(previous, KubeProxy(mode=expected), seen) == named


def test_the_newest_pod_of_a_node_speaks_for_it() -> None:
    older = pod(command=("kube-proxy",), created=NOW - 500)
    newer = replace(pod(), name="kube-proxy-new", created=NOW - 10)
    seen = look(pods=(newer, older), answers={"kube-proxy-new": SETTLED})
    assert assess(NFTABLES, seen, CARE).standing == "proven"


def test_the_codes_are_those_that_are_documented_what_harms_most_first() -> None:
    assert [problem.code for problem in problems.ORDER] == [
        "DaemonSetUnchanged",
        "SettingsDiffer",
        "SyncFailures",
        "PodsNotReady",
        "PodsNotStarted",
        "NodesNotCovered",
        "PodsNotReplaced",
        "NodesDiffer",
        "StillRunning",
        "NoAnswer",
        "NodesNotReady",
        "NoCounter",
        "RolloutUnderWay",
        "RolloutNotObserved",
        "NoNodes",
        "Unsettled",
    ]


def test_every_problem_has_its_place_and_its_advice() -> None:
    known = [value for value in vars(problems).values() if isinstance(value, problems.Problem)]
    assert sorted(problem.code for problem in known) == sorted(problem.code for problem in problems.ORDER)
    assert all(problem.advice.endswith(".") for problem in known)
