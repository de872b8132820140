"""Microsoft Entra ID as far as clients need it: discovery documents and the token endpoints (v1 and v2)."""

from __future__ import annotations

import base64
import time
from pathlib import Path
from urllib.parse import parse_qsl

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from . import tokens
from .clock import timestamp
from .fleet import Principal
from .refusals import RefusalError
from .wire import Answer, Call, JsonObject
from .world import World

# https://www.rfc-editor.org/rfc/rfc7523#section-2.2
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# The audience that federated tokens must be for:
# https://learn.microsoft.com/entra/workload-id/workload-identity-federation-create-trust
EXCHANGE = "api://AzureADTokenExchange"

# AADSTS number -> HTTP status, OAuth error, text. Microsoft Entra "authentication and authorization error codes".
AADSTS: dict[int, tuple[int, str, str]] = {
    90002: (400, "invalid_request", "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID."),
    90014: (400, "invalid_request", "The required field '{name}' is missing from the credential."),
    700016: (
        400,
        "unauthorized_client",
        "Application with identifier '{client}' was not found in the directory '{tenant}'.",
    ),
    7000215: (
        401,
        "invalid_client",
        (
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, "
            "not the client secret ID, for a secret added to app '{client}'."
        ),
    ),
    7000216: (
        401,
        "invalid_client",
        "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
    ),
    700027: (
        401,
        "invalid_client",
        (
            "The certificate with identifier used to sign the client assertion is not registered on application, or "
            "the assertion is not valid: {reason}."
        ),
    ),
    70021: (
        401,
        "invalid_client",
        (
            "No matching federated identity record found for presented assertion. Assertion Issuer: '{issuer}'. "
            "Assertion Subject: '{subject}'."
        ),
    ),
    700212: (
        401,
        "invalid_client",
        (
            "No matching federated identity record found for presented assertion audience '{audience}'. Please check "
            "your federated identity credential Subject, Audience and Issuer against the presented assertion."
        ),
    ),
    1002012: (
        400,
        "invalid_scope",
        (
            "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with "
            "/.default suffixed to the resource identifier (application ID URI)."
        ),
    ),
    700024: (401, "invalid_client", "Client assertion is not within its valid time range."),
    50126: (400, "invalid_grant", "Error validating credentials due to invalid username or password."),
    70003: (400, "unsupported_grant_type", "The app requested an unsupported grant type '{grant}'."),
    70011: (
        400,
        "invalid_scope",
        (
            "The provided request must include a 'scope' input parameter. The provided value for the input parameter "
            "'scope' is not valid: '{scope}'."
        ),
    ),
}


def refusal(world: World, number: int, **fields: str) -> RefusalError:
    """Build a sign-in error in Entra's shape."""
    status, error, text = AADSTS[number]
    trace, correlation, now = world.guid(), world.guid(), timestamp(time.time())[:19].replace("T", " ") + "Z"
    description = f"AADSTS{number}: {text.format(**fields)}"
    return RefusalError(
        Answer(
            status,
            {
                "error": error,
                "error_description": f"{description} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {now}",
                "error_codes": [number],
                "timestamp": now,
                "trace_id": trace,
                "correlation_id": correlation,
                "error_uri": f"{world.url}/error?code={number}",
            },
        )
    )


