# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What evidence from a cluster came to, as modules return it and people read it. Private to this collection.

Pure: no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timezone
from typing import Any

from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.compatibility import BLOCK, WARN
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.proof_look import LEFT_OUT, Proof, Row
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.proof_problems import (
    CONTRADICTED,
    PROVEN,
    UNVERIFIED,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.safety import NO_COUNTERS, SHOWN, Finding
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.summary import nodes_table
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.wording import listed, one_line

BEFORE = "before"
AFTER = "after"
PHASES = (AFTER, BEFORE)

VERIFIED = "verified"
SAFE = "safe"
UNSAFE = "unsafe"
STATES = (VERIFIED, SAFE, CONTRADICTED, UNSAFE, UNVERIFIED)
GOOD = (VERIFIED, SAFE)

ALL = "all"
OTHERS = "others"

ROWS_SHOWN = 20
SENTENCES_TOLD = 3

UNREAD = "Unread"
"""The code of a cluster of which something could not be read before a switch."""


@dataclass(frozen=True)
class Verification:
    """What the evidence from one cluster came to.

    Attributes:
        id: its ARM resource id.
        state: one of STATES.
        expected: the mode that was looked for, or that the cluster is to get; empty when it was not known.
        how: the way on which the Kubernetes API was reached; empty when it was not.
        reason: why the cluster is neither verified nor safe, with the advice; empty when it is.
        advice: the part of the reason that tells what to do, where that can be told apart.
        code: the kind of trouble, a rule's name or Azure's code; None when all is well.
        nodes: where each node stands.
        proven: how many nodes prove what was asked for.
        left_out: how many nodes do not count.
        findings: what should be known about the cluster.
        services: how many Services the cluster has; None when they were not counted.
        seconds: how long it took.
        requests: how many requests the Kubernetes API got.
    """

    id: str
    state: str
    expected: str = ""
    how: str = ""
    reason: str = ""
    advice: str = ""
    code: str | None = None
    nodes: list[dict[str, Any]] = field(default_factory=list)
    proven: int = 0
    left_out: int = 0
    findings: list[dict[str, Any]] = field(default_factory=list)
    services: int | None = None
    seconds: float = 0.0
    requests: int = 0

    def with_nodes_of(self, choice: str) -> Verification:
        """The same without the proven nodes, where nobody wants to see them; they were counted."""
        if choice == ALL:
            return self
        return self.but(nodes=[row for row in self.nodes if row["standing"] != PROVEN])

    @property
    def ok(self) -> bool:
        """Whether the evidence is there and speaks for the cluster."""
        return self.state in GOOD

    def but(self, **differences: Any) -> Verification:
        """The same with some differences."""
        return replace(self, **differences)

    def as_result(self) -> dict[str, Any]:
        """The form in which modules return it."""
        return {**asdict(self), "ok": self.ok}


def from_proof(identity: str, expected: str, proof: Proof, stale: Sequence[str] = ()) -> Verification:
    """What a last look proves. What is still settling then has not been watched for long enough to be proven.

    Args:
        identity: the cluster's ARM resource id.
        expected: the mode that it shall run.
        proof: what the look proves.
        stale: nodes that may keep the former mode's rules.
    """
    state = {PROVEN: VERIFIED, CONTRADICTED: CONTRADICTED}.get(proof.standing, UNVERIFIED)
    told = [sentence for _unused, sentence in proof.troubles][:SENTENCES_TOLD]
    first = proof.troubles[0][0] if proof.troubles else None
    advice = first.advice if first else ""
    return Verification(
        identity,
        state,
        expected,
        reason=" ".join([*told, advice]).strip(),
        advice=advice,
        code=first.code if first else None,
        nodes=[row_result(row) for row in proof.rows],
        proven=sum(row.standing == PROVEN for row in proof.rows),
        left_out=sum(row.standing == LEFT_OUT for row in proof.rows),
        findings=[_stale_rules(expected, stale).as_result()] if stale else [],
    )


def _stale_rules(mode: str, nodes: Sequence[str]) -> Finding:
    return Finding(
        rule="iptables-ipvs-stale-rules",
        severity=WARN,
        target=mode,
        object=listed(nodes, SHOWN),
        count=len(nodes),
        reason="Nodes not rebooted since a switch between iptables and IPVS may keep the former mode's rules.",
        remedy="Reboot or reimage them, a few at a time.",
        source="https://github.com/kubernetes/enhancements/issues/2448",
    )


def from_findings(
    identity: str, target: str, found: Sequence[Finding], unread: Sequence[str], services: int | None
) -> Verification:
    """Whether the evidence before a switch speaks against it. What speaks against it counts, whatever else is missing.

    Args:
        identity: the cluster's ARM resource id.
        target: the mode that the cluster is to get.
        found: the findings.
        unread: what could not be read, a sentence each.
        services: how many Services the cluster has; None when they could not be counted.
    """
    blocks = [finding for finding in found if finding.severity == BLOCK]
    missing = [str(finding) for finding in found if finding.rule == NO_COUNTERS and not finding.tolerated]
    known = Verification(identity, SAFE, target, findings=[finding.as_result() for finding in found], services=services)
    if blocks:
        reason = " ".join(str(finding) for finding in blocks)
        return known.but(state=UNSAFE, reason=reason, advice=blocks[-1].remedy, code=blocks[0].rule)
    if unread:
        return known.but(state=UNVERIFIED, reason=" ".join([*unread, *missing]), code=UNREAD)
    if missing:
        return known.but(state=UNVERIFIED, reason=" ".join(missing), code=NO_COUNTERS)
    return known


def row_result(row: Row) -> dict[str, Any]:
    """A node's row in the form in which modules return it."""
    return {
        "node": row.node.name,
        "pool": row.node.pool,
        "kernel": row.node.kernel,
        "os_image": row.node.os_image,
        "expected": row.expected,
        "observed": row.observed,
        "since": as_time(row.since),
        "standing": row.standing,
        "reason": row.reason,
    }


def as_time(moment: float | None) -> str | None:
    """A moment as people read it, in UTC."""
    if moment is None:
        return None
    return datetime.fromtimestamp(moment, timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")


def abridged(verification: Mapping[str, Any]) -> dict[str, Any]:
    """How many nodes prove what was asked for, and the first of those that do not; evidence of failure comes first."""
    others = [row for row in verification["nodes"] if row["standing"] not in (PROVEN, LEFT_OUT)]
    others.sort(key=lambda row: row["standing"] != CONTRADICTED)
    return {
        "proven": verification["proven"],
        "left_out": verification["left_out"],
        "left_out_nodes": [row["node"] for row in verification["nodes"] if row["standing"] == LEFT_OUT],
        "others": len(others),
        "nodes": others[:ROWS_SHOWN],
    }


def messages(found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What is told of clusters that are neither verified nor safe: the reason, then the table of their nodes.

    Clusters of which the same is to be told share a message.
    """
    hosts_by_text: dict[str, list[str]] = {}
    for host, one in found.items():
        known = abridged(one)
        table = nodes_table(**known) if known["others"] else []
        text = "\n".join(map(one_line, [f"{one['state']}. {one['reason']}", *table]))
        hosts_by_text.setdefault(text, []).append(host)
    return [f"{listed(hosts, SHOWN)}: {text}" for text, hosts in hosts_by_text.items()]
