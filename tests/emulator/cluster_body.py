"""Fleet entries made into managedCluster bodies as ARM returns them."""

from __future__ import annotations

import copy
import re
import uuid
from dataclasses import dataclass, field
from typing import Any

from . import checks
from .checks import FleetError
from .kubernetes import settings
from .wire import JsonObject

# Images of AKS release 202607.09.0; "old" and "new" is what a generic SKU stands for, see `node_image`.
NODE_IMAGES = {
    "Ubuntu old": "AKSUbuntu-2204gen2containerd-202607.09.0",
    "Ubuntu new": "AKSUbuntu-2404gen2containerd-202607.09.0",
    "Ubuntu2204": "AKSUbuntu-2204gen2containerd-202607.09.0",
    "Ubuntu2404": "AKSUbuntu-2404gen2containerd-202607.09.0",
    "AzureLinux old": "AKSAzureLinux-V2gen2-202512.09.0",
    "AzureLinux new": "AKSAzureLinux-V3gen2-202607.09.0",
    "AzureLinux3": "AKSAzureLinux-V3gen2-202607.09.0",
    "Windows2019": "AKSWindows-2019-containerd-17763.7792.260709",
    "Windows2022": "AKSWindows-2022-containerd-20348.4171.260709",
    "Windows2025": "AKSWindows-2025-containerd-26100.4946.260709",
}

CLUSTER_KEYS: checks.Keys = {
    "name": str,
    "resource_group": str,
    "subscription": str,
    "location": str,
    "version": str,
    "kubernetes_version": str,
    "mode": ("IPTABLES", "IPVS", "NFTABLES", "absent", "disabled"),
    "kube_proxy": dict,
    "plugin": ("azure", "kubenet", "none"),
    "plugin_mode": ("overlay", "none"),
    "policy": ("none", "azure", "calico", "cilium"),
    "dataplane": ("azure", "cilium"),
    "sku": ("Base", "Automatic"),
    "power": ("Running", "Stopped"),
    "provisioning_state": str,
    "tags": dict,
    "pools": list,
    "autoscaler": dict,
    "merge": dict,
    "body": dict,
    "kubernetes": dict,
}
POOL_KEYS: checks.Keys = {
    "name": str,
    "count": int,
    "mode": ("System", "User"),
    "os_type": ("Linux", "Windows"),
    "os_sku": (
        "Ubuntu",
        "Ubuntu2204",
        "Ubuntu2404",
        "AzureLinux",
        "AzureLinux3",
        "Windows2019",
        "Windows2022",
        "Windows2025",
    ),
    "vm_size": str,
    "version": str,
    "goal_version": str,
    "node_image": str,
    "power": ("Running", "Stopped"),
    "provisioning_state": str,
    "autoscaler": dict,
}
AUTOSCALER_KEYS: checks.Keys = {"min": int, "max": int}
BODY_NEIGHBOURS = {"body", "name", "resource_group", "subscription", "kubernetes"}
VERSION = re.compile(r"\d+\.\d+(\.\d+)?")
DEFAULT_VERSION = "1.34.2"
DEFAULT_GROUP = "rg1"
NAMESPACE = uuid.UUID("5061a1a1-0000-4000-8000-000000005061")


@dataclass(frozen=True)
class FullBody:
    """A cluster to start with. `key` is its id in lower case."""

    subscription: str
    group: str
    name: str
    body: JsonObject
    kubernetes: JsonObject = field(default_factory=dict)  # settings of its inside

    @property
    def key(self) -> str:
        """What tells clusters apart: ARM ignores the case of ids."""
        return cluster_key(self.subscription, self.group, self.name)


def cluster_key(subscription: str, group: str, name: str) -> str:
    """The id in lower case."""
    return cluster_id(subscription, group, name).lower()


