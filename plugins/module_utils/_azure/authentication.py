# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""One resolver of credentials for modules, action plugins and the inventory.

Private to this collection. auth_choice.py decides, the auth_*.py files do, this file puts it together.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.aks.kube_proxy.plugins.module_utils._azure import (
    auth_certificate,
    auth_cli,
    auth_managed_identity,
    auth_password,
    auth_secret,
    auth_workload_identity,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.auth_choice import (
    AZURE_CLI,
    LABELS,
    MANAGED_IDENTITY,
    Choice,
    choose,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.auth_endpoint import Endpoint
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.auth_errors import (
    SignIn,
    explain_connection_error,
    explain_sign_in_error,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.auth_options import AUTH_ARGUMENT_SPEC
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.auth_profile import read_profile
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.auth_settings import Settings, read_settings
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.clouds import (
    DEFAULT_CLOUD,
    Cloud,
    find_cloud,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.libraries import require
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.tokens import TOKENS, CachedCredential, TokenCache

if TYPE_CHECKING:
    from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.tokens import Credential

__all__ = ["AUTH_ARGUMENT_SPEC", "Session", "authenticate", "explain_connection_error", "explain_request_error"]

BUILDERS: dict[str, Callable[[Mapping[str, str], Endpoint], Credential]] = {
    "secret": auth_secret.build,
    "x509_certificate_path": auth_certificate.build,
    "oidc_token": auth_workload_identity.build_from_token,
    "oidc_token_file_path": auth_workload_identity.build_from_file,
    "ad_user": auth_password.build,
    MANAGED_IDENTITY: auth_managed_identity.build,
    AZURE_CLI: auth_cli.build,
}

# azure-identity warns of each failure through logging, which would print it although the AzureError tells it too.
logging.getLogger("azure.identity").addHandler(logging.NullHandler())

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
    options: Mapping[str, Any], environ: Mapping[str, str] | None = None, tokens: TokenCache = TOKENS
) -> Session:
    """Work out the credentials. No token is fetched yet.

    The network is used for a cloud's metadata only, the Azure CLI is run where its account is used.

    Args:
        options: the options of AUTH_ARGUMENT_SPEC, those not given being C(None).
        environ: the environment; this process's own when left out.
        tokens: where tokens are kept.

    Raises:
        AzureError: what lacks, contradicts itself or cannot be read, and what to set.
    """
    require()
    if environ is None:
        environ = os.environ
    choice = choose(options, environ, read_profile)
    settings = read_settings(choice.settings)
    if choice.method == AZURE_CLI:
        cloud, subscription = _place_of_cli(choice, settings, environ)
    else:
        cloud = find_cloud(settings.cloud.value if settings.cloud else DEFAULT_CLOUD, verify=settings.verify)
        subscription = settings.subscription_id
    cloud, credentials = _with_authority(settings.authority or cloud.authority, cloud, choice.credentials)
    asks_authority = choice.method not in (AZURE_CLI, MANAGED_IDENTITY)
    sign_in = SignIn(LABELS[choice.method], choice.source, cloud.authority if asks_authority else None)
    endpoint = Endpoint(
        authority=cloud.authority,
        verify=settings.verify,
        disable_instance_discovery=settings.disable_instance_discovery or not cloud.has_known_authority,
        subscription_id=subscription,
        environ=environ,
    )
    build = functools.partial(BUILDERS[choice.method], credentials, endpoint)
    try:
        build().close()  # tells now what it cannot be made of
    except ValueError as error:  # azure-identity refuses malformed tenants and the like
        raise explain_sign_in_error(error, sign_in) from None
    key = (cloud.authority, choice.method, _fingerprint(choice.method, credentials, subscription, environ))
    return Session(
        cloud=cloud,
        credential=CachedCredential(build, key, lambda error: explain_sign_in_error(error, sign_in), tokens),
        subscription_id=subscription,
        verify=settings.verify,
        source=choice.source,
    )


def explain_request_error(error: Exception, session: Session) -> AzureError:
    """Turn what azure-core raised while a request of this session was sent into an error for users.

    Failures to get a token need it no more: the session's credential explains them itself.
    """
    return explain_connection_error(error, session.cloud.resource_manager)


def _place_of_cli(choice: Choice, settings: Settings, environ: Mapping[str, str]) -> tuple[Cloud, str | None]:
    """Find the cloud and the subscription that the Azure CLI is to work with. It signs in to its own cloud only."""
    try:
        account = auth_cli.read_account(settings.subscription_id, environ)
    except AzureError as error:
        raise _no_cli(error, choice.passed_over) from None
    active = auth_cli.read_cloud(account.cloud, environ)
    if settings.cloud is None:
        return active, account.subscription_id
    wanted, spelled = settings.cloud
    cloud = find_cloud(wanted, verify=settings.verify)
    if cloud.resource_manager != active.resource_manager:
        raise AzureError(
            f"{spelled} is {wanted}, but the Azure CLI is set to {active.name} ({active.resource_manager}). Run "
            f"az cloud set and az login, or leave {spelled} out."
        )
    return cloud, account.subscription_id


def _no_cli(error: AzureError, passed_over: tuple[str, ...]) -> AzureError:
    if not passed_over:
        return explain_sign_in_error(error, SignIn(LABELS[AZURE_CLI], LABELS[AZURE_CLI], None))
    return AzureError(
        f"No Azure credentials found. Looked at {'; '.join(passed_over)}; {error.message} Set "
        "AZURE_CLIENT_ID, AZURE_TENANT and AZURE_SECRET, add a profile, run az login, or on an Azure resource with a "
        "managed identity set auth_source to msi."
    )


def _with_authority(authority: str, cloud: Cloud, credentials: Mapping[str, str]) -> tuple[Cloud, Mapping[str, str]]:
    """Put an authority in force.

    An ADFS has its path where others have the tenant, and MSAL knows it by the tenant C(adfs).
    """
    if authority.lower().endswith("/adfs"):
        authority, credentials = authority[: -len("/adfs")], {**credentials, "tenant": "adfs"}
    return dataclasses.replace(cloud, authority=authority), credentials


def _fingerprint(
    method: str, credentials: Mapping[str, str], subscription: str | None, environ: Mapping[str, str]
) -> str:
    """Tell identities apart without holding their secrets.

    The Azure CLI's depends on its folder and, having several accounts, on the subscription.
    """
    parts: list[object] = [*sorted(credentials.items())]
    if method == AZURE_CLI:
        parts += [subscription, environ.get("AZURE_CONFIG_DIR", environ.get("HOME"))]
    return hashlib.blake2b(repr(parts).encode(), key=_FINGERPRINT_KEY, digest_size=16).hexdigest()
