# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The settings beside the credentials, read and checked.

Private to this collection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.auth_choice import Setting
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.clouds import is_https
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError

VALIDATE, IGNORE = "validate", "ignore"


@dataclass(frozen=True)
class Settings:
    """Settings as they are used.

    Attributes:
        subscription_id: the subscription that was named.
        cloud: the cloud that was named, and where.
        authority: the token service that was named, an C(https) URL without a slash at the end.
        verify: whether to check certificates, or the CA bundle to check them with.
        disable_instance_discovery: whether to believe the authority without asking Microsoft about it.
    """

    subscription_id: str | None
    cloud: Setting | None
    authority: str | None
    verify: bool | str
    disable_instance_discovery: bool


def read_settings(found: Mapping[str, Setting]) -> Settings:
    """Read settings as they were found.

    Raises:
        AzureError: one has a value that it cannot have; tells which, and where it was found.
    """
    return Settings(
        subscription_id=found["subscription_id"].value if "subscription_id" in found else None,
        cloud=found.get("cloud_environment"),
        authority=_authority(found.get("adfs_authority_url")),
        verify=_verify(found.get("cert_validation_mode"), found.get("ca_path")),
        disable_instance_discovery=_flag(found.get("disable_instance_discovery")),
    )


def _authority(found: Setting | None) -> str | None:
    if found is None:
        return None
    if not is_https(found.value):
        raise AzureError(
            f"{found.spelled} is {found.value!r}. It must be an https URL, since credentials travel over https only."
        )
    return found.value.rstrip("/")


def _verify(mode: Setting | None, bundle: Setting | None) -> bool | str:
    if mode is not None and mode.value not in (VALIDATE, IGNORE):
        raise AzureError(f"{mode.spelled} is {mode.value!r}. It is {VALIDATE} or {IGNORE}.")
    if mode is not None and mode.value == IGNORE:
        return False
    if bundle is None:
        return True
    path = Path(bundle.value).expanduser()
    if not path.exists():
        raise AzureError(f"The CA bundle {path} ({bundle.spelled}) does not exist.")
    return str(path)


def _flag(found: Setting | None) -> bool:
    if found is None:
        return False
    try:
        return bool(boolean(found.value))
    except TypeError:
        raise AzureError(f"{found.spelled} is {found.value!r}. It is true or false.") from None
