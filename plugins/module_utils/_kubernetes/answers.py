# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What an API server's answer, or its silence, means: whether to ask again, and what to say.

Private to this collection. Pure: no I/O.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.arm import THROTTLED_STATUS, asked_wait
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.auth_errors import (
    UNREACHABLE,
    UNTRUSTED,
    causes,
    connection_reason,
    tidy,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.problems import redact
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.parsing import parsed

TRIES = 4
FEW_TRIES = 2
"""Of what takes long to fail, or whose failing is an answer."""
BACKOFF_SECONDS = (1.0, 2.0, 4.0)
LONGEST_WAIT_SECONDS = 60.0
TRANSIENT = (500, 502, 503, 504)
MOST_TEXT = 300


@dataclass(frozen=True)
class Trouble:
    """Why no answer came.

    Attributes:
        code: C(Unreachable) or C(Untrusted).
        reason: in a few words.
        final: whether it will be the same when asked again.
        sent: whether the request was on its way already, so that the API server itself can be reached.
        slow: whether all the time that there is went by.
    """

    code: str
    reason: str
    final: bool = False
    sent: bool = False
    slow: bool = False


# What fails before a request is sent, by the class names of urllib3, which may be missing.
_BEFORE = {"NewConnectionError", "NameResolutionError", "ConnectTimeoutError", "ProxyError", "SSLError"}
# What took all the time that there is.
_SLOW = {"ConnectTimeoutError", "ReadTimeoutError", "TimeoutError"}


def trouble_of(error: BaseException) -> Trouble:
    """Read what was raised in place of an answer."""
    found = list(causes(error))
    for cause in found:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Trouble(UNTRUSTED, tidy(cause.verify_message).rstrip("."), final=True)
    for cause in found:
        if isinstance(cause, socket.gaierror):
            final = cause.errno != socket.EAI_AGAIN  # the resolver itself may be out of order for a moment
            return Trouble(UNREACHABLE, "its name cannot be resolved", final=final)
    names = {type(cause).__name__ for cause in found}
    broken = "the connection was cut" if "ProtocolError" in names else type(error).__name__
    reason = connection_reason(error) or broken
    return Trouble(UNREACHABLE, reason, sent=not _BEFORE & names, slow=bool(_SLOW & names))


def wait_after(status: int, headers: Mapping[str, str], attempt: int, *, proxied: bool) -> float | None:
    """How long to wait before asking again after such an answer; None when it stands.

    API servers shed load with 429 and Retry-After:
    https://kubernetes.io/docs/concepts/cluster-administration/flow-control/. A page that the API server only hands on
    gets one more chance: its 503 tells that a pod does not answer, which is an answer.

    Args:
        status: the HTTP status.
        headers: by name, whatever the case.
        attempt: how many times it was asked, from 1.
        proxied: whether it is a page of a pod.
    """
    if status == THROTTLED_STATUS:
        tries = TRIES
    elif status in TRANSIENT:
        tries = FEW_TRIES if proxied else TRIES
    else:
        return None
    if attempt >= tries:
        return None
    asked = asked_wait(headers)
    wait = BACKOFF_SECONDS[attempt - 1] if asked is None else asked
    return wait if wait <= LONGEST_WAIT_SECONDS else None


def wait_after_trouble(trouble: Trouble, attempt: int, *, proxied: bool) -> float | None:
    """How long to wait before asking again when no answer came; None to give up."""
    tries = FEW_TRIES if trouble.slow or (proxied and trouble.sent) else TRIES
    return None if trouble.final or attempt >= tries else BACKOFF_SECONDS[attempt - 1]


def refusal(text: str) -> str:
    """What a refusal says: the message of Kubernetes' Status object, else the text; short, and without secrets.

    https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
    """
    body = parsed(text)
    if isinstance(body, dict) and body.get("kind") == "Status":
        text = str(body.get("message") or body.get("reason") or "")
    return redact(" ".join(text.split()))[:MOST_TEXT]


def moment_of(headers: Mapping[str, str]) -> float | None:
    """The server's time by its C(Date) header, in seconds since the epoch; None where it tells none."""
    try:
        return parsedate_to_datetime(headers.get("Date", "")).timestamp()
    except (TypeError, ValueError):
        return None
