"""Real clients and an Azure for them: the Azure CLI, azure.azcollection, and our own modules beside them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.clients.az import Az
from tests.emulator import Emulator
from tests.support.network import complain
from tests.support.playbook import Ansible

ROOT = Path(__file__).resolve().parents[2]
GROUP = "rg-clients"
FLEET: dict[str, Any] = {
    "clusters": [{"name": f"aks-{letter}", "resource_group": GROUP, "tags": {"team": "blue"}} for letter in "abcd"],
    "behaviour": {"put_seconds": 1, "operation_seconds": 20, "registration_seconds": 30, "propagation_seconds": 0},
}


@pytest.fixture(autouse=True)
def loopback_only(refused_attempts: Path) -> Iterator[None]:
    """Fail a test of which anything but the Azure CLI itself reached beyond loopback.

    The CLI asks Microsoft for lists and news, and tells it of its use, by itself. It is refused that, and works all
    the same.
    """
    yield
    complain(refused_attempts, excused=("-m azure.cli ", "/azure/cli/telemetry/"))


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    """An Azure of this test module alone: signed-in clients keep their tokens, and a reset would refuse these."""
    with Emulator(FLEET, speed=100) as running:
        yield running


@pytest.fixture
def log(emulator: Emulator) -> Emulator:
    """The emulator with an empty request log."""
    emulator.clear_requests()
    return emulator


def folder_of(variable: str, client: str) -> Path:
    """The folder that a variable names; a test is skipped where none is named."""
    named = os.environ.get(variable)
    if not named:
        pytest.skip(f"{variable} does not name {client}: make test-clients installs it")
    return Path(named)


@pytest.fixture(scope="session")
def az_program() -> Path:
    """The Azure CLI."""
    return folder_of("AKS_TEST_AZ", "the Azure CLI")


@pytest.fixture(scope="session")
def azcollection_bin() -> Path:
    """The bin folder of an environment with azure.azcollection, its requirements and ours."""
    return folder_of("AKS_TEST_AZCOLLECTION", "an environment with azure.azcollection")


@pytest.fixture(scope="module")
def stranger(az_program: Path, emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Az:
    """The Azure CLI with the emulator's variables, knowing neither the cloud nor a login."""
    home = tmp_path_factory.mktemp("az")
    environ = {
        "HOME": str(home),
        "PATH": f"{az_program.parent}{os.pathsep}{os.defpath}",
        "LC_ALL": "C.UTF-8",
        **emulator.environment(),
        "AZURE_CONFIG_DIR": str(home / "config"),
    }
    return Az(az_program, environ)


@pytest.fixture(scope="module")
def az(stranger: Az, emulator: Emulator) -> Az:
    """The Azure CLI, logged in to the emulator."""
    stranger.sign_in(emulator.url)
    return stranger


@pytest.fixture
def make_ansible(tmp_path: Path) -> Callable[[Path, Mapping[str, str]], Ansible]:
    """Return a function that makes an Ansible from a bin folder and environment variables."""
    return lambda folder, environ: ansible_in(tmp_path, folder, environ)


def ansible_in(folder: Path, program: Path, environ: Mapping[str, str]) -> Ansible:
    """Ansible of one bin folder, with an empty home, the checkout as a collection, and these variables besides."""
    (folder / "home").mkdir(exist_ok=True)
    base = {
        "HOME": str(folder / "home"),
        "PATH": f"{program}{os.pathsep}{os.defpath}",
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".venv" / "collections"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_NOCOLOR": "true",
        "ANSIBLE_PYTHON_INTERPRETER": str(program / "python"),
    }
    return Ansible(program, {**base, **environ}, folder)
