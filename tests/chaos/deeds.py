"""What happens to clusters beside the rollout: other people, the autoscaler, broken nodes; and how it is mended."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.chaos.witness import Witness
from tests.emulator import Emulator
from tests.emulator.checks import FleetError

HOURS = 7200.0
"""Emulated seconds in which every operation ends."""
ABORTED = {"properties": {"provisioningState": "Failed", "agentPoolProfiles": {"*": {"provisioningState": "Failed"}}}}
"""What C(az aks operation-abort) leaves."""
_RUNNING = {"powerState": {"code": "Running"}}
RUNNING = {"properties": {**_RUNNING, "agentPoolProfiles": {"*": _RUNNING}}}
HEALTHY = {"api": "ok", "stuck_nodes": 0, "lying_nodes": 0, "crashing_nodes": 0}
VOLATILE = ("provisioningState", "eTag", "systemData", "kubeProxyConfig")
CHANGED_UNDERNEATH = "changed_underneath"
"""The emulator's fault with which somebody changes a cluster just before a PUT of it is looked at."""


def not_ours(body: Any) -> Any:
    """A cluster's body without kube-proxy's configuration, and without what every write changes."""
    if isinstance(body, dict):
        left = {key: not_ours(value) for key, value in body.items() if key not in VOLATILE}
        if not left.get("tags"):
            left.pop("tags", None)
        if "loadBalancerSku" in left:
            left["loadBalancerSku"] = left["loadBalancerSku"].lower()  # which Azure spells now so, now so
        return left
    return [not_ours(value) for value in body] if isinstance(body, list) else body


class Neighbours:
    """Everybody but the rollout, over one story.

    Attributes:
        there: names of the clusters that have not been deleted.
        differences: what has changed without them.
    """

    def __init__(self, azure: Emulator, names: Sequence[str], witness: Witness) -> None:
        self.azure, self._witness = azure, witness
        self.there = list(names)
        self.differences: list[str] = []
        self._known = {name: not_ours(azure.cluster(name)) for name in names}

    def bodies(self) -> dict[str, Any]:
        """The clusters' bodies by name."""
        return {name: self.azure.cluster(name) for name in self.there}

    def modes(self) -> dict[str, set[str]]:
        """The modes that the nodes of each cluster run, by its name."""
        return {name: self.azure.proxy_modes(name) for name in self.there}

    def taken(self) -> list[str]:
        """What has changed without them since last time."""
        self._compare()
        found, self.differences = self.differences, []
        return found

    def _compare(self) -> None:
        for name, body in self.bodies().items():
            now = not_ours(body)
            if now != self._known[name] and now not in self._underneath(name):
                self.differences.append(f"{name}: {difference(self._known[name], now)}")
            self._known[name] = now

    def _underneath(self, name: str) -> list[Any]:
        """What a cluster was when PUTs arrived just after somebody had changed it."""
        found = [one for one in self._witness.arrivals if one.cluster == name and CHANGED_UNDERNEATH in one.faults]
        return [not_ours(one.stored) for one in found]

    def do(self, deed: str, cluster: str, arguments: Mapping[str, Any]) -> bool:
        """Do one of the deeds below; whether it was possible."""
        if cluster not in self.there:
            return False
        self._compare()
        table: dict[str, Callable[..., None]] = {
            "stop_cluster": self._stop,
            "delete_cluster": self._delete,
            "lock": self._lock,
            "scale": self._scale,
            "begin_operation": self._begin_operation,
            "change_inside": self._change_inside,
            "advance": lambda _cluster, seconds: self.azure.advance(seconds),
            "jump": lambda _cluster, seconds: self.azure.jump(seconds),
            "refuse": lambda _cluster, seconds: self.azure.refuse(seconds),
        }
        try:
            table[deed](cluster, **arguments)
        except FleetError:  # such as a second operation, which Azure would not take
            return False
        if cluster in self.there:
            self._known[cluster] = not_ours(self.azure.cluster(cluster))
        return True

    def mend(self) -> None:
        """Take everything back that would keep a run from its end; let time pass until no operation runs."""
        self.azure.clear_faults()
        self.azure.advance(HOURS)
        for name in self.there:
            self.azure.unlock(name)
            body = self.azure.cluster(name)
            if body["properties"]["provisioningState"] not in ("Succeeded", "Failed", "Canceled"):
                self._patch(name, ABORTED)
            if body["properties"]["powerState"]["code"] != "Running":
                self._patch(name, RUNNING)
            self.azure.change_kubernetes(name, HEALTHY)
        self.azure.advance(HOURS)

    def _patch(self, cluster: str, patch: Mapping[str, Any]) -> None:
        self._compare()
        self._known[cluster] = not_ours(self.azure.change_cluster(cluster, dict(patch)))

    def _stop(self, cluster: str) -> None:
        self._compare()
        self.azure.stop_cluster(cluster)

    def _delete(self, cluster: str) -> None:
        self.azure.delete_cluster(cluster)
        self.there.remove(cluster)

    def _lock(self, cluster: str) -> None:
        self.azure.lock(cluster)

    def _scale(self, cluster: str) -> None:
        count = self.azure.cluster(cluster)["properties"]["agentPoolProfiles"][0]["count"]
        self._patch(cluster, {"properties": {"agentPoolProfiles": {"*": {"count": count + 1}}}})

    def _begin_operation(self, cluster: str, seconds: float) -> None:
        self.azure.begin_operation(cluster, seconds=seconds)

    def _change_inside(self, cluster: str, **settings: Any) -> None:
        self.azure.change_kubernetes(cluster, settings)


def difference(known: Any, now: Any, path: str = "") -> str:
    """Where two bodies first differ; empty where they do not. What is null is not there."""
    if known == now:
        return ""
    if isinstance(known, dict) and isinstance(now, dict):
        for key in sorted({*known, *now}):
            if found := difference(known.get(key), now.get(key), f"{path}.{key}"):
                return found
        return ""
    if isinstance(known, list) and isinstance(now, list) and len(known) == len(now):
        for index, (one, other) in enumerate(zip(known, now, strict=True)):
            if found := difference(one, other, f"{path}[{index}]"):
                return found
        return ""
    return f"{path.lstrip('.')} was {known!r}, is {now!r}"
