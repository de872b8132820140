"""Build one of the project's Python environments, once.

Usage: environment.py NAME...    build them if needed, print their bin folders
       environment.py            print the table

An environment is rebuilt when its Python, its packages or the contents of the files they come from change. A later
call only compares a stamp. This script needs nothing but a Python 3.9; it finds the Python to build with.
Exit status 3 means: no suitable Python on this machine.
"""

from __future__ import annotations

import argparse
import dataclasses
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NO_PYTHON = 3

# Of a virtual environment's Python, the probe tells the Python below it, which stays when the environment goes.
PROBE = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2], sys._base_executable)"


@dataclasses.dataclass(frozen=True)
class Environment:
    """A folder with Python packages in it."""

    folder: str
    pythons: tuple[str, ...]
    """Acceptable Python versions, best first."""
    files: tuple[str, ...] = ()
    """Requirement files, relative to the repository root."""
    hashes: bool = False
    """Whether the files hold a hash of everything that is installed; what is downloaded has to match one."""
    packages: tuple[str, ...] = ()
    """Further requirements."""
    floors: bool = False
    """Whether to install exactly the lower bounds of requirements.txt."""
    collection_requirements: str | None = None
    """A collection in one of the packages (NAMESPACE/NAME) whose own requirements are installed as well."""
    purpose: str = ""


TESTS = ("pytest>=9.0", "pytest-xdist>=3.8", "hypothesis>=6.100")
EMULATOR = "tests/emulator/requirements.txt"
GUARD = ROOT / "tests" / "support" / "aks_loopback_only.py"
GUARD_VARIABLE = "AKS_TEST_LOOPBACK_ONLY"


def core(name: str, release: str, python: str, *, floors: bool = False) -> Environment:
    """Another ansible-core, with the oldest or the newest packages that the collection allows."""
    return Environment(
        folder=f".venv-core-{name}",
        pythons=(python,),
        files=(EMULATOR,) if floors else (EMULATOR, "requirements.txt"),
        packages=(f"ansible-core=={release}", *TESTS),
        floors=floors,
        purpose=f"ansible-core {release}, {'oldest' if floors else 'newest'} Azure packages",
    )


# Python 3.14 comes last: nothing has been tried with it yet, though every locked package says that it supports it.
# "next" is the coming release of ansible-core.
ENVIRONMENTS = {
    "dev": Environment(
        folder=".venv",
        pythons=("3.13", "3.12", "3.11", "3.14"),
        files=("tests/requirements/dev.lock",),
        hashes=True,
        purpose="development and make test",
    ),
    "core-2.16": core("2.16", "2.16.19", "3.10", floors=True),
    "core-2.18": core("2.18", "2.18.19", "3.11"),
    "core-2.20": core("2.20", "2.20.10", "3.12"),
    "core-next": core("next", "2.22.0rc1", "3.13"),
    "az": Environment(
        folder=".venv-az",
        pythons=("3.12", "3.11", "3.13"),
        packages=("azure-cli==2.91.0",),
        purpose="the Azure CLI as a client",
    ),
    "azcollection": Environment(
        folder=".venv-azcollection",
        pythons=("3.12", "3.13"),
        files=(EMULATOR, "requirements.txt"),
        packages=("ansible==14.5.0", *TESTS),
        collection_requirements="azure/azcollection",
        purpose="azure.azcollection and its requirements together with ours",
    ),
    "fuzz": Environment(
        folder=".venv-fuzz",
        pythons=("3.13", "3.12", "3.11"),
        files=(EMULATOR, "requirements.txt"),
        packages=("ansible-core>=2.19", "hypothesis>=6.100", "atheris==3.0.0"),
        purpose="coverage-guided fuzzing",
    ),
}


def interpreters(version: str) -> list[str]:
    """Every place where a Python of that version may be: PATH first, then pyenv's versions folder."""
    found = [shutil.which(f"python{version}"), shutil.which("python3")]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found += sorted(map(str, pyenv.glob(f"versions/{version}*/bin/python{version}")), reverse=True)
    return [path for path in found if path]


def find_python(versions: tuple[str, ...]) -> str | None:
    """The first interpreter that runs, has the wanted version and can make environments; PYTHON overrides the search.

    pyenv's shims are no obstacle: one that does not run fails the probe, one that runs tells its real path.
    """
    override = os.environ.get("PYTHON")
    for version in versions:
        for candidate in [override] if override else interpreters(version):
            probe = subprocess.run([candidate, "-c", PROBE], capture_output=True, text=True, check=False)
            words = probe.stdout.strip().split(" ", 1)
            if probe.returncode == 0 and words[0] == version:
                return words[1]
    return None


def floors() -> list[str]:
    """Exactly the lower bounds of requirements.txt, as requirements."""
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return [line.replace(">=", "==") for line in lines if line and not line.startswith("#")]


