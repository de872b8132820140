# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The ways in which proof from the nodes can fall short: one table. Private to this collection. Pure: no I/O."""

from __future__ import annotations

from dataclasses import dataclass

PROVEN = "proven"
CONTRADICTED = "contradicted"
UNVERIFIED = "unverified"
SETTLING = "settling"


@dataclass(frozen=True)
class Problem:
    """A way in which proof can fall short.

    Attributes:
        code: how results call it.
        standing: CONTRADICTED where it is evidence of failure, UNVERIFIED where evidence is missing.
        advice: what to do.
    """

    code: str
    standing: str
    advice: str


UNAPPLIED = Problem(
    "DaemonSetUnchanged",
    CONTRADICTED,
    "Azure has taken the setting without applying it. Look whether the cluster's Kubernetes version has the mode "
    "(NFTABLES needs 1.33), and put the former mode back, so that record and nodes agree.",
)
OTHER_SETTINGS = Problem(
    "SettingsDiffer", CONTRADICTED, "Run the switch again; if it stays so, open a support request with Azure."
)
OTHER_MODE = Problem(
    "NodesDiffer",
    CONTRADICTED,
    "Look at kube-proxy's log on these nodes: kubectl logs -n kube-system POD. A node that stays on the former mode "
    "can be cordoned, drained and reimaged.",
)
OLD_POD = Problem(
    "PodsNotReplaced",
    CONTRADICTED,
    "Look at the rollout: kubectl rollout status daemonset/kube-proxy -n kube-system. Deleting such a pod lets the "
    "DaemonSet make a new one.",
)
BROKEN_POD = Problem(
    "PodsNotReady",
    CONTRADICTED,
    "Services do not work on these nodes. Look at kubectl describe pod and kubectl logs --previous -n kube-system POD.",
)
STARTING_POD = Problem(
    "PodsNotStarted",
    CONTRADICTED,
    "Services do not work on these nodes. Look at kubectl describe pod -n kube-system POD for what it waits for.",
)
UNDER_WAY = Problem(
    "RolloutUnderWay",
    UNVERIFIED,
    "kube-proxy is still being rolled out, or nodes that are not ready hold that up. Verify again later, or raise "
    "'wait_timeout'.",
)
NO_POD = Problem(
    "NodesNotCovered",
    CONTRADICTED,
    "kube-proxy does not run on these nodes, so Services do not work there. Look at kubectl describe "
    "daemonset/kube-proxy -n kube-system and at the nodes' taints.",
)
FAILING_RULES = Problem(
    "SyncFailures",
    CONTRADICTED,
    "The kernel refuses the rules, so changes to Services do not arrive on these nodes. Look at kubectl logs -n "
    "kube-system POD for 'Failed to execute nft', and put the former mode back.",
)
STILL_RUNNING = Problem(
    "StillRunning",
    CONTRADICTED,
    "kube-proxy still runs on these nodes although it is disabled: run the verification later.",
)
NOT_READY = Problem(
    "NodesNotReady",
    UNVERIFIED,
    "These nodes are not ready, so nobody can tell what runs there. Mend or remove them, or leave them out with "
    "'not_ready_nodes: ignore', and verify again.",
)
NO_ANSWER = Problem(
    "NoAnswer",
    UNVERIFIED,
    "The API server could not hand on the node's own answer. Check that the credentials may get pods/proxy in "
    "kube-system (docs/permissions.md), and that port 10249 of the nodes can be reached from the control plane.",
)
NO_COUNTER = Problem(
    "NoCounter",
    UNVERIFIED,
    "kube-proxy does not tell that it ever wrote its rules, so it is not known whether the kernel takes them. Look at "
    "its log.",
)
NOT_OBSERVED = Problem(
    "RolloutNotObserved",
    UNVERIFIED,
    "The cluster's control plane has not finished rolling out kube-proxy. Verify again later.",
)
NO_NODES = Problem("NoNodes", UNVERIFIED, "No Linux node is there to ask. Verify again when there is one.")
UNSETTLED = Problem("Unsettled", SETTLING, "Verify again.")

# What is told first when several apply: what concerns all nodes, then what harms most.
ORDER = (
    UNAPPLIED,
    OTHER_SETTINGS,
    FAILING_RULES,
    BROKEN_POD,
    STARTING_POD,
    NO_POD,
    OLD_POD,
    OTHER_MODE,
    STILL_RUNNING,
    NO_ANSWER,
    NOT_READY,
    NO_COUNTER,
    UNDER_WAY,
    NOT_OBSERVED,
    NO_NODES,
    UNSETTLED,
)
