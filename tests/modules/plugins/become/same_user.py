# Copyright (c) 2026, the aks.kube_proxy contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Becomes the user that one is already, so that C(become) can be tested without privileges."""

from __future__ import annotations

from typing import Any

from ansible.plugins.become import BecomeBase

DOCUMENTATION = r"""
name: same_user
short_description: Become the user that one is already
description:
  - Runs the command as it is.
options:
  become_user:
    description: The user, who has to be the same.
    default: root
    vars: [{name: ansible_become_user}]
  become_exe:
    description: Not used.
    default: ""
  become_flags:
    description: Not used.
    default: ""
"""


class BecomeModule(BecomeBase):
    """The become plugin."""

    name = "same_user"

    def build_become_command(self, cmd: str, shell: Any) -> str:
        """The command in a shell of its own."""
        super().build_become_command(cmd, shell)  # type: ignore[no-untyped-call]
        return str(self._build_success_command(cmd, shell)) if cmd else cmd  # type: ignore[no-untyped-call]
