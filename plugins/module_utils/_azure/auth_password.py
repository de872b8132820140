# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Sign-in of a user with name and password.

Private to this collection. Microsoft Entra refuses it wherever a second factor is demanded, and azure-identity
deprecates it; it is here because azure.azcollection and AWX's credential type offer it.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.auth_endpoint import Endpoint

if TYPE_CHECKING:
    from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.tokens import Credential

AZURE_CLI_CLIENT = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
"""The Azure CLI's own client id, which every tenant knows. azure.azcollection takes it too."""

ANY_TENANT = "organizations"


def build(credentials: Mapping[str, str], endpoint: Endpoint) -> Credential:
    """Make the credential from C(ad_user) and C(password), and C(client_id) and C(tenant) where they are given."""
    from azure.identity import UsernamePasswordCredential

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return UsernamePasswordCredential(
            client_id=credentials.get("client_id", AZURE_CLI_CLIENT),
            username=credentials["ad_user"],
            password=credentials["password"],
            tenant_id=credentials.get("tenant", ANY_TENANT),
            **endpoint.arguments,
        )
