"""Resource providers: what they offer, and their registration."""

from __future__ import annotations

from .api_versions import FEATURE_VERSIONS, LOCATIONS, RESOURCE_VERSIONS, is_preview
from .arm import Ask
from .features import provider_refreshed
from .refusals import refusal
from .wire import Answer, JsonObject
from .world import World

AKS = "Microsoft.ContainerService"
# Resource types of the AKS provider -> the family of their API versions.
AKS_TYPES = {
    "managedClusters": "aks",
    "managedClusters/agentPools": "aks",
    "locations": "operations",
    "locations/operations": "operations",
    "locations/operationresults": "operations",
    "locations/orchestrators": "orchestrators",
    "operations": "aks",
}
# The other namespaces that exist here; only these few, without their types.
OTHERS = {
    "Microsoft.Features": FEATURE_VERSIONS,
    "Microsoft.Resources": RESOURCE_VERSIONS,
    "Microsoft.Authorization": RESOURCE_VERSIONS,
    "Microsoft.Compute": ("2025-04-01",),
    "Microsoft.Network": ("2025-01-01",),
    "Microsoft.Storage": ("2025-01-01",),
    "Microsoft.ManagedIdentity": ("2024-11-30",),
    "Microsoft.OperationalInsights": ("2025-02-01",),
}
OPEN = {"microsoft.features", "microsoft.resources", "microsoft.authorization"}  # need no registration


def start(world: World) -> None:
    """Register what a subscription in use has registered."""
    for subscription in world.fleet.subscriptions:
        for namespace in OTHERS:
            world.registered.add((subscription.lower(), namespace.lower()))
        if world.behaviour.registered_provider:
            world.registered.add((subscription.lower(), AKS.lower()))


def _namespace(ask: Ask) -> str:
    wanted = ask.values["namespace"]
    found = next((name for name in (AKS, *OTHERS) if name.lower() == wanted.lower()), None)
    if found is None:
        raise refusal("InvalidResourceNamespace", namespace=wanted)
    return found


def _view(world: World, subscription: str, namespace: str, registering: bool = False) -> JsonObject:
    registered = (subscription.lower(), namespace.lower()) in world.registered
    if namespace == AKS:
        types = [
            {
                "resourceType": kind,
                "locations": list(LOCATIONS),
                "apiVersions": list(world.versions.offered(family)),
                "defaultApiVersion": next((v for v in world.versions.offered(family) if not is_preview(v)), None),
                "capabilities": "SupportsTags, SupportsLocation" if kind == "managedClusters" else "None",
            }
            for kind, family in AKS_TYPES.items()
        ]
    else:
        types = [{"resourceType": "operations", "locations": [], "apiVersions": list(OTHERS[namespace])}]
    return {
        "id": f"/subscriptions/{subscription}/providers/{namespace}",
        "namespace": namespace,
        "resourceTypes": types,
        "registrationState": "Registering" if registering else "Registered" if registered else "NotRegistered",
        "registrationPolicy": "RegistrationFree" if namespace.lower() in OPEN else "RegistrationRequired",
    }


def show(ask: Ask) -> Answer:
    """GET one provider."""
    return Answer(200, _view(ask.world, ask.subscription, _namespace(ask)))


def show_all(ask: Ask) -> Answer:
    """GET all providers."""
    return Answer(200, {"value": [_view(ask.world, ask.subscription, name) for name in (AKS, *OTHERS)]})


def register(ask: Ask) -> Answer:
    """POST …/register: registers, and propagates the flags that are Registered by now.

    A provider that is registered already keeps showing Registered, so the propagation cannot be seen.
    """
    namespace = _namespace(ask)
    key = (ask.subscription.lower(), namespace.lower())
    provider_refreshed(ask.world, ask.subscription, namespace)
    first = key not in ask.world.registered
    if first:
        ask.world.clock.after(ask.world.behaviour.registration_seconds, lambda _: ask.world.registered.add(key))
    return Answer(200, _view(ask.world, ask.subscription, namespace, registering=first))


def unregister(ask: Ask) -> Answer:
    """POST …/unregister."""
    namespace = _namespace(ask)
    ask.world.registered.discard((ask.subscription.lower(), namespace.lower()))
    return Answer(200, _view(ask.world, ask.subscription, namespace))
