"""Ansible and an Azure for module tests: a real ansible-playbook, real HTTPS, the emulator's hurried time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulator import Emulator
from tests.support.playbook import Ansible


@pytest.fixture(scope="session")
def hurried() -> Iterator[Emulator]:
    """An emulator whose operations take a fifth of a second; tests lay out their own fleets."""
    with Emulator(speed=500) as emulator:
        yield emulator


@pytest.fixture(scope="session")
def unhurried() -> Iterator[Emulator]:
    """An emulator in which a second is a second."""
    with Emulator(speed=1) as emulator:
        yield emulator


@pytest.fixture
def ansible(ansible_bin: Path, ansible_environment: dict[str, str], tmp_path: Path) -> Ansible:
    """The Ansible under test, without credentials."""
    return Ansible(ansible_bin, ansible_environment, tmp_path)
