"""A wave of a hundred clusters costs about one operation's time, and no more requests than Azure grants."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.emulator import Emulator
from tests.playbooks.processes import rolling
from tests.playbooks.support import NFTABLES, Estate, cluster
from tests.support.playbook import play, task

SPEED = 12
PUT_SECONDS = 10.0
"""How long Azure takes to accept a write: 8 to 13 seconds in 2026's recordings."""
OPERATION = 90.0
"""How long an operation takes."""
LOOK = OPERATION / 10
"""How often the emulator, when it hurries, asks to be looked at."""
FLEET = [cluster(f"c{number:03}") for number in range(100)]
NAMES = [one["name"] for one in FLEET]
MOST_READS = 1 + 1 + OPERATION / LOOK + 3
"""For each cluster: the preflight's, the one before the write, those of watching, and some for late answers."""


@pytest.fixture(scope="module")
def azure() -> Iterator[Emulator]:
    """An emulator at a speed at which two cores keep up with a hundred clusters."""
    with Emulator(speed=SPEED) as emulator:
        yield emulator


@pytest.fixture
def laid(estate: Estate) -> Estate:
    """The estate with a hundred clusters."""
    estate.lay_out(*FLEET, put_seconds=PUT_SECONDS, operation_seconds=OPERATION)
    estate.azure.clear_requests()
    return estate


@dataclass(frozen=True)
class Cost:
    """What was asked of Azure.

    Attributes:
        sign_ins: requests for a token.
        reads: looks at single clusters, by name.
        puts: when each cluster was written to, on the emulator's clock, by name.
        statuses: of all answers.
        ports: connections, of all processes together.
        ended: when the last request came.
    """

    sign_ins: int
    reads: Counter[str]
    puts: dict[str, list[float]]
    statuses: set[int | None]
    ports: set[int]
    ended: float

    @property
    def in_flight(self) -> int:
        """How many operations ran at a time, at most."""
        begun = sorted(moment for moments in self.puts.values() for moment in moments)
        return max(sum(moment <= other < moment + OPERATION for moment in begun) for other in begun)

    @property
    def seconds(self) -> float:
        """From the first write to the last look."""
        return self.ended - min(moment for moments in self.puts.values() for moment in moments)


def cost(azure: Emulator) -> Cost:
    """What was asked since the log was emptied."""
    log = azure.requests()
    of_clusters = [(entry, entry["path"].rsplit("/", 1)[1]) for entry in log if "/managedClusters/" in entry["path"]]
    puts: dict[str, list[float]] = {}
    for entry, name in of_clusters:
        if entry["method"] == "PUT":
            puts.setdefault(name, []).append(entry["time"])
    return Cost(
        sign_ins=sum(entry["path"].endswith("/oauth2/v2.0/token") for entry in log),
        reads=Counter(name for entry, name in of_clusters if entry["method"] == "GET"),
        puts=puts,
        statuses={entry["status"] for entry in log},
        ports={entry["port"] for entry in log},
        ended=max(entry["time"] for entry, _name in of_clusters),
    )


def assert_affordable(azure: Emulator, max_parallel: int) -> Cost:
    """The counts that hold for a hundred clusters however they were switched; the rest is the caller's."""
    asked = cost(azure)
    assert {name: len(moments) for name, moments in asked.puts.items()} == dict.fromkeys(NAMES, 1)
    assert asked.statuses == {200}
    assert sum(bucket["refused"] for bucket in azure.throttling()) == 0
    assert max(asked.reads.values()) <= MOST_READS
    assert asked.in_flight <= max_parallel
    rounds = len(NAMES) / max_parallel
    assert asked.seconds <= 5 * rounds * (PUT_SECONDS + OPERATION), (
        "one by one it would be more, however busy the machine"
    )
    assert all(azure.cluster(name)["properties"]["provisioningState"] == "Succeeded" for name in NAMES)
    return asked


@pytest.mark.parametrize("max_parallel", [50, 100])
def test_one_task(max_parallel: int, laid: Estate) -> None:
    """A hundred switches in one task: one sign-in, and a connection for each thread."""
    clusters = [{"resource_group": "rg1", "name": name, "mode": "NFTABLES"} for name in NAMES]
    options = {"clusters": clusters, "max_parallel": max_parallel, "journal": str(laid.folder / "journal.jsonl")}
    run = laid.ansible.play(
        [play(task("switch", "aks.kube_proxy.wave", options))], "--forks", "5", environ=laid.environ()
    )
    assert run.status == 0, run
    result = run.result("switch").values
    assert Counter(verdict["state"] for verdict in result["clusters"].values()) == {"switched": 100}
    asked = assert_affordable(laid.azure, max_parallel)
    assert asked.in_flight > max_parallel / 2, "they do run side by side"
    assert asked.sign_ins == 1
    assert len(asked.ports) <= max_parallel + 2, "one each for the cloud's metadata and the sign-in"
    lines = [json.loads(line) for line in (laid.folder / "journal.jsonl").read_text(encoding="utf-8").splitlines()]
    assert Counter(line["event"] for line in lines) == {"submitting": 100, "ended": 100}


@pytest.mark.parametrize("forks", [5, *(pytest.param(forks, marks=pytest.mark.long) for forks in (1, 50))])
def test_a_rollout(forks: int, laid: Estate) -> None:
    """From the inventory to the summary with the token that the inventory left to its workers."""
    source = laid.folder / "fleet.aks_clusters.yml"
    source.write_text(json.dumps({"plugin": "aks.kube_proxy.aks_clusters"}), encoding="utf-8")
    command = laid.command(FLEET, "--forks", str(forks), inventory=source, mode="NFTABLES", max_parallel=50)
    with rolling(laid, command) as run:
        done = run.ended(FLEET)
    assert done.status == 0, done.run
    assert set(done.states.values()) == {"switched"}
    assert done.after == dict.fromkeys(NAMES, NFTABLES)
    asked = assert_affordable(laid.azure, 50)
    assert asked.in_flight > 25, "they do run side by side"
    assert asked.sign_ins == 1
