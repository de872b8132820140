"""The body that a switch sends: for any cluster, everything except the kube-proxy configuration is as it came."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.cluster import READ_ONLY, Cluster, switch_body
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.kube_proxy import KubeProxy, from_arm, to_arm
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.domain.builders import JSON, KEYS, MAPS, body, cluster, pool

Path_ = tuple[str, ...]
SPECS = Path(__file__).resolve().parents[4] / "shared" / "specs"
NFTABLES = KubeProxy(mode="NFTABLES", configured=True)
CONFIGURATIONS = st.sampled_from(
    [
        NFTABLES,
        KubeProxy(enabled=False, mode=None, configured=True),
        KubeProxy(mode="IPVS", ipvs={"scheduler": "RoundRobin"}, configured=True),
        KubeProxy(mode="IPTABLES", configured=True, unknown={"newThing": {"a": None, "b": [1]}}),
    ]
)


def objects(**known: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with anything in them, and often with these properties."""
    return st.builds(lambda new, old: {**new, **old}, MAPS, st.fixed_dictionaries({}, optional=known))


# Bodies in the shape of a cluster wherever something read-only can stand, with anything else in every place.
IDENTITIES = st.none() | st.dictionaries(KEYS, objects(principalId=JSON, clientId=JSON), max_size=2)
OUTBOUND = st.none() | objects(effectiveOutboundIPs=JSON)
POOLS = st.lists(
    objects(
        eTag=JSON,
        etag=JSON,
        currentOrchestratorVersion=JSON,
        provisioningState=JSON,
        powerState=JSON,
        status=st.none() | objects(provisioningError=JSON),
        localDNSProfile=objects(state=JSON),
        tags=MAPS,
    ),
    max_size=2,
)
NETWORKS = objects(
    kubeProxyConfig=JSON,
    KubeProxyConfig=JSON,
    loadBalancerProfile=OUTBOUND,
    natGatewayProfile=OUTBOUND,
    networkPlugin=st.text(max_size=4),
)
PROPERTIES = objects(
    networkProfile=st.none() | NETWORKS,
    agentPoolProfiles=st.none() | POOLS,
    addonProfiles=st.none() | st.dictionaries(KEYS, objects(identity=JSON, config=MAPS), max_size=2),
    oidcIssuerProfile=st.none() | objects(issuerURL=JSON),
    podIdentityProfile=objects(userAssignedIdentities=st.lists(objects(provisioningInfo=JSON), max_size=2)),
    identityProfile=MAPS,
)
BODIES = objects(
    properties=st.none() | PROPERTIES,
    identity=st.none() | objects(principalId=JSON, userAssignedIdentities=IDENTITIES),
    tags=MAPS,
    systemData=MAPS,
    sku=MAPS,
)


def leaves(value: Any, path: Path_ = ()) -> Iterator[tuple[Path_, Any]]:
    """Every place of a JSON value: scalars with their value, containers with their kind, so that empty ones count."""
    if isinstance(value, dict):
        yield path, dict
        for key, item in value.items():
            yield from leaves(item, (*path, f".{key}"))
    elif isinstance(value, list):
        yield path, len(value)
        for number, item in enumerate(value):
            yield from leaves(item, (*path, str(number)))
    else:
        yield path, (type(value), value)


def fits(path: Path_, pattern: Path_) -> bool:
    """Whether a place lies at or below a pattern; C(*) is any step, everything else a property."""
    return len(path) >= len(pattern) and all(
        step in ("*", place[1:] if place.startswith(".") else None) for place, step in zip(path, pattern, strict=False)
    )


def expected(value: Any) -> dict[Path_, Any]:
    """The places that a PUT has to carry: all but the three exceptions, each told by its path alone."""
    whole = list(leaves(value))
    nulls = [path for path, leaf in whole if leaf == (type(None), None) and path[-1].startswith(".")]
    network = (".properties", ".networkProfile")
    return {
        path: leaf
        for path, leaf in whole
        if not any(fits(path, pattern) for pattern in READ_ONLY)
        and not any(path[: len(null)] == null for null in nulls)
        and not (path[:2] == network and len(path) > 2 and path[2].casefold() == ".kubeproxyconfig")
    }


def usable(value: dict[str, Any]) -> dict[str, Any]:
    """The same body with a kubeProxyConfig that is an object, as Azure's is."""
    network = (value.get("properties") or {}).get("networkProfile") or {}
    for key in network:
        if key.casefold() == "kubeproxyconfig" and not isinstance(network[key], dict):
            network[key] = {"enabled": True, "mode": "IPTABLES"}
    return value


