"""What happens behind everyone's back: other people's writes, deletions, operations and locks, and trouble around."""

from __future__ import annotations

from collections.abc import Callable

from . import checks, operations
from .checks import FleetError
from .cluster_body import merge
from .faults import Drawn, Fault
from .fleet import LOCK_KEYS, Lock
from .kubernetes import settings
from .wire import JsonObject
from .world import FINAL_STATES, Cluster, World

# A JSON patch that stops a cluster, as `az aks stop` leaves it.
STOPPED: JsonObject = {
    "properties": {
        "powerState": {"code": "Stopped"},
        "agentPoolProfiles": {"*": {"powerState": {"code": "Stopped"}}},
    }
}
PREEMPTED = {"code": "OperationPreempted", "message": "The operation was canceled by another operation."}


def found(world: World, wanted: str) -> Cluster:
    """Find a cluster by id or unique name; FleetError else."""
    cluster = world.find_cluster(wanted)
    if cluster is None:
        raise FleetError(f"there is no single cluster {wanted!r}")
    return cluster


def change(world: World, cluster: Cluster, patch: JsonObject) -> None:
    """Merge a patch into a cluster, as another client's write would: its eTag changes."""
    before = cluster.body.get("eTag")
    merge(cluster.body, patch)
    cluster.shows_etag = "eTag" in cluster.body
    if cluster.body.get("eTag") == before:
        world.renew_etags(cluster)
    world.roll_out(cluster, world.clock.now())


def change_inside(world: World, cluster: Cluster, given: JsonObject) -> JsonObject:
    """Change a cluster's inside, in the words of a fleet file's `kubernetes`. Return all its settings."""
    settings.check("kubernetes", given)
    settings.write_body(cluster.body, given)
    cluster.kubernetes.change(settings.of(given), world.clock.now())
    return vars(cluster.kubernetes.settings)


def delete(world: World, cluster: Cluster) -> None:
    """Take a cluster away at once. An operation on it ends Canceled."""
    running = cluster.operation
    if running is not None and running.end is None:
        running.status, running.error, running.end = "Canceled", PREEMPTED, world.clock.now()
    del world.clusters[cluster.key]


def begin_operation(world: World, cluster: Cluster, *, state: str, seconds: float, status: str) -> None:
    """Begin an operation of somebody else.

    The cluster is in `state` (such as Updating) for `seconds` of the emulator's clock, then in `status`; with `stuck`
    it never ends. FleetError while another one runs: Azure would not take it.
    """
    if state in FINAL_STATES:
        raise FleetError(f"{cluster.name}: {state} is no state of a cluster that is worked on")
    if status not in (*FINAL_STATES, "stuck"):
        raise FleetError(f"{cluster.name}: an operation ends as one of {', '.join(FINAL_STATES)}, or is stuck")
    if cluster.state not in FINAL_STATES:
        raise FleetError(f"{cluster.name} is {cluster.state} already")
    cluster.set_state(state)
    world.renew_etags(cluster)

    def finish(_operation: operations.Operation, _moment: float) -> None:
        cluster.set_state(status)
        world.renew_etags(cluster)

    operations.begin(world, cluster, "update", operations.Outcome(status), finish, seconds=seconds)


def lock(world: World, order: JsonObject) -> None:
    """Set a lock: `scope`, and `level` as in a fleet file."""
    world.locks.append(Lock(**checks.table("lock", order, LOCK_KEYS, ["scope"])))


def unlock(world: World, scope: str | None) -> None:
    """Take the locks of a scope away; None: all locks."""
    world.locks[:] = [kept for kept in world.locks if scope is not None and kept.scope.lower() != scope.lower()]


def _lock(world: World, cluster: Cluster | None, fault: Fault) -> None:
    scope, seconds = _named(cluster).body["id"], fault.parameters["seconds"]
    lock(world, {"scope": scope, "level": fault.parameters["level"]})
    if seconds is not None:
        world.clock.after(seconds, lambda _moment: unlock(world, scope))


def _named(cluster: Cluster | None) -> Cluster:
    if cluster is None:
        raise FleetError("there is no such cluster")
    return cluster


# fault -> what it does. FleetError: it cannot strike now.
STRIKES: dict[str, Callable[[World, Cluster | None, Fault], object]] = {
    "changed_underneath": lambda world, cluster, fault: change(world, _named(cluster), fault.parameters["patch"]),
    "cluster_deleted": lambda world, cluster, _: delete(world, _named(cluster)),
    "cluster_stopped": lambda world, cluster, _: change(world, _named(cluster), STOPPED),
    "operation_begun": lambda world, cluster, fault: begin_operation(
        world, _named(cluster), **{key: fault.parameters[key] for key in ("state", "seconds", "status")}
    ),
    "lock_set": _lock,
    "inside_changed": lambda world, cluster, fault: change_inside(world, _named(cluster), fault.parameters["settings"]),
    "connections_refused": lambda world, _, fault: world.network.refuse(fault.parameters["seconds"]),
    "api_server_refused": lambda world, cluster, fault: world.network.refuse(
        fault.parameters["seconds"], _named(cluster).key
    ),
    "clock_jumped": lambda world, _, fault: world.clock.jump(fault.parameters["seconds"]),
}


def strike(world: World, drawn: Drawn, cluster: Cluster | None) -> None:
    """Let a fault that changes the world strike, as a request arrives. `cluster`: the one that the request is about.

    What cannot be, such as an operation on a cluster that is busy, does not strike, and may at the next request.
    """
    fault = drawn.get("behind")
    if fault is None:
        return
    wanted = fault.parameters.get("cluster")
    try:
        STRIKES[fault.name](world, world.find_cluster(wanted) if wanted else cluster, fault)
    except FleetError:
        return
    drawn.strike("behind")
