"""Preview flags and provider registration."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.arm_client import FLAG, SUBSCRIPTION, Arm, feature_path, flat, wrapped
from tests.contract.conftest import Start

NFTABLES = {"enabled": True, "mode": "NFTABLES"}
PROVIDER = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.ContainerService"
VERSION = "2021-07-01"
TIMES = {"registration_seconds": 100, "propagation_seconds": 50}


def show(arm: Arm) -> Any:
    return arm.ask("GET", feature_path(), VERSION).json()["properties"]["state"]


def post(arm: Arm, verb: str) -> Any:
    answer = arm.ask("POST", f"{feature_path()}/{verb}", VERSION)
    assert answer.status_code == 200
    assert not {"location", "azure-asyncoperation"} & {name.lower() for name in answer.headers}
    return answer.json()["properties"]["state"]


def refresh(arm: Arm) -> Any:
    return arm.ask("POST", f"{PROVIDER}/register", "2021-04-01").json()


def test_how_a_flag_looks(start: Start) -> None:
    for version in ("2015-12-01", VERSION):
        assert start().ask("GET", feature_path(), version).json() == {
            "properties": {"state": "NotRegistered"},
            "id": feature_path(),
            "type": "Microsoft.Features/providers/features",
            "name": FLAG,
        }


def test_registration_takes_its_time_and_propagation_cannot_be_seen(start: Start) -> None:
    arm = start(behaviour=TIMES)
    flat(arm.switch(NFTABLES), 400, "KubeProxyConfigFeatureNotRegistered", "1132")
    assert post(arm, "register") == "Registering"
    refresh(arm)  # too early: does nothing
    arm.emulator.advance(99)
    assert show(arm) == "Registering"
    arm.emulator.advance(2)
    assert show(arm) == "Registered"
    arm.emulator.advance(3600)
    flat(arm.switch(NFTABLES), 400, "KubeProxyConfigFeatureNotRegistered", "1132")
    provider = refresh(arm)
    assert (provider["registrationState"], provider["registrationPolicy"]) == ("Registered", "RegistrationRequired")
    arm.emulator.advance(49)
    flat(arm.switch(NFTABLES), 400, "KubeProxyConfigFeatureNotRegistered", "1132")
    arm.emulator.advance(2)
    assert arm.switch(NFTABLES).status_code == 200
    assert post(arm, "register") == "Registered"


def test_unregistration(start: Start) -> None:
    arm = start(features={SUBSCRIPTION: {FLAG: "Registered"}}, behaviour=TIMES)
    assert post(arm, "unregister") == "Unregistering"
    assert post(arm, "unregister") == "Unregistering"
    arm.emulator.advance(101)
    assert show(arm) == "Unregistered"
    arm.emulator.advance(100)
    flat(arm.switch(NFTABLES), 400, "KubeProxyConfigFeatureNotRegistered", "1132")
    assert post(arm, "register") == "Registering"


@pytest.mark.parametrize(
    "state", ["NotRegistered", "Pending", "Registering", "Registered", "Unregistering", "Unregistered"]
)
def test_every_state_can_be_there_at_the_start(start: Start, state: str) -> None:
    arm = start(features={SUBSCRIPTION: {"KubeProxyConfigurationPreview": state}}, behaviour=TIMES)
    assert show(arm) == state
    arm.emulator.advance(101)
    later = {"Registering": "Registered", "Unregistering": "Unregistered"}.get(state, state)
    assert show(arm) == later
    assert arm.emulator.feature_state(FLAG) == later


def test_a_change_of_mind_while_registering(start: Start) -> None:
    arm = start(behaviour=TIMES)
    post(arm, "register")
    arm.emulator.advance(50)
    assert post(arm, "unregister") == "Unregistering"
    arm.emulator.advance(60)
    assert show(arm) == "Unregistering"
    arm.emulator.advance(60)
    assert show(arm) == "Unregistered"


def test_flags_that_somebody_must_approve_stay_pending(start: Start) -> None:
    arm = start(behaviour={"feature_approval": "manual"})
    assert post(arm, "register") == "Pending"
    arm.emulator.advance(1e7)
    assert show(arm) == "Pending"
    assert post(arm, "unregister") == "Unregistering"


def test_the_newer_form(start: Start) -> None:
    arm = start()
    path = (
        f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Features/featureProviders/Microsoft.ContainerService"
        "/subscriptionFeatureRegistrations/KubeProxyConfigurationPreview"
    )
    assert arm.ask("GET", path, VERSION).json()["properties"]["state"] == "NotRegistered"
    made = arm.ask("PUT", path, VERSION, {}).json()
    assert made["name"] == "KubeProxyConfigurationPreview"
    assert made["properties"]["state"] == "Registered"
    assert made["properties"]["approvalType"] == "AutoApproval"
    assert show(arm) == "Registered"
    assert arm.ask("DELETE", path, VERSION).status_code == 200
    assert show(arm) == "Unregistering"


def test_lists_of_flags(start: Start) -> None:
    arm = start(features={SUBSCRIPTION: {"Other.Space/Thing": "Pending", "Own": "Registered"}})
    every = arm.ask("GET", f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Features/features", VERSION).json()
    states = {flag["name"]: flag["properties"]["state"] for flag in every["value"]}
    assert states["Other.Space/Thing"] == "Pending"
    assert states["Microsoft.ContainerService/Own"] == "Registered"
    assert states[FLAG] == "NotRegistered"
    one = arm.ask("GET", feature_path().rpartition("/")[0], VERSION).json()["value"]
    assert {flag["name"].partition("/")[0] for flag in one} == {"Microsoft.ContainerService"}


def test_flags_are_of_one_subscription(start: Start) -> None:
    other = "99999999-9999-4999-8999-999999999999"
    arm = start([{"name": "c1"}, {"name": "c2", "subscription": other}], features={other: {FLAG: "Registered"}},
                subscriptions=[{"id": SUBSCRIPTION}])  # fmt: skip
    flat(arm.switch(NFTABLES), 400, "KubeProxyConfigFeatureNotRegistered", "1132")
    assert arm.ask("GET", feature_path(subscription=other), VERSION).json()["properties"]["state"] == "Registered"


def test_registering_a_provider(start: Start) -> None:
    arm = start(behaviour={"registered_provider": False, **TIMES})
    assert arm.ask("GET", PROVIDER, "2021-04-01").json()["registrationState"] == "NotRegistered"
    assert refresh(arm)["registrationState"] == "Registering"
    arm.emulator.advance(101)
    assert arm.ask("GET", PROVIDER, "2024-11-01").json()["registrationState"] == "Registered"
    assert arm.get()["name"] == "c1"
    arm.ask("POST", f"{PROVIDER}/unregister", "2021-04-01")
    wrapped(arm.ask("GET", f"{PROVIDER}/managedClusters"), 409, "MissingSubscriptionRegistration")
    listed = arm.ask("GET", f"/subscriptions/{SUBSCRIPTION}/providers", "2021-04-01").json()["value"]
    assert {"Microsoft.ContainerService", "Microsoft.Network"} <= {provider["namespace"] for provider in listed}
