"""The API server of one cluster: from a path to its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..wire import Answer, JsonObject
from . import daemon_sets, discovery, lists, metrics, nodes, pods, services, tables, watch
from .discovery import Resource
from .rbac import User, Wish, forbidden
from .rollout import version_of
from .status import NO_RESOURCE, PLAIN, StatusError, error, not_found, unserved

if TYPE_CHECKING:
    from ..world import Cluster, World

HEALTH = {"healthz", "livez", "readyz"}
VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


@dataclass(frozen=True)
class Request:
    """One request by somebody known."""

    world: World
    cluster: Cluster
    user: User
    method: str
    pieces: list[str]  # of the path
    query: Mapping[str, str]
    table: bool = False  # whether a table is wanted in place of objects

    @property
    def now(self) -> float:
        """The present moment."""
        return self.world.clock.now()


@dataclass(frozen=True)
class Target:
    """What a path below an API means."""

    resource: Resource
    namespace: str
    name: str
    below: list[str]  # subresource and what follows it


def answer(request: Request) -> Answer:
    """Answer a request. Raises StatusError for what is refused."""
    calico = services.has_calico(request.cluster)
    if len(request.pieces) == 1 and request.pieces[0] in HEALTH:
        _reading(request)
        return Answer(200, b"ok", dict(PLAIN))
    document = discovery.answer(request.pieces, version_of(request.cluster.body), calico=calico)
    if document is not None:
        _reading(request)
        return Answer(200, document)
    target = _target(request.pieces, calico=calico)
    if target.below:
        return _subresource(request, target)
    verb = VERBS.get(request.method, "get" if target.name else "list")
    if verb == "list" and _true(request.query.get("watch", "")):
        verb = "watch"
    name = target.name or _single(request.query)
    request.user.check(Wish(verb, target.resource.group, target.resource.plural, target.namespace, name))
    _reading(request)
    if target.name:
        found = _one(request, target)
        shown = tables.table(target.resource, [found], {}, request.now) if request.table else found
        return Answer(200, shown)
    return _watch(request, target) if verb == "watch" else _list(request, target)


def _reading(request: Request) -> None:
    if request.method != "GET":
        raise error(405, "the server does not allow this method on the requested resource")


def _watch(request: Request, target: Target) -> Answer:
    def snapshot(moment: float) -> list[JsonObject]:
        return _all(request, target, moment)

    return watch.Watch(request.world, target.resource, request.query, snapshot, table=request.table).answer()


def _list(request: Request, target: Target) -> Answer:
    moment = lists.moment_of(request.query, request.now)
    page = lists.page(target.resource, _all(request, target, moment), request.query, moment)
    if request.table:
        return Answer(200, tables.table(target.resource, page["items"], page["metadata"], moment))
    return Answer(200, page)


def _true(text: str) -> bool:
    return text.lower() in ("true", "1", "t")


def _single(query: Mapping[str, str]) -> str:
    """The only name that a list asks for: it counts for roles with resource names."""
    name, _unused, value = query.get("fieldSelector", "").partition("metadata.name=")
    return value if not name and "," not in value else ""


def _target(pieces: list[str], *, calico: bool) -> Target:
    if pieces[:2] == ["api", "v1"]:
        group, rest = "", pieces[2:]
    elif (
        pieces[:1] == ["apis"]
        and len(pieces) > 3
        and pieces[1] in discovery.groups(calico=calico)
        and pieces[2] == "v1"
    ):
        group, rest = pieces[1], pieces[3:]
    else:
        raise unserved()
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    resource = discovery.find(group, rest[0], calico=calico)
    if resource is None or (namespace and not resource.namespaced):
        raise error(404, NO_RESOURCE)
    if len(rest) > 1 and resource.namespaced and not namespace:
        raise error(404, NO_RESOURCE)
    return Target(resource, namespace, rest[1] if len(rest) > 1 else "", rest[2:])


def _all(request: Request, target: Target, now: float) -> list[JsonObject]:
    """All objects of a kind at a moment, in the namespace that is asked for."""
    cluster, behaviour = request.cluster, request.world.behaviour
    if target.resource.plural == "nodes":
        found = _nodes(request, now)
    elif target.resource.plural == "pods":
        found = [pods.body(cluster, pod, now) for pod in pods.kube_proxies(cluster, behaviour, now)] + pods.other(
            cluster
        )
    elif target.resource.plural == "daemonsets":
        found = daemon_sets.every(cluster, behaviour, now)
    elif target.resource.plural == "installations":
        found = services.installations(cluster, cluster.kubernetes.revision(now).template)
    else:
        found = {"services": services.services, "namespaces": services.namespaces}[target.resource.plural](cluster)
    return [item for item in found if not target.namespace or item["metadata"].get("namespace") == target.namespace]


def _nodes(request: Request, now: float) -> list[JsonObject]:
    cluster, behaviour = request.cluster, request.world.behaviour
    placed = nodes.places(cluster)
    lines = cluster.kubernetes.stints(sum(not place.windows for place in placed), behaviour)
    found = []
    for place in placed:
        boot = None if place.windows else nodes.rebooted(cluster, place, lines[place.rank], behaviour, now)
        found.append(nodes.node(cluster, place, boot, now))
    return found


def _one(request: Request, target: Target) -> JsonObject:
    for item in _all(request, target, request.now):
        if item["metadata"]["name"] == target.name:
            return {"kind": target.resource.kind, "apiVersion": target.resource.api_version, **item}
    raise not_found(target.resource.plural, target.resource.group, target.name)


def _subresource(request: Request, target: Target) -> Answer:
    """Only the pod proxy is there, and to kube-proxy's pods alone something answers."""
    resource = f"{target.resource.plural}/{target.below[0]}"
    verb = VERBS.get(request.method, "get")
    wish = Wish(verb, target.resource.group, resource, target.namespace, target.name)
    request.user.check(wish)
    if resource != "pods/proxy":
        raise error(404, NO_RESOURCE)
    settings = request.cluster.kubernetes.settings
    if settings.pod_proxy == "forbidden":
        raise forbidden(request.user, wish)
    name, _unused, port = target.name.partition(":")
    pod = _pod(request, target.namespace, name)
    if settings.pod_proxy == "unreachable" or pod.place.rank < settings.not_ready_nodes:
        raise _no_way(pod, port, "i/o timeout")
    if pod.started is None or port != str(metrics.PORT):
        raise _no_way(pod, port, "connect: connection refused")
    return _kube_proxy(request, pod, "/".join(target.below[1:]))


def _pod(request: Request, namespace: str, name: str) -> pods.Pod:
    if namespace == pods.NAMESPACE:
        for pod in pods.kube_proxies(request.cluster, request.world.behaviour, request.now):
            if pod.name == name:
                return pod
    raise not_found("pods", "", name)


def _no_way(pod: pods.Pod, port: str, why: str) -> StatusError:
    return error(503, f"error trying to reach service: dial tcp {pod.place.address}:{port or 80}: {why}")


def _kube_proxy(request: Request, pod: pods.Pod, page: str) -> Answer:
    """What kube-proxy says."""
    if page == "proxyMode":
        return Answer(200, metrics.mode(request.cluster, pod).encode(), dict(PLAIN))
    if page == "metrics":
        kind = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
        return Answer(200, metrics.page(request.cluster, pod, request.now).encode(), {"Content-Type": kind})
    if page == "healthz":
        return Answer(200, b"ok", dict(PLAIN))
    return Answer(404, b"404 page not found\n", dict(PLAIN))
