# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The options of authentication, and the environment variables that stand for them.

Private to this collection. Names are those of azure.azcollection 3.21; docs/authentication.md lists what differs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

AUTH_SOURCES = ("auto", "cli", "credential_file", "env", "msi")

# client_id, tenant and ad_user are names, not secrets: masking them would garble every message about them.
AUTH_ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "auth_source": {"type": "str", "choices": list(AUTH_SOURCES)},
    "profile": {"type": "str"},
    "subscription_id": {"type": "str"},
    "client_id": {"type": "str"},
    "secret": {"type": "str", "no_log": True},
    "tenant": {"type": "str"},
    "ad_user": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "x509_certificate_path": {"type": "path"},
    "thumbprint": {"type": "str"},
    "oidc_token": {"type": "str", "no_log": True},
    "oidc_token_file_path": {"type": "path", "no_log": False},
    "cloud_environment": {"type": "str"},
    "adfs_authority_url": {"type": "str"},
    "cert_validation_mode": {"type": "str", "choices": ["ignore", "validate"]},
    "ca_path": {"type": "path"},
    "disable_instance_discovery": {"type": "bool"},
}

CREDENTIALS = (
    "client_id",
    "tenant",
    "secret",
    "x509_certificate_path",
    "thumbprint",
    "oidc_token",
    "oidc_token_file_path",
    "ad_user",
    "password",
)
"""Options that make up an identity. They are taken from one source, never mixed."""

SETTINGS = (
    "subscription_id",
    "cloud_environment",
    "adfs_authority_url",
    "cert_validation_mode",
    "ca_path",
    "disable_instance_discovery",
)
"""Options that are looked up one by one: parameter, profile (when it is in use), environment."""

PATHS = ("x509_certificate_path", "oidc_token_file_path")
"""Options in which C(~) stands for the home directory, also where they come from a profile or the environment."""

# The first name is azure.azcollection's, the others are what the Azure SDK, the Azure CLI or requests call it.
# azure.azcollection documents AZURE_CERT_VALIDATION and reads AZURE_CERT_VALIDATION_MODE.
ENVIRONMENT: dict[str, tuple[str, ...]] = {
    "auth_source": ("ANSIBLE_AZURE_AUTH_SOURCE",),
    "profile": ("AZURE_PROFILE",),
    "subscription_id": ("AZURE_SUBSCRIPTION_ID",),
    "client_id": ("AZURE_CLIENT_ID",),
    "secret": ("AZURE_SECRET", "AZURE_CLIENT_SECRET"),
    "tenant": ("AZURE_TENANT", "AZURE_TENANT_ID"),
    "ad_user": ("AZURE_AD_USER",),
    "password": ("AZURE_PASSWORD",),
    "x509_certificate_path": ("AZURE_X509_CERTIFICATE_PATH", "AZURE_CLIENT_CERTIFICATE_PATH"),
    "thumbprint": ("AZURE_THUMBPRINT",),
    "oidc_token": ("AZURE_FEDERATED_TOKEN",),
    "oidc_token_file_path": ("AZURE_FEDERATED_TOKEN_FILE",),
    "cloud_environment": ("AZURE_CLOUD_ENVIRONMENT",),
    "adfs_authority_url": ("AZURE_ADFS_AUTHORITY_URL",),
    "cert_validation_mode": ("AZURE_CERT_VALIDATION", "AZURE_CERT_VALIDATION_MODE"),
    "ca_path": ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    "disable_instance_discovery": ("AZURE_DISABLE_INSTANCE_DISCOVERY",),
}


def from_environment(option: str, environ: Mapping[str, str]) -> tuple[str, str] | None:
    """Find an option in the environment.

    Returns:
        The variable's name and its value; nothing where none is set. An empty one counts as not set, since
        AWX sets empty variables for fields that were left out.
    """
    for name in ENVIRONMENT[option]:
        value = environ.get(name, "").strip()
        if value:
            return name, value
    return None
