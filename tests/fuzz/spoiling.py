"""Values that are almost real: with parts missing, doubled, of another type, endless, nested, or meant to do harm."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

HARMFUL = (
    "{{ lookup('pipe', 'touch broken') }}",
    "{% for _ in [] %}",
    "$(touch broken)",
    "`touch broken`",
    "'; touch broken; '",
    "<script>alert(1)</script>",
    "../../../etc/passwd",
    "a\nb",
    "\r\n",
    "\x00",
    "\x1b[2J\x1b[1;31m",
    "\x9b31m",
    "\u202eabc",
    "\u2028",
    "\ud800",
    "\udcff",
    "٣",
    "🙂\u200d🙂",
    "",
    " ",
    "-",
    "true",
    "null",
    "NaN",
    "DISABLED",
    "Nobody knows",
    "9" * 400,
    "x" * 5000,
    "https://evil.example\\.management.azure.com/",
    "https://[",
    "2026-99-99",
)
NUMBERS = (0, -1, 1, 2**31, 2**63, 10**400, 0.5, -0.0, 1e308, float("inf"), float("nan"))


def nested(levels: int) -> Any:
    """An object with so many others in it."""
    value: Any = {}
    for level in range(levels):
        value = {"a": value} if level % 2 else [value]
    return value


def odd() -> st.SearchStrategy[Any]:
    """What may stand in the place of anything."""
    return st.one_of(
        st.none(),
        st.booleans(),
        st.sampled_from(NUMBERS),
        st.sampled_from(HARMFUL),
        st.text(max_size=8),
        st.sampled_from([[], {}, [[]], [None], {"": None}, {"a": {"b": []}}, ["x"], nested(90), nested(700)]),
    )


def paths(value: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something stands in a value, the whole first."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [before, *(path for key, item in items for path in paths(item, (*before, key)))]


def changed(value: Any, path: tuple[Any, ...], how: str, new: Any) -> Any:
    """A copy with one place changed: C(drop), C(replace), C(double) or C(rename) it."""
    if not path:
        return new
    key, rest = path[0], path[1:]
    if isinstance(value, dict):
        if rest or how == "replace":
            return {**value, key: changed(value[key], rest, how, new)}
        kept = {name: item for name, item in value.items() if how == "double" or name != key}
        extra = {str(key).swapcase() if how == "double" else str(new): value[key]} if how != "drop" else {}
        return {**kept, **extra}
    copy = list(value)
    if rest or how == "replace":
        copy[key] = changed(value[key], rest, how, new)
    elif how == "drop":
        del copy[key]
    else:
        copy.insert(key, value[key])
    return copy


@st.composite
def spoilt(draw: st.DrawFn, value: Any) -> Any:
    """JSON that is almost the given one: up to three places of it are changed."""
    for _change in range(draw(st.integers(1, 3))):
        places = paths(value)
        path = places[draw(st.integers(0, len(places) - 1))]
        how = draw(st.sampled_from(["replace", "replace", "drop", "double", "rename"]))
        value = changed(value, path, how, draw(odd()))
    return value


@st.composite
def spoilt_text(draw: st.DrawFn, text: str) -> str:
    """Text that is almost the given one: parts cut out, doubled, or put in."""
    for _change in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 40)))
        middle = draw(st.sampled_from([*HARMFUL, "", text[start:end] * 2]) | st.text(max_size=5))
        text = text[:start] + middle + text[end:]
    return text
