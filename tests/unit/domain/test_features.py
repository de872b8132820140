"""The states of a feature flag: what to do from each, and where it ends."""

from __future__ import annotations

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain import features

# wanted, state, what to do: all six states of the service, for both wishes
STEPS = [
    ("present", "NotRegistered", "register"),
    ("present", "Pending", "wait"),
    ("present", "Registering", "wait"),
    ("present", "Registered", "nothing"),
    ("present", "Unregistering", "wait"),
    ("present", "Unregistered", "register"),
    ("absent", "NotRegistered", "nothing"),
    ("absent", "Pending", "unregister"),
    ("absent", "Registering", "unregister"),
    ("absent", "Registered", "unregister"),
    ("absent", "Unregistering", "wait"),
    ("absent", "Unregistered", "nothing"),
]


@pytest.mark.parametrize(("wanted", "state", "step"), STEPS)
def test_next_step(wanted: str, state: str, step: str) -> None:
    assert features.next_step(wanted, state) == step


def test_every_state_has_a_step() -> None:
    states = set(features.STATES)
    assert {wanted: set(steps) for wanted, steps in features.NEXT_STEP.items()} == {"present": states, "absent": states}
    assert {(wanted, state) for wanted, state, _unused in STEPS} == {
        (w, s) for w in ("present", "absent") for s in states
    }


@pytest.mark.parametrize("wanted", ["present", "absent"])
def test_an_unknown_state_is_waited_for(wanted: str) -> None:
    assert features.next_step(wanted, "Reconsidering") == "wait"
