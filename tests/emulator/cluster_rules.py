"""What AKS refuses of a cluster's body beside kube-proxy: what is missing at creation, and what must not change."""

from __future__ import annotations

from collections import Counter
from typing import Any

from .refusals import RefusalError, refusal
from .wire import JsonObject

# Nothing but a new cluster changes these (terraform-azurerm-avm-res-containerservice-managedcluster issue 166 has the
# error; which ones: pulumi-azure-native pull request 4771, azure-cli issue 24764).
FIXED = (
    "dnsPrefix",
    "fqdnSubdomain",
    "nodeResourceGroup",
    "networkProfile.dnsServiceIP",
    "networkProfile.serviceCidr",
    "networkProfile.serviceCidrs",
    "servicePrincipalProfile.clientId",
)
# Of an agent pool, likewise (pulumi-azure-native issue 959).
FIXED_OF_POOLS = ("osType", "vmSize")


def check_new(body: JsonObject) -> None:
    """Refuse to create a cluster without what it takes. Automatic clusters bring their own pools."""
    properties = body["properties"]
    if str((body.get("sku") or {}).get("name", "")).lower() != "automatic":
        if not properties.get("agentPoolProfiles"):
            raise refusal("ParameterMissing", field="agentPoolProfiles")
        if all(str(pool.get("mode", "")).lower() != "system" for pool in properties["agentPoolProfiles"]):
            raise refusal("NoSystemPool")
    if "identity" not in body and "servicePrincipalProfile" not in properties:
        raise refusal("ParameterMissing", field="servicePrincipalProfile")


def check_pools(body: JsonObject) -> None:
    """Refuse two pools of one name."""
    names = Counter(pool["name"] for pool in body["properties"].get("agentPoolProfiles") or [])
    for name, count in names.items():
        if count > 1:
            raise refusal("InvalidParameter", field="agentPoolProfile.name", reason=f"'{name}' is not unique")


def check_change(old: JsonObject, sent: JsonObject) -> None:
    """Refuse what no update can do. What is not sent at all is not looked at."""
    for path in FIXED:
        before, after = _at(old["properties"], path), _at(sent["properties"], path)
        if after is not None and after != before:
            raise _fixed(path)
    pools = {pool["name"]: pool for pool in old["properties"].get("agentPoolProfiles") or []}
    for pool in sent["properties"].get("agentPoolProfiles") or []:
        before = pools.get(pool["name"], pool)
        for name in FIXED_OF_POOLS:
            if pool.get(name) is not None and pool[name] != before.get(name):
                raise _fixed(f"agentPoolProfile.{name}")
    _check_version(old["properties"], sent["properties"])


def _check_version(old: JsonObject, sent: JsonObject) -> None:
    """Refuse a step back; the version that was asked for before may always be sent back."""
    goal, running = sent.get("kubernetesVersion"), old.get("currentKubernetesVersion")
    if not goal or not running or goal == old.get("kubernetesVersion"):
        return
    wanted, now = _numbers(goal), _numbers(running)
    if wanted < now[: len(wanted)]:  # an alias such as 1.35 has two numbers
        raise refusal("Downgrade", version=running, goal=goal)


def _fixed(path: str) -> RefusalError:
    error = refusal("PropertyChangeNotAllowed", field=path)
    error.answer.body["target"] = path
    return error


def _at(properties: JsonObject, path: str) -> Any:
    found: Any = properties
    for key in path.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part.isdigit()]
