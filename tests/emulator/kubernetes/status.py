"""The API server's errors: `Status` objects, in its own words."""

from __future__ import annotations

from typing import Any

from ..wire import Answer, JsonObject

# HTTP status -> reason (k8s.io/apimachinery, StatusReason).
REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    410: "Expired",
    422: "Invalid",
    500: "InternalError",
    503: "ServiceUnavailable",
}
EXPIRED = 410
PLAIN = {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"}
NO_RESOURCE = "the server could not find the requested resource"


class StatusError(Exception):
    """Raised where a request is refused; carries the answer to send."""

    def __init__(self, answer: Answer) -> None:
        """Keep `answer`."""
        super().__init__(answer.status)
        self.answer = answer


def error(status: int, message: str, **details: Any) -> StatusError:
    """A refusal. `details`: what it is about."""
    body: JsonObject = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": REASONS.get(status, "InternalError"),
        **({"details": details} if details else {}),
        "code": status,
    }
    return StatusError(Answer(status, body))


def not_found(resource: str, group: str, name: str) -> StatusError:
    """There is no object of this name."""
    qualified = f"{resource}.{group}" if group else resource
    about = {"name": name, **({"group": group} if group else {}), "kind": resource}
    return error(404, f'{qualified} "{name}" not found', **about)


def unserved() -> StatusError:
    """No API of the server begins like this path: not even a `Status` is sent for it."""
    return StatusError(Answer(404, b"404 page not found\n", dict(PLAIN)))


def cut() -> StatusError:
    """Nobody answers: the connection is closed."""
    return StatusError(Answer(0, cut=True))


def too_many(retry_after: int | None) -> StatusError:
    """What API priority and fairness says: 429 in plain text, with a time to wait."""
    headers = {**PLAIN, "Retry-After": str(1 if retry_after is None else retry_after)}
    return StatusError(Answer(429, b"Too many requests, please try again later.\n", headers))
