"""The Azure CLI's account, with a program in az's place that prints what az 2.91 was seen to print.

tests/clients does it with the real one.
"""

from __future__ import annotations

import json
import time
import traceback
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure import auth_cli
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.authentication import Session, authenticate
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.tokens import TokenCache

from tests.emulator import Emulator

SUBSCRIPTION, TENANT = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
OTHER = "11111111-1111-4111-8111-222222222222"
ACCOUNT = {
    "environmentName": "AzureCloud",
    "id": SUBSCRIPTION,
    "tenantId": TENANT,
    "user": {"type": "servicePrincipal"},
}
ENDPOINTS = {
    "resourceManager": "https://management.stack.example/",
    "activeDirectory": "https://login.stack.example/",
    "activeDirectoryResourceId": "https://management.stack.example/3f1c",
}
PROGRAM = """\
#!/bin/sh
echo "$@" >> "{folder}/calls"
echo "$AZURE_CONFIG_DIR" >> "{folder}/config-dirs"
case "$1 $2 $*" in
"account show "*--subscription*) cat "{folder}/other" ;;
"account show "*) cat "{folder}/account" ;;
"cloud show "*) cat "{folder}/cloud" ;;
"account get-access-token "*) cat "{folder}/token" ;;
esac
"""


class Az:
    """The program, and what it will say.

    Args:
        folder: where it lives.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = {"PATH": f"{folder}:/usr/bin:/bin", "HOME": str(folder)}
        self.write(PROGRAM.format(folder=folder))
        self.say("account", ACCOUNT)
        self.say("other", {**ACCOUNT, "id": OTHER})
        self.say("cloud", {"name": "Stack", "endpoints": ENDPOINTS})
        self.say("token", {"accessToken": "token-of-the-cli", "expires_on": int(time.time()) + 3600})

    def write(self, program: str) -> None:
        """Make it another program."""
        path = self.folder / "az"
        path.write_text(program)
        path.chmod(0o700)

    def say(self, what: str, content: Any) -> None:
        """Have it print something: text as it is, the rest as JSON."""
        (self.folder / what).write_text(content if isinstance(content, str) else json.dumps(content))

    def fail(self, text: str) -> None:
        """Have it fail."""
        self.write(f"#!/bin/sh\necho '{text}' >&2\nexit 1\n")

    @property
    def calls(self) -> list[str]:
        """How it was called."""
        return (self.folder / "calls").read_text().splitlines()


@pytest.fixture
def az(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Az:
    """The program in the path."""
    program = Az(tmp_path)
    monkeypatch.setenv("PATH", program.environ["PATH"])
    return program


def sign_in(az: Az, **options: Any) -> Session:
    return authenticate({"auth_source": "cli", **options}, az.environ, TokenCache())


def test_the_default_account(az: Az) -> None:
    session = sign_in(az)
    assert (session.cloud.name, session.subscription_id, session.source) == (
        "AzureCloud",
        SUBSCRIPTION,
        "the Azure CLI",
    )
    assert session.credential.get_token(session.cloud.scope).token == "token-of-the-cli"
    how = "--only-show-errors --output json"
    assert az.calls == [
        f"account show {how}",
        f"account get-access-token --scope https://management.azure.com/.default --subscription {SUBSCRIPTION} {how}",
    ]


def test_auto_comes_to_it_last(az: Az) -> None:
    assert authenticate({}, az.environ, TokenCache()).source == "the Azure CLI"


@pytest.mark.parametrize("by", ["option", "environment"])
def test_another_subscription(az: Az, by: str) -> None:
    """It may be a name: az knows the id."""
    if by == "option":
        session = sign_in(az, subscription_id="My Subscription")
    else:
        az.environ["AZURE_SUBSCRIPTION_ID"] = "My Subscription"
        session = sign_in(az)
    assert session.subscription_id == OTHER
    assert "--subscription My Subscription" in az.calls[0]


def test_a_tenant_instead_of_a_subscription(az: Az) -> None:
    """Az takes only one of the two."""
    session = sign_in(az, tenant=TENANT)
    session.credential.get_token(session.cloud.scope)
    assert f"/.default --tenant {TENANT} --only" in az.calls[-1]


def test_a_login_without_subscriptions(az: Az) -> None:
    az.say("account", {**ACCOUNT, "id": TENANT})
    assert sign_in(az).subscription_id is None


def test_a_cloud_that_was_registered_with_the_cli(az: Az) -> None:
    az.say("account", {**ACCOUNT, "environmentName": "Stack"})
    cloud = sign_in(az).cloud
    assert (cloud.name, cloud.resource_manager, cloud.authority, cloud.audience) == (
        "Stack",
        "https://management.stack.example",
        "https://login.stack.example",
        "https://management.stack.example/3f1c",
    )


def test_the_clouds_must_agree(az: Az, emulator: Emulator) -> None:
    """A token of one cloud is never sent to another."""
    assert sign_in(az, cloud_environment="AzurePublicCloud").cloud.name == "AzureCloud"
    for active in ("AzureCloud", "Stack"):
        az.say("account", {**ACCOUNT, "environmentName": active})
        with pytest.raises(
            AzureError, match=f"cloud_environment is AzureChinaCloud, but the Azure CLI is set to {active}"
        ):
            sign_in(az, cloud_environment="AzureChinaCloud")
    az.say("cloud", {"name": "Stack", "endpoints": {**ENDPOINTS, "resourceManager": emulator.url}})
    session = sign_in(az, cloud_environment=emulator.url, ca_path=str(emulator.ca_path))
    assert session.cloud.resource_manager == emulator.url


def test_a_token_per_account(az: Az) -> None:
    """Subscriptions may belong to different tenants, and folders to different people."""
    tokens = TokenCache()
    for subscription, folder in ((None, "a"), (None, "a"), ("other", "a"), (None, "b")):
        environ = {**az.environ, "AZURE_CONFIG_DIR": folder}
        session = authenticate({"auth_source": "cli", "subscription_id": subscription}, environ, tokens)
        session.credential.get_token(session.cloud.scope)
    assert sum("get-access-token" in call for call in az.calls) == 3
    assert (az.folder / "config-dirs").read_text().split() == ["a"] * 5 + ["b"] * 2


def test_not_installed(tmp_path: Path) -> None:
    environ = {"PATH": str(tmp_path)}
    with pytest.raises(AzureError, match=r"The Azure CLI \(az\) is not installed on this host.* Run az login"):
        authenticate({"auth_source": "cli"}, environ, TokenCache())
    with pytest.raises(AzureError) as refusal:
        authenticate({}, {**environ, "AZURE_TENANT": "t"}, TokenCache())
    for told in (
        "No Azure credentials found. Looked at the module parameters: neither client_id nor ad_user; ",
        "the environment: AZURE_TENANT, but neither AZURE_CLIENT_ID nor AZURE_AD_USER; ",
        "profile 'default' of ~/.azure/credentials: the file does not exist; ",
        "The Azure CLI (az) is not installed on this host, or not in its PATH. ",
        "Set AZURE_CLIENT_ID, AZURE_TENANT and AZURE_SECRET",
    ):
        assert told in refusal.value.message


def test_not_logged_in(az: Az) -> None:
    az.fail("ERROR: Please run az login to setup account.")
    with pytest.raises(AzureError, match=r"^The Azure CLI says: Please run az login to setup account\. Run az"):
        sign_in(az)


def test_logged_out_meanwhile(az: Az) -> None:
    session = sign_in(az)
    az.fail("ERROR: Please run az login to setup account.")
    with pytest.raises(AzureError, match=r"^The Azure CLI says: Please run az login to setup account\. Run az"):
        session.credential.get_token(session.cloud.scope)


def test_an_expired_login(az: Az) -> None:
    session = sign_in(az)
    az.fail("ERROR: AADSTS700082: The refresh token has expired due to inactivity. Trace ID: x")
    with pytest.raises(AzureError, match=r"AADSTS700082: .* The Azure CLI's session has expired\. Run az"):
        session.credential.get_token(session.cloud.scope)


@pytest.mark.parametrize(
    ("what", "content", "told"),
    [
        ("account", "hush", "answer to az account show is not JSON"),
        ("account", {"secret": "hush"}, "answer to az account show is not understood"),
        ("account", ["hush"], "answer to az account show is not understood"),
        ("cloud", {"secret": "hush"}, "answer to az cloud show is not understood"),
    ],
)
def test_odd_answers(az: Az, what: str, content: Any, told: str) -> None:
    if what == "cloud":
        az.say("account", {**ACCOUNT, "environmentName": "Stack"})
    az.say(what, content)
    with pytest.raises(AzureError, match=told) as refusal:
        sign_in(az)
    assert "hush" not in refusal.value.message


@pytest.mark.parametrize(
    "answer", ['{"accessToken": "hush", "expiresOn": "never"}', '{"accessToken": "hush"', '"hush"']
)
def test_an_odd_token_answer_is_not_repeated(az: Az, answer: str) -> None:
    az.say("token", answer)
    session = sign_in(az)
    with pytest.raises(AzureError, match=r"answer to az account get-access-token is not") as refusal:
        session.credential.get_token(session.cloud.scope)
    assert "hush" not in "".join(traceback.format_exception(refusal.value))


def test_a_claims_challenge(az: Az) -> None:
    session = sign_in(az)
    with pytest.raises(AzureError, match="Azure demands a new sign-in of the Azure CLI's account"):
        session.credential.get_token(session.cloud.scope, claims="{}")


def test_another_tenant_for_one_token(az: Az) -> None:
    session = sign_in(az)
    session.credential.get_token(session.cloud.scope, tenant_id="guest")
    assert "/.default --tenant guest --only" in az.calls[-1]


def test_it_hangs(az: Az, monkeypatch: pytest.MonkeyPatch) -> None:
    az.write("#!/bin/sh\nexec sleep 30\n")
    monkeypatch.setattr(auth_cli, "TIMEOUT_SECONDS", 0.3)
    with pytest.raises(AzureError, match="The Azure CLI did not answer within"):
        sign_in(az)


def test_it_cannot_be_run(az: Az) -> None:
    az.write("#!/nowhere/interpreter\n")
    with pytest.raises(AzureError, match=r"The Azure CLI \(.*\) cannot be run: No such file"):
        sign_in(az)
