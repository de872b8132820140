"""The request log: what was asked and what came of it, without anything secret."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from .wire import Answer, Call, JsonObject

SECRET_HEADERS = {"authorization", "x-identity-header", "cookie"}
SECRET_FIELDS = {
    "client_secret",
    "client_assertion",
    "password",
    "assertion",
    "refresh_token",
    "claims",
    "clusterToken",
}


# Told of each request as it arrives: its log entry so far, and the stored body of the cluster that it is to replace.
Observer = Callable[[JsonObject, "JsonObject | None"], None]


def arrival(call: Call, moment: float) -> JsonObject:
    """Describe a request that has just arrived; what comes of it is empty yet."""
    return {
        "method": call.method,
        "path": call.path,
        "query": dict(call.query),
        "api_version": call.query.get("api-version"),
        "status": None,
        "body": _body(call),
        "headers": {name: value for name, value in call.headers.items() if name not in SECRET_HEADERS},
        "time": moment,
        "port": call.port,
        "client_request_id": call.headers.get("x-ms-client-request-id"),
        "principal": None,
        "error_code": None,
        "faults": [],
    }


def outcome(answer: Answer) -> JsonObject:
    """What came of a request."""
    return {"status": None if answer.cut else answer.status, "error_code": _code(answer)}


def _body(call: Call) -> Any:
    if not call.body:
        return None
    if "x-www-form-urlencoded" in call.headers.get("content-type", ""):
        form = dict(parse_qsl(call.body.decode(errors="replace")))
        return _without_secrets(form)
    try:
        content = call.json()
    except ValueError:
        return call.body.decode(errors="replace")
    return _without_secrets(content) if isinstance(content, dict) else content


def _without_secrets(table: JsonObject) -> JsonObject:
    return {name: "(not logged)" if name in SECRET_FIELDS else value for name, value in table.items()}


def _code(answer: Answer) -> str | None:
    if answer.status < 400 or not isinstance(answer.body, dict):
        return None
    error = answer.body.get("error", answer.body)
    return error.get("code") if isinstance(error, dict) else str(error)
