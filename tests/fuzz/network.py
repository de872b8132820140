"""Azure's side of the wire with any answer at all: what no emulator would say, since it keeps to the rules."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure import arm, connections
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.authentication import Session
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.clouds import CLOUDS
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.runtime import Runtime
from azure.core.credentials import AccessToken
from requests import Response
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

Answering = Callable[[str, str, bytes], tuple[int, Mapping[str, str], bytes]]


class Token:
    """A credential whose token costs nothing."""

    def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        """Give it."""
        return AccessToken("token", 2**31)

    def forget(self) -> None:
        """Forget nothing."""


class Wire(HTTPAdapter):
    """Where requests would open a connection, answers are made up; and what was asked is noted.

    Args:
        answer: from method, URL and body to status, headers and body.
    """

    def __init__(self, answer: Answering) -> None:
        super().__init__()
        self.answer = answer
        self.asked: list[tuple[str, str, bytes]] = []

    def send(self, request: Any, *_more: Any, **_options: Any) -> Response:
        """Answer a request."""
        body = request.body.encode() if isinstance(request.body, str) else request.body or b""
        self.asked.append((request.method, request.url, body))
        status, headers, content = self.answer(request.method, request.url, body)
        raw = HTTPResponse(BytesIO(content), headers=headers, status=status, preload_content=False)
        return self.build_response(request, raw)

    @property
    def written(self) -> list[Any]:
        """The bodies of the PUTs."""
        return [json.loads(body) for method, _url, body in self.asked if method == "PUT"]


class Clock:
    """Time that passes when somebody waits."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def sleep(self, seconds: float) -> None:
        """Let it pass."""
        assert 0 <= seconds < 1e6, f"nobody waits for {seconds} seconds"
        self.seconds += seconds


def connected(patch: pytest.MonkeyPatch, answer: Answering) -> tuple[arm.Arm, Wire]:
    """Resource Manager of the public cloud, at the other end of such a wire."""
    wire, clock = Wire(answer), Clock()
    real = connections.transport

    def transport(verify: bool | str) -> Any:
        made = real(verify)
        made.session.mount("https://", wire)
        return made

    patch.setattr(connections, "transport", transport)
    session: Any = Session(CLOUDS[0], Token(), None, True, "a test")  # type: ignore[arg-type]
    return arm.Arm(session, Runtime(now=lambda: clock.seconds, sleep=clock.sleep)), wire