@given(BODIES.map(usable), CONFIGURATIONS)
def test_everything_but_the_configuration_travels_untouched(made: dict[str, Any], config: KubeProxy) -> None:
    before = copy.deepcopy(made)
    sent = switch_body(Cluster(made), config)
    assert made == before, "the input was altered"

    network = sent["properties"]["networkProfile"]
    assert [key for key in network if key.casefold() == "kubeproxyconfig"] == ["kubeProxyConfig"]
    assert from_arm(network).target == config.target
    places = dict(leaves(sent))
    assert not [path for path, leaf in places.items() if leaf == (type(None), None) and path[-1].startswith(".")]
    carried = {
        path: leaf
        for path, leaf in places.items()
        if path[:3] != (".properties", ".networkProfile", ".kubeProxyConfig")
    }
    # a cluster without a networkProfile gets one, for the configuration to stand in
    assert carried == {**expected(made), (".properties",): dict, (".properties", ".networkProfile"): dict}


def test_what_was_sent_can_be_altered_without_harm() -> None:
    made = body(kube_proxy={"enabled": True, "mode": "IPVS", "newThing": {"list": [1]}}, tags={"a": "b"})
    before = copy.deepcopy(made)
    sent = switch_body(Cluster(made), Cluster(made).kube_proxy)
    sent["tags"]["a"] = "changed"
    sent["properties"]["agentPoolProfiles"][0]["name"] = "changed"
    sent["properties"]["networkProfile"]["kubeProxyConfig"]["newThing"]["list"].append(2)
    assert made == before


def test_names_of_read_only_properties_stay_where_they_mean_something_else() -> None:
    tags = {"id": "1", "provisioningState": "x", "eTag": "y", "type": "z", "powerState": "p"}
    made = body(tags=tags, pools=[pool(tags=tags, powerState={"code": "Running"}, type="VirtualMachineScaleSets")])
    sent = switch_body(Cluster(made), NFTABLES)
    (sent_pool,) = sent["properties"]["agentPoolProfiles"]
    assert sent["tags"] == sent_pool["tags"] == tags
    assert sent_pool["powerState"] == {"code": "Running"}
    assert (sent_pool["name"], sent_pool["type"]) == ("system", "VirtualMachineScaleSets")


def test_user_assigned_identities_stay_as_names() -> None:
    made = body()
    made["identity"] = {
        "type": "UserAssigned",
        "tenantId": "t",
        "userAssignedIdentities": {"/subscriptions/x": {"clientId": "c", "principalId": "p"}},
    }
    sent = switch_body(Cluster(made), NFTABLES)
    assert sent["identity"] == {"type": "UserAssigned", "userAssignedIdentities": {"/subscriptions/x": {}}}


def test_the_configuration_is_sent_whole() -> None:
    old = {"enabled": True, "mode": "IPVS", "ipvsConfig": {"scheduler": "RoundRobin"}}
    sent = switch_body(cluster(kube_proxy=old, network={"networkPolicy": "calico"}), NFTABLES)
    assert sent["properties"]["networkProfile"] == {
        "networkPlugin": "azure",
        "networkPolicy": "calico",
        "kubeProxyConfig": to_arm(NFTABLES),
    }


# What az and Microsoft's models leave out of a PUT: https://github.com/Azure/azure-rest-api-specs, ManagedCluster with
# "readOnly", and how eTag was spelled in 2024. By the object that it stands in.
LEFT_OUT = {
    "": "eTag etag id name type systemData",
    "identity": "principalId tenantId",
    "identity.userAssignedIdentities.*": "principalId clientId",
    "properties": (
        "provisioningState powerState maxAgentPools currentKubernetesVersion fqdn privateFQDN azurePortalFQDN "
        "resourceUID"
    ),
    "properties.addonProfiles.*": "identity",
    "properties.httpProxyConfig": "effectiveNoProxy",
    "properties.ingressProfile.applicationLoadBalancer": "identity",
    "properties.ingressProfile.webAppRouting": "identity",
    "properties.ingressProfile.webAppRouting.defaultDomain": "domainName",
    "properties.oidcIssuerProfile": "issuerURL",
    "properties.networkProfile.loadBalancerProfile": "effectiveOutboundIPs",
    "properties.networkProfile.natGatewayProfile": "effectiveOutboundIPs",
    "properties.networkProfile.clusterAPIConnectivityProfile.bastion": "bastionId",
    "properties.podIdentityProfile.userAssignedIdentities.*": "provisioningInfo provisioningState",
    "properties.privateLinkResources.*": "privateLinkServiceID",
    "properties.status": "provisioningError",
    "properties.storageProfile.diskCSIDriver.quickAttachDetach": "identity",
    "properties.agentPoolProfiles.*": "eTag etag currentOrchestratorVersion provisioningState",
    "properties.agentPoolProfiles.*.localDNSProfile": "state",
    "properties.agentPoolProfiles.*.status": "provisioningError",
}
PATHS = [(*filter(None, place.split(".")), name) for place, names in LEFT_OUT.items() for name in names.split()]


def test_nothing_else_is_read_only() -> None:
    assert sorted(READ_ONLY) == sorted(PATHS)


