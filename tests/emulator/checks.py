"""Checks of what users write: each mistake is one line that names the entry and the key."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

# What a key may hold: a type (`object`: anything), or the allowed words.
Keys = Mapping[str, "type | tuple[str, ...]"]

TYPE_NAMES = {
    str: "text (numbers in quotes)",
    int: "a whole number",
    float: "a number, not negative",
    bool: "true or false",
    list: "a list",
    dict: "a table",
}


class FleetError(ValueError):
    """A mistake in a fleet file or in a control request; one line, meant for the user."""


def table(where: str, value: Any, keys: Keys, required: Iterable[str] = ()) -> dict[str, Any]:
    """Check that `value` is a table with no keys but `keys`, each of its kind. Return it."""
    if not isinstance(value, dict):
        raise FleetError(f"{where}: must be a table, not {_shown(value)}")
    for key, item in value.items():
        if key not in keys:
            raise FleetError(f"{where}: unknown key {key!r}{_hint(str(key), keys)}")
        _kind(f"{where}.{key}", item, keys[key])
    for key in required:
        if key not in value:
            raise FleetError(f"{where}: {key} is missing")
    return value


def _kind(where: str, value: Any, kind: type | tuple[str, ...]) -> None:
    if isinstance(kind, tuple):
        if value not in kind:
            raise FleetError(f"{where}: must be one of {', '.join(kind)}, not {_shown(value)}")
        return
    if kind is object:
        return
    if kind is float:
        good = isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0
    else:
        good = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
    if not good:
        raise FleetError(f"{where}: must be {TYPE_NAMES[kind]}, not {_shown(value)}")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _hint(key: str, keys: Keys) -> str:
    close = difflib.get_close_matches(key, list(keys), 1)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(sorted(keys))}"
