"""Runs operations as modules run them, without a process for each: real HTTPS, the emulator's time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.runtime import Runtime
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.tokens import TOKENS
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.operation import Operation

from tests.emulator import Emulator

WRITES = ("PUT", "POST", "PATCH", "DELETE")
CREDENTIAL = "Credential"


class FastTime:
    """A clock whose seconds pass at once, here and in the emulator; it remembers how long was slept."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.seconds = 0.0
        self.slept: list[float] = []

    def now(self) -> float:
        """Seconds since the clock was made."""
        return self.seconds

    def sleep(self, seconds: float) -> None:
        """Let the time pass for both sides."""
        self.slept.append(seconds)
        self.seconds += seconds
        self.emulator.advance(seconds)


class Azure:
    """The emulator and the way to run operations against it.

    Args:
        emulator: the emulator at speed 1, so that it hints at no polling interval, as AKS does not.
    """

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.time = FastTime(emulator)
        self.said: list[str] = []
        self.say: Callable[[str], None] = self.said.append

    def call(
        self, operation: Operation, *, check: bool = False, environ: dict[str, str] | None = None, **arguments: Any
    ) -> dict[str, Any]:
        """The result that the module would have given; a failed one has C(failed)."""
        checked = ArgumentSpecValidator(operation.argument_spec, **operation.constraints).validate(arguments)
        if checked.error_messages:
            return {"failed": True, "msg": checked.error_messages[0]}
        surroundings = self.emulator.environment() if environ is None else environ
        runtime = Runtime(
            check_mode=check, now=self.time.now, sleep=self.time.sleep, environ=surroundings, say=self.say
        )
        return operation.outcome(checked.validated_parameters, runtime)

    def arm_requests(self) -> list[dict[str, Any]]:
        """What was asked of Resource Manager, without signing in and cloud metadata."""
        return [entry for entry in self.emulator.requests() if entry["path"].startswith("/subscriptions/")]

    def writes(self) -> list[dict[str, Any]]:
        """What was asked that could change something; credentials are handed out by a POST that cannot."""
        posts = [entry for entry in self.arm_requests() if entry["method"] in WRITES]
        return [entry for entry in posts if not entry["path"].endswith(CREDENTIAL)]


@contextmanager
def emulated(monkeypatch: pytest.MonkeyPatch, emulator: Emulator, fleet: dict[str, Any]) -> Iterator[Azure]:
    """The emulator with this fleet, reachable by this process, and no tokens left over from another test."""
    behaviour = {"put_seconds": 0, **fleet.get("behaviour", {})}
    emulator.reset({**fleet, "behaviour": behaviour})
    TOKENS.forget(lambda key: True)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(emulator.ca_path))
    yield Azure(emulator)
