"""PUT of a managed cluster: what the AKS provider checks, stores and starts."""

from __future__ import annotations

import copy
from dataclasses import dataclass

from . import cluster_rules, kube_proxy, operations
from .arm import Ask
from .behind import PREEMPTED
from .cluster_body import steady_guid
from .clusters import present, refuse_while_busy
from .faults import Fault
from .fields import known_as_read_only, unmarshal
from .refusals import RefusalError, refusal
from .wire import Answer, JsonObject
from .world import Cluster, World


def put(ask: Ask) -> Answer:
    """Create or replace a cluster."""
    world, content = ask.world, ask.json_object()
    cluster = world.find_cluster(ask.cluster_id)
    if not isinstance(content.get("location"), str):
        raise refusal("LocationRequired")
    if cluster is not None:
        _same_location(cluster, content)
    if fault := ask.faults.strike("provider"):
        raise _provider_fault(fault)
    _conditions(ask, cluster)
    stored = cluster.body if cluster else {}
    sent = unmarshal(
        content, ask.api_version, stored, folder=world.specs, accept_future=world.behaviour.future_properties
    )
    if cluster is not None:
        _refuse_if_stopped(cluster)
        refuse_while_busy(cluster)
        _all_pools(cluster, sent)
        cluster_rules.check_change(cluster.body, sent)
    else:
        cluster_rules.check_new(sent)
    cluster_rules.check_pools(sent)
    before = kube_proxy.of(cluster.body) if cluster else None
    _kube_proxy(ask, cluster, sent)
    new = _new_body(ask, cluster, sent)
    kube_proxy.check(ask, new, before)
    return _accept(ask, cluster, new)


def _same_location(cluster: Cluster, content: JsonObject) -> None:
    if str(content["location"]).replace(" ", "").lower() != cluster.location:
        raise refusal(
            "InvalidResourceLocation",
            name=cluster.name,
            location=cluster.location,
            group=cluster.group,
            asked=content["location"],
        )


def _provider_fault(fault: Fault) -> RefusalError:
    if fault.name == "operation_in_progress":
        name = "PoolInProgress" if fault.parameters["pool"] else "InProgress"
        return refusal(name, operation=fault.parameters["operation"])
    if fault.name == "etag_race":
        message = "rpc error: code = FailedPrecondition desc = Etag mismatched"
        return refusal("EtagMismatch", details=[{"code": "Unspecified", "message": message}])
    return refusal(
        {
            "blocked_by_node_disruption_policy": "BlockedByNodeDisruptionPolicy",
            "feature_not_propagated": "KubeProxyConfigFeatureNotRegistered",
        }[fault.name]
    )


def _conditions(ask: Ask, cluster: Cluster | None) -> None:
    """Check If-Match and If-None-Match (`use-etags.md`)."""
    match, none_match = ask.call.headers.get("if-match"), ask.call.headers.get("if-none-match")
    if match and none_match:
        raise refusal("BadConditional", reason="If-Match and If-None-Match cannot both be specified.")
    if none_match and none_match != "*":
        raise refusal("BadConditional", reason="If-None-Match only supports the value '*'.")
    name = ask.values["name"]
    if none_match and cluster is not None:
        raise refusal("PreConditionFailed", header="If-None-Match", value=none_match, name=name)
    if match:
        current = cluster.body.get("eTag") if cluster else None
        if cluster is None or (match != "*" and match.strip('"') != current):
            raise refusal("PreConditionFailed", header="If-Match", value=match, name=name)


def _refuse_if_stopped(cluster: Cluster) -> None:
    power = cluster.properties.get("powerState") or {}
    if power.get("code") == "Stopped":
        raise refusal("Stopped")


def _all_pools(cluster: Cluster, sent: JsonObject) -> None:
    listed = sent["properties"].get("agentPoolProfiles")
    if listed is None:
        return
    names = {pool["name"] for pool in listed}
    for pool in cluster.pools:
        if pool.get("name") not in names:
            raise refusal("PoolMissing", pool=pool.get("name"))


