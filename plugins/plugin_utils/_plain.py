# Copyright (c) 2026, the aks.kube_proxy contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain data out of Ansible's own kinds. Private to this collection.

Alone in its file: every worker that evaluates a filter of this collection imports it, and the SDK would cost it a
quarter of a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time
from typing import Any


def plain(value: Any) -> Any:
    """The value as it would be after a journey through JSON, which a module's arguments and results make."""
    if value is None or isinstance(value, bool):
        return value
    for number in (int, float):  # Ansible's own numbers carry tags
        if isinstance(value, number):
            return number(value)
    if isinstance(value, Mapping):
        return {"".join(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, (date, time)):
        return value.isoformat()
    return "".join(str(value))  # str() of a subclass may return that subclass
