"""A bare client of ARM for these tests: no retries, no polling, nothing hidden."""

from __future__ import annotations

from typing import Any

import requests

from tests.contract.provoked import note
from tests.emulator import Emulator

SUBSCRIPTION = "11111111-1111-4111-8111-111111111111"
PREVIEW = "2025-09-02-preview"
STABLE = "2026-06-01"
FLAG = "Microsoft.ContainerService/KubeProxyConfigurationPreview"
REGISTERED = {SUBSCRIPTION: {"KubeProxyConfigurationPreview": "Registered"}}


class Arm:
    """One client, signed in."""

    def __init__(self, emulator: Emulator, **sign_in: str) -> None:
        """Sign in as the environment's principal, or as `sign_in` tells."""
        self.emulator = emulator
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = str(emulator.ca_path)
        self.session.hooks["response"].append(note)
        self.environment = emulator.environment()
        answer = self.token(**sign_in)
        answer.raise_for_status()
        self.bearer = answer.json()["access_token"]

    def token(self, **fields: str) -> requests.Response:
        """Ask for a token; `fields` replace those of an ordinary request. An empty one is left out."""
        form = {
            "grant_type": "client_credentials",
            "client_id": self.environment["AZURE_CLIENT_ID"],
            "client_secret": self.environment.get("AZURE_SECRET", ""),
            "scope": f"{self.emulator.url}/.default",
        } | fields
        tenant = form.pop("tenant", self.environment["AZURE_TENANT"])
        return self.session.post(
            f"{self.emulator.url}/{tenant}/oauth2/v2.0/token", data={k: v for k, v in form.items() if v}
        )

    def ask(
        self, method: str, path: str, version: str | None = PREVIEW, body: Any = None, headers: Any = None
    ) -> requests.Response:
        """Send one request. A whole URL is sent as it is."""
        url = path if path.startswith("https:") else f"{self.emulator.url}{path}"
        return self.session.request(
            method,
            url,
            params={"api-version": version} if version and "api-version" not in url else None,
            json=body,
            headers={"Authorization": f"Bearer {self.bearer}", **(headers or {})},
        )

    def get(self, name: str = "c1", version: str | None = PREVIEW) -> Any:
        """Read a cluster."""
        answer = self.ask("GET", cluster_path(name), version)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def put(self, body: Any, name: str = "c1", version: str | None = PREVIEW, headers: Any = None) -> requests.Response:
        """Write a cluster."""
        return self.ask("PUT", cluster_path(name), version, body, headers)

    def switch(self, config: Any, name: str = "c1", headers: Any = None) -> requests.Response:
        """Read a cluster, put another kubeProxyConfig in (None: take it out), and write it."""
        body = self.get(name)
        body["properties"].setdefault("networkProfile", {})["kubeProxyConfig"] = config
        return self.put(body, name, headers=headers)

    def settle(self, answer: requests.Response) -> Any:
        """Let an accepted write end, on a clock that stands still. Return the operation's status resource."""
        assert answer.status_code in (200, 201, 202), answer.text
        self.emulator.advance(3600)
        return self.ask("GET", answer.headers["azure-asyncoperation"]).json()


def group_path(group: str = "rg1", subscription: str = SUBSCRIPTION) -> str:
    """The path of a resource group."""
    return f"/subscriptions/{subscription}/resourceGroups/{group}"


def cluster_path(name: str = "c1", group: str = "rg1", subscription: str = SUBSCRIPTION) -> str:
    """The path of a cluster."""
    return f"{group_path(group, subscription)}/providers/Microsoft.ContainerService/managedClusters/{name}"


def feature_path(name: str = "KubeProxyConfigurationPreview", subscription: str = SUBSCRIPTION) -> str:
    """The path of a preview flag."""
    return (
        f"/subscriptions/{subscription}/providers/Microsoft.Features/providers/Microsoft.ContainerService"
        f"/features/{name}"
    )


def wrapped(answer: requests.Response, status: int, code: str) -> str:
    """Check an error of ARM's front door; return its message."""
    assert answer.status_code == status, answer.text
    assert answer.headers["x-ms-failure-cause"] == "gateway"
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert set(answer.json()) == {"error"}
    error = answer.json()["error"]
    assert error["code"] == code
    return str(error["message"])


def flat(answer: requests.Response, status: int, code: str, subcode: str = "") -> str:
    """Check an error of the AKS provider; return its message."""
    assert answer.status_code == status, answer.text
    assert "x-ms-failure-cause" not in answer.headers
    body = answer.json()
    assert set(body) == {"code", "details", "message", "subcode"}
    assert (body["code"], body["subcode"]) == (code, subcode)
    return str(body["message"])
