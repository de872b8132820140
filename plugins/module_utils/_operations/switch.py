# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The switch of one cluster, from the first read to the confirmed end.

Private to this collection.

Each round reads, decides, and sends at most one PUT. Whatever comes between (another operation, another writer,
a lost answer, a flag that has not spread yet) leads back to reading, so that no decision rests on an old state.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.arm import Answer
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.clusters import (
    Clusters,
    about_cluster,
    read_cluster,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.problems import (
    CHANGED_MEANWHILE,
    FEATURE_MISSING,
    IN_PROGRESS,
    THROTTLED,
    ArmError,
    LostAnswer,
    Problem,
    problem_of,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.runtime import Runtime
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.cluster import Cluster, ClusterId, switch_body
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.features import REGISTERED, after_refusal
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.kube_proxy import InvalidRequest, Request
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.plan import (
    REPAIR,
    Plan,
    Policy,
    difference,
    plan,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.verdict import NOT_APPLIED
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.wording import told
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.arm_operation import ArmOperation
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.shared_flag import SharedFlag
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.waiting import Waiting

# How often to begin again before giving up: other writers, and answers that were lost.
MOST_RACES = 5
MOST_LOST_ANSWERS = 3
# A registered flag takes some minutes to reach the resource provider, and nothing shows when it has.
PROPAGATION_SECONDS = 600.0
MOST_THROTTLED = 5
# Azure lets a cluster be PUT 20 times, then once a minute: PUTs come so many times less often than looks.
GENTLE = 2

INVALID_REQUEST = "InvalidRequest"


class Switch:
    """The switch of one cluster.

    Args:
        clusters: access to clusters.
        runtime: time, check mode, and whether anyone still waits.
        cluster: which one.
        request: what it shall have.
        policy: how careful to be.
        waiting: how long to wait.
        before_write: is called right before each PUT; what it raises keeps the PUT from being sent.
        own_failure: whether a failed cluster is known to have failed in a switch of ours, with nothing after it. Such
            a one may be sent again.
        flag: the feature flag of the cluster's subscription, where other switches share it.
    """

    def __init__(
        self,
        clusters: Clusters,
        runtime: Runtime,
        *,
        cluster: ClusterId,
        request: Request,
        policy: Policy,
        waiting: Waiting,
        before_write: Callable[[Cluster, Plan], None] = lambda _cluster, _plan: None,
        own_failure: Callable[[Cluster], bool] = lambda _cluster: False,
        flag: SharedFlag | None = None,
    ) -> None:
        self.clusters = clusters
        self.runtime = runtime
        self.id = cluster
        self.request = request
        self.policy = policy
        self.waiting = waiting
        self.before_write = before_write
        self.own_failure = own_failure
        self.flag = flag or SharedFlag(cluster.subscription)
        self.about = about_cluster(cluster)
        self.deadline = clusters.arm.deadline = runtime.now() + waiting.timeout
        self.written = False
        self.settled = False  # whether the cluster was seen at rest since the last write
        self.repaired_own = False
        self.before: Cluster | None = None
        self.seen: Cluster | None = None
        self.plan: Plan | None = None
        self.operation: ArmOperation | None = None
        self.lost: list[LostAnswer] = []
        self._refusals: Counter[str | None] = Counter()
        self._propagation_ends: float | None = None

    def run(self) -> dict[str, Any]:
        """Do it, or in check mode predict it.

        Returns:
            the module's result.

        Raises:
            AzureError: with what is known so far (C(previous), C(findings), C(operation), C(changed)) in its details.
        """
        try:
            end, decided = self._rounds()
        except AzureError as error:
            error.details = {**self._known(), "changed": self.written, **error.details}
            raise
        predicted = decided.write and self.runtime.check_mode
        changed = self.written or predicted
        read_back = self.waiting.wait and not predicted
        return {
            "changed": changed,
            **self._known(),
            "kube_proxy": (end.kube_proxy if read_back or not changed else decided.target).as_result(),
            "diff": difference(self.before or end, decided.target if changed else None),
            "warnings": [f"{self.about}: {text}" for text in decided.warnings]
            + self.clusters.warnings
            + self.flag.news,
        }

    def _known(self) -> dict[str, Any]:
        return {
            "id": str(self.id),
            "name": self.id.name,
            "resource_group": self.id.resource_group,
            "subscription_id": self.id.subscription,
            "previous": self.before.kube_proxy.as_result() if self.before else None,
            "findings": [finding.as_result() for finding in self.plan.findings] if self.plan else [],
            "operation": self.operation.as_result() if self.operation else None,
        }

    def _rounds(self) -> tuple[Cluster, Plan]:
        """Read, decide, send, until there is nothing left to do; the cluster at the end, and the last decision."""
        while True:
            cluster = self._settled()
            self._clear_up(cluster)
            if not self.written:
                self.before = cluster
            self.plan = decided = self._planned(cluster)
            if not decided.write or self.runtime.check_mode:
                return cluster, decided
            answer = self._submit(cluster, decided)
            if answer is not None:
                self.written = True
                self.operation = ArmOperation.accepted(answer, self.runtime.now())
                return (self._confirmed(answer, decided) if self.waiting.wait else cluster), decided

    def _clear_up(self, cluster: Cluster) -> None:
        """Find out what became of a PUT whose answer was lost.

        Raises:
            AzureError: it was taken and failed, or answers get lost again and again.
        """
        if not self.lost:
            return
        if cluster.ended_badly and self.before is not None and not self.before.ended_badly:
            raise self._failure(cluster)
        taken = cluster.in_progress or self.plan is None or self._fulfilled(cluster, self.plan)
        self.written = taken
        if not taken and len(self.lost) > MOST_LOST_ANSWERS:
            last = self.lost[-1]
            raise AzureError(
                f"{self.about}: {last.what} That was so {len(self.lost)} times, and each time the cluster was found "
                "unchanged. Run again later.",
                **last.details,
            )

    def _settled(self) -> Cluster:
        """The cluster once no operation runs on it any more; as it is in check mode, which waits for nothing."""
        cluster = self._look()
        if not cluster.in_progress or (self.runtime.check_mode and self.waiting.wait):
            return cluster
        if self.waiting.wait:
            return self._watched(cluster)
        if self.written:
            return cluster
        raise AzureError(
            f"{self.about}: another operation is running ({cluster.activity}). Run again later, or with "
            "'wait: true', which waits for it to end.",
            code="OperationInProgress",
        )

    def _look(self) -> Cluster:
        """The cluster as it is now."""
        self.seen = cluster = self.clusters.get(self.id)
        self.settled = not cluster.in_progress
        return cluster

    def _planned(self, cluster: Cluster) -> Plan:
        policy = self.policy
        if cluster.ended_badly and self.own_failure(cluster):
            policy = replace(policy, failed_clusters=REPAIR)
            self.repaired_own = True
        try:
            decided = plan(cluster, self.request, policy)
            if decided.write and self.runtime.check_mode:
                decided = plan(cluster, self.request, policy, self.flag.state(self.clusters.arm))
        except InvalidRequest as error:
            raise AzureError(f"{self.about}: {error}", code=INVALID_REQUEST) from None
        if decided.refused:
            self.plan = decided
            reasons = " ".join(str(finding) for finding in decided.refused)
            already = (
                "" if decided.write else f"It asks for {decided.target.target} already, which may not have arrived. "
            )
            raise AzureError(
                f"{self.about}: refused before any write. {already}{reasons}", code=decided.refused[0].rule
            )
        if decided.write and not cluster.network:
            # A PUT replaces what it holds: a profile with nothing but the mode in it might take the rest away.
            raise AzureError(
                f"{self.about}: Azure's answer has no 'properties.networkProfile', so that nothing can be changed in "
                "it. Run again later; if it stays so, look at the cluster.",
                code="Unreadable",
            )
        return decided

    def _submit(self, cluster: Cluster, decided: Plan) -> Answer | None:
        """Send the PUT; None when the round has to begin again."""
        self.before_write(cluster, decided)
        self.settled = False
        try:
            return self.clusters.put(self.id, switch_body(cluster, decided.target), cluster.etag)
        except LostAnswer as error:
            self.written = True
            self.lost.append(error)
            self._pause(self.waiting.interval, error)
        except ArmError as error:
            self._pause(self._wait_before_another_try(error), error)
        return None

    def _wait_before_another_try(self, error: ArmError) -> float:
        """For how many seconds to wait after a refusal before reading and deciding again.

        Raises:
            ArmError: the refusal is final.
        """
        kind = error.problem.kind
        self._refusals[kind] += 1
        if kind == CHANGED_MEANWHILE and self._refusals[kind] <= MOST_RACES:
            return 0.0
        if kind == THROTTLED and self._refusals[kind] <= MOST_THROTTLED:
            return error.wait or self.waiting.interval * GENTLE
        if kind == FEATURE_MISSING and self._may_still_spread(error):
            return self.waiting.interval * GENTLE
        if kind == IN_PROGRESS and self.waiting.wait:
            return self.waiting.interval * GENTLE
        raise error

    def _may_still_spread(self, error: ArmError) -> bool:
        """Whether the flag may yet reach the resource provider; in any case the error gets the advice that fits.

        Whoever registered a flag may have been killed before they passed it on, or did not know that they have to.
        """
        arm = self.clusters.arm
        state = self.flag.state(arm)
        if state != REGISTERED:
            self._advise(error, after_refusal(state))
            return False
        self.flag.spread(arm)
        self._advise(error, self.flag.advice)
        if self._propagation_ends is None:
            self._propagation_ends = self.runtime.now() + PROPAGATION_SECONDS
        return self.runtime.now() < self._propagation_ends

    def _advise(self, error: ArmError, advice: str) -> None:
        """Replace what is advised for the refusal as such by what fits the flag's state."""
        error.advice = advice
        error.message = told(
            f"{self.about}: Azure refused with {error.problem.as_text()} {advice}{error.problem.reference}"
        )

    def _confirmed(self, answer: Answer, decided: Plan) -> Cluster:
        """Wait for the operation's end, and read back what the cluster has then."""
        accepted = read_cluster(answer, self.about)
        cluster = self._watched(accepted) if accepted.in_progress else self._look()
        if cluster.ended_badly:
            raise self._failure(cluster)
        if not self._fulfilled(cluster, decided):
            raise self._error(
                f"Azure reports success, but the cluster reads {cluster.kube_proxy.target} instead of "
                f"{decided.target.target}. Someone may have changed it meanwhile: run again.",
                NOT_APPLIED,
            )
        return cluster

    def _fulfilled(self, cluster: Cluster, decided: Plan) -> bool:
        return cluster.kube_proxy.fulfils(decided.target, exact=self.request.exact)

    def _watched(self, cluster: Cluster) -> Cluster:
        """Look at the cluster until no operation runs on it any more."""
        while cluster.in_progress:
            self._pause(cluster.asked_wait or self.waiting.interval, doing=cluster.activity)
            cluster = self._look()
            if self.operation:
                self.operation.looked_at(self.runtime.now())
        return cluster

    def _pause(self, seconds: float, error: AzureError | None = None, doing: str = "") -> None:
        """Wait; when no time is left, fail with this error, or tell what Azure is still doing."""
        left = self.deadline - self.runtime.now()
        if left <= 0:
            if error is not None:
                raise error
            raise self._error(
                f"still {doing} after {self.waiting.timeout:.0f} seconds. Azure goes on with "
                "it; run again to wait for its end, or with a longer 'wait_timeout'.",
                "Timeout",
            )
        self.runtime.sleep(min(seconds, left))

    def _error(self, text: str, code: str) -> AzureError:
        """An error about this cluster, with the correlation id of the switch where there is one."""
        correlation_id = self.operation.correlation_id if self.operation else None
        if correlation_id is None:
            return AzureError(f"{self.about}: {text}", code=code)
        return AzureError(
            f"{self.about}: {text} Correlation id: {correlation_id}.", code=code, correlation_id=correlation_id
        )

    def _failure(self, cluster: Cluster) -> AzureError:
        """Why the operation did not succeed, as far as Azure tells."""
        problem, unknown, status = None, "Azure gave no reason.", ""
        correlation_id = (self.operation and self.operation.correlation_id) or ""
        if self.operation and self.operation.url:
            try:
                answer = self.clusters.arm.get_url(self.operation.url, about=self.about)
                problem = problem_of(answer.body, correlation_id=correlation_id)
                status = str(answer.body.get("status"))
            except ArmError as error:
                unknown = f"The reason could not be read, Azure refused with {error.problem.as_text()}"
            except AzureError:
                unknown = "The reason could not be read."
        state = cluster.provisioning_state
        if status == "Succeeded":
            return self._error(
                f"the switch succeeded, but another operation after it ended {state}. The cluster asks for "
                f"{cluster.kube_proxy.target}; look at what failed, and run again.",
                f"Operation{state}",
            )
        failed = ArmError(self.about, problem or Problem(0, f"Operation{state}", "", unknown, correlation_id))
        failed.advice = (
            f"The switch ended {state}; the cluster asks for {cluster.kube_proxy.target}, its nodes may differ. Run "
            "again with 'failed_clusters: repair' once the cause is gone."
        )
        failed.message = told(f"{failed.message} {failed.advice}")
        return failed