def cluster_id(subscription: str, group: str, name: str) -> str:
    """The id as AKS spells it: with a lower-case `resourcegroups` (recorded traffic)."""
    return (
        f"/subscriptions/{subscription}/resourcegroups/{group}"
        f"/providers/Microsoft.ContainerService/managedClusters/{name}"
    )


def full_body(where: str, entry: JsonObject, default_subscription: str) -> FullBody:
    """Take an entry's `body`, served as it is; only an absent id, name or type is added."""
    if extra := sorted(set(entry) - BODY_NEIGHBOURS):
        raise FleetError(f"{where}: {extra[0]} cannot stand beside body, which is served as it is")
    body = copy.deepcopy(entry["body"])
    if not isinstance(body.get("properties"), dict):
        raise FleetError(f"{where}.body: properties is missing")
    if not isinstance(body.get("location"), str):
        raise FleetError(f"{where}.body: location is missing")
    if "id" not in body:
        name = entry.get("name") or body.get("name")
        if not name:
            raise FleetError(f"{where}.body: id is missing")
        group = entry.get("resource_group", DEFAULT_GROUP)
        body["id"] = cluster_id(entry.get("subscription", default_subscription), group, name)
    parts = str(body["id"]).strip("/").split("/")
    shape = [part.lower() for part in parts[0::2]]
    if shape != ["subscriptions", "resourcegroups", "providers", "managedclusters"]:
        raise FleetError(f"{where}.body.id: is no id of a managed cluster: {body['id']}")
    subscription, group, _unused, name = parts[1::2]
    body.setdefault("name", name)
    body.setdefault("type", "Microsoft.ContainerService/ManagedClusters")
    return FullBody(subscription, group, name, body, _inside(where, entry, body))


def short_body(where: str, entry: JsonObject, default_subscription: str) -> FullBody:
    """Write out a short entry."""
    if "name" not in entry:
        raise FleetError(f"{where}: name is missing")
    if "mode" in entry and "kube_proxy" in entry:
        raise FleetError(f"{where}: only one of mode and kube_proxy can be given")
    for place, given in [(where, entry), *((f"{where}.pools[{i}]", p) for i, p in enumerate(entry.get("pools", [])))]:
        _versions(place, given)
    subscription = entry.get("subscription", default_subscription)
    group, name = entry.get("resource_group", DEFAULT_GROUP), entry["name"]
    key = cluster_key(subscription, group, name)
    state = entry.get("provisioning_state", "Succeeded")
    power = entry.get("power", "Running")
    version = entry.get("version", DEFAULT_VERSION)
    default_pool = {"name": "nodepool1", **({"autoscaler": entry["autoscaler"]} if "autoscaler" in entry else {})}
    pools = entry.get("pools") or [default_pool]
    location = entry.get("location", "westeurope")
    fqdn = f"{name.lower()}-{steady_guid(key)[:8]}.hcp.{location}.azmk8s.io"
    automatic = entry.get("sku") == "Automatic"
    client_id, object_id = steady_guid(key + "/kubelet"), steady_guid(key + "/kubelet-object")
    node_group = f"MC_{group}_{name}_{location}"
    identity_id = (
        f"/subscriptions/{subscription}/resourcegroups/{node_group}"
        f"/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}-agentpool"
    )
    body: JsonObject = {
        "id": cluster_id(subscription, group, name),
        "location": location,
        "name": name,
        "type": "Microsoft.ContainerService/ManagedClusters",
        "kind": "Base",
        "eTag": steady_guid(key + "/etag"),
        **({"tags": entry["tags"]} if "tags" in entry else {}),
        "properties": {
            "provisioningState": state,
            "powerState": {"code": power},
            "kubernetesVersion": entry.get("kubernetes_version", version),
            "currentKubernetesVersion": version,
            "dnsPrefix": name.lower(),
            "fqdn": fqdn,
            "azurePortalFQDN": fqdn.replace(".hcp.", ".portal.hcp."),
            "agentPoolProfiles": [_pool(f"{where}.pools[{i}]", p, entry, key) for i, p in enumerate(pools)],
            "servicePrincipalProfile": {"clientId": "msi"},
            "nodeResourceGroup": node_group,
            "enableRBAC": True,
            "supportPlan": "KubernetesOfficial",
            "networkProfile": _network(entry, automatic),
            "maxAgentPools": 100,
            "identityProfile": {
                "kubeletidentity": {"resourceId": identity_id, "clientId": client_id, "objectId": object_id}
            },
            "autoUpgradeProfile": {"nodeOSUpgradeChannel": "NodeImage"},
            "disableLocalAccounts": False,
            "securityProfile": {},
            "storageProfile": {
                "diskCSIDriver": {"enabled": True},
                "fileCSIDriver": {"enabled": True},
                "snapshotController": {"enabled": True},
            },
            "oidcIssuerProfile": {"enabled": False},
            "workloadAutoScalerProfile": {},
            "metricsProfile": {"costAnalysis": {"enabled": False}},
            "resourceUID": steady_guid(key)[:8] + steady_guid(key + "/uid").replace("-", "")[:16],
            "controlPlanePluginProfiles": {"azure-monitor-metrics-ccp": {"enableV2": True}},
            "nodeProvisioningProfile": {"mode": "Auto" if automatic else "Manual", "defaultNodePools": "Auto"},
            "bootstrapProfile": {"artifactSource": "Direct"},
        },
        "identity": {
            "type": "SystemAssigned",
            "principalId": steady_guid(key + "/identity"),
            "tenantId": "22222222-2222-4222-8222-222222222222",
        },
        "sku": {"name": "Automatic" if automatic else "Base", "tier": "Standard" if automatic else "Free"},
    }
    inside = _inside(where, entry, body)
    merge(body, entry.get("merge", {}))
    return FullBody(subscription, group, name, body, inside)


