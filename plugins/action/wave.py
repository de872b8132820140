# Copyright (c) 2026, the aks.kube_proxy contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs aks.kube_proxy.wave inside the worker where possible."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.wave import OPERATION
from ansible_collections.aks.kube_proxy.plugins.plugin_utils._in_process import InProcessAction

WITHOUT_RUN_ONCE = ("free", "host_pinned")


class ActionModule(InProcessAction):
    """The action plugin of aks.kube_proxy.wave."""

    OPERATION = OPERATION

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run it, unless the play's strategy would run it once for each host in place of once."""
        strategy = str(self._task.get_play().strategy)
        if self._task.run_once and strategy.rpartition(".")[2] in WITHOUT_RUN_ONCE:
            raise AnsibleActionFail(
                f"The strategy '{strategy}' does not know run_once and would switch the wave once for each host: set "
                "'strategy: linear' on the play."
            )
        return super().run(tmp, task_vars)
