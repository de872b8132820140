"""The fleet file: what Azure looks like when the emulator starts. docs/emulator.md is its reference."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

from . import checks
from .checks import FleetError
from .cluster_body import CLUSTER_KEYS, FullBody, full_body, short_body
from .kubernetes import rbac
from .wire import JsonObject

SUBSCRIPTION = "11111111-1111-4111-8111-111111111111"
TENANT = "22222222-2222-4222-8222-222222222222"
CLIENT = "33333333-3333-4333-8333-333333333333"
OBJECT = "44444444-4444-4444-8444-444444444444"
SECRET = "emulator~secret~of~nobody"

FEATURE_STATES = ("NotRegistered", "Pending", "Registering", "Registered", "Unregistering", "Unregistered")


@dataclass
class Behaviour:
    """How the emulated Azure behaves where regions, releases or moods differ. Times are emulated seconds."""

    release: str = "v20260717"  # or "before": see docs/emulator.md
    omitted: str = "preserves"  # what a PUT without kubeProxyConfig does to it: preserves | resets
    missing_enabled: str = "disabled"  # what kubeProxyConfig without `enabled` means in a PUT: disabled | enabled
    feature_approval: str = "auto"  # manual: registration stays Pending
    registration_seconds: float = 180.0
    propagation_seconds: float = 60.0
    operation_seconds: float = 110.0
    put_seconds: float = 10.0
    daemonset_seconds: float = 5.0  # from the end of a switch until kube-proxy's DaemonSet changes
    node_seconds: float = 8.0  # until a node's new pod of kube-proxy is ready
    nodes_at_once: Any = "10%"  # a number, or a share: what the rollout may take away at once
    run_command_seconds: float = 10.0
    token_seconds: float = 3600.0  # wall seconds: clients judge tokens by their own clock
    etag: bool = True
    throttling: bool = True
    registered_provider: bool = True
    future_properties: bool = False
    page_size: int = 200
    api_versions: dict[str, list[str]] = field(default_factory=dict)  # offered | added | expired: lists


@dataclass
class Principal:
    """Somebody who can sign in."""

    client_id: str = CLIENT
    object_id: str = OBJECT
    secret: str | None = None
    certificate: str | None = None  # path of a PEM file
    federated: list[dict[str, str]] = field(default_factory=list)  # issuer and subject
    username: str | None = None
    password: str | None = None
    managed_identity: bool = False
    actions: list[str] = field(default_factory=lambda: ["*"])
    not_actions: list[str] = field(default_factory=list)
    kubernetes_rules: tuple[rbac.Rule, ...] = rbac.ADMIN  # what Kubernetes lets it do, where Entra ID tells who it is


@dataclass
class Lock:
    """A ReadOnly or CanNotDelete lock on a scope."""

    scope: str
    level: str = "ReadOnly"


@dataclass
class Policy:
    """A deny policy on a scope: every PUT and PATCH of a cluster below it is refused."""

    scope: str
    name: str = "deny-kube-proxy-changes"


@dataclass
class Fleet:
    """A checked fleet file."""

    clusters: list[FullBody]
    subscriptions: dict[str, dict[str, str]]  # id -> name, state
    features: dict[str, dict[str, str]]  # subscription -> namespace/feature -> state
    principals: list[Principal]
    locks: list[Lock]
    policies: list[Policy]
    behaviour: Behaviour
    tenant: str = TENANT


TOP_KEYS: checks.Keys = {
    "clusters": list,
    "features": dict,
    "subscriptions": list,
    "principals": list,
    "locks": list,
    "policies": list,
    "behaviour": dict,
    "tenant": str,
}
BEHAVIOUR_KEYS: checks.Keys = {
    "release": ("v20260717", "before"),
    "omitted": ("preserves", "resets"),
    "missing_enabled": ("disabled", "enabled"),
    "feature_approval": ("auto", "manual"),
    "registration_seconds": float,
    "propagation_seconds": float,
    "operation_seconds": float,
    "put_seconds": float,
    "daemonset_seconds": float,
    "node_seconds": float,
    "nodes_at_once": object,
    "run_command_seconds": float,
    "token_seconds": float,
    "etag": bool,
    "throttling": bool,
    "registered_provider": bool,
    "future_properties": bool,
    "page_size": int,
    "api_versions": dict,
}
VERSION_KEYS: checks.Keys = {"offered": list, "added": list, "expired": list}
PRINCIPAL_KEYS: checks.Keys = {
    "client_id": str,
    "object_id": str,
    "secret": str,
    "certificate": str,
    "federated": list,
    "username": str,
    "password": str,
    "managed_identity": bool,
    "role": ("owner", "reader"),
    "actions": list,
    "not_actions": list,
    "role_file": str,
    "kubernetes": ("admin", "none"),
    "kubernetes_role_file": str,
}
FEDERATED_KEYS: checks.Keys = {"issuer": str, "subject": str}
SUBSCRIPTION_KEYS: checks.Keys = {"id": str, "name": str, "state": ("Enabled", "Disabled", "Warned")}
LOCK_KEYS: checks.Keys = {"scope": str, "level": ("ReadOnly", "CanNotDelete")}
POLICY_KEYS: checks.Keys = {"scope": str, "name": str}
ROLES = {"owner": ["*"], "reader": ["*/read"]}
NODES_AT_ONCE = re.compile(r"[1-9]\d*|([1-9]\d?|100)%")


def load(source: Path | JsonObject | None) -> Fleet:
    """Read a fleet from a YAML or JSON file, or from such a file's content. FleetError names entry and key."""
    if isinstance(source, Path):
        try:
            text = source.read_text(encoding="utf-8")
            # JSON is read as JSON: PyYAML takes seconds for a large one.
            content = json.loads(text) if text.lstrip().startswith("{") else _yaml(text)
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise FleetError(f"{source}: {' '.join(str(error).split())}") from None
        folder = source.parent
    else:
        content, folder = source, Path()
    return _parse({} if content is None else content, folder)


