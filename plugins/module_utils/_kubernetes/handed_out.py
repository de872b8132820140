# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The credentials that Azure hands out for a cluster.

Private to this collection. https://learn.microsoft.com/azure/aks/control-kubeconfig-access
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.clusters import Clusters, about_cluster
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.problems import ArmError
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.runtime import Unwanted
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.cluster import ClusterId
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.api import NoAccess
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.entries import (
    ENTRA_SERVER,
    Server,
    User,
    application,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.kubeconfig import parse

FOR_USERS = "listClusterUserCredential"
FOR_ADMINS = "listClusterAdminCredential"

# Why Azure hands out none, by a pattern of its code and message: what to do. The first row that fits counts.
# https://learn.microsoft.com/azure/aks/manage-local-accounts-managed-azure-ad
REMEDIES: tuple[tuple[str, str, str], ...] = (
    (
        r"static credential is not allowed|disable local accounts",
        "LocalAccountsDisabled",
        "Set 'access' to 'user' and give this identity a role in the cluster (Microsoft Entra ID).",
    ),
    (
        r"AuthorizationFailed",
        "AuthorizationFailed",
        "The action is Microsoft.ContainerService/managedClusters/{action}/action. Or name a 'kubeconfig'.",
    ),
)


def hand_out(clusters: Clusters, cluster: ClusterId, action: str, query: Mapping[str, str]) -> tuple[Server, User]:
    """Have Azure hand out credentials: the server and the user in them.

    Args:
        clusters: Azure.
        cluster: for which cluster.
        action: C(listClusterUserCredential) or C(listClusterAdminCredential).
        query: its parameters.

    Raises:
        NoAccess: Azure gives none, or none that can be used.
        Unwanted: nobody waits for the result any more.
    """
    about = about_cluster(cluster)
    try:
        body = clusters.act(cluster, action, query=query).body
    except ArmError as error:
        words = f"{error.problem.code} {error.problem.message}"
        for pattern, code, advice in REMEDIES:
            if re.search(pattern, words):
                message = f"{error.message} {advice.format(action=action)}"
                raise NoAccess(message, **{**error.problem.details, "code": code}) from None
        raise NoAccess(error.message, **error.details) from None
    except Unwanted:
        raise
    except AzureError as error:
        raise NoAccess(error.message, **{"code": "NoCredentials", **error.details}) from None
    config = parse(_text(body, about), Path("/"), f"{about}: the kubeconfig that Azure hands out")
    return config.server(config.current), config.user(config.current)


def _text(body: Any, about: str) -> str:
    """The kubeconfig in the answer."""
    rows = body.get("kubeconfigs")
    first = rows[0] if isinstance(rows, list) and rows else None
    try:
        return base64.b64decode(first["value"], validate=True).decode() if isinstance(first, dict) else ""
    except (KeyError, TypeError, ValueError):
        raise NoAccess(f"{about}: Azure handed out no kubeconfig.", code="NoCredentials") from None


def entra_server(user: User, where: str) -> str:
    """The application that a token has to be for, of a user whom Microsoft Entra ID vouches for; empty for another.

    Args:
        user: the user in what Azure handed out.
        where: how to call that in messages.

    Raises:
        NoAccess: something else than an application is named.
    """
    if user.plugin:
        return application(_argument(user.plugin.args, "--server-id") or ENTRA_SERVER, where)
    return user.entra_server


def _argument(args: Sequence[str], name: str) -> str:
    for position, word in enumerate(args):
        if word == name:
            return "".join(args[position + 1 : position + 2])
        if word.startswith(f"{name}="):
            return word.partition("=")[2]
    return ""
