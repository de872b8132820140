"""A rollout is killed, and what it had begun fails in Azure: the rerun knows whose failure that is."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import pytest

from tests.emulator import Emulator
from tests.playbooks.processes import eventually, rolling
from tests.playbooks.support import NFTABLES, Estate, cluster

OPERATION = 600.0
"""How long an operation takes: for ever, as long as the clock is not moved on."""
HURRY = 100.0
IPVS = {"enabled": True, "mode": "IPVS", "ipvsConfig": {"scheduler": "LeastConnection", "tcpTimeoutSeconds": 900}}
FLEET = [cluster("c1", kube_proxy=IPVS), cluster("c2")]
ROLL: dict[str, Any] = {"mode": "NFTABLES", "policy": "rollback", "max_parallel": 1}


@pytest.fixture(scope="module")
def azure() -> Iterator[Emulator]:
    """An emulator in which a second is a second, unless the test moves its clock on."""
    with Emulator(speed=1) as emulator:
        yield emulator


def killed_and_failed(estate: Estate) -> None:
    """A first run is killed after its first write, whose operation fails then, with nobody there to see it."""
    estate.azure.clear_faults()
    estate.lay_out(*FLEET, put_seconds=0.0, operation_seconds=OPERATION)
    estate.azure.fault("operation_failed", match={"cluster": "c1"})
    with rolling(estate, estate.command(FLEET, **ROLL)) as run:
        run.watch_until(lambda: [entry for entry in estate.azure.requests() if entry["method"] == "PUT"], "the write")
        run.kill(signal.SIGKILL)
        eventually(lambda: not run.members(), "the end of all workers")
    estate.azure.advance(OPERATION)
    assert estate.azure.cluster("c1")["properties"]["provisioningState"] == "Failed"


def test_the_rerun_sends_it_again(estate: Estate) -> None:
    killed_and_failed(estate)
    with rolling(estate, estate.command(FLEET, **ROLL)) as run:
        done = run.ended(FLEET, hurry=HURRY)
    assert done.status == 0, done.run
    assert done.states == {"c1": "switched", "c2": "switched"}
    assert done.after == {"c1": NFTABLES, "c2": NFTABLES}
    assert done.row("c1")["before"]["mode"] == "IPVS"


def test_what_the_rerun_undoes_is_the_first_try(estate: Estate) -> None:
    killed_and_failed(estate)
    estate.azure.fault("operation_failed", match={"cluster": "c1"})
    with rolling(estate, estate.command(FLEET, **ROLL)) as run:
        done = run.ended(FLEET, hurry=HURRY)
    assert done.status == 2, done.run
    assert done.states == {"c1": "rolled_back", "c2": "switched"}
    assert done.after == {"c1": IPVS, "c2": NFTABLES}
