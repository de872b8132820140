"""Whether and when a refused request is sent again."""

from __future__ import annotations

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.arm import (
    BACKOFF_SECONDS,
    LONGEST_WAIT_SECONDS,
    TRIES,
    asked_wait,
    retry_wait,
)
from hypothesis import given
from hypothesis import strategies as st

# As ARM words it when the header is missing.
THROTTLED = (
    '{"error":{"code":"SubscriptionRequestsThrottled","message":"Number of requests for subscription \'x\' and '
    "operation 'GET/SUBSCRIPTIONS' exceeded the backend storage limit. Please try again after '6' seconds.\"}}"
)


@pytest.mark.parametrize(
    ("headers", "text", "seconds"),
    [
        ({}, "", None),
        ({"retry-after": "17"}, "", 17.0),
        ({"retry-after": "0"}, "", 0.0),
        ({"retry-after": "1.5"}, "", 1.5),
        ({"retry-after-ms": "2500"}, "", 2.5),
        ({"x-ms-retry-after-ms": "500"}, "", 0.5),
        # the finer header counts, and any header before the text
        ({"x-ms-retry-after-ms": "500", "retry-after": "1"}, "", 0.5),
        ({"retry-after": "17"}, THROTTLED, 17.0),
        ({}, THROTTLED, 6.0),
        ({}, "Please retry after '45' seconds.", 45.0),
        ({}, "Please retry after 30 second(s).", 30.0),
        # what cannot be read is no wish
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, "", None),
        ({"retry-after": "-5"}, "", None),
        ({"retry-after": "soon"}, THROTTLED, 6.0),
        ({"retry-after": ""}, "", None),
        ({}, "Please retry after '5' minutes.", None),
        ({}, "45 seconds", None),
    ],
)
def test_asked_wait(headers: dict[str, str], text: str, seconds: float | None) -> None:
    assert asked_wait(headers, text) == seconds


@pytest.mark.parametrize(
    ("headers", "text", "waits"),
    [
        ({}, "", [2, 4, 8, 16, 32, None]),
        ({"retry-after": "17"}, "", [17, 17, 17, 17, 17, None]),
        ({"retry-after": "0"}, "", [0, 0, 0, 0, 0, None]),
        ({}, THROTTLED, [6, 6, 6, 6, 6, None]),
        ({"x-ms-retry-after-ms": "1500"}, "", [1.5, 1.5, 1.5, 1.5, 1.5, None]),
        ({"retry-after": "300"}, "", [300, 300, 300, 300, 300, None]),
        ({"retry-after": "301"}, "", [None, None, None, None, None, None]),
        ({"retry-after": "3600"}, "", [None, None, None, None, None, None]),
    ],
)
def test_a_throttled_request_was_not_taken_so_it_goes_again(
    headers: dict[str, str], text: str, waits: list[float | None]
) -> None:
    got = [retry_wait(429, headers, text, attempt) for attempt in range(1, 7)]
    assert got == waits


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_a_passing_fault_repeats_what_may_be_repeated(status: int) -> None:
    assert [retry_wait(status, {}, "", attempt) for attempt in range(1, 7)] == [2, 4, 8, 16, 32, None]
    assert retry_wait(status, {"retry-after": "3"}, "", 1) == 3
    assert retry_wait(status, {"retry-after": "301"}, "", 1) is None


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 501, 505])
def test_a_refusal_is_final(status: int) -> None:
    assert retry_wait(status, {"retry-after": "1"}, THROTTLED, 1) is None


@given(st.integers(400, 599), st.integers(1, 20), st.none() | st.integers(0, 10**6))
def test_waits_are_bounded(status: int, attempt: int, asked: int | None) -> None:
    headers = {} if asked is None else {"retry-after": str(asked)}
    wait = retry_wait(status, headers, "", attempt)
    if wait is not None:
        assert attempt < TRIES
        assert 0 <= wait <= LONGEST_WAIT_SECONDS
        assert wait == (BACKOFF_SECONDS[attempt - 1] if asked is None else asked)
