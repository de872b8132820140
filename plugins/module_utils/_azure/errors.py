# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Errors that end an operation. Private to this collection."""

from __future__ import annotations

from typing import Any

from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.wording import told


class AzureError(Exception):
    """Something a user has to know about, in one sentence or two, with what to do next.

    Args:
        lines: what the user reads, mostly one line. Without secrets, tokens or signed URLs. What is foreign in a line
            cannot make it two.
        advice: what to do about it, where that is no part of the message yet; it is put behind it.
        details: further keys of the failed result (for example C(code), C(correlation_id)).
    """

    def __init__(self, *lines: str, advice: str = "", **details: Any) -> None:
        message = "\n".join(map(told, lines))
        super().__init__(message)
        self.message = f"{message} {told(advice)}".rstrip()
        self.advice = advice
        self.details = details
