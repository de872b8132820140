"""What goes over the wire: one request as the handlers see it, and one answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

JsonObject = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """One HTTP request, read to its end."""

    method: str
    path: str  # as sent, still percent-encoded
    query: Mapping[str, str]  # names in lower case, as ARM does not tell their case apart
    headers: Mapping[str, str]  # names in lower case
    body: bytes = b""

    @property
    def segments(self) -> list[str]:
        """The path's parts, decoded. Doubled slashes count once: the Azure CLI sends some."""
        return [unquote(part) for part in self.path.split("/") if part]

    def json(self) -> Any:
        """The body as JSON; ValueError when it is none."""
        return json.loads(self.body)


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

    def payload(self) -> bytes:
        """The body's bytes."""
        if self.body is None:
            return b""
        if isinstance(self.body, bytes):
            return self.body
        return json.dumps(self.body).encode()
