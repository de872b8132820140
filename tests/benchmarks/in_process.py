"""What running modules in Ansible's worker saves: CPU and wall time per cluster, of reads against the emulator.

    python -m tests.benchmarks.in_process [--clusters N] [--forks N] [--rounds N]

Each round plays three playbooks over the same hosts: ansible.builtin.debug (what Ansible itself costs), the module in
the worker, and the ordinary module. CPU seconds are those of ansible-playbook and all its children, measured by the
operating system; the emulator's are not in them.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT
from tests.emulator import Emulator
from tests.support.playbook import Ansible, Inventory, Task, play, task

READ = {"resource_group": "rg1", "name": "{{ inventory_hostname }}"}
TASKS: dict[str, Task] = {
    "debug": task("debug", "ansible.builtin.debug", {"msg": "{{ inventory_hostname }}"}),
    "worker": task("read", "aks.kube_proxy.config_info", READ, vars={"aks_execution": "auto"}),
    "module": task("read", "aks.kube_proxy.config_info", READ, vars={"aks_execution": "module"}),
}


@dataclass(frozen=True)
class Cost:
    """Seconds per cluster."""

    cpu: float
    wall: float


def measured(ansible: Ansible, environ: dict[str, str], inventory: Inventory, name: str, forks: int) -> Cost:
    """Play one of the playbooks. Raises SystemExit when it fails."""
    command = ansible.command([play(TASKS[name])], "--forks", str(forks), inventory=inventory)
    started = time.monotonic()
    with (ansible.folder / "output").open("wb") as output:
        process = subprocess.Popen(command, env=ansible.variables(environ), stdout=output, stderr=subprocess.STDOUT)
        _unused, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    text = (ansible.folder / "output").read_text()
    if process.returncode or "ignored=1" in text:
        raise SystemExit(text)
    return Cost((usage.ru_utime + usage.ru_stime) / len(inventory), (time.monotonic() - started) / len(inventory))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Compare reads in the worker with ordinary modules.")
    parser.add_argument("--clusters", type=int, default=20)
    parser.add_argument("--forks", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    names = [f"c{number}" for number in range(options.clusters)]
    inventory = {name: {"ansible_connection": "local"} for name in names}
    bin_folder = Path(sys.executable).parent
    costs: dict[str, list[Cost]] = {name: [] for name in TASKS}
    fleet = {"clusters": [{"name": name} for name in names], "behaviour": {"throttling": False}}
    with tempfile.TemporaryDirectory() as folder, Emulator(fleet) as emulator:
        environ = {
            "HOME": folder,
            "PATH": f"{bin_folder}{os.pathsep}{os.defpath}",
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".venv" / "collections"),
        }
        ansible = Ansible(bin_folder, environ, Path(folder))
        for _unused in range(options.rounds):
            for name, results in costs.items():
                results.append(measured(ansible, emulator.environment(), inventory, name, options.forks))
    print(f"{options.clusters} clusters, {options.forks} forks, medians of {options.rounds} rounds, per cluster")
    cpu = {name: statistics.median(cost.cpu for cost in results) for name, results in costs.items()}
    wall = {name: statistics.median(cost.wall for cost in results) for name, results in costs.items()}
    for name in TASKS:
        print(f"{name:8} {cpu[name]:7.3f} s CPU {wall[name]:7.3f} s")
    print(f"ordinary module / worker: {cpu['module'] / cpu['worker']:.1f} times the CPU")
    less = {name: cpu[name] - cpu["debug"] for name in ("worker", "module")}
    print(f"the same without what Ansible itself costs (debug): {less['module'] / less['worker']:.1f} times")


if __name__ == "__main__":
    main()
