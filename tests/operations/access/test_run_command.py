"""The Kubernetes API by way of runCommand."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.kube_objects import (
    NODES_PATH,
    PODS_PATH,
    proxy_path,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.access import RUN_COMMAND, USER
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.api import NoAccess
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.script import replies, script
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.reading import Reader

from tests.operations.verifying import Lay, with_nodes
from tests.support.caller import LIST_PODS, VERSION, Caller, principal

Call = Callable[..., Caller]


def test_a_command_gets_many_paths(call: Call) -> None:
    caller = call()
    paths = [f"/api/v1/namespaces/kube-system/pods/none-{number}:10249/proxy/proxyMode" for number in range(90)]
    replies = caller.ask(RUN_COMMAND, *paths)
    assert [reply.text for reply in replies] == [f'pods "none-{number}" not found' for number in range(90)]
    assert caller.posts() == ["runCommand"] * 3
    assert caller.gets() == paths


def test_a_strange_name_is_a_name(call: Call) -> None:
    caller = call()
    path = f"{PODS_PATH}/$(reboot)`reboot`;reboot|sh&"
    assert caller.ask(RUN_COMMAND, path)[0].status in (400, 404)
    log = caller.azure.emulator.kubernetes_requests()
    executed = [entry["executed"] for entry in log if entry["method"] == "EXECUTE"]
    assert executed in ([], [["set", "+e"], ["exec", "2", ">&", "1"]])


def test_a_disabled_run_command_is_not_tried(call: Call) -> None:
    caller = call({"run_command": False})
    error = caller.refused(RUN_COMMAND)
    assert error.details["code"] == "RunCommandDisabled"
    assert "--enable-run-command" in error.message
    assert caller.posts() == []


def test_a_run_command_that_is_disabled_meanwhile_is_told_alike(call: Call) -> None:
    caller = call()
    with closing(caller.connect(RUN_COMMAND)) as api:
        profile = {"properties": {"apiServerAccessProfile": {"disableRunCommand": True}}}
        caller.azure.emulator.change_cluster("web", profile)
        with pytest.raises(NoAccess, match="--enable-run-command") as caught:
            api.read([VERSION], lambda reply: reply)
    assert caught.value.details["code"] == "RunCommandDisabled"


def test_the_actions_of_run_command_are_named(call: Call) -> None:
    caller = call(**principal(actions=["Microsoft.ContainerService/managedClusters/read"]))
    error = caller.refused(RUN_COMMAND)
    assert "Microsoft.ContainerService/managedClusters/runcommand/action" in error.message
    assert "Microsoft.ContainerService/managedClusters/commandResults/read" in error.message
    assert error.details["code"] == "AuthorizationFailed"


def test_a_command_that_never_ends_is_given_up(call: Call) -> None:
    caller = call(behaviour={"run_command_seconds": 4000})
    error = caller.refused(RUN_COMMAND)
    assert error.details["code"] == "RunCommandTimeout"
    assert 180 <= caller.azure.time.seconds < 200


def test_output_that_azure_cut_is_no_answer(call: Call) -> None:
    caller = call({"services": 3000})
    error = caller.refused(RUN_COMMAND, "/api/v1/services")
    assert error.details["code"] == "OutputTruncated"
    assert "512 kB" in error.message


def test_paths_whose_answers_do_not_fit_are_asked_for_in_smaller_portions(call: Call) -> None:
    """Each answer is a third of what Azure keeps. What was learnt holds for the rest and for the next reading."""
    caller = call({"services": 700})
    (one,) = caller.ask(USER, "/api/v1/services")
    whole = len(one.text)
    assert 512 * 1024 / 3 < whole < 512 * 1024
    caller.azure.emulator.clear_kubernetes_requests()
    with closing(caller.connect(RUN_COMMAND)) as api:
        found = api.read(["/api/v1/services"] * 9, lambda reply: len(reply.text))
        assert found == [whole] * 9
        first = caller.posts().count("runCommand")
        assert api.read(["/api/v1/services"] * 2, lambda reply: reply.ok) == [True] * 2
        assert caller.posts().count("runCommand") - first <= 2
        assert api.requests == len(caller.gets())


@pytest.mark.parametrize("size", [40_000, 300_000])
def test_lists_of_large_objects_are_read_in_smaller_pages(size: int, azure: Lay) -> None:
    caller = Caller(azure(with_nodes(25, "web", inside={"node_bytes": size})))
    with closing(caller.connect(RUN_COMMAND)) as api:
        names = Reader(api, "web").every(NODES_PATH, lambda node: str(node["metadata"]["name"]))
        assert len(set(names)) == len(names) == 25
        assert 1 <= api.page_size <= 10
        assert api.requests == len(caller.gets())


def test_an_object_that_does_not_fit_is_no_answer(call: Call) -> None:
    caller = call({"node_bytes": 600_000})
    error = caller.refused(RUN_COMMAND, f"{NODES_PATH}?limit=20")
    assert error.details["code"] == "OutputTruncated"
    assert caller.posts().count("runCommand") == 5, "20, 10, 5, 2, 1"


@pytest.mark.parametrize(
    ("inside", "status", "words"),
    [
        ({}, 200, "iptables"),
        ({"pod_proxy": "forbidden"}, 403, 'cannot get resource "pods/proxy"'),
        ({"pod_proxy": "unreachable"}, 503, "error trying to reach service"),
        ({"api": "unauthorized"}, 401, "You must be logged in to the server"),
        ({"api": "unreachable"}, 0, "EOF"),
    ],
)
def test_the_script_runs_with_the_real_kubectl(
    inside: dict[str, Any], status: int, words: str, call: Call, tmp_path: Path
) -> None:
    program = shutil.which("kubectl")
    if program is None:
        pytest.skip("kubectl is not installed")
    caller = call()
    pod = yaml.safe_load(caller.ask(USER, LIST_PODS)[0].text)["items"][0]["metadata"]["name"]
    environ = {"PATH": f"{Path(program).parent}:/usr/bin:/bin", "HOME": str(tmp_path)}
    environ["KUBECONFIG"] = str(caller.kubeconfig(tmp_path))
    caller.azure.emulator.change_kubernetes("web", inside)
    paths = [proxy_path(pod, "proxyMode"), f"{PODS_PATH}/$(reboot)'`reboot`'"]
    command = ["sh", "-e", "-c", script(paths, None, "marker")]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    found = replies(done.stdout, 2, None, "marker", None)
    assert found is not None
    assert found[0].status == status
    assert words in found[0].text
    assert not found[1].ok
