"""Access tokens: made at sign-in, checked by ARM. JWT-shaped, since the Azure CLI reads their claims."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

from .clock import timestamp
from .fleet import Principal
from .refusals import RefusalError, refusal
from .wire import Call, JsonObject
from .world import World


def encode(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def decode(text: str) -> bytes:
    """The reverse; ValueError for what is none."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def parts(token: str) -> tuple[JsonObject, JsonObject]:
    """Header and claims of a JWT, unverified; ValueError for what is none."""
    pieces = token.split(".")
    if len(pieces) != 3:
        raise ValueError("not a JWT")
    header, claims = (json.loads(decode(piece)) for piece in pieces[:2])
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise ValueError("not a JWT")
    return header, claims


def issue(world: World, principal: Principal, audience: str, tenant: str) -> tuple[str, int]:
    """Make an access token. Return it with its lifetime in wall seconds."""
    now, life = int(time.time()), int(world.behaviour.token_seconds)
    claims = {
        "aud": audience,
        "iss": f"{world.url}/{tenant}/",
        "iat": now,
        "nbf": now,
        "exp": now + life,
        "appid": principal.client_id,
        "appidacr": "2" if principal.certificate else "1",
        "idp": f"{world.url}/{tenant}/",
        "idtyp": "user" if principal.username else "app",
        "oid": principal.object_id,
        "sub": principal.object_id,
        "tid": tenant,
        "uti": encode(world.random.randbytes(16)),
        "ver": "1.0",
        **({"upn": principal.username, "unique_name": principal.username} if principal.username else {}),
    }
    body = ".".join(encode(json.dumps(part).encode()) for part in ({"typ": "JWT", "alg": "HS256"}, claims))
    return f"{body}.{_signature(world, body)}", life


def _signature(world: World, body: str) -> str:
    return encode(hmac.digest(world.token_key, body.encode(), hashlib.sha256))


def allowed_audiences(world: World) -> list[str]:
    """Audiences that this cloud's ARM accepts."""
    return [world.url, world.url + "/"]


def check(world: World, call: Call) -> Principal:
    """Find who calls, as ARM does; 401 in its shapes for everything else."""
    scheme, _unused, token = call.headers.get("authorization", "").partition(" ")
    if not token:
        raise _unauthorized(world, refusal("AuthenticationFailed"))
    claims = genuine(world, token) if scheme.lower() == "bearer" else None
    principal = world.principal(str(claims.get("appid", ""))) if claims else None
    if claims is None or principal is None:
        raise _unauthorized(world, refusal("InvalidAuthenticationToken"))
    if claims["aud"] not in allowed_audiences(world):
        allowed = ",".join(allowed_audiences(world))
        raise _unauthorized(
            world, refusal("InvalidAuthenticationTokenAudience", audience=claims["aud"], allowed=allowed)
        )
    if outdated(claims):
        raise expired(world, claims)
    return principal


def genuine(world: World, token: str) -> JsonObject | None:
    """The claims of a token that this cloud issued; None for any other."""
    try:
        claims = parts(token)[1]
        body, _unused, signature = token.rpartition(".")
        return claims if hmac.compare_digest(signature, _signature(world, body)) else None
    except (ValueError, TypeError):
        return None


def outdated(claims: JsonObject) -> bool:
    """Whether a token's time is over."""
    return bool(claims["exp"] <= time.time())


def expired(world: World, claims: dict[str, Any] | None = None) -> RefusalError:
    """ExpiredAuthenticationToken."""
    moment = time.time()
    expiry = timestamp(claims["exp"] if claims else moment - 1)
    return _unauthorized(world, refusal("ExpiredAuthenticationToken", expiry=expiry, now=timestamp(moment)))


def _unauthorized(world: World, error: RefusalError) -> RefusalError:
    error_body = error.answer.body["error"]
    error.answer.headers["WWW-Authenticate"] = (
        f'Bearer authorization_uri="{world.url}/{world.fleet.tenant}", error="invalid_token", '
        f'error_description="{error_body["message"]}"'
    )
    return error
