"""What a fleet file says of a cluster's inside: access to its API, and how its nodes deviate from a healthy cluster."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from .. import checks
from ..checks import FleetError
from ..wire import JsonObject

# These say what ARM shows, too: they are kept in the body alone.
BODY_KEYS: checks.Keys = {
    "entra": bool,
    "azure_rbac": bool,
    "local_accounts": bool,
    "private": bool,
    "run_command": bool,
}
NODE_COUNTS = (
    "stuck_nodes",
    "lying_nodes",
    "crashing_nodes",
    "sync_failing_nodes",
    "not_ready_nodes",
    "cordoned_nodes",
    "joining_nodes",
)
KEYS: checks.Keys = {
    **BODY_KEYS,
    **dict.fromkeys(NODE_COUNTS, int),
    "api": ("ok", "unreachable", "unauthorized"),
    "pod_proxy": ("ok", "forbidden", "unreachable"),
    "joining_seconds": float,
    "crash_after_seconds": float,
    "node_bytes": int,
    "localhost_nodeports": int,
    "ct_invalid": int,
    "kernel": str,
    "services": int,
    "node_ports": list,
    "calico": object,
    "daemonsets": list,
    "rebooted_after_switch": bool,
    "silent": bool,
}
CALICO_KEYS: checks.Keys = {"linux_dataplane": ("Iptables", "BPF", "VPP", "Nftables"), "version": str}
DAEMON_SET_KEYS: checks.Keys = {"name": str, "image": str}


@dataclass
class Settings:
    """A cluster's inside, as far as no body shows it. Counts of nodes mean the first Linux nodes by name."""

    api: str = "ok"
    pod_proxy: str = "ok"
    stuck_nodes: int = 0
    lying_nodes: int = 0
    crashing_nodes: int = 0
    sync_failing_nodes: int = 0
    not_ready_nodes: int = 0
    cordoned_nodes: int = 0
    joining_nodes: int = 0
    joining_seconds: float = 60.0
    crash_after_seconds: float = 0.0  # for how long a container of crashing_nodes runs each time
    node_bytes: int = 0  # by which each node is larger than usual
    localhost_nodeports: int = 0  # packets, on the first node
    ct_invalid: int = 0  # likewise
    kernel: str | None = None
    services: int = 5
    node_ports: list[str] = field(default_factory=list)  # namespace/name
    calico: JsonObject | None = None  # installed by its user
    daemonsets: list[JsonObject] = field(default_factory=list)  # name: namespace/name, image
    rebooted_after_switch: bool = False
    silent: bool = False  # ARM reports success, and nothing happens inside


def check(where: str, given: Any) -> JsonObject:
    """Check a `kubernetes` table; FleetError names the key that is wrong."""
    checks.table(where, given, KEYS)
    for key, value in given.items():
        if KEYS[key] is int and value < 0:
            raise FleetError(f"{where}.{key}: must not be negative")
    for name in given.get("node_ports", []):
        _namespaced(f"{where}.node_ports", name)
    for i, item in enumerate(given.get("daemonsets", [])):
        place = f"{where}.daemonsets[{i}]"
        table = item if isinstance(item, dict) else {"name": item}
        _namespaced(f"{place}.name", checks.table(place, table, DAEMON_SET_KEYS, ["name"])["name"])
    if given.get("calico") is not None:
        checks.table(f"{where}.calico", given["calico"], CALICO_KEYS)
    result: JsonObject = given
    return result


def _namespaced(where: str, name: Any) -> None:
    if not isinstance(name, str) or name.count("/") != 1:
        raise FleetError(f"{where}: must be namespace/name, not {name!r}")


def of(given: JsonObject) -> JsonObject:
    """The checked keys that are kept as settings."""
    known = {f.name for f in fields(Settings)}
    found = {key: value for key, value in given.items() if key in known}
    if "daemonsets" in found:
        found["daemonsets"] = [x if isinstance(x, dict) else {"name": x} for x in found["daemonsets"]]
    return found


def write_body(body: JsonObject, given: JsonObject) -> None:
    """Write those keys into a cluster's body that ARM shows."""
    properties = body["properties"]
    if "entra" in given or "azure_rbac" in given:
        before = properties.get("aadProfile") or {}
        if given.get("entra", bool(before.get("managed"))):
            rbac = given.get("azure_rbac", bool(before.get("enableAzureRBAC")))
            tenant = (body.get("identity") or {}).get("tenantId")
            properties["aadProfile"] = {**before, "managed": True, "enableAzureRBAC": rbac, "tenantID": tenant}
        else:
            properties.pop("aadProfile", None)
    if "local_accounts" in given:
        properties["disableLocalAccounts"] = not given["local_accounts"]
    if "run_command" in given:
        properties.setdefault("apiServerAccessProfile", {})["disableRunCommand"] = not given["run_command"]
    if "private" in given:
        _write_private(body, given["private"])


def _write_private(body: JsonObject, private: bool) -> None:
    properties = body["properties"]
    access = properties.setdefault("apiServerAccessProfile", {})
    access["enablePrivateCluster"] = private
    public = properties.pop("privateFQDN", "").replace(".privatelink.", ".hcp.")
    if private:
        access.update({"privateDNSZone": "system", "enablePrivateClusterPublicFQDN": False})
        public = properties.pop("fqdn", "") or public
        properties["privateFQDN"] = public.replace(".hcp.", ".privatelink.")
    elif public:
        properties["fqdn"] = public


def entra(properties: JsonObject) -> bool:
    """Whether users of a cluster sign in at Microsoft Entra ID."""
    return bool((properties.get("aadProfile") or {}).get("managed"))


def private(properties: JsonObject) -> bool:
    """Whether a cluster's API server can be reached from its own network alone."""
    return bool((properties.get("apiServerAccessProfile") or {}).get("enablePrivateCluster"))
