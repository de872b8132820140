# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Failures to sign in or to connect, in words that a user can act upon.

Private to this collection. Nothing here repeats a credential.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError

AADSTS = re.compile(r"AADSTS(?P<number>\d+):?\s*(?P<text>.*?)\s*(?=Trace ID|Correlation ID|Timestamp|$)")
CORRELATION = re.compile(r"Correlation ID: ?([0-9a-fA-F-]{36})")
TOKEN_LIKE = re.compile(r"eyJ[A-Za-z0-9_-]{8,}(\.[A-Za-z0-9_-]*){0,2}")
LONGEST_REASON = 500
UNREACHABLE = "Unreachable"
UNTRUSTED = "Untrusted"
SIGN_IN = "SignIn"
"""The codes of errors for which Azure has none: no connection, no trust in the certificate, no token."""

# Microsoft Entra's error codes (learn.microsoft.com/entra/identity-platform/reference-error-codes) and what helps.
REMEDIES = {
    "7000215": "The client secret is wrong. Give the secret's value, not its ID, in secret or AZURE_SECRET.",
    "7000222": "The client secret has expired. Create a new one, or sign in with a federated token instead.",
    "700016": "The tenant does not know this client. Check client_id, tenant and the cloud.",
    "700027": "This client is not registered with that certificate, or what was given as a token is none.",
    "50027": "The federated token is not a valid token (JWT).",
    "700021": "The assertion was refused. Check client_id, tenant and the federated credential.",
    "700024": "The assertion has expired or is not valid yet. Renew the federated token, and check this host's clock.",
    "70021": "No federated credential of this client matches the token's issuer, subject and audience.",
    "700211": "No federated credential of this client matches the token's issuer.",
    "700212": "No federated credential of this client matches the token's audience (api://AzureADTokenExchange).",
    "700213": "No federated credential of this client matches the token's subject.",
    "7000112": "The application is disabled in this tenant.",
    "7000229": "The client has no service principal in this tenant. Create it, or correct tenant.",
    "90002": "The tenant does not exist. Check tenant (or AZURE_TENANT) and the cloud.",
    "900023": "The tenant is neither a GUID nor a domain name. Check tenant (or AZURE_TENANT).",
    "500011": "The cloud's Resource Manager is unknown in this tenant. Check cloud_environment and tenant.",
    "50034": "The user does not exist in this tenant. Check ad_user and tenant.",
    "50126": "User name or password is wrong. Check ad_user and password.",
    "50076": "The account demands a second factor, which a password sign-in cannot give. Use a service principal.",
    "50079": "The account demands a second factor, which a password sign-in cannot give. Use a service principal.",
    "50158": "The account demands a further check, which cannot be given here. Use a service principal.",
    "53003": "A conditional access policy forbids this sign-in. Ask the tenant's administrator.",
    "65001": "Nobody has consented to this application. Ask the tenant's administrator.",
    "700082": "The Azure CLI's session has expired. Run az login again.",
    "70043": "The Azure CLI's session has expired. Run az login again.",
    "50173": "The Azure CLI's session was revoked. Run az login again.",
}

METHOD_REMEDIES = {
    "Azure CLI": "Run az login, or choose other credentials (auth_source).",
    "managed identity": (
        "This host must be an Azure resource with a managed identity, and client_id (or AZURE_CLIENT_ID), if set, "
        "must be the client id of an identity assigned to it. Elsewhere choose other credentials (auth_source)."
    ),
}


UNREADABLE = {"DecodeError", "JSONDecodeError"}


@dataclass(frozen=True)
class SignIn:
    """What an explanation may tell about a sign-in.

    Attributes:
        method: how it was tried, for example "client secret".
        source: where its credentials came from.
        authority: base URL of the token service; nothing where another program or endpoint on this host is asked.
    """

    method: str
    source: str
    authority: str | None


def explain_sign_in_error(error: Exception, sign_in: SignIn) -> AzureError:
    """Turn what azure-identity raised into an error for users.

    Args:
        error: what C(get_token) raised.
        sign_in: how it was tried.

    Returns:
        The error to raise. Its details hold C(code) (C(AADSTS…)) and C(correlation_id) where Azure gave them.
    """
    wrapped = list(causes(error))
    how = f"Signing in to Azure failed ({sign_in.method}, credentials from {sign_in.source})."
    advice = METHOD_REMEDIES.get(sign_in.method, "")
    for cause in wrapped:
        refusal = AADSTS.search(_one_line(str(cause)))
        if refusal:
            return _refused(how, refusal)
    for cause in wrapped:
        if isinstance(cause, AzureError):
            return AzureError(f"{_sentence(cause.message)} {advice}".rstrip(), **cause.details)
    if sign_in.authority and connection_reason(error):
        known = explain_connection_error(error, sign_in.authority)
        return AzureError(f"{how} {known.message}", **known.details)
    if {type(cause).__name__ for cause in wrapped} & UNREADABLE:
        # The SDK quotes what it cannot read, which may be an answer with a token cut short.
        text = f"{how} {_host(sign_in.authority)} did not answer as a token service. Is a proxy in between?"
        return AzureError(text, code=SIGN_IN)
    reason = tidy(str(getattr(error, "message", None) or error))
    advice = advice or f"The token service is {_host(sign_in.authority)}."
    return AzureError(f"{how} {_sentence(reason)} {advice}", code=SIGN_IN)


