"""The credentials file, as people write it."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.auth_profile import read_profile
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError

WHOLE = """\
# mine
[default]
subscription_id=sub
client_id = client
SECRET=se%cr#et=1;x
tenant:tenant
colour=blue
password=

[other]
ad_user=me@example.org
password="quoted"
"""


@pytest.fixture
def credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".azure").mkdir()
    return tmp_path / ".azure" / "credentials"


def test_a_profile(credentials: Path) -> None:
    credentials.write_text(WHOLE)
    assert read_profile("default").values == {
        "subscription_id": "sub",
        "client_id": "client",
        "secret": "se%cr#et=1;x",
        "tenant": "tenant",
    }


def test_another_profile_as_written(credentials: Path) -> None:
    """Quotes are part of the value, as for azure.azcollection."""
    credentials.write_text(WHOLE)
    assert read_profile("other").values == {"ad_user": "me@example.org", "password": '"quoted"'}


def test_a_byte_order_mark(credentials: Path) -> None:
    credentials.write_text(WHOLE, encoding="utf-8-sig")
    assert read_profile("default").values["client_id"] == "client"


def test_no_file(credentials: Path) -> None:
    profile = read_profile("default")
    assert (dict(profile.values), profile.note) == ({}, "the file does not exist")


def test_no_section(credentials: Path) -> None:
    credentials.write_text(WHOLE)
    assert read_profile("Default").note == "there is no such section; the file has: default, other"


@pytest.mark.parametrize(
    ("content", "where"),
    [
        (b"secret=hush\n", "(line 1)"),
        (b"[default]\nsecret=hush\nsecret=hush2\n", "(line 3)"),
        (b"[default]\nclient_id=x\nhush hush\n", "(line 3)"),
        (b"[default]\nsecret=hush\n[default]\n", "(line 3)"),
        (b"[default]\nsecret=hush\xff\n", "~/.azure/credentials:"),
    ],
    ids=["no section", "a key twice", "no key", "a section twice", "not UTF-8"],
)
def test_odd_files(credentials: Path, content: bytes, where: str) -> None:
    credentials.write_bytes(content)
    with pytest.raises(AzureError) as refusal:
        read_profile("default")
    assert "Cannot understand ~/.azure/credentials" in refusal.value.message
    assert where in refusal.value.message
    assert "hush" not in "".join(traceback.format_exception(refusal.value))


def test_unreadable_file(credentials: Path) -> None:
    credentials.mkdir()
    with pytest.raises(AzureError, match=r"Cannot read ~/\.azure/credentials: Is a directory\."):
        read_profile("default")
