# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The subscriptions that an identity sees.

Private to this collection.
"""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.arm import Arm
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.cluster import check_subscription

API_VERSION = "2022-12-01"

# In the other states (Disabled, Warned, Deleted) nothing can be changed:
# https://learn.microsoft.com/azure/cost-management-billing/manage/subscription-states
USABLE_STATES = ("Enabled", "PastDue")


@dataclass(frozen=True)
class Subscription:
    """A subscription as ARM lists it."""

    id: str
    name: str
    state: str

    @property
    def usable(self) -> bool:
        """Whether its resources can be changed."""
        return self.state in USABLE_STATES


def visible_subscriptions(arm: Arm) -> list[Subscription]:
    """All subscriptions that the identity sees, in whatever state; all of them or an error.

    Raises:
        ArmError: Azure refused.
        AzureError: no token, no connection, or the answer is no list of subscriptions.
    """
    about = "The subscriptions that the credentials see"
    found = []
    for entry in arm.pages("/subscriptions", API_VERSION, about=about):
        try:
            identifier = check_subscription(str(entry["subscriptionId"]))
            found.append(Subscription(identifier, str(entry.get("displayName") or ""), str(entry["state"])))
        except (AttributeError, KeyError, TypeError, ValueError):
            raise AzureError(f"{about}: what Azure answered is not a subscription. Is a proxy in between?") from None
    return found
