"""One server for each file of tests; each test starts it again with a fleet of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.arm_client import Arm
from tests.contract.provoked import MET, missing
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


# -- no refusal without a test: looked at when all of this folder has passed


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a worker of pytest-xdist has met."""
    MET.update(getattr(node, "workeroutput", {}).get("refusals", ()))


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail if the emulator can refuse in a way that no test has met, and say in which."""
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput["refusals"] = sorted(MET)
        return
    here = [Path(config.invocation_params.dir, name).resolve() for name in config.args] == [Path(__file__).parent]
    partly = any(config.getoption(name) for name in ("keyword", "lf", "collectonly"))
    if here and not partly and exitstatus == pytest.ExitCode.OK and missing(MET):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if reporter := config.pluginmanager.get_plugin("terminalreporter"):
            reporter.ensure_newline()
            reporter.section("refusals that no test has met")
            reporter.line("\n".join(missing(MET)))
