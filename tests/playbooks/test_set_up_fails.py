"""A rollout whose preview cannot be set up in one of its subscriptions begins no wave and sums itself up."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.fleet import SUBSCRIPTION
from tests.playbooks.support import Estate, cluster, static_inventory

OTHER = "22222222-2222-2222-2222-222222222222"
FLEET = [cluster("a1"), cluster("b1", subscription=OTHER), cluster("c1")]
INVENTORY = static_inventory(
    FLEET, hosts={one["name"]: {"aks_subscription_id": one.get("subscription", SUBSCRIPTION)} for one in FLEET}
)
STAGES = [{"name": "all", "waves": [2, 1]}]


@pytest.fixture
def refused(estate: Estate) -> Estate:
    """An estate that may not register the flag in the other subscription."""
    estate.lay_out(*FLEET, flag="NotRegistered")
    estate.azure.fault("forbidden", match={"path": f"{OTHER}/providers/Microsoft.Features"}, times=None)
    return estate


WORDS: dict[str, Any] = {"inventory": INVENTORY, "mode": "NFTABLES", "stages": STAGES, "policy": "continue"}


def test_every_cluster_has_a_row_that_says_why_it_was_not_begun(refused: Estate, settings: dict[str, str]) -> None:
    done = refused.roll(FLEET, settings=settings, **WORDS)
    assert (done.status, done.puts) == (2, []), str(done.run)
    assert done.states == dict.fromkeys(("a1", "b1", "c1"), "not_started")
    for host in done.states:
        assert "The preview could not be set up: " in done.row(host)["reason"], done.row(host)
        assert "AuthorizationFailed" in done.row(host)["reason"]
    assert done.summary is not None
    assert "AuthorizationFailed" in done.summary["stopped"]
    assert any(line.startswith("Stopped: ") for line in done.table)
    assert done.counted("failed") == {"a1": 1, "b1": 1, "c1": 1}


def test_a_prediction_goes_on_says_so_and_is_no_success(refused: Estate) -> None:
    done = refused.roll(FLEET, "--check", **WORDS)
    assert (done.status, done.writes) == (2, []), str(done.run)
    assert [line.split()[-2:] for line in done.table[1:4]] == [["would", "switch"]] * 3
    assert any(line.startswith("Would stop: ") and "AuthorizationFailed" in line for line in done.table)


def test_the_set_up_alone_fails(refused: Estate) -> None:
    done = refused.roll(FLEET, "--tags", "preview_setup", **WORDS)
    assert (done.status, done.puts) == (2, []), str(done.run)
    assert "AuthorizationFailed" in done.run.stdout
