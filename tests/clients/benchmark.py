"""How much work a switch is: the Azure CLI in a shell loop, and our module. Not a test.

    python -m tests.clients.benchmark --az .venv-az/bin/az

Azure's own time is taken out: the emulator answers at once, and an operation has ended when it is first asked about.
What is left is the clients' time, on the clock and of the processor (without the emulator's), and the number of
requests. az has its token on disk before the clock starts; each of Ansible's workers gets one of its own, in three
requests. The edit between GET and PUT of C(az rest) is free here; in a shell it would be jq.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.clients.az import Az
from tests.clients.conftest import ROOT, ansible_in
from tests.emulator import Emulator
from tests.support.playbook import Ansible, play, task

GROUP = "rg-benchmark"
PREVIEW = "2026-05-02-preview"
NFTABLES = {"enabled": True, "mode": "NFTABLES"}
FLAG = {"KubeProxyConfigurationPreview": "Registered"}


@dataclass(frozen=True)
class Bench:
    """The clients and their Azure."""

    emulator: Emulator
    az: Az
    ansible: Ansible
    folder: Path
    names: list[str]

    def url(self, name: str) -> str:
        """The address of a cluster."""
        return f"{self.emulator.url}{self.emulator.cluster(name)['id']}?api-version={PREVIEW}"

    def by_az_rest(self) -> None:
        """Read, compare, write where there is a difference, and look until it is done; one cluster after the other."""
        for name in self.names:
            url = self.url(name)
            body = self.az("rest", "--method", "get", "--url", url)
            if body["properties"]["networkProfile"].get("kubeProxyConfig") == NFTABLES:
                continue
            body["properties"]["networkProfile"]["kubeProxyConfig"] = NFTABLES
            file = self.folder / "body.json"
            file.write_text(json.dumps(body))
            self.az("rest", "--method", "put", "--url", url, "--body", f"@{file}")
            query = ("--query", "properties.provisioningState")
            while self.az("rest", "--method", "get", "--url", url, *query) != "Succeeded":
                pass

    def by_az_resource_update(self) -> None:
        """The one command that reads, writes and waits."""
        for name in self.names:
            self.az(
                *("resource", "update", "--ids", self.emulator.cluster(name)["id"], "--api-version", PREVIEW),
                *("--set", f"properties.networkProfile.kubeProxyConfig={json.dumps(NFTABLES)}"),
            )

    def by_module(self, execution: str) -> None:
        """One playbook for all, ten at a time."""
        arguments = {"resource_group": GROUP, "name": "{{ inventory_hostname }}", "mode": "NFTABLES"}
        switch = task("switch", "aks.kube_proxy.config", arguments, delegate_to="localhost")
        inventory = {name: {"ansible_connection": "local", "aks_execution": execution} for name in self.names}
        run = self.ansible.play([play(switch)], "--forks", "10", inventory=inventory)
        assert [result.event for result in run.results_of("switch")] == ["ok"] * len(self.names), run


@dataclass(frozen=True)
class Cost:
    """What a run took: seconds on the clock, seconds of the processor, requests to the emulator."""

    clock: float
    processor: float
    requests: float


def processor_seconds() -> float:
    """What all ended child processes have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def median(costs: list[Cost]) -> Cost:
    """The medians, each of its own."""
    return Cost(
        statistics.median(cost.clock for cost in costs),
        statistics.median(cost.processor for cost in costs),
        statistics.median(cost.requests for cost in costs),
    )


def measure(bench: Bench, way: Callable[[], None], rounds: int) -> list[Cost]:
    """Return the median costs of a switch and of a second run."""
    found: list[list[Cost]] = [[], []]
    for _round in range(rounds):
        for name in bench.names:
            stored = {"properties": {"networkProfile": {"kubeProxyConfig": None}}}
            bench.emulator.change_cluster(name, stored)
        for kind in found:
            bench.emulator.clear_requests()
            start, used = time.monotonic(), processor_seconds()
            way()
            clock, used = time.monotonic() - start, processor_seconds() - used
            kind.append(Cost(clock, used, len(bench.emulator.requests())))
            modes = [bench.emulator.cluster(n)["properties"]["networkProfile"]["kubeProxyConfig"] for n in bench.names]
            assert all(mode == NFTABLES for mode in modes)
    return [median(kind) for kind in found]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Measure a switch by az and by our module.")
    parser.add_argument("--az", type=Path, default=ROOT / ".venv-az" / "bin" / "az")
    parser.add_argument("--clusters", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    names = [f"aks-{number}" for number in range(options.clusters)]
    fleet: dict[str, Any] = {
        "clusters": [{"name": name, "resource_group": GROUP} for name in names],
        "behaviour": {"put_seconds": 0, "operation_seconds": 0, "throttling": False},
    }
    with tempfile.TemporaryDirectory() as scratch, Emulator(fleet, speed=100) as emulator:
        emulator.reset({**fleet, "features": {emulator.environment()["AZURE_SUBSCRIPTION_ID"]: FLAG}})
        folder, environ = Path(scratch), emulator.environment()
        home = {"HOME": scratch, "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
        az = Az(options.az.resolve(), {**home, **environ})
        az.sign_in(emulator.url)
        bench = Bench(emulator, az, ansible_in(folder, Path(sys.executable).parent, environ), folder, names)
        ways: dict[str, Callable[[], None]] = {
            "`az rest` in a loop": bench.by_az_rest,
            "`az resource update` in a loop": bench.by_az_resource_update,
            "`aks.kube_proxy.config`": lambda: bench.by_module("auto"),
            "the same as an ordinary module": lambda: bench.by_module("module"),
        }
        print(f"{len(names)} clusters, medians of {options.rounds}; per cluster:\n")
        print("| | switch: seconds | processor | requests | second run: seconds | processor | requests |")
        print("|---|---|---|---|---|---|---|")
        for title, way in ways.items():
            cells = [
                f"{value / len(names):.2f}"
                for cost in measure(bench, way, options.rounds)
                for value in (cost.clock, cost.processor, cost.requests)
            ]
            print(f"| {title} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
