# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Sign-in of a service principal with a certificate.

Private to this collection.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.auth_endpoint import Endpoint
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError

if TYPE_CHECKING:
    from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.tokens import Credential


def build(credentials: Mapping[str, str], endpoint: Endpoint) -> Credential:
    """Make the credential from C(tenant), C(client_id) and the file C(x509_certificate_path).

    C(thumbprint) is not needed: it is computed from the certificate.

    Raises:
        AzureError: the file cannot be read, or does not hold a certificate with its unencrypted RSA key.
    """
    from azure.identity import CertificateCredential

    path = credentials["x509_certificate_path"]
    try:
        return CertificateCredential(
            credentials["tenant"], credentials["client_id"], certificate_path=path, **endpoint.arguments
        )
    except OSError as error:
        raise AzureError(f"Cannot read x509_certificate_path {path}: {error.strerror}.") from None
    except (ValueError, TypeError):
        # The SDK's message is not repeated, since it may quote the file. TypeError: the key has a password.
        raise AzureError(
            f"x509_certificate_path {path} is not usable: it must be a PEM file with the certificate and its RSA "
            "private key, without a password."
        ) from None
