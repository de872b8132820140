# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The states of a preview feature flag and what to do from each.

Private to this collection. Pure: no I/O. States as in
https://learn.microsoft.com/azure/azure-resource-manager/management/preview-features.
"""

from __future__ import annotations

NAMESPACE = "Microsoft.ContainerService"
FEATURE = "KubeProxyConfigurationPreview"

NOT_REGISTERED = "NotRegistered"
PENDING = "Pending"
REGISTERING = "Registering"
REGISTERED = "Registered"
UNREGISTERING = "Unregistering"
UNREGISTERED = "Unregistered"

STATES = (NOT_REGISTERED, PENDING, REGISTERING, REGISTERED, UNREGISTERING, UNREGISTERED)

REGISTER = "register"
UNREGISTER = "unregister"
WAIT = "wait"
NOTHING = "nothing"

# wanted state of the module -> state of the flag -> what to do next
NEXT_STEP = {
    "present": {
        NOT_REGISTERED: REGISTER,
        PENDING: WAIT,
        REGISTERING: WAIT,
        REGISTERED: NOTHING,
        UNREGISTERING: WAIT,
        UNREGISTERED: REGISTER,
    },
    "absent": {
        NOT_REGISTERED: NOTHING,
        PENDING: UNREGISTER,
        REGISTERING: UNREGISTER,
        REGISTERED: UNREGISTER,
        UNREGISTERING: WAIT,
        UNREGISTERED: NOTHING,
    },
}


REGISTER_IT = "Register the preview feature with aks.kube_proxy.preview_feature first."
AFTER_REFUSAL = {
    PENDING: "It needs Microsoft's approval: ask for it through Azure support or the feature's sign-up form.",
    REGISTERING: "Run aks.kube_proxy.preview_feature, which waits until it is registered, or run again later.",
}
"""What to do when Azure refuses for want of the flag, where that is not to register it."""


def after_refusal(state: str | None) -> str:
    """What to do when Azure refuses for want of a flag that is not registered, as far as that is known.

    Args:
        state: the flag's state, None when it cannot be read.
    """
    if state is None:
        return (
            f"{REGISTER_IT} Its state cannot be read here: if it is {REGISTERED} already, run that module with "
            "'refresh_provider: always'."
        )
    return f"The flag is {state} in this subscription. {AFTER_REFUSAL.get(state, REGISTER_IT)}"


def next_step(wanted: str, state: str) -> str:
    """What to do with a flag in this state; an unknown state is waited for, it can only be a transition."""
    return NEXT_STEP[wanted].get(state, WAIT)
