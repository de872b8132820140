# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""aks.kube_proxy.config: the kube-proxy configuration of one cluster. Private to this collection."""

from __future__ import annotations

from typing import Any

from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.api_versions import AUTO, check_version
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.clusters import Clusters
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.runtime import Runtime
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.cluster import (
    cluster_id,
    parse_resource_id,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.kube_proxy import (
    MODES,
    SCHEDULERS,
    Request,
    check_request,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.plan import FAILED_CLUSTERS, PREFLIGHTS, Policy
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.operation import (
    Operation,
    Parameters,
    concerning,
    named_cluster,
    sign_in,
    subscription_of,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.switch import Switch
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.waiting import Waiting, check_waiting


def run(parameters: Parameters, runtime: Runtime) -> dict[str, Any]:
    """Set the configuration of one cluster.

    Raises:
        AzureError: whatever kept it from being set, and what is known of the cluster.
    """
    ipvs = {name: value for name, value in (parameters["ipvs_config"] or {}).items() if value is not None}
    request = Request(parameters["enabled"], parameters["mode"], ipvs or None)
    waiting = Waiting(parameters["wait"], parameters["wait_timeout"], parameters["poll_interval"])
    with concerning(named_cluster(parameters)):
        check_request(request)
        check_waiting(waiting)
        version = check_version(parameters["api_version"])
        named = parse_resource_id(parameters["resource_id"]) if parameters["resource_id"] else None
        arm = sign_in(parameters, runtime)
        cluster = named or cluster_id(subscription_of(arm.session), parameters["resource_group"], parameters["name"])
    return Switch(
        Clusters(arm, version),
        runtime,
        cluster=cluster,
        request=request,
        policy=Policy(parameters["preflight"], parameters["failed_clusters"]),
        waiting=waiting,
    ).run()


OPERATION = Operation(
    name="aks.kube_proxy.config",
    run=run,
    options={
        "resource_group": {"type": "str"},
        "name": {"type": "str"},
        "resource_id": {"type": "str"},
        "enabled": {"type": "bool"},
        "mode": {"type": "str", "choices": list(MODES)},
        "ipvs_config": {
            "type": "dict",
            "options": {
                "scheduler": {"type": "str", "choices": list(SCHEDULERS)},
                "tcp_timeout_seconds": {"type": "int"},
                "tcp_fin_timeout_seconds": {"type": "int"},
                "udp_timeout_seconds": {"type": "int"},
            },
        },
        "preflight": {"type": "str", "choices": list(PREFLIGHTS), "default": PREFLIGHTS[0]},
        "failed_clusters": {"type": "str", "choices": list(FAILED_CLUSTERS), "default": FAILED_CLUSTERS[0]},
        "wait": {"type": "bool", "default": True},
        "wait_timeout": {"type": "int", "default": 1800},
        "poll_interval": {"type": "int", "default": 15},
        "api_version": {"type": "str", "default": AUTO},
    },
    constraints={
        "required_one_of": [("resource_id", "name"), ("mode", "enabled", "ipvs_config")],
        "mutually_exclusive": [("resource_id", "name"), ("resource_id", "resource_group")],
        "required_together": [("resource_group", "name")],
    },
)
