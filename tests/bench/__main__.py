"""Run the benchmarks.

Usage: python -m tests.bench [--only NAME ...] [--times N] [--write FILE]

Each case is run as many times as asked for, by turns with those that it is compared with; tables show medians, and the
smallest and largest value in brackets. Quote ratios of one run: absolute times belong to the machine.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from tests.bench import audit, rollout, tasks
from tests.bench.report import between

BENCHES: dict[str, Callable[[Path, int], list[str]]] = {
    "tasks": tasks.bench,
    "audit": audit.bench,
    "rollout": rollout.bench,
}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("--only", nargs="+", choices=sorted(BENCHES), default=list(BENCHES))
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--write", type=Path, help="the page that gets the tables")
    options = parser.parse_args()
    print(machine())
    for name in options.only:
        with tempfile.TemporaryDirectory(prefix="aks-bench-") as folder:
            lines = BENCHES[name](Path(folder), options.times)
        print(f"\n{name}\n", *lines, sep="\n", flush=True)
        if options.write:
            told = [f"{machine()} Median of {options.times} runs (smallest to largest).", "", *lines]
            options.write.write_text(between(options.write.read_text("utf-8"), name, told), encoding="utf-8")


def machine() -> str:
    """What was measured on, and with."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    packages = ", ".join(f"{name} {version(name)}" for name in ("ansible-core", "azure-identity", "azure-mgmt-core"))
    python = ".".join(map(str, sys.version_info[:3]))
    return f"{os.cpu_count()} cores ({model}), Python {python}, {packages}."


if __name__ == "__main__":
    main()
