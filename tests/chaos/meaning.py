"""What configurations mean: another reading than the collection's own, so that the two check each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

WANTED = ("NFTABLES", None)
"""What stories ask for."""
RUNS = {"NFTABLES": {"nftables"}, "IPTABLES": {"iptables"}, "IPVS": {"ipvs"}, "disabled": set[str]()}
"""What nodes say that run a mode."""


def meaning(stored: Any) -> Any:
    """What a stored configuration means: never configured is iptables.

    https://learn.microsoft.com/azure/aks/configure-kube-proxy
    """
    if stored is None:
        return "IPTABLES", None
    if not stored.get("enabled"):
        return "disabled", None
    return stored.get("mode", "IPTABLES"), stored.get("ipvsConfig") if stored.get("mode") == "IPVS" else None


def configuration(body: Mapping[str, Any]) -> Any:
    """What a cluster's body means."""
    return meaning(body["properties"]["networkProfile"].get("kubeProxyConfig"))


def returned(config: Mapping[str, Any] | None) -> Any:
    """What a configuration means as modules, summaries and journals have it."""
    if config is None:
        return None
    if not config["enabled"]:
        return "disabled", None
    ipvs = config.get("ipvs_config") or None
    names = {
        "scheduler": "scheduler",
        "tcp_timeout_seconds": "tcpTimeoutSeconds",
        "tcp_fin_timeout_seconds": "tcpFinTimeoutSeconds",
        "udp_timeout_seconds": "udpTimeoutSeconds",
    }
    return config["mode"], {names[key]: value for key, value in ipvs.items() if value is not None} if ipvs and config[
        "mode"
    ] == "IPVS" else None
