# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Sign-in with the managed identity of the Azure resource that this host is.

Private to this collection.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.auth_endpoint import READ_SECONDS, Endpoint

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential


def build(credentials: Mapping[str, str], endpoint: Endpoint) -> TokenCredential:
    """Make the credential; C(client_id) picks a user-assigned identity.

    Connection attempts and retries stay as azure-identity sets them: two seconds a try and a few tries, which
    bounds the wait on hosts without the endpoint, and patience while the endpoint is being updated.
    """
    from azure.identity import ManagedIdentityCredential

    return ManagedIdentityCredential(
        client_id=credentials.get("client_id"), connection_verify=endpoint.verify, read_timeout=READ_SECONDS
    )