@pytest.mark.parametrize("path", PATHS, ids=".".join)
def test_each_read_only_path_is_dropped(path: Path_) -> None:
    """In lists and in objects alike, and what stands beside it stays."""
    places = [("0" if step == "*" else step) for step in path]
    made: dict[str, Any] = {}
    here = made
    for step in places[:-1]:
        here["beside"] = 1
        here = here.setdefault(step, {})
    here.update({places[-1]: {"calculated": 1}, "beside": 1})
    sent: Any = switch_body(Cluster(made), NFTABLES)
    for step in places[:-1]:
        assert sent["beside"] == 1
        sent = sent[step]
    assert places[-1] not in sent
    assert sent["beside"] == 1


# --- the table against what Microsoft publishes ---


def read_only_in_models(name: str, path: Path_ = (), above: Path_ = ()) -> Iterator[Path_]:
    """The paths that the SDK's model of this name marks as read by clients only."""
    models = pytest.importorskip("azure.mgmt.containerservice.models")
    model: Any = getattr(models, name, None)
    if name in above or not hasattr(model, "_deserialize"):
        return
    fields = model.__new__(model)._attr_to_rest_field
    annotations = [item for kind in model.__mro__ for item in vars(kind).get("__annotations__", {}).items()]
    for attribute, annotation in annotations:
        if attribute not in fields:
            continue
        field = fields[attribute]
        here = (*path, field._rest_name)
        if field._visibility == ["read"]:
            yield here
            continue
        star = ("*",) if re.search(r"\b(list|dict)\[", str(annotation), re.IGNORECASE) else ()
        for inner in re.findall(r"_models\.(\w+)", str(annotation)):
            yield from read_only_in_models(inner, (*here, *star), (*above, name))


def test_all_that_the_sdk_never_sends_is_in_the_table() -> None:
    """The newest official client leaves these out of every PUT."""
    pytest.importorskip("azure.mgmt.containerservice.models", reason="the official client is not installed")
    from azure.mgmt.containerservice import models

    if not hasattr(models.ManagedCluster, "_deserialize"):
        pytest.skip("this release of the official client has older models")
    marked = set(read_only_in_models("ManagedCluster"))
    assert len(marked) > 20, "the models are not read as they should be"
    assert marked <= set(READ_ONLY)


def resolve(schema: dict[str, Any], node: Any, path: Path_) -> bool:
    """Whether a schema lets a client write something at the path."""
    choices = [node, *(node.get("oneOf") or ())]
    for choice in choices:
        local, _unused, name = str(choice.get("$ref", "")).rpartition("/")
        if local == "#/definitions" and resolve(schema, schema["definitions"][name], path):
            return True
        if not path:
            return True
        step, rest = path[0], path[1:]
        inner = (choice.get("properties") or {}).get(step)
        if step == "*":
            inner = choice.get("items") or choice.get("additionalProperties")
        if isinstance(inner, dict) and resolve(schema, inner, rest):
            return True
    return False


# What a GET answered in June 2026 beside the writable properties: seen in recorded traffic of 2026-05-02-preview.
SEEN_IN_2026 = (
    "provisioningState",
    "powerState",
    "kubernetesVersion",
    "currentKubernetesVersion",
    "dnsPrefix",
    "fqdn",
    "azurePortalFQDN",
    "agentPoolProfiles",
    "linuxProfile",
    "windowsProfile",
    "servicePrincipalProfile",
    "nodeResourceGroup",
    "enableRBAC",
    "supportPlan",
    "networkProfile",
    "maxAgentPools",
    "identityProfile",
    "autoUpgradeProfile",
    "disableLocalAccounts",
    "securityProfile",
    "storageProfile",
    "oidcIssuerProfile",
    "nodeDisruptionProfile",
    "workloadAutoScalerProfile",
    "metricsProfile",
    "resourceUID",
    "nodeProvisioningProfile",
    "bootstrapProfile",
    "hostedSystemProfile",
    "enableFIPS",
    "healthMonitorProfile",
)


@pytest.mark.skipif(not SPECS.is_dir(), reason="Microsoft's schemas are not beside this checkout")
def test_the_schema_of_what_can_be_written_agrees() -> None:
    """Template schemas hold what can be written only: nothing of that may be dropped, and all else has to be.

    The name and the type are part of a template, but of a PUT's path. The controlPlanePluginProfiles, which previews
    answer with too, are neither in the schema nor marked as read-only anywhere, so they travel as they came.
    """
    newest = max(SPECS.glob("Microsoft.ContainerService.Aks-*.json"))
    schema = json.loads(newest.read_text())
    root = schema["resourceDefinitions"]["managedClusters"]
    assert resolve(schema, root, ("properties", "networkProfile", "kubeProxyConfig", "mode"))
    assert not resolve(schema, root, ("properties", "networkProfile", "noSuchThing"))
    assert [path for path in READ_ONLY if resolve(schema, root, path)] == [("name",), ("type",)]
    unwritable = {name for name in SEEN_IN_2026 if not resolve(schema, root, ("properties", name))}
    assert unwritable == {path[1] for path in READ_ONLY if path[0] == "properties" and len(path) == 2} & set(
        SEEN_IN_2026
    )