def _inside(where: str, entry: JsonObject, body: JsonObject) -> JsonObject:
    """Check what an entry says of the cluster's inside; write into the body what ARM shows of it."""
    given = settings.check(f"{where}.kubernetes", entry.get("kubernetes", {}))
    settings.write_body(body, given)
    return settings.of(given)


def _versions(where: str, given: Any) -> None:
    """Check what stands for a Kubernetes version."""
    for key in ("version", "kubernetes_version", "goal_version"):
        value = given.get(key) if isinstance(given, dict) else None
        if isinstance(value, str) and not VERSION.fullmatch(value):
            raise FleetError(f"{where}.{key}: is no Kubernetes version: {value!r}")


def _network(entry: JsonObject, automatic: bool) -> JsonObject:
    plugin = entry.get("plugin", "azure")
    mode = entry.get("plugin_mode", "overlay" if plugin == "azure" else "none")
    dataplane = entry.get("dataplane", "cilium" if automatic else None)
    profile: JsonObject = {"networkPlugin": plugin}
    if mode != "none":
        profile["networkPluginMode"] = mode
    profile["networkPolicy"] = entry.get("policy", "cilium" if dataplane == "cilium" else "none")
    if plugin == "azure":
        profile["networkDataplane"] = dataplane or "azure"
    elif dataplane:
        profile["networkDataplane"] = dataplane
    profile.update(
        {
            "loadBalancerSku": "Standard",
            "loadBalancerProfile": {
                "managedOutboundIPs": {"count": 1},
                "effectiveOutboundIPs": [],
                "backendPoolType": "nodeIPConfiguration",
            },
            "podCidr": "10.244.0.0/16",
            "serviceCidr": "10.0.0.0/16",
            "dnsServiceIP": "10.0.0.10",
            "outboundType": "loadBalancer",
            "podCidrs": ["10.244.0.0/16"],
            "serviceCidrs": ["10.0.0.0/16"],
            "ipFamilies": ["IPv4"],
            "podLinkLocalAccess": "IMDS",
        }
    )
    asked = entry.get("mode", "absent")
    if "kube_proxy" in entry:
        profile["kubeProxyConfig"] = copy.deepcopy(entry["kube_proxy"])
    elif asked != "absent":
        profile["kubeProxyConfig"] = {"enabled": False} if asked == "disabled" else {"enabled": True, "mode": asked}
    return profile


