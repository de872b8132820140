"""Settings beside the credentials: their values, and who is told about wrong ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.auth_choice import Setting
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.auth_settings import Settings, read_settings
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError


def read(**found: str) -> Settings:
    return read_settings({option: Setting(value, option.upper()) for option, value in found.items()})


def test_nothing_set() -> None:
    assert read() == Settings(None, None, None, verify=True, disable_instance_discovery=False)


def test_plain_values() -> None:
    settings = read(subscription_id="s", cloud_environment="c", adfs_authority_url="https://sts.example/adfs/")
    assert settings.subscription_id == "s"
    assert settings.cloud == ("c", "CLOUD_ENVIRONMENT")
    assert settings.authority == "https://sts.example/adfs"


def test_certificates_are_checked_with_the_bundle(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.touch()
    assert read(ca_path=str(bundle)).verify == str(bundle)
    assert read(ca_path=str(bundle), cert_validation_mode="validate").verify == str(bundle)


def test_ignore_wins_over_a_bundle(tmp_path: Path) -> None:
    assert read(ca_path=str(tmp_path / "absent"), cert_validation_mode="ignore").verify is False


@pytest.mark.parametrize(
    ("value", "meant"), [("True", True), ("yes", True), ("1", True), ("false", False), ("0", False)]
)
def test_flags(value: str, meant: bool) -> None:
    assert read(disable_instance_discovery=value).disable_instance_discovery is meant


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ({"ca_path": "/nowhere/ca.pem"}, r"The CA bundle /nowhere/ca\.pem \(CA_PATH\) does not exist\."),
        ({"cert_validation_mode": "never"}, r"CERT_VALIDATION_MODE is 'never'\. It is validate or ignore\."),
        ({"disable_instance_discovery": "maybe"}, r"DISABLE_INSTANCE_DISCOVERY is 'maybe'\. It is true or false\."),
        ({"adfs_authority_url": "http://sts.example"}, "ADFS_AUTHORITY_URL is 'http://sts.example'.*https only"),
        ({"adfs_authority_url": "sts.example"}, "must be an https URL"),
        ({"adfs_authority_url": "https://["}, "must be an https URL"),
    ],
)
def test_wrong_values(found: dict[str, str], told: str) -> None:
    with pytest.raises(AzureError, match=told):
        read(**found)
