"""The ways to a cluster's Kubernetes API: what each needs, and what it says when it is none."""

from __future__ import annotations

import base64
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.kube_objects import (
    DAEMON_SET_PATH,
    NODES_PATH,
    proxy_path,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.access import (
    ACCESS_ARGUMENT_SPEC,
    ADMIN,
    AUTO,
    KUBECONFIG,
    RUN_COMMAND,
    USER,
    WAYS,
    connect,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.api import NoAccess

from tests.support.caller import LIST_PODS, PRINCIPAL, VERSION, Caller, principal

Call = Callable[..., Caller]


@pytest.mark.parametrize("way", [USER, ADMIN, RUN_COMMAND, AUTO])
@pytest.mark.parametrize("entra", [False, True])
def test_each_way_reads(way: str, entra: bool, call: Call) -> None:
    caller = call({"entra": entra})
    version, nodes = caller.ask(way, VERSION, f"{NODES_PATH}?limit=1")
    assert version.ok
    assert nodes.ok
    assert '"gitVersion"' in version.text
    assert '"NodeList"' in nodes.text
    local = "system:serviceaccount:aks-command:default" if way == RUN_COMMAND else "masterclient"
    entra_user = entra and way != ADMIN
    assert caller.users() == {PRINCIPAL if entra_user else local}


def test_the_ways_are_the_choices() -> None:
    assert list(WAYS) == ACCESS_ARGUMENT_SPEC["access"]["choices"]


def test_every_moment_is_the_servers(call: Call) -> None:
    caller = call()
    first, second = caller.ask(USER)[0].moment, caller.ask(RUN_COMMAND)[0].moment
    assert first is not None
    assert second is not None
    assert 5 < second - first < 30


def test_a_kubeconfig_reads(call: Call, tmp_path: Path) -> None:
    caller = call()
    path = caller.kubeconfig(tmp_path)
    caller.azure.emulator.clear_requests()
    assert caller.ask(KUBECONFIG, kubeconfig=str(path), context="web")[0].ok
    assert caller.ask(AUTO, kubeconfig=str(path), context="web")[0].ok
    caller.runtime = caller.runtime.but(environ={**caller.runtime.environ, "KUBECONFIG": str(path)})
    assert caller.ask(AUTO, context="web")[0].ok
    assert caller.posts() == []
    assert caller.ask(AUTO)[0].ok
    assert caller.posts() == ["listClusterUserCredential"]


@pytest.mark.parametrize(
    "field", ["token", "tokenFile", "client-certificate-data", "client-certificate", "exec", "exec for a certificate"]
)
def test_each_credential_of_a_kubeconfig_suffices_alone(field: str, call: Call, tmp_path: Path) -> None:
    caller = call()
    path = caller.kubeconfig(tmp_path)
    content = yaml.safe_load(path.read_text())
    user = content["users"][0]["user"]
    certificate, key = (user[f"client-{name}-data"] for name in ("certificate", "key"))
    (tmp_path / "token").write_text(user["token"])
    (tmp_path / "me.pem").write_bytes(base64.b64decode(certificate))
    (tmp_path / "me.key").write_bytes(base64.b64decode(key))
    pair = {
        "clientCertificateData": (tmp_path / "me.pem").read_text(),
        "clientKeyData": (tmp_path / "me.key").read_text(),
    }
    status = {"token": user["token"]} if field == "exec" else pair
    (tmp_path / "given").write_text(json.dumps({"kind": "ExecCredential", "status": status}))
    plugin = tmp_path / "login"
    plugin.write_text(f"#!/bin/sh\ncat {tmp_path}/given\n")
    plugin.chmod(0o755)
    by_plugin = {"exec": {"command": "./login", "apiVersion": "client.authentication.k8s.io/v1"}}
    content["users"][0]["user"] = {
        "token": {"token": user["token"]},
        "tokenFile": {"tokenFile": "token"},
        "client-certificate-data": {"client-certificate-data": certificate, "client-key-data": key},
        "client-certificate": {"client-certificate": "me.pem", "client-key": "me.key"},
        "exec": by_plugin,
        "exec for a certificate": by_plugin,
    }[field]
    path.write_text(yaml.safe_dump(content))
    assert caller.ask(KUBECONFIG, kubeconfig=str(path), context="web")[0].ok
    content["users"][0]["user"] = {}
    path.write_text(yaml.safe_dump(content))
    assert caller.refused(KUBECONFIG, kubeconfig=str(path), context="web").details["code"] == "Unauthorized"


def test_a_token_that_cannot_be_had_is_no_access(call: Call, tmp_path: Path) -> None:
    caller = call()
    path = caller.kubeconfig(tmp_path)
    content = yaml.safe_load(path.read_text())
    content["users"][0]["user"] = {"tokenFile": "not-there"}
    path.write_text(yaml.safe_dump(content))
    error = caller.refused(KUBECONFIG, kubeconfig=str(path), context="web")
    assert error.details["code"] == "NoCredentials"
    assert f"token file {tmp_path}/not-there cannot be read" in error.message


def open_files() -> Iterator[str]:
    """What this process has open."""
    for name in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            yield str(name.readlink())


@pytest.mark.parametrize("memory", [True, False])
def test_nothing_of_a_credential_stays_on_disk(
    memory: bool, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not memory:
        monkeypatch.delattr(os, "memfd_create")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    written: list[str] = []
    plain = tempfile.NamedTemporaryFile

    def noted(*args: Any, **kwargs: Any) -> Any:
        made = plain(*args, **kwargs)
        written.append(oct(Path(made.name).stat().st_mode & 0o777))
        return made

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", noted)
    caller = call()
    with closing(caller.connect(ADMIN)) as api:
        assert not any("aks.kube_proxy" in name for name in open_files())
        assert api.read([VERSION], lambda reply: reply.ok) == [True]
    assert written == ([] if memory else ["0o600"])
    assert list(tmp_path.iterdir()) == []


# --- Microsoft Entra ID ---


@pytest.mark.parametrize("format_", ["exec", "azure"])
def test_a_clusters_own_application_is_what_the_token_is_for(format_: str, call: Call, tmp_path: Path) -> None:
    caller = call({"entra": True})
    answer = caller.clusters.act(caller.cluster().id, "listClusterUserCredential", query={"format": format_})
    path = tmp_path / "kubeconfig"
    path.write_bytes(base64.b64decode(answer.body["kubeconfigs"][0]["value"]))
    if format_ == "azure":
        assert caller.ask(KUBECONFIG, kubeconfig=str(path), context="web")[0].ok
    else:
        error = caller.refused(KUBECONFIG, kubeconfig=str(path), context="web")
        assert "kubelogin is not installed" in error.message
        assert "set 'access' to 'user'" in error.message


def test_azure_is_asked_for_a_plugin_and_not_for_the_form_that_it_replaced(call: Call) -> None:
    caller = call({"entra": True})
    assert caller.ask(USER)[0].ok
    (asked,) = [entry for entry in caller.azure.arm_requests() if entry["method"] == "POST"]
    assert asked["query"]["format"] == "exec"


def test_local_accounts_are_not_needed_with_entra(call: Call) -> None:
    caller = call({"entra": True, "local_accounts": False})
    assert caller.ask(USER)[0].ok
    error = caller.refused(ADMIN)
    assert error.details["code"] == "LocalAccountsDisabled"
    assert "Set 'access' to 'user'" in error.message


def test_an_identity_without_a_role_in_the_cluster_is_told_so(call: Call) -> None:
    caller = call({"entra": True}, **principal(kubernetes="none"))
    for way in (USER, RUN_COMMAND):
        (reply,) = caller.ask(way, NODES_PATH)
        assert reply.status == 403
        assert 'cannot list resource "nodes"' in reply.text
        assert "HTTP" not in reply.text
    assert caller.ask(ADMIN, NODES_PATH)[0].ok


def test_a_token_that_is_refused_is_fetched_anew_once(call: Call) -> None:
    caller = call({"entra": True, "api": "unauthorized"})
    with closing(caller.connect(USER)) as api:
        with pytest.raises(NoAccess):
            api.read([VERSION], lambda reply: reply)
        assert len(caller.gets()) == 2
        caller.azure.emulator.change_kubernetes("web", {"api": "ok"})
        assert api.read([VERSION], lambda reply: reply.status) == [200]


# --- refusals ---


@pytest.mark.parametrize("way", [USER, ADMIN, RUN_COMMAND])
def test_unknown_credentials_are_an_error(way: str, call: Call) -> None:
    error = call({"api": "unauthorized"}).refused(way, *[VERSION] * 12)
    assert error.details["code"] == "Unauthorized"
    assert "HTTP 401" in error.message


@pytest.mark.parametrize("way", [USER, RUN_COMMAND])
def test_a_forbidden_page_of_a_pod_is_an_answer(way: str, call: Call) -> None:
    caller = call({"pod_proxy": "forbidden"})
    pods = [item["metadata"]["name"] for item in yaml.safe_load(caller.ask(way, LIST_PODS)[0].text)["items"]]
    replies = caller.ask(way, DAEMON_SET_PATH, *(proxy_path(pod, "proxyMode") for pod in pods))
    assert [reply.status for reply in replies] == [200] + [403] * len(pods)
    assert 'cannot get resource "pods/proxy"' in replies[1].text


def test_a_pod_that_cannot_be_reached_is_asked_twice(call: Call) -> None:
    caller = call({"pod_proxy": "unreachable"})
    pod = yaml.safe_load(caller.ask(USER, LIST_PODS)[0].text)["items"][0]["metadata"]["name"]
    caller.azure.emulator.clear_kubernetes_requests()
    (reply,) = caller.ask(USER, proxy_path(pod, "proxyMode"))
    assert reply.status == 503
    assert "error trying to reach service" in reply.text
    assert len(caller.gets()) == 2


@pytest.mark.parametrize("way", [USER, ADMIN])
def test_an_api_server_that_does_not_answer_is_tried_for_a_while(way: str, call: Call) -> None:
    caller = call({"api": "unreachable"})
    error = caller.refused(way)
    assert error.details["code"] == "Unreachable"
    assert "its API server localhost cannot be reached: the connection was cut" in error.message
    assert caller.azure.time.slept == [1, 2, 4]


@pytest.mark.parametrize("way", [USER, ADMIN])
def test_a_private_clusters_name_is_nobodys_here(way: str, call: Call) -> None:
    caller = call({"private": True})
    error = caller.refused(way)
    assert error.details["code"] == "Unreachable"
    assert "its name cannot be resolved" in error.message
    assert "'run_command'" in error.message
    assert caller.ask(RUN_COMMAND)[0].ok


@pytest.mark.parametrize(
    ("way", "action"), [(USER, "listClusterUserCredential"), (ADMIN, "listClusterAdminCredential")]
)
def test_a_lacking_action_is_named(way: str, action: str, call: Call) -> None:
    caller = call(**principal(actions=["Microsoft.ContainerService/managedClusters/read"]))
    error = caller.refused(way)
    assert f"Microsoft.ContainerService/managedClusters/{action}/action" in error.message
    assert error.details["code"] == "AuthorizationFailed"
    assert caller.gets() == []


def test_a_stopped_cluster_is_not_asked(call: Call) -> None:
    caller = call()
    caller.azure.emulator.change_cluster("web", {"properties": {"powerState": {"code": "Stopped"}}})
    for way in (USER, ADMIN, RUN_COMMAND, KUBECONFIG):
        assert caller.refused(way).details["code"] == "Stopped"
    assert caller.posts() == []


def test_a_failed_sign_in_is_no_access(call: Call) -> None:
    caller = call({"entra": True})
    cluster = caller.cluster()
    caller.azure.emulator.fault("server_error", match={"path": "/oauth2/"}, times=None)
    with (
        pytest.raises(NoAccess, match="no token for its API server") as caught,
        closing(connect(USER, cluster, caller.clusters, caller.runtime)) as api,
    ):
        api.read([VERSION], lambda reply: reply)
    assert "code" in caught.value.details
