# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Whether a switch is safe, seen from inside the cluster: what the rules find, and what a user accepts of it.

Private to this collection. Pure: no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.compatibility import BLOCK, WARN
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.safety_evidence import Evidence
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.safety_rules import NO_COUNTERS, RULES, Situation
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.wording import listed

__all__ = ["NO_COUNTERS", "SHOWN", "Finding", "findings", "tolerated"]

SHOWN = 10
"""So many objects are named in a finding, the others are counted."""


@dataclass(frozen=True)
class Finding:
    """A rule that applies to a cluster.

    Attributes:
        rule: its name.
        severity: BLOCK or WARN.
        target: the mode that it speaks against.
        object: the nodes or objects that it applies to, the first of them.
        count: how many these are.
        reason: why that matters.
        remedy: what to do.
        source: where that is written.
        tolerated: whether the user accepts it; then it only warns.
    """

    rule: str
    severity: str
    target: str
    object: str
    count: int
    reason: str
    remedy: str
    source: str
    tolerated: bool = False

    def __str__(self) -> str:
        accepted = " (tolerated)" if self.tolerated else ""
        return f"{self.reason} [{self.rule}]{accepted} {self.object}. {self.remedy}"

    def as_result(self) -> dict[str, Any]:
        """The form in which modules return it."""
        return asdict(self)


def findings(evidence: Evidence, current: str, target: str) -> list[Finding]:
    """All that the evidence speaks against a switch, what blocks it first.

    Args:
        evidence: what was read from the cluster.
        current: kube-proxy's mode now.
        target: the mode to switch to.
    """
    situation = Situation(evidence, current, target)
    found = []
    for rule in RULES:
        names = rule.objects(situation) if target in rule.targets else ()
        if names:
            found.append(
                Finding(
                    rule.name,
                    rule.severity,
                    target,
                    listed(names, SHOWN),
                    len(names),
                    rule.reason,
                    rule.remedy,
                    rule.source,
                )
            )
    return sorted(found, key=lambda finding: finding.severity != BLOCK)


def tolerated(found: Iterable[Finding], names: Iterable[str]) -> list[Finding]:
    """The findings, those that the user accepts by the name of their rule as warnings.

    Raises:
        ValueError: there is no rule of such a name.
    """
    accepted, known = set(names), sorted({rule.name for rule in RULES})
    unknown = sorted(accepted.difference(known))
    if unknown:
        raise ValueError(f"There is no rule {', '.join(unknown)}. The rules are: {', '.join(known)}.")
    marked = [
        replace(finding, severity=WARN, tolerated=True) if finding.rule in accepted else finding for finding in found
    ]
    return sorted(marked, key=lambda finding: finding.severity != BLOCK)
