# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""How long operations wait. Private to this collection. Pure: no I/O."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Waiting:
    """How long to wait.

    Attributes:
        wait: whether to wait for the end of operations at all.
        timeout: seconds for everything together, other operations that are joined included.
        interval: seconds between two looks at a cluster, where the service does not ask for another interval.
    """

    wait: bool = True
    timeout: float = 1800.0
    interval: float = 15.0


def check_waiting(waiting: Waiting) -> None:
    """Refuse times that cannot be waited.

    Raises:
        ValueError: which option is wrong.
    """
    for name, seconds in (("wait_timeout", waiting.timeout), ("poll_interval", waiting.interval)):
        if seconds <= 0:
            raise ValueError(f"'{name}' is {seconds:g}: it has to be 1 second or more.")
