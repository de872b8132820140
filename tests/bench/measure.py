"""What a command costs: processor time, time, and memory of all its processes."""

from __future__ import annotations

import os
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LOOK = 0.2
"""Seconds between two looks at the memory."""


@dataclass(frozen=True)
class Sample:
    """One run of a command.

    Attributes:
        cpu: seconds of processor time, of all its processes.
        wall: seconds from its start to its end.
        memory: the most MiB that its processes had together, each page of memory counted once.
    """

    cpu: float
    wall: float
    memory: float


@dataclass(frozen=True)
class Case:
    """Something to be measured.

    Attributes:
        name: as tables have it.
        command: the command.
        environ: its environment variables.
        units: by how many its figures are divided, such as clusters.
        check: looks at what was printed; raises AssertionError where the run did something else.
    """

    name: str
    command: Sequence[str]
    environ: Mapping[str, str]
    units: int = 1
    check: Callable[[str], None] = lambda _output: None


@dataclass(frozen=True)
class Figure:
    """Several measurements of one thing."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The one in the middle."""
        return statistics.median(self.values)

    def shown(self, digits: int) -> str:
        """The median, and the smallest and largest in brackets."""
        return f"{self.median:.{digits}f} ({min(self.values):.{digits}f} to {max(self.values):.{digits}f})"


def measured(case: Case, folder: Path) -> Sample:
    """Run a command to its end.

    Raises:
        AssertionError: it failed, or did something else than was to be measured.
    """
    output = folder / "output.txt"
    started = time.monotonic()
    with output.open("wb") as stream:
        process = subprocess.Popen(
            case.command,
            env=dict(case.environ),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        most, ended = [0.0], threading.Event()
        watch = threading.Thread(target=_watch, args=(process.pid, most, ended))
        watch.start()
        _pid, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - started
        ended.set()
        watch.join()
        process.returncode = os.waitstatus_to_exitcode(status)
    text = output.read_text(encoding="utf-8", errors="replace")
    assert process.returncode == 0, f"{case.name} ended with {process.returncode}\n{text[-3000:]}"
    case.check(text)
    return Sample(usage.ru_utime + usage.ru_stime, wall, most[0])


def _watch(session: int, most: list[float], ended: threading.Event) -> None:
    while not ended.wait(LOOK):
        most[0] = max(most[0], _memory(session))


def _memory(session: int) -> float:
    """MiB of all processes of a session; what several share counts once, in parts."""
    total = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == session:
                lines = (folder / "smaps_rollup").read_text().splitlines()
                total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        except (OSError, StopIteration):  # it has ended meanwhile
            continue
    return total / 1024


def compared(cases: Sequence[Case], times: int, folder: Path) -> dict[str, list[Sample]]:
    """Measure cases by turns, so that whatever else the machine does hits all alike. The first round only warms up."""
    found: dict[str, list[Sample]] = {case.name: [] for case in cases}
    for turn in range(times + 1):
        for case in cases:
            sample = measured(case, folder)
            if turn:
                found[case.name].append(sample)
    return found


def figure(samples: Sequence[Sample], what: str, units: float = 1) -> Figure:
    """One measure of several samples, by unit."""
    return Figure(tuple(getattr(sample, what) / units for sample in samples))
