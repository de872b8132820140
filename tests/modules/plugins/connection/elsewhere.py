# Copyright (c) 2026, the aks.kube_proxy contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection that is local underneath and has another name, so that Ansible treats the host as remote."""

from __future__ import annotations

from ansible.plugins.connection.local import Connection as Local

DOCUMENTATION = r"""
name: elsewhere
short_description: Local underneath, under another name
description:
  - Runs what it is given on the controller, under another name than C(local).
extends_documentation_fragment:
  - connection_pipelining
"""


class Connection(Local):
    """The connection."""

    transport = "elsewhere"

    def _connect(self) -> Connection:
        """Tell at C(-vvv) that it is this one."""
        self._display.vvv("ESTABLISH CONNECTION elsewhere", host=self._play_context.remote_addr)
        super()._connect()
        return self
