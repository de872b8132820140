"""Signing in: secrets, certificates, federation, passwords, managed identities; and what ARM thinks of tokens."""

from __future__ import annotations

import base64
import datetime as dt
import json
import time
from pathlib import Path
from typing import Any

import jwt
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from tests.contract.arm_client import Arm, cluster_path, wrapped
from tests.contract.conftest import Start

CLIENT = "aaaaaaaa-0000-4000-8000-00000000000a"
EXCHANGE = "api://AzureADTokenExchange"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ISSUER = {"issuer": "https://issuer.example", "subject": "system:serviceaccount:ns:sa"}


def refused(answer: requests.Response, status: int, error: str, number: int) -> str:
    """Check an error of Microsoft Entra ID; return its description."""
    body = answer.json()
    assert (answer.status_code, body["error"], body["error_codes"]) == (status, error, [number])
    assert body["error_description"].startswith(f"AADSTS{number}: ")
    assert {"timestamp", "trace_id", "correlation_id", "error_uri"} <= set(body)
    return str(body["error_description"])


def claims_of(token: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))


def make_certificate(folder: Path) -> tuple[Path, rsa.RSAPrivateKey]:
    """Make a key and a self-signed certificate, in one PEM file."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "app")])
    now = dt.datetime.now(dt.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .sign(key, hashes.SHA256())
    )
    path = folder / "app.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path, key


def assertion(key: rsa.RSAPrivateKey, path: Path, audience: str, **changes: Any) -> str:
    """Sign a client assertion as MSAL does."""
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    thumbprint = base64.urlsafe_b64encode(certificate.fingerprint(hashes.SHA1())).decode()  # noqa: S303
    claims = {"iss": CLIENT, "sub": CLIENT, "aud": audience, "exp": time.time() + 600} | changes
    return jwt.encode(claims, key, algorithm="RS256", headers={"x5t": thumbprint})


def test_the_token_carries_what_clients_read(start: Start) -> None:
    arm = start()
    claims = claims_of(arm.bearer)
    assert claims["aud"] == arm.emulator.url
    assert claims["tid"] == arm.environment["AZURE_TENANT"]
    assert claims["appid"] == arm.environment["AZURE_CLIENT_ID"]
    assert claims["oid"]
    assert claims["exp"] - claims["iat"] == 3600
    answer = arm.token().json()
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 3600)


def test_refusals_of_the_token_endpoint(start: Start) -> None:
    arm = start()
    for secret in ("wrong", "wrong again"):
        text = refused(arm.token(client_secret=secret), 401, "invalid_client", 7000215)
        assert secret not in text
    refused(arm.token(client_secret=""), 401, "invalid_client", 7000216)
    refused(arm.token(client_id="nobody"), 400, "unauthorized_client", 700016)
    refused(arm.token(client_id=""), 400, "invalid_request", 90014)
    refused(arm.token(tenant="no-such-tenant"), 400, "invalid_request", 90002)
    refused(arm.token(grant_type="device_code"), 400, "unsupported_grant_type", 70003)
    refused(arm.token(scope=""), 400, "invalid_scope", 70011)
    refused(arm.token(scope=f"{arm.emulator.url}/user_impersonation"), 400, "invalid_scope", 1002012)
    logged = [entry for entry in arm.emulator.requests() if entry["path"].endswith("/token")]
    assert len(logged) == 10
    assert {entry["body"].get("client_secret") for entry in logged} == {"(not logged)", None}
    assert arm.environment["AZURE_SECRET"] not in json.dumps(arm.emulator.requests())
    assert arm.bearer not in json.dumps(arm.emulator.requests())


def test_the_first_version_of_the_endpoint_takes_a_resource(start: Start) -> None:
    arm = start()
    url = f"{arm.emulator.url}/{arm.environment['AZURE_TENANT']}/oauth2/token"
    form = {
        "grant_type": "client_credentials",
        "client_id": arm.environment["AZURE_CLIENT_ID"],
        "client_secret": arm.environment["AZURE_SECRET"],
    }
    refused(arm.session.post(url, data=form), 400, "invalid_request", 90014)
    answer = arm.session.post(url, data={**form, "resource": f"{arm.emulator.url}/"}).json()
    assert answer["resource"] == f"{arm.emulator.url}/"
    assert int(answer["expires_on"]) > time.time()
    arm.bearer = answer["access_token"]
    assert arm.ask("GET", cluster_path()).status_code == 200


def test_certificates(start: Start, tmp_path: Path) -> None:
    path, key = make_certificate(tmp_path)
    arm = start(principals=[{"secret": "s"}, {"client_id": CLIENT, "certificate": str(path)}])
    endpoint = f"{arm.emulator.url}/{arm.environment['AZURE_TENANT']}/oauth2/v2.0/token"

    def sign_in(text: str) -> requests.Response:
        return arm.token(client_id=CLIENT, client_secret="", client_assertion=text, client_assertion_type=JWT_BEARER)

    good = assertion(key, path, endpoint)
    assert sign_in(good).status_code == 200
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    refused(sign_in(assertion(other, path, endpoint)), 401, "invalid_client", 700027)
    refused(sign_in(assertion(key, path, "https://elsewhere")), 401, "invalid_client", 700027)
    refused(sign_in(assertion(key, path, endpoint, sub="other")), 401, "invalid_client", 700027)
    refused(sign_in(assertion(key, path, endpoint, exp=1)), 401, "invalid_client", 700024)
    refused(sign_in(jwt.encode({"iss": CLIENT, "exp": time.time() + 60}, key, "RS256")), 401, "invalid_client", 700027)
    unnamed = jwt.encode(claims_of(good), key, "RS256", headers={"x5t": "bm9ib2R5"})
    assert "thumbprint" in refused(sign_in(unnamed), 401, "invalid_client", 700027)
    for rubbish in ("rubbish", "W10.e30.x", "e30.W10.x"):  # base64 of [] and {}
        assert "not a JWT" in refused(sign_in(rubbish), 401, "invalid_client", 700027)
    refused(arm.token(client_id=CLIENT, client_secret="", client_assertion=good), 400, "invalid_request", 90014)
    mine = assertion(key, path, endpoint, iss=arm.environment["AZURE_CLIENT_ID"])
    answer = arm.token(client_secret="", client_assertion=mine, client_assertion_type=JWT_BEARER)
    assert "no certificate" in refused(answer, 401, "invalid_client", 700027)
    symmetric = jwt.encode(claims_of(good), "k" * 32, "HS256", headers={"x5t": jwt.get_unverified_header(good)["x5t"]})
    assert "HS256 is not accepted" in refused(sign_in(symmetric), 401, "invalid_client", 700027)
    refused(arm.token(client_id=CLIENT, client_secret="s"), 401, "invalid_client", 7000215)


def test_federation(start: Start) -> None:
    arm = start(principals=[{"secret": "s", "federated": [ISSUER]}])

    def sign_in(**claims: Any) -> requests.Response:
        known = {"iss": ISSUER["issuer"], "sub": ISSUER["subject"], "aud": EXCHANGE, "exp": time.time() + 60} | claims
        text = jwt.encode(known, "k" * 32, "HS256")
        return arm.token(client_secret="", client_assertion=text, client_assertion_type=JWT_BEARER)

    assert sign_in().status_code == 200
    assert sign_in(aud=[EXCHANGE]).status_code == 200
    assert "audience 'other'" in refused(sign_in(aud="other"), 401, "invalid_client", 700212)
    refused(sign_in(aud=None), 401, "invalid_client", 700212)
    known = {"iss": ISSUER["issuer"], "sub": ISSUER["subject"], "aud": EXCHANGE, "exp": time.time() + 60}
    longer = jwt.encode(known, "k" * 32, "HS256") + ".x"
    refused(
        arm.token(client_secret="", client_assertion=longer, client_assertion_type=JWT_BEARER),
        401,
        "invalid_client",
        700027,
    )
    assert "other" in refused(sign_in(sub="other"), 401, "invalid_client", 70021)
    refused(sign_in(iss="https://other.example"), 401, "invalid_client", 70021)
    refused(sign_in(exp=1), 401, "invalid_client", 700024)


def test_user_and_password(start: Start) -> None:
    arm = start(principals=[{"secret": "s", "username": "me@example.org", "password": "pass word"}])
    who = {"grant_type": "password", "username": "Me@example.org", "password": "pass word"}
    assert claims_of(arm.token(**who).json()["access_token"])["upn"] == "me@example.org"
    refused(arm.token(**{**who, "password": "no"}), 400, "invalid_grant", 50126)
    refused(arm.token(**{**who, "username": "you"}), 400, "invalid_grant", 50126)
    realm = arm.session.get(f"{arm.emulator.url}/common/userrealm/me@example.org?api-version=1.0").json()
    assert realm["account_type"] == "Managed"


def test_managed_identities(start: Start) -> None:
    other = {"client_id": CLIENT, "object_id": "o", "managed_identity": True}
    arm = start(principals=[{"secret": "s", "managed_identity": True}, other, {"client_id": "x", "secret": "x"}])
    app = arm.emulator.managed_identity_environment()
    resource = {"resource": arm.emulator.url, "api-version": "2019-08-01"}

    def ask(url: str, headers: Any, **more: str) -> requests.Response:
        return arm.session.get(url, params={**resource, **more}, headers=headers)

    service = (app["IDENTITY_ENDPOINT"], {"X-IDENTITY-HEADER": app["IDENTITY_HEADER"]})
    host = arm.emulator.managed_identity_environment("imds")["AZURE_POD_IDENTITY_AUTHORITY_HOST"]
    imds = (f"{host}/metadata/identity/oauth2/token", {"Metadata": "true"})
    for url, headers in (service, imds):
        system = ask(url, headers).json()
        assert system["client_id"] == arm.environment["AZURE_CLIENT_ID"]
        assert ask(url, headers, client_id=CLIENT).json()["client_id"] == CLIENT
        assert ask(url, headers, client_id="x").status_code == 400
        assert ask(url, {}).status_code == 400
        assert ask(url, headers, resource="").status_code == 400
        assert ask(url, headers, **{"api-version": ""}).status_code == 400
        arm.bearer = system["access_token"]
        assert arm.ask("GET", cluster_path()).status_code == 200


def test_discovery_documents(start: Start) -> None:
    arm = start()
    url, tenant = arm.emulator.url, arm.environment["AZURE_TENANT"]
    found = arm.session.get(f"{url}/{tenant}/v2.0/.well-known/openid-configuration").json()
    assert found["token_endpoint"] == f"{url}/{tenant}/oauth2/v2.0/token"
    assert arm.session.get(f"{url}/{tenant}/.well-known/openid-configuration").json()["issuer"] == f"{url}/{tenant}"
    instance = arm.session.get(
        f"{url}/common/discovery/instance",
        params={"api-version": "1.1", "authorization_endpoint": f"{url}/{tenant}/oauth2/v2.0/authorize"},
    ).json()
    assert instance["tenant_discovery_endpoint"] == f"{url}/{tenant}/v2.0/.well-known/openid-configuration"
    refused(arm.session.get(f"{url}/nowhere/v2.0/.well-known/openid-configuration"), 400, "invalid_request", 90002)
    assert arm.session.get(f"{url}/common/discovery/v2.0/keys").json() == {"keys": []}


def test_the_cloud_describes_itself(start: Start) -> None:
    arm = start()
    url = arm.emulator.url

    def ask(version: str) -> Any:
        return arm.session.get(f"{url}/metadata/endpoints", params={"api-version": version}).json()

    newest = ask("2022-09-01")
    assert newest["resourceManager"] == url
    assert newest["authentication"]["loginEndpoint"] == url
    assert url in newest["authentication"]["audiences"]
    assert ask("2019-05-01") == [newest]
    assert ask("2015-01-01")["authentication"]["loginEndpoint"] == f"{url}/"


def test_tokens_that_arm_refuses(start: Start) -> None:
    arm = start()

    def ask(header: str | None) -> requests.Response:
        headers = {} if header is None else {"Authorization": header}
        return arm.session.get(f"{arm.emulator.url}{cluster_path()}?api-version=2026-06-01", headers=headers)

    def check(answer: requests.Response, code: str) -> str:
        message = wrapped(answer, 401, code)
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
        return message

    check(ask(None), "AuthenticationFailed")
    check(ask("Bearer rubbish"), "InvalidAuthenticationToken")
    check(ask(f"Basic {arm.bearer}"), "InvalidAuthenticationToken")
    head, body, signature = arm.bearer.split(".")
    forged = base64.urlsafe_b64encode(json.dumps({**claims_of(arm.bearer), "oid": "me"}).encode()).decode()
    check(ask(f"Bearer {head}.{forged.rstrip('=')}.{signature}"), "InvalidAuthenticationToken")
    check(ask(f"Bearer {head}.{body}.{'A' * len(signature)}"), "InvalidAuthenticationToken")
    public = arm.token(scope="https://management.azure.com/.default").json()["access_token"]
    message = check(ask(f"Bearer {public}"), "InvalidAuthenticationTokenAudience")
    assert "https://management.azure.com" in message
    assert arm.emulator.url in message
    assert ask(f"Bearer {arm.bearer}").status_code == 200


def test_expired_tokens(start: Start) -> None:
    arm = start(behaviour={"token_seconds": 0})
    assert "earlier than current UTC time" in wrapped(arm.ask("GET", cluster_path()), 401, "ExpiredAuthenticationToken")


def test_a_token_outlives_a_reset(start: Start) -> None:
    arm: Arm = start()
    arm.emulator.reset({"clusters": [{"name": "c1"}]})
    assert arm.ask("GET", cluster_path()).status_code == 200
