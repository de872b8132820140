# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Whether the settings of IPVS are in kube-proxy's flags. Private to this collection. Pure: no I/O."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.kube_objects import flag
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.kube_proxy import KubeProxy

# option -> the flag of kube-proxy, and how the option's value reads there
# https://kubernetes.io/docs/reference/command-line-tools-reference/kube-proxy/
_SCHEDULERS = {"RoundRobin": "rr", "LeastConnection": "lc"}
IPVS_FLAGS = {
    "scheduler": "ipvs-scheduler",
    "tcp_timeout_seconds": "ipvs-tcp-timeout",
    "tcp_fin_timeout_seconds": "ipvs-tcpfin-timeout",
    "udp_timeout_seconds": "ipvs-udp-timeout",
}
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def _seconds(text: str) -> float | None:
    """A Go duration such as C(15m0s) in seconds; None when it is none."""
    parts = re.findall(r"(\d+(?:\.\d+)?)(h|ms|m|s)", text)
    return sum(float(number) * _UNITS[unit] for number, unit in parts) if parts else None


def other_settings(expected: KubeProxy, command: Sequence[str]) -> list[str]:
    """The settings of IPVS whose flags say otherwise. A flag that is not there says nothing."""
    found = []
    for option, name in IPVS_FLAGS.items():
        wanted, shown = expected.ipvs.get(option), flag(command, name)
        if wanted is None or shown is None:
            continue
        same = _SCHEDULERS.get(wanted, wanted) == shown if option == "scheduler" else _seconds(shown) == float(wanted)
        if not same:
            found.append(f"--{name}={shown} in place of {wanted}")
    return found
