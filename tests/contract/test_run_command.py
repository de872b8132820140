"""runCommand: its protocol, its words, and what a shell would have made of the command."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.identity import ClientSecretCredential
from azure.mgmt.containerservice import ContainerServiceClient

from tests.contract.arm_client import PREVIEW, SUBSCRIPTION, Arm, cluster_path, flat, wrapped
from tests.contract.cluster_client import NODES, PODS, SELECTOR, entra_token
from tests.contract.conftest import Start
from tests.emulator import Emulator

Run = Callable[..., Any]
PROXY = "Error from server (ServiceUnavailable): error trying to reach service: dial tcp"
BASE = f"{cluster_path()}/runCommand"


def submit(arm: Arm, command: str, **more: Any) -> Any:
    return arm.ask("POST", BASE, body={"command": command, "context": "", **more})


def run(arm: Arm, command: str, **more: Any) -> Any:
    """Run a command to its end; return the properties of its result."""
    answer = submit(arm, command, **more)
    assert answer.status_code == 202, answer.text
    arm.emulator.advance(10)
    done = arm.ask("GET", answer.headers["location"])
    assert done.status_code == 200, done.text
    return done.json()["properties"]


def first_pod(arm: Arm) -> str:
    pods = run(arm, f"kubectl get --raw '{PODS}?{SELECTOR}&limit=1'")["logs"]
    return str(pods.split('"name": "')[1].split('"')[0])


def executed(arm: Arm) -> list[list[str]]:
    return [entry["executed"] for entry in arm.emulator.kubernetes_requests() if "executed" in entry]


def test_the_protocol(start: Start) -> None:
    arm = start([{"name": "c1"}, {"name": "c2"}])
    accepted = submit(arm, "kubectl get --raw '/version'")
    assert (accepted.status_code, accepted.content) == (202, b"")
    place = accepted.headers["location"]
    assert "/managedclusters/c1/commandResults/" in place
    assert f"api-version={PREVIEW}" in place
    running = arm.ask("GET", place)
    identifier = place.partition("?")[0].rpartition("/")[2]
    assert (running.status_code, running.json()) == (
        202,
        {"id": identifier, "properties": {"provisioningState": "Running"}},
    )
    assert len(identifier) == 32
    arm.emulator.advance(10)
    done = arm.ask("GET", place)
    properties = done.json()["properties"]
    assert (done.status_code, properties["provisioningState"], properties["exitCode"]) == (200, "Succeeded", 0)
    assert properties["startedAt"] < properties["finishedAt"]
    assert '"gitVersion": "v1.34.2"' in properties["logs"]
    assert arm.ask("GET", place.replace(identifier, "0" * 32)).status_code == 404
    assert arm.ask("GET", place.replace("/c1/", "/c2/")).status_code == 404


def test_several_commands_and_grep(start: Start) -> None:
    arm = start()
    pod = first_pod(arm)
    path = f"{PODS}/{pod}:10249/proxy"
    done = run(
        arm,
        f"set +e; exec 2>&1\necho == 1\nkubectl get --raw '{path}/proxyMode'; echo; echo '== 2 ; x'\n"
        f"kubectl get --raw '{path}/metrics' | grep -E '^kubeproxy_iptables_(ct|localhost)'",
    )
    assert done["exitCode"] == 0
    assert done["logs"] == (
        "== 1\niptables\n== 2 ; x\n"
        "kubeproxy_iptables_ct_state_invalid_dropped_packets_total 0\n"
        "kubeproxy_iptables_localhost_nodeports_accepted_packets_total 0\n"
    )
    assert run(arm, "kubectl get --raw '/version' | grep -E 'nothing'")["exitCode"] == 1
    assert executed(arm) == []
    assert {entry["via"] for entry in arm.emulator.kubernetes_requests()} == {"runCommand"}


def test_the_words_of_kubectl(start: Start) -> None:
    arm = start()
    done = run(arm, f"kubectl get --raw '{NODES}/x'; kubectl get --raw '/nothing'")
    assert done["logs"] == (
        'Error from server (NotFound): nodes "x" not found\n'
        "Error from server (NotFound): the server could not find the requested resource\n"
    )
    assert done["exitCode"] == 1
    arm.emulator.change_kubernetes("c1", {"not_ready_nodes": 1})
    pod = first_pod(arm)
    arm.emulator.change_kubernetes("c1", {"pod_proxy": "unreachable"})
    assert run(arm, f"kubectl get --raw '{PODS}/{pod}:10249/proxy/proxyMode'")["logs"].startswith(PROXY)
    arm.emulator.change_kubernetes("c1", {"api": "unauthorized"})
    assert run(arm, f"kubectl get --raw '{NODES}'")["logs"] == (
        "error: You must be logged in to the server (Unauthorized)\n"
    )


def test_it_reaches_private_clusters(start: Start) -> None:
    arm = start([{"name": "c1", "kubernetes": {"private": True, "api": "unreachable"}}])
    assert run(arm, "kubectl get --raw /version")["exitCode"] == 0


def test_output_is_cut(start: Start) -> None:
    arm = start([{"name": "c1", "pools": [{"name": "a", "count": 60}]}])
    assert len(run(arm, f"kubectl get --raw '{NODES}'")["logs"]) == 512 * 1024


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("kubectl get --raw /x; rm -rf /", [["rm", "-rf", "/"]]),
        ("kubectl get --raw '/x'; rm y'", []),  # an unbalanced quote: a shell runs nothing of that line
        ("kubectl get --raw /x$(id -u)", [["id", "-u"]]),
        ('kubectl get --raw "/x`id`"', [["id"]]),
        ("kubectl get --raw '/x$(id)`id`;id'", []),
        ("kubectl delete ns x", [["kubectl", "delete", "ns", "x"]]),
        ("kubectl get --raw /x | sh", [["sh"]]),
        ("echo a > /etc/x", [["echo", "a", ">", "/etc/x"]]),
        ("echo a & id", [["id"]]),
        ("echo a | grep -E a b", [["grep", "-E", "a", "b"]]),
    ],
)
def test_what_a_shell_would_run_besides_is_logged(start: Start, command: str, words: list[list[str]]) -> None:
    arm = start()
    run(arm, command)
    assert executed(arm) == words


def test_where_it_is_disabled(start: Start) -> None:
    arm = start([{"name": "c1", "kubernetes": {"run_command": False}}])
    assert "disableRunCommand" in flat(submit(arm, "echo x"), 400, "KubernetesRunCommandDisabled")
    arm.emulator.change_kubernetes("c1", {"run_command": True})
    assert submit(arm, "echo x").status_code == 202


def test_refusals(start: Start) -> None:
    arm = start([{"name": "c1", "power": "Stopped"}, {"name": "c2"}])
    flat(submit(arm, "echo x"), 400, "OperationNotAllowed")
    flat(arm.ask("POST", f"{cluster_path('c2')}/runCommand", body={}), 400, "InvalidParameter")


def test_arm_rights(start: Start) -> None:
    me = {"client_id": "aaaaaaaa-0000-4000-8000-00000000000a", "object_id": "o", "secret": "s"}
    action = "Microsoft.ContainerService/managedClusters/runcommand/action"
    arm = start(principals=[{**me, "actions": ["Microsoft.ContainerService/managedClusters/read"]}])
    assert action in wrapped(submit(arm, "echo x"), 403, "AuthorizationFailed")
    arm = start(principals=[{**me, "actions": [action]}])
    answer = submit(arm, "echo x")
    assert answer.status_code == 202
    message = wrapped(arm.ask("GET", answer.headers["location"]), 403, "AuthorizationFailed")
    assert "Microsoft.ContainerService/managedClusters/commandResults/read" in message


def test_entra_clusters_want_a_cluster_token_and_its_rights_count(start: Start) -> None:
    me = {"client_id": "aaaaaaaa-0000-4000-8000-00000000000a", "object_id": "me", "secret": "s"}
    fleet = [{"name": "c1", "kubernetes": {"entra": True}}]
    arm = start(fleet)
    message = flat(submit(arm, "echo x"), 400, "MissingAADClusterToken")
    assert message == "This cluster have Azure Active Directory enabled, .clusterToken is required."
    command = f"kubectl get --raw '{NODES}'"
    assert run(arm, command, clusterToken=entra_token(arm))["exitCode"] == 0
    wrong = run(arm, command, clusterToken=arm.bearer)
    assert wrong["logs"] == "error: You must be logged in to the server (Unauthorized)\n"
    arm = start(fleet, principals=[{**me, "kubernetes": "none"}])
    assert run(arm, command, clusterToken=entra_token(arm))["logs"].startswith(
        'Error from server (Forbidden): nodes is forbidden: User "me" cannot list resource "nodes"'
    )


def test_no_token_is_in_any_log(start: Start) -> None:
    arm = start([{"name": "c1", "kubernetes": {"entra": True}}])
    token = entra_token(arm)
    run(arm, "echo x", clusterToken=token)
    assert token not in str(arm.emulator.requests()) + str(arm.emulator.kubernetes_requests())


def test_the_official_client(monkeypatch: pytest.MonkeyPatch) -> None:
    with Emulator(
        {"clusters": [{"name": "c1"}, {"name": "c2", "kubernetes": {"run_command": False}}]}, speed=100
    ) as cloud:
        for name, value in cloud.environment().items():
            monkeypatch.setenv(name, value)
        env = cloud.environment()
        credential = ClientSecretCredential(
            env["AZURE_TENANT"], env["AZURE_CLIENT_ID"], env["AZURE_SECRET"], authority=cloud.url,
            disable_instance_discovery=True,
        )  # fmt: skip
        scopes = [f"{cloud.url}/.default"]
        with ContainerServiceClient(credential, SUBSCRIPTION, base_url=cloud.url, credential_scopes=scopes) as client:
            clusters: Any = client.managed_clusters
            (config,) = clusters.list_cluster_user_credentials("rg1", "c1", format="exec").kubeconfigs
            assert b"server: https://localhost:" in config.value
            assert clusters.list_cluster_admin_credentials("rg1", "c1").kubeconfigs[0].name == "clusterAdmin"
            order = {"command": "kubectl get --raw /version", "context": ""}
            result = clusters.begin_run_command("rg1", "c1", order).result()
            assert (result.properties.provisioning_state, result.properties.exit_code) == ("Succeeded", 0)
            assert "v1.34.2" in result.properties.logs
            with pytest.raises(HttpResponseError) as refused:
                clusters.begin_run_command("rg1", "c2", order)
            assert refused.value.status_code == 400
