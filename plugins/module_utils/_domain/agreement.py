# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Whether hosts agree on what is set for a whole run. Private to this collection. Pure: no I/O."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.wording import listed

NAMES_SHOWN = 5


def differing_settings(settings: Mapping[str, Mapping[str, Any]]) -> str:
    """Which settings are not the same for all hosts, and for whom; empty when all hosts agree.

    The text tells no values, which may be long.

    Args:
        settings: the settings by name, by host.
    """
    names = sorted({name for values in settings.values() for name in values})
    camps = {name: _camps(name, settings) for name in names}
    found = [
        f"{name} ({' / '.join(listed(camp, NAMES_SHOWN) for camp in hosts)})"
        for name, hosts in camps.items()
        if len(hosts) > 1
    ]
    if not found:
        return ""
    return (
        "What is set for the whole run has to be the same for all of its hosts. These settings differ between the "
        f"hosts on each side of a stroke: {'; '.join(found)}. Set them once for all, for example with '-e', or give "
        "the hosts runs of their own with '--limit'."
    )


def _camps(name: str, settings: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    """The hosts that have one value of a setting each, in the hosts' order."""
    camps: dict[str, list[str]] = {}
    for host, values in settings.items():
        camps.setdefault(json.dumps(values.get(name), sort_keys=True, default=str), []).append(host)
    return list(camps.values())
