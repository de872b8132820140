# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The Kubernetes API by way of Azure: kubectl in a pod that AKS starts for each command.

Private to this collection. For clusters whose API server cannot be reached from here. Microsoft does not mean it for
programs (https://learn.microsoft.com/azure/aks/access-private-cluster), so that it is used only where it is asked for.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.arm import Answer, asked_wait
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.clusters import Clusters, about_cluster
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.problems import FORBIDDEN, ArmError, redact
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.runtime import Runtime, Unwanted
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.cluster import Cluster
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.kube_objects import moment
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.api import NoAccess, Reply
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.script import (
    MOST_PATHS,
    PAGE_SIZE,
    batches,
    halved,
    replies,
    script,
)

T = TypeVar("T")

ACTION = "runCommand"
LONGEST_SECONDS = 180.0
"""For one command: Azure gives its pod 60 s to start, and reading takes seconds."""
POLL_SECONDS = 2.0
MOST_REASON = 300
OTHER_WAYS = "Or run on a host that reaches the API server and set 'access' to 'user', 'admin' or 'kubeconfig'."


class RunCommand:
    """The Kubernetes API of a cluster through runCommand; a C(KubernetesApi).

    Args:
        cluster: the cluster.
        clusters: Azure.
        runtime: time, and whether anyone still waits.
        token: gives a token of Microsoft Entra ID for the cluster; None for a cluster without Entra ID, where commands
            run as cluster administrator.

    Raises:
        NoAccess: it is switched off for this cluster.
    """

    def __init__(
        self, cluster: Cluster, clusters: Clusters, runtime: Runtime, *, token: Callable[[bool], str] | None = None
    ) -> None:
        self.page_size = PAGE_SIZE
        self.how = ACTION
        self.requests = 0
        self._most_paths = MOST_PATHS
        self._cluster = cluster.id
        self._about = about_cluster(cluster.id)
        self._clusters = clusters
        self._runtime = runtime
        self._token = token
        if (cluster.properties.get("apiServerAccessProfile") or {}).get("disableRunCommand") is True:
            raise self._disabled()

    def read(self, paths: Sequence[str], take: Callable[[Reply], T], *, keep: re.Pattern[str] | None = None) -> list[T]:
        """GET each path, as many with one command as its output may hold.

        Where objects are larger than usual, so that Azure cuts the output, half as many are asked for at once from then
        on, down to one path and one item of a list. A page then holds fewer items than it was asked for, and a word for
        the next one, as pages may.

        Raises:
            NoAccess: no command can be run, it was not run in time, or its credentials are not known (401).
            Unwanted: nobody waits for the result any more.
        """
        rest, found = list(paths), list[T]()
        while rest:
            batch = next(batches(rest, keep, self._most_paths))
            answered = self._replies(batch, keep)
            if answered is None:
                rest[0] = self._halved(batch)
                continue
            found += map(take, answered)
            rest = rest[len(batch) :]
        return found

    def close(self) -> None:
        """Forget the credentials."""
        self._token = None

    def _halved(self, paths: list[str]) -> str:
        """Ask for half as much from now on; returns the first path, which may be another then.

        Raises:
            NoAccess: it cannot be less.
        """
        if len(paths) > 1:
            self._most_paths = len(paths) // 2
            return paths[0]
        smaller = halved(paths[0])
        if not smaller:
            raise NoAccess(
                f"{self._about}: the output of {ACTION} is not complete; Azure keeps 512 kB of it. {OTHER_WAYS}",
                code="OutputTruncated",
            )
        self.page_size = max(1, self.page_size // 2)
        return smaller

    def _replies(self, paths: list[str], keep: re.Pattern[str] | None) -> list[Reply] | None:
        """What is said of each path; None where Azure cut the output.

        Raises:
            NoAccess: no output came, or nobody knows the credentials.
        """
        marker = f"aks.kube_proxy-{secrets.token_hex(8)}"
        self.requests += len(paths)
        result = self._run(script(paths, keep, marker))
        ended = moment(re.sub(r"\.\d+", "", str(result.get("finishedAt"))))  # Azure may write fractions of a second
        logs = str(result.get("logs") or "")
        found = replies(logs, len(paths), keep, marker, ended)
        if found is None:
            self._assert_cut(result)
        for reply in found or ():
            if reply.status == 401:
                raise NoAccess(
                    f"{self._about}: the API server does not take the credentials of {ACTION} (HTTP 401: "
                    f"{reply.text}). Give this identity a role in the cluster. {OTHER_WAYS}",
                    code="Unauthorized",
                )
        return found

    def _run(self, command: str) -> dict[str, Any]:
        """Run a command and wait for its result, C(properties) of it."""
        body = {"command": command, "context": ""}
        if self._token is not None:
            body["clusterToken"] = self._token(False)
        started = self._runtime.now()
        try:
            answer = self._clusters.act(self._cluster, ACTION, body=body)
            url = answer.headers.get("location", "")
            while answer.status == 202:
                if self._runtime.now() - started > LONGEST_SECONDS:
                    raise NoAccess(
                        f"{self._about}: {ACTION} has given no result within {LONGEST_SECONDS:.0f} seconds. Are there "
                        f"nodes on which its pod (namespace aks-command) can start? {OTHER_WAYS}",
                        code="RunCommandTimeout",
                    )
                self._runtime.sleep(min(_pause(answer), LONGEST_SECONDS))
                answer = self._clusters.arm.get_url(url, about=self._about)
        except (NoAccess, Unwanted):
            raise
        except ArmError as error:
            raise self._refused(error) from None
        except AzureError as error:
            raise NoAccess(f"{error.message} {OTHER_WAYS}", **{"code": "RunCommandFailed", **error.details}) from None
        properties = answer.body.get("properties")
        return properties if isinstance(properties, dict) else {}

    def _refused(self, error: ArmError) -> NoAccess:
        """Azure does not run commands on this cluster, or not for us."""
        problem = error.problem
        words = f"{problem.code} {problem.subcode} {problem.message}"
        if re.search(r"run\s?command.*disabled|disable\s?run\s?command", words, re.IGNORECASE):
            return self._disabled()
        if problem.kind == FORBIDDEN:
            return NoAccess(
                f"{error.message} {ACTION} takes the actions Microsoft.ContainerService/managedClusters/runcommand/"
                f"action and Microsoft.ContainerService/managedClusters/commandResults/read. {OTHER_WAYS}",
                **problem.details,
            )
        return NoAccess(f"{error.message} {OTHER_WAYS}", **{"code": "RunCommandFailed", **problem.details})

    def _disabled(self) -> NoAccess:
        return NoAccess(
            f"{self._about}: {ACTION} is disabled (apiServerAccessProfile.disableRunCommand). Enable it with az aks "
            f"update --enable-run-command. {OTHER_WAYS}",
            code="RunCommandDisabled",
        )

    def _assert_cut(self, result: dict[str, Any]) -> None:
        """See that the output only lacks its end.

        Raises:
            NoAccess: the command failed.
        """
        reason = redact(" ".join(str(result.get("reason") or "").split()))[:MOST_REASON].rstrip(".")
        if reason or not result.get("logs"):
            state = str(result.get("provisioningState") or "unknown")
            told = f", {reason}" if reason else ", without output"
            raise NoAccess(f"{self._about}: {ACTION} failed ({state}{told}). {OTHER_WAYS}", code="RunCommandFailed")


def _pause(answer: Answer) -> float:
    """How long to wait before asking for the result."""
    return asked_wait(answer.headers) or POLL_SECONDS
