"""The emulator's own control plane under /_emulator. It needs no token."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import behind, checks, faults
from .checks import FleetError
from .cluster_body import cluster_id
from .fleet import load
from .refusals import arm_error
from .wire import Answer, Call

if TYPE_CHECKING:
    from .dispatch import Dispatcher

PREFIX = "_emulator"
OPERATION = {"state": "Updating", "seconds": 110.0, "status": "Succeeded"}
OPERATION_KEYS: checks.Keys = {"state": str, "seconds": float, "status": str}


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
    return Answer(200, behind.found(desk.world, _wanted(path)).body)


def _change_cluster(desk: Dispatcher, call: Call, path: list[str]) -> Answer:
    content = _content(call)
    if not isinstance(content, dict):
        raise FleetError("the patch must be a JSON object")
    cluster = behind.found(desk.world, _wanted(path))
    behind.change(desk.world, cluster, content)
    return Answer(200, cluster.body)


def _delete_cluster(desk: Dispatcher, _call: Call, path: list[str]) -> Answer:
    behind.delete(desk.world, behind.found(desk.world, _wanted(path)))
    return Answer(204)


def _begin_operation(desk: Dispatcher, call: Call, path: list[str]) -> Answer:
    cluster = behind.found(desk.world, _wanted(path))
    given = checks.table("operation", _content(call), OPERATION_KEYS)
    behind.begin_operation(desk.world, cluster, **{**OPERATION, **given})
    return Answer(201, cluster.body)


def _locks(desk: Dispatcher, _call: Call, _path: list[str]) -> Answer:
    return Answer(200, [vars(lock) for lock in desk.world.locks])


def _lock(desk: Dispatcher, call: Call, _path: list[str]) -> Answer:
    behind.lock(desk.world, _content(call))
    return _locks(desk, call, _path)


def _unlock(desk: Dispatcher, call: Call, _path: list[str]) -> Answer:
    behind.unlock(desk.world, call.query.get("scope"))
    return Answer(204)


def _refuse(desk: Dispatcher, call: Call, _path: list[str]) -> Answer:
    content = checks.table("refuse", _content(call), {"seconds": float, "cluster": str}, ["seconds"])
    wanted = content.get("cluster")
    desk.world.network.refuse(content["seconds"], behind.found(desk.world, wanted).key if wanted else None)
    return Answer(204)


def _kubernetes(desk: Dispatcher, _call: Call, path: list[str]) -> Answer:
    if path == ["requests"]:
        return Answer(200, desk.world.kubernetes_log)
    return Answer(200, vars(behind.found(desk.world, _wanted(path)).kubernetes.settings))


def _change_kubernetes(desk: Dispatcher, call: Call, path: list[str]) -> Answer:
    cluster = behind.found(desk.world, _wanted(path))
    return Answer(200, behind.change_inside(desk.world, cluster, _content(call)))


def _clear_kubernetes(desk: Dispatcher, _call: Call, path: list[str]) -> Answer:
    if path != ["requests"]:
        raise FleetError("only /kubernetes/requests can be deleted")
    desk.world.kubernetes_log.clear()
    return Answer(204)


def _clock(desk: Dispatcher, _call: Call, _path: list[str]) -> Answer:
    return Answer(200, {"now": desk.world.clock.now(), "speed": desk.world.clock.speed})


def _advance(desk: Dispatcher, call: Call, path: list[str]) -> Answer:
    content = checks.table("clock", _content(call), {"advance": float, "jump": object})
    jump = content.get("jump", 0)
    if not content or not isinstance(jump, (int, float)) or isinstance(jump, bool):
        raise FleetError("clock: takes advance, and jump, in seconds")
    desk.world.clock.jump(jump)
    desk.world.clock.advance(content.get("advance", 0))
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
    ("DELETE", "clusters"): _delete_cluster,
    ("POST", "operations"): _begin_operation,
    ("GET", "locks"): _locks,
    ("POST", "locks"): _lock,
    ("DELETE", "locks"): _unlock,
    ("POST", "refuse"): _refuse,
    ("GET", "kubernetes"): _kubernetes,
    ("POST", "kubernetes"): _change_kubernetes,
    ("DELETE", "kubernetes"): _clear_kubernetes,
    ("GET", "clock"): _clock,
    ("POST", "clock"): _advance,
    ("POST", "reset"): _reset,
    ("GET", "throttling"): _throttling,
}
