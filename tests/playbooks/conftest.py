"""Ansible and an Azure for tests of playbooks: real ansible-playbook processes, the emulator's hurried time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulator import Emulator
from tests.playbooks.support import SETTINGS, Estate
from tests.support.playbook import Ansible


@pytest.fixture(scope="module")
def azure() -> Iterator[Emulator]:
    """An emulator in which a minute is a second; tests lay out their own fleets."""
    with Emulator(speed=60) as emulator:
        yield emulator


@pytest.fixture
def estate(ansible_bin: Path, ansible_environment: dict[str, str], azure: Emulator, tmp_path: Path) -> Estate:
    """An estate in a folder of this test alone."""
    return Estate(Ansible(ansible_bin, ansible_environment, tmp_path), azure)


@pytest.fixture(params=SETTINGS)
def settings(request: pytest.FixtureRequest) -> dict[str, str]:
    """The settings of an estate under which a rollout has to come to the same end, one after the other."""
    return SETTINGS[request.param]
