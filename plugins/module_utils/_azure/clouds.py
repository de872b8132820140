# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Azure clouds: where their Resource Manager is, who issues tokens for it, and for which audience.

Private to this collection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.auth_errors import explain_connection_error
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.libraries import require

DEFAULT_CLOUD = "AzureCloud"

METADATA_VERSIONS = ("2022-09-01", "2015-01-01")
"""What C(/metadata/endpoints) is asked for: the version that the Azure CLI uses, then the one that every Azure Stack
Hub knows."""

CONNECT_SECONDS = 10
READ_SECONDS = 30
TRIES = 3


@dataclass(frozen=True)
class Cloud:
    """One Azure cloud.

    Attributes:
        name: as the Azure CLI and azure.azcollection spell it; for a private cloud what its metadata says.
        resource_manager: base URL of Azure Resource Manager, without a slash at the end.
        authority: base URL of the token service, without a slash at the end.
        audience: whom tokens are for. The scope to ask for is this, then C(/.default). A slash at the end belongs
            to the audience and stays (the token service compares it so, and the Azure CLI asks so too).
    """

    name: str
    resource_manager: str
    authority: str
    audience: str

    @property
    def scope(self) -> str:
        """The scope under which a token for this cloud's Resource Manager is asked for."""
        return self.audience + "/.default"

    @property
    def has_known_authority(self) -> bool:
        """Whether the token service is one of Microsoft's own, whose instance discovery knows it."""
        return self.authority in {cloud.authority for cloud in CLOUDS}


# Endpoints and audiences as in azure.mgmt.core.tools.get_arm_endpoints (azure-mgmt-core 1.6), authorities as in
# azure.identity.AzureAuthorityHosts. Germany's cloud was closed in 2021.
CLOUDS = (
    Cloud(
        name="AzureCloud",
        resource_manager="https://management.azure.com",
        authority="https://login.microsoftonline.com",
        audience="https://management.azure.com",
    ),
    Cloud(
        name="AzureUSGovernment",
        resource_manager="https://management.usgovcloudapi.net",
        authority="https://login.microsoftonline.us",
        audience="https://management.core.usgovcloudapi.net",
    ),
    Cloud(
        name="AzureChinaCloud",
        resource_manager="https://management.chinacloudapi.cn",
        authority="https://login.chinacloudapi.cn",
        audience="https://management.chinacloudapi.cn",
    ),
)

# Further spellings, in lower case: the SDK's constants, and the names that Azure's Go tools (AKS, Terraform) use.
ALIASES = {
    "azurepubliccloud": "AzureCloud",
    "azure_public_cloud": "AzureCloud",
    "public": "AzureCloud",
    "azureusgovernmentcloud": "AzureUSGovernment",
    "azure_us_gov_cloud": "AzureUSGovernment",
    "azure_us_government": "AzureUSGovernment",
    "usgovernment": "AzureUSGovernment",
    "azure_china_cloud": "AzureChinaCloud",
    "china": "AzureChinaCloud",
}


def is_https(url: str) -> bool:
    """Whether this is a URL of a host to be reached over C(https)."""
    try:
        parts = urlsplit(url)
        return parts.scheme.lower() == "https" and bool(parts.hostname)
    except ValueError:  # for example a bracket left open
        return False


def known_cloud(name_or_url: str) -> Cloud | None:
    """Look a name, an alias or a Resource Manager URL up in the table, without regard to case."""
    wanted = name_or_url.strip().rstrip("/").lower()
    wanted = ALIASES.get(wanted, wanted).lower()
    for cloud in CLOUDS:
        if wanted in (cloud.name.lower(), cloud.resource_manager):
            return cloud
    return None


_FOUND: dict[tuple[str, bool | str], Cloud] = {}
"""What was told about clouds at URLs; Ansible's workers inherit what their parent has asked for."""


