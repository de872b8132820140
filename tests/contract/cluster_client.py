"""Ways into an emulated cluster for these tests: bare requests and the real kubectl, by the kubeconfig alone."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from tests.contract.arm_client import Arm, cluster_path

SERVER_APPLICATION = "6dae42f8-4368-4678-94ff-3960e28e3630"
NAMESPACE = "/api/v1/namespaces/kube-system"
PODS = f"{NAMESPACE}/pods"
DAEMON_SETS = "/apis/apps/v1/namespaces/kube-system/daemonsets"
NODES = "/api/v1/nodes"
SELECTOR = "labelSelector=component%3Dkube-proxy"


def entra_token(arm: Arm, **sign_in: str) -> str:
    """A token of AKS's server application."""
    answer = arm.token(scope=f"{SERVER_APPLICATION}/.default", **sign_in)
    answer.raise_for_status()
    return str(answer.json()["access_token"])


class Inside:
    """A way into one cluster, by the kubeconfig that ARM hands out."""

    def __init__(self, arm: Arm, folder: Path, name: str = "c1", *, role: str = "User", query: str = "") -> None:
        """Ask ARM for the kubeconfig and write its parts into files."""
        answer = arm.ask("POST", f"{cluster_path(name)}/listCluster{role}Credential{query}")
        assert answer.status_code == 200, answer.text
        text = base64.b64decode(answer.json()["kubeconfigs"][0]["value"]).decode()
        self.folder, self.config = folder / f"{name}-{role}", yaml.safe_load(text)
        self.folder.mkdir(parents=True)
        (self.folder / "config").write_text(text)
        self.server: str = self.config["clusters"][0]["cluster"]["server"]
        self.user: dict[str, Any] = self.config["users"][0]["user"]
        self.authority = self._file("ca.pem", self.config["clusters"][0]["cluster"]["certificate-authority-data"])
        self.pair: tuple[str, str] | None = None
        if "client-key-data" in self.user:
            pair = [self._file(f"{part}.pem", self.user[f"client-{part}-data"]) for part in ("certificate", "key")]
            self.pair = pair[0], pair[1]
        self.session = requests.Session()
        self.session.trust_env, self.session.verify = False, self.authority
        self.token: str | None = self.user.get("token")

    def _file(self, name: str, content: str) -> str:
        path = self.folder / name
        path.write_bytes(base64.b64decode(content))
        return str(path)

    def ask(self, path: str, method: str = "GET", **more: Any) -> requests.Response:
        """Send one request with the token."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return self.session.request(method, f"{self.server}{path}", headers=headers, timeout=60, **more)

    def json(self, path: str) -> Any:
        """Read a document."""
        answer = self.ask(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def items(self, path: str) -> list[Any]:
        """Read the items of a list."""
        found: list[Any] = self.json(path)["items"]
        return found

    def pods(self) -> list[Any]:
        """kube-proxy's pods, in order of their nodes' names."""
        return sorted(self.items(f"{PODS}?{SELECTOR}"), key=lambda pod: str(pod["spec"]["nodeName"]))

    def says(self, pod: Any, page: str = "proxyMode") -> str:
        """What kube-proxy in a pod answers; of an error, its message."""
        answer = self.ask(f"{PODS}/{pod['metadata']['name']}:10249/proxy/{page}")
        return answer.text if answer.status_code == 200 else str(answer.json()["message"])

    def modes(self) -> list[str]:
        """The mode that each node runs; - where none answers."""
        found = [self.says(pod) for pod in self.pods()]
        return [text if text in ("iptables", "ipvs", "nftables") else "-" for text in found]

    def daemon_set(self) -> Any:
        """kube-proxy's DaemonSet."""
        return self.json(f"{DAEMON_SETS}/kube-proxy")

    def kubectl_command(self, *words: str) -> tuple[list[str], dict[str, str]]:
        """A command of kubectl, and its environment."""
        program = shutil.which("kubectl")
        if program is None:
            pytest.skip("kubectl is not installed")
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "KUBECONFIG": str(self.folder / "config")}
        return [program, *words], environment

    def kubectl(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run kubectl to its end."""
        command, environment = self.kubectl_command(*words)
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)

    def kubectl_json(self, *words: str) -> Any:
        """Run kubectl and read the JSON that it prints."""
        done = self.kubectl(*words, "-o", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def refused(answer: requests.Response, code: int, reason: str) -> str:
    """Check an error of the API server; return its message."""
    assert answer.status_code == code, answer.text
    body = answer.json()
    shape = {key: body[key] for key in ("kind", "apiVersion", "status", "reason", "code")}
    assert shape == {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code}
    return str(body["message"])
