"""An embedded Azure for tests, demonstrations and for trying the collection out. See docs/emulator.md."""

from __future__ import annotations

from .checks import FleetError
from .embedded import Emulator

__all__ = ["Emulator", "FleetError"]
