"""Operations against the emulator, over real HTTPS, in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.emulator import Emulator
from tests.support.operations import Azure, emulated

REGISTERED = {"KubeProxyConfigurationPreview": "Registered"}


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    with Emulator(speed=1) as running:
        yield running


@pytest.fixture
def azure(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Azure]]:
    """Return a function that lays out clusters, with the feature registered unless C(features) says otherwise."""
    with ExitStack() as stack:

        def lay_out(*clusters: dict[str, Any], **fleet: Any) -> Azure:
            features = fleet.pop("features", {"11111111-1111-4111-8111-111111111111": REGISTERED})
            layout = {"clusters": list(clusters), "features": features, **fleet}
            return stack.enter_context(emulated(monkeypatch, emulator, layout))

        yield lay_out
