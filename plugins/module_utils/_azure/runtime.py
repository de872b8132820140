# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What the world gives an operation: time, the environment, and whether anyone still waits for the result.

Private to this collection.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError


class Unwanted(AzureError):
    """Nobody waits for the result any more, so nothing more may be written."""


class Orphaned(Unwanted):
    """The process that started this one is gone."""


CONTROLLER = "AKS_KUBE_PROXY_CONTROLLER"
"""The environment variable that tells an ordinary module on the controller's machine the controller's process id."""


def named_controller(environ: Mapping[str, str]) -> int | None:
    """The controller's process id, where one was handed over."""
    process = environ.get(CONTROLLER, "")
    return int(process) if process.isdecimal() else None


def runs(process: int) -> bool:
    """Whether a process runs. One that has ended, and that its parent has not asked about yet, does not."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        state = Path(f"/proc/{process}/stat").read_bytes().rpartition(b")")[2].split()[0]
    except (OSError, IndexError):  # not Linux, or it has ended just now
        return True
    return state not in (b"Z", b"X")


@dataclass(frozen=True)
class Runtime:
    """Time, environment and life line of one operation; tests bring their own.

    Attributes:
        check_mode: whether to predict only.
        now: seconds on a clock that only goes forward.
        sleep: wait for so many seconds.
        environ: environment variables, for credentials.
        parent: process id of whoever waits for the result. A worker whose controller was killed is
            handed to another parent; it would go on writing.
        controller: process id of the controller that an ordinary module on its machine works for; None where it is not
            known. A module's parent is a shell, which outlives a killed controller.
        stopped: whether the work has been called off from within.
        say: shows a line to the user at once, where that is possible.
    """

    check_mode: bool = False
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    parent: int = field(default_factory=os.getppid)
    controller: int | None = None
    stopped: Callable[[], bool] = lambda: False
    say: Callable[[str], None] = lambda _line: None

    def but(self, **differences: Any) -> Runtime:
        """The same with some differences."""
        return replace(self, **differences)

    def assert_wanted(self) -> None:
        """Stop when the parent process has gone, or the work was called off.

        Raises:
            Orphaned: the parent has gone.
            Unwanted: the work was called off.
        """
        if self.stopped():
            raise Unwanted("The run was interrupted; stopped before the next request to Azure.")
        if os.getppid() != self.parent or not (self.controller is None or runs(self.controller)):
            raise Orphaned("The process that started this task is gone; stopped before the next request to Azure.")
