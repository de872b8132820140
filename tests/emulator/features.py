"""Preview feature flags: registration, its slow states, and their propagation that nobody can see."""

from __future__ import annotations

from .arm import Ask
from .clock import timestamp
from .refusals import refusal
from .wire import Answer, JsonObject
from .world import Feature, World

KUBE_PROXY = "Microsoft.ContainerService/KubeProxyConfigurationPreview"
# Flags that exist in this cloud, besides those that a fleet names.
KNOWN = (
    KUBE_PROXY,
    "Microsoft.ContainerService/AutomaticSKUPreview",
    "Microsoft.ContainerService/NodeAutoProvisioningPreview",
    "Microsoft.ContainerService/EnableImageIntegrityPreview",
    "Microsoft.ContainerService/AKSNetworkingPreview",
)
TURNING = {"Registering": "Registered", "Unregistering": "Unregistered"}


def start(world: World) -> None:
    """Set the flags of the fleet. Those given as Registered act at once; a turning one goes on turning."""
    for subscription, flags in world.fleet.features.items():
        for name, state in flags.items():
            feature = Feature(state, propagated=state == "Registered")
            world.features[(subscription.lower(), name.lower())] = feature
            if state in TURNING:
                _turn(world, feature, state)


def acts(world: World, subscription: str, name: str = KUBE_PROXY) -> bool:
    """Tell whether the provider acts on a flag."""
    feature = world.features.get((subscription.lower(), name.lower()))
    return feature is not None and feature.propagated


def provider_refreshed(world: World, subscription: str, namespace: str) -> None:
    """Propagate the flags of a namespace that are Registered now; later ones need another refresh."""
    for (owner, name), feature in world.features.items():
        if owner == subscription.lower() and name.startswith(namespace.lower() + "/") and feature.state == "Registered":
            _later(world, feature, world.behaviour.propagation_seconds, propagated=True)


def _later(world: World, feature: Feature, seconds: float, *, propagated: bool) -> None:
    serial = feature.serial

    def act(_moment: float) -> None:
        if feature.serial == serial:
            feature.propagated = propagated

    world.clock.after(seconds, act)


def _turn(world: World, feature: Feature, state: str) -> None:
    feature.state = state
    feature.serial += 1
    serial = feature.serial

    def done(_moment: float) -> None:
        if feature.serial == serial:
            feature.state = TURNING[state]

    world.clock.after(world.behaviour.registration_seconds, done)


def _flag(ask: Ask) -> tuple[str, Feature]:
    """Find the flag of the path, by its name as first spelled."""
    world, wanted = ask.world, f"{ask.values['namespace']}/{ask.values['feature']}"
    named = [*KNOWN, *(name for flags in world.fleet.features.values() for name in flags)]
    spelled = next((name for name in named if name.lower() == wanted.lower()), None)
    if spelled is None:
        raise refusal("FeatureNotFound", feature=ask.values["feature"])
    key = (ask.subscription.lower(), spelled.lower())
    return spelled, world.features.setdefault(key, Feature("NotRegistered", propagated=False))


def _view(subscription: str, name: str, feature: Feature) -> JsonObject:
    namespace, _unused, short = name.partition("/")
    return {
        "properties": {"state": feature.state},
        "id": (f"/subscriptions/{subscription}/providers/Microsoft.Features/providers/{namespace}/features/{short}"),
        "type": "Microsoft.Features/providers/features",
        "name": name,
    }


def show(ask: Ask) -> Answer:
    """GET one flag."""
    name, feature = _flag(ask)
    return Answer(200, _view(ask.subscription, name, feature))


def show_all(ask: Ask) -> Answer:
    """GET the flags of a subscription, or of one namespace."""
    namespace = ask.values.get("namespace", "").lower()
    names = {name.lower(): name for name in KNOWN}
    for flags in ask.world.fleet.features.values():
        names.update({name.lower(): name for name in flags})
    shown = []
    for key, name in sorted(names.items()):
        if key.startswith(namespace):
            feature = ask.world.features.get((ask.subscription.lower(), key), Feature("NotRegistered", False))
            shown.append(_view(ask.subscription, name, feature))
    return Answer(200, {"value": shown})


def register(ask: Ask) -> Answer:
    """POST …/register: turns at once to Registering, or to Pending where somebody must approve."""
    name, feature = _flag(ask)
    if feature.state not in ("Registered", "Registering", "Pending"):
        if ask.world.behaviour.feature_approval == "manual":
            feature.state = "Pending"
            feature.serial += 1
        else:
            _turn(ask.world, feature, "Registering")
    return Answer(200, _view(ask.subscription, name, feature))


def unregister(ask: Ask) -> Answer:
    """POST …/unregister. The provider stops acting on the flag with the next propagation."""
    name, feature = _flag(ask)
    if feature.state not in ("NotRegistered", "Unregistered", "Unregistering"):
        _turn(ask.world, feature, "Unregistering")
        seconds = ask.world.behaviour.registration_seconds + ask.world.behaviour.propagation_seconds
        _later(ask.world, feature, seconds, propagated=False)
    return Answer(200, _view(ask.subscription, name, feature))


def _registration_view(ask: Ask, name: str, feature: Feature) -> JsonObject:
    namespace, _unused, short = name.partition("/")
    return {
        "properties": {
            "subscriptionId": ask.subscription,
            "featureName": short,
            "providerNamespace": namespace,
            "state": feature.state,
            "releaseDate": "2022-09-01T00:00:00Z",
            "approvalType": "AutoApproval" if ask.world.behaviour.feature_approval == "auto" else "ApprovalRequired",
            "registrationDate": timestamp(ask.world.clock.now()),
            "shouldFeatureDisplayInPortal": False,
        },
        "id": (
            f"/subscriptions/{ask.subscription}/providers/Microsoft.Features/featureProviders/{namespace}"
            f"/subscriptionFeatureRegistrations/{short}"
        ),
        "type": "Microsoft.Features/featureProviders/subscriptionFeatureRegistrations",
        "name": short,
    }


def show_registration(ask: Ask) -> Answer:
    """GET in the newer form."""
    name, feature = _flag(ask)
    return Answer(200, _registration_view(ask, name, feature))


def put_registration(ask: Ask) -> Answer:
    """PUT in the newer form: came back Registered at once (recorded)."""
    name, feature = _flag(ask)
    if feature.state != "Registered":
        feature.state = "Registered" if ask.world.behaviour.feature_approval == "auto" else "Pending"
        feature.serial += 1
    return Answer(200, _registration_view(ask, name, feature))


def delete_registration(ask: Ask) -> Answer:
    """DELETE in the newer form."""
    unregister(ask)
    return Answer(200)
