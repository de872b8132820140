# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What became of a cluster in a wave. Private to this collection. Pure: no I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

SWITCHED = "switched"
UNCHANGED = "unchanged"
WOULD_SWITCH = "would_switch"
BLOCKED = "blocked"
FAILED = "failed"
RUNNING = "running"
STOPPED = "stopped"
ROLLED_BACK = "rolled_back"
ROLLBACK_FAILED = "rollback_failed"
NOT_STARTED = "not_started"
CONTRADICTED = "contradicted"
UNVERIFIED = "unverified"

STATES = (
    SWITCHED,
    UNCHANGED,
    WOULD_SWITCH,
    BLOCKED,
    FAILED,
    CONTRADICTED,
    UNVERIFIED,
    RUNNING,
    STOPPED,
    ROLLED_BACK,
    ROLLBACK_FAILED,
    NOT_STARTED,
)
GOOD = (SWITCHED, UNCHANGED, WOULD_SWITCH)

AZURE = "azure"
NODES = "nodes"

NOT_APPLIED = "NotApplied"
"""The code where Azure reports success and the cluster reads otherwise."""

NO_EVIDENCE = "NoEvidence"
"""The code of a cluster that was to be asked and said nothing."""


@dataclass(frozen=True)
class Verdict:
    """What became of one cluster.

    Attributes:
        id: its ARM resource id; empty when what was given names no cluster.
        state: one of STATES.
        changed: whether it was written to, or would be.
        previous: the configuration that it had, None when it could not be read.
        current: the configuration that it asks for now, as last read; in check mode the one that it is going to have.
        verified: who confirmed the end: C(azure) when Azure's record was read back, C(nodes) when the nodes were asked
            too; None when nobody did.
        seconds: how long it took.
        reason: why it is not as asked for, with the advice; empty when it is.
        advice: the part of the reason that tells what to do, where that can be told apart.
        code: Azure's error code or the name of the rule; None when all went well.
        correlation_id: what Azure's support asks for, where there is one.
        findings: what speaks against the switch or should be known about it.
    """

    id: str
    state: str
    changed: bool = False
    previous: Mapping[str, Any] | None = None
    current: Mapping[str, Any] | None = None
    verified: str | None = None
    seconds: float = 0.0
    reason: str = ""
    advice: str = ""
    code: str | None = None
    correlation_id: str | None = None
    findings: list[dict[str, Any]] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether the cluster is as asked for, or would be."""
        return self.state in GOOD

    def as_result(self) -> dict[str, Any]:
        """The form in which modules return it."""
        return {**asdict(self), "ok": self.ok}


def timed(verdict: Verdict, seconds: float) -> Verdict:
    """The verdict with the time that it took."""
    return replace(verdict, seconds=round(seconds, 1))


def tally(states: Iterable[str], order: Sequence[str] = STATES) -> str:
    """How many clusters came to which end, in words: C(17 switched, 1 blocked)."""
    counts = Counter(states)
    return ", ".join(f"{counts[state]} {state.replace('_', ' ')}" for state in order if counts[state])
