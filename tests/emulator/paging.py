"""Lists that are handed out page by page, with a link to the next one."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import urlencode

from .arm import Ask
from .refusals import refusal
from .wire import JsonObject

T = TypeVar("T")


def page(ask: Ask, found: Sequence[T], show: Callable[[T], JsonObject]) -> JsonObject:
    """The body with the page that was asked for; only what is on it gets shown."""
    size, start = ask.world.behaviour.page_size, _start(ask.call.query.get("$skiptoken"))
    body: JsonObject = {"value": [show(item) for item in found[start : start + size]]}
    if start + size < len(found):
        token = base64.urlsafe_b64encode(json.dumps({"next": start + size}).encode()).decode()
        query = urlencode({"api-version": ask.api_version, "$skipToken": token})
        body["nextLink"] = f"{ask.world.url}{ask.call.path}?{query}"
    return body


def _start(token: str | None) -> int:
    if token is None:
        return 0
    try:
        return int(json.loads(base64.urlsafe_b64decode(token))["next"])
    except (ValueError, TypeError, KeyError):
        raise refusal("InvalidParameter", field="$skipToken", reason="it is not one that was handed out") from None
