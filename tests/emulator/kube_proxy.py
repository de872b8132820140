"""The provider's rules for kubeProxyConfig, as one table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from . import features
from .api_versions import has_kube_proxy, kube_proxy_modes
from .arm import Ask
from .refusals import RefusalError, refusal
from .wire import JsonObject

known_to = has_kube_proxy


def of(body: JsonObject) -> JsonObject | None:
    """The kubeProxyConfig of a body, or None."""
    network = body.get("properties", {}).get("networkProfile")
    found = network.get("kubeProxyConfig") if isinstance(network, dict) else None
    return found if isinstance(found, dict) else None


@dataclass(frozen=True)
class Facts:
    """What the rules look at."""

    config: JsonObject
    enabled: bool
    mode: str
    version: tuple[int, ...]
    network: JsonObject
    automatic: bool
    name: str
    group: str
    flag: bool
    after_release: bool  # release v20260717 has arrived
    api_version: str

    @property
    def cilium(self) -> bool:
        """AKS Automatic runs Cilium, too."""
        return str(self.network.get("networkDataplane", "")).lower() == "cilium" or self.automatic

    @property
    def byo_cni(self) -> bool:
        """Whether the user brings the CNI."""
        return str(self.network.get("networkPlugin", "")).lower() == "none"

    @property
    def ipvs_fields(self) -> list[str]:
        """The IPVS settings present."""
        return sorted(self.config.get("ipvsConfig") or {})

    @property
    def bad_timeout(self) -> str | None:
        """A timeout that is not positive."""
        ipvs = self.config.get("ipvsConfig") or {}
        return next((name for name, value in ipvs.items() if isinstance(value, int) and value <= 0), None)


def _needs(floor: tuple[int, ...]) -> Callable[[Facts], RefusalError]:
    return lambda facts: refusal(
        "KubernetesTooOld",
        mode=facts.mode,
        floor=".".join(map(str, (*floor, 0))),
        version=".".join(map(str, facts.version)),
    )


# (when it applies, what it answers); the first that applies wins. Sources: the AKS documentation.
RULES: tuple[tuple[Callable[[Facts], bool], Callable[[Facts], RefusalError]], ...] = (
    (
        lambda f: "mode" in f.config and f.mode not in kube_proxy_modes(f.api_version),
        lambda f: refusal(
            "InvalidParameter",
            field="networkProfile.kubeProxyConfig.mode",
            reason=f"'{f.mode}' is not one of {', '.join(kube_proxy_modes(f.api_version))}",
        ),
    ),
    (
        lambda f: f.mode != "IPVS" and bool(f.ipvs_fields),
        lambda f: refusal("KubeProxyConfigFieldUnsupported", fields=", ".join(f.ipvs_fields), mode=f.mode),
    ),
    (
        lambda f: f.bad_timeout is not None,
        lambda f: refusal(
            "InvalidParameter",
            field=f"networkProfile.kubeProxyConfig.ipvsConfig.{f.bad_timeout}",
            reason="it must be a positive integer",
        ),
    ),
    (lambda f: f.enabled and f.cilium, lambda _: refusal("CiliumDataplane")),
    # Since release 2025-04-27 disabling on BYO CNI needs no flag.
    (
        lambda f: not f.flag and (f.enabled or not f.byo_cni),
        lambda _: refusal("KubeProxyConfigFeatureNotRegistered"),
    ),
    (
        lambda f: not f.enabled and not f.byo_cni and not f.cilium,
        lambda f: refusal("KubeProxyConfigDisabledBYOCNIOnly", name=f.name, group=f.group),
    ),
    (lambda f: f.enabled and f.mode == "IPVS" and f.version < (1, 22), _needs((1, 22))),
    (lambda f: f.enabled and f.mode == "NFTABLES" and f.version < (1, 33) and f.after_release, _needs((1, 33))),
)


def check(ask: Ask, new: JsonObject, before: JsonObject | None) -> None:
    """Refuse what the provider refuses. `new`: the whole new body; `before`: the stored object."""
    world, config = ask.world, of(new)
    after_release = world.behaviour.release != "before"
    flag = features.acts(world, ask.subscription)
    if before is not None and not after_release and not flag:
        # Before release v20260717 a cluster with the object could not be updated at all without the flag.
        raise refusal("KubeProxyConfigFeatureNotRegistered")
    if config is None or _shown(config) == _shown(before):
        return
    properties = new["properties"]
    network = properties.get("networkProfile") or {}
    enabled = config.get("enabled", world.behaviour.missing_enabled == "enabled")
    facts = Facts(
        config=config,
        enabled=enabled,
        mode=config.get("mode", "IPTABLES"),
        version=_numbers(str(properties.get("currentKubernetesVersion") or properties.get("kubernetesVersion") or "")),
        network=network,
        automatic=str((new.get("sku") or {}).get("name", "")).lower() == "automatic",
        name=ask.values["name"],
        group=ask.values["group"],
        flag=flag,
        after_release=after_release,
        api_version=ask.api_version,
    )
    for applies, error in RULES:
        if applies(facts):
            raise error(facts)


def _shown(config: JsonObject | None) -> JsonObject | None:
    """What a GET shows of it: a client that sends that back changes nothing."""
    if config is None:
        return None
    return {key: value for key, value in config.items() if not (key == "enabled" and value is False)}


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
