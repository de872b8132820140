"""The module cli_extension where there is no Azure CLI, or none that behaves; tests/clients has the real one."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.runtime import Runtime
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.cli_extension import OPERATION

from tests.support.playbook import MODULE, Ansible, play, task

TINY = {"name": "tiny"}
NAME = "aks.kube_proxy.cli_extension"
# What has to come of each, with the options that are wrong.
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no name": ({}, "missing required arguments: name"),
    "unknown": ({**TINY, "subscription_id": "x"}, f"Unsupported parameters for ({NAME}) module: subscription_id"),
    "wrong state": ({**TINY, "state": "installed"}, "value of state must be one of: present, latest, absent"),
    "two sources": ({**TINY, "version": "1.0", "source": "/a/wheel"}, "mutually exclusive: version|source"),
    "odd name": ({"name": "--debug"}, "'name' is '--debug', which is no name of an extension."),
    "odd version": ({**TINY, "version": "latest"}, "'version' is 'latest', which is no version. For the newest there"),
    "absent version": ({**TINY, "version": "1.0", "state": "absent"}, "'version' goes with 'state: present' alone."),
    "latest source": ({**TINY, "source": "/a/wheel", "state": "latest"}, "'source' goes with 'state: present' alone."),
    "no time": ({**TINY, "timeout": 0}, "'timeout' is 0, which has to be more than 0."),
    "odd source": ({**TINY, "source": "https://h/x.whl?sig=hush-hush", "executable": "sh"}, "has to end in .whl"),
}


def test_arguments_and_hosts_without_az(ansible: Ansible) -> None:
    """By a real ansible-playbook, with become and without, before anything is run."""
    wrong = [task(name, NAME, arguments) for name, (arguments, _unused) in WRONG.items()]
    tasks = [
        task("no az", NAME, TINY),
        task("no az, check", NAME, TINY, check_mode=True, diff=True),
        task("no az, become", NAME, TINY, become=True, become_method="same_user"),
        task("not there", NAME, {**TINY, "executable": "~/bin/az"}),
        task("no program", NAME, {**TINY, "executable": "/dev/null"}),
    ]
    folder = ansible.folder / "tools"
    folder.mkdir()
    for program in ("sh", "python3", "mkdir", "rm", "chmod"):
        (folder / program).symlink_to(f"/bin/{program}" if Path(f"/bin/{program}").exists() else f"/usr/bin/{program}")
    run = ansible.play([play(*wrong, *tasks, environment={"PATH": str(folder)})], "-vvv")
    for name, (_unused, says) in WRONG.items():
        assert run.result(name).event == "failed"
        assert says in run.result(name).message, run.result(name).message
    for name in ("no az", "no az, check", "no az, become"):
        assert run.result(name).message == (
            "Azure CLI extension tiny: The Azure CLI (az) is not on this host, or not in the PATH that modules have "
            f"here, which is {folder}. Install it (https://learn.microsoft.com/cli/azure/install-azure-cli), or name "
            "its path in 'executable'."
        )
    home = ansible.environ["HOME"]
    assert f"'executable' is {home}/bin/az, which is no program on this host." in run.result("not there").message
    assert "'executable' is /dev/null, which is no program on this host." in run.result("no program").message
    assert "hush-hush" not in run.stdout + run.stderr
    assert "Traceback" not in run.stdout + run.stderr
    assert set(run.ways.values()) == {MODULE}, "there is no way but the ordinary module"


Call = Callable[..., dict[str, Any]]


@pytest.fixture
def call(tmp_path: Path) -> Call:
    """Return a function that runs the operation in this process, with a shell's text as the Azure CLI."""

    def run(script: str, *, check: bool = False, **arguments: Any) -> dict[str, Any]:
        program = tmp_path / "az"
        program.write_text(f'#!/bin/sh\necho "$*" >>{tmp_path}/calls\n{script}\n')
        program.chmod(0o755)
        environ = {"PATH": f"{tmp_path}{os.pathsep}{os.defpath}"}
        checked = ArgumentSpecValidator(OPERATION.argument_spec, **OPERATION.constraints).validate(
            {"name": "tiny", **arguments}
        )
        assert not checked.error_messages
        return OPERATION.outcome(checked.validated_parameters, Runtime(check_mode=check, environ=environ))

    return run


def calls(tmp_path: Path) -> list[str]:
    """How az was called."""
    return (tmp_path / "calls").read_text().splitlines()


def listing(version: str) -> str:
    """What az prints for one extension."""
    entry = {"name": "tiny", "version": version, "preview": False, "path": "/x/tiny", "extensionType": "whl"}
    return f"echo '{json.dumps([entry])}'"


def offering(*versions: str) -> str:
    """What az prints for an extension's versions."""
    return f"echo '{json.dumps([{'version': v, 'preview': 'b' in v, 'compatible': True} for v in versions])}'"


