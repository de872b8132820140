"""What clients asked the emulator, told briefly."""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.emulator import Emulator

WRITES = ("PUT", "POST", "PATCH", "DELETE")


class Asked(NamedTuple):
    """One request.

    Attributes:
        method: the HTTP method.
        path: the path below the subscription, or the whole path where there is none.
        api_version: what it asked for, or None.
    """

    method: str
    path: str
    api_version: str | None


def entries(emulator: Emulator, *methods: str) -> list[dict[str, Any]]:
    """Whole log entries of requests to Resource Manager, of these methods or of all."""
    return [
        entry
        for entry in emulator.requests()
        if entry["path"].startswith("/subscriptions/") and (not methods or entry["method"] in methods)
    ]


def asked(emulator: Emulator) -> list[Asked]:
    """What was asked of Resource Manager. A row of equal requests, as polling makes, counts once."""
    found: list[Asked] = []
    for entry in entries(emulator):
        path = "/" + "/".join(entry["path"].strip("/").split("/")[2:])
        request = Asked(entry["method"], path, entry["api_version"])
        if found[-1:] != [request]:
            found.append(request)
    return found


def sign_in_requests(emulator: Emulator) -> list[tuple[str, str]]:
    """Method and path of everything that was not asked below a subscription, each once, in their order."""
    found = [
        (entry["method"], entry["path"])
        for entry in emulator.requests()
        if not entry["path"].startswith("/subscriptions/")
    ]
    return list(dict.fromkeys(found))
