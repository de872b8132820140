"""Managed clusters: reading, tagging, deleting. Full PUTs are in cluster_put."""

from __future__ import annotations

import base64
import copy

from . import operations
from .api_versions import has_kube_proxy, is_preview
from .arm import Ask
from .kubernetes import credentials, settings
from .paging import page
from .refusals import refusal
from .wire import Answer, JsonObject
from .world import FINAL_STATES, Cluster, World

# Properties that previews alone show (recorded; SDK models).
PREVIEW_PROPERTIES = ("controlPlanePluginProfiles",)


def present(cluster: Cluster, version: str) -> JsonObject:
    """Show a cluster as an API version does. What needs no change is the stored body itself: do not change it."""
    hidden = set() if is_preview(version) else set(PREVIEW_PROPERTIES)
    properties = {name: value for name, value in cluster.properties.items() if name not in hidden}
    network = properties.get("networkProfile")
    if isinstance(network, dict) and isinstance(config := network.get("kubeProxyConfig"), dict):
        shown = {name: value for name, value in network.items() if name != "kubeProxyConfig"}
        if has_kube_proxy(version):
            # A false flag is left out, so that a disabled cluster shows `{}` (azure-rest-api-specs issue 22208).
            shown["kubeProxyConfig"] = {k: v for k, v in config.items() if not (k == "enabled" and v is False)}
        properties["networkProfile"] = shown
    return {**cluster.body, "properties": properties}


def _hint(world: World, cluster: Cluster) -> dict[str, str]:
    return {} if cluster.state in FINAL_STATES else world.retry_hint()


def show(ask: Ask) -> Answer:
    """GET one cluster."""
    cluster = ask.cluster()
    return Answer(200, present(cluster, ask.api_version), _hint(ask.world, cluster))


def show_all(ask: Ask) -> Answer:
    """GET the clusters of a subscription or of a resource group, page by page."""
    owner, group = ask.subscription.lower(), ask.values.get("group", "").lower()
    found = [
        cluster
        for cluster in ask.world.clusters.values()
        if cluster.subscription.lower() == owner and group in ("", cluster.group.lower())
    ]
    return Answer(200, page(ask, found, lambda cluster: present(cluster, ask.api_version)))


def refuse_while_busy(cluster: Cluster) -> None:
    """Refuse a write on a cluster, or on one with a pool, that another operation works on."""
    if cluster.state not in FINAL_STATES:
        raise refusal("InProgress", operation=cluster.state)
    for pool in cluster.pools:
        state = pool.get("provisioningState") or "Succeeded"
        if state not in FINAL_STATES:
            raise refusal("InProgress", operation=f"{pool.get('name')} - {state}")


def patch(ask: Ask) -> Answer:
    """PATCH: takes tags alone, and only while no operation runs."""
    cluster, content = ask.cluster(), ask.json_object()
    if unknown := sorted(set(content) - {"tags"}):
        raise refusal("UnknownField", field=unknown[0])
    # What a PATCH leaves out stays (ARM's resource provider contract: a PATCH is a JSON merge patch).
    tags = content.get("tags", cluster.body.get("tags")) or {}
    if not isinstance(tags, dict) or any(not isinstance(value, str) for value in tags.values()):
        raise refusal("WrongType", found="object", field="TagsObject.tags", expected="string")
    refuse_while_busy(cluster)
    cluster.body["tags"] = tags
    ask.world.renew_etags(cluster)
    cluster.set_state("Updating")

    def finish(_operation: operations.Operation, _moment: float) -> None:
        cluster.set_state("Succeeded")
        ask.world.renew_etags(cluster)

    operation = operations.begin(ask.world, cluster, "update", operations.Outcome(), finish)
    return Answer(200, present(cluster, ask.api_version), operations.headers(ask.world, operation))


