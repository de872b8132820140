"""Who may do what: role actions, locks and policies."""

from __future__ import annotations

import re
from functools import cache

from .fleet import Principal
from .refusals import RefusalError, arm_error, refusal
from .world import World

LOCKED_METHODS = {
    "ReadOnly": {"PUT": "write", "PATCH": "write", "POST": "write", "DELETE": "delete"},
    "CanNotDelete": {"DELETE": "delete"},
}


@cache
def _pattern(action: str) -> re.Pattern[str]:
    return re.compile(re.escape(action).replace(r"\*", ".*"), re.IGNORECASE)


def allows(principal: Principal, action: str) -> bool:
    """Tell whether a role's actions, less its notActions, cover an action."""

    def covered(patterns: list[str]) -> bool:
        return any(_pattern(p).fullmatch(action) for p in patterns)

    return covered(principal.actions) and not covered(principal.not_actions)


def check_action(principal: Principal, action: str, scope: str) -> None:
    """Refuse with AuthorizationFailed unless the principal's role has the action."""
    if not allows(principal, action):
        raise forbidden(principal, action, scope)


def forbidden(principal: Principal, action: str, scope: str) -> RefusalError:
    """AuthorizationFailed, with all the names that it has."""
    return refusal(
        "AuthorizationFailed", client=principal.client_id, object_id=principal.object_id, action=action, scope=scope
    )


def _within(scope: str, outer: str) -> bool:
    scope, outer = scope.lower().rstrip("/"), outer.lower().rstrip("/")
    return scope == outer or scope.startswith(outer + "/")


def check_locks(world: World, method: str, scope: str) -> None:
    """Refuse what a lock on the scope, or above it, forbids."""
    for lock in world.locks:
        verb = LOCKED_METHODS[lock.level].get(method)
        if verb and _within(scope, lock.scope):
            raise locked(scope, verb, lock.scope)


def locked(scope: str, verb: str, where: str) -> RefusalError:
    """ScopeLocked."""
    return refusal("ScopeLocked", scope=scope, verb=verb, locked=where)


def check_policies(world: World, method: str, scope: str, name: str) -> None:
    """Refuse cluster writes below a denied scope."""
    if method in ("PUT", "PATCH"):
        for policy in world.fleet.policies:
            if _within(scope, policy.scope):
                raise denied_by_policy(name, policy.name, policy.scope)


def denied_by_policy(name: str, policy: str, scope: str) -> RefusalError:
    """RequestDisallowedByPolicy with its target and its typed additional information."""
    assignment = f"{scope.rstrip('/')}/providers/Microsoft.Authorization/policyAssignments/{policy}"
    error = refusal("RequestDisallowedByPolicy", name=name, policy=policy, assignment=assignment)
    message = error.answer.body["error"]["message"]
    info = {
        "policyDefinitionDisplayName": policy,
        "policyDefinitionName": policy,
        "policyDefinitionEffect": "deny",
        "policyAssignmentId": assignment,
        "policyAssignmentName": policy,
        "policyAssignmentScope": scope,
    }
    return RefusalError(
        arm_error(
            403,
            "RequestDisallowedByPolicy",
            message,
            target=name,
            additionalInfo=[{"type": "PolicyViolation", "info": info}],
        )
    )
