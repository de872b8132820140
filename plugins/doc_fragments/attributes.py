# Copyright (c) 2026, the aks.kube_proxy contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attributes of the collection's modules."""

from __future__ import annotations


class ModuleDocFragment:
    """What modules promise: for all, for those that change something, for those that only read."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
  idempotent:
    description: When run twice in a row outside check mode, with the same arguments, the second invocation indicates no change.
  action_group:
    description: Use C(group/aks.kube_proxy.aks) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - aks.kube_proxy.aks
  in_process:
    description:
      - Runs inside Ansible's worker process where the task is for the controller (a local connection), without C(become),
        C(async) or another Python interpreter. It saves starting a Python and importing the Azure SDK for every task.
      - Set the variable C(aks_execution) to C(module) to always run it as an ordinary module.
    support: full
"""

    CHANGE = r"""
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
"""

    INFO = r"""
attributes:
  check_mode:
    support: full
    details: This module does not modify anything.
  diff_mode:
    support: N/A
    details: This module does not modify anything.
  idempotent:
    support: full
    details: This module does not modify anything.
"""
