# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""JSON from outside. Private to this collection. Pure: no I/O."""

from __future__ import annotations

import json
from typing import Any

DEEPEST = 100
"""Levels of objects and lists in each other. Kubernetes and ARM stay below 30; what copies JSON here calls itself once
for each level, and Python allows 1000 of these."""


def parsed(text: str | bytes) -> Any:
    """The JSON in a text; None where there is none, or where it is nested deeper than anything meant seriously."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    level = [value]
    for _depth in range(DEEPEST):
        level = [child for parent in level for child in children(parent)]
        if not level:
            return value
    return None


def children(value: Any) -> list[Any]:
    """The objects and lists in an object or a list."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [child for child in inside if isinstance(child, (dict, list))]
