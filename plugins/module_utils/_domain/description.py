# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""A cluster as modules and inventory tell of it. Private to this collection. Pure: no I/O."""

from __future__ import annotations

from typing import Any

from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.cluster import Cluster
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.compatibility import outlook


def described(cluster: Cluster, feature: str | None) -> dict[str, Any]:
    """What is known of a cluster, as JSON.

    Args:
        cluster: the cluster.
        feature: the state of the preview feature flag, None where it is not known.
    """
    identity = cluster.id
    return {
        "id": str(identity),
        "name": cluster.name,
        "resource_group": identity.resource_group,
        "subscription_id": identity.subscription,
        "location": cluster.body.get("location"),
        "tags": dict(cluster.tags),
        "kubernetes_version": cluster.version,
        "sku": cluster.sku,
        "network_plugin": cluster.network.get("networkPlugin"),
        "network_dataplane": cluster.network.get("networkDataplane"),
        "network_policy": cluster.network.get("networkPolicy"),
        "power_state": cluster.power_state,
        "provisioning_state": cluster.provisioning_state,
        "feature_state": feature,
        "kube_proxy": cluster.kube_proxy.as_result(),
        "targets": outlook(cluster, feature),
    }
