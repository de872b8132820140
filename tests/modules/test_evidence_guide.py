"""docs/evidence.md: its playbook runs, and its tables name what the code knows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain import proof_problems, verification
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.access import ACCESS_ARGUMENT_SPEC, AUTO

from tests.emulator import Emulator
from tests.support.playbook import Ansible

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "evidence.md").read_text(encoding="utf-8")
SIGN_IN = (ROOT / "docs" / "authentication.md").read_text(encoding="utf-8")
ROLE = yaml.safe_load((ROOT / "roles/rolling_update/meta/argument_specs.yml").read_text(encoding="utf-8"))


def part(heading: str, text: str = GUIDE) -> str:
    """What stands below a heading, up to the next of its level or above."""
    level = heading.partition(" ")[0]
    _before, _heading, rest = text.partition(f"\n{heading}\n")
    assert rest, heading
    return re.split(rf"^#{{1,{len(level)}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str) -> list[list[str]]:
    """The cells of the rows of tables that begin with a name in code style; headings are none."""
    lines = re.findall(r"^\| (`.*) \|$(?!\n\| ?--)", text, re.MULTILINE)
    return [[cell.strip() for cell in line.split(" | ")] for line in lines]


def named(cell: str) -> list[str]:
    """The names in code style in a cell."""
    return re.findall(r"`([^`]+)`", cell)


def blocks() -> list[Any]:
    """The YAML of the guide."""
    return [yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)]


def test_each_problem_is_in_the_table_in_order() -> None:
    known = {proof_problems.CONTRADICTED: "failure"}
    expected = [(problem.code, known.get(problem.standing, "missing")) for problem in proof_problems.ORDER]
    assert [(named(row[0])[0], row[2]) for row in rows(part("### What can be found"))] == expected


def test_each_state_is_in_the_table() -> None:
    intro = GUIDE.partition("\n## ")[0]
    assert sorted(named(row[0])[0] for row in rows(intro)) == sorted(verification.STATES)


def test_each_code_of_an_unasked_cluster_is_in_the_table() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "plugins/module_utils/_kubernetes").glob("*.py")]
    sources.append((ROOT / "plugins/module_utils/_operations/reading.py").read_text(encoding="utf-8"))
    codes = {code for source in sources for code in re.findall(r'\bcode="(\w+)"', source)}
    assert {"Stopped", "NoCredentials", "RunCommandTimeout"} <= codes
    told = {name for row in rows(part("## When a cluster cannot be asked")) for name in named(row[0])}
    assert codes <= told


def test_each_way_is_in_the_tables() -> None:
    choices = ACCESS_ARGUMENT_SPEC["access"]["choices"]
    assert sorted(named(row[0])[0] for row in rows(part("## Ways to a cluster"))) == sorted({*choices} - {AUTO})
    assert sorted(named(row[0])[0] for row in rows(part("## Clusters", SIGN_IN))) == sorted(choices)


def test_each_level_is_in_the_table_and_variables_exist() -> None:
    options = ROLE["argument_specs"]["main"]["options"]
    levels = [named(row[0])[0] for row in rows(part("## In a rollout"))]
    assert levels == options["rolling_update_verify"]["choices"]
    settings = [block for block in blocks() if isinstance(block, dict)]
    assert settings
    for name, value in ((name, value) for block in settings for name, value in block.items()):
        assert value in options[name].get("choices", [value])
    assert {*re.findall(r"`(rolling_update_\w+)`", GUIDE)} <= {*options}


@pytest.mark.parametrize(("mode", "status"), [("NFTABLES", 0), ("IPTABLES", 2)])
def test_the_playbook_runs(ansible: Ansible, hurried: Emulator, mode: str, status: int) -> None:
    hurried.reset({"clusters": [{"name": "aks-web-dev", "resource_group": "rg-web", "mode": mode}]})
    (plays,) = [block for block in blocks() if isinstance(block, list)]
    fast = {"aks.kube_proxy.verify": {"settle_seconds": 1, "wait_timeout": 1, "poll_interval": 1}}
    run = ansible.play([{**plays[0], "module_defaults": fast}], environ=hurried.environment())
    assert run.status == status, f"{run}{run.results}"
    found = run.results[0].values["clusters"]["aks-web-dev"]
    assert found["state"] == ("verified" if status == 0 else "contradicted")
    assert found["code"] == (None if status == 0 else "DaemonSetUnchanged")