def _pool(where: str, pool: Any, entry: JsonObject, key: str) -> JsonObject:
    checks.table(where, pool, POOL_KEYS, ["name"])
    scaler = pool.get("autoscaler")
    version = pool.get("version", entry.get("version", DEFAULT_VERSION))
    sku = pool.get("os_sku", "Windows2022" if pool.get("os_type") == "Windows" else "Ubuntu")
    body: JsonObject = {
        "name": pool["name"],
        "count": pool.get("count", 3),
        "vmSize": pool.get("vm_size", "Standard_D4ds_v5"),
        "osDiskSizeGB": 128,
        "osDiskType": "Ephemeral",
        "kubeletDiskType": "OS",
        "maxPods": 250,
        "type": "VirtualMachineScaleSets",
        "enableAutoScaling": bool(scaler),
        "scaleDownMode": "Delete",
        "provisioningState": pool.get("provisioning_state", entry.get("provisioning_state", "Succeeded")),
        "powerState": {"code": pool.get("power", entry.get("power", "Running"))},
        "orchestratorVersion": pool.get("goal_version", version),
        "currentOrchestratorVersion": version,
        "enableNodePublicIP": False,
        "mode": pool.get("mode", "System"),
        "osType": pool.get("os_type", "Linux"),
        "osSKU": sku,
        "nodeImageVersion": pool.get("node_image") or node_image(sku, version),
        "upgradeSettings": {"maxSurge": "10%", "maxUnavailable": "0"},
        "enableFIPS": False,
        "securityProfile": {"enableVTPM": False, "enableSecureBoot": False},
        "eTag": steady_guid(f"{key}/{pool['name']}/etag"),
    }
    if scaler:
        checks.table(f"{where}.autoscaler", scaler, AUTOSCALER_KEYS, ["min", "max"])
        body.update({"minCount": scaler["min"], "maxCount": scaler["max"]})
    return body


def node_image(sku: str, version: str) -> str:
    """The node image of an OS SKU; the generic SKUs mean another release from some Kubernetes version on."""
    minor = tuple(int(part) for part in version.split(".")[:2])
    newer = {"Ubuntu": minor >= (1, 35), "AzureLinux": minor >= (1, 32)}.get(sku)
    return NODE_IMAGES[sku if newer is None else f"{sku} new" if newer else f"{sku} old"]


def steady_guid(seed: str) -> str:
    """A GUID that depends on `seed` alone, so that runs can be compared."""
    return str(uuid.uuid5(NAMESPACE, seed))


def merge(target: JsonObject, patch: JsonObject) -> None:
    """Apply a JSON merge patch (RFC 7386) in place. A table in place of a list of named things patches these by name.

    There `*` means all of them, null takes one away, and a name that is not there is a new one.
    """
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        elif isinstance(value, dict) and _are_named(target.get(key)):
            target[key] = _merge_by_name(target[key], value)
        elif isinstance(value, dict) and isinstance(target.get(key), dict):
            merge(target[key], value)
        else:
            target[key] = copy.deepcopy(value)


def _are_named(items: Any) -> bool:
    return isinstance(items, list) and all(isinstance(item, dict) and "name" in item for item in items)


def _merge_by_name(items: list[JsonObject], patches: JsonObject) -> list[JsonObject]:
    found = {item["name"]: item for item in items}
    everybody = patches.get("*", {})
    for item in items:
        merge(item, everybody)
    merge(found, {name: patch for name, patch in patches.items() if name != "*"})
    return [{"name": name, **item} for name, item in found.items()]
