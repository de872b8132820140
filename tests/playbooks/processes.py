"""Playbooks that run beside the test: to be watched, killed, and looked for afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.playbooks.support import Cluster, Estate, Rollout
from tests.support.playbook import INTERRUPTIBLE, Run

PATIENCE = 120.0
"""Real seconds until something that has to come is taken to stay away, on a busy machine."""


def eventually(holds: Callable[[], Any], what: str, seconds: float = PATIENCE) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not within {seconds} seconds: {what}"
        time.sleep(0.05)


@dataclass
class Rolling:
    """An ansible-playbook that runs.

    Attributes:
        estate: where it runs.
        process: its process; those that it has started are found by an environment variable that they inherit.
        output: the file that takes what it prints.
        killed: when it was killed, on the emulator's clock.
    """

    estate: Estate
    process: subprocess.Popen[bytes]
    output: Path
    killed: float = 0.0

    @property
    def runs(self) -> bool:
        """Whether ansible-playbook itself runs."""
        return self.process.poll() is None

    def members(self) -> set[int]:
        """All running processes of this run, itself, workers and modules; found wherever they have ended up."""
        mark = f"AKS_TEST_RECORD={self.estate.ansible.record}\0".encode()
        return {int(folder.name) for folder in Path("/proc").glob("[0-9]*") if mark in _environment(folder)}

    def kill(self, number: signal.Signals) -> None:
        """Send the signal to ansible-playbook alone, and wait for its end."""
        assert self.runs, f"it has ended before it could be killed\n{self}"
        os.kill(self.process.pid, number)
        self.process.wait(PATIENCE)
        self.killed = self.estate.azure.now()

    def watch_until(self, holds: Callable[[], Any], what: str, *, hurry: float = 0.0) -> None:
        """Wait until something holds, while it runs.

        Args:
            holds: what to wait for.
            what: that in words.
            hurry: how many seconds Azure's clock is moved on at each look; 0 leaves it alone.
        """
        end = time.monotonic() + PATIENCE
        while not holds():
            assert self.runs, f"it has ended before {what}\n{self}"
            assert time.monotonic() < end, f"not within {PATIENCE} seconds: {what}\n{self}"
            self.estate.azure.advance(hurry)
            time.sleep(0.05)

    def ended(self, clusters: Sequence[Cluster], *, hurry: float = 0.0) -> Rollout:
        """Wait for its end while Azure's clock is moved on, and look at what it left behind."""
        end = time.monotonic() + 3 * PATIENCE
        while self.runs:
            assert time.monotonic() < end, f"it does not end\n{self}"
            self.estate.azure.advance(hurry)
            time.sleep(0.05)
        text = self.output.read_text(encoding="utf-8")
        done = subprocess.CompletedProcess(self.process.args, self.process.returncode, text, "")
        run: Run = self.estate.ansible.finished(done)
        return self.estate.left(run, clusters)

    def __str__(self) -> str:
        """What it printed."""
        return self.output.read_text(encoding="utf-8")


def _environment(folder: Path) -> bytes:
    """A process's environment; nothing for one that has ended, or that is not ours."""
    try:
        return (folder / "environ").read_bytes()
    except OSError:
        return b""


@contextmanager
def rolling(estate: Estate, command: Sequence[str], **environ: str) -> Iterator[Rolling]:
    """A command of the estate, running beside the test; nothing of it is left over afterwards."""
    output = estate.folder / "output.txt"
    with output.open("wb") as stream:
        process = subprocess.Popen(
            [*INTERRUPTIBLE, *command],
            env=estate.ansible.variables(estate.environ(**environ)),
            cwd=estate.folder,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    run = Rolling(estate, process, output)
    try:
        yield run
    finally:
        for member in run.members():
            with_luck(member)
        process.wait(PATIENCE)


def with_luck(process: int) -> None:
    """Kill a process that may have ended meanwhile."""
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return
