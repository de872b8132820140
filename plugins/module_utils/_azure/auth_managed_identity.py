# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Sign-in with the managed identity of the Azure resource that this host is.

Private to this collection.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.auth_endpoint import Endpoint

if TYPE_CHECKING:
    from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.tokens import Credential

READ_SECONDS = 10
"""How long the endpoint, which is on this host or next to it, may take for an answer. The SDK waits five minutes."""


def build(credentials: Mapping[str, str], endpoint: Endpoint) -> Credential:
    """Make the credential; C(client_id) picks a user-assigned identity.

    Connection attempts and retries stay as azure-identity sets them: two seconds a try and a few tries, which
    bounds the wait on hosts without the endpoint, and patience while the endpoint is being updated.
    """
    from azure.identity import ManagedIdentityCredential

    return ManagedIdentityCredential(
        client_id=credentials.get("client_id"), connection_verify=endpoint.verify, read_timeout=READ_SECONDS
    )
