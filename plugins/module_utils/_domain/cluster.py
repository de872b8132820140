# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""A cluster as ARM answers it: the facts that decisions rest on, and the body that a switch sends.

Private to this collection. Pure: no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.kube_proxy import (
    KubeProxy,
    Unreadable,
    from_arm,
    to_arm,
)

PROVIDER = "Microsoft.ContainerService"
RESOURCE_TYPE = f"{PROVIDER}/managedClusters"

# https://learn.microsoft.com/azure/azure-resource-manager/management/async-operations: everything else is in progress.
FAILED_STATES = ("Failed", "Canceled")
FINAL_STATES = ("Succeeded", *FAILED_STATES)

# What the service calculates, from the models of azure-mgmt-containerservice: sent back, it would be ignored at best.
# Each entry is a path; "*" stands for every element of a list or every value of an object.
READ_ONLY = (
    ("eTag",),
    ("etag",),
    ("id",),
    ("name",),
    ("type",),
    ("systemData",),
    ("identity", "principalId"),
    ("identity", "tenantId"),
    ("identity", "userAssignedIdentities", "*", "principalId"),
    ("identity", "userAssignedIdentities", "*", "clientId"),
    ("properties", "provisioningState"),
    ("properties", "powerState"),
    ("properties", "maxAgentPools"),
    ("properties", "currentKubernetesVersion"),
    ("properties", "fqdn"),
    ("properties", "privateFQDN"),
    ("properties", "azurePortalFQDN"),
    ("properties", "resourceUID"),
    ("properties", "addonProfiles", "*", "identity"),
    ("properties", "httpProxyConfig", "effectiveNoProxy"),
    ("properties", "ingressProfile", "applicationLoadBalancer", "identity"),
    ("properties", "ingressProfile", "webAppRouting", "identity"),
    ("properties", "ingressProfile", "webAppRouting", "defaultDomain", "domainName"),
    ("properties", "oidcIssuerProfile", "issuerURL"),
    ("properties", "networkProfile", "loadBalancerProfile", "effectiveOutboundIPs"),
    ("properties", "networkProfile", "natGatewayProfile", "effectiveOutboundIPs"),
    ("properties", "networkProfile", "clusterAPIConnectivityProfile", "bastion", "bastionId"),
    ("properties", "podIdentityProfile", "userAssignedIdentities", "*", "provisioningInfo"),
    ("properties", "podIdentityProfile", "userAssignedIdentities", "*", "provisioningState"),
    ("properties", "privateLinkResources", "*", "privateLinkServiceID"),
    ("properties", "status", "provisioningError"),
    ("properties", "storageProfile", "diskCSIDriver", "quickAttachDetach", "identity"),
    ("properties", "agentPoolProfiles", "*", "eTag"),
    ("properties", "agentPoolProfiles", "*", "etag"),
    ("properties", "agentPoolProfiles", "*", "currentOrchestratorVersion"),
    ("properties", "agentPoolProfiles", "*", "localDNSProfile", "state"),
    ("properties", "agentPoolProfiles", "*", "provisioningState"),
    ("properties", "agentPoolProfiles", "*", "status", "provisioningError"),
)

# What is read of a cluster, where it is there: its path as above, and its form.
_OBJECTS = (
    ("sku",),
    ("tags",),
    ("properties",),
    ("properties", "networkProfile"),
    ("properties", "powerState"),
    ("properties", "agentPoolProfiles", "*"),
    ("properties", "apiServerAccessProfile"),
    ("properties", "aadProfile"),
)
_LISTS = (("properties", "agentPoolProfiles"),)
_TEXTS = (
    ("location",),
    ("eTag",),
    ("etag",),
    ("sku", "name"),
    ("tags", "*"),
    ("properties", "provisioningState"),
    ("properties", "powerState", "code"),
    ("properties", "currentKubernetesVersion"),
    ("properties", "kubernetesVersion"),
    ("properties", "nodeResourceGroup"),
    ("properties", "fqdn"),
    ("properties", "privateFQDN"),
    ("properties", "networkProfile", "networkPlugin"),
    ("properties", "networkProfile", "networkDataplane"),
    ("properties", "networkProfile", "networkPolicy"),
    *(
        ("properties", "agentPoolProfiles", "*", name)
        for name in (
            "name",
            "osType",
            "osSKU",
            "nodeImageVersion",
            "currentOrchestratorVersion",
            "orchestratorVersion",
            "provisioningState",
        )
    ),
)
FORMS: tuple[tuple[type, tuple[tuple[str, ...], ...]], ...] = ((dict, _OBJECTS), (list, _LISTS), (str, _TEXTS))

