"""Kubeconfigs, and who gets into a cluster's API server."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.contract.arm_client import REGISTERED, cluster_path, flat
from tests.contract.cluster_client import NODES, SERVER_APPLICATION, Inside, entra_token, refused
from tests.contract.conftest import Start

ENTRA = {"name": "c1", "kubernetes": {"entra": True}}
NODE_LIST = "aks-nodepool1-"


def test_a_local_user_gets_a_certificate_and_a_token_and_each_alone_is_enough(start: Start, tmp_path: Path) -> None:
    inside = Inside(start(), tmp_path)
    assert set(inside.user) == {"client-certificate-data", "client-key-data", "token"}
    assert inside.config["users"][0]["name"] == "clusterUser_rg1_c1"
    assert inside.config["current-context"] == "c1"
    assert inside.ask(NODES).status_code == 200
    inside.token = None
    assert refused(inside.ask(NODES), 401, "Unauthorized") == "Unauthorized"
    assert inside.ask(NODES, cert=inside.pair).status_code == 200
    inside.token = "wrong"
    assert inside.ask(NODES).status_code == 401


def test_kubectl_by_certificate_and_by_token(start: Start, tmp_path: Path) -> None:
    inside = Inside(start(), tmp_path)
    whole = (inside.folder / "config").read_text()
    for unwanted in ("token", "client-"):
        lines = [line for line in whole.splitlines() if not line.strip().startswith(unwanted)]
        (inside.folder / "config").write_text("\n".join(lines))
        assert NODE_LIST in inside.kubectl("get", "nodes").stdout


def test_credentials_of_one_cluster_open_no_other(start: Start, tmp_path: Path) -> None:
    arm = start([{"name": "c1"}, {"name": "c2"}])
    one, two = Inside(arm, tmp_path, "c1"), Inside(arm, tmp_path, "c2")
    assert one.server != two.server
    assert requests.get(f"{two.server}{NODES}", cert=one.pair, verify=one.authority, timeout=9).status_code == 401
    two.token = one.token
    assert two.ask(NODES).status_code == 401


def test_the_certificate_of_the_api_server_is_of_an_authority_of_its_own(start: Start, tmp_path: Path) -> None:
    arm = start()
    inside = Inside(arm, tmp_path)
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(f"{inside.server}{NODES}", verify=str(arm.emulator.ca_path), timeout=9)


def test_an_entra_user_gets_no_secret_and_needs_a_token_of_the_server_application(start: Start, tmp_path: Path) -> None:
    arm = start([ENTRA])
    inside = Inside(arm, tmp_path)
    assert set(inside.user) == {"exec"}
    command = inside.user["exec"]
    assert (command["command"], command["apiVersion"]) == ("kubelogin", "client.authentication.k8s.io/v1beta1")
    words = command["args"]
    assert words[0] == "get-token"
    assert words[words.index("--server-id") + 1] == SERVER_APPLICATION
    assert words[words.index("--tenant-id") + 1] == arm.environment["AZURE_TENANT"]
    assert inside.ask(NODES).status_code == 401
    inside.token = arm.bearer  # ARM's own
    refused(inside.ask(NODES), 401, "Unauthorized")
    inside.token = entra_token(arm)
    assert inside.ask(NODES).status_code == 200
    assert arm.emulator.kubernetes_requests()[-1]["user"] == "44444444-4444-4444-8444-444444444444"
    assert arm.session.get(
        f"{arm.emulator.url}{cluster_path()}?api-version=2026-06-01",
        headers={"Authorization": f"Bearer {inside.token}"},
    ).json()["error"]["code"] == "InvalidAuthenticationTokenAudience"  # fmt: skip


def test_a_token_by_managed_identity_and_by_version_1(start: Start, tmp_path: Path) -> None:
    arm = start([ENTRA])
    inside = Inside(arm, tmp_path)
    identity = arm.session.get(
        f"{arm.emulator.url}/metadata/identity/oauth2/token?api-version=2018-02-01&resource={SERVER_APPLICATION}",
        headers={"Metadata": "true"},
    )
    inside.token = identity.json()["access_token"]
    assert inside.ask(NODES).status_code == 200
    form = {"grant_type": "client_credentials", "client_id": arm.environment["AZURE_CLIENT_ID"],
            "client_secret": arm.environment["AZURE_SECRET"], "resource": SERVER_APPLICATION}  # fmt: skip
    first = arm.session.post(f"{arm.emulator.url}/{arm.environment['AZURE_TENANT']}/oauth2/token", data=form)
    inside.token = first.json()["access_token"]
    assert inside.ask(NODES).status_code == 200


def test_an_entra_token_that_is_too_old(start: Start, tmp_path: Path) -> None:
    arm = start([ENTRA])
    inside = Inside(arm, tmp_path)
    arm.emulator.reset({"clusters": [ENTRA], "behaviour": {"token_seconds": 0}})
    inside.token = entra_token(arm)
    assert refused(inside.ask(NODES), 401, "Unauthorized") == "Unauthorized"


def test_an_entra_token_opens_no_cluster_without_entra(start: Start, tmp_path: Path) -> None:
    arm = start()
    inside = Inside(arm, tmp_path)
    inside.token = entra_token(arm)
    assert inside.ask(NODES).status_code == 401


def test_the_older_form_of_an_entra_kubeconfig(start: Start, tmp_path: Path) -> None:
    arm = start([ENTRA])
    user = Inside(arm, tmp_path, query="?format=azure").user
    assert user["auth-provider"]["name"] == "azure"
    assert user["auth-provider"]["config"]["apiserver-id"] == SERVER_APPLICATION
    answer = arm.ask("POST", f"{cluster_path()}/listClusterUserCredential?format=x&api-version=2026-06-01")
    flat(answer, 400, "InvalidParameter")


def test_the_administrator_of_an_entra_cluster_is_a_local_account(start: Start, tmp_path: Path) -> None:
    inside = Inside(start([ENTRA]), tmp_path, role="Admin")
    assert inside.config["current-context"] == "c1-admin"
    assert NODE_LIST in inside.kubectl("get", "nodes").stdout


@pytest.mark.parametrize(("entra", "user"), [(True, 200), (False, 400)])
def test_disabled_local_accounts(start: Start, tmp_path: Path, entra: bool, user: int) -> None:
    arm = start([{"name": "c1", "kubernetes": {"entra": entra}}])
    before = Inside(arm, tmp_path, role="Admin")
    assert before.ask(NODES).status_code == 200
    arm.emulator.change_kubernetes("c1", {"local_accounts": False})
    assert arm.get()["properties"]["disableLocalAccounts"] is True
    message = flat(arm.ask("POST", f"{cluster_path()}/listClusterAdminCredential"), 400, "BadRequest")
    assert message == "Getting static credential is not allowed because this cluster is set to disable local accounts."
    assert arm.ask("POST", f"{cluster_path()}/listClusterUserCredential").status_code == user
    assert before.ask(NODES).status_code == 401
    assert before.ask(NODES, cert=before.pair).status_code == 401


@pytest.mark.parametrize(
    "change",
    [
        {"kubernetes": {"api": "unreachable"}},
        {"power": "Stopped"},
    ],
)
def test_nobody_answers(start: Start, tmp_path: Path, change: dict[str, Any]) -> None:
    inside = Inside(start([{"name": "c1", **change}]), tmp_path)
    with pytest.raises(requests.exceptions.ConnectionError):
        inside.ask(NODES)


def test_kubectl_hears_nothing(start: Start, tmp_path: Path) -> None:
    inside = Inside(start([{"name": "c1", "kubernetes": {"api": "unreachable"}}]), tmp_path)
    assert "Unable to connect to the server" in inside.kubectl("get", "--raw", NODES).stderr


def test_nobody_is_known(start: Start, tmp_path: Path) -> None:
    inside = Inside(start([{"name": "c1", "kubernetes": {"api": "unauthorized"}}]), tmp_path)
    done = inside.kubectl("get", "--raw", NODES)
    assert "You must be logged in to the server (Unauthorized)" in done.stderr


def test_a_private_cluster_has_a_name_that_leads_nowhere(start: Start, tmp_path: Path) -> None:
    arm = start([{"name": "c1", "kubernetes": {"private": True}}])
    inside = Inside(arm, tmp_path)
    properties = arm.get()["properties"]
    assert properties["apiServerAccessProfile"]["enablePrivateCluster"] is True
    assert "fqdn" not in properties
    assert inside.server == f"https://{properties['privateFQDN']}:443"
    assert ".privatelink.westeurope.azmk8s.io:443" in inside.server
    with pytest.raises(OSError, match=r"not known|resolution"):
        socket.getaddrinfo(properties["privateFQDN"], 443)
    arm.emulator.change_kubernetes("c1", {"private": False})
    assert arm.get()["properties"]["fqdn"].endswith(".hcp.westeurope.azmk8s.io")


def test_a_cluster_with_all_of_it_can_be_switched(start: Start) -> None:
    given = {"entra": True, "azure_rbac": True, "local_accounts": False, "private": True, "run_command": False}
    arm = start([{"name": "c1", "kubernetes": given}], features=REGISTERED)
    before = arm.get()["properties"]
    assert arm.settle(arm.switch({"enabled": True, "mode": "IPVS"}))["status"] == "Succeeded"
    after = arm.get()["properties"]
    for key in ("aadProfile", "apiServerAccessProfile", "disableLocalAccounts", "privateFQDN"):
        assert after[key] == before[key]


def test_the_date_is_that_of_the_emulators_clock(start: Start, tmp_path: Path) -> None:
    arm = start()
    inside = Inside(arm, tmp_path)
    arm.emulator.advance(400 * 86400)
    answers = inside.ask("/version"), arm.ask("GET", cluster_path())
    assert all(int(answer.headers["Date"].split()[3]) > time.gmtime().tm_year for answer in answers)
