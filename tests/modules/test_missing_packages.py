"""An Ansible without the Azure SDK beside it: one clear message, both ways."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.playbook import IN_PROCESS, MODULE, Ansible, controller_python, play, task

WITHOUT = ("azure", "msal")
FIND_PACKAGES = "import ansible, pathlib; print(pathlib.Path(ansible.__file__).parents[1])"


@pytest.fixture
def bare(ansible: Ansible, ansible_bin: Path) -> Ansible:
    """The Ansible under test in a virtual environment that has everything but the Azure SDK."""
    python = controller_python(ansible_bin)
    ask = subprocess.run([str(python), "-c", FIND_PACKAGES], capture_output=True, text=True, check=True)
    packages = Path(ask.stdout.strip())
    folder = ansible.folder / "bare"
    subprocess.run([str(python), "-m", "venv", "--without-pip", str(folder)], check=True)
    (site,) = folder.glob("lib/python3*/site-packages")
    for package in packages.iterdir():
        if not package.name.startswith(WITHOUT):
            (site / package.name).symlink_to(package)
    playbook = folder / "bin" / "ansible-playbook"
    playbook.write_text(
        f"#!{folder / 'bin' / 'python'}\nimport sys\nfrom ansible.cli.playbook import main\nsys.exit(main())\n"
    )
    playbook.chmod(0o755)
    environ = {
        **ansible.environ,
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.defpath}",
        "ANSIBLE_PYTHON_INTERPRETER": str(folder / "bin" / "python"),
    }
    return Ansible(folder / "bin", environ, ansible.folder)


@pytest.mark.parametrize(("way", "execution"), [(IN_PROCESS, "auto"), (MODULE, "module")])
def test_the_message_names_package_and_python(way: str, execution: str, bare: Ansible) -> None:
    one = {"resource_group": "rg1", "name": "c1"}
    calls = {
        "config": {**one, "mode": "NFTABLES"},
        "config_info": one,
        "preview_feature": {},
        "verify": one,
        "config_info wrong": {"modus": 1},
    }
    tasks = [task(name, f"aks.kube_proxy.{name.split()[0]}", arguments) for name, arguments in calls.items()]
    run = bare.play([play(*tasks, vars={"aks_execution": execution})], "-v")
    for name in ("config", "config_info", "preview_feature", "verify"):
        message = run.result(name).message
        assert run.result(name).event == "failed", run
        assert "Failed to import the required Python library (azure-" in message, message
        assert str(bare.bin / "python") in message
    # Arguments are judged without the SDK.
    assert "Unsupported parameters" in run.result("config_info wrong").message
    assert "Traceback" not in run.stdout + run.stderr
    chatty = bare.play([play(tasks[1], vars={"aks_execution": execution})], "-vvv")
    assert chatty.ways == {"config_info": way}