def _yaml(text: str) -> Any:
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both loaders are safe


def _parse(content: Any, folder: Path) -> Fleet:
    checks.table("the fleet", content, TOP_KEYS)
    behaviour = content.get("behaviour", {})
    checks.table("behaviour", behaviour, BEHAVIOUR_KEYS)
    if not NODES_AT_ONCE.fullmatch(str(behaviour.get("nodes_at_once", 1))):
        raise FleetError("behaviour.nodes_at_once: must be a number from 1 on, or a share such as '10%'")
    checks.table("behaviour.api_versions", behaviour.get("api_versions", {}), VERSION_KEYS)
    fleet = Fleet(
        clusters=[],
        subscriptions={},
        features={},
        principals=[_principal(i, item, folder) for i, item in enumerate(content.get("principals", []))]
        or [Principal(secret=SECRET, managed_identity=True)],
        locks=[Lock(**checks.table(f"locks[{i}]", x, LOCK_KEYS, ["scope"])) for i, x in _rows(content, "locks")],
        policies=[
            Policy(**checks.table(f"policies[{i}]", x, POLICY_KEYS, ["scope"])) for i, x in _rows(content, "policies")
        ],
        behaviour=Behaviour(**behaviour),
        tenant=content.get("tenant", TENANT),
    )
    for i, item in _rows(content, "subscriptions"):
        checks.table(f"subscriptions[{i}]", item, SUBSCRIPTION_KEYS, ["id"])
        fleet.subscriptions[item["id"]] = {"name": item.get("name", item["id"]), "state": item.get("state", "Enabled")}
    _clusters(fleet, content)
    _features(fleet, content.get("features", {}))
    for subscription in [*(c.subscription for c in fleet.clusters), *fleet.features] or [SUBSCRIPTION]:
        fleet.subscriptions.setdefault(subscription, {"name": subscription, "state": "Enabled"})
    return fleet


