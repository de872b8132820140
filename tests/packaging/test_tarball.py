"""The built collection: its list of files, and that it works where it is installed."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from pathlib import Path, PurePosixPath

import pytest
import yaml

from tests.conftest import ROOT

# What serves the repository only. MANIFEST.json takes galaxy.yml's place in the tarball.
REPOSITORY_ONLY = (".ci/", ".git", "galaxy.yml")
MADE_BY_THE_BUILD = {"FILES.json", "MANIFEST.json"}

GALAXY = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def tarball(tmp_path_factory: pytest.TempPathFactory, ansible_bin: Path) -> Path:
    folder = tmp_path_factory.mktemp("tarball")
    command = [str(ansible_bin / "ansible-galaxy"), "collection", "build", "--output-path", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return folder / f"aks-kube_proxy-{GALAXY['version']}.tar.gz"


@pytest.fixture(scope="module")
def content(tarball: Path) -> set[str]:
    with tarfile.open(tarball) as archive:
        return {member.name for member in archive.getmembers() if not member.isdir()}


def project_files() -> set[str]:
    """Return what Git tracks or would track."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a Git work tree")
    listing = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, check=True, capture_output=True, text=True).stdout.split("\0")
    return {name for name in names if name and (ROOT / name).is_file()}


def test_tarball_holds_the_project_and_nothing_else(content: set[str]) -> None:
    wanted = {name for name in project_files() if not name.startswith(REPOSITORY_ONLY)}
    assert content == wanted | MADE_BY_THE_BUILD


def test_tarball_holds_the_emulator(content: set[str]) -> None:
    assert "tests/emulator/__main__.py" in content


def test_no_cache_gets_into_the_tarball(content: set[str]) -> None:
    parts = {part for name in content for part in PurePosixPath(name).parts}
    assert not {part for part in parts if part.startswith((".venv", ".cache")) or part == "__pycache__"}


def test_what_git_ignores_the_build_ignores() -> None:
    lines = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    ignored = {line.strip("/") for line in lines if line and not line.startswith("#")}
    assert ignored <= set(GALAXY["build_ignore"])


def test_installed_offline_it_documents_every_module_and_can_start_the_emulator(
    tarball: Path, ansible_bin: Path, ansible_environment: dict[str, str], tmp_path: Path
) -> None:
    environment = ansible_environment | {"ANSIBLE_COLLECTIONS_PATH": str(tmp_path)}

    def run(*command: str, cwd: Path = tmp_path) -> str:
        done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    galaxy = str(ansible_bin / "ansible-galaxy")
    run(galaxy, "collection", "install", "--offline", "--collections-path", str(tmp_path), str(tarball))
    documented = json.loads(run(str(ansible_bin / "ansible-doc"), "--json", "--list", "aks.kube_proxy"))
    modules = {f"aks.kube_proxy.{path.stem}" for path in (ROOT / "plugins" / "modules").glob("[!_]*.py")}
    assert documented.keys() == modules
    installed = tmp_path / "ansible_collections" / "aks" / "kube_proxy"
    assert "--fleet" in run(sys.executable, "-m", "tests.emulator", "--help", cwd=installed)
