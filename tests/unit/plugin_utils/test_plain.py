"""The journey through JSON that in-process arguments and results make, with the types of the installed ansible-core."""

from __future__ import annotations

import json
from collections import OrderedDict
from datetime import date, datetime, time, timezone
from enum import IntEnum
from typing import Any

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible.utils.unsafe_proxy import wrap_var
from ansible_collections.aks.kube_proxy.plugins.plugin_utils._plain import plain
from hypothesis import given

from tests.unit.domain.builders import JSON

PLAIN_TYPES = (type(None), bool, int, float, str, list, dict)


class Level(IntEnum):
    """A number with more to it."""

    ONE = 1


class Named:
    """Something that JSON does not know."""

    def __str__(self) -> str:
        """Its text."""
        return "named"


def is_plain(value: Any) -> bool:
    """Whether a value is made of JSON's own types all the way down, not of types derived from them."""
    if type(value) not in PLAIN_TYPES:
        return False
    if isinstance(value, dict):
        return all(type(key) in PLAIN_TYPES and isinstance(key, str) and is_plain(item) for key, item in value.items())
    return all(map(is_plain, value)) if isinstance(value, list) else True


@pytest.mark.parametrize(
    ("value", "after"),
    [
        (None, None),
        (True, True),
        (0, 0),
        (1.5, 1.5),
        ("text", "text"),
        ("", ""),
        (Level.ONE, 1),
        (Named(), "named"),
        ((1, (2, 3)), [1, [2, 3]]),
        ([{"a": (1,)}], [{"a": [1]}]),
        ({1}, [1]),
        (frozenset({"a"}), ["a"]),
        (OrderedDict(a=OrderedDict(b=1)), {"a": {"b": 1}}),
        ({1: "one"}, {"1": "one"}),
        # YAML turns an unquoted 2026-07-17 into a date
        (date(2026, 7, 17), "2026-07-17"),
        (datetime(2026, 7, 17, 1, 2, 3, tzinfo=timezone.utc), "2026-07-17T01:02:03+00:00"),
        (time(1, 2, 3), "01:02:03"),
    ],
)
def test_plain(value: Any, after: Any) -> None:
    got = plain(value)
    assert got == after
    assert is_plain(got)


@given(JSON)
def test_what_is_plain_stays_and_all_else_becomes_it(value: Any) -> None:
    assert plain(value) == json.loads(json.dumps(value))
    assert is_plain(plain(value))


def tagged(value: Any) -> Any:
    """A value as the installed ansible-core hands it to an action: tagged from 2.19 on, unsafe text before."""
    try:
        from ansible._internal._datatag._tags import Origin
    except ImportError:
        return wrap_var(value)
    return Origin(description="a test").tag(value)


@pytest.mark.parametrize(
    "value",
    ["text", "x", "", 5, 2.5, ["a", 1], ("a",), {"key": "value"}, {"k": {"l": [1, "m"]}}],
    ids=repr,
)
def test_ansibles_own_types_are_taken_off(value: Any) -> None:
    def deeply(item: Any) -> Any:
        if isinstance(item, dict):
            return tagged({tagged(key): deeply(inner) for key, inner in item.items()})
        return tagged([deeply(inner) for inner in item]) if isinstance(item, (list, tuple)) else tagged(item)

    made = deeply(value)
    got = plain(made)
    assert got == json.loads(json.dumps(value))
    assert is_plain(got)


def test_unsafe_text_is_taken_off() -> None:
    got = plain(wrap_var({"key": ["{{ 1 + 1 }}"]}))
    assert got == {"key": ["{{ 1 + 1 }}"]}
    assert is_plain(got)


def test_a_vault_string_is_decrypted() -> None:
    vault = VaultLib([("default", VaultSecret(b"password"))])
    ciphertext = vault.encrypt("s3cret").decode()
    try:
        from ansible.parsing.vault import EncryptedString
    except ImportError:
        from ansible.parsing.yaml.objects import AnsibleVaultEncryptedUnicode

        encrypted = AnsibleVaultEncryptedUnicode(ciphertext)
        encrypted.vault = vault
        assert plain({"secret": encrypted}) == {"secret": "s3cret"}
        return
    from ansible.parsing.vault import VaultSecretsContext

    VaultSecretsContext.initialize(VaultSecretsContext([("default", VaultSecret(b"password"))]))
    try:
        got = plain({"secret": EncryptedString(ciphertext=ciphertext)})
    finally:
        VaultSecretsContext._current = None
    assert got == {"secret": "s3cret"}
    assert is_plain(got)
