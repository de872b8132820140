# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Clusters as hosts: how they are called, and which variables they get.

Private to this collection. Pure: no I/O.

A name has up to three parts, C(cluster.group.subscription). No cluster's name and no subscription id has a dot, so
that such names can be taken apart again, and different clusters never get the same one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.cluster import Cluster, ClusterId
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.description import described

GROUP = "aks_clusters"
"""The group that all hosts join."""

PREFIX = "aks_"

UNIQUE = "unique"
NAME = "name"
NAME_GROUP = "name_group"
NAME_GROUP_SUBSCRIPTION = "name_group_subscription"

# From short to long. Groups and subscriptions in lower case: ARM spells them now so, now so.
FORMS: dict[str, Callable[[ClusterId], str]] = {
    NAME: lambda cluster: cluster.name,
    NAME_GROUP: lambda cluster: f"{cluster.name}.{cluster.resource_group.lower()}",
    NAME_GROUP_SUBSCRIPTION: lambda cluster: (
        f"{cluster.name}.{cluster.resource_group.lower()}.{cluster.subscription.lower()}"
    ),
}

TAKEN = ("all", "ungrouped", "localhost", GROUP)
"""Names that mean something else to Ansible."""


class NameClash(Exception):
    """Hosts cannot be told apart by names of this form."""


def host_names(clusters: Iterable[ClusterId], form: str) -> dict[ClusterId, str]:
    """A name of its own for each cluster, whatever order they come in.

    Args:
        clusters: different clusters.
        form: a key of FORMS, or UNIQUE: the shortest form by which all clusters of one name are told apart.

    Raises:
        NameClash: in this form some share a name, or have one that means something else; tells which.
    """
    clusters = list(clusters)
    if form != UNIQUE:
        return _named(clusters, form)
    same_name: dict[str, list[ClusterId]] = {}
    for cluster in clusters:
        same_name.setdefault(cluster.name.casefold(), []).append(cluster)
    names = {}
    for alike in same_name.values():
        names.update(_shortest(alike))
    return {cluster: names[cluster] for cluster in clusters}


def _shortest(alike: list[ClusterId]) -> dict[ClusterId, str]:
    for form in (NAME, NAME_GROUP):
        try:
            return _named(alike, form)
        except NameClash:
            continue
    return _named(alike, NAME_GROUP_SUBSCRIPTION)


def _named(clusters: list[ClusterId], form: str) -> dict[ClusterId, str]:
    names = {cluster: FORMS[form](cluster) for cluster in clusters}
    seen = Counter(name.casefold() for name in names.values())
    for cluster, name in names.items():
        if seen[name.casefold()] > 1:
            alike = [str(other) for other in names if names[other].casefold() == name.casefold()]
            raise NameClash(f"{len(alike)} clusters would be called {name}: {', '.join(sorted(alike))}.")
        if name.casefold() in TAKEN:
            raise NameClash(f"The cluster {cluster} would be called {name}, which means something else to Ansible.")
    return names


def lengthened(names: Mapping[ClusterId, str]) -> list[str]:
    """The names that are longer than the cluster's own, since another one has that too."""
    return sorted(name for cluster, name in names.items() if name != cluster.name)


def cluster_of(variables: Mapping[str, Any]) -> ClusterId:
    """Which cluster these host variables are of."""
    return ClusterId(*(variables[PREFIX + part] for part in ("subscription_id", "resource_group", "name")))


def host_variables(cluster: Cluster, read_at: str) -> dict[str, Any]:
    """What is known of a cluster, as JSON.

    The findings say nothing about the preview feature flag, which no LIST tells of.

    Args:
        cluster: the cluster.
        read_at: when it was read.
    """
    known = described(cluster, feature=None)
    del known["feature_state"]
    known["resource_id"] = known.pop("id")
    known |= {"pools": pools(cluster), "read_at": read_at}
    return {PREFIX + name: value for name, value in known.items()}


def pools(cluster: Cluster) -> list[dict[str, Any]]:
    """A cluster's node pools, in Azure's order."""
    bodies = cluster.properties.get("agentPoolProfiles") or []
    return [
        {
            "name": pool.name,
            "mode": body.get("mode"),
            "os_type": pool.os_type,
            "os_sku": pool.os_sku,
            "count": body.get("count"),
            "node_image": pool.node_image,
            "version": pool.version,
            "state": pool.state,
        }
        for pool, body in zip(cluster.pools, bodies, strict=True)
    ]
