"""Our sign-in by the real Azure CLI's account."""

from __future__ import annotations

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.authentication import authenticate
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.tokens import TokenCache

from tests.clients.az import Az
from tests.emulator import Emulator

NOT_FOR_US = ("AZURE_CLIENT_ID", "AZURE_CLOUD_ENVIRONMENT", "AZURE_SUBSCRIPTION_ID")


def environment_of(az: Az, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The CLI's environment without credentials, for this process too: azure-identity calls az with it."""
    environ = {name: value for name, value in az.environ.items() if name not in NOT_FOR_US}
    for name in NOT_FOR_US:
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return environ


@pytest.mark.parametrize("auth_source", ["auto", "cli"])
def test_account_of_the_cli(az: Az, emulator: Emulator, auth_source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    environ = environment_of(az, monkeypatch)
    session = authenticate({"auth_source": auth_source}, environ, TokenCache())
    assert session.source == "the Azure CLI"
    assert session.subscription_id == emulator.environment()["AZURE_SUBSCRIPTION_ID"]
    assert session.cloud.resource_manager == session.cloud.audience == emulator.url
    assert session.credential.get_token(session.cloud.scope).token.count(".") == 2


def test_unknown_subscription(az: Az, monkeypatch: pytest.MonkeyPatch) -> None:
    environ = environment_of(az, monkeypatch)
    with pytest.raises(AzureError, match=r"The Azure CLI says: Subscription 'nowhere' not found"):
        authenticate({"auth_source": "cli", "subscription_id": "nowhere"}, environ, TokenCache())


def test_a_cloud_that_is_not_the_clis(az: Az, monkeypatch: pytest.MonkeyPatch) -> None:
    environ = environment_of(az, monkeypatch)
    with pytest.raises(AzureError, match=r"cloud_environment is AzureUSGovernment, but the Azure CLI is set to"):
        authenticate({"auth_source": "cli", "cloud_environment": "AzureUSGovernment"}, environ, TokenCache())


def test_not_logged_in(az: Az, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    environ = environment_of(az.elsewhere(tmp_path_factory.mktemp("config")), monkeypatch)
    with pytest.raises(AzureError, match=r"^The Azure CLI says: Please run 'az login'"):
        authenticate({"auth_source": "cli"}, environ, TokenCache())
