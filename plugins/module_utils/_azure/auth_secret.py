# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Sign-in of a service principal with a client secret.

Private to this collection.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.auth_endpoint import Endpoint

if TYPE_CHECKING:
    from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.tokens import Credential


def build(credentials: Mapping[str, str], endpoint: Endpoint) -> Credential:
    """Make the credential from C(tenant), C(client_id) and C(secret)."""
    from azure.identity import ClientSecretCredential

    return ClientSecretCredential(
        credentials["tenant"], credentials["client_id"], credentials["secret"], **endpoint.arguments
    )
