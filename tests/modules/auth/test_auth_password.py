"""The sign-in of a user with a password, which MSAL does in steps of its own."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
import requests
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.authentication import authenticate
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.tokens import TokenCache

from tests.emulator import Emulator

from .people import PASSWORD, USER
from .servers import serve

TENANT_OF_USER = "22222222-2222-4222-8222-222222222222"
AZURE_CLI_CLIENT = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"


def segment(content: dict[str, Any]) -> str:
    """Part of a JWT."""
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


class Entra(BaseHTTPRequestHandler):
    """The emulator's sign-in, and what Microsoft Entra adds for users: an identity token and client_info."""

    emulator: Emulator
    asked: list[dict[str, str]]

    def do_GET(self) -> None:
        """Tell where tokens are to be had."""
        base = f"https://{self.headers['Host']}{self.path.split('/v2.0')[0]}"
        self._answer(
            200,
            {
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "issuer": f"{base}/v2.0",
            },
        )

    def do_POST(self) -> None:
        """Sign in with the emulator."""
        form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        type(self).asked.append({**form, "tenant": self.path.split("/")[1]})
        scope = next(scope for scope in form["scope"].split() if scope.endswith("/.default"))
        answer = requests.post(
            f"{self.emulator.url}{self.path}",
            data={**form, "scope": scope},
            verify=str(self.emulator.ca_path),
            timeout=10,
        )
        body = answer.json()
        if answer.status_code == 200:
            now = int(time.time())
            claims = {"aud": form["client_id"], "iss": self.path, "iat": now, "exp": now + 3600, "sub": "me"}
            claims |= {"tid": TENANT_OF_USER, "oid": "o", "preferred_username": form["username"]}
            body["id_token"] = f"{segment({'alg': 'none'})}.{segment(claims)}.x"
            body["client_info"] = segment({"uid": "o", "utid": TENANT_OF_USER})
        self._answer(answer.status_code, body)

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_arguments: Any) -> None:
        """Be quiet."""


@pytest.fixture
def options(
    emulator: Emulator, place: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, Any]]:
    """Options of a user, with Entra in front of the emulator."""
    # MSAL asks for the user's realm at the authority's host and forgets its port. This is what it remembers of hosts
    # that answer 404 to that.
    monkeypatch.setattr("msal.authority.Authority._domains_without_user_realm_discovery", {"localhost"})
    monkeypatch.setattr(Entra, "emulator", emulator, raising=False)
    monkeypatch.setattr(Entra, "asked", [], raising=False)
    with serve(tmp_path, Entra) as (url, authority_bundle):
        bundle = tmp_path / "both.pem"
        bundle.write_bytes(Path(authority_bundle).read_bytes() + emulator.ca_path.read_bytes())
        yield {
            "ad_user": USER,
            "password": PASSWORD,
            "cloud_environment": emulator.url,
            "adfs_authority_url": url,
            "ca_path": str(bundle),
        }


# MSAL deprecates this sign-in; it is offered as long as MSAL has it.
pytestmark = pytest.mark.filterwarnings("ignore:This API has been deprecated:DeprecationWarning")


def test_user_and_password(options: dict[str, Any], emulator: Emulator, tokens: TokenCache) -> None:
    session = authenticate({**options, "tenant": TENANT_OF_USER, "client_id": "mine"}, {}, tokens)
    token = session.credential.get_token(session.cloud.scope).token
    answer = requests.get(
        f"{emulator.url}/subscriptions?api-version=2022-12-01",
        headers={"Authorization": f"Bearer {token}"},
        verify=session.verify,
        timeout=10,
    )
    assert answer.status_code == 200
    asked = Entra.asked[0]
    assert (asked["client_id"], asked["grant_type"], asked["tenant"]) == ("mine", "password", TENANT_OF_USER)


def test_without_client_and_tenant(options: dict[str, Any], tokens: TokenCache) -> None:
    """As azure.azcollection does: the Azure CLI's client, and whatever tenant the user is in."""
    session = authenticate(options, {}, tokens)
    assert session.credential.get_token(session.cloud.scope).token
    assert (Entra.asked[0]["client_id"], Entra.asked[0]["tenant"]) == (AZURE_CLI_CLIENT, "organizations")


def test_wrong_password(options: dict[str, Any], tokens: TokenCache) -> None:
    session = authenticate({**options, "password": "hush"}, {}, tokens)
    with pytest.raises(AzureError, match=r"AADSTS50126: .* Check ad_user and password") as refusal:
        session.credential.get_token(session.cloud.scope)
    assert "hush" not in refusal.value.message
