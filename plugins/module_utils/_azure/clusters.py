# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Managed clusters over ARM, in a preview API version that the cloud offers.

Private to this collection.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ansible_collections.aks.kube_proxy.plugins.module_utils._azure import api_versions
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.arm import Answer, Arm, asked_wait
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.problems import API_VERSION, ArmError
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.providers import offered_versions
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.cluster import (
    PROVIDER,
    RESOURCE_TYPE,
    Cluster,
    ClusterId,
    read_body,
)

T = TypeVar("T")


def about_cluster(cluster: ClusterId) -> str:
    """How messages call a cluster."""
    return f"Cluster {cluster.name} (resource group {cluster.resource_group}, subscription {cluster.subscription})"


def checked(body: Any, about: str) -> Cluster:
    """A cluster, when this is one that can be understood.

    Raises:
        AzureError: it is not.
    """
    try:
        return read_body(body)
    except ValueError as error:
        raise AzureError(f"{about}: {error}", code="Unreadable") from None


def read_cluster(answer: Answer, about: str) -> Cluster:
    """The cluster in an answer, with the wait that the service asks for.

    Raises:
        AzureError: the answer holds none.
    """
    return Cluster(checked(answer.body, about).body, asked_wait(answer.headers))


class Clusters:
    """The managed clusters that a session reaches.

    With C(auto), the newest version that this collection knows is spoken without asking; only a cloud that refuses
    it is asked what it offers. That saves a request and an import for every cluster.

    Args:
        arm: the client.
        api_version: an API version, or C(auto).
    """

    def __init__(self, arm: Arm, api_version: str = api_versions.AUTO) -> None:
        self.arm = arm
        self.warnings: list[str] = []
        self._automatic = api_version == api_versions.AUTO
        self.api_version = api_versions.KNOWN[0] if self._automatic else api_version

    def get(self, cluster: ClusterId) -> Cluster:
        """The cluster as it is now.

        Raises:
            ArmError: Azure refused, for example since there is no such cluster.
            AzureError: no token, no connection, or no JSON.
        """
        about = about_cluster(cluster)
        answer = self._spoken(cluster.subscription, about, lambda v: self.arm.get(str(cluster), v, about=about))
        return read_cluster(answer, about)

    def put(self, cluster: ClusterId, body: Any, if_match: str | None) -> Answer:
        """Replace the cluster's definition, once; only if it still has this eTag, where one is given.

        Raises:
            ArmError: Azure refused.
            LostAnswer: Azure may have taken it.
            AzureError: no token.
        """
        about = about_cluster(cluster)
        return self._spoken(
            cluster.subscription, about, lambda v: self.arm.put(str(cluster), v, body, about=about, if_match=if_match)
        )

    def act(
        self, cluster: ClusterId, action: str, *, query: Mapping[str, str] | None = None, body: Any = None
    ) -> Answer:
        """POST an action of the cluster that changes nothing, such as C(listClusterUserCredential).

        What it sends and what it is answered may be secret.

        Raises:
            ArmError: Azure refused.
            AzureError: no token, no connection, or no JSON.
        """
        about, path = about_cluster(cluster), f"{cluster}/{action}"
        return self._spoken(
            cluster.subscription, about, lambda v: self.arm.post(path, v, about=about, query=query, body=body)
        )

    def find(self, subscription: str, resource_group: str | None = None) -> list[Cluster]:
        """The clusters of a subscription or of one of its resource groups, all of them or an error.

        Raises:
            ArmError: Azure refused.
            AzureError: no token, no connection, or no JSON.
        """
        group = f"/resourceGroups/{resource_group}" if resource_group else ""
        about = f"Clusters of {f'resource group {resource_group} in ' if group else ''}subscription {subscription}"
        path = f"/subscriptions/{subscription}{group}/providers/{RESOURCE_TYPE}"
        return self._spoken(
            subscription, about, lambda v: [checked(body, about) for body in self.arm.pages(path, v, about=about)]
        )

    def _spoken(self, subscription: str, about: str, call: Callable[[str], T]) -> T:
        try:
            return call(self.api_version)
        except ArmError as error:
            if error.problem.kind != API_VERSION:
                raise
            offered = offered_versions(self.arm, subscription, PROVIDER, "managedClusters", about=about)
            if not offered:
                raise AzureError(
                    f"{about}: the resource provider {PROVIDER} is not known in this subscription. Register it: "
                    f"az provider register --namespace {PROVIDER}."
                ) from None
            self.api_version = self._choose(offered, about)
        return call(self.api_version)

    def _choose(self, offered: list[str], about: str) -> str:
        if not self._automatic:
            previews = ", ".join(version for version in offered if version.endswith("-preview")) or "none"
            raise AzureError(
                f"{about}: this cloud does not offer API version {self.api_version}. Previews on offer: {previews}. "
                f"Set 'api_version' to one of them, or to {api_versions.AUTO!r}."
            )
        try:
            version, known = api_versions.choose(offered)
        except api_versions.NoUsableVersion as error:
            raise AzureError(f"{about}: {error}") from None
        if not known:
            self.warnings.append(
                f"This collection does not know API version {version}, but no version that it knows is on offer. "
                "It is used as it is; look for a newer release of aks.kube_proxy."
            )
        return version
