"""What the faults that strike before the work, or change its answer, do."""

from __future__ import annotations

from dataclasses import dataclass

from . import permissions, throttling, tokens
from .faults import Drawn, Fault
from .fleet import Principal
from .refusals import RefusalError, arm_error
from .wire import Answer, Call
from .world import World

# What a proxy on the way says when it cannot go on.
PROXY_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"
LOGIN_PAGE = b"<html><head><title>Sign in</title></head><body>Please sign in to the network.</body></html>"
HTML = {"Content-Type": "text/html; charset=utf-8"}


@dataclass(frozen=True)
class Target:
    """What a call to ARM wants, as far as errors name it."""

    principal: Principal
    action: str
    scope: str


def front(world: World, faults: Drawn, call: Call, target: Target | None) -> None:
    """Raise the error of a fault that strikes before the work. `target`: None for calls that are not ARM's."""
    fault = faults.strike("front")
    if fault is None:
        return
    if fault.name == "cut_before":
        raise RefusalError(Answer(0, cut=True))
    if fault.name == "server_error":
        raise RefusalError(_server_error(fault))
    if fault.name == "throttled":
        raise _throttled(fault, call, target)
    assert target is not None, "FaultDesk.draw gives the other faults to calls to ARM alone"
    raise {
        "token_expired": lambda: tokens.expired(world),
        "forbidden": lambda: permissions.forbidden(target.principal, target.action, target.scope),
        "policy_denied": lambda: permissions.denied_by_policy(
            target.scope.rpartition("/")[2], fault.parameters["policy"], target.scope
        ),
        "scope_locked": lambda: permissions.locked(target.scope, "write", target.scope),
    }[fault.name]()


def _server_error(fault: Fault) -> Answer:
    status = fault.parameters["status"]
    if fault.parameters["shape"] == "html":
        return Answer(status, PROXY_PAGE, dict(HTML))
    return arm_error(status, "InternalServerError", "Encountered internal server error. Diagnostic information: none.")


def _throttled(fault: Fault, call: Call, target: Target | None) -> RefusalError:
    seconds = fault.parameters["retry_after"]
    scope = target.scope if target else call.path
    if fault.parameters["shape"] == "aks":
        return throttling.throttled_by_aks("cluster", scope, seconds)
    kind = throttling.KINDS.get(call.method, "write")
    subscription = scope.split("/")[2] if scope.startswith("/subscriptions/") else ""
    return throttling.throttled_by_arm(kind, subscription, target.principal.object_id if target else "", seconds)


def after(answer: Answer, faults: Drawn) -> Answer:
    """Change an answer as a fault wants."""
    fault = faults.strike("after")
    if fault is None:
        return answer
    if fault.name == "slow":
        answer.wall_delay += fault.parameters["seconds"]
    elif fault.name == "cut_after":
        answer.cut = True
    elif fault.name == "cut_within":
        answer.cut_within = True
    elif fault.name == "garbage":
        answer.body = answer.payload()[: max(1, len(answer.payload()) // 2)]
        answer.headers.setdefault("Content-Type", "application/json; charset=utf-8")
    else:  # wrong_content
        answer.status, answer.body = 200, LOGIN_PAGE
        answer.headers.update(HTML)
    return answer
