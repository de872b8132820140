"""Long-running operations: their phases, their signed URLs, their end."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlencode

from .clock import timestamp
from .refusals import refusal
from .wire import Answer, JsonObject
from .world import Cluster, World

API_VERSION = "2025-03-01"
SIGNATURE_PARTS = ("t", "c", "s", "h")
# Status after each part of the whole time (azure-cli recordings of April and June 2026).
PHASES = {
    "update": ((0.15, "ProvisioningControlPlane"),),
    "create": ((0.05, "ProvisioningControlPlane"), (0.8, "ReconcilingAddons")),
    "delete": (),
}


@dataclass
class Outcome:
    """How an operation is to end."""

    status: str = "Succeeded"  # Succeeded | Failed | Canceled | stuck
    error: JsonObject | None = None


@dataclass
class Operation:
    """One asynchronous operation on a cluster."""

    guid: str
    subscription: str
    location: str
    cluster: str  # key
    kind: str
    start: float
    status: str = "InProgress"
    end: float | None = None
    error: JsonObject | None = None
    query: dict[str, str] = field(default_factory=dict)  # the URL's signature

    def path(self, collection: str = "operations") -> str:
        """The URL's path."""
        return (
            f"/subscriptions/{self.subscription}/providers/Microsoft.ContainerService"
            f"/locations/{self.location}/{collection}/{self.guid}"
        )

    def view(self) -> JsonObject:
        """The status resource."""
        shown: JsonObject = {"name": self.guid, "status": self.status, "startTime": timestamp(self.start)}
        if self.end is not None:
            shown["endTime"] = timestamp(self.end)
        if self.error is not None:
            shown["error"] = self.error
        return shown


def begin(
    world: World,
    cluster: Cluster,
    kind: str,
    outcome: Outcome,
    finish: Callable[[Operation, float], None],
    *,
    seconds: float | None = None,
) -> Operation:
    """Start an operation. `finish(operation, moment)` brings the cluster to its final state.

    `seconds`: how long it takes; None for the usual time.
    """
    now = world.clock.now()
    operation = Operation(world.guid(), cluster.subscription, cluster.location, cluster.key, kind, now)
    operation.query = _sign(world, operation)
    world.operations[operation.guid] = operation
    cluster.operation = operation
    seconds = world.behaviour.operation_seconds if seconds is None else seconds

    def end(moment: float) -> None:
        if operation.end is not None:  # ended before its time
            return
        operation.status, operation.error, operation.end = outcome.status, outcome.error, moment
        finish(operation, moment)

    def phase(status: str) -> Callable[[float], None]:
        def enter(_moment: float) -> None:
            if operation.end is None:
                operation.status = status

        return enter

    for part, status in PHASES[kind]:
        world.clock.at(now + part * seconds, phase(status))
    if outcome.status != "stuck":
        world.clock.at(now + seconds, end)
    return operation


def headers(world: World, operation: Operation, *, location: bool = False) -> dict[str, str]:
    """The headers that hand out an operation's URL. Only DELETE gets a `location` too."""
    query = urlencode(operation.query)
    found = {"azure-asyncoperation": f"{world.url}{operation.path()}?{query}", **world.retry_hint()}
    if location:
        found["location"] = f"{world.url}{operation.path('operationresults')}?{query}"
    return found


def status(world: World, path: str, query: dict[str, str]) -> Answer:
    """Answer a poll of an operation's URL."""
    operation = _signed(world, path, query)
    return Answer(200, operation.view(), world.retry_hint() if operation.end is None else {})


def result(world: World, path: str, query: dict[str, str]) -> Answer:
    """Answer a poll of a deletion's `location`: 202 until it has ended, then 204."""
    operation = _signed(world, path, query)
    if operation.end is None:
        return Answer(
            202, None, {"location": headers(world, operation, location=True)["location"]} | world.retry_hint()
        )
    return Answer(204)


def _signed(world: World, path: str, query: dict[str, str]) -> Operation:
    """The operation of a URL; refused unless the URL is the one that was handed out."""
    guid = path.rstrip("/").rpartition("/")[2]
    operation = world.operations.get(guid.lower())
    if operation is None:
        raise refusal("OperationNotFound", operation=guid)
    handed_out = {operation.path(collection).lower() for collection in ("operations", "operationresults")}
    if path.lower() not in handed_out or any(
        query.get(part) != operation.query[part] for part in (*SIGNATURE_PARTS, "api-version")
    ):
        raise refusal("OperationUrlRefused", operation=guid)
    return operation


def _sign(world: World, operation: Operation) -> dict[str, str]:
    """Make the signed part: about 4 KB, as since October 2023."""
    ticks = str(621_355_968_000_000_000 + int(operation.start * 10_000_000))
    certificate = base64.b64encode(world.random.randbytes(2500)).decode().rstrip("=").translate(_URL_SAFE)
    text = f"{operation.path()}|{ticks}|{certificate}".encode()
    signature = base64.b64encode(hmac.digest(world.token_key, text, "sha512") * 4).decode().rstrip("=")
    digest = base64.b64encode(hashlib.sha256(text).digest()).decode().rstrip("=")
    return {
        "api-version": API_VERSION,
        "t": ticks,
        "c": certificate,
        "s": signature.translate(_URL_SAFE),
        "h": digest.translate(_URL_SAFE),
    }


_URL_SAFE = str.maketrans("+/", "-_")
