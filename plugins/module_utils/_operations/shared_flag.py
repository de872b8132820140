# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The preview feature flag of a subscription, as all switches there see it.

Private to this collection.

A registered flag reaches the resource provider only when the provider is registered once more after it. Whoever
registered the flag may not have come to that: their run was killed, or they did not know. Nothing shows it but the
provider's refusal, so that a switch which meets it makes up for it.
"""

from __future__ import annotations

from threading import Lock

from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.arm import Arm
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.features import Flag
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.providers import register_provider
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.runtime import Unwanted
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.features import NAMESPACE, REGISTERED


class SharedFlag:
    """The flag of one subscription; threads may share it.

    Args:
        subscription: whose.

    Attributes:
        refreshed: whether the provider was registered once more.
        refusal: why that could not be done; empty when it was, or was not tried.
    """

    def __init__(self, subscription: str) -> None:
        self.subscription = subscription
        self.refreshed = False
        self.refusal = ""
        self._state: str | None = None
        self._lock = Lock()

    def state(self, arm: Arm) -> str | None:
        """The state, None when it cannot be known. Asked for once, unless it may have changed meanwhile.

        Raises:
            AzureError: it could not be asked for.
        """
        with self._lock:
            if self._state is None or (self._state != REGISTERED and not arm.runtime.check_mode):
                self._state = Flag(arm, self.subscription).known_state()
            return self._state

    def spread(self, arm: Arm) -> None:
        """Refresh the resource provider, once, whoever asks for it. That it cannot be done is noted, and no error.

        Raises:
            Unwanted: nobody waits for the result any more.
        """
        with self._lock:
            if self.refreshed or self.refusal:
                return
            try:
                register_provider(arm, self.subscription, NAMESPACE, about="Its refresh")
            except Unwanted:
                raise
            except AzureError as error:
                self.refusal = error.message
            else:
                self.refreshed = True

    @property
    def advice(self) -> str:
        """What to do when Azure refuses although the flag is registered, and what was done about it."""
        known = f"The flag is {REGISTERED} in this subscription"
        if self.refreshed:
            return (
                f"{known}, and the resource provider was refreshed, which takes some minutes to count: run again later."
            )
        return (
            f"{known}, but it has not reached the resource provider, which could not be refreshed. {self.refusal} Let "
            "somebody who may do so run aks.kube_proxy.preview_feature with 'refresh_provider: always'."
        )

    @property
    def news(self) -> list[str]:
        """What the user should know was done."""
        if not self.refreshed:
            return []
        text = (
            f"The feature flag was {REGISTERED} in subscription {self.subscription}, but had not reached "
            f"{NAMESPACE}: the resource provider was refreshed."
        )
        return [text]
