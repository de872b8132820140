# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Whether a cluster's failed operation was a switch of ours, by what the journal says.

Private to this collection. Pure: no I/O.

A PUT resumes whatever failed, so it is sent to a failed cluster only where it is known what failed. Two things show it:

- A run saw its own switch fail, and the cluster still has the eTag that it had then.
- A run did not see the end of its switch, as it was killed, stopped, or had waited long enough. Azure gives a cluster a
  new eTag when an operation ends, so no eTag can tell. But the cluster has changed since the write was announced, asks
  for what was written, has no upgrade that a PUT would go on with, and the announcement is not old.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.cluster import Cluster
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.compatibility import (
    BEHIND_GOAL,
    Situation,
    findings,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.record import ENDED, SUBMITTING, same_meaning
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.verdict import FAILED

RECENT = timedelta(hours=24)
"""How old an announcement may be whose end nobody saw. Azure ends operations within hours."""

Line = Mapping[str, Any]


def is_own_failure(lines: Sequence[Line], cluster: Cluster, now: datetime) -> bool:
    """Whether the last operation of a failed cluster was a switch of ours.

    Args:
        lines: the journal's lines about the cluster, in their order.
        cluster: the cluster as it is now; its last operation has failed.
        now: with a time zone.
    """
    arrived = _arrived(lines, cluster)
    if not arrived:
        return False
    last = arrived[-1]
    if end_was_seen(arrived):
        return last.get("state") == FAILED and cluster.etag is not None and last.get("etag") == cluster.etag
    submitted = next(line for line in reversed(arrived) if line.get("event") == SUBMITTING)
    return (
        _age(submitted, now) <= RECENT
        and same_meaning(submitted.get("target"), cluster.kube_proxy.as_result())
        and not _would_upgrade(cluster)
    )


def end_was_seen(lines: Sequence[Line]) -> bool:
    """Whether the end of the last switch that the lines announce was seen; True where they announce none."""
    for line in reversed(lines):
        if line.get("event") == SUBMITTING:
            return False
        if line.get("event") == ENDED:
            return line.get("settled") is True
    return True


def _arrived(lines: Sequence[Line], cluster: Cluster) -> list[Line]:
    """The lines without those of writes that cannot have reached Azure: the cluster still has the eTag from before."""
    left = list(lines)
    while True:
        last = next((at for at in reversed(range(len(left))) if left[at].get("event") == SUBMITTING), None)
        if last is None:
            return []
        if cluster.etag is None or left[last].get("etag") != cluster.etag:
            return left
        left = left[:last]


def _age(line: Line, now: datetime) -> timedelta:
    """How old a line is; older than anything where it does not tell."""
    try:
        return now - datetime.fromisoformat(str(line.get("time")))
    except (ValueError, TypeError):  # TypeError: without a time zone
        return timedelta.max


def _would_upgrade(cluster: Cluster) -> bool:
    target = cluster.kube_proxy.target
    return any(finding.rule == BEHIND_GOAL for finding in findings(Situation(cluster, target)))
