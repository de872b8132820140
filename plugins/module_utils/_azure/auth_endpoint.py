# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The token service, or the tool in its place, that credentials are shown to.

Private to this collection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

CONNECT_SECONDS = 10
READ_SECONDS = 30
RETRIES = 2


@dataclass(frozen=True)
class Endpoint:
    """A token service and how to talk to it.

    Attributes:
        authority: its base URL, C(https).
        verify: whether to check certificates, or the CA bundle to check them with.
        disable_instance_discovery: whether to believe the authority without asking Microsoft about it.
        subscription_id: the subscription to work with; the Azure CLI has accounts by subscription.
        environ: the environment, for the Azure CLI. Never shown.
    """

    authority: str
    verify: bool | str
    disable_instance_discovery: bool
    subscription_id: str | None
    environ: Mapping[str, str] = field(repr=False)

    @property
    def transport(self) -> dict[str, Any]:
        """Keyword arguments of azure-core's transport and retries. Its own timeouts are five minutes a try."""
        return {
            "connection_verify": self.verify,
            "connection_timeout": CONNECT_SECONDS,
            "read_timeout": READ_SECONDS,
            "retry_total": RETRIES,
            "retry_connect": RETRIES,
            "retry_read": RETRIES,
        }

    @property
    def arguments(self) -> dict[str, Any]:
        """Keyword arguments of azure-identity's credentials that talk to an authority."""
        return {
            "authority": self.authority,
            "disable_instance_discovery": self.disable_instance_discovery,
            **self.transport,
        }
