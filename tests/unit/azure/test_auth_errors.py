"""Failures in words: the code, the reason, the remedy, and never a credential."""

from __future__ import annotations

import socket
import ssl

import pytest
import requests
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.auth_choice import LABELS
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.auth_errors import (
    LONGEST_REASON,
    METHOD_REMEDIES,
    REMEDIES,
    SignIn,
    explain_connection_error,
    explain_sign_in_error,
    tidy,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError, ServiceResponseTimeoutError
from azure.identity import CredentialUnavailableError

SECRET = SignIn("client secret", "the environment", "https://login.microsoftonline.com")
CLI = SignIn("Azure CLI", "the Azure CLI", None)
IDENTITY = SignIn("managed identity", "this host's managed identity", None)
CORRELATION = "5f1b1c9a-6d1c-4ef4-b1c7-0a2f7d3f0e11"
ENTRA = (
    "Authentication failed: AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request "
    "is the client secret value, not the client secret ID, for a secret added to app 'a1'.\r\nTrace ID: "
    f"0f1b1c9a-6d1c-4ef4-b1c7-0a2f7d3f0e11\r\nCorrelation ID: {CORRELATION}\r\nTimestamp: 2026-11-22 10:00:00Z"
)
TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl"


def test_a_refusal_of_entra() -> None:
    error = explain_sign_in_error(ClientAuthenticationError(ENTRA), SECRET)
    assert error.message == (
        "Signing in to Azure failed (client secret, credentials from the environment). AADSTS7000215: Invalid client "
        "secret provided. Ensure the secret being sent in the request is the client secret value, not the client "
        f"secret ID, for a secret added to app 'a1'. {REMEDIES['7000215']} Correlation id: {CORRELATION}."
    )
    assert error.details == {"code": "AADSTS7000215", "correlation_id": CORRELATION}


def test_an_unknown_code_still_gets_advice() -> None:
    error = explain_sign_in_error(ClientAuthenticationError("AADSTS99999: Odd"), SECRET)
    assert error.message.endswith("AADSTS99999: Odd. Check client_id, tenant and the credentials.")
    assert error.details == {"code": "AADSTS99999"}


def test_a_code_that_another_error_hides() -> None:
    """MSAL says only that the authority is odd where Entra said that the tenant does not exist."""
    hiding = ValueError("Unable to get authority configuration")
    hiding.__context__ = ValueError("rejected: AADSTS90002: Tenant 't' not found. Trace ID: x")
    explained = explain_sign_in_error(hiding, SECRET)
    assert "AADSTS90002: Tenant 't' not found. The tenant does not exist." in explained.message


def test_our_own_error_passes_through_the_sdk() -> None:
    """azure-identity wraps what a federated token's reader raises."""
    own = AzureError("The federated token file /t is empty.")
    wrapped = ClientAuthenticationError("Authentication failed: …")
    wrapped.__cause__ = own
    assert explain_sign_in_error(wrapped, SECRET).message == own.message


def refused_certificate() -> Exception:
    cause = ssl.SSLCertVerificationError(1, "certificate verify failed")
    cause.verify_message = "unable to get local issuer certificate"
    return ServiceRequestError("m", error=requests.exceptions.SSLError(cause))


def test_an_untrusted_certificate() -> None:
    for explained in (
        explain_connection_error(refused_certificate(), "https://user:hush@stack.example:8443/path?sig=hush"),
        explain_sign_in_error(refused_certificate(), SECRET),
    ):
        assert "is not trusted: unable to get local issuer certificate." in explained.message
        assert "ca_path" in explained.message
        assert "REQUESTS_CA_BUNDLE" in explained.message
        assert "hush" not in explained.message
    assert (
        "certificate of stack.example:8443 is"
        in explain_connection_error(refused_certificate(), "https://user:hush@stack.example:8443/path").message
    )


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            ServiceRequestError("m", error=requests.ConnectionError(ConnectionRefusedError())),
            "the connection is refused",
        ),
        (ServiceRequestError("m", error=requests.ConnectionError(socket.gaierror())), "its name cannot be resolved"),
        (ServiceResponseTimeoutError("m", error=requests.ReadTimeout()), "no answer in time"),
        (requests.exceptions.ProxyError(ConnectionRefusedError()), "the proxy does not answer"),
        (requests.ConnectionError(ConnectionResetError()), "the connection was cut"),
        (requests.exceptions.InvalidURL("hush"), "InvalidURL"),
    ],
)
def test_an_unreachable_endpoint(error: Exception, reason: str) -> None:
    message = explain_connection_error(error, "https://stack.example/hush").message
    assert message.startswith("Cannot reach stack.example: ")
    assert f"{reason}. Check the address" in message
    assert "hush" not in message


def test_no_managed_identity_here() -> None:
    """What cannot be reached is the host's own endpoint; nothing is said of an authority, which is not asked."""
    missing = CredentialUnavailableError("no response from the IMDS endpoint.")
    missing.__cause__ = ServiceRequestError("m", error=requests.ConnectTimeout())
    explained = explain_sign_in_error(missing, IDENTITY).message
    assert "no response from the IMDS endpoint." in explained
    assert "This host must be an Azure resource" in explained
    assert "Cannot reach" not in explained


def test_the_cli_is_not_logged_in() -> None:
    explained = explain_sign_in_error(AzureError("The Azure CLI says: Please run 'az login' to setup account."), CLI)
    assert explained.message == (
        "The Azure CLI says: Please run 'az login' to setup account. Run az login, or choose other credentials "
        "(auth_source)."
    )


def test_nothing_like_a_token_is_repeated() -> None:
    for text in (TOKEN, f"'{TOKEN}'", f"AADSTS1: {TOKEN} Trace ID: x"):
        assert "eyJ" not in explain_sign_in_error(ClientAuthenticationError(text), SECRET).message


def test_foreign_text_is_one_short_line() -> None:
    assert tidy(" a\r\n\tb ") == "a b"
    assert len(tidy("x" * 10_000)) == LONGEST_REASON + 1


def test_remedies_belong_to_methods_that_exist() -> None:
    assert set(METHOD_REMEDIES) <= set(LABELS.values())
