# Copyright (c) 2026, the aks.kube_proxy contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kills the controller from within its worker, while a task's arguments are worked out."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from ansible.plugins.lookup import LookupBase

DOCUMENTATION = r"""
name: last_breath
short_description: Kill the controller
description:
  - Kills the ansible-playbook that started the worker in which this is looked up, and returns once it is gone.
"""


class LookupModule(LookupBase):
    """The lookup; its terms are what it returns."""

    def run(self, terms: list[str], variables: Any = None, **kwargs: Any) -> list[str]:  # noqa: ARG002 - core's signature
        """Kill the parent process, if that is an ansible-playbook, and wait until this one has another."""
        controller = os.getppid()
        if b"ansible-playbook" in Path(f"/proc/{controller}/cmdline").read_bytes():
            os.kill(controller, signal.SIGKILL)
            while os.getppid() == controller:
                time.sleep(0.01)
        return terms