def _rows(content: JsonObject, key: str) -> list[tuple[int, Any]]:
    return list(enumerate(content.get(key, [])))


def _clusters(fleet: Fleet, content: JsonObject) -> None:
    seen: set[str] = set()
    for i, item in _rows(content, "clusters"):
        where = f"clusters[{i}]"
        if isinstance(item, dict) and isinstance(item.get("name"), str):
            where += f" ({item['name']})"
        checks.table(where, item, CLUSTER_KEYS)
        default = next(iter(fleet.subscriptions), SUBSCRIPTION)
        cluster = full_body(where, item, default) if "body" in item else short_body(where, item, default)
        if cluster.key in seen:
            raise FleetError(f"{where}: a second cluster with the id {cluster.body['id']}")
        seen.add(cluster.key)
        if not fleet.behaviour.etag and "body" not in item:
            cluster.body.pop("eTag", None)
            for pool in cluster.body["properties"]["agentPoolProfiles"]:
                pool.pop("eTag", None)
        fleet.clusters.append(cluster)


def _features(fleet: Fleet, content: Any) -> None:
    for subscription, flags in content.items():
        where = f"features.{subscription}"
        if not isinstance(flags, dict):
            raise FleetError(f"{where}: must be a table of feature names and states")
        for name, state in flags.items():
            if state not in FEATURE_STATES:
                raise FleetError(f"{where}.{name}: must be one of {', '.join(FEATURE_STATES)}, not {state!r}")
            full_name = name if "/" in name else f"Microsoft.ContainerService/{name}"
            fleet.features.setdefault(str(subscription), {})[full_name] = state


def _principal(index: int, item: Any, folder: Path) -> Principal:
    where = f"principals[{index}]"
    checks.table(where, item, PRINCIPAL_KEYS)
    values = dict(item)
    role, role_file = values.pop("role", None), values.pop("role_file", None)
    if sum(x is not None for x in (role, role_file, values.get("actions"))) > 1:
        raise FleetError(f"{where}: only one of role, actions and role_file can be given")
    for i, entry in enumerate(values.get("federated", [])):
        checks.table(f"{where}.federated[{i}]", entry, FEDERATED_KEYS, ["issuer", "subject"])
    if role:
        values["actions"] = ROLES[role]
    if role_file:
        values.update(_role_actions(f"{where}.role_file", folder / role_file))
    values["kubernetes_rules"] = _kubernetes_rules(where, values, folder)
    if "certificate" in values:
        values["certificate"] = str(folder / values["certificate"])
        if not Path(values["certificate"]).is_file():
            raise FleetError(f"{where}.certificate: there is no file {values['certificate']}")
    known = {f.name for f in fields(Principal)}
    return Principal(**{key: value for key, value in values.items() if key in known})


def _kubernetes_rules(where: str, values: JsonObject, folder: Path) -> tuple[rbac.Rule, ...]:
    if "kubernetes_role_file" not in values:
        return () if values.get("kubernetes") == "none" else rbac.ADMIN
    if "kubernetes" in values:
        raise FleetError(f"{where}: only one of kubernetes and kubernetes_role_file can be given")
    return rbac.read(f"{where}.kubernetes_role_file", folder / values["kubernetes_role_file"])


def _role_actions(where: str, path: Path) -> dict[str, list[str]]:
    """Read an Azure custom role: the Azure CLI's form (Actions, NotActions) or the REST API's."""
    try:
        role = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FleetError(f"{where}: {error}") from None
    role = role.get("properties", role)
    permissions = role.get("permissions") or [role]
    found: dict[str, list[str]] = {"actions": [], "not_actions": []}
    for permission in permissions:
        found["actions"] += permission.get("actions") or permission.get("Actions") or []
        found["not_actions"] += permission.get("notActions") or permission.get("NotActions") or []
    if not found["actions"]:
        raise FleetError(f"{where}: {path} lists no actions")
    return found
