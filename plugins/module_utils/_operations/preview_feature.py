# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""aks.kube_proxy.preview_feature: a preview feature flag of a subscription. Private to this collection."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.arm import Arm
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.clusters import Clusters
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.features import Flag
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.providers import register_provider
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.runtime import Runtime
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain import features
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.cluster import check_subscription
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.operation import (
    Operation,
    Parameters,
    concerning,
    sign_in,
    subscription_of,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.waiting import Waiting, check_waiting

# What check mode predicts: where a step leads to, and where waiting leads to. Nobody can predict an approval.
AFTER = {features.REGISTER: features.REGISTERING, features.UNREGISTER: features.UNREGISTERING}
AFTER_WAITING = {features.REGISTERING: features.REGISTERED, features.UNREGISTERING: features.UNREGISTERED}
POLL_SECONDS = 10

AUTO = "auto"
ALWAYS = "always"
NEVER = "never"


def run(parameters: Parameters, runtime: Runtime) -> dict[str, Any]:
    """Register or unregister the flag.

    Raises:
        AzureError: whatever kept it from getting there.
    """
    waiting = Waiting(parameters["wait"], parameters["wait_timeout"], parameters["poll_interval"])
    namespace, name = parameters["namespace"], parameters["name"]
    with concerning(f"Preview feature {namespace}/{name}"):
        check_waiting(waiting)
        for option in ("name", "namespace"):
            if not re.fullmatch(r"\w[\w.-]*", parameters[option]):
                raise ValueError(f"'{option}' is {parameters[option]!r}, which is no {option} of a feature.")
        arm = sign_in(parameters, runtime)
        flag = Flag(arm, check_subscription(subscription_of(arm.session)), namespace, name)
    return FlagChange(arm, runtime, flag, waiting, parameters).run()


class FlagChange:
    """The way of one flag to a wanted state.

    Args:
        arm: the client.
        runtime: time, check mode, and whether anyone still waits.
        flag: which one.
        waiting: how long to wait.
        parameters: the module's further options: C(state), C(refresh_provider) and C(force).
    """

    def __init__(self, arm: Arm, runtime: Runtime, flag: Flag, waiting: Waiting, parameters: Parameters) -> None:
        self.arm = arm
        self.runtime = runtime
        self.flag = flag
        self.wanted = parameters["state"]
        self.waiting = waiting
        self.refresh = parameters["refresh_provider"]
        self.force = parameters["force"]
        self.deadline = arm.deadline = runtime.now() + waiting.timeout
        self.changed = False
        self.refreshed = False
        self.previous: str | None = None
        self.state: str | None = None

    def run(self) -> dict[str, Any]:
        """Do it, or in check mode predict it.

        Returns:
            the module's result.

        Raises:
            AzureError: with what is known so far in its details.
        """
        try:
            self.state = self.previous = self.flag.state()
            self._advance()
        except AzureError as error:
            error.details = {**self._known(), "changed": self.changed, **error.details}
            raise
        before, after = ({"state": state} for state in (self.previous, self.state))
        return {
            "changed": self.changed,
            **self._known(),
            "diff": {
                "before": before,
                "after": after,
                "before_header": self.flag.resource_id,
                "after_header": self.flag.resource_id,
            },
        }

    def _known(self) -> dict[str, Any]:
        return {
            "id": self.flag.resource_id,
            "name": self.flag.name,
            "namespace": self.flag.namespace,
            "subscription_id": self.flag.subscription,
            "previous_state": self.previous,
            "state": self.state,
            "provider_refreshed": self.refreshed,
        }

    def _advance(self) -> None:
        """Step by step to the wanted state, as the table of steps has it, and then spread the news."""
        while (step := features.next_step(self.wanted, str(self.state))) != features.NOTHING:
            if step == features.WAIT or self.changed:  # asked for once, whatever Azure shows after that
                if not self.waiting.wait or (self.runtime.check_mode and self.state not in AFTER_WAITING):
                    return
                self.state = self._waited()
            else:
                if step == features.UNREGISTER:
                    self._assert_unused()
                self.changed = True
                self.state = AFTER[step] if self.runtime.check_mode else self.flag.change(step)
        arrived = self.wanted == "present" and self.state != self.previous
        if self.refresh == ALWAYS or (self.refresh == AUTO and arrived):
            if not self.runtime.check_mode:
                register_provider(self.arm, self.flag.subscription, self.flag.namespace, about=self.flag.about)
            self.changed = self.refreshed = True

    def _waited(self) -> str:
        """The state after one more look, in check mode the one that waiting leads to."""
        if self.runtime.check_mode:
            return AFTER_WAITING[str(self.state)]
        self._pause()
        return self.flag.state()

    def _pause(self) -> None:
        left = self.deadline - self.runtime.now()
        if left > 0:
            self.runtime.sleep(min(self.waiting.interval, left))
            return
        advice = (
            "The feature needs Microsoft's approval: ask for it through Azure support or the feature's sign-up form, "
            "then run again."
            if self.state == features.PENDING
            else "Azure goes on with it; run again to wait for its end, or with a longer 'wait_timeout'."
        )
        raise AzureError(
            f"{self.flag.about}: still {self.state} after {self.waiting.timeout:.0f} seconds. {advice}", code="Timeout"
        )

    def _assert_unused(self) -> None:
        """Refuse to take the flag away from clusters that hold a kube-proxy configuration.

        Where AKS release 2026-07-17 has not arrived yet, such clusters could not be updated at all any more.
        """
        if self.force or (self.flag.namespace, self.flag.name) != (features.NAMESPACE, features.FEATURE):
            return
        users = [c.name for c in Clusters(self.arm).find(self.flag.subscription) if c.kube_proxy.configured]
        if users:
            shown = ", ".join(users[:10]) + (f" and {len(users) - 10} more" if len(users) > 10 else "")
            raise AzureError(
                f"{self.flag.about}: {len(users)} cluster(s) hold a kube-proxy configuration: {shown}. Without the "
                "flag they could not be updated any more in regions where AKS release 2026-07-17 has not arrived. Add "
                "'force: true' to unregister it all the same.",
                code="FeatureInUse",
                clusters=users,
            )


OPERATION = Operation(
    name="aks.kube_proxy.preview_feature",
    run=run,
    options={
        "name": {"type": "str", "default": features.FEATURE},
        "namespace": {"type": "str", "default": features.NAMESPACE},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "wait": {"type": "bool", "default": True},
        "wait_timeout": {"type": "int", "default": 1800},
        "poll_interval": {"type": "int", "default": POLL_SECONDS},
        "refresh_provider": {"type": "str", "choices": [AUTO, ALWAYS, NEVER], "default": AUTO},
        "force": {"type": "bool", "default": False},
    },
)