def _kube_proxy(ask: Ask, cluster: Cluster | None, sent: JsonObject) -> None:
    """Carry the stored kubeProxyConfig over where the request has none."""
    stored = kube_proxy.of(cluster.body) if cluster else None
    if stored is None or kube_proxy.of(sent) is not None:
        return
    if ask.world.behaviour.omitted == "preserves" or not kube_proxy.known_to(ask.api_version):
        sent["properties"].setdefault("networkProfile", {})["kubeProxyConfig"] = copy.deepcopy(stored)


# Properties that stay where a PUT leaves them out. azure_rm_aks leaves the service principal of a managed identity
# (`msi`) out, and takes for granted that it is in the answer.
KEPT = ("agentPoolProfiles", "servicePrincipalProfile")


def _new_body(ask: Ask, cluster: Cluster | None, sent: JsonObject) -> JsonObject:
    """Join what was sent with what is the service's alone."""
    new = copy.deepcopy(sent)
    if cluster is None:
        _fill_in(ask, new)
        return new
    for name in KEPT:
        if name in cluster.properties:
            new["properties"].setdefault(name, copy.deepcopy(cluster.properties[name]))
    _restore(new, cluster.body, "")
    return new


def _restore(new: JsonObject, old: JsonObject, path: str) -> None:
    for key, value in old.items():
        where = f"{path}.{key}".lstrip(".")
        if known_as_read_only(where):
            new[key] = copy.deepcopy(value)
        elif isinstance(value, dict):
            if isinstance(new.get(key), dict):
                _restore(new[key], value, where)
        elif isinstance(value, list) and isinstance(new.get(key), list):
            olds = {item["name"]: item for item in value if isinstance(item, dict) and "name" in item}
            for item in new[key]:
                if isinstance(item, dict) and item.get("name") in olds:
                    _restore(item, olds[item["name"]], f"{where}.*")


def _fill_in(ask: Ask, new: JsonObject) -> None:
    """Give a new cluster what the service adds."""
    values, key = ask.values, ask.cluster_id.lower()
    properties = new["properties"]
    version = str(properties.setdefault("kubernetesVersion", "1.34.2"))
    location = new["location"].replace(" ", "").lower()
    fqdn = f"{properties.get('dnsPrefix', values['name'])}-{steady_guid(key)[:8]}.hcp.{location}.azmk8s.io"
    new.update({"id": ask.cluster_id, "name": values["name"], "type": "Microsoft.ContainerService/ManagedClusters"})
    new.setdefault("sku", {"name": "Base", "tier": "Free"})
    properties.update(
        {
            "powerState": {"code": "Running"},
            "currentKubernetesVersion": _patch_release(version),
            "fqdn": fqdn,
            "azurePortalFQDN": fqdn.replace(".hcp.", ".portal.hcp."),
            "maxAgentPools": 100,
            "resourceUID": steady_guid(key).replace("-", "")[:24],
        }
    )
    if "identity" in new:
        properties.setdefault("servicePrincipalProfile", {"clientId": "msi"})
    properties.setdefault("nodeResourceGroup", f"MC_{values['group']}_{values['name']}_{location}")
    network = properties.setdefault("networkProfile", {})
    network.setdefault("networkPlugin", "azure")
    network.setdefault("loadBalancerSku", "standard")
    for pool in properties.get("agentPoolProfiles") or []:
        pool.setdefault("orchestratorVersion", version)
        pool["currentOrchestratorVersion"] = _patch_release(pool["orchestratorVersion"])
        pool["powerState"] = {"code": "Running"}
        pool.setdefault("osType", "Linux")
        pool.setdefault("osSKU", "Ubuntu")


def _patch_release(version: str) -> str:
    """What a minor alias such as `1.35` becomes."""
    return version if version.count(".") == 2 else f"{version}.1"


