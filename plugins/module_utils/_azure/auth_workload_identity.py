# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Sign-in with a token of another issuer that Microsoft Entra trusts (workload identity, OpenID Connect).

Private to this collection.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.auth_endpoint import Endpoint
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError

if TYPE_CHECKING:
    from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.tokens import Credential


def build_from_token(credentials: Mapping[str, str], endpoint: Endpoint) -> Credential:
    """Make the credential from C(tenant), C(client_id) and C(oidc_token)."""
    return _build(credentials, endpoint, credentials["oidc_token"])


def build_from_file(credentials: Mapping[str, str], endpoint: Endpoint) -> Credential:
    """Make the credential from C(tenant), C(client_id) and the file C(oidc_token_file_path).

    Who writes the file (the kubelet, for one) renews it. It is read here, for a credential is made for each fetch.

    Raises:
        AzureError: the file cannot be read now.
    """
    return _build(credentials, endpoint, read_token(credentials["oidc_token_file_path"]))


def read_token(path: str) -> str:
    """Read a federated token.

    Raises:
        AzureError: the file cannot be read, or is empty.
    """
    try:
        token = Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise AzureError(f"Cannot read the federated token file {path}: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise AzureError(f"The federated token file {path} does not hold a token, but binary data.") from None
    if not token:
        raise AzureError(f"The federated token file {path} is empty.")
    return token


def _build(credentials: Mapping[str, str], endpoint: Endpoint, token: str) -> Credential:
    from azure.identity import ClientAssertionCredential

    return ClientAssertionCredential(
        credentials["tenant"], credentials["client_id"], lambda: token, **endpoint.arguments
    )
