# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Sign-in with the account that the Azure CLI on this host is logged in with.

Private to this collection.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.auth_endpoint import Endpoint
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.auth_errors import tidy
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.clouds import Cloud, known_cloud
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError

if TYPE_CHECKING:
    from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.tokens import Credential
    from azure.core.credentials import AccessToken

TIMEOUT_SECONDS = 60
"""How long a call of C(az) may take. It starts in half a second, or in ten where the disk is cold and slow."""


@dataclass(frozen=True)
class Account:
    """What the Azure CLI works with.

    Attributes:
        subscription_id: the one asked for, or the CLI's default; nothing for a login without subscriptions.
        cloud: name of the CLI's active cloud.
    """

    subscription_id: str | None
    cloud: str


def read_account(subscription: str | None, environ: Mapping[str, str]) -> Account:
    """Ask the CLI for its account (C(az account show)), which takes about half a second.

    Args:
        subscription: id or name of one; nothing for the CLI's default.
        environ: the environment, for C(PATH) and C(AZURE_CONFIG_DIR).

    Raises:
        AzureError: there is no CLI, it is not logged in, or it does not know the subscription.
    """
    shown = _az(["account", "show", *(["--subscription", subscription] if subscription else [])], environ)
    try:
        # A login without subscriptions is shown with the tenant's id in the subscription's place.
        identifier = None if shown["id"] == shown["tenantId"] else str(shown["id"])
        return Account(identifier, str(shown["environmentName"]))
    except (KeyError, TypeError):
        raise AzureError("The Azure CLI's answer to az account show is not understood.") from None


def read_cloud(name: str, environ: Mapping[str, str]) -> Cloud:
    """Give the CLI's cloud of this name, which may be one that was registered with C(az cloud register).

    Raises:
        AzureError: the CLI does not know it.
    """
    cloud = known_cloud(name)
    if cloud is not None:
        return cloud
    shown = _az(["cloud", "show", "--name", name], environ)
    try:
        endpoints = shown["endpoints"]
        return Cloud(
            name=name,
            resource_manager=str(endpoints["resourceManager"]).rstrip("/"),
            authority=str(endpoints["activeDirectory"]).rstrip("/"),
            audience=str(endpoints["activeDirectoryResourceId"]),
        )
    except (KeyError, TypeError):
        raise AzureError("The Azure CLI's answer to az cloud show is not understood.") from None


class CliCredential:
    """Gives tokens of the CLI's account (C(az account get-access-token)).

    azure-identity's own takes no subscription in version 1.19, and the process's environment always.

    Args:
        which: options of C(az) that pick the account.
        environ: the environment that C(az) gets.
    """

    def __init__(self, which: Sequence[str], environ: Mapping[str, str]) -> None:
        self._which = which
        self._environ = environ

    def get_token(
        self, *scopes: str, claims: str | None = None, tenant_id: str | None = None, **_kwargs: Any
    ) -> AccessToken:
        """Get a token.

        Args:
            scopes: what it is for, one scope.
            claims: what the token lacked for Azure. Nothing can be done about it here.
            tenant_id: another tenant than the account's.

        Raises:
            AzureError: the CLI gives none.
        """
        from azure.core.credentials import AccessToken

        if claims:
            raise AzureError("Azure demands a new sign-in of the Azure CLI's account. Run az logout and az login.")
        which = ["--tenant", tenant_id] if tenant_id else self._which
        shown = _az(["account", "get-access-token", "--scope", *scopes, *which], self._environ)
        try:
            return AccessToken(str(shown["accessToken"]), int(shown["expires_on"]))
        except (KeyError, TypeError, ValueError):
            raise AzureError(
                "The Azure CLI's answer to az account get-access-token is not understood; az 2.54 or newer is needed."
            ) from None

    def close(self) -> None:
        """Nothing is open."""


def build(credentials: Mapping[str, str], endpoint: Endpoint) -> Credential:
    """Make the credential.

    A C(tenant) that is given picks the account, else the subscription does. The CLI takes only one of them.
    """
    if "tenant" in credentials:
        which = ["--tenant", credentials["tenant"]]
    else:
        which = ["--subscription", endpoint.subscription_id] if endpoint.subscription_id else []
    return CliCredential(which, endpoint.environ)


def _az(arguments: list[str], environ: Mapping[str, str]) -> Any:
    """Run the CLI and parse what it prints.

    Raises:
        AzureError: it is not there, fails, or prints something else than JSON.
    """
    program = shutil.which("az", path=environ.get("PATH"))
    if program is None:
        raise AzureError("The Azure CLI (az) is not installed on this host, or not in its PATH.")
    try:
        # Not AnsibleModule.run_command: action and inventory plugins come here too, and have no module.
        run = subprocess.run(  # pylint: disable=ansible-bad-function
            [program, *arguments, "--only-show-errors", "--output", "json"],
            env={**environ, "AZURE_CORE_NO_COLOR": "true"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise AzureError(f"The Azure CLI did not answer within {TIMEOUT_SECONDS} seconds.") from None
    except OSError as error:
        raise AzureError(f"The Azure CLI ({program}) cannot be run: {error.strerror}.") from None
    if run.returncode != 0:
        reason = tidy(run.stderr.replace("ERROR:", "")) or f"exit status {run.returncode}"
        raise AzureError(f"The Azure CLI says: {reason}")
    try:
        return json.loads(run.stdout)
    except ValueError:
        raise AzureError(f"The Azure CLI's answer to az {' '.join(arguments[:2])} is not JSON.") from None
