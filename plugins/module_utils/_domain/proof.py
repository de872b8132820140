# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Whether the nodes of a cluster run what was asked for: where each node stands, and the cluster with them.

Private to this collection. Pure: no I/O. Azure's record is a wish. Proof is the DaemonSet's flags, a ready pod with
these flags on every node, each node's own answer, and under nftables no growing number of failed rule updates.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ansible_collections.aks.kube_proxy.plugins.module_utils._domain import proof_problems as problems
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.kube_objects import (
    DaemonSet,
    Node,
    Pod,
    flag,
    mode_of,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.kube_proxy import NFTABLES, KubeProxy
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.proof_look import (
    IGNORE,
    LEFT_OUT,
    Answer,
    Care,
    Look,
    Proof,
    Row,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.proof_problems import (
    CONTRADICTED,
    PROVEN,
    SETTLING,
    UNVERIFIED,
    Problem,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.proof_settings import other_settings

STARTING = ("", "ContainerCreating", "PodInitializing")
"""Why a container does not run that is on its way; anything else is trouble."""

UNWRITTEN = "does not tell that it ever wrote its rules"

STEADY_SECONDS = 30.0
"""For how long a container that was started again has to run: one that crashes again and again runs in between, too."""


@dataclass(frozen=True)
class _Place:
    """A node with all that is known of kube-proxy there."""

    expected: KubeProxy
    node: Node
    pod: Pod | None
    answer: Answer
    care: Care
    moment: float | None

    @property
    def flags(self) -> str:
        """The mode by the pod's flags; empty where there is no pod, or its flags do not tell."""
        return mode_of(self.pod.command) if self.pod else ""

    @property
    def young(self) -> bool:
        """Whether the node is known to have joined just now."""
        if self.node.created is None or self.moment is None:
            return False
        return self.moment - self.node.created < self.care.joining_seconds

    @property
    def fails(self) -> bool:
        """Whether kube-proxy does not just start, but has trouble with it."""
        return self.pod is not None and (self.pod.restarts > 0 or self.pod.trouble not in STARTING)

    @property
    def serves(self) -> bool:
        """Whether the node and kube-proxy on it are ready."""
        return self.node.ready and self.pod is not None and self.pod.ready


# Who does not count, and why; the first row that applies.
_LEFT_OUT: tuple[tuple[str, Callable[[_Place], bool]], ...] = (
    ("runs Windows, where kube-proxy has one mode of its own", lambda at: at.node.system != "linux"),
    ("is a virtual node", lambda at: at.node.virtual),
    ("is cordoned", lambda at: at.node.cordoned and at.care.cordoned == IGNORE),
    ("is not ready", lambda at: not at.node.ready and at.care.not_ready == IGNORE),
    ("is just joining", lambda at: at.young and not at.serves and not at.fails),
)


def _broken(at: _Place) -> str:
    if at.pod is None or at.pod.ready or not at.fails:
        return ""
    again = f", started again {at.pod.restarts} time(s)" if at.pod.restarts else ""
    return f"has a pod that is not ready ({at.pod.name}: {at.pod.trouble or 'not ready'}{again})"


def _starting(at: _Place) -> str:
    if at.pod is None or at.pod.ready:
        return ""
    return f"has a pod that does not start ({at.pod.name}: {at.pod.trouble or 'not ready'})"


def _silent(at: _Place) -> str:
    return "" if at.answer.mode else f"did not say its mode ({at.answer.trouble or 'not asked yet'})"


def _old(at: _Place) -> str:
    if at.flags in ("", at.expected.target):
        shown = ", ".join(other_settings(at.expected, at.pod.command)) if at.pod else ""
    else:
        shown = at.flags
    return f"still has a pod with {shown} ({_pod(at)})" if shown else ""


def _unsteady(at: _Place) -> str:
    if at.pod is None or not seconds_until_steady(at.pod, at.moment):
        return ""
    return f"has a pod that was started again just now ({_pod(at)}, {at.pod.restarts} time(s))"


def seconds_until_steady(pod: Pod, moment: float | None) -> float:
    """In how many seconds a pod will have run for long enough; 0 when it has, or nobody knows since when it runs."""
    if not pod.restarts or pod.started is None or moment is None:
        return 0.0
    return min(STEADY_SECONDS, max(0.0, pod.started + STEADY_SECONDS - moment))


def _failing(at: _Place) -> str:
    failed, seconds = at.answer.failed, at.answer.failing_for
    return f"could not write its rules {failed:.0f} time(s) within {seconds:.0f} seconds ({_pod(at)})" if failed else ""


def _pod(at: _Place) -> str:
    return at.pod.name if at.pod else ""


# What keeps a node from being proven; the first row that has something to say. While kube-proxy is rolled out, all of
# them can pass.
_CHECKS: tuple[tuple[Problem, Callable[[_Place], str]], ...] = (
    (problems.NOT_READY, lambda at: "" if at.node.ready else "is not ready"),
    (problems.NO_POD, lambda at: "" if at.pod else "has no pod of kube-proxy"),
    (problems.OLD_POD, _old),
    (problems.BROKEN_POD, _broken),
    (problems.STARTING_POD, _starting),
    (problems.NO_ANSWER, _silent),
    (
        problems.OTHER_MODE,
        lambda at: "" if at.answer.mode == at.expected.target else f"says that it runs {at.answer.mode} ({_pod(at)})",
    ),
)
_CHECKS_OF_RULES: tuple[tuple[Problem, Callable[[_Place], str]], ...] = (
    (problems.FAILING_RULES, _failing),
    (problems.NO_COUNTER, lambda at: UNWRITTEN if at.answer.unwritten and at.answer.first is None else ""),
    (
        problems.UNSETTLED,
        lambda at: "" if at.answer.watched >= at.care.settle_seconds else "is watched for failing rule updates",
    ),
    (problems.NO_COUNTER, lambda at: UNWRITTEN if at.answer.unwritten else ""),  # the count stands still all the same
)
_CHECK_OF_STEADINESS: tuple[tuple[Problem, Callable[[_Place], str]], ...] = ((problems.UNSETTLED, _unsteady),)
_CHECKS_OF_NOTHING: tuple[tuple[Problem, Callable[[_Place], str]], ...] = (
    (problems.NOT_READY, lambda at: "" if at.node.ready else "is not ready"),
    (problems.STILL_RUNNING, lambda at: f"still has the pod {_pod(at)}" if at.pod else ""),
)


def _checks(expected: KubeProxy) -> tuple[tuple[Problem, Callable[[_Place], str]], ...]:
    if not expected.enabled:
        return _CHECKS_OF_NOTHING
    return _CHECKS + (_CHECKS_OF_RULES if expected.target == NFTABLES else ()) + _CHECK_OF_STEADINESS


def assess(expected: KubeProxy, look: Look, care: Care) -> Proof:
    """Judge a look at a cluster."""
    passing = _passing(look, care)
    rows = tuple(_row(expected, node, look, care, passing) for node in look.nodes)
    found = [*_of_nodes(rows), *_of_daemon_set(expected, look, rows)]
    if all(row.standing == LEFT_OUT for row in rows):
        found.append((problems.NO_NODES, f"None of the {len(rows)} node(s) counts." if rows else "There are none."))
    found.sort(key=lambda trouble: problems.ORDER.index(trouble[0]))
    standings = {problem.standing for problem, _unused in found}
    standing = next((one for one in (CONTRADICTED, UNVERIFIED, SETTLING) if one in standings), PROVEN)
    return Proof(standing, rows, tuple(found))


def _passing(look: Look, care: Care) -> tuple[Problem, ...]:
    """What is no failure yet: all that a rollout will mend, as long as it goes on.

    Where nodes that are not ready use up what it may take away at a time, no old pod is replaced. Nodes without a pod,
    and pods that do not start, do not wait for that.
    """
    if look.moving:
        return PASSING
    return (problems.OLD_POD,) if _is_held_up(look, care) else ()


def _is_held_up(look: Look, care: Care) -> bool:
    if look.daemon_set is None:
        return False
    places = (_place(KubeProxy(), node, look, care) for node in look.nodes)
    lost = sum(
        not at.node.ready and at.node.system == "linux" and not at.node.virtual and not at.young for at in places
    )
    return min(lost, look.daemon_set.unavailable) >= look.daemon_set.at_once


def _of_daemon_set(expected: KubeProxy, look: Look, rows: tuple[Row, ...]) -> list[tuple[Problem, str]]:
    daemon_set = look.daemon_set
    if not expected.enabled:
        wanted = daemon_set.desired if daemon_set else 0
        return [(problems.STILL_RUNNING, f"The DaemonSet kube-proxy wants {wanted} pod(s).")] if wanted else []
    if daemon_set is None:
        return [(problems.UNAPPLIED, "The cluster has no DaemonSet kube-proxy in kube-system.")]
    if mode_of(daemon_set.command) not in ("", expected.target):
        shown = flag(daemon_set.command, "proxy-mode")
        how = f"says --proxy-mode={shown}" if shown is not None else "has no --proxy-mode, which means iptables"
        return [(problems.UNAPPLIED, f"kube-proxy's DaemonSet {how}, not {expected.target}.")]
    found = []
    different = other_settings(expected, daemon_set.command)
    if different:
        found.append((problems.OTHER_SETTINGS, f"kube-proxy's DaemonSet has other settings: {', '.join(different)}."))
    if daemon_set.observed < daemon_set.generation:
        found.append((problems.NOT_OBSERVED, "The DaemonSet's controller has not taken up its new form."))
    behind = sum(_need_not_be_updated(row, look.pod_of(row.node), daemon_set) for row in rows)
    if daemon_set.updated < daemon_set.desired - behind:
        found.append((problems.NOT_OBSERVED, f"{daemon_set.updated} of {daemon_set.desired} pods are updated."))
    return found


def _need_not_be_updated(row: Row, pod: Pod | None, daemon_set: DaemonSet) -> bool:
    """Whether a node is one of those that the DaemonSet wants, does not count here, and lacks an updated pod."""
    if row.node.system != "linux" or row.node.virtual or (pod is not None and pod.command == daemon_set.command):
        return False
    return row.standing == LEFT_OUT or row.problem is problems.NOT_READY


def _of_nodes(rows: tuple[Row, ...]) -> list[tuple[Problem, str]]:
    """One trouble for each kind, with the first node that has it."""
    total = sum(row.standing != LEFT_OUT for row in rows)
    found: dict[Problem, list[Row]] = {}
    for row in rows:
        if row.problem:
            found.setdefault(row.problem, []).append(row)
    return [
        (problem, f"{len(having)} of {total} Linux node(s): {having[0].node.name} {having[0].reason}{_more(having)}.")
        for problem, having in found.items()
    ]


def _more(having: list[Row]) -> str:
    return f", and {len(having) - 1} more" if len(having) > 1 else ""


def _place(expected: KubeProxy, node: Node, look: Look, care: Care) -> _Place:
    pod = look.pod_of(node)
    return _Place(expected, node, pod, look.answer(pod.name) if pod else Answer(), care, look.moment)


def left_out(node: Node, look: Look, care: Care) -> str:
    """Why a node does not count; empty when it does."""
    return _why_left_out(_place(KubeProxy(), node, look, care))


def _why_left_out(at: _Place) -> str:
    return next((reason for reason, applies in _LEFT_OUT if applies(at)), "")


def _row(expected: KubeProxy, node: Node, look: Look, care: Care, passing: tuple[Problem, ...]) -> Row:
    at = _place(expected, node, look, care)
    pod, answer = at.pod, at.answer
    found = Row(
        node, expected.target, PROVEN, answer.mode or at.flags, pod=_pod(at), since=pod.started if pod else None
    )
    reason = _why_left_out(at)
    if reason:
        return replace(found, standing=LEFT_OUT, reason=reason, since=node.ready_since)
    for problem, check in _checks(expected):
        reason = check(at)
        if reason:
            since = {
                problems.NOT_READY: node.ready_since,
                problems.NO_POD: node.created,
                problems.BROKEN_POD: pod.created if pod else None,
                problems.STARTING_POD: pod.created if pod else None,
            }.get(problem, found.since)
            told = problems.UNDER_WAY if problem in passing else problem
            return replace(found, standing=told.standing, reason=reason, since=since, problem=told)
    return found


PASSING = (problems.OLD_POD, problems.NO_POD, problems.STARTING_POD)
"""What a rollout that goes on will mend."""


def arrived(proof: Proof) -> int:
    """On how many nodes the rollout has come as far as a pod with the new flags that has started."""
    return sum(row.problem not in (*PASSING, problems.UNDER_WAY) for row in proof.rows)


def stale_rules(previous: str, expected: KubeProxy, look: Look) -> list[str]:
    """The nodes that may keep the former mode's rules: after a switch between iptables and IPVS, until a reboot.

    kube-proxy does not remove the other one's rules, see https://github.com/kubernetes/enhancements/issues/2448. A node
    that is older than its pod, whose container never had to start again, has not been rebooted since the switch.
    """
    if {previous, expected.target} != {"IPTABLES", "IPVS"}:
        return []
    found = []
    for node in look.nodes:
        pod = look.pod_of(node)
        if pod and not pod.restarts and (node.created or 0.0) < (pod.created or 0.0):
            found.append(node.name)
    return found
