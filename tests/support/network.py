"""Tests stay on loopback, with all that they start: the test during which something reached beyond it fails."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import aks_loopback_only


def complain(folder: Path, excused: tuple[str, ...] = ()) -> None:
    """Fail if something was refused since the last time, to others than the commands that are excused."""
    attempts = list(folder.iterdir())
    lines = [attempt.read_text(encoding="utf-8") for attempt in attempts]
    for attempt in attempts:
        attempt.unlink()
    lines = [line for line in lines if not any(command in line for command in excused)]
    if lines:
        pytest.fail("\n".join(["something reached beyond loopback:", *lines]), pytrace=False)


@pytest.fixture(scope="session", autouse=True)
def refused_attempts() -> Iterator[Path]:
    """Keep this process, and those that it will start, on loopback; the folder that tells of attempts."""
    folder = Path(tempfile.mkdtemp(prefix="aks-network-"))
    os.environ[aks_loopback_only.VARIABLE] = str(folder)
    aks_loopback_only.install()
    yield folder
    complain(folder)
    shutil.rmtree(folder)


@pytest.fixture(autouse=True)
def loopback_only(refused_attempts: Path) -> Iterator[None]:
    """Fail the test during which something reached beyond loopback."""
    yield
    complain(refused_attempts)
