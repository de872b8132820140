# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What looks at a cluster show, and where its nodes stand by that. Private to this collection. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.kube_objects import DaemonSet, Node, Pod
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.proof_problems import Problem

LEFT_OUT = "left_out"

WAIT = "wait"
IGNORE = "ignore"


@dataclass(frozen=True)
class Care:
    """How to treat nodes that cannot be expected to answer as others do.

    Attributes:
        not_ready: WAIT (they have to come back, else the cluster is unverified) or IGNORE.
        cordoned: WAIT (verified like others: their pods still use Services) or IGNORE.
        joining_seconds: a node younger than this may still lack a ready pod; it will start with the new flags.
        settle_seconds: how long the count of failed rule updates has to stand still. kube-proxy tries again every 30
            seconds.
    """

    not_ready: str = WAIT
    cordoned: str = WAIT
    joining_seconds: float = 600.0
    settle_seconds: float = 35.0


@dataclass(frozen=True)
class Answer:
    """What kube-proxy on a node said of itself.

    Attributes:
        mode: its mode in capitals; empty when it said none.
        trouble: why it said none; empty when it did, or was not asked.
        refused: whether the API server does not let these credentials ask, which does not change by waiting.
        unwritten: whether it was asked for its count of failed rule updates, and does not tell that it ever wrote its
            rules.
        first: the count with which the present watch began, and when, in seconds on the reader's clock.
        last: the count when last read, and when.
        failed: how many rule updates have failed since the trouble began; 0 when none did for long enough.
        failing_since: when the watch began in which the first of these failed.
    """

    mode: str = ""
    trouble: str = ""
    refused: bool = False
    unwritten: bool = False
    first: tuple[float, float] | None = None
    last: tuple[float, float] | None = None
    failed: float = 0.0
    failing_since: float = 0.0

    def counting(self, count: float, now: float, settle_seconds: float) -> Answer:
        """The same after another reading of the count. Each failure makes the watch begin anew.

        Args:
            count: failed rule updates since kube-proxy started; a restarted one counts from zero.
            now: when it was read.
            settle_seconds: how long the count has to stand still, so that earlier failures are forgotten.
        """
        reading = (count, now)
        if self.first is None:
            return replace(self, first=reading, last=reading)
        before, began = self.first
        restarted = count < before
        grown = count if restarted else count - before
        if restarted or grown > 0:
            since = self.failing_since if self.failed else began
            return replace(self, first=reading, last=reading, failed=self.failed + grown, failing_since=since)
        return replace(self, last=reading, failed=0.0 if now - began >= settle_seconds else self.failed)

    @property
    def watched(self) -> float:
        """For how many seconds the count is known to have stood still."""
        return 0.0 if self.first is None or self.last is None else self.last[1] - self.first[1]

    @property
    def failing_for(self) -> float:
        """For how many seconds rule updates have been failing; 0 when they do not."""
        return self.last[1] - self.failing_since if self.failed and self.last else 0.0


@dataclass(frozen=True)
class Look:
    """What one look at a cluster showed.

    Attributes:
        moment: the API server's time, in seconds since the epoch; None when it does not tell.
        daemon_set: kube-proxy's DaemonSet; None where there is none.
        nodes: all nodes.
        pods: kube-proxy's pods.
        answers: what kube-proxy itself said, by pod name.
        moving: whether the rollout of kube-proxy has gone on of late, or has not been watched for long enough to tell.
    """

    moment: float | None
    daemon_set: DaemonSet | None
    nodes: tuple[Node, ...] = ()
    pods: tuple[Pod, ...] = ()
    answers: Mapping[str, Answer] = field(default_factory=dict)
    moving: bool = False

    @cached_property
    def _serving(self) -> dict[str, Pod]:
        by_age = sorted(self.pods, key=lambda pod: pod.created or 0.0)
        return {pod.node: pod for pod in by_age if not pod.deleting}

    def pod_of(self, node: Node) -> Pod | None:
        """The pod that serves a node: the newest that is not on its way out."""
        return self._serving.get(node.name)

    def answer(self, pod: str) -> Answer:
        """What kube-proxy in a pod said."""
        return self.answers.get(pod, Answer())


@dataclass(frozen=True)
class Row:
    """Where a node stands.

    Attributes:
        node: the node.
        expected: the mode that it shall run, DISABLED for none.
        standing: PROVEN, CONTRADICTED, UNVERIFIED, SETTLING or LEFT_OUT.
        observed: the mode that it runs as far as known: by its own answer, else by its pod's flags; empty when unknown.
        reason: what is wrong, or why it is left out; empty when proven.
        since: since when it is so, in seconds since the epoch; None when not known.
        problem: the kind of trouble; None when there is none.
        pod: the name of kube-proxy's pod there; empty without one.
    """

    node: Node
    expected: str
    standing: str
    observed: str = ""
    reason: str = ""
    since: float | None = None
    problem: Problem | None = None
    pod: str = ""


@dataclass(frozen=True)
class Proof:
    """What a look proves.

    Attributes:
        standing: PROVEN, CONTRADICTED, UNVERIFIED or SETTLING.
        rows: the nodes.
        troubles: what is wrong, what harms most first: the kind, and a sentence.
    """

    standing: str
    rows: tuple[Row, ...]
    troubles: tuple[tuple[Problem, str], ...] = ()
