"""From a call to an answer: which part of the emulator it is for, and what every answer carries."""

from __future__ import annotations

import copy
import re
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from urllib.parse import unquote

from . import arm, behind, call_log, cloud_metadata, control, features, operations, providers, sign_in, strikes, tokens
from .call_log import Observer
from .clock import Clock
from .cluster_put import Change
from .faults import ARM, SIGN_IN, Drawn
from .fleet import Fleet
from .kubernetes import front
from .refusals import TABLE, RefusalError, arm_error, refusal
from .routes import ROUTES
from .wire import Answer, Call, JsonObject
from .world import FINAL_STATES, Network, World

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


def _broken() -> Answer:
    """The answer to a call that the emulator could not work out, which is told on stderr."""
    traceback.print_exc(file=sys.stderr)
    return arm_error(500, "InternalServerError", TABLE["InternalServerError"].message)


class Dispatcher:
    """The emulator without its network: a call goes in, an answer comes out."""

    def __init__(
        self,
        fleet: Fleet,
        *,
        speed: float,
        seed: int,
        network: Network,
        specs: Path | None,
        observer: Observer | None = None,
    ) -> None:
        """Start an emulated Azure behind the ports of `network`. `observer` is told of each request that arrives."""
        self._speed, self._seed, self._network, self._specs = speed, seed, network, specs
        self._observer = observer
        self.world = self._new_world(fleet)

    def reset(self, fleet: Fleet) -> None:
        """Start again with a fleet: clock, log, faults and all."""
        self.world.ended = True
        self.world = self._new_world(fleet)

    def _new_world(self, fleet: Fleet) -> World:
        clock = Clock(self._speed)
        world = World(fleet, clock, self._seed, self._network, self._specs)
        providers.start(world)
        features.start(world)
        for cluster in world.clusters.values():
            if cluster.state not in FINAL_STATES:
                change = Change(world, cluster, cluster.body, None, keep_if_failed=True)
                operations.begin(world, cluster, "update", operations.Outcome(), change.finish)
        return world

    def answer_kubernetes(self, key: str, call: Call, subject: Mapping[str, str]) -> Answer:
        """Answer one call to the API server of the cluster `key`. `subject`: of its certificate. Never raises."""
        return front.answer(self.world, key, call, subject, self._observer)

    def answer(self, call: Call) -> Answer:
        """Answer one call. Never raises."""
        try:
            self.world.clock.run_due()
            if call.segments[:1] == [control.PREFIX]:
                return self._decorate(call, control.answer(self, call))
        except Exception:
            return self._decorate(call, _broken())
        entry = call_log.arrival(call, self.world.clock.now())
        try:
            found = self._answer(call, entry)
        except Exception:
            found = _broken()
        return self.finish(call, found, entry)

    def refuse_too_large(self, call: Call, limit: int) -> Answer:
        """Answer a call whose body is larger than `limit` bytes."""
        entry = call_log.arrival(call, self.world.clock.now())
        return self.finish(call, refusal("RequestEntityTooLarge", limit=limit).answer, entry)

    def finish(self, call: Call, found: Answer, entry: JsonObject) -> Answer:
        """Complete an answer and log it."""
        self.world.log.append(entry | call_log.outcome(found))
        return self._decorate(call, found)

    def _answer(self, call: Call, entry: JsonObject) -> Answer:
        world, (surface, tenant) = self.world, _surface_of(call)
        meant = CLUSTER_IN_PATH.search(call.path)
        name = meant.group(1) if meant else None
        faults = world.faults.draw(call.method, call.path, name, ARM if surface is None else SIGN_IN)
        entry["faults"] = faults.struck
        behind.strike(world, faults, world.find_cluster(unquote(meant.string[: meant.end()])) if meant else None)
        self._observe(call, entry)
        try:
            if surface is None:
                found = self._arm(call, faults, entry)
            else:
                strikes.front(world, faults, call, None)
                found = surface.handler(world, call, tenant)
        except RefusalError as error:
            found = error.answer
        return strikes.after(found, faults)

    def _observe(self, call: Call, entry: JsonObject) -> None:
        if self._observer is None:
            return
        replaced = self.world.find_cluster(unquote(call.path)) if call.method == "PUT" else None
        self._observer(copy.deepcopy(entry), copy.deepcopy(replaced.body) if replaced else None)

    def _arm(self, call: Call, faults: Drawn, entry: JsonObject) -> Answer:
        principal = tokens.check(self.world, call)
        entry["principal"] = principal.client_id
        return arm.answer(self.world, ROUTES, call, faults, principal)

    def _decorate(self, call: Call, found: Answer) -> Answer:
        """Add what every answer of Azure carries, and make its bytes."""
        request, correlation = self.world.guid(), call.headers.get("x-ms-correlation-request-id") or self.world.guid()
        defaults = {
            "x-ms-request-id": request,
            "x-ms-correlation-request-id": correlation,
            "x-ms-routing-request-id": f"EMULATOR:{request}",
            "Date": formatdate(self.world.clock.shown(), usegmt=True),
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