_RESOURCE_ID = re.compile(
    r"/subscriptions/(?P<subscription>[^/\s]+)/resourceGroups/(?P<group>[^/\s]+)"
    r"/providers/Microsoft\.ContainerService/managedClusters/(?P<name>[^/\s]+)/?",
    re.IGNORECASE,
)
_SUBSCRIPTION_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
_GROUP_NAME = re.compile(r"[-\w._()]{0,89}[-\w_()]")
_CLUSTER_NAME = re.compile(r"[a-zA-Z0-9](?:[-_a-zA-Z0-9]{0,61}[a-zA-Z0-9])?")


@dataclass(frozen=True)
class ClusterId:
    """Which cluster: its subscription, resource group and name."""

    subscription: str
    resource_group: str
    name: str

    def __str__(self) -> str:
        return (
            f"/subscriptions/{self.subscription}/resourceGroups/{self.resource_group}"
            f"/providers/{RESOURCE_TYPE}/{self.name}"
        )


def check_subscription(subscription: str) -> str:
    """The subscription id itself, when it is one.

    Raises:
        ValueError: it is not a GUID.
    """
    if not _SUBSCRIPTION_ID.fullmatch(subscription):
        raise ValueError(
            f"{subscription!r} is not a subscription id (a GUID such as 00000000-0000-0000-0000-000000000000)."
        )
    return subscription


def check_resource_group(name: str) -> str:
    """The resource group's name itself, when it can be one.

    Raises:
        ValueError: it has characters that no resource group's name has.
    """
    if not _GROUP_NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a resource group's name.")
    return name


def cluster_id(subscription: str, resource_group: str, name: str) -> ClusterId:
    """The cluster of these names, checked by Azure's naming rules so that none can bend the request's path.

    Raises:
        ValueError: names the part that is malformed.
    """
    check_subscription(subscription)
    check_resource_group(resource_group)
    if not _CLUSTER_NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of an AKS cluster (letters, digits, '-' and '_', 63 at most).")
    return ClusterId(subscription, resource_group, name)


def parse_resource_id(text: str) -> ClusterId:
    """Read an ARM resource id of a cluster, in whatever case ARM spells it.

    Raises:
        ValueError: it is not the id of a managed cluster; the message shows the form.
    """
    match = _RESOURCE_ID.fullmatch(text)
    if match is None:
        raise ValueError(
            f"{text!r} is not the resource id of an AKS cluster. It has the form /subscriptions/SUBSCRIPTION/"
            f"resourceGroups/GROUP/providers/{RESOURCE_TYPE}/NAME."
        )
    return cluster_id(match["subscription"], match["group"], match["name"])


@dataclass(frozen=True)
class Pool:
    """A node pool, as far as the rules look at it."""

    name: str
    os_type: str
    os_sku: str
    node_image: str
    version: str
    goal_version: str
    state: str


@dataclass(frozen=True)
class Cluster:
    """A managed cluster as ARM answered it; never altered.

    Attributes:
        body: the whole JSON.
        asked_wait: after how many seconds the service asks to be polled again, if it does (AKS itself does not).
    """

    body: Mapping[str, Any]
    asked_wait: float | None = None

    @property
    def properties(self) -> Mapping[str, Any]:
        """The C(properties) object."""
        return self.body.get("properties") or {}

    @property
    def network(self) -> Mapping[str, Any]:
        """The C(networkProfile) object."""
        return self.properties.get("networkProfile") or {}

    @property
    def id(self) -> ClusterId:
        """Its identity, whatever the case of the id's words."""
        return parse_resource_id(self.body["id"])

    @property
    def name(self) -> str:
        """Its name."""
        return self.id.name

    @property
    def kube_proxy(self) -> KubeProxy:
        """Its kube-proxy configuration, normalised."""
        return from_arm(self.network)

    @property
    def etag(self) -> str | None:
        """Its eTag, which only stands in the body, and not in every API version."""
        return self.body.get("eTag") or self.body.get("etag")

    @property
    def provisioning_state(self) -> str:
        """What its last operation came to, or is doing."""
        return str(self.properties.get("provisioningState") or "Succeeded")

    @property
    def in_progress(self) -> bool:
        """Whether an operation is running on it or on one of its pools, which keeps Azure from taking another."""
        return bool(self.activity)

    @property
    def activity(self) -> str:
        """What is running on it, in the words of Azure's refusals; empty when nothing is."""
        if self.provisioning_state not in FINAL_STATES:
            return self.provisioning_state
        return ", ".join(f"{pool.name} - {pool.state}" for pool in self.pools if pool.state not in FINAL_STATES)

    @property
    def ended_badly(self) -> bool:
        """Whether its last operation did not succeed."""
        return self.provisioning_state in FAILED_STATES

    @property
    def power_state(self) -> str:
        """C(Running) or C(Stopped)."""
        return str((self.properties.get("powerState") or {}).get("code") or "Running")

    @property
    def version(self) -> str:
        """The Kubernetes version that runs; C(kubernetesVersion) may be an alias such as 1.35, or ahead."""
        return str(self.properties.get("currentKubernetesVersion") or self.goal_version)

    @property
    def goal_version(self) -> str:
        """The Kubernetes version that is asked for."""
        return str(self.properties.get("kubernetesVersion") or "")

    @property
    def sku(self) -> str:
        """C(Base) or C(Automatic)."""
        return str((self.body.get("sku") or {}).get("name") or "Base")

    @property
    def machines(self) -> str:
        """The resource group of its machines, as a path in ARM; empty when not known."""
        group = self.properties.get("nodeResourceGroup")
        return f"/subscriptions/{self.id.subscription}/resourceGroups/{group}" if group else ""

    @property
    def tags(self) -> Mapping[str, str]:
        """Its tags."""
        return self.body.get("tags") or {}

    @property
    def pools(self) -> list[Pool]:
        """Its node pools."""
        return [
            Pool(
                name=str(pool.get("name") or ""),
                os_type=str(pool.get("osType") or "Linux"),
                os_sku=str(pool.get("osSKU") or ""),
                node_image=str(pool.get("nodeImageVersion") or ""),
                version=str(pool.get("currentOrchestratorVersion") or pool.get("orchestratorVersion") or ""),
                goal_version=str(pool.get("orchestratorVersion") or ""),
                state=str(pool.get("provisioningState") or "Succeeded"),
            )
            for pool in self.properties.get("agentPoolProfiles") or []
        ]


