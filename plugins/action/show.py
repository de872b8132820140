# Copyright (c) 2026, the aks.kube_proxy contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows lines as they are: callbacks quote, wrap or escape whatever stands in a result."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.wording import told


class ActionModule(ActionBase):
    """The action plugin of aks.kube_proxy.show, which has no module."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Show the lines."""
        result: dict[str, Any] = super().run(tmp, task_vars) or {}
        _unused, arguments = self.validate_argument_spec(  # type: ignore[no-untyped-call,unused-ignore]
            argument_spec={"lines": {"type": "list", "elements": "str", "required": True}}
        )
        for line in map(told, arguments["lines"]):
            self._display.display(f"  {line}".rstrip())
        return {**result, "changed": False, "lines": arguments["lines"]}
