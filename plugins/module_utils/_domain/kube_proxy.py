# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The kube-proxy configuration of a cluster: what Azure answers, what a user asks for, what to send.

Private to this collection. Pure: no I/O.

Azure stores C(properties.networkProfile.kubeProxyConfig) as it was sent and reads it back in three states:

* no such property: never configured, so AKS's defaults hold: kube-proxy runs in iptables mode;
* an empty object: disabled (the answer to C({"enabled": false}), https://github.com/Azure/azure-rest-api-specs/issues/22208);
* an object with content: what was last sent. Where C(enabled) is missing from it, it is taken as disabled, as in
  the empty object: the service drops a false value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

IPTABLES = "IPTABLES"
IPVS = "IPVS"
NFTABLES = "NFTABLES"
DISABLED = "DISABLED"

MODES = (IPTABLES, IPVS, NFTABLES)
TARGETS = (*MODES, DISABLED)
SCHEDULERS = ("RoundRobin", "LeastConnection")

# option of the module -> property in ARM
IPVS_PROPERTIES = {
    "scheduler": "scheduler",
    "tcp_timeout_seconds": "tcpTimeoutSeconds",
    "tcp_fin_timeout_seconds": "tcpFinTimeoutSeconds",
    "udp_timeout_seconds": "udpTimeoutSeconds",
}
KNOWN_PROPERTIES = ("enabled", "mode", "ipvsConfig")


class InvalidRequest(ValueError):
    """The request contradicts itself or the cluster's present configuration. The text says what to do."""


@dataclass(frozen=True)
class KubeProxy:
    """A kube-proxy configuration, normalised.

    Attributes:
        enabled: whether AKS runs kube-proxy at all.
        mode: one of MODES (or a newer one that this collection does not know); None when disabled.
        ipvs: IPVS settings by option name; only those that were set, since Azure fills in no defaults. Properties
            that a newer API version may have added are kept under the name that Azure gives them.
        configured: whether the cluster has the property at all; without it AKS's defaults hold.
        unknown: properties that a newer API version may have added; kept as they are.
    """

    enabled: bool = True
    mode: str | None = IPTABLES
    ipvs: Mapping[str, Any] = field(default_factory=dict)
    configured: bool = False
    unknown: Mapping[str, Any] = field(default_factory=dict)

    @property
    def target(self) -> str:
        """The name of what runs: the mode, or DISABLED."""
        return (self.mode or IPTABLES) if self.enabled else DISABLED

    def means(self, other: KubeProxy) -> bool:
        """Whether both ask for the same, however it is written (absent is enabled with iptables)."""
        return (self.target, dict(self.ipvs), dict(self.unknown)) == (
            other.target,
            dict(other.ipvs),
            dict(other.unknown),
        )

    def fulfils(self, wanted: KubeProxy) -> bool:
        """Whether this is what was sent; Azure may have added to it."""
        return self.target == wanted.target and wanted.ipvs.items() <= self.ipvs.items()

    def as_result(self) -> dict[str, Any]:
        """The form in which modules return it."""
        return {
            "enabled": self.enabled,
            "mode": self.mode,
            "ipvs_config": dict(self.ipvs) or None,
            "configured": self.configured,
        }


@dataclass(frozen=True)
class Request:
    """What a user asks for; None stands for "as it is"."""

    enabled: bool | None = None
    mode: str | None = None
    ipvs: Mapping[str, Any] | None = None


def from_arm(network_profile: Mapping[str, Any] | None) -> KubeProxy:
    """Read the configuration out of a cluster's C(networkProfile), tolerant of the case of keys and values."""
    stored = {key.casefold(): value for key, value in (network_profile or {}).items()}.get("kubeproxyconfig")
    if stored is None:
        return KubeProxy()
    values = {key.casefold(): value for key, value in stored.items()}
    known = {name.casefold() for name in KNOWN_PROPERTIES}
    enabled = values.get("enabled") is True
    mode = str(values.get("mode") or IPTABLES).upper() if enabled else None
    return KubeProxy(
        enabled=enabled,
        mode=mode,
        ipvs=_ipvs_from_arm(values.get("ipvsconfig")) if mode == IPVS else {},
        configured=True,
        unknown={key: value for key, value in stored.items() if key.casefold() not in known} if enabled else {},
    )


def _ipvs_from_arm(stored: Mapping[str, Any] | None) -> dict[str, Any]:
    options = {prop.casefold(): option for option, prop in IPVS_PROPERTIES.items()}
    ipvs = {options.get(key.casefold(), key): value for key, value in (stored or {}).items() if value is not None}
    if "scheduler" in ipvs:
        spelling = {name.casefold(): name for name in SCHEDULERS}
        ipvs["scheduler"] = spelling.get(str(ipvs["scheduler"]).casefold(), ipvs["scheduler"])
    return ipvs


def to_arm(config: KubeProxy) -> dict[str, Any]:
    """The object to send: written out, because a property that is left out may be kept as it was by Azure."""
    if not config.enabled:
        return {"enabled": False}
    arm: dict[str, Any] = {**config.unknown, "enabled": True, "mode": config.mode}
    if config.ipvs:
        arm["ipvsConfig"] = {IPVS_PROPERTIES.get(option, option): value for option, value in config.ipvs.items()}
    return arm


def check_request(request: Request) -> None:
    """Refuse a request that contradicts itself, whatever the cluster.

    Raises:
        InvalidRequest: which options contradict each other.
    """
    if request.enabled is False and (request.mode is not None or request.ipvs):
        raise InvalidRequest("'enabled: false' switches kube-proxy off: leave out 'mode' and 'ipvs_config' with it.")
    if request.ipvs and request.mode not in (None, IPVS):
        raise InvalidRequest(f"'ipvs_config' belongs to 'mode: IPVS', not to 'mode: {request.mode}'.")
    for option, value in (request.ipvs or {}).items():
        if option.endswith("_seconds") and value is not None and value <= 0:
            raise InvalidRequest(f"'ipvs_config.{option}' is {value}: a timeout has to be 1 second or more.")
        if option == "scheduler" and value is not None and value not in SCHEDULERS:
            raise InvalidRequest(f"'ipvs_config.scheduler' is {value!r}: choose from {', '.join(SCHEDULERS)}.")


def desired(current: KubeProxy, request: Request) -> KubeProxy:
    """What the cluster shall have: the request, and for what the request leaves out the present configuration.

    Raises:
        InvalidRequest: the request does not fit the present configuration.
    """
    check_request(request)
    if request.enabled is False:
        return KubeProxy(enabled=False, mode=None, configured=True)
    ipvs = {option: value for option, value in (request.ipvs or {}).items() if value is not None}
    if not current.enabled and request.enabled is None:
        raise InvalidRequest(
            "kube-proxy is disabled on this cluster: add 'enabled: true' if it shall run again "
            "(and make sure that nothing else, such as Cilium, handles Services in its place)."
        )
    mode = request.mode or current.mode or IPTABLES
    if ipvs and mode != IPVS:
        raise InvalidRequest(
            f"'ipvs_config' belongs to IPVS, but this cluster runs {mode}: add 'mode: IPVS' to switch."
        )
    kept = dict(current.ipvs) if mode == IPVS else {}
    return replace(current, enabled=True, mode=mode, ipvs={**kept, **ipvs}, configured=True)
