"""Whether to ask an API server again, and what its silence means."""

from __future__ import annotations

import json
import socket
import ssl

import pytest
import urllib3
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.auth_errors import UNREACHABLE, UNTRUSTED
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.answers import (
    Trouble,
    moment_of,
    refusal,
    trouble_of,
    wait_after,
    wait_after_trouble,
)


def waits(status: int, headers: dict[str, str], *, proxied: bool) -> list[float | None]:
    return [wait_after(status, headers, attempt, proxied=proxied) for attempt in (1, 2, 3, 4)]


@pytest.mark.parametrize(
    ("status", "headers", "proxied", "pauses"),
    [
        (200, {}, False, [None] * 4),
        (403, {}, False, [None] * 4),
        (404, {"retry-after": "1"}, False, [None] * 4),
        (500, {}, False, [1, 2, 4, None]),
        (503, {"retry-after": "9"}, False, [9, 9, 9, None]),
        (503, {}, True, [1, None, None, None]),
        (429, {"retry-after": "7"}, False, [7, 7, 7, None]),
        (429, {"retry-after": "7"}, True, [7, 7, 7, None]),
        (429, {}, False, [1, 2, 4, None]),
        (429, {"retry-after": "61"}, False, [None] * 4),
    ],
)
def test_pauses_after_an_answer(
    status: int, headers: dict[str, str], proxied: bool, pauses: list[float | None]
) -> None:
    assert waits(status, headers, proxied=proxied) == pauses


@pytest.mark.parametrize(
    ("trouble", "proxied", "pauses"),
    [
        (Trouble(UNREACHABLE, ""), False, [1, 2, 4, None]),
        (Trouble(UNREACHABLE, ""), True, [1, 2, 4, None]),
        (Trouble(UNREACHABLE, "", sent=True), True, [1, None, None, None]),
        (Trouble(UNREACHABLE, "", sent=True), False, [1, 2, 4, None]),
        (Trouble(UNREACHABLE, "", slow=True), False, [1, None, None, None]),
        (Trouble(UNREACHABLE, "", slow=True), True, [1, None, None, None]),
        (Trouble(UNREACHABLE, "", final=True), False, [None] * 4),
    ],
)
def test_pauses_when_no_answer_came(trouble: Trouble, proxied: bool, pauses: list[float | None]) -> None:
    assert [wait_after_trouble(trouble, attempt, proxied=proxied) for attempt in (1, 2, 3, 4)] == pauses


def unresolved(number: int) -> urllib3.exceptions.NewConnectionError:
    error = urllib3.exceptions.NewConnectionError(urllib3.connection.HTTPSConnection("x"), "text")
    error.__cause__ = socket.gaierror(number, "text")
    return error


def unverified() -> urllib3.exceptions.SSLError:
    cause = ssl.SSLCertVerificationError(1, "long words")
    cause.verify_message = "certificate has expired"
    return urllib3.exceptions.SSLError(cause)


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (unverified(), Trouble(UNTRUSTED, "certificate has expired", final=True)),
        (unresolved(socket.EAI_NONAME), Trouble(UNREACHABLE, "its name cannot be resolved", final=True)),
        (unresolved(socket.EAI_AGAIN), Trouble(UNREACHABLE, "its name cannot be resolved")),
        (urllib3.exceptions.SSLError(ssl.SSLError(1, "x")), Trouble(UNREACHABLE, "TLS failed")),
        (urllib3.exceptions.ConnectTimeoutError(), Trouble(UNREACHABLE, "no connection in time", slow=True)),
        (urllib3.exceptions.ProxyError("x", OSError()), Trouble(UNREACHABLE, "the proxy does not answer")),
        (
            urllib3.exceptions.ProtocolError("x", ConnectionResetError()),
            Trouble(UNREACHABLE, "the connection was cut", sent=True),
        ),
        (urllib3.exceptions.ProtocolError("half"), Trouble(UNREACHABLE, "the connection was cut", sent=True)),
        (TimeoutError(), Trouble(UNREACHABLE, "no answer in time", sent=True, slow=True)),
    ],
)
def test_what_was_raised_in_place_of_an_answer(error: Exception, trouble: Trouble) -> None:
    assert trouble_of(error) == trouble


def test_a_refusal_is_the_message_of_a_status() -> None:
    text = json.dumps({"kind": "Status", "message": "nodes is\n forbidden", "reason": "Forbidden"})
    assert refusal(text) == "nodes is forbidden"
    assert refusal(json.dumps({"kind": "Status", "reason": "Expired"})) == "Expired"
    assert refusal(json.dumps({"kind": "NodeList"})) == '{"kind": "NodeList"}'
    assert refusal("<html>\nno") == "<html> no"
    assert refusal("x" * 999) == "x" * 300
    assert refusal(f"at /a?sig=b with eyJ{'a' * 20}.b") == "at /a with [token removed]"


@pytest.mark.parametrize(
    ("header", "moment"), [("Mon, 23 Nov 2026 03:40:00 GMT", 1795405200.0), ("soon", None), ("", None), (None, None)]
)
def test_the_servers_time(header: str | None, moment: float | None) -> None:
    assert moment_of({} if header is None else {"Date": header}) == moment
