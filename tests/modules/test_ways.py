"""Which way a task runs, in the worker or as an ordinary module: proven by the processes that Ansible starts."""

from __future__ import annotations

import dataclasses
import os
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.emulator import Emulator
from tests.support.playbook import IN_PROCESS, MODULE, Ansible, Inventory, Run, controller_python, play, task

INFO = "aks.kube_proxy.config_info"
ONE = {"resource_group": "rg1", "name": "c1"}
LOCAL = {"ansible_connection": "local"}
ELSEWHERE = {"ansible_connection": "elsewhere"}


def script(path: Path, *command: str) -> Path:
    """Write an executable that runs the command with its own arguments."""
    path.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
    path.chmod(0o755)
    return path


@pytest.fixture
def azure(hurried: Emulator) -> Emulator:
    """An Azure with one cluster."""
    hurried.reset({"clusters": [{"name": "c1"}]})
    return hurried


@pytest.fixture
def python(ansible_bin: Path) -> Path:
    """The Python of the Ansible under test."""
    return controller_python(ansible_bin)


def reading(name: str, **keywords: Any) -> dict[str, Any]:
    """A task that reads the cluster."""
    return task(name, INFO, ONE, **keywords)


def assert_ways(run: Run, expected: dict[str, str]) -> None:
    """Whether each task ran as expected, and did its work."""
    assert run.ways == expected, run
    for name in expected:
        assert all(result.event == "ok" for result in run.results_of(name)), run


def test_what_asks_for_nothing_special_runs_in_the_worker(ansible: Ansible, azure: Emulator, python: Path) -> None:
    """Whatever needs a process of its own gets an ordinary module."""
    other = script(ansible.folder / "python-of-ones-own", str(python))
    cases: dict[str, tuple[str, dict[str, Any]]] = {
        "nothing": (IN_PROCESS, {}),
        "check": (IN_PROCESS, {"check_mode": True, "diff": True}),
        "auto": (IN_PROCESS, {"vars": {"aks_execution": "auto"}}),
        "this python": (IN_PROCESS, {"vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}}),
        "its other name": (IN_PROCESS, {"vars": {"ansible_python_interpreter": str(python.with_name("python3"))}}),
        "discovery": (IN_PROCESS, {"vars": {"ansible_python_interpreter": "auto_silent"}}),
        "turned off": (MODULE, {"vars": {"aks_execution": "{{ 'mod' ~ 'ule' }}"}}),
        "become": (MODULE, {"become": True, "become_method": "same_user"}),
        "become by variable": (MODULE, {"vars": {"ansible_become": True, "ansible_become_method": "same_user"}}),
        "async": (MODULE, {"async": 30, "poll": 1}),
        "another python": (MODULE, {"vars": {"ansible_python_interpreter": str(other)}}),
        "a template of it": (MODULE, {"vars": {"ansible_python_interpreter": "{{ mine }}", "mine": str(other)}}),
        "elsewhere": (MODULE, {"vars": ELSEWHERE}),
    }
    tasks = [reading(name, **keywords) for name, (way, keywords) in cases.items()]
    run = ansible.play([play(*tasks)], "-vvv", environ=azure.environment())
    assert_ways(run, {name: way for name, (way, keywords) in cases.items()})


def test_a_venv_of_the_same_python_is_another_python(ansible: Ansible, azure: Emulator, python: Path) -> None:
    """Virtual environments link to one file in the end, and differ in their packages."""
    folder = ansible.folder / "venv"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(python.resolve())
    variables = {"ansible_python_interpreter": str(folder / "bin" / "python")}
    run = ansible.play([play(reading("venv", vars=variables))], "-vvv", environ=azure.environment())
    assert run.ways == {"venv": MODULE}
    assert "azure-identity" in run.result("venv").message or "azure" in run.result("venv").message


def test_delegation(ansible: Ansible, azure: Emulator, python: Path) -> None:
    """The host where the task is sent decides, with its connection and its interpreter; options are the task's."""
    inventory: Inventory = {
        "far": {**ELSEWHERE, "cluster": "c1", "ansible_python_interpreter": str(python)},
        "near": {**LOCAL, "ansible_python_interpreter": str(python)},
        "odd": {
            **LOCAL,
            "ansible_python_interpreter": str(script(ansible.folder / "python-of-ones-own", str(python))),
        },
    }
    hers = {"resource_group": "rg1", "name": "{{ cluster }}"}
    tasks = [
        task("to localhost", INFO, hers, delegate_to="localhost"),
        task("to near", INFO, hers, delegate_to="near"),
        task("by local_action's words", INFO, hers, delegate_to="{{ 'near' }}", run_once=True),
        task("to odd", INFO, hers, delegate_to="odd"),
        task("stays", INFO, hers),
    ]
    back = play(reading("from near to far", delegate_to="far"), hosts="near")
    run = ansible.play([play(*tasks, hosts="far"), back], "-vvv", inventory=inventory, environ=azure.environment())
    assert_ways(
        run,
        {
            "to localhost": IN_PROCESS,
            "to near": IN_PROCESS,
            "by local_action's words": IN_PROCESS,
            "to odd": MODULE,
            "stays": MODULE,
            "from near to far": MODULE,
        },
    )


def test_another_word_for_the_way_is_an_error(ansible: Ansible, azure: Emulator) -> None:
    run = ansible.play([play(reading("wrong", vars={"aks_execution": "fast"}))], environ=azure.environment())
    assert run.result("wrong").event == "failed"
    assert "aks_execution is 'fast': it has to be 'auto' or 'module'." in run.result("wrong").message
    assert "Traceback" not in run.stdout + run.stderr
    assert azure.requests() == []


def test_ordinary_modules_on_the_controller_get_the_controllers_python(
    ansible: Ansible, azure: Emulator, python: Path
) -> None:
    """Discovery, where it is left to choose, may find a Python without the SDK."""
    folder = ansible.folder / "pythons"
    folder.mkdir()
    for name in ("python3", *(f"python3.{minor}" for minor in range(7, 16))):
        script(folder / name, str(python), "-S")  # -S: without site-packages
    environ = {name: value for name, value in ansible.environ.items() if name != "ANSIBLE_PYTHON_INTERPRETER"}
    environ["PATH"] = f"{folder}{os.pathsep}{environ['PATH']}"
    lost = dataclasses.replace(ansible, environ=environ)
    ordinary = {"aks_execution": "module"}
    tasks = [
        reading("local", vars=ordinary),
        reading("delegated", vars=ordinary, delegate_to="near"),
        reading("discovered", vars=ELSEWHERE),
    ]
    inventory: Inventory = {"here": LOCAL, "near": LOCAL}
    run = lost.play([play(*tasks, hosts="here")], "-vvv", inventory=inventory, environ=azure.environment())
    assert set(run.ways.values()) == {MODULE}
    assert run.result("local").event == run.result("delegated").event == "ok", run
    assert "Failed to import the required Python library" in run.result("discovered").message, run
