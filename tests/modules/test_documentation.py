"""What the documentation of each module promises can be run: its examples, and Ansible's own commands around it."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.emulator import Emulator
from tests.support.playbook import Ansible, play

MODULES = Path(__file__).resolve().parents[2] / "plugins" / "modules"
NAMES = sorted(path.stem for path in MODULES.glob("*.py"))
# cli_extension needs az on its host: tests/clients runs its examples. show is an action plugin that shows lines.
AZURE = [name for name in NAMES if name not in ("cli_extension", "show")]
ZEROS = "00000000-0000-0000-0000-000000000000"
ONES = "11111111-1111-1111-1111-111111111111"
DEV = {"environment": "dev"}
# What the examples speak of.
CLUSTERS = [
    {"name": "aks-web-dev", "resource_group": "rg-web", "subscription": ZEROS, "tags": DEV},
    {"name": "aks-web-test", "resource_group": "rg-web", "subscription": ZEROS},
    {"name": "aks-byo", "resource_group": "rg-web", "subscription": ZEROS, "plugin": "none"},
    {"name": "aks-shop-dev", "resource_group": "rg-shop", "subscription": ONES, "tags": DEV},
]
PRIVATE = {
    "name": "aks-web-private",
    "resource_group": "rg-web",
    "subscription": ZEROS,
    "mode": "NFTABLES",
    "kubernetes": {"private": True},
}
FLAGS = {
    "config": {"KubeProxyConfigurationPreview": "Registered"},
    "config_info": {"KubeProxyConfigurationPreview": "Registered"},
    "preview_feature": {
        "KubeProxyConfigurationPreview": "NotRegistered",
        "NodeDisruptionProfilePreview": "NotRegistered",
    },
    "verify": {},
    "wave": {"KubeProxyConfigurationPreview": "Registered"},
}
READERS = ("config_info", "verify")


def text_of(module: str, name: str) -> str:
    """One of the texts at the top of a module: C(DOCUMENTATION), C(EXAMPLES) or C(RETURN)."""
    for statement in ast.parse((MODULES / f"{module}.py").read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == name:
            return str(ast.literal_eval(statement.value))
    raise AssertionError(f"{module} has no {name}")


def examples(module: str) -> list[dict[str, Any]]:
    """The tasks of a module's examples."""
    tasks = yaml.safe_load(text_of(module, "EXAMPLES"))
    assert all(isinstance(task, dict) for task in tasks)
    return list(tasks)


@pytest.mark.parametrize("module", AZURE)
def test_examples_run(module: str, ansible: Ansible, hurried: Emulator) -> None:
    clusters = [*CLUSTERS, PRIVATE] if module == "verify" else CLUSTERS
    hurried.reset({"clusters": clusters, "features": {ZEROS: FLAGS[module]}})
    tasks = examples(module)
    fast: dict[str, dict[str, Any]] = {
        f"aks.kube_proxy.{name}": {"poll_interval": 1} for name in AZURE if name != "config_info"
    }
    fast["aks.kube_proxy.verify"]["settle_seconds"] = 1
    environ = {**hurried.environment(), "AZURE_SUBSCRIPTION_ID": ZEROS}
    run = ansible.play([play(*tasks, module_defaults=fast)], environ=environ)
    assert run.status == 0, run
    assert len(run.results) == len(tasks)
    changes = [
        result.values["changed"]
        for task, result in zip(tasks, run.results, strict=True)
        if module not in READERS and f"aks.kube_proxy.{module}" in task
    ]
    assert all(changes), "an example without effect shows little"


def test_returned_values_are_the_documented_ones(ansible: Ansible, hurried: Emulator) -> None:
    """Nothing is returned that RETURN does not tell, and what it returns on success is there."""
    hurried.reset({"clusters": CLUSTERS, "features": {ZEROS: FLAGS["config"]}})
    environ = {**hurried.environment(), "AZURE_SUBSCRIPTION_ID": ZEROS, "ANSIBLE_INJECT_INVOCATION": "false"}
    tasks = [
        {
            "name": "config",
            "aks.kube_proxy.config": {"resource_group": "rg-web", "name": "aks-web-dev", "mode": "IPVS"},
        },
        {"name": "config_info", "aks.kube_proxy.config_info": {"subscriptions": [ONES]}},
        {"name": "preview_feature", "aks.kube_proxy.preview_feature": {}},
        {"name": "verify", "aks.kube_proxy.verify": {"resource_group": "rg-web", "name": "aks-web-test"}},
        {
            "name": "wave",
            "aks.kube_proxy.wave": {"clusters": [{"resource_group": "rg-web", "name": "aks-web-dev", "mode": "IPVS"}]},
        },
    ]
    run = ansible.play([play(*tasks)], environ=environ)
    assert run.status == 0, run
    common = {"changed", "diff", "warnings", "invocation"}
    for module in AZURE:
        documented = yaml.safe_load(text_of(module, "RETURN"))
        returned = set(run.result(module).values) - common
        assert returned <= set(documented), module
        promised = {name for name, value in documented.items() if not str(value["returned"]).startswith("failure")}
        assert promised <= returned, module
    (cluster,) = run.result("config_info").values["clusters"]
    (verdict,) = run.result("wave").values["clusters"].values()
    (proof,) = run.result("verify").values["clusters"].values()
    for module, value in (("config_info", cluster), ("wave", verdict), ("verify", proof)):
        assert set(value) == set(yaml.safe_load(text_of(module, "RETURN"))["clusters"]["contains"])


def test_ansible_doc_shows_each_module(ansible: Ansible) -> None:
    names = [f"aks.kube_proxy.{module}" for module in NAMES]
    shown = ansible.run("ansible-doc", "--json", *names)
    assert shown.returncode == 0, shown.stderr
    described = json.loads(shown.stdout)
    assert sorted(described) == names
    for module, name in zip(NAMES, names, strict=True):
        options = described[name]["doc"]["options"]
        assert ({"secret", "cloud_environment"} <= set(options)) == (module in AZURE)
        assert set(yaml.safe_load(text_of(module, "DOCUMENTATION"))["options"]) <= set(options)
    page = ansible.run("ansible-doc", *names)
    assert page.returncode == 0
    assert all(name.upper() in page.stdout.upper() for name in names)


def test_playbooks_are_checked_and_listed_without_azure(ansible: Ansible) -> None:
    plays = [play(*(task for module in NAMES for task in examples(module)))]
    checked = ansible.run(*ansible.command(plays, "--syntax-check"))
    assert checked.returncode == 0, checked.stderr
    listed = ansible.run(*ansible.command(plays, "--list-tasks"))
    assert listed.returncode == 0, listed.stderr
    assert all(task["name"] in listed.stdout for module in NAMES for task in examples(module))


def test_show_shows_lines_as_they_are(ansible: Ansible) -> None:
    lines = ["a  'quoted'  line", "x" * 200, "", "{{ not a template }}"]
    tasks: list[dict[str, Any]] = [
        {"name": "show", "aks.kube_proxy.show": {"lines": [*lines[:3], "{% raw %}{{ not a template }}{% endraw %}"]}},
        {"name": "wrong", "aks.kube_proxy.show": {"line": "one"}, "ignore_errors": True},
    ]
    run = ansible.play([play(*tasks)])
    assert "\n".join(f"  {line}".rstrip() for line in lines) in run.stdout
    assert (run.result("show").values["changed"], run.result("show").values["lines"]) == (False, lines)
    assert run.result("wrong").event == "failed"