def read_body(body: Any) -> Cluster:
    """A cluster, when this is one: what looks like one only in part must not be decided on, let alone sent back.

    Raises:
        ValueError: it is none, or something that is read of it has another form than Azure documents.
    """
    properties = body.get("properties") if isinstance(body, dict) else None
    if not isinstance(properties, dict) or not body.get("location") or not isinstance(body.get("id"), str):
        raise ValueError("what Azure answered is not an AKS cluster. Is a proxy in between?")
    try:
        name = parse_resource_id(body["id"]).name
    except ValueError:
        raise ValueError("what Azure answered is not an AKS cluster. Is a proxy in between?") from None
    strange = _strange(body)
    if strange:
        raise ValueError(
            f"what Azure answered of the cluster {name} cannot be understood: {strange} Nothing is decided on it. A "
            "newer release of aks.kube_proxy may know this form."
        )
    return Cluster(body)


def _strange(body: dict[str, Any]) -> str:
    """What is of another form than Azure documents, in a sentence; empty where nothing is."""
    for form, paths in FORMS:
        for path in paths:
            for value in _values(body, path):
                if value is not None and not isinstance(value, form):
                    return f"'{'.'.join(path)}' is {value!r:.60}."
    try:
        from_arm(body["properties"].get("networkProfile"))
    except Unreadable as error:
        return str(error)
    return ""


def _values(value: Any, path: tuple[str, ...]) -> Iterator[Any]:
    """What stands at a path."""
    if not path:
        yield value
    elif path[0] == "*":
        for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            yield from _values(item, path[1:])
    elif isinstance(value, dict):
        yield from _values(value.get(path[0]), path[1:])


def version_tuple(version: str) -> tuple[int, int]:
    """Major and minor of a Kubernetes version; (0, 0) when it cannot be read."""
    match = re.match(r"v?(\d+)\.(\d+)", version)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def reaches(version: str, goal: str) -> bool:
    """Whether a version is the goal, which may be an alias: 1.35.5 reaches 1.35, 1.34.9 does not."""
    return not goal or version == goal or version.startswith(f"{goal}.")


def switch_body(cluster: Cluster, config: KubeProxy) -> dict[str, Any]:
    """The body to PUT: the cluster as it came, without what is read-only and null, with this configuration.

    A PUT replaces the resource, so whatever this collection does not know has to travel along untouched.
    """
    body: dict[str, Any] = _without_nulls(cluster.body)
    for path in READ_ONLY:
        _remove(body, path)
    network = body.setdefault("properties", {}).setdefault("networkProfile", {})
    for key in [key for key in network if key.casefold() == "kubeproxyconfig"]:
        del network[key]
    network["kubeProxyConfig"] = _without_nulls(to_arm(config))
    return body


def _without_nulls(value: Any) -> Any:
    """A copy, down to the last list, without the properties that are null."""
    if isinstance(value, Mapping):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value


def _remove(value: Any, path: tuple[str, ...]) -> None:
    head, *rest = path
    if head == "*":
        for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            _remove(item, tuple(rest))
    elif isinstance(value, dict):
        if rest:
            _remove(value.get(head), tuple(rest))
        else:
            value.pop(head, None)
