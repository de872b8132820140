"""What all tests share: Hypothesis profiles, the network that they stay on, and the Ansible that is tested."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]

pytest_plugins = ["tests.support.network"]

# The same examples on every run: no push fails for what the pusher did not touch. The long run looks for new ones,
# except where a push waits for it.
settings.register_profile("default", max_examples=100, deadline=None, derandomize=True)
settings.register_profile("long", max_examples=2000, deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("default")


@pytest.fixture(scope="session")
def ansible_bin() -> Path:
    """Return the bin folder of the Ansible under test: the one that these tests run with."""
    return Path(sys.executable).parent


@pytest.fixture
def ansible_environment(ansible_bin: Path, tmp_path: Path) -> dict[str, str]:
    """Return the environment variables for running Ansible in a test: nothing of the caller's leaks in.

    HOME is empty and of this test alone, so neither ansible.cfg nor ~/.azure of the developer plays a part.
    """
    home = tmp_path / "home"
    home.mkdir()
    return {
        "HOME": str(home),
        "PATH": f"{ansible_bin}{os.pathsep}{os.defpath}",
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".venv" / "collections"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_NOCOLOR": "true",
        "ANSIBLE_PYTHON_INTERPRETER": str(ansible_bin / "python"),
    }
