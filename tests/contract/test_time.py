"""The clock, and the hints that keep real clients from sleeping through compressed time."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.contract.arm_client import PREVIEW, REGISTERED, Arm
from tests.emulator import Emulator

FLEET = {"clusters": [{"name": "c1"}], "features": REGISTERED}
HINT = "x-ms-retry-after-ms"
NFTABLES = {"enabled": True, "mode": "NFTABLES"}


@pytest.mark.parametrize(
    ("speed", "seconds", "hint"), [(1.0, 110, None), (0, 110, "50"), (50, 110, "220"), (2, 6000, "30000")]
)
def test_hints(speed: float, seconds: float, hint: str | None) -> None:
    """As AKS at its own speed: no hint and no Retry-After anywhere. Never longer than clients wait by themselves."""
    fleet = {**FLEET, "behaviour": {"put_seconds": 0, "operation_seconds": seconds}}
    with Emulator(fleet, speed=speed) as emulator:
        arm = Arm(emulator)
        with arm.session:
            settled = arm.ask("GET", f"{emulator.cluster('c1')['id']}")
            answer = arm.switch(NFTABLES)
            poll = arm.ask("GET", answer.headers["azure-asyncoperation"])
            busy = arm.ask("GET", emulator.cluster("c1")["id"])
    assert HINT not in settled.headers
    assert [each.headers.get(HINT) for each in (answer, poll, busy)] == [hint] * 3
    assert all("Retry-After" not in each.headers for each in (settled, answer, poll, busy))


def test_time_runs_as_fast_as_told() -> None:
    fleet = {**FLEET, "behaviour": {"operation_seconds": 60, "put_seconds": 20}}
    with Emulator(fleet, speed=100) as emulator:
        arm = Arm(emulator)
        with arm.session:
            begin = time.monotonic()
            url = arm.switch(NFTABLES).headers["azure-asyncoperation"]
            assert time.monotonic() - begin >= 0.2  # the answer to the PUT takes its 20 s, too
            while arm.ask("GET", url).json()["status"] != "Succeeded":
                time.sleep(0.02)
            taken = time.monotonic() - begin
    assert 0.6 <= taken < 60


def test_a_late_answer_tells_the_state_of_when_it_was_made() -> None:
    fleet = {**FLEET, "behaviour": {"operation_seconds": 10, "put_seconds": 100}}

    def state(body: Any) -> Any:
        return body["properties"]["agentPoolProfiles"][0]["provisioningState"]

    with Emulator(fleet, speed=100) as emulator, ThreadPoolExecutor(1) as pool:
        arm = Arm(emulator)
        with arm.session:
            answer = pool.submit(arm.put, arm.get())
            seen = set()
            while not answer.done():
                seen.add(state(emulator.cluster("c1")))
                time.sleep(0.01)
    assert "Succeeded" in seen
    assert state(answer.result().json()) == "Updating"


def test_two_emulators_do_not_know_each_other() -> None:
    with Emulator(FLEET, speed=0) as one, Emulator({"clusters": [{"name": "other"}]}, speed=0, seed=1) as two:
        first, second = Arm(one), Arm(two)
        with first.session, second.session:
            assert first.get()["name"] == "c1"
            assert second.get("other", PREVIEW)["name"] == "other"
            second.bearer = first.bearer
            assert second.ask("GET", "/subscriptions", "2022-12-01").status_code == 401


def test_the_same_seed_gives_the_same_ids() -> None:
    guids = []
    for seed in (7, 7, 8):
        with Emulator(FLEET, speed=0, seed=seed) as emulator:
            arm = Arm(emulator)
            with arm.session:
                guids.append(arm.switch(NFTABLES).headers["azure-asyncoperation"].partition("?")[0].rpartition("/")[2])
    assert guids[0] == guids[1] != guids[2]
