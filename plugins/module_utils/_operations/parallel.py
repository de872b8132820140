# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Switches side by side: a bounded number of threads, one for a cluster, and one voice.

Private to this collection.

Only the main thread speaks to the user and notices that the run is to end; the threads switch. Each cluster is
watched by reads of its own: 300 of them every 15 seconds stay below what Azure Resource Manager grants.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from functools import partial
from threading import Event
from typing import Any

from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.arm import Arm
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.clusters import Clusters
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.problems import redact
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.runtime import Runtime, Unwanted
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain import verdict as ends
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.cluster import Cluster, ClusterId
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.grouping import grouped
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.own_failure import end_was_seen, is_own_failure
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.plan import Plan, Policy
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.record import ENDED, SUBMITTING, before_last_series
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.targets import Target
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.verdict import Verdict
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.crew import Crew
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.journal import Journal
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.progress import Progress
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.shared_flag import SharedFlag
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.switch import INVALID_REQUEST, Switch
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.waiting import Waiting


@dataclass(frozen=True)
class Submission:
    """News from a thread: a PUT is about to be sent."""

    host: str
    cluster: ClusterId
    plan: Plan
    told: Event = field(default_factory=Event)


@dataclass(frozen=True)
class End:
    """News from a thread: a cluster is through."""

    host: str
    verdict: Verdict
    diff: dict[str, Any] | None
    warned: list[tuple[str, str]]


