# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Errors that end an operation. Private to this collection."""

from __future__ import annotations

from typing import Any


class AzureError(Exception):
    """Something a user has to know about, in one sentence or two, with what to do next.

    Args:
        message: what the user reads. Without secrets, tokens or signed URLs.
        details: further keys of the failed result (for example C(code), C(correlation_id)).
    """

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details
