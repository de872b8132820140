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

import re
from collections.abc import Callable, Mapping
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


_MODE = re.compile(r"(?!disabled$)[a-z][a-z0-9_-]{0,39}", re.IGNORECASE)


class Unreadable(ValueError):
    """What Azure has stored is in a form that is not known here, so that nothing may be decided on it."""


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

    def fulfils(self, wanted: KubeProxy, *, exact: bool = False) -> bool:
        """Whether this is what was sent; Azure may have added to it, unless it has to be exact."""
        if exact:
            return self.means(wanted)
        return self.target == wanted.target and wanted.ipvs.items() <= self.ipvs.items()

    def as_result(self) -> dict[str, Any]:
        """The form in which modules return it."""
        return {
            "enabled": self.enabled,
            "mode": self.mode,
            "ipvs_config": dict(self.ipvs) or None,
            "configured": self.configured,
        }


def from_result(values: Mapping[str, Any]) -> KubeProxy:
    """The configuration that a module has returned."""
    ipvs = values.get("ipvs_config") or {}
    return KubeProxy(enabled=bool(values.get("enabled")), mode=values.get("mode"), ipvs=ipvs, configured=True)


@dataclass(frozen=True)
class Request:
    """What a user asks for; None stands for "as it is".

    Attributes:
        enabled: whether kube-proxy shall run.
        mode: the proxy mode.
        ipvs: settings of IPVS by option name.
        exact: whether the cluster shall have just these settings of IPVS, and lose those that are not named.
        expected: what the cluster has to have for this; None for whatever it has.
    """

    enabled: bool | None = None
    mode: str | None = None
    ipvs: Mapping[str, Any] | None = None
    exact: bool = False
    expected: KubeProxy | None = None


def from_arm(network_profile: Mapping[str, Any] | None) -> KubeProxy:
    """Read the configuration out of a cluster's C(networkProfile), tolerant of the case of keys and values.

    Raises:
        Unreadable: it is in another form than Azure documents.
    """
    stored = _folded(network_profile or {}, "networkProfile").get("kubeproxyconfig")
    if stored is None:
        return KubeProxy()
    values = _folded(stored, "kubeProxyConfig")
    _assert_known(values, FORMS, "kubeProxyConfig")
    known = {name.casefold() for name in KNOWN_PROPERTIES}
    enabled = values.get("enabled") is True
    mode = (values.get("mode") or IPTABLES).upper() if enabled else None
    return KubeProxy(
        enabled=enabled,
        mode=mode,
        ipvs=_ipvs_from_arm(values.get("ipvsconfig")) if mode == IPVS else {},
        configured=True,
        unknown={key: value for key, value in stored.items() if key.casefold() not in known} if enabled else {},
    )


def _ipvs_from_arm(stored: Mapping[str, Any] | None) -> dict[str, Any]:
    _assert_known(_folded(stored or {}, "ipvsConfig"), IPVS_FORMS, "ipvsConfig")
    options = {prop.casefold(): option for option, prop in IPVS_PROPERTIES.items()}
    ipvs = {options.get(key.casefold(), key): value for key, value in (stored or {}).items() if value is not None}
    if "scheduler" in ipvs:
        spelling = {name.casefold(): name for name in SCHEDULERS}
        ipvs["scheduler"] = spelling.get(ipvs["scheduler"].casefold(), ipvs["scheduler"])
    return ipvs


# property in lower case -> whether a value is of the form that Azure documents
FORMS: dict[str, Callable[[Any], bool]] = {
    "enabled": lambda value: isinstance(value, bool),
    "mode": lambda value: isinstance(value, str) and bool(_MODE.fullmatch(value) or not value),
    "ipvsconfig": lambda value: isinstance(value, Mapping),
}
IPVS_FORMS: dict[str, Callable[[Any], bool]] = {
    prop.casefold(): (lambda value: isinstance(value, str))
    if option == "scheduler"
    else (lambda value: isinstance(value, int) and not isinstance(value, bool))
    for option, prop in IPVS_PROPERTIES.items()
}


def _folded(stored: Any, name: str) -> dict[str, Any]:
    """An object with its keys in one case.

    Raises:
        Unreadable: it is no object, or has a key twice.
    """
    if not isinstance(stored, Mapping):
        raise Unreadable(f"{name!r} is {_shown(stored)}.")
    folded = {key.casefold(): value for key, value in stored.items()}
    if len(folded) < len(stored):
        raise Unreadable(f"{name!r} has a key in two spellings.")
    return folded


def _assert_known(values: Mapping[str, Any], forms: Mapping[str, Callable[[Any], bool]], name: str) -> None:
    for key, is_known in forms.items():
        if values.get(key) is not None and not is_known(values[key]):
            raise Unreadable(f"{key!r} in {name!r} is {_shown(values[key])}.")


def _shown(value: Any) -> str:
    return f"{value!r:.60}"


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
    kept = dict(current.ipvs) if mode == IPVS and not request.exact else {}
    return replace(current, enabled=True, mode=mode, ipvs={**kept, **ipvs}, configured=True)
