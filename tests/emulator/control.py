"""The emulator's own control plane under /_emulator. It needs no token."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import checks, faults
from .checks import FleetError
from .cluster_body import cluster_id, merge
from .fleet import load
from .refusals import arm_error
from .wire import Answer, Call, JsonObject
from .world import Cluster, World

if TYPE_CHECKING:
    from .dispatch import Dispatcher

PREFIX = "_emulator"


def answer(desk: Dispatcher, call: Call) -> Answer:
    """Answer a control call. Mistakes are 400 with one line of text."""
    try:
        return _answer(desk, call)
    except FleetError as error:
        return arm_error(400, "InvalidControlRequest", str(error))


def _answer(desk: Dispatcher, call: Call) -> Answer:
    subject, *rest = [*call.segments[1:], ""][: len(call.segments)]
    handler = TABLE.get((call.method, subject))
    if handler is None:
        shown = ", ".join(f"{method} /{PREFIX}/{name}" for method, name in TABLE)
        return arm_error(404, "NotFound", f"The control plane has: {shown}.")
    return handler(desk, call, [part for part in rest if part])


def _content(call: Call) -> Any:
    try:
        return call.json() if call.body else {}
    except ValueError as error:
        raise FleetError(f"the body is no JSON: {error}") from None


def change_cluster(world: World, wanted: str, patch: JsonObject) -> JsonObject:
    """Merge a patch into a cluster behind everyone's back, as another client's write would: its eTag changes."""
    cluster = found(world, wanted)
    before = cluster.body.get("eTag")
    merge(cluster.body, patch)
    cluster.shows_etag = "eTag" in cluster.body
    if cluster.body.get("eTag") == before:
        world.renew_etags(cluster)
    return cluster.body


def found(world: World, wanted: str) -> Cluster:
    """Find a cluster by id or unique name; FleetError else."""
    cluster = world.find_cluster(wanted)
    if cluster is None:
        raise FleetError(f"there is no single cluster {wanted!r}")
    return cluster


def _wanted(path: list[str]) -> str:
    if len(path) == 3:
        return cluster_id(*path)
    if len(path) == 1:
        return path[0]
    raise FleetError("a cluster is named by /{subscription}/{resource group}/{name}, or by /{name} alone")


def _root(desk: Dispatcher, _call: Call, _path: list[str]) -> Answer:
    return Answer(200, desk.world.summary())


def _requests(desk: Dispatcher, _call: Call, _path: list[str]) -> Answer:
    return Answer(200, desk.world.log)


def _clear_requests(desk: Dispatcher, _call: Call, _path: list[str]) -> Answer:
    desk.world.log.clear()
    return Answer(204)


def _faults(desk: Dispatcher, _call: Call, _path: list[str]) -> Answer:
    return Answer(200, [fault.view() for fault in desk.world.faults.faults])


def _add_fault(desk: Dispatcher, call: Call, _path: list[str]) -> Answer:
    content = _content(call)
    orders = [faults.parse(order) for order in (content if isinstance(content, list) else [content])]
    desk.world.faults.faults += orders
    return Answer(201, [fault.view() for fault in orders])


def _clear_faults(desk: Dispatcher, _call: Call, _path: list[str]) -> Answer:
    desk.world.faults.faults.clear()
    return Answer(204)


def _show_cluster(desk: Dispatcher, _call: Call, path: list[str]) -> Answer:
    if not path:
        return Answer(200, [cluster.body for cluster in desk.world.clusters.values()])
    return Answer(200, found(desk.world, _wanted(path)).body)


def _change_cluster(desk: Dispatcher, call: Call, path: list[str]) -> Answer:
    content = _content(call)
    if not isinstance(content, dict):
        raise FleetError("the patch must be a JSON object")
    return Answer(200, change_cluster(desk.world, _wanted(path), content))


def _clock(desk: Dispatcher, _call: Call, _path: list[str]) -> Answer:
    return Answer(200, {"now": desk.world.clock.now(), "speed": desk.world.clock.speed})


def _advance(desk: Dispatcher, call: Call, path: list[str]) -> Answer:
    content = checks.table("clock", _content(call), {"advance": float}, ["advance"])
    desk.world.clock.advance(content["advance"])
    return _clock(desk, call, path)


def _reset(desk: Dispatcher, call: Call, _path: list[str]) -> Answer:
    desk.reset(load(_content(call)))
    return Answer(200, desk.world.summary())


def _throttling(desk: Dispatcher, _call: Call, _path: list[str]) -> Answer:
    return Answer(200, desk.world.throttle.view())


TABLE: dict[tuple[str, str], Callable[[Dispatcher, Call, list[str]], Answer]] = {
    ("GET", ""): _root,
    ("GET", "requests"): _requests,
    ("DELETE", "requests"): _clear_requests,
    ("GET", "faults"): _faults,
    ("POST", "faults"): _add_fault,
    ("DELETE", "faults"): _clear_faults,
    ("GET", "clusters"): _show_cluster,
    ("POST", "clusters"): _change_cluster,
    ("GET", "clock"): _clock,
    ("POST", "clock"): _advance,
    ("POST", "reset"): _reset,
    ("GET", "throttling"): _throttling,
}