def _refused(how: str, refusal: re.Match[str]) -> AzureError:
    code = f"AADSTS{refusal['number']}"
    remedy = REMEDIES.get(refusal["number"], "Check client_id, tenant and the credentials.")
    message = f"{how} {code}: {_sentence(tidy(refusal['text']))} {remedy}"
    correlation = CORRELATION.search(refusal.string)
    if correlation is None:
        return AzureError(message, code=code)
    return AzureError(f"{message} Correlation id: {correlation[1]}.", code=code, correlation_id=correlation[1])


def explain_connection_error(error: BaseException, url: str) -> AzureError:
    """Turn a failed connection into an error for users.

    Args:
        error: what requests or azure-core raised.
        url: what was to be reached. Only its host is told.

    Returns:
        The error to raise.
    """
    host = _host(url)
    reason = connection_reason(error) or type(error).__name__
    for cause in causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return AzureError(
                f"The TLS certificate of {host} is not trusted: {tidy(cause.verify_message)}. Give the bundle of its "
                "CA in ca_path or in the environment variable REQUESTS_CA_BUNDLE (SSL_CERT_FILE is not read).",
                code=UNTRUSTED,
            )
        if isinstance(cause, ssl.SSLError):
            return AzureError(
                f"TLS with {host} failed: {tidy(cause.reason or str(cause))}. Check that the CA bundle, if one is "
                "given (ca_path, REQUESTS_CA_BUNDLE), holds certificates in PEM format, and that no proxy interferes.",
                code=UNTRUSTED,
            )
    return AzureError(
        f"Cannot reach {host}: {reason}. "
        "Check the address, the network and the proxy settings (HTTPS_PROXY, NO_PROXY).",
        code=UNREACHABLE,
    )


# Told by the class names of requests' and urllib3's exceptions, because those packages may be missing.
CONNECTION_REASONS = (
    ("ProxyError", "the proxy does not answer"),
    ("NameResolutionError", "its name cannot be resolved"),
    ("gaierror", "its name cannot be resolved"),
    ("ConnectionRefusedError", "the connection is refused"),
    ("ConnectTimeoutError", "no connection in time"),
    ("ConnectTimeout", "no connection in time"),
    ("ReadTimeoutError", "no answer in time"),
    ("ReadTimeout", "no answer in time"),
    ("ServiceRequestTimeoutError", "no connection in time"),
    ("ServiceResponseTimeoutError", "no answer in time"),
    ("TimeoutError", "no answer in time"),
    ("ConnectionResetError", "the connection was cut"),
    ("RemoteDisconnected", "the connection was cut"),
    ("SSLError", "TLS failed"),
    ("NewConnectionError", "no connection"),
    ("ConnectionError", "no connection"),
    ("ServiceRequestError", "no connection"),
    ("ServiceResponseError", "no answer"),
)


def connection_reason(error: BaseException) -> str:
    """Say in a few words why a connection failed, or nothing when the error is of another kind."""
    names = {type(cause).__name__ for cause in causes(error)}
    for name, reason in CONNECTION_REASONS:
        if name in names:
            return reason
    return ""


def causes(error: BaseException) -> Iterator[BaseException]:
    """Walk an exception and all that it wraps: requests and azure-core keep the cause in different places."""
    seen: set[int] = set()
    left: list[object] = [error]
    while left:
        cause = left.pop(0)
        if not isinstance(cause, BaseException) or id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        left += [
            cause.__cause__,
            cause.__context__,
            getattr(cause, "inner_exception", None),
            getattr(cause, "reason", None),
            *cause.args,
        ]


def tidy(text: str) -> str:
    """Make foreign text fit for a message: one line, not endless, nothing that looks like a token."""
    text = TOKEN_LIKE.sub("<token>", _one_line(text))
    return text if len(text) <= LONGEST_REASON else text[:LONGEST_REASON] + "…"


def _host(url: str | None) -> str:
    return urlsplit(url).netloc.rpartition("@")[2] if url else "the endpoint of this host"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