class SwitchMany:
    """The switches of a wave.

    Args:
        arm: the client; each thread uses its connections with a deadline of its own.
        runtime: time, check mode, and how to speak to the user.
        targets: the clusters and what they shall have.
        version: the API version to speak, or C(auto).
        policy: how careful to be.
        waiting: how long to wait, for each cluster.
        max_parallel: how many clusters at a time.
        journal: where each write is announced; None for no such record.
        earlier: the journal's lines of earlier runs about each cluster, by resource id in lower case.
        label: what the user calls the wave.
    """

    def __init__(
        self,
        arm: Arm,
        runtime: Runtime,
        *,
        targets: list[Target],
        version: str,
        policy: Policy,
        waiting: Waiting,
        max_parallel: int,
        journal: Journal | None,
        earlier: Mapping[str, Sequence[Mapping[str, Any]]],
        label: str,
    ) -> None:
        self.arm = arm
        self.runtime = runtime
        self.targets = targets
        self.version = version
        self.policy = policy
        self.waiting = waiting
        self.max_parallel = max_parallel
        self.journal = journal
        self.earlier = earlier
        self.progress = Progress(runtime, label, len(targets))
        self._crew: Crew[Submission | End] = Crew(runtime)
        self._ended: list[End] = []
        self._flags = {
            target.cluster.subscription.casefold(): SharedFlag(target.cluster.subscription) for target in targets
        }

    def run(self) -> dict[str, Any]:
        """Switch all clusters, and return the module's result."""
        if self.targets:
            at_a_time = min(self.max_parallel, len(self.targets))
            self.progress.begin(at_a_time)
            self._crew.work(
                self.targets,
                self._thread,
                at_a_time=at_a_time,
                hear=self._hear,
                quiet=self.progress.quiet,
                patience=self.progress.patience,
            )
            self.progress.finish()
        return self._result(self._ended)

    def _hear(self, news: Submission | End) -> bool:
        """Pass a thread's news on; whether they end a cluster."""
        if isinstance(news, Submission):
            self.progress.submitting(news.host, str(news.cluster), news.plan)
            news.told.set()
            return False
        self._ended.append(news)
        self.progress.ended(news.host, news.verdict)
        return True

    def _thread(self, target: Target) -> None:
        """Switch one cluster; always ends with news, so that nobody waits in vain."""
        started = self.runtime.now()
        runtime = self._crew.runtime
        clusters = Clusters(self.arm.beside(runtime), self.version)
        switch = Switch(
            clusters,
            runtime,
            cluster=target.cluster,
            request=target.request,
            policy=self.policy,
            waiting=self.waiting,
            before_write=partial(self._announce, target),
            own_failure=self._own_failure,
            flag=self._flags[target.cluster.subscription.casefold()],
        )
        diff = None
        try:
            runtime.assert_wanted()
            result = switch.run()
            diff = result["diff"] if result["changed"] else None
            verdict = self._success(switch, result)
        except AzureError as error:
            verdict = _trouble(switch, error)
        except Exception as error:  # one cluster's surprise must not hide what became of the others
            text = redact(f"{type(error).__name__}: {error}")
            verdict = _trouble(switch, AzureError(f"{switch.about}: unexpected {text}", code="Unexpected"))
        verdict = self._since_the_first_try(target, switch, verdict)
        verdict = ends.timed(verdict, self.runtime.now() - started)
        self._record_end(target, switch, verdict)
        warned = switch.plan.warned if switch.plan and not switch.plan.refused else []
        self._crew.tell(End(target.host, verdict, diff, [(finding.rule, finding.reason) for finding in warned]))

    def _success(self, switch: Switch, result: dict[str, Any]) -> Verdict:
        switched = ends.WOULD_SWITCH if self.runtime.check_mode else ends.SWITCHED
        state = switched if result["changed"] else ends.UNCHANGED
        settled = switch.seen is not None and not switch.seen.in_progress
        return Verdict(
            id=result["id"],
            state=state,
            changed=result["changed"],
            previous=result["previous"],
            current=result["kube_proxy"],
            verified=ends.AZURE if settled and state != ends.WOULD_SWITCH else None,
            findings=result["findings"],
        )

    def _announce(self, target: Target, cluster: Cluster, plan: Plan) -> None:
        """Write down what the cluster has, before it is changed."""
        if self.journal:
            self.journal.write(
                SUBMITTING,
                str(target.cluster),
                host=target.host,
                before=plan.current.as_result(),
                target=plan.target.as_result(),
                restores=target.request.exact,
                etag=cluster.etag,
            )
        submission = Submission(target.host, target.cluster, plan)
        self._crew.tell(submission)
        while not (submission.told.wait(1.0) or self._crew.called_off):
            pass  # the user reads it before Azure does

    def _record_end(self, target: Target, switch: Switch, verdict: Verdict) -> None:
        """Write down the end of a switch, of this run or of one that did not see it.

        The eTag tells a later run whether anything came after it, if the operation had come to its end by then.
        """
        found_done = verdict.state == ends.UNCHANGED and not end_was_seen(self._lines_about(target.cluster))
        if not (self.journal and (switch.written or found_done)):
            return
        try:
            self.journal.write(
                ENDED,
                str(target.cluster),
                host=target.host,
                state=verdict.state,
                code=verdict.code,
                settled=switch.settled,
                etag=switch.seen.etag if switch.seen else None,
            )
        except AzureError:
            return  # what happened is in Azure; only what was before has to be written down

    def _own_failure(self, cluster: Cluster) -> bool:
        return is_own_failure(self._lines_about(cluster.id), cluster, datetime.now(timezone.utc))

    def _lines_about(self, cluster: ClusterId) -> Sequence[Mapping[str, Any]]:
        return self.earlier.get(str(cluster).casefold(), ())

    def _since_the_first_try(self, target: Target, switch: Switch, verdict: Verdict) -> Verdict:
        """The verdict with what the cluster had before the first try, where this one repaired what an earlier run left.

        To put back what a failed try has left would put back nothing.
        """
        if not switch.repaired_own or target.request.exact:
            return verdict
        before = before_last_series(self._lines_about(target.cluster))
        return verdict if before is None else replace(verdict, previous=before)

    def _result(self, ended: list[End]) -> dict[str, Any]:
        by_host = {end.host: end for end in ended}
        ordered = [by_host[target.host] for target in self.targets]
        return {
            "changed": any(end.verdict.changed for end in ordered),
            "ok": all(end.verdict.ok for end in ordered),
            "clusters": {end.host: end.verdict.as_result() for end in ordered},
            "diff": [end.diff for end in ordered if end.diff],
            "warnings": grouped((end.host, *warned) for end in ordered for warned in end.warned)
            + [text for flag in self._flags.values() for text in flag.news],
        }


def _trouble(switch: Switch, error: AzureError) -> Verdict:
    """The verdict on a cluster that is not as asked for."""
    code = error.details.get("code")
    if isinstance(error, Unwanted):
        state = ends.STOPPED
    elif (switch.plan and switch.plan.refused and not switch.written) or code == INVALID_REQUEST:
        state = ends.BLOCKED
    else:
        state = ends.RUNNING if code == "Timeout" else ends.FAILED
    return Verdict(
        id=str(switch.id),
        state=state,
        changed=switch.written,
        previous=switch.before.kube_proxy.as_result() if switch.before else None,
        current=switch.seen.kube_proxy.as_result() if switch.seen else None,
        reason=error.message.removeprefix(f"{switch.about}: "),
        advice=error.advice,
        code=code,
        correlation_id=error.details.get("correlation_id"),
        findings=[finding.as_result() for finding in switch.plan.findings] if switch.plan else [],
    )
