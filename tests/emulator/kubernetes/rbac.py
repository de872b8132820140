"""Role-based access control: rules read from a manifest, and the refusals of what they do not allow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ..checks import FleetError
from ..wire import JsonObject
from .status import StatusError, error


@dataclass(frozen=True)
class Wish:
    """What a request wants to do, in the words of RBAC."""

    verb: str
    group: str
    resource: str  # with the subresource, if any: pods/proxy
    namespace: str = ""
    name: str = ""


@dataclass(frozen=True)
class Rule:
    """What is allowed. `namespace` None: everywhere, as a ClusterRole's."""

    namespace: str | None
    groups: tuple[str, ...]
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    names: tuple[str, ...] = ()

    def allows(self, wish: Wish) -> bool:
        """Whether it covers a wish."""
        return (
            self.namespace in (None, wish.namespace)
            and _in(wish.verb, self.verbs)
            and _in(wish.group, self.groups)
            and (_in(wish.resource, self.resources) or _any_of(wish.resource) in self.resources)
            and (not self.names or wish.name in self.names)
        )


def _in(value: str, allowed: tuple[str, ...]) -> bool:
    return value in allowed or "*" in allowed


def _any_of(resource: str) -> str | None:
    """`*/proxy` covers the subresource of everything."""
    _unused, slash, subresource = resource.partition("/")
    return f"*/{subresource}" if slash else None


ADMIN = (Rule(None, ("*",), ("*",), ("*",)),)


@dataclass(frozen=True)
class User:
    """Somebody whom the API server knows."""

    name: str
    rules: tuple[Rule, ...]
    azure: bool = False  # Azure decides over what the rules do not allow (Azure RBAC)

    def check(self, wish: Wish) -> None:
        """Refuse a wish that no rule covers."""
        if not any(rule.allows(wish) for rule in self.rules):
            raise forbidden(self, wish)


def forbidden(user: User, wish: Wish) -> StatusError:
    """403, in the API server's words."""
    kind = wish.resource.partition("/")[0]
    qualified = f"{kind}.{wish.group}" if wish.group else kind
    named = f' "{wish.name}"' if wish.name else ""
    where = f' in the namespace "{wish.namespace}"' if wish.namespace else " at the cluster scope"
    text = (
        f'{qualified}{named} is forbidden: User "{user.name}" cannot {wish.verb} resource "{wish.resource}" '
        f'in API group "{wish.group}"{where}'
    )
    if user.azure:
        text += ": User does not have access to the resource in Azure. Update role assignment to allow access."
    details = {"name": wish.name, "group": wish.group, "kind": kind}
    return error(403, text, **{key: value for key, value in details.items() if value})


def read(where: str, path: Path) -> tuple[Rule, ...]:
    """The rules of the Roles and ClusterRoles of a manifest that are bound in it; FleetError tells what is wrong."""
    try:
        documents = [x for x in yaml.safe_load_all(path.read_text(encoding="utf-8")) if x is not None]
    except (OSError, ValueError, yaml.YAMLError) as problem:
        raise FleetError(f"{where}: {' '.join(str(problem).split())}") from None
    flat = [item for x in documents for item in (x.get("items", []) if x.get("kind") == "List" else [x])]
    bindings = [x for x in flat if x.get("kind") in ("RoleBinding", "ClusterRoleBinding")]
    found: list[Rule] = []
    for item in flat:
        if item.get("kind") in ("Role", "ClusterRole"):
            for namespace in _scopes(item, bindings):
                found += [_rule(f"{where}: {path}", namespace, rule) for rule in item.get("rules") or []]
    if not found:
        raise FleetError(f"{where}: {path} has no Role or ClusterRole with rules that is bound")
    return tuple(found)


def _scopes(role: JsonObject, bindings: list[JsonObject]) -> list[str | None]:
    """Where a role counts: None for everywhere. Without any binding in the file each role counts as bound."""
    home = role["metadata"].get("namespace", "default") if role["kind"] == "Role" else None
    if not bindings:
        return [home]
    found: list[str | None] = []
    for binding in bindings:
        place = binding["metadata"].get("namespace", "default") if binding["kind"] == "RoleBinding" else None
        reference = binding.get("roleRef") or {}
        same = reference.get("kind") == role["kind"] and reference.get("name") == role["metadata"].get("name")
        if same and (role["kind"] == "ClusterRole" or home == place):
            found.append(place)
    return found


def _rule(where: str, namespace: str | None, rule: Any) -> Rule:
    def words(key: str, *, required: bool = True) -> tuple[str, ...]:
        value = rule.get(key)
        if value is None and not required:
            return ()
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            raise FleetError(f"{where}: {key} of a rule must be a list of text")
        return tuple(value)

    if "nonResourceURLs" in rule:
        return Rule(namespace, (), (), words("verbs"))
    names = words("resourceNames", required=False)
    return Rule(namespace, words("apiGroups"), words("resources"), words("verbs"), names)
