"""The PUTs of an act: which of them Azure took, and what they would have changed beside kube-proxy's configuration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from tests.chaos.act import Act
from tests.chaos.deeds import difference, not_ours
from tests.chaos.witness import Arrival

REFUSALS = {"cut_before", "server_error", "throttled", "token_expired", "etag_race", "operation_in_progress"}
"""Faults of the emulator with which a PUT is not taken, whatever becomes of the answer."""


def accepted(act: Act) -> Counter[str]:
    """How many PUTs of each cluster Azure has taken, by name, whether or not its answer came."""
    return Counter(entry["path"].rsplit("/", 1)[1] for entry in logged_puts(act) if _taken(entry))


def accepted_puts(act: Act) -> list[Arrival]:
    """The PUTs that Azure has taken, as they arrived."""
    arrived = [one for one in act.arrivals if one.sent is not None]
    return [one for one, entry in zip(arrived, logged_puts(act), strict=False) if _taken(entry)]


def logged_puts(act: Act) -> list[dict[str, Any]]:
    """The log of PUTs of clusters, in the order of their arrival: the emulator works at one request at a time."""
    return [entry for entry in act.requests if entry["method"] == "PUT" and "/managedClusters/" in entry["path"]]


def _taken(entry: Mapping[str, Any]) -> bool:
    if entry["status"] is not None:
        return entry["status"] in (200, 201)
    return entry["error_code"] is None and not REFUSALS & set(entry["faults"])  # its answer was cut off


def losses(act: Act) -> Iterator[str]:
    """What accepted PUTs took back: properties that were sent otherwise than they were stored as the PUT arrived."""
    for one in accepted_puts(act):
        stored = not_ours(one.stored)
        merged = _over(not_ours(one.sent), stored)
        merged["tags"] = not_ours(one.sent).get("tags")  # which a PUT replaces as a whole
        if found := difference({**stored, "tags": stored.get("tags")}, merged):
            yield f"a PUT of {one.cluster} would change it: {found}"


def _over(sent: Any, stored: Any) -> Any:
    """What is sent laid over what is stored; of lists whose items have names, item by item."""
    if isinstance(sent, dict) and isinstance(stored, dict):
        return {**stored, **{key: _over(value, stored.get(key)) for key, value in sent.items()}}
    if isinstance(sent, list) and isinstance(stored, list):
        known = {item["name"]: item for item in stored if isinstance(item, dict) and "name" in item}
        return [_over(item, known.get(item.get("name"), {}) if isinstance(item, dict) else None) for item in sent]
    return sent
