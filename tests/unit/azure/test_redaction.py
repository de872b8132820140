"""What never reaches a user: the queries of signed URLs, and tokens."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.problems import read_problem, redact
from hypothesis import given
from hypothesis import strategies as st

JWT = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJodHRwczovL21hbmFnZW1lbnQifQ.c2lnbmF0dXJl_of-it"
PATH = "/subscriptions/s/providers/Microsoft.ContainerService/locations/eastus/operations/guid"
SIGNED = f"https://management.azure.com{PATH}?api-version=2025-03-01&t=638&c=MIIH&s=Zm9v&h=YmFy"


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        (f"see {SIGNED} for more", f"see https://management.azure.com{PATH} for more"),
        (f"'{SIGNED}'.", f"'https://management.azure.com{PATH}'."),
        (f'"{SIGNED}"', f'"https://management.azure.com{PATH}"'),
        (f"<{SIGNED}>", f"<https://management.azure.com{PATH}>"),
        (f"{SIGNED}\n{SIGNED}", f"https://management.azure.com{PATH}\nhttps://management.azure.com{PATH}"),
        (SIGNED.replace("https", "HTTPS"), f"HTTPS://management.azure.com{PATH}"),
        # as urllib3 words a broken connection
        (f"Max retries exceeded with url: {PATH}?t=638&s=Zm9v (X)", f"Max retries exceeded with url: {PATH} (X)"),
        (f"Authorization: Bearer {JWT}", "Authorization: [token removed]"),
        (f"bearer {'a1.b-c' * 5}==", "[token removed]"),
        (f"BEARER {'a1.b-c' * 5}", "[token removed]"),
        (f"token={JWT}&x", "token=[token removed]&x"),
        (f"Bearer%20{JWT}", "Bearer%20[token removed]"),
        (f"{JWT}.a.b", "[token removed]"),
        # what is no secret stays
        ("https://aka.ms/aks-pending-operation", "https://aka.ms/aks-pending-operation"),
        ("Is it there? Or/and here? Bearer of news.", "Is it there? Or/and here? Bearer of news."),
        ("eyJust a word", "eyJust a word"),
    ],
)
def test_redaction(text: str, safe: str) -> None:
    assert redact(text) == safe
    assert redact(safe) == safe


@pytest.mark.parametrize(
    "shape",
    [
        lambda text: text,
        lambda text: json.dumps({"error": {"code": "X", "message": text}}),
        lambda text: json.dumps({"code": "X", "message": "m", "details": [{"message": text}]}),
    ],
    ids=["no JSON", "wrapped", "flat, in its details"],
)
def test_every_shape_is_redacted(shape: Callable[[str], str]) -> None:
    message = read_problem(400, {}, shape(f"at {SIGNED} with Bearer {JWT}")).message
    assert message.endswith(f"at https://management.azure.com{PATH} with [token removed]")


SIGNATURES = st.from_regex(r"\A[A-Za-z0-9_%-]{12,40}\Z")
AROUND = st.text(alphabet="ab .,:;()[]{}'\"<>\n/?&=", max_size=12)


@given(
    AROUND,
    SIGNATURES,
    st.sampled_from(["&", "\\u0026", "&amp;"]),
    st.sampled_from(["https://host", "http://h:8443", ""]),
    AROUND,
)
def test_a_signed_query_never_survives(before: str, signature: str, joint: str, host: str, after: str) -> None:
    text = f"{before}{host}{PATH}?api-version=1{joint}t=1{joint}s={signature}{after}"
    assert signature not in redact(text)
    assert signature not in read_problem(400, {}, json.dumps({"error": {"code": "X", "message": text}})).message
    if "?" not in before:  # else the whole rest may be a query, and goes
        assert "operations/guid" in redact(text)


@given(st.integers(0, 300), st.sampled_from([f"Bearer {'s3cr3t-' * 8}", f"https://h/p?sig={'s3cr3t-' * 8}", JWT]))
def test_cutting_leaves_no_part_of_a_secret(position: int, secret: str) -> None:
    message = read_problem(500, {}, f"{'x' * position} {secret} {'y' * 300}").message
    assert not re.search(r"s3cr|eyJ", message)
    assert len(message) <= 300
