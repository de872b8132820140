"""Lists: selectors, and pages that all show the same moment."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from ..wire import JsonObject
from .discovery import Resource
from .objects import resource_version
from .status import error

EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)
# Fields that the API server selects by: resource -> field -> where it stands in the object.
FIELDS: dict[str, dict[str, tuple[str, ...]]] = {
    "pods": {"spec.nodeName": ("spec", "nodeName"), "status.phase": ("status", "phase")},
    "nodes": {"spec.unschedulable": ("spec", "unschedulable")},
}
# https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")
LABEL_KEY = re.compile(r"([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
COMMON_FIELDS = {"metadata.name": ("metadata", "name"), "metadata.namespace": ("metadata", "namespace")}


def moment_of(query: Mapping[str, str], now: float) -> float:
    """The moment that a list shows: that of its first page."""
    return _token(query["continue"])[0] if query.get("continue") else now


def page(resource: Resource, found: list[JsonObject], query: Mapping[str, str], moment: float) -> JsonObject:
    """One page of the objects that the selectors mean, by namespace and name."""
    chosen = sorted(select(resource.plural, found, query), key=_key)
    limit = _limit(query)
    if query.get("continue"):
        after = _token(query["continue"])[1]
        chosen = [item for item in chosen if _key(item) > after]
    meta: JsonObject = {"resourceVersion": resource_version(moment)}
    if limit and len(chosen) > limit:
        meta["continue"] = _write_token(moment, _key(chosen[limit - 1]))
        if not query.get("labelSelector") and not query.get("fieldSelector"):
            meta["remainingItemCount"] = len(chosen) - limit
        chosen = chosen[:limit]
    return {"kind": f"{resource.kind}List", "apiVersion": resource.api_version, "metadata": meta, "items": chosen}


def select(resource: str, found: list[JsonObject], query: Mapping[str, str]) -> list[JsonObject]:
    """The objects that label and field selectors mean."""
    by_label = labels(query.get("labelSelector", ""))
    wanted = _fields(resource, query.get("fieldSelector", ""))
    return [
        item
        for item in found
        if by_label(item["metadata"].get("labels") or {}) and all(_at(item, path) == value for path, value in wanted)
    ]


def _key(item: JsonObject) -> str:
    meta = item["metadata"]
    return f"{meta.get('namespace', '')}/{meta['name']}"


def _limit(query: Mapping[str, str]) -> int:
    text = query.get("limit", "0")
    if not text.lstrip("-").isdigit():
        raise error(400, f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return int(text)


def _write_token(moment: float, after: str) -> str:
    text = json.dumps({"v": "meta.k8s.io/v1", "at": moment, "start": after})
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _token(text: str) -> tuple[float, str]:
    try:
        content = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return float(content["at"]), str(content["start"])
    except (ValueError, TypeError, KeyError):
        raise error(400, "invalid continue token: continue key is not valid") from None


def _at(item: Any, path: tuple[str, ...]) -> str:
    for key in path:
        item = item.get(key) if isinstance(item, dict) else None
    return "" if item is None else str(item).lower() if isinstance(item, bool) else str(item)


def _fields(resource: str, text: str) -> list[tuple[tuple[str, ...], str]]:
    known = {**COMMON_FIELDS, **FIELDS.get(resource, {})}
    found = []
    for part in filter(None, text.split(",")):
        name, equals, value = part.replace("==", "=").partition("=")
        if not equals or name not in known:
            raise error(400, f"field label not supported: {name}" if equals else f"invalid selector: '{text}'")
        found.append((known[name], value))
    return found


def labels(text: str) -> Callable[[Mapping[str, str]], bool]:
    """What a label selector means: `a=b`, `a==b`, `a!=b`, `a`, `!a`, all of which must hold."""
    tests: list[Callable[[Mapping[str, str]], bool]] = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        if "(" in part or " in " in part:
            raise error(400, f"unable to parse requirement: the emulator takes no sets: {part}")
        tests.append(_requirement(part))
    return lambda found: all(test(found) for test in tests)


def _requirement(part: str) -> Callable[[Mapping[str, str]], bool]:
    if "!=" in part:
        name, value = _valid(*part.split("!=", 1))
        return lambda found: found.get(name) != value
    if "=" in part:
        name, value = _valid(*part.replace("==", "=", 1).split("=", 1))
        return lambda found: found.get(name) == value
    key, _unused = _valid(part.removeprefix("!"), "")
    return lambda found: (key in found) is not part.startswith("!")


def _valid(key: str, value: str) -> tuple[str, str]:
    """A label's key and value, as the API server takes them."""
    key, value = key.strip(), value.strip()
    if not LABEL_KEY.fullmatch(key):
        raise error(400, f'unable to parse requirement: <nil>: Invalid value: "{key}": it is no qualified name')
    if not LABEL_VALUE.fullmatch(value):
        raise error(400, f'unable to parse requirement: values[0][{key}]: Invalid value: "{value}": it is no label')
    return key, value
