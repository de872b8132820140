# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What to do next while a cluster is not proven: which pods to ask, and whether to wait.

Private to this collection. Pure: no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import zip_longest

from ansible_collections.aks.kube_proxy.plugins.module_utils._domain import proof_problems as problems
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.proof_look import Care, Look, Proof, Row

RESTARTS_UNTIL_SURE = 3
SECONDS_UNTIL_APPLIED = 180.0
"""AKS reconciles a cluster's own workloads before it reports success; some time for the rest."""

WORTH_ASKING = (
    problems.NO_ANSWER,
    problems.OTHER_MODE,
    problems.FAILING_RULES,
    problems.NO_COUNTER,
    problems.UNSETTLED,
)


def to_ask(proof: Proof, look: Look) -> list[str]:
    """The pods worth asking now: those that are ready and, by their flags, as asked for, but not proven yet."""
    rows = (row for row in proof.rows if row.problem in WORTH_ASKING and not look.answer(row.pod).refused)
    return by_turns((row.node.pool, row.pod) for row in rows)


def not_asked(proof: Proof, look: Look) -> list[str]:
    """The pods to ask at last, so that the table tells what runs there: those whose flags are not those asked for."""
    known = {pod.name for pod in look.pods if pod.ready}
    old = (problems.OLD_POD, problems.UNDER_WAY)
    return by_turns((row.node.pool, row.pod) for row in proof.rows if row.problem in old and row.pod in known)


def by_turns(members: Iterable[tuple[str, str]]) -> list[str]:
    """The names in pairs of a pool and a name, one of each pool in turn.

    Where nobody gets through to the nodes of a pool, those of the others are heard before all are given up.
    """
    pools: dict[str, list[str]] = {}
    for pool, name in members:
        pools.setdefault(pool, []).append(name)
    return [name for turn in zip_longest(*pools.values()) for name in turn if name]


def is_worth_waiting(proof: Proof, look: Look, care: Care, seconds: float) -> bool:
    """Whether time may still prove it.

    It does not where kube-proxy goes on failing, where Azure has not touched its DaemonSet for minutes, and where all
    that is missing are nodes long gone, or the right to ask.

    Args:
        proof: what is known.
        look: what it was taken from.
        care: how to treat nodes.
        seconds: for how long the cluster has been looked at.
    """
    kinds = {problem for problem, _unused in proof.troubles}
    if problems.UNAPPLIED in kinds and seconds >= SECONDS_UNTIL_APPLIED:
        return False
    unproven = [row for row in proof.rows if row.problem]
    if any(_goes_on_failing(row, look, care) for row in unproven):
        return False
    of_nodes = kinds <= {problems.NOT_READY, problems.NO_ANSWER}
    return not (of_nodes and unproven and all(_is_final(row, look, care) for row in unproven))


def _goes_on_failing(row: Row, look: Look, care: Care) -> bool:
    pod = look.pod_of(row.node)
    crashed = row.problem is problems.BROKEN_POD and pod is not None and pod.restarts >= RESTARTS_UNTIL_SURE
    return crashed or (
        row.problem is problems.FAILING_RULES and look.answer(row.pod).failing_for >= 2 * care.settle_seconds
    )


def _is_final(row: Row, look: Look, care: Care) -> bool:
    if row.problem is problems.NOT_READY:
        known = row.since is not None and look.moment is not None
        return known and (look.moment or 0.0) - (row.since or 0.0) > care.joining_seconds
    return row.problem is problems.NO_ANSWER and look.answer(row.pod).refused