@dataclass
class Change:
    """An accepted PUT, until its operation has ended."""

    world: World
    cluster: Cluster
    old: JsonObject
    sku_spelling: str | None
    keep_if_failed: bool

    def finish(self, operation: operations.Operation, moment: float) -> None:
        """Bring the cluster to its final state."""
        cluster = self.cluster
        if operation.status != "Succeeded" and not self.keep_if_failed:
            cluster.body = self.old
        cluster.set_state(operation.status)
        network = cluster.properties.get("networkProfile")
        if isinstance(network, dict) and self.sku_spelling is not None and "loadBalancerSku" in network:
            network["loadBalancerSku"] = self.sku_spelling
        if operation.status == "Succeeded":
            _upgrade(cluster)
            self.world.roll_out(cluster, moment)
        self.world.renew_etags(cluster)


def _upgrade(cluster: Cluster) -> None:
    """Bring running versions to their goals: a full PUT resumes an upgrade, too."""
    pairs = [(cluster.properties, "kubernetesVersion", "currentKubernetesVersion")]
    pairs += [(pool, "orchestratorVersion", "currentOrchestratorVersion") for pool in cluster.pools]
    for owner, goal_key, current_key in pairs:
        goal, current = owner.get(goal_key), owner.get(current_key)
        if goal and current and current != goal and not current.startswith(f"{goal}."):
            owner[current_key] = _patch_release(goal)


def _accept(ask: Ask, cluster: Cluster | None, new: JsonObject) -> Answer:
    """Store the new body, start the operation, answer with the whole body."""
    world, fault = ask.world, ask.faults.strike("operation")
    created = cluster is None
    if cluster is None:
        values = ask.values
        cluster = Cluster(ask.subscription, values["group"], values["name"], new, world.behaviour.etag)
        world.add_cluster(cluster)
    old = copy.deepcopy(cluster.body)
    network = new["properties"].get("networkProfile") or {}
    spelling = (old["properties"].get("networkProfile") or {}).get("loadBalancerSku") if not created else "Standard"
    same_sku = isinstance(spelling, str) and spelling.lower() == str(network.get("loadBalancerSku", "")).lower()
    if same_sku:
        # Recorded 2022 to 2024: lower case in the PUT's answer, `Standard` in later GETs.
        network["loadBalancerSku"] = str(spelling).lower()
    outcome, keep = _outcome(fault)
    cluster.body = new
    cluster.set_state("Creating" if created else "Updating")
    if not created:
        world.renew_etags(cluster)
    change = Change(world, cluster, old, spelling if same_sku else None, keep)
    operation = operations.begin(world, cluster, "create" if created else "update", outcome, change.finish)
    body = present(cluster, ask.api_version)
    if fault is not None and fault.name == "ignored":
        _ignore(cluster, old)
    return Answer(
        201 if created else 200, body, operations.headers(world, operation), delay=world.behaviour.put_seconds
    )


def _ignore(cluster: Cluster, old: JsonObject) -> None:
    """Go through the motions alone: states and eTags move, nothing else does."""
    etags = {"eTag": cluster.body["eTag"]} if "eTag" in cluster.body else {}
    state = cluster.state
    cluster.body = {**copy.deepcopy(old), **etags}
    cluster.set_state(state)


def _outcome(fault: Fault | None) -> tuple[operations.Outcome, bool]:
    """How the operation ends, and whether a failed one leaves the new configuration in place."""
    if fault is None or fault.name == "ignored":
        return operations.Outcome(), True
    if fault.name == "operation_stuck":
        return operations.Outcome("stuck"), True
    keep = fault.parameters["config"] == "kept"
    if fault.name == "operation_canceled":
        return operations.Outcome("Canceled", PREEMPTED), keep
    error = {"code": fault.parameters["code"], "message": fault.parameters["message"]}
    return operations.Outcome("Failed", error), keep
