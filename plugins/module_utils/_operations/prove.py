# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Looks at a cluster until its nodes prove what they run, or time is up. Private to this collection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.runtime import Runtime
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain import proof as proofs
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.kube_proxy import NFTABLES, KubeProxy
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.proof_counts import (
    COUNTER_LINES,
    failed_updates,
    wrote_rules,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.proof_look import Answer, Care, Look, Proof, Row
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.proof_next import (
    is_worth_waiting,
    not_asked,
    to_ask,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.proof_problems import (
    PROVEN,
    SETTLING,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.api import NoAccess, Reply, said
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.reading import Reader, read_look
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.waiting import Waiting

FORBIDDEN = (401, 403)
LONGEST_MODE = 20

PASSING = ("Unreachable", "HTTP 429", "Expired")
"""Codes of troubles that pass; those of the server do, too."""
BLIP_SECONDS = 60.0
"""For how long an API server that was never there is waited for."""
STANDSTILL_SECONDS = 120.0
"""A rollout of kube-proxy that has brought no node forward for this long stands still."""
MOST_TOLD_SECONDS = STANDSTILL_SECONDS / 2
"""How much of that may pass between two looks by the API server's clock, where that is faster than the one here: the
rollout follows that clock, but it may also jump."""


class Prove:
    """The phase after a switch, for one cluster.

    A look costs a request for the DaemonSet, and the pages of nodes and pods. A node is asked for its mode once, when
    its pod runs as asked for, and under nftables for its count of failed rule updates twice.

    Args:
        reader: reads the cluster.
        runtime: time.
        expected: what it shall run.
        care: how to treat nodes.
        waiting: how long to look, and how often.
    """

    def __init__(self, reader: Reader, runtime: Runtime, expected: KubeProxy, care: Care, waiting: Waiting) -> None:
        self.reader = reader
        self.runtime = runtime
        self.expected = expected
        self.care = care
        self.waiting = waiting
        self._answers: dict[str, Answer] = {}
        self._started: dict[str, float | None] = {}
        self._begun = runtime.now()
        self._arrived = 0
        self._still = 0.0
        self._last: tuple[float, float | None] | None = None
        self._seen: Proof | None = None

    def run(self) -> tuple[Proof, Look]:
        """What the last look proves, and that look.

        Raises:
            NoAccess: the cluster cannot be asked.
        """
        while True:
            try:
                look = self._look()
                proof, look = self._asked(look)
            except NoAccess as error:
                self._outlast(error)
                continue
            self._seen = proof
            if proof.standing == PROVEN:
                return proof, look
            pause = self.waiting.interval
            last = self.waiting.timeout
            if proof.standing == SETTLING:  # all that is left is to watch the counts, which has a time of its own
                pause = max([1.0, *(self._until_settled(row, look) for row in proof.rows if row.problem)])
                last += self.care.settle_seconds + pause
            worth_it = is_worth_waiting(proof, look, self.care, self._seconds)
            if self._seconds + pause > last or not worth_it:
                self._ask_modes(not_asked(proof, look))
                look = replace(look, answers=dict(self._answers))
                return proofs.assess(self.expected, look, self.care), look
            self.runtime.sleep(pause)

    @property
    def _seconds(self) -> float:
        """For how long the cluster has been looked at."""
        return self.runtime.now() - self._begun

    def _outlast(self, error: NoAccess) -> None:
        """Wait out an outage of the API server, which may come with the operation itself.

        Where it was never there, it is not worth waiting for as long.

        Raises:
            NoAccess: it lasts, or will not pass.
        """
        code = str(error.details.get("code"))
        patience = self.waiting.timeout if self._seen else min(self.waiting.timeout, BLIP_SECONDS)
        passes = code in PASSING or code.startswith("HTTP 5")
        if passes and self._seconds + self.waiting.interval <= patience:
            self.runtime.sleep(self.waiting.interval)
            return
        if self._seen and self._seen.troubles:
            known = self._seen.troubles[0][1]
            raise NoAccess(f"{error.message} Until then: {known}", **error.details) from None
        raise error

    def _look(self) -> Look:
        look = read_look(self.reader)
        for pod in look.pods:  # what a container said before it was started again counts no more
            if self._started.get(pod.name) != pod.started:
                self._answers.pop(pod.name, None)
        self._started = {pod.name: pod.started for pod in look.pods}
        return replace(look, answers=dict(self._answers), moving=self._moves(look))

    def _moves(self, look: Look) -> bool:
        """Whether the rollout has gone on of late, so that what is missing may still come.

        Until that has been watched for long enough, nobody can tell.
        """
        arrived = proofs.arrived(proofs.assess(self.expected, look, self.care))
        here, there = self.runtime.now(), look.moment
        if self._last is None or arrived > self._arrived:
            self._arrived, self._still = arrived, 0.0
        else:
            before_here, before_there = self._last
            told = there - before_there if there is not None and before_there is not None else 0.0
            self._still += max(here - before_here, min(told, MOST_TOLD_SECONDS))
        self._last = (here, there)
        return self._still < STANDSTILL_SECONDS

    def _asked(self, look: Look) -> tuple[Proof, Look]:
        """What a look proves when those worth asking have been asked."""
        proof = proofs.assess(self.expected, look, self.care)
        pods = to_ask(proof, look)
        if not pods:
            return proof, look
        self._ask_modes([pod for pod in pods if look.answer(pod).mode != self.expected.target])
        if self.expected.target == NFTABLES:
            answers = ((pod, self._answers.get(pod, Answer())) for pod in pods)
            self._ask_failures([pod for pod, known in answers if known.mode == NFTABLES and not self._until_due(known)])
        look = replace(look, answers=dict(self._answers))
        return proofs.assess(self.expected, look, self.care), look

    def _ask_modes(self, pods: Sequence[str]) -> None:
        for pod, (mode, trouble, refused) in zip(
            pods, self.reader.pages_of_pods(pods, "proxyMode", _mode), strict=True
        ):
            known = self._answers.get(pod, Answer())
            self._answers[pod] = replace(known, mode=mode, trouble=trouble, refused=refused)

    def _ask_failures(self, pods: Sequence[str]) -> None:
        told = self.reader.pages_of_pods(pods, "metrics", _failures, keep=COUNTER_LINES)
        now = self.runtime.now()
        for pod, (count, written, trouble, refused) in zip(pods, told, strict=True):
            known = replace(self._answers[pod], unwritten=not written)
            if trouble:
                known = replace(self._answers[pod], mode="", trouble=trouble, refused=refused)
            elif count is not None:
                known = known.counting(count, now, self.care.settle_seconds)
            self._answers[pod] = known

    def _until_settled(self, row: Row, look: Look) -> float:
        """In how many seconds another look may prove a node that has only to be watched."""
        pod = look.pod_of(row.node)
        steady = proofs.seconds_until_steady(pod, look.moment) if pod else 0.0
        return max(steady, self._until_due(look.answer(row.pod)))

    def _until_due(self, known: Answer) -> float:
        """In how many seconds a count is worth reading again: readings that are closer together prove no more."""
        if known.last is None:
            return 0.0
        return max(0.0, known.last[1] + self.care.settle_seconds - self.runtime.now())


def _mode(reply: Reply) -> tuple[str, str, bool]:
    """The mode that a node answers, else why there is none, and whether that is for good."""
    if not reply.ok:
        return "", said(reply), reply.status in FORBIDDEN
    mode = reply.text.strip().upper()
    if not mode.isalpha() or len(mode) > LONGEST_MODE:
        return "", "its answer is no mode", False
    return mode, "", False


def _failures(reply: Reply) -> tuple[float | None, bool, str, bool]:
    """The count of failed rule updates and whether rules were ever written, else why neither is told, and for good."""
    if not reply.ok:
        return None, False, said(reply), reply.status in FORBIDDEN
    return failed_updates(reply.text), wrote_rules(reply.text), "", False
