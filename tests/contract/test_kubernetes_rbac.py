"""What Kubernetes lets an Entra ID principal do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.contract.arm_client import Arm
from tests.contract.cluster_client import DAEMON_SETS, NAMESPACE, NODES, PODS, Inside, entra_token, refused
from tests.contract.conftest import Start
from tests.emulator import FleetError
from tests.emulator.fleet import load

ME: dict[str, Any] = {"client_id": "aaaaaaaa-0000-4000-8000-00000000000a", "object_id": "me", "secret": "s"}
ROLE = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: verify, namespace: kube-system}
rules:
  - {apiGroups: [apps], resources: [daemonsets], verbs: [get, list, watch], resourceNames: [kube-proxy]}
  - {apiGroups: [""], resources: [pods], verbs: [list]}
  - {apiGroups: [""], resources: [pods/proxy], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: verify, namespace: kube-system}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: verify}
subjects: []
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: nodes}
rules:
  - {apiGroups: [""], resources: [nodes], verbs: [get, list]}
  - {nonResourceURLs: [/metrics], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: nodes}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: nodes}
subjects: []
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: bound-to-nobody}
rules: [{apiGroups: [""], resources: [services], verbs: [list]}]
"""


def enter(start: Start, folder: Path, rights: dict[str, Any], **settings: bool) -> Inside:
    arm: Arm = start([{"name": "c1", "kubernetes": {"entra": True, **settings}}], principals=[{**ME, **rights}])
    inside = Inside(arm, folder)
    inside.token = entra_token(arm)
    return inside


@pytest.fixture
def limited(start: Start, tmp_path: Path) -> Inside:
    (tmp_path / "role.yml").write_text(ROLE)
    return enter(start, tmp_path, {"kubernetes_role_file": str(tmp_path / "role.yml")})


def forbidden(inside: Inside, path: str, *, method: str = "GET") -> str:
    return refused(inside.ask(path, method), 403, "Forbidden")


def test_what_the_role_allows(limited: Inside) -> None:
    pods = limited.pods()
    assert len(limited.items(NODES)) == len(pods) == 3
    assert limited.json(f"{NODES}/{pods[0]['spec']['nodeName']}")["kind"] == "Node"
    assert limited.daemon_set()["metadata"]["name"] == "kube-proxy"
    assert limited.items(f"{DAEMON_SETS}?fieldSelector=metadata.name%3Dkube-proxy")
    assert limited.says(pods[0]) == "iptables"
    assert limited.json("/version")["gitVersion"] == "v1.34.2"


def test_what_it_does_not_allow_is_told_in_the_api_servers_words(limited: Inside) -> None:
    name = limited.pods()[0]["metadata"]["name"]
    user = 'User "me" cannot'
    assert forbidden(limited, f"{PODS}/{name}") == (
        f'pods "{name}" is forbidden: {user} get resource "pods" in API group "" in the namespace "kube-system"'
    )
    assert forbidden(limited, "/api/v1/pods") == (
        f'pods is forbidden: {user} list resource "pods" in API group "" at the cluster scope'
    )
    assert forbidden(limited, DAEMON_SETS) == (
        f'daemonsets.apps is forbidden: {user} list resource "daemonsets" in API group "apps" '
        'in the namespace "kube-system"'
    )
    for path in (
        f"{DAEMON_SETS}/azure-cns",
        "/api/v1/namespaces/default/pods",
        "/api/v1/services",
        f"{NODES}?watch=true",
        f"{NODES}/{limited.pods()[0]['spec']['nodeName']}/proxy/metrics",
    ):
        assert forbidden(limited, path)
    assert f'{user} create resource "pods/proxy"' in forbidden(limited, f"{PODS}/{name}:10249/proxy/x", method="POST")
    assert f'{user} delete resource "nodes"' in forbidden(limited, f"{NODES}/x", method="DELETE")


def test_somebody_who_may_do_nothing(start: Start, tmp_path: Path) -> None:
    inside = enter(start, tmp_path, {"kubernetes": "none"})
    pod = f"{PODS}/kube-proxy-x:10249/proxy/proxyMode"
    assert forbidden(inside, pod) == (
        'pods "kube-proxy-x:10249" is forbidden: User "me" cannot get resource "pods/proxy" in API group "" '
        'in the namespace "kube-system"'
    )
    done = inside.kubectl("--token", str(inside.token), "get", "--raw", NODES)
    assert done.stderr.startswith('Error from server (Forbidden): nodes is forbidden: User "me" cannot list resource')


def test_azure_rbac_adds_why(start: Start, tmp_path: Path) -> None:
    inside = enter(start, tmp_path, {"kubernetes": "none"}, azure_rbac=True)
    assert forbidden(inside, NODES).endswith("Update role assignment to allow access.")


def test_users_go_by_their_name(start: Start, tmp_path: Path) -> None:
    inside = enter(start, tmp_path, {"username": "me@example.org", "password": "p", "kubernetes": "none"})
    assert 'User "me@example.org" cannot' in forbidden(inside, NODES)


def test_only_the_pod_proxy_is_forbidden(start: Start, tmp_path: Path) -> None:
    inside = Inside(start([{"name": "c1", "kubernetes": {"pod_proxy": "forbidden"}}]), tmp_path)
    pods = inside.pods()
    assert 'cannot get resource "pods/proxy"' in inside.says(pods[0])
    assert inside.ask(f"{NAMESPACE}/services").status_code == 200


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "role.yml"),
        ("kind: Role\nmetadata: {name: x}\nrules: []", "no Role or ClusterRole"),
        ("kind: Role\nmetadata: {name: x}\nrules: [{apiGroups: x}]", "apiGroups of a rule must be a list"),
    ],
)
def test_mistakes_in_role_files(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "role.yml").write_text(text)
    with pytest.raises(FleetError, match=message if message != "role.yml" else "kubernetes_role_file"):
        load({"principals": [{**ME, "kubernetes_role_file": str(tmp_path / "role.yml")}]})


def test_two_ways_to_say_it_are_one_too_many(tmp_path: Path) -> None:
    with pytest.raises(FleetError, match="only one of kubernetes and kubernetes_role_file"):
        load({"principals": [{**ME, "kubernetes": "none", "kubernetes_role_file": "x"}]})
