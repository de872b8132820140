"""Which of the emulator's refusals the tests of this folder have really met."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import requests

from tests.emulator.refusals import TABLE
from tests.emulator.sign_in import AADSTS

MET: set[str] = set()
"""Codes, subcodes and numbers of AADSTS errors of answers that came, in this process."""


def note(answer: requests.Response, *_unused: Any, **_options: Any) -> None:
    """Remember what an answer refuses: a hook for sessions of requests."""
    if answer.status_code < 400:
        return
    with suppress(ValueError, TypeError, AttributeError):  # a proxy's page, half of an answer
        body = answer.json()
        error = body["error"] if isinstance(body.get("error"), dict) else body
        MET.update(str(error[key]) for key in ("code", "subcode") if key in error)
        MET.update(str(number) for number in error.get("error_codes", ()))


def missing(met: set[str]) -> list[str]:
    """All that the emulator's tables can refuse with, less what was met."""
    codes = {row.code or name for name, row in TABLE.items()} | {row.subcode for row in TABLE.values() if row.subcode}
    return sorted(codes - met) + [f"AADSTS{number}" for number in AADSTS if str(number) not in met]
