# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What is known of an operation that Azure runs for a switch. Private to this collection."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.arm import Answer


@dataclass
class ArmOperation:
    """An operation that Azure has accepted.

    Attributes:
        id: Azure's id of it.
        correlation_id: what Azure's support asks for.
        started: when it was accepted, on the runtime's clock.
        seconds: how long it has been watched.
        polls: how often the cluster was looked at meanwhile.
        url: where Azure tells what became of it. Signed, so it is never shown.
    """

    id: str | None
    correlation_id: str | None
    started: float
    seconds: float = 0.0
    polls: int = 0
    url: str | None = field(default=None, repr=False)

    @classmethod
    def accepted(cls, answer: Answer, now: float) -> ArmOperation:
        """The operation that an accepted request's answer tells of."""
        url = answer.headers.get("azure-asyncoperation")
        number = re.search(r"/operations/([^/?]+)", url or "", re.IGNORECASE)
        return cls(number[1] if number else None, answer.correlation_id or None, now, url=url)

    def looked_at(self, now: float) -> None:
        """Count a look at the cluster."""
        self.polls += 1
        self.seconds = now - self.started

    def as_result(self) -> dict[str, Any]:
        """The form in which modules return it: without the signed URL."""
        return {
            "id": self.id,
            "correlation_id": self.correlation_id,
            "seconds": round(self.seconds, 1),
            "polls": self.polls,
        }
