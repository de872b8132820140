# Copyright (c) 2026, the aks.kube_proxy contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs aks.kube_proxy.verify inside the worker where possible."""

from __future__ import annotations

from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.verify import OPERATION
from ansible_collections.aks.kube_proxy.plugins.plugin_utils._in_process import InProcessAction


class ActionModule(InProcessAction):
    """The action plugin of aks.kube_proxy.verify."""

    OPERATION = OPERATION
