#!/usr/bin/python
# Copyright (c) 2026, the aks.kube_proxy contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Show lines as they are."""

from __future__ import annotations

DOCUMENTATION = r"""
module: show
short_description: Show lines as they are
version_added: 1.0.0
author:
  - The aks.kube_proxy contributors (@aks-kube-proxy)
description:
  - Shows lines on the controller, one below the other, whatever the callback does to results. It is for tables, such as the filter
    P(aks.kube_proxy.rollout_table#filter) makes.
  - It is an action plugin only, needs no connection and changes nothing.
options:
  lines:
    description: The lines.
    type: list
    elements: str
    required: true
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    support: full
    details: This action does not modify anything.
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
    support: N/A
    details: This action does not modify anything.
  idempotent:
    description: When run twice in a row outside check mode, with the same arguments, the second invocation indicates no change.
    support: full
    details: This action does not modify anything.
  in_process:
    description: Runs inside Ansible's worker process.
    support: full
seealso:
  - plugin: aks.kube_proxy.rollout_table
    plugin_type: filter
  - plugin: aks.kube_proxy.audit_table
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show a table
  aks.kube_proxy.show:
    lines:
      - cluster      mode
      - aks-web-dev  NFTABLES
"""

RETURN = r"""
lines:
  description: The lines.
  returned: success
  type: list
  elements: str
  sample:
    - cluster      mode
    - aks-web-dev  NFTABLES
"""
