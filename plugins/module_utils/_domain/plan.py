# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What to do with one cluster: nothing, a switch, or a refusal.

Private to this collection. Pure: no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.cluster import Cluster
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.compatibility import (
    BLOCK,
    Finding,
    Situation,
    findings,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.kube_proxy import (
    KubeProxy,
    Request,
    desired,
    to_arm,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.production import Guard

ENFORCE = "enforce"
ONLY_WARN = "warn"
SKIP = "skip"
PREFLIGHTS = (ENFORCE, ONLY_WARN, SKIP)

REFUSE = "refuse"
REPAIR = "repair"
FAILED_CLUSTERS = (REFUSE, REPAIR)

LAST_OPERATION_FAILED = "last-operation-failed"
CHANGED_SINCE = "changed-since"


@dataclass(frozen=True)
class Policy:
    """How careful to be.

    Attributes:
        preflight: what the compatibility rules may do: C(enforce), C(warn) or C(skip).
        failed_clusters: C(refuse) or C(repair) clusters whose last operation failed; no preflight overrules it,
            since a PUT would resume what failed.
        production: which clusters are not to be touched at all, whatever the preflight; None for no such guard.
    """

    preflight: str = ENFORCE
    failed_clusters: str = REFUSE
    production: Guard | None = None


@dataclass(frozen=True)
class Plan:
    """What to do with one cluster.

    Attributes:
        current: the configuration that it has.
        target: the configuration that it shall have.
        write: whether that takes a PUT.
        findings: what speaks against the target or should be known.
        refused: those of the findings that forbid it under the policy.
    """

    current: KubeProxy
    target: KubeProxy
    write: bool
    findings: list[Finding]
    refused: list[Finding]

    @property
    def warned(self) -> list[Finding]:
        """What the user should read although the plan goes on. Without a write, only what is plainly wrong."""
        worth_saying = [finding for finding in self.findings if self.write or finding.severity == BLOCK]
        return [finding for finding in worth_saying if finding not in self.refused]

    @property
    def warnings(self) -> list[str]:
        """The same as sentences."""
        return [str(finding) for finding in self.warned]


def plan(cluster: Cluster, request: Request, policy: Policy, feature: str | None = None) -> Plan:
    """Decide what to do with a cluster.

    Args:
        cluster: the cluster as it is now.
        request: what the user asks for.
        policy: how careful to be.
        feature: the state of the preview feature flag, where it is known.

    Raises:
        InvalidRequest: the request does not fit the cluster's present configuration.
    """
    current = cluster.kube_proxy
    target = desired(current, request)
    found = findings(Situation(cluster, target.target, feature))
    failed = [finding for finding in found if finding.rule == LAST_OPERATION_FAILED]
    others = [finding for finding in found if finding.rule != LAST_OPERATION_FAILED]
    repair = bool(failed) and policy.failed_clusters == REPAIR
    write = repair or not current.means(target)
    guarded = policy.production.findings(cluster, target.target) if write and policy.production else []
    if write and not cluster.ended_badly:
        guarded += _changed_since(current, target, request)
    refused = [*guarded, *([] if repair else failed)]
    if write and policy.preflight == ENFORCE:
        refused = [*refused, *(finding for finding in others if finding.severity == BLOCK)]
    return Plan(
        current=current,
        target=target,
        write=write,
        findings=[*guarded, *(failed if policy.preflight == SKIP else found)],
        refused=refused,
    )


def _changed_since(current: KubeProxy, target: KubeProxy, request: Request) -> list[Finding]:
    """What forbids to overwrite what somebody else has decided meanwhile."""
    expected = request.expected
    if expected is None or current.fulfils(expected):
        return []
    return [
        Finding(
            CHANGED_SINCE,
            BLOCK,
            target.target,
            f"It asks for {current.target}, but was left with {expected.target}: somebody has changed it since.",
            "Leave it alone, or say that it is to be overwritten.",
            "",
        )
    ]


def difference(cluster: Cluster, target: KubeProxy | None) -> dict[str, Any]:
    """Ansible's diff of the ARM object, from the cluster as it was to the target; None stands for no change."""
    stored = {key: value for key, value in cluster.network.items() if key.casefold() == "kubeproxyconfig"}
    after = stored if target is None else {"kubeProxyConfig": to_arm(target)}
    shown = [{"properties": {"networkProfile": network}} for network in (stored, after)]
    header = str(cluster.body["id"])
    return {"before": shown[0], "after": shown[1], "before_header": header, "after_header": header}