def stamp_text(environment: Environment, python: str) -> str:
    """What decides whether an environment is up to date; its first line is the Python that it was built with."""
    sums = [f"{name} {hashlib.sha256((ROOT / name).read_bytes()).hexdigest()}" for name in environment.files]
    return "\n".join([python, *environment.packages, *(floors() if environment.floors else ()), *sums, ""])


def pip_environment() -> dict[str, str]:
    """The caller's environment, less an emulator's CA bundle: with that, pip could reach no package index."""
    variables = dict(os.environ)
    variables.pop("PYTHONPATH", None)
    if variables.get("AZURE_CLOUD_ENVIRONMENT", "").startswith("https://localhost"):
        variables.pop("REQUESTS_CA_BUNDLE", None)
    return variables


@contextmanager
def alone(folder: str) -> Iterator[None]:
    """Let one process at a time look at and build an environment: steps run side by side and share some."""
    locks = ROOT / ".cache" / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    with (locks / folder.lstrip(".")).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build(name: str) -> Path:
    """Build the environment unless it is up to date, and return its bin folder."""
    with alone(ENVIRONMENTS[name].folder):
        return build_alone(name)


def build_alone(name: str) -> Path:
    """Build the environment; nobody else does so now."""
    environment = ENVIRONMENTS[name]
    folder = ROOT / environment.folder
    install_packages(environment, folder)
    link_guard(folder)
    return folder / "bin"


def install_packages(environment: Environment, folder: Path) -> None:
    """Make the environment anew unless it is up to date."""
    stamp = folder / "stamp"
    if stamp.is_file() and not os.environ.get("PYTHON"):
        built_with = stamp.read_text().partition("\n")[0]
        if Path(built_with).exists() and stamp.read_text() == stamp_text(environment, built_with):
            return
    python = find_python(environment.pythons)
    if python is None:
        wanted = " or ".join(environment.pythons)
        where = f"PYTHON={os.environ['PYTHON']} is" if os.environ.get("PYTHON") else "none on PATH or with pyenv is"
        print(f"{environment.folder} needs Python {wanted} with the venv module; {where} one.", file=sys.stderr)
        sys.exit(NO_PYTHON)
    wanted_stamp = stamp_text(environment, python)
    if not stamp.is_file() or stamp.read_text() != wanted_stamp:
        print(f"==> {environment.folder}: installing ({environment.purpose}, {python})", file=sys.stderr, flush=True)
        subprocess.run([python, "-m", "venv", "--clear", str(folder)], check=True, env=pip_environment())
        pip_install(environment, folder)
        link_collection(folder)
        stamp.write_text(wanted_stamp)


def pip_install(environment: Environment, folder: Path) -> None:
    """Install the environment's packages; pip refuses sets of requirements that cannot live together."""
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "-qq", *environment.packages]
    pip += ["--require-hashes"] if environment.hashes else []
    pip += [word for name in environment.files for word in ("--requirement", str(ROOT / name))]
    pip += floors() if environment.floors else []
    subprocess.run(pip, check=True, env=pip_environment(), cwd=ROOT)
    if environment.collection_requirements:
        (theirs,) = folder.glob(
            f"lib/python3*/site-packages/ansible_collections/{environment.collection_requirements}/requirements.txt"
        )
        subprocess.run([*pip, "--requirement", str(theirs)], check=True, env=pip_environment(), cwd=ROOT)


def link_collection(folder: Path) -> None:
    """Show the checkout to Ansible and Python as a collection, by a link inside the environment's folder."""
    link = folder / "collections" / "ansible_collections" / "aks" / "kube_proxy"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(os.path.relpath(ROOT, link.parent), target_is_directory=True)


def link_guard(folder: Path) -> None:
    """Let every Python process that a test starts from this environment stay on loopback, wherever it stands.

    A .pth file is read whatever PYTHONPATH says; without the variable, which tests set, it does nothing.
    """
    (packages,) = folder.glob("lib/python3*/site-packages")
    link, start = packages / GUARD.name, packages / f"{GUARD.stem}.pth"
    target = os.path.relpath(GUARD, packages)
    if not link.is_symlink():
        link.symlink_to(target)
    line = f"import os; '{GUARD_VARIABLE}' in os.environ and __import__('{GUARD.stem}').install()\n"
    if not start.is_file() or start.read_text() != line:
        start.write_text(line)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Build some of the project's Python environments, once.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of: {', '.join(ENVIRONMENTS)}; none: list them")
    names = parser.parse_args().names
    if unknown := set(names) - set(ENVIRONMENTS):
        parser.error(f"no environment of this name: {', '.join(sorted(unknown))}")
    if not names:
        for name, environment in ENVIRONMENTS.items():
            print(f"{name:14} {environment.folder:20} Python {environment.pythons[0]:5} {environment.purpose}")
    for name in names:
        try:
            print(build(name))
        except subprocess.CalledProcessError as error:
            sys.exit(f"building {ENVIRONMENTS[name].folder} failed with exit status {error.returncode}")


if __name__ == "__main__":
    main()
