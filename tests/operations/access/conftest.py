"""Somebody who asks clusters in the ways that modules offer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.caller import Caller
from tests.support.operations import Azure

Lay = Callable[..., Azure]


@pytest.fixture
def call(azure: Lay) -> Callable[..., Caller]:
    """Return a function that lays out clusters of which the first is called web, and asks as somebody."""

    def lay_out(inside: dict[str, Any] | None = None, *others: dict[str, Any], **fleet: Any) -> Caller:
        runtime = fleet.pop("runtime", {})
        return Caller(azure({"name": "web", "kubernetes": inside or {}}, *others, **fleet), **runtime)

    return lay_out