def openid_configuration(world: World, call: Call, tenant: str) -> Answer:
    """The discovery document of a tenant."""
    _known_tenant(world, tenant)
    base, version = f"{world.url}/{tenant}", "/v2.0" if "v2.0" in call.segments else ""
    return Answer(
        200,
        {
            "token_endpoint": f"{base}/oauth2{version}/token",
            "authorization_endpoint": f"{base}/oauth2{version}/authorize",
            "device_authorization_endpoint": f"{base}/oauth2{version}/devicecode",
            "issuer": f"{base}{version}",
            "jwks_uri": f"{world.url}/common/discovery{version}/keys",
            "response_types_supported": ["code", "id_token", "token"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "tenant_region_scope": "EU",
        },
    )


def instance_discovery(world: World, call: Call) -> Answer:
    """Where to find a tenant's discovery document; MSAL asks this before it trusts an authority."""
    authority = call.query.get("authorization_endpoint", f"{world.url}/{world.fleet.tenant}")
    tenant = authority.split("://", 1)[-1].split("/")[1] if "/" in authority.split("://", 1)[-1] else world.fleet.tenant
    host = world.url.split("://", 1)[1]
    return Answer(
        200,
        {
            "tenant_discovery_endpoint": f"{world.url}/{tenant}/v2.0/.well-known/openid-configuration",
            "api-version": "1.1",
            "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
        },
    )


def keys(_world: World, _call: Call) -> Answer:
    """The tenant's public signing keys: none, since tokens are signed with a key of this run alone."""
    return Answer(200, {"keys": []})


def _known_tenant(world: World, tenant: str) -> str:
    if tenant.lower() not in {world.fleet.tenant.lower(), "common", "organizations"}:
        raise refusal(world, 90002, tenant=tenant)
    return world.fleet.tenant


def token(world: World, call: Call, tenant: str) -> Answer:
    """Sign in. v2 asks for a `scope` and v1 for a `resource`; the audience is what was asked for."""
    tenant_id = _known_tenant(world, tenant)
    form = dict(parse_qsl(call.body.decode(errors="replace")))
    second = "v2.0" in call.segments
    audience = _audience(world, form, second)
    principal = _who(world, form, call)
    access, life = tokens.issue(world, principal, audience, tenant_id)
    if second:
        body: JsonObject = {"token_type": "Bearer", "expires_in": life, "ext_expires_in": life, "access_token": access}
    else:
        now = int(time.time())
        body = {
            "token_type": "Bearer",
            "expires_in": str(life),
            "ext_expires_in": str(life),
            "expires_on": str(now + life),
            "not_before": str(now),
            "resource": audience,
            "access_token": access,
        }
    return Answer(200, body, {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"})


def _audience(world: World, form: dict[str, str], second: bool) -> str:
    if not second:
        if "resource" not in form:
            raise refusal(world, 90014, name="resource")
        return form["resource"]
    scopes = [s for s in form.get("scope", "").split() if s not in ("openid", "profile", "offline_access", "email")]
    if len(scopes) != 1 or "/" not in scopes[0]:
        raise refusal(world, 70011, scope=form.get("scope", ""))
    resource, _unused, permission = scopes[0].rpartition("/")
    if form.get("grant_type") == "client_credentials" and permission != ".default":
        raise refusal(world, 1002012, scope=scopes[0])
    return resource


def _who(world: World, form: dict[str, str], call: Call) -> Principal:
    grant = form.get("grant_type", "")
    if grant == "password":
        return _password(world, form)
    if grant != "client_credentials":
        raise refusal(world, 70003, grant=grant)
    principal = _application(world, form)
    if "client_secret" in form:
        if principal.secret is None or form["client_secret"] != principal.secret:
            raise refusal(world, 7000215, client=principal.client_id)
    elif "client_assertion" in form:
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise refusal(world, 90014, name="client_assertion_type")
        _assertion(world, form["client_assertion"], principal, call)
    else:
        raise refusal(world, 7000216)
    return principal


def _application(world: World, form: dict[str, str]) -> Principal:
    if not form.get("client_id"):
        raise refusal(world, 90014, name="client_id")
    principal = world.principal(form["client_id"])
    if principal is None:
        raise refusal(world, 700016, client=form["client_id"], tenant=world.fleet.tenant)
    return principal


def _password(world: World, form: dict[str, str]) -> Principal:
    for principal in world.fleet.principals:
        if principal.username and principal.username.lower() == form.get("username", "").lower():
            if principal.password is not None and principal.password == form.get("password"):
                return principal
            break
    raise refusal(world, 50126)


def _assertion(world: World, assertion: str, principal: Principal, call: Call) -> None:
    """Check a signed assertion: by the principal's certificate, or by issuer and subject where it is federated."""
    try:
        header, claims = tokens.parts(assertion)
    except ValueError:
        raise refusal(world, 700027, reason="it is not a JWT") from None
    if not isinstance(claims.get("exp"), (int, float)) or claims["exp"] <= time.time():
        raise refusal(world, 700024)
    if claims.get("iss") == principal.client_id:
        if reason := _certificate_problem(assertion, header, claims, principal, f"{world.url}{call.path}"):
            raise refusal(world, 700027, reason=reason)
        return
    issuer, subject = str(claims.get("iss")), str(claims.get("sub"))
    if {"issuer": issuer, "subject": subject} not in principal.federated:
        raise refusal(world, 70021, issuer=issuer, subject=subject)
    if claims.get("aud") not in (EXCHANGE, [EXCHANGE]):  # Kubernetes writes a list
        raise refusal(world, 700212, audience=str(claims.get("aud")))


def _certificate_problem(
    assertion: str, header: JsonObject, claims: JsonObject, principal: Principal, endpoint: str
) -> str | None:
    """What is wrong with a certificate assertion, or None."""
    if principal.certificate is None:
        return "the application has no certificate"
    certificate = x509.load_pem_x509_certificate(Path(principal.certificate).read_bytes())
    prints = {"x5t": hashes.SHA1(), "x5t#S256": hashes.SHA256()}  # noqa: S303 - a thumbprint, as the protocol has it
    if not any(_same_print(header.get(name), certificate.fingerprint(kind)) for name, kind in prints.items()):
        return "the thumbprint is not that of a known certificate"
    if claims.get("sub") != principal.client_id or claims.get("aud") != endpoint:
        return "its subject or audience is wrong"
    body, _unused, signature = assertion.rpartition(".")
    schemes = {
        "RS256": padding.PKCS1v15(),
        "PS256": padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH),
    }
    key, scheme = certificate.public_key(), schemes.get(str(header.get("alg")))
    if scheme is None or not isinstance(key, rsa.RSAPublicKey):
        return f"its algorithm {header.get('alg')} is not accepted"
    try:
        key.verify(tokens.decode(signature), body.encode(), scheme, hashes.SHA256())
    except (InvalidSignature, ValueError):
        return "its signature is wrong"
    return None


def _same_print(found: object, wanted: bytes) -> bool:
    try:
        return base64.urlsafe_b64decode(str(found) + "==") == wanted or str(found).lower() == wanted.hex()
    except ValueError:
        return False


def managed_identity(world: World, call: Call) -> Answer:
    """App Service and IMDS managed identities. IMDS wants the header `Metadata`, App Service its secret one."""
    imds = call.segments[0].lower() == "metadata"
    proof = call.headers.get("metadata", "").lower() == "true" if imds else (
        call.headers.get("x-identity-header") == identity_header(world)
    )  # fmt: skip
    wanted = call.query.get("client_id") or call.query.get("clientid")
    resource = call.query.get("resource")
    if not proof or not resource or not call.query.get("api-version"):
        what = "Required metadata header not specified" if imds else "The identity header or the resource is missing"
        return Answer(400, {"error": "invalid_request", "error_description": what})
    identity = next((p for p in world.fleet.principals if p.managed_identity and wanted in (None, p.client_id)), None)
    if identity is None:
        return Answer(400, {"error": "invalid_request", "error_description": "Identity not found"})
    access, life = tokens.issue(world, identity, resource, world.fleet.tenant)
    return Answer(
        200,
        {
            "access_token": access,
            "client_id": identity.client_id,
            "expires_in": str(life),
            "expires_on": str(int(time.time()) + life),
            "resource": resource,
            "token_type": "Bearer",
        },
    )


def identity_header(world: World) -> str:
    """The secret that an App Service hands to its application."""
    return world.token_key.hex()


def user_realm(world: World, call: Call) -> Answer:
    """What kind of account a user name is, which MSAL asks before a password sign-in: never a federated one."""
    return Answer(
        200,
        {
            "ver": "1.0",
            "account_type": "Managed",
            "domain_name": call.segments[-1].rpartition("@")[2],
            "cloud_instance_name": world.url.split("://", 1)[1],
            "cloud_audience_urn": "urn:federation:MicrosoftOnline",
        },
    )
