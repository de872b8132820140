"""Every request that the emulated ARM understands, as one table."""

from __future__ import annotations

from . import cluster_put, clusters, features, operations, orchestrators, providers, run_command, subscriptions
from .arm import AKS, Ask, Handler, Route
from .wire import Answer

S = "/subscriptions/{subscription}"
GROUP = S + "/resourceGroups/{group}"
CLUSTERS = "/providers/Microsoft.ContainerService/managedClusters"
CLUSTER = GROUP + CLUSTERS + "/{name}"
PLACE = S + "/providers/Microsoft.ContainerService/locations/{location}"
FEATURES = S + "/providers/Microsoft.Features"
FLAG = FEATURES + "/providers/{namespace}/features/{feature}"
REGISTRATION = FEATURES + "/featureProviders/{namespace}/subscriptionFeatureRegistrations/{feature}"
REGISTRATION_ACTION = "Microsoft.Features/featureProviders/subscriptionFeatureRegistrations"
PROVIDER = S + "/providers/{namespace}"
GROUP_ACTION = "Microsoft.Resources/subscriptions/resourceGroups"


def _operation(ask: Ask) -> Answer:
    return operations.status(ask.world, ask.call.path, dict(ask.call.query))


def _operation_result(ask: Ask) -> Answer:
    return operations.result(ask.world, ask.call.path, dict(ask.call.query))


def _aks(method: str, path: str, handler: Handler, action: str, bucket: str = "other") -> Route:
    return Route(method, path, handler, f"{AKS}/{action}", "aks", bucket, needs_registration=True)


ROUTES: tuple[Route, ...] = (
    Route("GET", "/tenants", subscriptions.tenants, "", "resources"),
    Route("GET", "/subscriptions", subscriptions.show_all, "", "resources"),
    Route("GET", S, subscriptions.show, "Microsoft.Resources/subscriptions/read", "resources"),
    Route("GET", S + "/resourceGroups", subscriptions.groups, f"{GROUP_ACTION}/read", "resources"),
    Route("GET", GROUP, subscriptions.group, f"{GROUP_ACTION}/read", "resources"),
    Route("HEAD", GROUP, subscriptions.has_group, f"{GROUP_ACTION}/read", "resources"),
    Route("PUT", S + "/resourceGroups/{new_group}", subscriptions.put_group, f"{GROUP_ACTION}/write", "resources"),
    # -- providers and features
    Route("GET", S + "/providers", providers.show_all, "Microsoft.Resources/subscriptions/providers/read", "resources"),
    Route("GET", PROVIDER, providers.show, "Microsoft.Resources/subscriptions/providers/read", "resources"),
    Route("POST", PROVIDER + "/register", providers.register, "{namespace}/register/action", "resources"),
    Route("POST", PROVIDER + "/unregister", providers.unregister, "{namespace}/unregister/action", "resources"),
    Route("GET", FEATURES + "/features", features.show_all, "Microsoft.Features/features/read", "features"),
    Route("GET", FEATURES + "/providers/{namespace}/features", features.show_all,
          "Microsoft.Features/providers/features/read", "features"),
    Route("GET", FLAG, features.show, "Microsoft.Features/providers/features/read", "features"),
    Route("POST", FLAG + "/register", features.register, "Microsoft.Features/providers/features/register/action",
          "features"),
    Route("POST", FLAG + "/unregister", features.unregister, "Microsoft.Features/providers/features/unregister/action",
          "features"),
    Route("GET", REGISTRATION, features.show_registration, f"{REGISTRATION_ACTION}/read", "features"),
    Route("PUT", REGISTRATION, features.put_registration, f"{REGISTRATION_ACTION}/write", "features"),
    Route("DELETE", REGISTRATION, features.delete_registration, f"{REGISTRATION_ACTION}/delete", "features"),
    # -- AKS
    _aks("GET", S + CLUSTERS, clusters.show_all, "managedClusters/read", "list_subscription"),
    _aks("GET", GROUP + CLUSTERS, clusters.show_all, "managedClusters/read", "list_group"),
    _aks("GET", CLUSTER, clusters.show, "managedClusters/read", "cluster_get"),
    _aks("PUT", CLUSTER, cluster_put.put, "managedClusters/write", "cluster_put"),
    _aks("PATCH", CLUSTER, clusters.patch, "managedClusters/write"),
    _aks("DELETE", CLUSTER, clusters.delete, "managedClusters/delete"),
    _aks("GET", CLUSTER + "/agentPools", clusters.pools, "managedClusters/agentPools/read"),
    _aks("GET", CLUSTER + "/agentPools/{pool}", clusters.pool, "managedClusters/agentPools/read"),
    _aks("GET", CLUSTER + "/upgradeProfiles/default", clusters.upgrade_profile, "managedClusters/upgradeProfiles/read"),
    _aks("POST", CLUSTER + "/listClusterUserCredential", clusters.user_credential,
         "managedClusters/listClusterUserCredential/action"),
    _aks("POST", CLUSTER + "/listClusterAdminCredential", clusters.admin_credential,
         "managedClusters/listClusterAdminCredential/action"),
    _aks("POST", CLUSTER + "/runCommand", run_command.post, "managedClusters/runcommand/action"),
    _aks("GET", CLUSTER + "/commandResults/{command}", run_command.result, "managedClusters/commandResults/read"),
    Route("GET", PLACE + "/operations/{operation}", _operation, f"{AKS}/locations/operations/read", "operations",
          "operation_get"),
    Route("GET", PLACE + "/operationresults/{operation}", _operation_result,
          f"{AKS}/locations/operationresults/read", "operations", "operation_get"),
    Route("GET", PLACE + "/orchestrators", orchestrators.show_all, f"{AKS}/locations/orchestrators/read",
          "orchestrators", "other"),
)  # fmt: skip
