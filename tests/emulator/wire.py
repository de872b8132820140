"""What goes over the wire: one request as the handlers see it, and one answer."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

JsonObject = dict[str, Any]


def _no_number(word: str) -> Any:
    """Python reads NaN and Infinity, which are no JSON."""
    raise ValueError(f"{word} is no JSON")


@dataclass(frozen=True)
class Call:
    """One HTTP request, read to its end."""

    method: str
    path: str  # as sent, still percent-encoded
    query: Mapping[str, str]  # for ARM with names in lower case, as it does not tell their case apart
    headers: Mapping[str, str]  # names in lower case
    body: bytes = b""
    port: int | None = None  # the client's: requests over one connection have it in common

    @property
    def segments(self) -> list[str]:
        """The path's parts, decoded. Doubled slashes count once: the Azure CLI sends some."""
        return [unquote(part) for part in self.path.split("/") if part]

    def json(self) -> Any:
        """The body as JSON; ValueError when it is none."""
        return json.loads(self.body, parse_constant=_no_number)


@dataclass
class Answer:
    """One HTTP answer."""

    status: int
    body: Any = None  # a JSON value, or bytes to be sent as they are
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0  # emulated seconds between the work and the answer
    wall_delay: float = 0.0  # real seconds, likewise
    cut: bool = False  # no answer at all: the connection is cut
    cut_within: bool = False  # half of the body, then the connection is cut
    stream: Callable[[], AsyncIterator[bytes]] | None = None  # in place of a body: what is sent bit by bit

    def payload(self) -> bytes:
        """The body's bytes."""
        if self.body is None:
            return b""
        if isinstance(self.body, bytes):
            return self.body
        return json.dumps(self.body).encode()