def test_what_az_is_asked(call: Call, tmp_path: Path) -> None:
    """C(--upgrade) always, else az changes nothing; C(--allow-preview) only where needed, old ones have it not."""
    script = f'case "$2" in list) {listing("1.0")};; list-versions) {offering("1.1", "2.0b1")};; esac'
    call(script, version="1.1")
    call(script, version="2.0b1")
    call(script, source="https://host/tiny-3.0-py3-none-any.whl")
    call(script, state="absent")
    how = "--only-show-errors --output json"
    adds = [line for line in calls(tmp_path) if line.split()[1] not in ("list", "list-versions")]
    assert adds == [
        f"extension add --name tiny --version 1.1 --upgrade --yes {how}",
        f"extension add --name tiny --version 2.0b1 --upgrade --yes --allow-preview true {how}",
        f"extension add --source https://host/tiny-3.0-py3-none-any.whl --upgrade --yes {how}",
        f"extension remove --name tiny {how}",
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, ["list"]),
        ({"version": "1.0"}, ["list"]),
        ({"state": "latest"}, ["list", "list-versions"]),
        ({"version": "1.1"}, ["list", "list-versions"]),
        ({"state": "absent"}, ["list"]),
    ],
)
def test_check_mode_only_looks(call: Call, tmp_path: Path, arguments: dict[str, Any], words: list[str]) -> None:
    script = f'case "$2" in list) {listing("1.0")};; list-versions) {offering("1.0", "1.1")};; esac'
    assert "failed" not in call(script, check=True, **arguments)
    assert [line.split()[1] for line in calls(tmp_path)] == words


def test_the_index_is_handed_over_in_the_environment(call: Call, tmp_path: Path) -> None:
    script = 'case "$2" in list) echo "[]";; *) echo "ERROR: $AZURE_EXTENSION_INDEX_URL" >&2; exit 1;; esac'
    result = call(script, index_url="https://user:hush@host/index.json?sig=hush")
    assert result["msg"] == "Azure CLI extension tiny: az extension list-versions says: https://host/index.json."
    assert "host" not in "".join(calls(tmp_path))


@pytest.mark.parametrize(
    ("arguments", "found", "says"),
    [
        ({"version": "1.1"}, "1.0", "az extension add says that all went well, but version 1.0 is there."),
        ({"state": "absent"}, "1.0", "az extension remove says that all went well, but version 1.0 is there."),
    ],
)
def test_success_without_effect_is_found_out(call: Call, arguments: dict[str, Any], found: str, says: str) -> None:
    result = call(f'case "$2" in list) {listing(found)};; list-versions) {offering("1.1")};; esac', **arguments)
    assert result["failed"] is True
    assert says in result["msg"]
    assert (result["changed"], result["version"], result["previous_version"]) == (False, found, found)


def test_a_failure_tells_what_it_left(call: Call, tmp_path: Path) -> None:
    """Here az removes the old version, and dies before the new one is there."""
    gone = tmp_path / "gone"
    script = (
        f'case "$2" in list) if test -e {gone}; then echo "[]"; else {listing("1.0")}; fi;; '
        f'list-versions) {offering("1.1")};; add) touch {gone}; echo "No space left on device" >&2; exit 1;; esac'
    )
    result = call(script, version="1.1")
    assert result["msg"] == "Azure CLI extension tiny: az extension add says: No space left on device."
    assert (result["changed"], result["version"], result["previous_version"]) == (True, None, "1.0")


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("echo nothing that anybody understands", "What az extension list printed is no JSON. Is /"),
        ("echo '{\"name\": 1}'", "What az extension list printed is not understood."),
        ("echo '[{}]'", "What az extension list printed is not understood."),
        ("true", "What az extension list printed is not understood."),
        ('test "$2" = list && echo "[]"', "az extension list-versions says: exit status 1."),
        ('test "$2" = list && echo "[]" || echo "[{}]"', "What az extension list-versions printed is not understood."),
        ("echo 'ERROR: No module named azure' >&2; exit 1", "az extension list says: No module named azure."),
        (
            'test "$2" = list && echo "[]" && exit; echo "unrecognized arguments: --x" >&2; exit 2',
            "says: unrecognized arguments: --x. This Azure CLI is too old for the module: update it with az upgrade.",
        ),
    ],
)
def test_an_az_that_misbehaves(call: Call, script: str, says: str) -> None:
    result = call(script)
    assert result["failed"] is True
    assert result["msg"].startswith("Azure CLI extension tiny: ")
    assert says in result["msg"]
    assert "exception" not in result


def test_az_that_cannot_be_run(call: Call, tmp_path: Path) -> None:
    program = tmp_path / "broken"
    program.write_text("#!/no/such/interpreter\n")
    program.chmod(0o755)
    result = call("", executable=str(program))
    assert f"The Azure CLI ({program}) cannot be run: No such file or directory." in result["msg"]


def test_az_that_hangs_is_stopped_with_all_that_it_started(call: Call, tmp_path: Path) -> None:
    started = time.monotonic()
    result = call(f"sleep 300 & echo $! >{tmp_path}/child; wait", timeout=1)
    assert time.monotonic() - started < 100
    assert "az extension list has not ended after 1 seconds, and was stopped." in result["msg"]
    child = int((tmp_path / "child").read_text())
    deadline = time.monotonic() + 60
    while is_running(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(child)


def is_running(process: int) -> bool:
    """Whether a process is there that is not only waiting to be noticed."""
    status = Path(f"/proc/{process}/stat")
    try:
        return status.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
