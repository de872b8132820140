# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""One resolver of credentials for modules, action plugins and the inventory.

Private to this collection. auth_choice.py decides, the auth_*.py files do, this file puts it together.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure import (
    auth_certificate,
    auth_choice,
    auth_cli,
    auth_managed_identity,
    auth_password,
    auth_secret,
    auth_workload_identity,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.auth_choice import Choice, choose
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.auth_endpoint import Endpoint
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.auth_errors import (
    SignIn,
    explain_connection_error,
    explain_token_error,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.auth_options import AUTH_ARGUMENT_SPEC
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.auth_profile import read_profile
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.clouds import (
    DEFAULT_CLOUD,
    Cloud,
    find_cloud,
    known_cloud,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.libraries import require
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.tokens import TOKENS, CachedCredential, TokenCache

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

__all__ = ["AUTH_ARGUMENT_SPEC", "Session", "authenticate", "explain_connection_error", "explain_token_error"]

BUILDERS: dict[str, Callable[[Mapping[str, str], Endpoint], TokenCredential]] = {
    auth_choice.CLIENT_SECRET: auth_secret.build,
    auth_choice.CERTIFICATE: auth_certificate.build,
    auth_choice.FEDERATED_TOKEN: auth_workload_identity.build_from_token,
    auth_choice.FEDERATED_TOKEN_FILE: auth_workload_identity.build_from_file,
    auth_choice.USER_PASSWORD: auth_password.build,
    auth_choice.MANAGED_IDENTITY: auth_managed_identity.build,
}

_FINGERPRINT_KEY = os.urandom(32)


@dataclass(frozen=True)
class Session:
    """Where to go and as whom.

    Attributes:
        cloud: the cloud, with the authority that is in force.
        credential: gives tokens, as azure-core's pipelines want it. Its C(get_token) raises AzureError.
        subscription_id: the subscription that was named; nothing where none was.
        verify: whether to check certificates, or the CA bundle to check them with.
        source: where the credentials came from, for messages.
    """

    cloud: Cloud
    credential: CachedCredential
    subscription_id: str | None
    verify: bool | str
    source: str


def authenticate(
    options: Mapping[str, Any], environ: Mapping[str, str] = os.environ, tokens: TokenCache = TOKENS
) -> Session:
    """Work out the credentials. No token is fetched yet.

    The network is used for a cloud's metadata only, the Azure CLI is run where its account is used.

    Args:
        options: the options of AUTH_ARGUMENT_SPEC, those not given being C(None).
        environ: the environment.
        tokens: where tokens are kept.

    Raises:
        AzureError: what lacks, contradicts itself or cannot be read, and what to set.
    """
    require()
    choice = choose(options, environ, read_profile)
    verify = _verify(choice)
    subscription = choice.settings["subscription_id"].value if "subscription_id" in choice.settings else None
    if choice.method == auth_choice.AZURE_CLI:
        account = _account(choice, subscription, environ)
        subscription = account.subscription_id
        cloud = _cloud_of_cli(choice, account, verify, environ)
    else:
        cloud = find_cloud(_setting(choice, "cloud_environment", DEFAULT_CLOUD), verify=verify)
    cloud, credentials = _authority(choice, cloud)
    discovery_disabled = _flag(choice, "disable_instance_discovery") or not cloud.has_known_authority
    endpoint = Endpoint(cloud.authority, verify, discovery_disabled)
    sign_in = SignIn(choice.method, choice.source, cloud.authority)
    identity: dict[str, str | None] = {**credentials}
    try:
        if choice.method == auth_choice.AZURE_CLI:
            credential = auth_cli.build(credentials, subscription)
            identity |= {"subscription": subscription, "config": environ.get("AZURE_CONFIG_DIR", environ.get("HOME"))}
        else:
            credential = BUILDERS[choice.method](credentials, endpoint)
    except ValueError as error:  # azure-identity refuses malformed tenants and the like
        raise explain_token_error(error, sign_in) from None
    return Session(
        cloud=cloud,
        credential=CachedCredential(
            credential,
            key=(cloud.authority, choice.method, _fingerprint(identity)),
            explain=lambda error: explain_token_error(error, sign_in),
            tokens=tokens,
        ),
        subscription_id=subscription,
        verify=verify,
        source=choice.source,
    )


def _setting(choice: Choice, option: str, default: str) -> str:
    return choice.settings[option].value if option in choice.settings else default


def _flag(choice: Choice, option: str) -> bool:
    if option not in choice.settings:
        return False
    value, spelled = choice.settings[option]
    try:
        return bool(boolean(value))
    except TypeError:
        raise AzureError(f"{spelled} is {value!r}. It is true or false.") from None


def _verify(choice: Choice) -> bool | str:
    if "cert_validation_mode" in choice.settings:
        mode, spelled = choice.settings["cert_validation_mode"]
        if mode not in ("validate", "ignore"):
            raise AzureError(f"{spelled} is {mode!r}. It is validate or ignore.")
        if mode == "ignore":
            return False
    if "ca_path" not in choice.settings:
        return True
    path, spelled = choice.settings["ca_path"]
    path = os.path.expanduser(path)
    if not os.path.exists(path):
        raise AzureError(f"The CA bundle {path} ({spelled}) does not exist.")
    return path


def _account(choice: Choice, subscription: str | None, environ: Mapping[str, str]) -> auth_cli.Account:
    try:
        return auth_cli.read_account(subscription, environ)
    except AzureError as error:
        if not choice.passed_over:
            raise AzureError(f"{error.message} Run az login, or choose other credentials (auth_source).") from None
        looked = "; ".join(("the module parameters hold none", *choice.passed_over))
        raise AzureError(
            f"No Azure credentials found. {looked[0].upper()}{looked[1:]}; {error.message} "
            "Set AZURE_CLIENT_ID, AZURE_TENANT and AZURE_SECRET, add a profile, run az login, or on an Azure resource "
            "with a managed identity set auth_source to msi."
        ) from None


def _cloud_of_cli(choice: Choice, account: auth_cli.Account, verify: bool | str, environ: Mapping[str, str]) -> Cloud:
    """Take the cloud that was asked for, else the CLI's; the CLI signs in to its own only."""
    if "cloud_environment" not in choice.settings:
        return auth_cli.read_cloud(account.cloud, environ)
    wanted, spelled = choice.settings["cloud_environment"]
    cloud = find_cloud(wanted, verify=verify)
    active = known_cloud(account.cloud)
    if active is not None and active != cloud:
        raise AzureError(
            f"{spelled} is {wanted}, but the Azure CLI is set to {active.name}. Run az cloud set and az login, or "
            f"leave {spelled} out."
        )
    return cloud


def _authority(choice: Choice, cloud: Cloud) -> tuple[Cloud, Mapping[str, str]]:
    """Put an authority that was given in the cloud's place.

    An ADFS's path stands where the tenant's name does otherwise, and MSAL knows it by the tenant C(adfs).

    Raises:
        AzureError: it is not C(https).
    """
    authority = cloud.authority
    if "adfs_authority_url" in choice.settings:
        value, spelled = choice.settings["adfs_authority_url"]
        authority = value.rstrip("/")
        if urlsplit(authority).scheme.lower() != "https" or not urlsplit(authority).hostname:
            raise AzureError(f"{spelled} is {value!r}. It must be an https URL: credentials travel over https only.")
    credentials = choice.credentials
    if authority.lower().endswith("/adfs"):
        authority, credentials = authority[: -len("/adfs")], {**credentials, "tenant": "adfs"}
    return dataclasses.replace(cloud, authority=authority), credentials


def _fingerprint(parts: Mapping[str, str | None]) -> str:
    """Tell identities apart without holding their secrets."""
    return hashlib.blake2b(repr(sorted(parts.items())).encode(), key=_FINGERPRINT_KEY, digest_size=16).hexdigest()
