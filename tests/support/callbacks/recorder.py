# Copyright (c) 2026, the aks.kube_proxy contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes every result of a playbook as a line of JSON, for tests."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: recorder
type: aggregate
short_description: Write every result as a line of JSON
description:
  - Writes every result as a line of JSON to the file that E(AKS_TEST_RECORD) names.
"""


class CallbackModule(CallbackBase):
    """The recorder: a line holds the kind of event, the host, the task's name and its result."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "recorder"
    CALLBACK_NEEDS_ENABLED = True

    def _record(self, event: str, result: Any) -> None:
        # Without underscores from ansible-core 2.19 on; the old names are to go in 2.23.
        host, task, values = (
            getattr(result, name) if hasattr(result, name) else getattr(result, f"_{name}")
            for name in ("host", "task", "result")
        )
        values = {name: value for name, value in values.items() if not name.startswith("_ansible_")}
        line = {"event": event, "host": host.get_name(), "task": task.get_name(), "result": values}
        with Path(os.environ["AKS_TEST_RECORD"]).open("a", encoding="utf-8") as record:
            record.write(json.dumps(line, default=str) + "\n")

    def v2_runner_on_ok(self, result: Any) -> None:
        """Record a success."""
        self._record("ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:  # noqa: ARG002 - core's signature
        """Record a failure, an ignored one too."""
        self._record("failed", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Record a host that could not be reached."""
        self._record("unreachable", result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        """Record a task that was skipped."""
        self._record("skipped", result)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        """Record a success of one item of a loop."""
        self._record("item ok", result)

    def v2_runner_item_on_failed(self, result: Any) -> None:
        """Record a failure of one item of a loop."""
        self._record("item failed", result)
