"""What one task for each cluster costs that changes nothing: in the worker, as a module, and what else there is."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.bench.cloud import Cloud, cloud, fleet
from tests.bench.measure import Case, compared, figure
from tests.bench.report import table

MANY, FEW = 200, 20
"""Clusters for what is light, and for what takes a second or more each."""
FORKS = "5"
FLOOR = "ansible.builtin.debug"
CONFIG = {"aks.kube_proxy.config": {"resource_id": "{{ aks_resource_id }}", "mode": "NFTABLES"}}
SDK = "import azure.identity, azure.mgmt.core, azure.core.pipeline.transport, requests, ansible.module_utils.basic"
AZ, AZCOLLECTION = "AKS_BENCH_AZ", "AKS_BENCH_AZCOLLECTION"
"""Where C(az) is, and the bin folder of an environment with azure.azcollection."""


def bench(folder: Path, times: int) -> list[str]:
    """Measure, and lay the figures out."""
    many = fleet(MANY, throttling=False)
    for row in many["clusters"]:
        row["mode"] = "NFTABLES"
    few = {**many, "clusters": many["clusters"][:FEW]}
    with cloud(many, folder / "many") as large, cloud(few, folder / "few") as small:
        cases = [*_light(large, folder / "many"), *_heavy(small, folder / "few")]
        found = compared(cases, times, folder)
    floor = figure(found[FLOOR], "cpu", MANY).median
    rows = []
    for case in cases:
        cost = figure(found[case.name], "cpu", case.units / 1000)
        rows.append([case.name, str(case.units), cost.shown(0), f"{cost.median / 1000 / floor:.2f}"])
    return table(["task", "clusters", "CPU ms per cluster", f"times {FLOOR}"], rows)


def _light(azure: Cloud, folder: Path) -> Iterator[Case]:
    yield _play(FLOOR, azure, folder, {FLOOR: {"msg": "{{ aks_resource_id }}"}}, MANY)
    yield _play("config, in the worker", azure, folder, CONFIG, MANY)


def _heavy(azure: Cloud, folder: Path) -> Iterator[Case]:
    yield _play("config, as a module", azure, folder, CONFIG, FEW, aks_execution="module")
    yield Case("a bare Python with the same imports", _repeated([sys.executable, "-c", SDK]), azure.environ, FEW)
    if folder_of_az := os.environ.get(AZCOLLECTION):
        names = {"resource_group": "{{ aks_resource_group }}", "name": "{{ aks_name }}"}
        environ = {**azure.environ, "PATH": f"{folder_of_az}{os.pathsep}{os.defpath}"}
        other = Cloud(environ, azure.url, azure.bundle)
        yield _play("azure_rm_aks_info", other, folder, {"azure.azcollection.azure_rm_aks_info": names}, FEW)
    if az := os.environ.get(AZ):
        yield Case(
            "az aks show", _repeated([az, *"aks show --resource-group rg1 --name c0000".split()]), azure.environ, FEW
        )


def _repeated(command: list[str]) -> list[str]:
    """A command as many times as there are clusters, as a loop in a shell."""
    return ["sh", "-c", f'for _unused in $(seq {FEW}); do "$@" >/dev/null || exit 1; done', "sh", *command]


def _play(name: str, azure: Cloud, folder: Path, task: Mapping[str, Any], clusters: int, **variables: str) -> Case:
    inventory, playbook = folder / "fleet.aks_clusters.yml", folder / f"{len(list(folder.iterdir()))}.json"
    inventory.write_text("plugin: aks.kube_proxy.aks_clusters\n", encoding="utf-8")
    play = {"hosts": "all", "gather_facts": False, "vars": variables, "tasks": [task]}
    playbook.write_text(json.dumps([play]), encoding="utf-8")
    command = ["ansible-playbook", "--forks", FORKS, "--inventory", str(inventory), str(playbook)]
    return Case(name, command, azure.environ, clusters, _all_ok(clusters))


def _all_ok(clusters: int) -> Callable[[str], None]:
    def check(output: str) -> None:
        well = output.count(": ok=1    changed=0    unreachable=0    failed=0")
        assert well == clusters, f"{well} of {clusters} ended well\n{output[-2000:]}"

    return check