def delete(ask: Ask) -> Answer:
    """DELETE: 202 without a body, and both kinds of operation URL."""
    world = ask.world
    cluster = world.find_cluster(ask.cluster_id)
    if cluster is None:
        return Answer(204)
    refuse_while_busy(cluster)
    cluster.set_state("Deleting")

    def finish(_operation: operations.Operation, _moment: float) -> None:
        world.clusters.pop(cluster.key, None)

    operation = operations.begin(world, cluster, "delete", operations.Outcome(), finish)
    return Answer(202, None, operations.headers(world, operation, location=True))


def _pool_view(cluster: Cluster, pool: JsonObject, version: str) -> JsonObject:
    found = copy.deepcopy(pool)
    name, etag = found.pop("name", ""), found.pop("eTag", None)
    view = {
        "id": f"{cluster.body['id']}/agentPools/{name}",
        "name": name,
        "type": "Microsoft.ContainerService/managedClusters/agentPools",
        "properties": found,
    }
    if etag is not None:
        found["eTag"] = etag
    return view


def pools(ask: Ask) -> Answer:
    """GET a cluster's agent pools."""
    cluster = ask.cluster()
    return Answer(200, {"value": [_pool_view(cluster, pool, ask.api_version) for pool in cluster.pools]})


def pool(ask: Ask) -> Answer:
    """GET one agent pool."""
    cluster, wanted = ask.cluster(), ask.values["pool"]
    for found in cluster.pools:
        if str(found.get("name")).lower() == wanted.lower():
            return Answer(200, _pool_view(cluster, found, ask.api_version))
    kind, name = "Microsoft.ContainerService/managedClusters/agentPools", f"{cluster.name}/{wanted}"
    raise refusal("ResourceNotFound", type=kind, name=name, group=cluster.group)


def upgrade_profile(ask: Ask) -> Answer:
    """GET the upgrades that a cluster can take: the next minor version."""
    cluster = ask.cluster()
    version = str(cluster.properties.get("currentKubernetesVersion") or cluster.properties.get("kubernetesVersion"))
    major, minor = (int(part) for part in version.split(".")[:2])
    upgrades = [{"kubernetesVersion": f"{major}.{minor + 1}.0"}]
    pools = [
        {"name": pool.get("name"), "kubernetesVersion": pool.get("currentOrchestratorVersion", version),
         "osType": pool.get("osType", "Linux"), "upgrades": upgrades}
        for pool in cluster.pools
    ]  # fmt: skip
    return Answer(
        200,
        {
            "id": f"{cluster.body['id']}/upgradeprofiles/default",
            "name": "default",
            "type": "Microsoft.ContainerService/managedClusters/upgradeprofiles",
            "properties": {
                "controlPlaneProfile": {"kubernetesVersion": version, "osType": "Linux", "upgrades": upgrades},
                "agentPoolProfiles": pools,
            },
        },
    )


def user_credential(ask: Ask) -> Answer:
    """POST listClusterUserCredential. On clusters with Entra ID it holds no secret."""
    cluster, form = ask.cluster(), ask.call.query.get("format", "exec")
    if form not in credentials.FORMS:
        raise refusal("InvalidParameter", field="format", reason=f"'{form}' is not one of azure, exec")
    if not settings.entra(cluster.properties):
        _refuse_static(cluster)
    return _credential(ask, "clusterUser", form)


def admin_credential(ask: Ask) -> Answer:
    """POST listClusterAdminCredential; refused where local accounts are disabled."""
    _refuse_static(ask.cluster())
    return _credential(ask, "clusterAdmin", "exec")


def _refuse_static(cluster: Cluster) -> None:
    if cluster.properties.get("disableLocalAccounts"):
        raise refusal(
            "BadConditional",
            reason="Getting static credential is not allowed because this cluster is set to disable local accounts.",
        )


def _credential(ask: Ask, name: str, form: str) -> Answer:
    text = credentials.kubeconfig(ask.world, ask.cluster(), name, form)
    return Answer(200, {"kubeconfigs": [{"name": name, "value": base64.b64encode(text.encode()).decode()}]})
