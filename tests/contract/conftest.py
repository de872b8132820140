"""One server for each file of tests; each test starts it again with a fleet of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.contract.arm_client import Arm
from tests.emulator import Emulator

Start = Callable[..., Arm]


@pytest.fixture(scope="module")
def frozen() -> Iterator[Emulator]:
    """An emulator whose clock stands still: what a test sees depends on the test alone."""
    with Emulator(speed=0) as emulator:
        yield emulator


@pytest.fixture
def start(frozen: Emulator) -> Iterator[Start]:
    """Return a function that starts the frozen emulator again, with a fleet, and signs in."""
    clients: list[Arm] = []

    def begin(clusters: list[Any] | None = None, **fleet: Any) -> Arm:
        frozen.reset({"clusters": [{"name": "c1"}] if clusters is None else clusters, **fleet})
        clients.append(Arm(frozen))
        return clients[-1]

    yield begin
    for client in clients:
        client.session.close()
