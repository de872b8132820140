"""Run ansible-test sanity whole, without containers.

Usage: sanity.py [ARGUMENT FOR ansible-test sanity...]    with the Python of the ansible-core to check with

ansible-test insists on three things, and this script provides them below .cache/sanity-CORE:

- a working directory that physically ends in ansible_collections/aks/kube_proxy: a copy of what Git tracks or would
  track (so a file not yet committed is checked too);
- pip for the environments that it builds. It would download a bootstrap script from a host of its own; a script of the
  same name in its cache is taken instead, and ours installs pip from its wheel, which comes from the package index;
- every Python of the machine on PATH, as real programs: it clears the variables that pyenv's shims need.

Its home is there as well, so nothing in the user's own home changes.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = (
    ROOT / ".cache" / f"sanity-{version('ansible-core')}"
)  # each core has its own, so that they can run side by side
COPY = CACHE / "ansible_collections" / "aks" / "kube_proxy"
HOME = CACHE / "home"

BOOTSTRAP = """\
# Installs pip from the wheel beside this file. Stands in for the get-pip script that ansible-test would download.
import sys

wheel = {wheel!r}
sys.path.insert(0, wheel)
from pip._internal.cli.main import main

sys.exit(main(["install", "--no-index", "--disable-pip-version-check", wheel]))
"""


def copy_collection() -> None:
    """Lay out a fresh copy of the collection where ansible-test accepts it."""
    listing = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, check=True, capture_output=True, text=True).stdout.split("\0")
    shutil.rmtree(COPY, ignore_errors=True)
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (COPY / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, COPY / name)
    # Without a repository of its own the copy would count as an ignored part of this one, and nothing would be tested.
    subprocess.run(["git", "init", "--quiet", str(COPY)], check=True)


def pip_version() -> str:
    """Return the version of pip that the installed ansible-test builds its environments with."""
    spec = find_spec("ansible_test")
    if spec is None or spec.origin is None:
        sys.exit("ansible-test is not installed beside this Python")
    source = Path(spec.origin).parent / "_internal" / "python_requirements.py"
    found = re.search(r"""\bpip='([0-9.]+)'""", source.read_text())
    if found is None:
        sys.exit(f"{source} does not tell which pip ansible-test wants; look there what has changed")
    return found.group(1)


def provide_pip() -> None:
    """Put pip's wheel and a bootstrap script for it into ansible-test's cache."""
    wanted = pip_version()
    cache = HOME / ".ansible" / "test" / "cache"
    script = cache / f"get_pip_{wanted.replace('.', '_')}.py"
    if script.exists():
        return
    cache.mkdir(parents=True, exist_ok=True)
    download = [sys.executable, "-m", "pip", "download", "-qq", "--no-deps", "--dest", str(cache), f"pip=={wanted}"]
    subprocess.run(download, check=True)
    script.write_text(BOOTSTRAP.format(wheel=str(cache / f"pip-{wanted}-py3-none-any.whl")))


def write_pip_settings() -> None:
    """Give pip below the other home the user's settings (an index, a certificate), and make it quiet."""
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], check=True, capture_output=True, text=True
    )
    settings = {"quiet": "2"}
    for line in listing.stdout.splitlines():
        name, _equals, value = line.partition("=")  # such as global.index-url='...' or :env:.cert='...'
        settings[name.rpartition(".")[2]] = " ".join(str(ast.literal_eval(value)).split())
    path = HOME / ".config" / "pip" / "pip.conf"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("[global]\n" + "".join(f"{name} = {value}\n" for name, value in settings.items()))


def search_path() -> str:
    """Return a PATH with this environment first, then the real folders of pyenv's Pythons, newest first."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    folders = sorted(pyenv.glob("versions/3.*/bin"), key=lambda path: [int(n) for n in path.parts[-2].split(".")])
    others = [folder for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if "shims" not in folder]
    return os.pathsep.join([str(Path(sys.executable).parent), *map(str, reversed(folders)), *others])


def main() -> None:
    """Prepare everything and become ansible-test."""
    copy_collection()
    write_pip_settings()
    provide_pip()
    # The link to the checkout in ANSIBLE_COLLECTIONS_PATH and PYTHONPATH would hide the copy.
    hidden = {"ANSIBLE_COLLECTIONS_PATH", "PYTHONPATH", "REQUESTS_CA_BUNDLE"}
    variables = {name: value for name, value in os.environ.items() if name not in hidden}
    variables |= {"HOME": str(HOME), "PATH": search_path()}
    command = [str(Path(sys.executable).with_name("ansible-test")), "sanity", "--python", "default", "--color", "no"]
    sys.exit(subprocess.run([*command, *sys.argv[1:]], cwd=COPY, env=variables, check=False).returncode)


if __name__ == "__main__":
    main()
