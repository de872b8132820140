# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Evidence from many clusters, side by side. Private to this collection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.arm import Arm
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.clusters import Clusters, about_cluster
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.problems import redact
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.runtime import Runtime
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain import verification as ends
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.cluster import Cluster
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.grouping import warnings_of
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.kube_proxy import (
    KubeProxy,
    Request,
    desired,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.proof import stale_rules
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.proof_look import Care
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.proof_problems import UNVERIFIED
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.safety import findings, tolerated
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.targets import Target
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.verification import Verification
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.access import connect
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.crew import Crew
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.inspect_cluster import Inspect
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.progress import Progress
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.prove import Prove
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.reading import Reader
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.waiting import Waiting


@dataclass(frozen=True)
class Access:
    """How to reach the Kubernetes API of a cluster: the options of that name."""

    way: str
    kubeconfig: str | None = None
    context: str | None = None


@dataclass(frozen=True)
class Subject:
    """A cluster to ask, what to expect of it, and how to reach it.

    Attributes:
        target: what it is called, which one it is, and what it shall run; nothing asked stands for Azure's record.
        access: how to reach its Kubernetes API.
        previous_mode: what it ran before; empty when not known.
        tolerate: names of rules that shall not stop a switch.
    """

    target: Target
    access: Access
    previous_mode: str = ""
    tolerate: tuple[str, ...] = ()


@dataclass(frozen=True)
class End:
    """News from a thread: a cluster is through."""

    host: str
    verification: Verification


class VerifyMany:
    """The verification of the clusters of one task.

    Args:
        arm: the client; each thread uses its connections with a deadline of its own.
        runtime: time, and how to speak to the user.
        subjects: the clusters.
        version: the API version of ARM to speak, or C(auto).
        phase: BEFORE or AFTER.
        care: how to treat nodes.
        waiting: how long to look at each cluster.
        max_parallel: how many clusters at a time.
        nodes: whether results shall list ALL nodes, or only OTHERS than those that are proven.
    """

    def __init__(
        self,
        arm: Arm,
        runtime: Runtime,
        *,
        subjects: Sequence[Subject],
        version: str,
        phase: str,
        care: Care,
        waiting: Waiting,
        max_parallel: int,
        nodes: str,
    ) -> None:
        self.arm = arm
        self.runtime = runtime
        self.subjects = subjects
        self.version = version
        self.phase = phase
        self.care = care
        self.waiting = waiting
        self.max_parallel = max_parallel
        self.nodes = nodes
        self.progress = Progress(runtime, f"evidence {phase}", len(subjects), ends.STATES)
        self._crew: Crew[End] = Crew(runtime)
        self._ended: dict[str, Verification] = {}

    def run(self) -> dict[str, Any]:
        """Verify all clusters, and return the module's result."""
        if self.subjects:
            at_a_time = min(self.max_parallel, len(self.subjects))
            self._crew.work(
                self.subjects,
                self._thread,
                at_a_time=at_a_time,
                hear=self._hear,
                quiet=self.progress.quiet,
                patience=self.progress.patience,
            )
        found = {subject.target.host: self._ended[subject.target.host] for subject in self.subjects}
        return {
            "changed": False,
            "ok": all(one.ok for one in found.values()),
            "clusters": {host: one.with_nodes_of(self.nodes).as_result() for host, one in found.items()},
            "warnings": warnings_of((host, one.findings) for host, one in found.items()),
        }

    def _hear(self, end: End) -> bool:
        self._ended[end.host] = end.verification
        if self.phase == ends.AFTER:  # beforehand that takes seconds, and the task's end tells all
            self.progress.ended(end.host, end.verification)
        return True

    def _thread(self, subject: Subject) -> None:
        """Verify one cluster; always ends with news, so that nobody waits in vain."""
        started = self.runtime.now()
        identity = str(subject.target.cluster)
        try:
            self._crew.runtime.assert_wanted()
            found = self._verified(subject)
        except AzureError as error:
            found = _unverified(identity, error, about_cluster(subject.target.cluster))
        except ValueError as error:  # what was asked for does not fit the cluster
            found = _unverified(identity, AzureError(str(error), code="InvalidRequest"), "")
        except Exception as error:  # one cluster's surprise must not hide what became of the others
            surprise = AzureError(f"unexpected {redact(f'{type(error).__name__}: {error}')}", code="Unexpected")
            found = _unverified(identity, surprise, "")
        self._crew.tell(End(subject.target.host, found.but(seconds=round(self.runtime.now() - started, 1))))

    def _verified(self, subject: Subject) -> Verification:
        runtime = self._crew.runtime
        clusters = Clusters(self.arm.beside(runtime), self.version)
        cluster = clusters.get(subject.target.cluster)
        request = subject.target.request
        wanted = cluster.kube_proxy if request == Request() else desired(cluster.kube_proxy, request)
        access, about = subject.access, about_cluster(cluster.id)
        api = connect(access.way, cluster, clusters, runtime, kubeconfig=access.kubeconfig, context=access.context)
        try:
            phase = {ends.BEFORE: self._before, ends.AFTER: self._after}[self.phase]
            found = phase(Reader(api, about, cluster.machines), cluster, wanted, subject)
            return found.but(how=api.how, requests=api.requests)
        except AzureError as error:
            return _unverified(str(cluster.id), error, about).but(expected=wanted.target, requests=api.requests)
        finally:
            api.close()

    def _before(self, reader: Reader, cluster: Cluster, wanted: KubeProxy, subject: Subject) -> Verification:
        read = Inspect(reader, cluster, self.care).run()
        found = tolerated(findings(read.evidence, cluster.kube_proxy.target, wanted.target), subject.tolerate)
        return ends.from_findings(str(cluster.id), wanted.target, found, read.unread, read.services)

    def _after(self, reader: Reader, cluster: Cluster, wanted: KubeProxy, subject: Subject) -> Verification:
        proof, look = Prove(reader, self._crew.runtime, wanted, self.care, self.waiting).run()
        stale = stale_rules(subject.previous_mode, wanted, look)
        return ends.from_proof(str(cluster.id), wanted.target, proof, stale)


def _unverified(identity: str, error: AzureError, about: str) -> Verification:
    """A cluster of which nothing could be learnt."""
    code = error.details.get("code")
    reason = error.message.removeprefix(f"{about}: ")
    return Verification(
        identity,
        UNVERIFIED,
        reason=f"{reason[:1].upper()}{reason[1:]}",
        code=str(code) if code else None,
    )
