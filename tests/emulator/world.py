"""All that the emulated Azure remembers. Only the server's thread touches it."""

from __future__ import annotations

import copy
import random
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from .api_versions import ApiVersions
from .clock import Clock
from .cluster_body import cluster_key
from .faults import FaultDesk
from .fleet import Fleet, Principal
from .kubernetes import rollout
from .kubernetes.settings import Settings
from .throttling import Throttle
from .wire import JsonObject

if TYPE_CHECKING:
    from .kubernetes.access import Issuer
    from .operations import Operation
    from .run_command import Command

FINAL_STATES = ("Succeeded", "Failed", "Canceled")


@dataclass
class Cluster:
    """One managed cluster. `body` is the truth, as the newest preview version would show it."""

    subscription: str
    group: str
    name: str
    body: JsonObject
    shows_etag: bool
    operation: Operation | None = None
    kubernetes: rollout.State = field(default_factory=rollout.State)

    @property
    def key(self) -> str:
        """The id in lower case."""
        return cluster_key(self.subscription, self.group, self.name)

    @property
    def properties(self) -> JsonObject:
        """The body's properties."""
        found: JsonObject = self.body["properties"]
        return found

    @property
    def pools(self) -> list[JsonObject]:
        """The agent pools."""
        return self.properties.get("agentPoolProfiles") or []

    @property
    def location(self) -> str:
        """The region, as ids spell it."""
        return str(self.body["location"]).replace(" ", "").lower()

    @property
    def state(self) -> str:
        """The provisioning state; a body that has none counts as settled."""
        return str(self.properties.get("provisioningState") or "Succeeded")

    def set_state(self, state: str) -> None:
        """Set the provisioning state of the cluster and of its pools: they move together (recorded traffic)."""
        self.properties["provisioningState"] = state
        for pool in self.pools:
            pool["provisioningState"] = state


@dataclass
class Feature:
    """One preview flag in one subscription."""

    state: str
    propagated: bool  # whether the provider acts on it; nobody can see this
    serial: int = 0  # counts changes, so that a timed step of an earlier one is dropped


class Network(Protocol):
    """What the world knows of the ports around it."""

    @property
    def url(self) -> str:
        """The cloud's address: ARM and sign-in alike."""

    @property
    def issuer(self) -> Issuer:
        """The authority behind the clusters' API servers."""

    def api_server(self, key: str) -> str:
        """Make the API server of a cluster, by key, and tell its address."""

    def refuse(self, seconds: float, key: str | None = None) -> None:
        """Refuse connections for some real seconds: to ARM and sign-in, or to a cluster's API server."""


@dataclass
class World:
    """The state of one emulated Azure."""

    fleet: Fleet
    clock: Clock
    seed: int
    network: Network
    specs: Path | None = None  # Microsoft's JSON schemas, where there are any
    clusters: dict[str, Cluster] = field(default_factory=dict)
    features: dict[tuple[str, str], Feature] = field(default_factory=dict)  # (subscription, name), lower case
    registered: set[tuple[str, str]] = field(default_factory=set)  # (subscription, namespace), lower case
    operations: dict[str, Operation] = field(default_factory=dict)
    log: list[JsonObject] = field(default_factory=list)
    kubernetes_log: list[JsonObject] = field(default_factory=list)
    commands: dict[str, Command] = field(default_factory=dict)
    ended: bool = False  # whether another world has taken its place
    groups: dict[tuple[str, str], JsonObject] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Derive the rest."""
        self.random = random.Random(self.seed)
        self.behaviour = self.fleet.behaviour
        self.versions = ApiVersions(self.behaviour.api_versions)
        self.throttle = Throttle(self.clock, self.behaviour.throttling)
        self.faults = FaultDesk(self.random)
        self.locks = list(self.fleet.locks)
        # Of the seed alone: tokens stay good when the emulator is reset.
        self.token_key = random.Random(f"tokens/{self.seed}").randbytes(32)
        for entry in self.fleet.clusters:
            body = copy.deepcopy(entry.body)
            state = rollout.State(Settings(**copy.deepcopy(entry.kubernetes)))
            cluster = Cluster(entry.subscription, entry.group, entry.name, body, "eTag" in body, kubernetes=state)
            self.add_cluster(cluster, age=rollout.MONTH)

    @property
    def url(self) -> str:
        """The cloud's address."""
        return self.network.url

    @property
    def issuer(self) -> Issuer:
        """The authority behind the clusters' API servers."""
        return self.network.issuer

    def add_cluster(self, cluster: Cluster, age: float = 0.0) -> None:
        """Take a cluster in that is `age` seconds old, and its resource group."""
        cluster.kubernetes.begin(self.clock.now(), age=age, wanted=self._template(cluster))
        self.clusters[cluster.key] = cluster
        self.groups.setdefault(
            (cluster.subscription.lower(), cluster.group.lower()),
            {
                "id": f"/subscriptions/{cluster.subscription}/resourceGroups/{cluster.group}",
                "name": cluster.group,
                "type": "Microsoft.Resources/resourceGroups",
                "location": cluster.location,
                "properties": {"provisioningState": "Succeeded"},
            },
        )

    def _template(self, cluster: Cluster) -> rollout.Template | None:
        return rollout.template(cluster.body, self.behaviour.missing_enabled)

    def roll_out(self, cluster: Cluster, moment: float) -> None:
        """Have kube-proxy's DaemonSet follow what the cluster's body says since `moment`."""
        cluster.kubernetes.follow(self._template(cluster), moment + self.behaviour.daemonset_seconds)

    def guid(self) -> str:
        """A GUID that depends on the seed and on what went before."""
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def renew_etags(self, cluster: Cluster) -> None:
        """Give cluster and pools new eTags, where the cluster shows any."""
        if cluster.shows_etag:
            cluster.body["eTag"] = self.guid()
            for pool in cluster.pools:
                pool["eTag"] = self.guid()

    def principal(self, client_id: str) -> Principal | None:
        """Find who may sign in with a client id."""
        return next((p for p in self.fleet.principals if p.client_id.lower() == client_id.lower()), None)

    def find_cluster(self, wanted: str) -> Cluster | None:
        """Find a cluster by resource id, or by name where only one has it."""
        if wanted.startswith("/"):
            return self.clusters.get(wanted.rstrip("/").lower())
        named = [c for c in self.clusters.values() if c.name.lower() == wanted.lower()]
        return named[0] if len(named) == 1 else None

    def feature_state(self, name: str, subscription: str | None = None) -> str:
        """The state of a flag, by its full name."""
        owner = subscription or next(iter(self.fleet.subscriptions))
        feature = self.features.get((owner.lower(), name.lower()))
        return feature.state if feature else "NotRegistered"

    def retry_hint(self) -> dict[str, str]:
        """The header that keeps real clients from sleeping 30 s a poll when time is compressed; AKS sends none."""
        if self.clock.speed == 1:
            return {}
        wall = self.clock.in_wall_seconds(self.behaviour.operation_seconds / 10)
        return {"x-ms-retry-after-ms": str(min(30_000, max(10, round(wall * 1000))) if wall else 50)}

    def summary(self) -> dict[str, Any]:
        """What the control plane shows at its root."""
        return {
            "clusters": [c.body["id"] for c in self.clusters.values()],
            "now": self.clock.now(),
            "speed": self.clock.speed,
            "seed": self.seed,
        }
