"""The request log: what was asked and what came of it, without anything secret."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from .wire import Answer, Call, JsonObject

SECRET_HEADERS = {"authorization", "x-identity-header", "cookie"}
SECRET_FIELDS = {"client_secret", "client_assertion", "password", "assertion", "refresh_token", "claims"}


def entry(call: Call, answer: Answer, moment: float, principal: str | None) -> JsonObject:
    """Describe one exchange. `principal`: who asked, by client id."""
    return {
        "method": call.method,
        "path": call.path,
        "query": dict(call.query),
        "api_version": call.query.get("api-version"),
        "status": None if answer.cut else answer.status,
        "body": _body(call),
        "headers": {name: value for name, value in call.headers.items() if name not in SECRET_HEADERS},
        "time": moment,
        "client_request_id": call.headers.get("x-ms-client-request-id"),
        "principal": principal,
        "error_code": _code(answer),
    }


def _body(call: Call) -> Any:
    if not call.body:
        return None
    if "x-www-form-urlencoded" in call.headers.get("content-type", ""):
        form = dict(parse_qsl(call.body.decode(errors="replace")))
        return {name: "(not logged)" if name in SECRET_FIELDS else value for name, value in form.items()}
    try:
        return call.json()
    except ValueError:
        return call.body.decode(errors="replace")


def _code(answer: Answer) -> str | None:
    if answer.status < 400 or not isinstance(answer.body, dict):
        return None
    error = answer.body.get("error", answer.body)
    return error.get("code") if isinstance(error, dict) else str(error)
