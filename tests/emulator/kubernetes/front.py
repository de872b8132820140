"""The door of all API servers: which cluster is meant, who calls, what scripted faults do, and the log."""

from __future__ import annotations

import copy
import sys
import traceback
from collections.abc import Mapping
from email.utils import formatdate
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from .. import behind, strikes
from ..faults import KUBERNETES, Drawn, Fault
from ..wire import Answer, Call, JsonObject
from . import access, api, lists, settings, tables
from .rbac import User
from .status import EXPIRED, StatusError, cut, error, too_many

if TYPE_CHECKING:
    from ..call_log import Observer
    from ..world import Cluster, World


def answer(world: World, key: str, call: Call, subject: Mapping[str, str], observer: Observer | None = None) -> Answer:
    """Answer a call from outside to the cluster `key`. `subject`: of the client certificate. Never raises.

    `observer` is told of it before anything else is done.
    """
    world.clock.run_due()
    cluster = world.clusters.get(key)
    entry = _entry(world, cluster, call)
    user: User | None = None
    try:
        faults = _draw(world, cluster, call)
        entry["faults"] = faults.struck
        behind.strike(world, faults, cluster)
        if observer is not None:
            observer(copy.deepcopy(entry), None)
        if cluster is None or key not in world.clusters or not _reachable(cluster):
            raise cut()
        _strike(faults.strike("front"))
        user = access.authenticate(world, cluster, call.headers.get("authorization", ""), subject)
        table = tables.wanted(call.headers.get("accept", ""))
        request = api.Request(world, cluster, user, call.method, call.segments, call.query, table=table)
        found = strikes.after(api.answer(request), faults)
    except StatusError as refused:
        found = refused.answer
    except Exception:
        traceback.print_exc(file=sys.stderr)
        found = error(500, "Internal error occurred").answer
    _complete(world, found)
    _log(world, entry, found, user)
    return found


def inside(world: World, cluster: Cluster, user: User, path: str) -> Answer:
    """Answer a GET of an absolute path by somebody within the cluster, where the network is always there."""
    raw, _unused, query = path.partition("?")
    call = Call("GET", raw, dict(parse_qsl(query, keep_blank_values=True)), {})
    entry = _entry(world, cluster, call)
    try:
        found = api.answer(api.Request(world, cluster, user, "GET", call.segments, call.query))
    except StatusError as refused:
        found = refused.answer
    _log(world, entry, found, user, via="runCommand")
    return found


def _reachable(cluster: Cluster) -> bool:
    power = (cluster.properties.get("powerState") or {}).get("code")
    return (
        power != "Stopped"
        and not settings.private(cluster.properties)
        and cluster.kubernetes.settings.api != "unreachable"
    )


def _draw(world: World, cluster: Cluster | None, call: Call) -> Drawn:
    """Choose the faults that strike. Here `path` in a fault means the path with its query."""
    path = call.path + ("?" + urlencode(call.query) if call.query else "")
    return world.faults.draw(call.method, path, cluster.name if cluster else None, KUBERNETES)


def _strike(fault: Fault | None) -> None:
    """Raise the error of a fault that strikes before the work."""
    if fault is None:
        return
    if fault.name == "cut_before":
        raise cut()
    if fault.name == "throttled":
        raise too_many(fault.parameters["retry_after"])
    status = fault.parameters["status"]
    if fault.parameters["shape"] == "html":
        raise StatusError(Answer(status, strikes.PROXY_PAGE, dict(strikes.HTML)))
    message = lists.EXPIRED if status == EXPIRED else "Internal error occurred: etcdserver: request timed out"
    raise error(status, message)


def _complete(world: World, found: Answer) -> None:
    """Add what every answer of an API server carries, and make its bytes."""
    kind = {"Content-Type": "application/json"} if isinstance(found.body, dict) or found.stream else {}
    found.headers = {
        "Audit-Id": world.guid(),
        "Cache-Control": "no-cache, private",
        "Date": formatdate(world.clock.shown(), usegmt=True),
        **kind,
        **found.headers,
    }
    found.body = found.payload()


def _entry(world: World, cluster: Cluster | None, call: Call) -> JsonObject:
    return {
        "method": call.method,
        "cluster": cluster.name if cluster else None,
        "path": call.path,
        "query": dict(call.query),
        "time": world.clock.now(),
        "status": None,
        "user": None,
        "via": "network",
        "faults": [],
    }


def _log(world: World, entry: JsonObject, found: Answer, user: User | None, via: str = "network") -> None:
    outcome = {"status": None if found.cut else found.status, "user": user.name if user else None, "via": via}
    world.kubernetes_log.append({**entry, **outcome})
