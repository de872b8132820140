"""What it costs to roll a large fleet, against the documented token buckets."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.bench.audit import kind
from tests.bench.cloud import Cloud, cloud, fleet
from tests.bench.measure import Case, Figure, Sample, measured
from tests.bench.report import Rows, table

PUT_SECONDS, OPERATION_SECONDS = 10.0, 90.0
SUBSCRIPTIONS = 4
WAVE = 100
"""Clusters in a wave, all of them at a time."""
SPEED = 8.0
"""At more, two cores do not keep up with a hundred clusters, and what is measured is the emulator."""
SIZES = (10, 100, 1000)
FORKS = "5"


def bench(folder: Path, times: int) -> list[str]:
    """Measure, and lay the figures out. Large rollouts are long, so that they are run less often."""
    rows: Rows = []
    for size in SIZES:
        turns = times if size <= WAVE else 1
        rows.append(_of(size, folder / str(size), turns))
    head = ["clusters", "waves", "runs", "wall s on Azure's clock", "times the bound", "CPU ms per cluster", "peak MiB"]
    return table([*head, "requests per cluster", "refused"], rows)


def _of(size: int, folder: Path, times: int) -> list[str]:
    waves = -(-size // WAVE)
    bound = waves * (PUT_SECONDS + OPERATION_SECONDS)
    samples: list[Sample] = []
    kinds: Counter[str] = Counter()
    refused = 0
    for turn in range(times):
        behaviour = {"put_seconds": PUT_SECONDS, "operation_seconds": OPERATION_SECONDS}
        layout = fleet(size, subscriptions=SUBSCRIPTIONS, **behaviour)
        with cloud(layout, folder / str(turn), speed=SPEED) as azure:
            samples.append(measured(_case(azure, folder / str(turn), size), folder))
            kinds.update(kind(entry) for entry in azure.control("requests"))
            refused += sum(bucket["refused"] for bucket in azure.control("throttling"))
    seconds = Figure(tuple(sample.wall * SPEED for sample in samples))
    told = ", ".join(f"{many / times / size:.2f} {name}" for name, many in sorted(kinds.items()))
    return [
        str(size),
        str(waves),
        str(times),
        seconds.shown(0),
        f"{seconds.median / bound:.2f}",
        Figure(tuple(1000 * sample.cpu / size for sample in samples)).shown(0),
        Figure(tuple(sample.memory for sample in samples)).shown(0),
        told,
        str(refused),
    ]


def _case(azure: Cloud, folder: Path, size: int) -> Case:
    inventory = folder / "fleet.aks_clusters.yml"
    inventory.write_text("plugin: aks.kube_proxy.aks_clusters\nall_subscriptions: true\n", encoding="utf-8")
    variables = {
        "rolling_update_mode": "NFTABLES",
        "rolling_update_verify": "off",
        "rolling_update_max_parallel": WAVE,
        "rolling_update_stages": [{"name": "all", "waves": [WAVE] * max(1, -(-size // WAVE) - 1) + ["100%"]}],
        "rolling_update_poll_interval": 2,
        "preview_setup_poll_interval": 1,
    }
    command = ["ansible-playbook", "aks.kube_proxy.rollout", "--forks", FORKS, "--inventory", str(inventory)]
    return Case(str(size), [*command, "-e", json.dumps(variables)], azure.environ, size, _switched(size))


def _switched(size: int) -> Callable[[str], None]:
    def check(output: str) -> None:
        assert f"{size} cluster(s): {size} switched" in output, output[-3000:]

    return check
