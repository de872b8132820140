"""The table of clouds, and clouds that describe themselves."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.clouds import (
    CLOUDS,
    Cloud,
    find_cloud,
    is_https,
    read_metadata,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError

URL = "https://management.stack.example"
AUDIENCE = "https://management.stack.example/3f1c"


def entry(**changes: Any) -> dict[str, Any]:
    """What a cloud tells of itself, with changes; None leaves a key out."""
    whole = {
        "name": "Stack",
        "resourceManager": f"{URL}/",
        "authentication": {"loginEndpoint": "https://login.stack.example/", "audiences": [AUDIENCE, "other"]},
        "portal": "https://portal.stack.example",
    }
    return {key: value for key, value in {**whole, **changes}.items() if value is not None}


STACK = Cloud("Stack", URL, "https://login.stack.example", AUDIENCE)


@pytest.mark.parametrize(
    ("names", "resource_manager", "authority", "scope"),
    [
        (
            ("AzureCloud", "azurecloud", "AzurePublicCloud", "AZURE_PUBLIC_CLOUD", "https://management.azure.com/"),
            "https://management.azure.com",
            "https://login.microsoftonline.com",
            "https://management.azure.com/.default",
        ),
        (
            (
                "AzureUSGovernment",
                "AzureUSGovernmentCloud",
                "AZURE_US_GOV_CLOUD",
                "https://MANAGEMENT.usgovcloudapi.net",
            ),
            "https://management.usgovcloudapi.net",
            "https://login.microsoftonline.us",
            "https://management.core.usgovcloudapi.net/.default",
        ),
        (
            ("AzureChinaCloud", " azurechinacloud ", "AZURE_CHINA_CLOUD", "https://management.chinacloudapi.cn"),
            "https://management.chinacloudapi.cn",
            "https://login.chinacloudapi.cn",
            "https://management.chinacloudapi.cn/.default",
        ),
    ],
    ids=[cloud.name for cloud in CLOUDS],
)
def test_known_clouds(names: tuple[str, ...], resource_manager: str, authority: str, scope: str) -> None:
    for name in names:
        cloud = find_cloud(name, verify=True)
        assert (cloud.name, cloud.resource_manager, cloud.authority, cloud.scope) == (
            names[0],
            resource_manager,
            authority,
            scope,
        )
        assert cloud.has_known_authority


def test_the_table_agrees_with_the_sdk() -> None:
    """azure-core 1.36 and azure-mgmt-core 1.6 brought a table of their own, and azure-identity has the authorities."""
    core = pytest.importorskip("azure.core", reason="the SDK is not installed")
    tools = pytest.importorskip("azure.mgmt.core.tools")
    if not hasattr(tools, "get_arm_endpoints"):
        pytest.skip("this azure-mgmt-core has no table of clouds")
    from azure.identity import AzureAuthorityHosts

    table = {
        "AzureCloud": (core.AzureClouds.AZURE_PUBLIC_CLOUD, AzureAuthorityHosts.AZURE_PUBLIC_CLOUD),
        "AzureUSGovernment": (core.AzureClouds.AZURE_US_GOVERNMENT, AzureAuthorityHosts.AZURE_GOVERNMENT),
        "AzureChinaCloud": (core.AzureClouds.AZURE_CHINA_CLOUD, AzureAuthorityHosts.AZURE_CHINA),
    }
    for cloud in CLOUDS:
        setting, authority = table[cloud.name]
        theirs = tools.get_arm_endpoints(setting)
        assert cloud.resource_manager == theirs["resource_manager"].rstrip("/")
        assert [cloud.scope] == theirs["credential_scopes"]
        assert cloud.authority == f"https://{authority}"


@pytest.mark.parametrize(
    "name", ["AzureGermanCloud", "azure", "", "ftp://x", "https://", "https://[", "management.azure.com"]
)
def test_unknown_clouds_are_told_the_known_ones(name: str) -> None:
    with pytest.raises(AzureError, match="is one of AzureCloud, AzureUSGovernment, AzureChinaCloud, or the https URL"):
        find_cloud(name, verify=True)


def test_plain_http_is_refused() -> None:
    with pytest.raises(AzureError, match=r"HTTP://stack\.example is refused: credentials travel over https only"):
        find_cloud("HTTP://stack.example", verify=True)


@pytest.mark.parametrize(
    ("metadata", "cloud"),
    [
        (entry(), STACK),
        ([entry()], STACK),
        ([entry(name="Other", resourceManager="https://elsewhere.example"), entry()], STACK),
        (entry(resourceManager=None), STACK),
        (entry(resourceManager=None, name=None), Cloud("management.stack.example", URL, STACK.authority, AUDIENCE)),
        (
            entry(authentication={"loginEndpoint": "https://sts.stack.example/adfs/", "audiences": [f"{URL}/"]}),
            Cloud("Stack", URL, "https://sts.stack.example/adfs", f"{URL}/"),
        ),
    ],
    ids=[
        "an object",
        "a list of one",
        "a list of several",
        "the 2015 version",
        "without a name",
        "ADFS, slash in the audience",
    ],
)
def test_metadata(metadata: Any, cloud: Cloud) -> None:
    found = read_metadata(URL, metadata)
    assert found == cloud
    assert found.scope == f"{cloud.audience}/.default"
    assert not found.has_known_authority


LOGIN = "https://login.stack.example"


@pytest.mark.parametrize(
    ("metadata", "told"),
    [
        ("text", "no cloud with this URL"),
        ([], "no cloud with this URL"),
        (
            [entry(resourceManager="https://a.example"), entry(resourceManager="https://b.example")],
            "no cloud with this URL",
        ),
        ({}, "'authentication' is missing"),
        (entry(authentication="x"), "'authentication' is missing"),
        (entry(authentication={"loginEndpoint": LOGIN}), "audiences' is missing"),
        (entry(authentication={"loginEndpoint": LOGIN, "audiences": []}), "audiences' is missing"),
        (entry(authentication={"loginEndpoint": LOGIN, "audiences": [7]}), "audiences' is missing"),
        (entry(authentication={"audiences": [AUDIENCE]}), "'authentication.loginEndpoint' is not an https URL"),
        (
            entry(authentication={"loginEndpoint": "http://login", "audiences": [AUDIENCE]}),
            "loginEndpoint' is not an https",
        ),
        (entry(resourceManager="http://management.stack.example"), "'resourceManager' is not an https URL"),
    ],
)
def test_nonsense_for_metadata(metadata: Any, told: str) -> None:
    with pytest.raises(AzureError) as refusal:
        read_metadata(URL, metadata)
    assert f"{URL}/metadata/endpoints does not answer as an Azure Resource Manager" in refusal.value.message
    assert told in refusal.value.message


def test_https() -> None:
    assert is_https("HTTPS://host:8443/path")
    assert not any(is_https(url) for url in ("http://host", "https:///path", "host", "https://[", ""))
