"""Secrets, tokens and signed URLs are nowhere to be read: not on the screen at -vvvv, not in the log file."""

from __future__ import annotations

import base64
import re
import tempfile
from pathlib import Path
from typing import Any

import requests
import yaml

from tests.emulator import Emulator
from tests.support.playbook import IN_PROCESS, MODULE, Ansible, Task, play, task

# One identity for each source of credentials, so that it is clear who leaked.
SECRETS = {
    "parameters": "secret~by~parameters",
    "environment": "secret~by~environment",
    "profile": "secret~by~profile",
    "keyword": "secret~by~keyword",
}
WRONG = "secret~that~is~wrong"
CLIENTS = {source: f"3333333{number}-3333-4333-8333-333333333333" for number, source in enumerate(SECRETS)}
FLAGS = {"11111111-1111-4111-8111-111111111111": {"KubeProxyConfigurationPreview": "Registered"}}
# Everything that the emulator issues as a token, and any other JSON Web Token, begins so.
TOKEN = "eyJ"
# The signed part of an operation's URL.
SIGNED = re.compile(r"[?&](api-version=[^\s\"'&]*&)?(t|c|s|h|sig|se|sv)=|operations/[0-9a-f-]{36}\?", re.IGNORECASE)


def credentials(source: str, tenant: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A module's parameters and a task's keywords for one source."""
    variable = "{{ secrets." + source + " }}"
    named = {"client_id": CLIENTS[source], "tenant": tenant, "secret": variable}
    keyword = {"AZURE_CLIENT_ID": CLIENTS[source], "AZURE_TENANT": tenant, "AZURE_SECRET": variable}
    return {
        "parameters": (named, {}),
        "environment": ({}, {}),
        "profile": ({"profile": "mine"}, {}),
        "keyword": ({}, {"environment": keyword}),
    }[source]


def switch(source: str, tenant: str, cluster: str, way: str) -> list[Task]:
    """The task that switches a cluster, and one that shows all of its result."""
    parameters, keywords = credentials(source, tenant)
    name = f"{source} {cluster} {way}"
    arguments = {"resource_group": "rg1", "name": f"{cluster}-{source}-{way}", "mode": "NFTABLES", **parameters}
    execution = {"aks_execution": "module" if way == MODULE else "auto"}
    return [
        task(name, "aks.kube_proxy.config", arguments, register="result", vars=execution, **keywords),
        task(f"Show {name}", "ansible.builtin.debug", {"var": "result"}),
    ]


# An ordinary module gets what the keyword `environment` sets on its command line, which Ansible itself shows at -vvv.
CASES = [
    *(("in order", source, IN_PROCESS) for source in SECRETS),
    *(("failing", source, IN_PROCESS) for source in SECRETS),
    ("in order", "parameters", MODULE),
    *(("failing", source, MODULE) for source in SECRETS if source != "keyword"),
]


def test_nothing_secret_is_shown(hurried: Emulator, ansible: Ansible) -> None:
    clusters = [(f"{'good' if case == 'in order' else 'bad'}", source, way) for case, source, way in CASES]
    hurried.reset(
        {
            "clusters": [{"name": f"{cluster}-{source}-{way}"} for cluster, source, way in clusters],
            "features": FLAGS,
            "principals": [{"client_id": CLIENTS[source], "secret": secret} for source, secret in SECRETS.items()],
        }
    )
    for cluster, source, way in clusters:
        if cluster == "bad":
            hurried.fault("operation_failed", match={"cluster": f"{cluster}-{source}-{way}"}, code="NodeFault")
    environ = {
        **hurried.environment(),
        "AZURE_CLIENT_ID": CLIENTS["environment"],
        "AZURE_SECRET": SECRETS["environment"],
        "AZURE_CLIENT_SECRET": SECRETS["environment"],
        "ANSIBLE_INJECT_INVOCATION": "true",  # arguments are shown, as ansible-core before 2.21 always does
        "ANSIBLE_LOG_PATH": str(ansible.folder / "ansible.log"),
    }
    tenant = environ["AZURE_TENANT"]
    profile = Path(ansible.environ["HOME"]) / ".azure" / "credentials"
    profile.parent.mkdir()
    profile.write_text(
        f"[mine]\nclient_id={CLIENTS['profile']}\nsecret={SECRETS['profile']}\ntenant={tenant}\n", encoding="utf-8"
    )
    secrets = ansible.folder / "secrets.yml"
    secrets.write_text(yaml.safe_dump({"secrets": {**SECRETS, "wrong": WRONG}}), encoding="utf-8")
    wrong = {"client_id": CLIENTS["parameters"], "tenant": tenant, "secret": "{{ secrets.wrong }}"}
    info = {"resource_group": "rg1", "name": "good-profile-in-process", **wrong}
    tasks = [step for cluster, source, way in clusters for step in switch(source, tenant, cluster, way)]
    for way in (IN_PROCESS, MODULE):
        execution = {"aks_execution": "module" if way == MODULE else "auto"}
        tasks.append(task(f"wrong {way}", "aks.kube_proxy.config_info", info, vars=execution))

    run = ansible.play([play(*tasks)], "-vvvv", "--diff", "-e", f"@{secrets}", environ=environ)

    for cluster, source, way in clusters:
        name = f"{source} {cluster} {way}"
        result = run.result(name)
        assert result.event == ("ok" if cluster == "good" else "failed"), f"{name}: {result.message}\n{run}"
        assert result.values["operation"]["id"]
        assert run.ways[name] == way
        assert result.values.get("code") == (None if cluster == "good" else "NodeFault")
    for way in (IN_PROCESS, MODULE):
        assert run.result(f"wrong {way}").values["code"] == "AADSTS7000215"

    log = (ansible.folder / "ansible.log").read_text(encoding="utf-8")
    record = ansible.record.read_text(encoding="utf-8")
    read = [entry["query"] for entry in hurried.requests() if "/operations/" in entry["path"]]
    assert len(read) == len([cluster for cluster, _unused, _unused in clusters if cluster == "bad"]), (
        "each failure's URL was read"
    )
    signatures = {query[part] for query in read for part in ("c", "s", "h")}
    assert all(len(text) > 20 for text in signatures)
    for where, text in (("stdout", run.stdout), ("stderr", run.stderr), ("log file", log), ("results", record)):
        leaked = [secret for secret in (*SECRETS.values(), WRONG, TOKEN, *signatures) if secret in text]
        assert not leaked, f"in the {where}: {leaked}"
        assert not SIGNED.search(text), f"in the {where}: {SIGNED.search(text)}"
    for text in (run.stdout, log):
        # ansible-core 2.22 has another word for it.
        masks = ("VALUE_SPECIFIED_IN_NO_LOG_PARAMETER", "$REDACTED$")
        assert any(mask in text for mask in masks), "what is masked was there to be shown"


PRIVATE = re.compile(r"PRIVATE KEY|BEGIN CERTIFICATE|LS0tLS1CRUdJ")
"""What keys and certificates begin with, as they are and as kubeconfigs hold them."""
PLUGIN = """#!/bin/sh
echo '{"kind": "ExecCredential", "status": {"token": "TOKEN"}}'
echo "got TOKEN" >&2
"""


def handed_out(emulator: Emulator, name: str) -> dict[str, Any]:
    """The kubeconfig that Azure hands out for a cluster's administrator, read with a principal of its own."""
    environ = emulator.environment()
    session = requests.Session()
    session.trust_env, session.verify = False, str(emulator.ca_path)
    grant = {
        "grant_type": "client_credentials",
        "client_id": environ["AZURE_CLIENT_ID"],
        "client_secret": environ["AZURE_SECRET"],
        "scope": f"{emulator.url}/.default",
    }
    token = session.post(f"{emulator.url}/{environ['AZURE_TENANT']}/oauth2/v2.0/token", data=grant, timeout=20).json()
    path = f"{emulator.cluster(name)['id']}/listClusterAdminCredential?api-version=2026-08-01"
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    answer = session.post(f"{emulator.url}{path}", headers=headers, timeout=20).json()
    content: dict[str, Any] = yaml.safe_load(base64.b64decode(answer["kubeconfigs"][0]["value"]))
    return content


def test_nothing_of_a_clusters_credentials_is_shown(hurried: Emulator, ansible: Ansible) -> None:
    """Kubeconfigs, tokens, certificates and keys: whatever way they came, whether they were taken or not."""
    inside = {
        "local": {},
        "refused": {"api": "unauthorized"},
        "entra": {"entra": True},
        "stranger": {"entra": True, "api": "unauthorized"},
        "forbidden": {"pod_proxy": "forbidden"},
    }
    hurried.reset({"clusters": [{"name": name, "kubernetes": settings} for name, settings in inside.items()]})
    config = handed_out(hurried, "local")
    user = config["users"][0]["user"]
    token, key = user["token"], user["client-key-data"]
    assert len(token) > 20
    assert len(key) > 100
    (ansible.folder / "login").write_text(PLUGIN.replace("TOKEN", token))
    (ansible.folder / "login").chmod(0o755)
    plugged = {"exec": {"command": "./login", "apiVersion": "client.authentication.k8s.io/v1"}}
    files = {"all": user, "bearer": {"token": token}, "plugin": plugged, "stale": {"token": token[:-4] + "beef"}}
    for name, given in files.items():
        written = {**config, "users": [{**config["users"][0], "user": given}]}
        (ansible.folder / name).write_text(yaml.safe_dump(written), encoding="utf-8")
    cases: dict[str, tuple[str, str]] = {  # the options beside the cluster, as access or as a kubeconfig's file
        **{f"{name} {access}": (name, access) for name in inside for access in ("user", "admin", "run_command")},
        **{f"local {name}": ("local", name) for name in files},
    }
    # A process for each takes its time: one of each kind.
    ordinary = ("local user", "local plugin", "local stale", "refused admin", "stranger user", "entra run_command")
    runs = [(case, IN_PROCESS) for case in cases] + [(case, MODULE) for case in ordinary]
    tasks = []
    for case, way in runs:
        name, access = cases[case]
        by_file = {"kubeconfig": str(ansible.folder / access), "context": config["current-context"]}
        arguments = {
            "resource_group": "rg1",
            "name": name,
            "settle_seconds": 0,
            "wait_timeout": 1,
            "poll_interval": 1,
            **(by_file if access in files else {"access": access}),
        }
        execution = {"aks_execution": "module" if way == MODULE else "auto"}
        tasks.append(task(f"{case} {way}", "aks.kube_proxy.verify", arguments, register="result", vars=execution))
        tasks.append(task(f"Show {case} {way}", "ansible.builtin.debug", {"var": "result"}))
    environ = {**hurried.environment(), "ANSIBLE_LOG_PATH": str(ansible.folder / "ansible.log")}
    with tempfile.TemporaryDirectory() as temporary:  # of a short name: Ansible makes a socket in it
        run = ansible.play([play(*tasks)], "-vvvv", "--diff", environ={**environ, "TMPDIR": temporary})
        folders = (Path(temporary), ansible.folder / "local-tmp", ansible.folder / "remote-tmp")
        left = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
        assert not [path for path in left if PRIVATE.search(path.read_text(errors="replace"))], left

    good = {f"{name} {access}" for name in ("local", "entra") for access in ("user", "admin", "run_command")}
    good |= {"local all", "local bearer", "local plugin"}
    for case, way in runs:
        result = run.result(f"{case} {way}")
        assert run.ways[f"{case} {way}"] == way
        assert (result.event == "ok") == (case in good), f"{case} {way}: {result.message}"
    log = (ansible.folder / "ansible.log").read_text(encoding="utf-8")
    record = ansible.record.read_text(encoding="utf-8")
    for where, text in (("stdout", run.stdout), ("stderr", run.stderr), ("log file", log), ("results", record)):
        leaked = [secret for secret in (token, token[:-4], key, key[:60], TOKEN) if secret in text]
        assert not leaked, f"in the {where}: {leaked}"
        assert not PRIVATE.search(text), f"in the {where}: {PRIVATE.search(text)}"
