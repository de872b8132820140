"""Which credentials are taken from where: one row a case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.auth_choice import PROOFS, Choice, choose
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.auth_options import (
    AUTH_ARGUMENT_SPEC,
    CREDENTIALS,
    ENVIRONMENT,
    SETTINGS,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.auth_source import Source
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError

PRINCIPAL = {"client_id": "param-client", "secret": "param-secret", "tenant": "param-tenant"}
ENV_PRINCIPAL = {"AZURE_CLIENT_ID": "env-client", "AZURE_SECRET": "env-secret", "AZURE_TENANT": "env-tenant"}
FILE_PRINCIPAL = {"client_id": "file-client", "secret": "file-secret", "tenant": "file-tenant"}
PROFILES = {
    "default": {**FILE_PRINCIPAL, "subscription_id": "file-sub"},
    "gov": {**FILE_PRINCIPAL, "client_id": "gov-client", "cloud_environment": "AzureUSGovernment"},
    "nobody": {"subscription_id": "file-sub", "secret": "file-secret"},
}
PARAMETERS, ENVIRON, CLI = "the module parameters", "the environment", "the Azure CLI"
MSI = "this host's managed identity"
DEFAULT, GOV = "profile 'default' of ~/.azure/credentials", "profile 'gov' of ~/.azure/credentials"


def profiles(**sections: Mapping[str, str]) -> Any:
    """A reader of profiles over these sections."""

    def read(name: str) -> Source:
        label = f"profile '{name}' of ~/.azure/credentials"
        return Source(label, sections[name]) if name in sections else Source(label, note="there is no such section")

    return read


class Case(NamedTuple):
    """Who is chosen from what."""

    name: str
    options: Mapping[str, Any]
    environ: Mapping[str, str]
    profiles: Mapping[str, Mapping[str, str]]
    source: str
    client: str | None
    method: str = "secret"


ASK_ENV, ASK_FILE, ASK_CLI, ASK_MSI = ({"auth_source": name} for name in ("env", "credential_file", "cli", "msi"))
APPLICATION = {"client_id": "c", "tenant": "t"}
USER = {"ad_user": "u", "password": "p"}
POD = {"AZURE_CLIENT_ID": "c", "AZURE_TENANT_ID": "t", "AZURE_FEDERATED_TOKEN_FILE": "/t", "AZURE_AUTHORITY_HOST": "h"}
SDK_NAMES = {"AZURE_CLIENT_ID": "c", "AZURE_CLIENT_SECRET": "s", "AZURE_TENANT_ID": "t"}
AWX_USER = {"AZURE_SUBSCRIPTION_ID": "s", "AZURE_AD_USER": "u", "AZURE_PASSWORD": "p"}
GOV_BY_ENV = {"AZURE_PROFILE": "gov"}
CLI_BY_ENV = {"ANSIBLE_AZURE_AUTH_SOURCE": "cli"}

CASES = (
    Case("parameters before all else", PRINCIPAL, ENV_PRINCIPAL, PROFILES, PARAMETERS, "param-client"),
    Case("then the environment", {}, ENV_PRINCIPAL, PROFILES, ENVIRON, "env-client"),
    Case("then the default profile", {}, {}, PROFILES, DEFAULT, "file-client"),
    Case("then the Azure CLI", {}, {}, {}, CLI, None, "cli"),
    Case("auto by name", {"auth_source": "auto"}, ENV_PRINCIPAL, {}, ENVIRON, "env-client"),
    Case("a profile by parameter", {"profile": "gov"}, ENV_PRINCIPAL, PROFILES, GOV, "gov-client"),
    Case("a profile by environment", {}, {**ENV_PRINCIPAL, **GOV_BY_ENV}, PROFILES, GOV, "gov-client"),
    Case("parameters before AZURE_PROFILE", PRINCIPAL, GOV_BY_ENV, PROFILES, PARAMETERS, "param-client"),
    Case("env asked for", {**PRINCIPAL, **ASK_ENV}, ENV_PRINCIPAL, PROFILES, ENVIRON, "env-client"),
    Case("env with a profile", ASK_ENV, GOV_BY_ENV, PROFILES, GOV, "gov-client"),
    Case("file asked for", ASK_FILE, ENV_PRINCIPAL, PROFILES, DEFAULT, "file-client"),
    Case("file and profile", {**ASK_FILE, "profile": "gov"}, {}, PROFILES, GOV, "gov-client"),
    Case("file and AZURE_PROFILE", ASK_FILE, GOV_BY_ENV, PROFILES, GOV, "gov-client"),
    Case("CLI asked for", {**PRINCIPAL, **ASK_CLI}, ENV_PRINCIPAL, PROFILES, CLI, None, "cli"),
    Case("source by environment", PRINCIPAL, CLI_BY_ENV, PROFILES, CLI, None, "cli"),
    Case("source by parameter first", {**PRINCIPAL, "auth_source": "auto"}, CLI_BY_ENV, {}, PARAMETERS, "param-client"),
    Case("managed identity", ASK_MSI, {}, PROFILES, MSI, None, "msi"),
    Case("user-assigned, by parameter", {**ASK_MSI, "client_id": "mine"}, ENV_PRINCIPAL, {}, MSI, "mine", "msi"),
    Case("user-assigned, by environment", ASK_MSI, ENV_PRINCIPAL, {}, MSI, "env-client", "msi"),
    Case(
        "certificate",
        {**APPLICATION, "x509_certificate_path": "/p"}, {}, {}, PARAMETERS, "c", "x509_certificate_path",
    ),
    Case("federated token", {**APPLICATION, "oidc_token": "x"}, {}, {}, PARAMETERS, "c", "oidc_token"),
    Case("AKS workload identity", {}, POD, PROFILES, ENVIRON, "c", "oidc_token_file_path"),
    Case("user and password", USER, ENV_PRINCIPAL, {}, PARAMETERS, None, "ad_user"),
    Case("user of an application", {**USER, "client_id": "c"}, {}, {}, PARAMETERS, "c", "ad_user"),
    Case("AWX, principal", {}, {**ENV_PRINCIPAL, "AZURE_SUBSCRIPTION_ID": ""}, PROFILES, ENVIRON, "env-client"),
    Case("AWX, user", {}, AWX_USER, PROFILES, ENVIRON, None, "ad_user"),
    Case("names of the SDK", {}, SDK_NAMES, {}, ENVIRON, "c"),
    Case("not set", {"client_id": "", "ad_user": " "}, {"AZURE_CLIENT_ID": " "}, PROFILES, DEFAULT, "file-client"),
    Case("environment names nobody", {}, {"AZURE_TENANT": "t", "AZURE_SECRET": "s"}, PROFILES, DEFAULT, "file-client"),
    Case("profile names nobody", {}, {}, {"default": PROFILES["nobody"]}, CLI, None, "cli"),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_choice(case: Case) -> None:
    choice = choose(case.options, case.environ, profiles(**case.profiles))
    assert (choice.source, choice.method, choice.credentials.get("client_id")) == (
        case.source,
        case.method,
        case.client,
    )


def test_credentials_are_not_mixed() -> None:
    """What one source lacks is not taken from another, whatever that one holds."""
    for lacking in ("secret", "tenant"):
        options = {name: value for name, value in PRINCIPAL.items() if name != lacking}
        with pytest.raises(AzureError):
            choose(options, ENV_PRINCIPAL, profiles(**PROFILES))


def test_a_tenant_parameter_counts_for_every_source() -> None:
    read = profiles(**PROFILES)
    for options, environ in (({}, ENV_PRINCIPAL), ({"profile": "gov"}, {}), ({"auth_source": "cli"}, {})):
        assert choose({"tenant": "mine", **options}, environ, read).credentials["tenant"] == "mine"


def test_without_a_tenant_parameter_the_source_has_its_own() -> None:
    assert choose({}, ENV_PRINCIPAL, profiles()).credentials["tenant"] == "env-tenant"
    assert "tenant" not in choose({"auth_source": "cli"}, ENV_PRINCIPAL, profiles()).credentials


@pytest.mark.parametrize("option", SETTINGS)
def test_settings_are_found_one_by_one(option: str) -> None:
    """Parameter, then the profile in use, then the environment under each of its names."""

    def found(options: Mapping[str, Any], environ: Mapping[str, str], section: Mapping[str, str]) -> Any:
        read = profiles(default={**FILE_PRINCIPAL, **section})
        return choose({**options, "auth_source": "credential_file"}, environ, read).settings.get(option)

    environ = {name: f"env {number}" for number, name in enumerate(ENVIRONMENT[option])}
    assert found({option: "param"}, environ, {option: "file"}) == ("param", option)
    assert found({option: None}, environ, {option: "file"}) == ("file", option)
    for number, name in enumerate(ENVIRONMENT[option]):
        assert found({}, environ, {}) == (f"env {number}", name)
        del environ[name]
    assert found({}, {}, {}) is None


def test_a_profile_that_is_not_in_use_gives_no_settings() -> None:
    settings = choose({}, ENV_PRINCIPAL, profiles(default={**FILE_PRINCIPAL, "subscription_id": "file-sub"})).settings
    assert "subscription_id" not in settings


def test_paths_are_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    environ = {"AZURE_CLIENT_ID": "c", "AZURE_TENANT": "t", "AZURE_FEDERATED_TOKEN_FILE": "~/token"}
    assert choose({}, environ, profiles()).credentials["oidc_token_file_path"] == "/home/me/token"


REFUSED: tuple[tuple[str, Mapping[str, Any], Mapping[str, str], tuple[str, ...]], ...] = (
    ("no tenant", {"client_id": "c", "secret": "hush"}, {},
     ("the module parameters", "found client_id and secret, but not tenant")),
    ("no tenant, one elsewhere", {"client_id": "c", "secret": "hush"}, {"AZURE_TENANT_ID": "t"},
     ("not tenant", "The environment sets AZURE_TENANT_ID", "from one source")),
    ("no tenant in the environment", {}, {"AZURE_CLIENT_ID": "c", "AZURE_CLIENT_SECRET": "hush"},
     ("the environment", "found AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, but not AZURE_TENANT")),
    ("no secret", {"client_id": "c", "tenant": "t"}, {},
     ("found client_id and tenant, but none of secret, x509_certificate_path, oidc_token", "auth_source to msi")),
    ("no secret in the environment", {}, {"AZURE_CLIENT_ID": "c", "AZURE_TENANT_ID": "t"},
     ("found AZURE_CLIENT_ID and AZURE_TENANT_ID, but none of AZURE_SECRET",)),
    ("no client", {"secret": "hush", "tenant": "t"}, ENV_PRINCIPAL,
     ("found secret, but neither client_id nor ad_user", "The environment sets AZURE_CLIENT_ID")),
    ("no user", {"password": "hush"}, {}, ("found password, but neither client_id nor ad_user",)),
    ("no password", {"ad_user": "u"}, {}, ("found ad_user, but not password",)),
    ("secret and certificate", {**PRINCIPAL, "secret": "hush", "x509_certificate_path": "/hush"}, {},
     ("Contradictory", "the module parameters", "secret and x509_certificate_path", "Keep one")),
    ("both federated tokens", {**APPLICATION, "oidc_token": "hush", "oidc_token_file_path": "/hush"}, {},
     ("Contradictory", "oidc_token and oidc_token_file_path")),
    ("both in the environment", {}, {**ENV_PRINCIPAL, "AZURE_SECRET": "hush", "AZURE_FEDERATED_TOKEN_FILE": "/hush"},
     ("Contradictory", "the environment", "AZURE_SECRET and AZURE_FEDERATED_TOKEN_FILE")),
    ("user and secret", {**PRINCIPAL, "secret": "hush", "ad_user": "u", "password": "hush"}, {},
     ("Contradictory", "secret and ad_user")),
    ("profile and client", {**PRINCIPAL, "secret": "hush", "profile": "gov"}, {},
     ("name a profile and also hold client_id and secret",)),
    ("absent profile", {"profile": "typo"}, ENV_PRINCIPAL, ("profile 'typo'", "there is no such section")),
    ("absent profile of the environment", {}, {"AZURE_PROFILE": "typo"}, ("profile 'typo'",)),
    ("profile without anybody", {"profile": "nobody"}, {}, ("profile 'nobody'", ": secret, but neither client_id")),
    ("env without anybody", {"auth_source": "env"}, {"AZURE_SECRET": "hush"},
     ("auth_source is env", ": AZURE_SECRET, but neither AZURE_CLIENT_ID nor AZURE_AD_USER")),
    ("unknown source", {}, {"ANSIBLE_AZURE_AUTH_SOURCE": "magic"}, ("ANSIBLE_AZURE_AUTH_SOURCE is 'magic'", "msi")),
)  # fmt: skip


@pytest.mark.parametrize(("options", "environ", "told"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_refusal(options: Mapping[str, Any], environ: Mapping[str, str], told: tuple[str, ...]) -> None:
    with pytest.raises(AzureError) as refusal:
        choose(options, environ, profiles(**PROFILES))
    for words in told:
        assert words in refusal.value.message
    assert "hush" not in refusal.value.message


def test_what_was_passed_over_is_told() -> None:
    """When nothing but the CLI is left, its failure will have to say what else was looked at."""
    choice = choose({}, {"AZURE_TENANT": "t"}, profiles())
    assert choice.passed_over == (
        "the module parameters: neither client_id nor ad_user",
        "the environment: AZURE_TENANT, but neither AZURE_CLIENT_ID nor AZURE_AD_USER",
        "profile 'default' of ~/.azure/credentials: there is no such section",
    )


def test_a_choice_shows_no_credentials() -> None:
    shown = repr(choose(PRINCIPAL, {}, profiles()))
    assert all(value not in shown for value in PRINCIPAL.values())
    assert "secret" in shown
    assert "file-secret" not in repr(profiles(**PROFILES)("default"))


def test_every_option_has_its_place() -> None:
    """Each option is a credential or a setting or steers the choice, and can be given by the environment."""
    assert set(AUTH_ARGUMENT_SPEC) == set(ENVIRONMENT) == {*CREDENTIALS, *SETTINGS, "auth_source", "profile"}
    assert {proof.option for proof in PROOFS} < set(CREDENTIALS)


def test_secrets_are_masked() -> None:
    masked = {option for option, spec in AUTH_ARGUMENT_SPEC.items() if spec.get("no_log")}
    assert masked == {"secret", "password", "oidc_token"}


def test_a_choice_is_comparable() -> None:
    assert choose(PRINCIPAL, {}, profiles()) == Choice(method="secret", source=PARAMETERS, credentials=PRINCIPAL)