def find_cloud(name_or_url: str, *, verify: bool | str) -> Cloud:
    """Find a cloud by its name, or ask its metadata.

    Args:
        name_or_url: a name of the table, or the C(https) base URL of a Resource Manager.
        verify: whether to check certificates, or the CA bundle to check them with.

    Raises:
        AzureError: the name is unknown, the URL is not C(https), or what is there does not answer as
            Resource Manager does.
    """
    cloud = known_cloud(name_or_url)
    if cloud is not None:
        return cloud
    url = name_or_url.strip().rstrip("/")
    if url.lower().startswith("http://"):
        raise AzureError(
            f"cloud_environment {url} is refused: credentials travel over https only. Give the https URL of the "
            "cloud's Resource Manager."
        )
    if not is_https(url):
        known = ", ".join(cloud.name for cloud in CLOUDS)
        raise AzureError(
            f"cloud_environment {name_or_url!r} is unknown. It is one of {known}, or the https URL of a Resource "
            "Manager that answers /metadata/endpoints (Azure Stack, private clouds)."
        )
    if (url, verify) not in _FOUND:
        _FOUND[url, verify] = read_metadata(url, fetch_metadata(url, verify=verify))
    return _FOUND[url, verify]


def fetch_metadata(url: str, *, verify: bool | str) -> Any:
    """Get what Resource Manager tells about its cloud, as parsed JSON.

    Args:
        url: base URL of Resource Manager, without a slash at the end.
        verify: whether to check certificates, or the CA bundle to check them with.

    Raises:
        AzureError: there is no usable answer.
    """
    require()
    import requests  # with azure-core, see libraries.py
    from requests.adapters import HTTPAdapter
    from urllib3.util import Retry

    answer = None
    with requests.Session() as session:
        retry = Retry(TRIES - 1, other=0, backoff_factor=0.5, status_forcelist=(502, 503, 504), raise_on_status=False)
        retry.respect_retry_after_header = False
        session.mount("https://", HTTPAdapter(max_retries=retry))
        for version in METADATA_VERSIONS:
            address = f"{url}/metadata/endpoints?api-version={version}"
            try:
                answer = session.get(
                    address, verify=verify, timeout=(CONNECT_SECONDS, READ_SECONDS), allow_redirects=False
                )
            except (requests.RequestException, OSError) as error:
                raise explain_connection_error(error, url) from None
            if answer.status_code == 200:
                try:
                    return answer.json()
                except ValueError:
                    raise _not_metadata(url, "the answer is not JSON") from None
    raise _not_metadata(url, f"HTTP status {answer.status_code if answer is not None else '?'}")


def read_metadata(url: str, metadata: Any) -> Cloud:
    """Turn the answer of C(/metadata/endpoints) into a cloud.

    The answer is one cloud or, in some versions, a list of them, of which the one at this URL is meant. The 2015
    version does not repeat the Resource Manager's URL.

    Args:
        url: base URL of Resource Manager, without a slash at the end.
        metadata: the parsed JSON.

    Raises:
        AzureError: what is needed is not there, or a URL is not C(https).
    """
    entries = [entry for entry in (metadata if isinstance(metadata, list) else [metadata]) if isinstance(entry, dict)]
    if len(entries) > 1:
        entries = [entry for entry in entries if _base_url(entry.get("resourceManager")).lower() == url.lower()]
    if not entries:
        raise _not_metadata(url, "no cloud with this URL is listed in the answer")
    entry = entries[0]
    authentication = entry.get("authentication")
    if not isinstance(authentication, dict):
        raise _not_metadata(url, "'authentication' is missing")
    audiences = authentication.get("audiences")
    if not isinstance(audiences, list) or not audiences or not isinstance(audiences[0], str) or not audiences[0]:
        raise _not_metadata(url, "'authentication.audiences' is missing")
    authority = _base_url(authentication.get("loginEndpoint"))
    resource_manager = _base_url(entry.get("resourceManager")) or url
    for name, value in (("authentication.loginEndpoint", authority), ("resourceManager", resource_manager)):
        if not is_https(value):
            raise _not_metadata(url, f"'{name}' is not an https URL")
    return Cloud(
        name=str(entry.get("name") or urlsplit(url).netloc),
        resource_manager=resource_manager,
        authority=authority,
        audience=audiences[0],
    )


def _base_url(value: Any) -> str:
    return value.strip().rstrip("/") if isinstance(value, str) else ""


def _not_metadata(url: str, reason: str) -> AzureError:
    return AzureError(
        f"{url}/metadata/endpoints does not answer as an Azure Resource Manager: {reason}. Check cloud_environment "
        "(or AZURE_CLOUD_ENVIRONMENT): it is the base URL of Resource Manager, without a path."
    )
