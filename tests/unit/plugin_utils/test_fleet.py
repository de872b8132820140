"""What an inventory asks for is checked first, and cached apart by all that decides the answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError
from ansible_collections.aks.kube_proxy.plugins.plugin_utils._fleet import Scope, fingerprint

ONE, TWO = "00000000-0000-0000-0000-00000000000a", "00000000-0000-0000-0000-00000000000b"
SECRET = "hush-hush"
SIGN_IN = {"client_id": ONE, "tenant": TWO, "secret": SECRET}


@pytest.mark.parametrize(
    "scope",
    [
        Scope(),
        Scope(subscriptions=(ONE,), resource_groups=("rg1",), tags=("a:b",), api_version="2025-09-02-preview"),
        Scope(all_subscriptions=True),
    ],
)
def test_what_makes_sense_is_taken(scope: Scope) -> None:
    assert scope.checked() is scope


@pytest.mark.parametrize(
    ("scope", "says"),
    [
        (Scope(subscriptions=(ONE,), all_subscriptions=True), "'subscriptions' and 'all_subscriptions' exclude"),
        (Scope(subscriptions=(ONE, "production")), "subscriptions: 'production' is not a subscription id"),
        (Scope(resource_groups=("a/b",)), "resource_groups: 'a/b'"),
        (Scope(api_version="2026-08-01"), "'api_version' is '2026-08-01'"),
    ],
)
def test_what_makes_none_is_refused(scope: Scope, says: str) -> None:
    with pytest.raises(AzureError, match=says):
        scope.checked()


def taken(options: dict[str, Any] | None = None, scope: Scope | None = None, **environ: str) -> str:
    return fingerprint(SIGN_IN if options is None else options, scope or Scope(), {"HOME": "/nowhere", **environ})


@pytest.mark.parametrize(
    "other",
    [
        taken({**SIGN_IN, "client_id": TWO}),
        taken({**SIGN_IN, "tenant": ONE}),
        taken({**SIGN_IN, "subscription_id": ONE}),
        taken({**SIGN_IN, "cloud_environment": "AzureChinaCloud"}),
        taken(AZURE_SUBSCRIPTION_ID=ONE),
        taken(AZURE_CLOUD_ENVIRONMENT="AzureUSGovernment"),
        taken({"auth_source": "msi"}),
        taken({"auth_source": "msi", "client_id": ONE}),
        taken(scope=Scope(subscriptions=(ONE,))),
        taken(scope=Scope(subscriptions=(ONE, TWO))),
        taken(scope=Scope(all_subscriptions=True)),
        taken(scope=Scope(resource_groups=("rg1",))),
        taken(scope=Scope(tags=("rg1",))),
        taken(scope=Scope(api_version="2025-09-02-preview")),
    ],
)
def test_what_decides_the_answer_is_cached_apart(other: str) -> None:
    assert other != taken()


def test_where_the_same_credentials_stand_makes_no_difference() -> None:
    environ = {"AZURE_CLIENT_ID": ONE, "AZURE_TENANT": TWO, "AZURE_SECRET": SECRET}
    assert fingerprint({}, Scope(), {"HOME": "/nowhere", **environ}) == taken()


def test_secrets_do_not_go_into_it() -> None:
    assert taken({**SIGN_IN, "secret": "another"}) == taken()


def test_credentials_that_make_no_sense_are_refused() -> None:
    with pytest.raises(AzureError, match="Incomplete"):
        taken({"client_id": ONE})


def test_who_is_signed_in_with_the_azure_cli_counts(tmp_path: Path) -> None:
    def now() -> str:
        return taken({"auth_source": "cli"}, AZURE_CONFIG_DIR=str(tmp_path))

    nobody = now()
    (tmp_path / "azureProfile.json").write_text('{"subscriptions": ["one"]}')
    first = now()
    (tmp_path / "azureProfile.json").write_text('{"subscriptions": ["two"]}')
    second = now()
    (tmp_path / "clouds.config").write_text("[AzureCloud]\nsubscription = two\n")
    assert len({nobody, first, second, now()}) == 4
    assert now() == now()
