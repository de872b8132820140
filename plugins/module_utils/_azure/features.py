# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Preview feature flags of a subscription. Private to this collection.

https://learn.microsoft.com/rest/api/resources/features
"""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.arm import Answer, Arm
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.problems import FORBIDDEN, NOT_FOUND, ArmError
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.features import FEATURE, NAMESPACE

API_VERSION = "2021-07-01"


@dataclass(frozen=True)
class Flag:
    """A feature flag in one subscription."""

    arm: Arm
    subscription: str
    namespace: str = NAMESPACE
    name: str = FEATURE

    @property
    def about(self) -> str:
        """How messages call it."""
        return f"Preview feature {self.namespace}/{self.name} in subscription {self.subscription}"

    @property
    def resource_id(self) -> str:
        """Its ARM id."""
        return (
            f"/subscriptions/{self.subscription}/providers/Microsoft.Features"
            f"/providers/{self.namespace}/features/{self.name}"
        )

    def state(self) -> str:
        """The state that it is in.

        Raises:
            ArmError: Azure refused, for example since there is no such feature.
            AzureError: no token, no connection, or no JSON.
        """
        return self._state_in(self.arm.get(self.resource_id, API_VERSION, about=self.about))

    def known_state(self) -> str | None:
        """The state, or None where this identity may not read it, or the cloud does not have it (any more)."""
        try:
            return self.state()
        except ArmError as error:
            if error.problem.kind in (FORBIDDEN, NOT_FOUND):
                return None
            raise

    def change(self, verb: str) -> str:
        """C(register) or C(unregister) it; its state after that.

        Raises:
            ArmError: Azure refused.
            AzureError: no token, no connection, or no JSON.
        """
        answer = self.arm.post(f"{self.resource_id}/{verb}", API_VERSION, about=self.about)
        return self._state_in(answer)

    def _state_in(self, answer: Answer) -> str:
        properties = answer.body.get("properties")
        state = properties.get("state") if isinstance(properties, dict) else None
        if not isinstance(state, str) or not state:
            raise AzureError(f"{self.about}: Azure's answer holds no state. Is a proxy in between?")
        return state
