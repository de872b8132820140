"""What the metadata says of the plugins, and what it asks of the machine."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

from tests.conftest import ROOT

MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("[!_]*.py"))
# They take no credentials for Azure, which are what the group's defaults are for. cli_extension runs a program on its
# host, and a worker would save it nothing, since the program takes the time; show is an action plugin only.
OUTSIDE = {"cli_extension", "show"}
INSIDE = [name for name in MODULES if name not in OUTSIDE]

# azure.azcollection 3.21.0, requirements.txt. Execution environments install its requirements beside ours.
AZCOLLECTION_PINS = {
    "azure-core": "1.38.0",
    "azure-identity": "1.25.2",
    "azure-mgmt-containerservice": "32.1.0",
    "azure-mgmt-core": "1.6.0",
    "azure-mgmt-resource": "23.2.0",
}
UNPINNED = {"PyYAML", "urllib3"}  # it leaves these to others
WITH_ANSIBLE = {"PyYAML"}  # ansible-builder leaves out what ansible-core brings along


def load(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def requirements(name: str) -> list[Requirement]:
    lines = [line.partition("#")[0].strip() for line in (ROOT / name).read_text(encoding="utf-8").splitlines()]
    return [Requirement(line) for line in lines if line and not line.startswith("-r")]


@pytest.fixture(scope="module")
def documentation(ansible_bin: Path) -> dict[str, Any]:
    names = [f"aks.kube_proxy.{name}" for name in MODULES]
    command = [str(ansible_bin / "ansible-doc"), "--json", *names]
    environment = {"PATH": str(ansible_bin), "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".venv" / "collections")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    documented: dict[str, Any] = json.loads(done.stdout)
    return documented


def test_there_are_modules() -> None:
    assert {"config", "config_info", "preview_feature"} <= set(MODULES)


def test_the_action_group_names_every_module_that_speaks_to_azure() -> None:
    assert load("meta/runtime.yml")["action_groups"] == {"aks": INSIDE}


def test_each_of_these_has_an_action_plugin_of_its_name() -> None:
    assert sorted(path.stem for path in (ROOT / "plugins" / "action").glob("[!_]*.py")) == sorted([*INSIDE, "show"])


@pytest.mark.parametrize("module", MODULES)
def test_the_groups_defaults_fit_the_modules_of_the_group_alone(module: str, documentation: dict[str, Any]) -> None:
    taken = {"subscription_id", "client_id", "secret", "tenant"} & set(
        documentation[f"aks.kube_proxy.{module}"]["doc"]["options"]
    )
    assert len(taken) == (0 if module in OUTSIDE else 4)


@pytest.mark.parametrize("module", MODULES)
def test_each_module_documents_itself_wholly(module: str, documentation: dict[str, Any]) -> None:
    pages = documentation[f"aks.kube_proxy.{module}"]
    assert pages["doc"]["options"]
    assert f"aks.kube_proxy.{module}:" in pages["examples"]
    assert pages["return"]


@pytest.mark.parametrize("module", MODULES)
def test_each_module_says_that_it_previews_and_groups(module: str, documentation: dict[str, Any]) -> None:
    attributes = documentation[f"aks.kube_proxy.{module}"]["doc"]["attributes"]
    assert attributes["check_mode"]["support"] == "full"
    assert attributes["diff_mode"]["support"] in {"full", "N/A"}
    assert attributes["in_process"]["support"] == ("none" if module == "cli_extension" else "full")
    assert attributes.get("action_group", {}).get("membership", []) == (
        [] if module in OUTSIDE else ["aks.kube_proxy.aks"]
    )


def test_supported_ansible_is_what_the_certification_asks_for() -> None:
    assert load("meta/runtime.yml")["requires_ansible"] == ">=2.16.0"


def test_runtime_requirements_are_lower_bounds_that_azcollection_allows() -> None:
    for requirement in requirements("requirements.txt"):
        (bound,) = requirement.specifier
        assert bound.operator == ">="
        if requirement.name not in UNPINNED:
            assert Version(bound.version) <= Version(AZCOLLECTION_PINS[requirement.name])


def test_execution_environments_get_the_same_requirements() -> None:
    command = [str(ROOT / ".venv/bin/ansible-builder"), "introspect", str(ROOT / ".venv" / "collections")]
    found = yaml.safe_load(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    lines = [line.partition("#")[0] for line in found["python"]]
    named = [requirement for requirement in requirements("requirements.txt") if requirement.name not in WITH_ANSIBLE]
    assert sorted(lines) == [f"{requirement}  " for requirement in named]


def test_the_lock_holds_every_requirement_and_no_address() -> None:
    lock = (ROOT / "tests/requirements/dev.lock").read_text(encoding="utf-8")
    locked = set(re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE))
    for name in ("requirements.txt", "tests/emulator/requirements.txt", "tests/requirements/dev.in"):
        assert {requirement.name.lower() for requirement in requirements(name)} <= locked
    assert "://" not in lock


def test_continuous_integration_calls_targets_that_exist() -> None:
    workflow = (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = " ".join(re.findall(r"run: make ([a-z -]+)", workflow)).split()
    assert targets
    for target in targets:
        assert re.search(rf"^{target}%?:", makefile, re.MULTILINE), target
