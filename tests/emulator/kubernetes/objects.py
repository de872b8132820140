"""Small parts that all Kubernetes objects have."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from ..cluster_body import steady_guid
from ..wire import JsonObject

if TYPE_CHECKING:
    from ..world import Cluster


def rfc3339(moment: float) -> str:
    """Write a moment as Kubernetes does: whole seconds, in UTC."""
    return datetime.fromtimestamp(moment, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def resource_version(moment: float) -> str:
    """A version that grows with time, so that the time can be read from it again."""
    return str(int(moment * 10))


def moment_of(version: str) -> float:
    """The moment of a resource version; ValueError for what is none."""
    return int(version) / 10


def uid(cluster: Cluster, *parts: object) -> str:
    """The steady uid of an object."""
    return steady_guid("/".join([cluster.key, "kubernetes", *map(str, parts)]))


def metadata(
    cluster: Cluster, kind: str, name: str, namespace: str | None, born: float, *, changed: float | None = None
) -> JsonObject:
    """An object's metadata, without labels."""
    place = {} if namespace is None else {"namespace": namespace}
    return {
        "name": name,
        **place,
        "uid": uid(cluster, kind, namespace, name, int(born)),
        "resourceVersion": resource_version(born if changed is None else changed),
        "creationTimestamp": rfc3339(born),
    }


def condition(kind: str, holds: bool | None, words: tuple[str, str], *, since: float, seen: float) -> JsonObject:
    """One condition of a node's status; None: nobody knows whether it holds. `words`: reason and message."""
    reason, message = words
    return {
        "type": kind,
        "status": "Unknown" if holds is None else str(holds),
        "lastHeartbeatTime": rfc3339(seen),
        "lastTransitionTime": rfc3339(since),
        "reason": reason,
        "message": message,
    }
