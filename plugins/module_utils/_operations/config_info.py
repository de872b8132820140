# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""aks.kube_proxy.config_info: what clusters run, and what they could run. Private to this collection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.api_versions import AUTO, check_version
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.clusters import Clusters
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.features import Flag
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.runtime import Runtime
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.cluster import (
    check_resource_group,
    check_subscription,
    cluster_id,
    parse_resource_id,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.description import described
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.operation import (
    Operation,
    Parameters,
    concerning,
    named_cluster,
    sign_in,
    subscription_of,
)


def run(parameters: Parameters, runtime: Runtime) -> dict[str, Any]:
    """Read clusters and judge each mode for each of them.

    Raises:
        AzureError: a part could not be read; a list is complete or an error.
    """
    group = parameters["resource_group"]
    with concerning(named_cluster(parameters)):
        version = check_version(parameters["api_version"])
        subscriptions = [check_subscription(subscription) for subscription in parameters["subscriptions"] or ()]
        wanted = parse_resource_id(parameters["resource_id"]) if parameters["resource_id"] else None
        if group:
            check_resource_group(group)
        arm = sign_in(parameters, runtime)
        if not (wanted or subscriptions):
            subscriptions = [check_subscription(subscription_of(arm.session))]
        if parameters["name"]:
            wanted = cluster_id(subscriptions[0], group, parameters["name"])
    access = Clusters(arm, version)
    found = (
        [access.get(wanted)]
        if wanted
        else [cluster for subscription in dict.fromkeys(subscriptions) for cluster in access.find(subscription, group)]
    )
    kept = [cluster for cluster in found if has_tags(cluster.tags, parameters["tags"] or ())]
    features = {
        subscription: Flag(arm, subscription).known_state()
        for subscription in dict.fromkeys(cluster.id.subscription.lower() for cluster in kept)
    }
    return {
        "changed": False,
        "clusters": [described(cluster, features[cluster.id.subscription.lower()]) for cluster in kept],
        "warnings": access.warnings,
    }


def has_tags(tags: Mapping[str, str], wanted: list[str] | tuple[()]) -> bool:
    """Whether all wanted tags are there, each C(key) or C(key:value), as azure.azcollection's filters read them.

    Keys of tags have no case in Azure, values have: https://learn.microsoft.com/azure/azure-resource-manager/management/tag-resources
    """
    folded = {key.casefold(): value for key, value in tags.items()}
    for wish in wanted:
        key, colon, value = wish.partition(":")
        if key.casefold() not in folded or (colon and folded[key.casefold()] != value):
            return False
    return True


OPERATION = Operation(
    name="aks.kube_proxy.config_info",
    run=run,
    options={
        "resource_group": {"type": "str"},
        "name": {"type": "str"},
        "resource_id": {"type": "str"},
        "subscriptions": {"type": "list", "elements": "str"},
        "tags": {"type": "list", "elements": "str"},
        "api_version": {"type": "str", "default": AUTO},
    },
    constraints={
        "mutually_exclusive": [
            ("resource_id", "name"),
            ("resource_id", "resource_group"),
            ("resource_id", "subscriptions"),
            ("resource_group", "subscriptions"),
        ],
        "required_by": {"name": ["resource_group"]},
    },
)
