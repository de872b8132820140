"""From a call to an answer: which part of the emulator it is for, and what every answer carries."""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import arm, call_log, cloud_metadata, control, features, operations, providers, sign_in, strikes, tokens
from .clock import Clock
from .cluster_put import Change
from .faults import Fault
from .fleet import Fleet
from .refusals import TABLE, RefusalError, arm_error
from .routes import ROUTES
from .wire import Answer, Call
from .world import FINAL_STATES, World

CLUSTER_IN_PATH = re.compile(r"/managedClusters/([^/]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Surface:
    """A part of the emulator beside ARM: calls whose path matches go there."""

    method: str
    path: re.Pattern[str]
    handler: Callable[[World, Call, str], Answer]


def _surface(method: str, path: str, handler: Callable[[World, Call, str], Answer]) -> Surface:
    return Surface(method, re.compile(path, re.IGNORECASE), handler)


# `(…)` in a path is the tenant. What matches nothing here is for ARM.
SURFACES = (
    _surface("GET", r"/+metadata/endpoints()", lambda world, call, _: cloud_metadata.endpoints(world, call)),
    _surface("GET", r"/metadata/identity/oauth2/token()", lambda world, call, _: sign_in.managed_identity(world, call)),
    _surface("GET", r"/msi/token()", lambda world, call, _: sign_in.managed_identity(world, call)),
    _surface("GET", r"/common/discovery/instance()", lambda world, call, _: sign_in.instance_discovery(world, call)),
    _surface("GET", r"/common/discovery(?:/v2\.0)?/keys()", lambda world, call, _: sign_in.keys(world, call)),
    _surface("GET", r"/common/userrealm/([^/]+)", lambda world, call, _: sign_in.user_realm(world, call)),
    _surface("GET", r"/([^/]+)(?:/v2\.0)?/\.well-known/openid-configuration", sign_in.openid_configuration),
    _surface("POST", r"/([^/]+)/oauth2(?:/v2\.0)?/token", sign_in.token),
)


def _surface_of(call: Call) -> tuple[Surface | None, str]:
    """The surface that a call is for, with the tenant that its path names; None for ARM."""
    for surface in SURFACES:
        if surface.method == call.method and (match := surface.path.fullmatch(call.path)):
            return surface, match.group(1)
    return None, ""


@dataclass
class Caller:
    """Who called, once that is known; for the log."""

    client_id: str | None = None


class Dispatcher:
    """The emulator without its network: a call goes in, an answer comes out."""

    def __init__(self, fleet: Fleet, *, speed: float, seed: int, url: str, specs: Path | None) -> None:
        """Start an emulated Azure at `url`."""
        self._speed, self._seed, self._url, self._specs = speed, seed, url, specs
        self.world: World
        self.reset(fleet)

    def reset(self, fleet: Fleet) -> None:
        """Start again with a fleet: clock, log, faults and all."""
        world = World(fleet, Clock(self._speed), self._seed, self._url, self._specs)
        providers.start(world)
        features.start(world)
        for cluster in world.clusters.values():
            if cluster.state not in FINAL_STATES:
                change = Change(world, cluster, cluster.body, None, keep_if_failed=True)
                operations.begin(world, cluster, "update", operations.Outcome(), change.finish)
        self.world = world

    def answer(self, call: Call) -> Answer:
        """Answer one call. Never raises."""
        caller = Caller()
        try:
            self.world.clock.run_due()
            if call.segments[:1] == [control.PREFIX]:
                return self._decorate(call, control.answer(self, call))
            found = self._answer(call, caller)
        except Exception:
            traceback.print_exc(file=sys.stderr)
            found = arm_error(500, "InternalServerError", TABLE["InternalServerError"].message)
        return self.finish(call, found, caller.client_id)

    def finish(self, call: Call, found: Answer, client: str | None = None) -> Answer:
        """Complete an answer and log it. `client`: who asked."""
        self.world.log.append(call_log.entry(call, found, self.world.clock.now(), client))
        return self._decorate(call, found)

    def _answer(self, call: Call, caller: Caller) -> Answer:
        surface, tenant = _surface_of(call)
        cluster = CLUSTER_IN_PATH.search(call.path)
        name = cluster.group(1) if cluster else None
        faults = self.world.faults.draw(call.method, call.path, name, arm=surface is None)
        try:
            if surface is None:
                found = self._arm(call, faults, caller)
            else:
                strikes.front(self.world, faults, call, None)
                found = surface.handler(self.world, call, tenant)
        except RefusalError as error:
            found = error.answer
        return strikes.after(found, faults)

    def _arm(self, call: Call, faults: dict[str, Fault], caller: Caller) -> Answer:
        principal = tokens.check(self.world, call)
        caller.client_id = principal.client_id
        return arm.answer(self.world, ROUTES, call, faults, principal)

    def _decorate(self, call: Call, found: Answer) -> Answer:
        """Add what every answer of Azure carries, and make its bytes."""
        request, correlation = self.world.guid(), call.headers.get("x-ms-correlation-request-id") or self.world.guid()
        defaults = {
            "x-ms-request-id": request,
            "x-ms-correlation-request-id": correlation,
            "x-ms-routing-request-id": f"EMULATOR:{request}",
            "Cache-Control": "no-cache",
            "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
            "X-Content-Type-Options": "nosniff",
        }
        if echo := call.headers.get("x-ms-client-request-id"):
            defaults["x-ms-client-request-id"] = echo
        if isinstance(found.body, (dict, list)):
            defaults["Content-Type"] = "application/json; charset=utf-8"
        found.headers = {**defaults, **found.headers}
        found.body = found.payload()  # now: the state that it shows may change before it is sent
        return found
