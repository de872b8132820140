"""ARM's front door: from a call to the route's handler, with all that stands before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from . import permissions, strikes, throttling
from .cluster_body import cluster_id
from .faults import Drawn
from .fleet import Principal
from .refusals import refusal
from .wire import Answer, Call, JsonObject
from .world import Cluster, World


@dataclass
class Ask:
    """One accepted call to ARM, as handlers get it."""

    world: World
    call: Call
    values: dict[str, str]  # what stands at the route's {names}
    api_version: str
    principal: Principal
    faults: Drawn

    @property
    def subscription(self) -> str:
        """The subscription's id."""
        return self.values["subscription"]

    @property
    def cluster_id(self) -> str:
        """The id of the cluster that the path names, whether it exists or not."""
        return cluster_id(self.subscription, self.values["group"], self.values["name"])

    def cluster(self) -> Cluster:
        """The cluster that the path names; ResourceNotFound when there is none."""
        group, name = self.values["group"], self.values["name"]
        found = self.world.find_cluster(self.cluster_id)
        if found is None:
            raise refusal("ResourceNotFound", type=f"{AKS}/managedClusters", name=name, group=group)
        return found

    def json_object(self) -> JsonObject:
        """The body; ARM refuses what is no JSON object, or does not say that it is JSON."""
        kind = self.call.headers.get("content-type", "").partition(";")[0].strip()
        if kind.lower() != "application/json":
            raise refusal("UnsupportedMediaType", kind=kind or "<null>")
        try:
            content = self.call.json()
        except ValueError as error:
            raise refusal("InvalidRequestContent", reason=str(error)) from None
        if not isinstance(content, dict):
            raise refusal("InvalidRequestContent", reason="Expected a JSON object")
        return content


AKS = "Microsoft.ContainerService"
# Resource types that the real provider has, in lower case; others do not exist there either.
AKS_KINDS = {"managedclusters", "managedclustersnapshots", "snapshots", "fleets", "locations", "operations", "register"}
Handler = Callable[[Ask], Answer]
OPTIONS = {"$skiptoken"}  # of all that ARM's lists know ($filter, $top, $expand): a client must not think it was heard


@dataclass(frozen=True)
class Route:
    """One kind of request.

    `action`: what the role must allow ("" for none; may hold {names}). `family`: whose API versions it takes.
    """

    method: str
    path: str
    handler: Handler
    action: str
    family: str
    bucket: str = ""  # the provider's token bucket
    needs_registration: bool = False  # whether it wants the provider registered in the subscription
    pieces: tuple[str, ...] = field(init=False)
    namespace: str = field(init=False)
    kind: str = field(init=False)  # the resource type, for messages

    def __post_init__(self) -> None:
        """Split the pattern once."""
        pieces = tuple(self.path.strip("/").split("/"))
        fixed = [piece for piece in pieces if not piece.startswith("{")]
        namespace = next((piece for piece in fixed if "." in piece), "Microsoft.Resources")
        below = fixed[fixed.index(namespace) + 1 :] if namespace in fixed else fixed
        object.__setattr__(self, "pieces", pieces)
        object.__setattr__(self, "namespace", namespace)
        object.__setattr__(self, "kind", below[0] if below else "")

    def match(self, segments: list[str]) -> dict[str, str] | None:
        """Values of the {names}, or None. ARM ignores case in all fixed parts."""
        if len(segments) != len(self.pieces):
            return None
        values: dict[str, str] = {}
        for piece, segment in zip(self.pieces, segments, strict=True):
            if piece.startswith("{"):
                values[piece[1:-1]] = segment
            elif piece.lower() != segment.lower():
                return None
        return values


def scope_of(values: dict[str, str]) -> str:
    """The narrowest resource that a route's values name, as a path."""
    scope = f"/subscriptions/{values['subscription']}" if "subscription" in values else "/"
    if "group" in values:
        scope += f"/resourceGroups/{values['group']}"
    if "name" in values:
        scope += f"/providers/{AKS}/managedClusters/{values['name']}"
    return scope


def answer(world: World, routes: tuple[Route, ...], call: Call, faults: Drawn, principal: Principal) -> Answer:
    """Answer a call to ARM by somebody signed in."""
    route, values = _route(routes, call)
    scope = scope_of(values)
    action = route.action.format(**values)
    strikes.front(world, faults, call, strikes.Target(principal, action, scope))
    remaining = _subscription(world, call, values["subscription"], principal) if "subscription" in values else {}
    version = call.query.get("api-version", "")
    world.versions.check(route.family, version, route.namespace, route.kind)
    for name in call.query:
        if name.startswith("$") and name not in OPTIONS:
            raise refusal("OptionNotEmulated", option=name)
    if action:
        permissions.check_action(principal, action, scope)
    _check_scope(world, route, call, values, scope)
    if route.bucket:
        world.throttle.aks(route.bucket, _owner(route, values))
    found = route.handler(Ask(world, call, values, version, principal, faults))
    found.headers = {**remaining, **found.headers}
    return found


def _subscription(world: World, call: Call, wanted: str, principal: Principal) -> dict[str, str]:
    """Check the subscription and its request limits. Return the headers that tell what is left of them."""
    states = {known.lower(): about["state"] for known, about in world.fleet.subscriptions.items()}
    if wanted.lower() not in states:
        raise refusal("SubscriptionNotFound", subscription=wanted)
    if states[wanted.lower()] == "Disabled" and call.method in ("PUT", "PATCH", "DELETE"):
        raise refusal("ReadOnlyDisabledSubscription", subscription=wanted)
    return world.throttle.arm(call.method, wanted, principal.object_id)


def _route(routes: tuple[Route, ...], call: Call) -> tuple[Route, dict[str, str]]:
    segments = call.segments
    for route in routes:
        if route.method == call.method and (values := route.match(segments)) is not None:
            return route, values
    lower = [segment.lower() for segment in segments]
    first = lower.index("providers") + 1 if "providers" in lower else len(lower)
    if lower[first : first + 1] == [AKS.lower()] and len(lower) > first + 1:
        kind = segments[first + 1]
        if kind.lower() not in AKS_KINDS:
            version = call.query.get("api-version", "")
            raise refusal("InvalidResourceType", type=kind, namespace=AKS, version=version, offered="")
    raise refusal("NotEmulated", method=call.method, path=call.path)


def _check_scope(world: World, route: Route, call: Call, values: dict[str, str], scope: str) -> None:
    if "subscription" not in values:
        return
    subscription = values["subscription"].lower()
    if route.needs_registration and (subscription, AKS.lower()) not in world.registered:
        raise refusal("MissingSubscriptionRegistration", namespace=AKS)
    if "group" in values and (subscription, values["group"].lower()) not in world.groups:
        raise refusal("ResourceGroupNotFound", group=values["group"])
    if "name" in values:
        permissions.check_locks(world, call.method, scope)
        permissions.check_policies(world, call.method, scope, values["name"])


def _owner(route: Route, values: dict[str, str]) -> str:
    """Whose bucket it is, spelled as a path below the subscription."""
    depth = {"subscription": 1, "group": 2, "cluster": 3, "pool": 4}[throttling.AKS_RULES[route.bucket].scope]
    names = ("subscription", "group", "name", "pool")[:depth]
    return "/".join(values[name].lower() for name in names if name in values)
