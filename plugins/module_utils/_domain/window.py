# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""When a rollout may write: a time window, as people of a time zone live it. Private to this collection. Pure: no I/O.

Python's time zones come from the system, or from the package tzdata.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
KEYS = ("days", "start", "end", "timezone")


class BadWindow(ValueError):
    """The window cannot be understood. The text says what is wrong with it."""


@dataclass(frozen=True)
class Window:
    """A time window of every week.

    Attributes:
        days: the days on which it begins, 0 for Monday.
        start: minutes after midnight when it begins.
        end: minutes after midnight when it ends; on the next day when that is not after the start.
        zone: the time zone's name.
    """

    days: tuple[int, ...]
    start: int
    end: int
    zone: str

    def is_open(self, now: datetime) -> bool:
        """Whether a moment is inside."""
        local = now.astimezone(ZoneInfo(self.zone))
        minute = local.hour * 60 + local.minute
        if self.start < self.end:
            return local.weekday() in self.days and self.start <= minute < self.end
        yesterday = (local - timedelta(days=1)).weekday()
        return (local.weekday() in self.days and minute >= self.start) or (yesterday in self.days and minute < self.end)

    def __str__(self) -> str:
        days = " ".join(DAYS[day] for day in self.days)
        return f"{days} {_clock(self.start)} to {_clock(self.end)} {self.zone}"


def closed_window(declared: Mapping[str, Any] | None, now: datetime) -> str:
    """Why nothing may be written now; empty when the window is open, or none is declared.

    Args:
        declared: C(days), C(start), C(end) and C(timezone), as a user wrote them.
        now: the moment, with its time zone.

    Raises:
        BadWindow: the window cannot be understood.
    """
    if not declared:
        return ""
    window = read_window(declared)
    if window.is_open(now):
        return ""
    local = now.astimezone(ZoneInfo(window.zone))
    time = f"{DAYS[local.weekday()]} {local:%Y-%m-%d %H:%M} {window.zone}"
    return f"It is {time}, outside the time window {window}."


def window_line(declared: Mapping[str, Any] | None, now: datetime) -> str:
    """The line in which a plan tells the time window and whether it is open; empty where none is declared.

    Raises:
        BadWindow: the window cannot be understood.
    """
    if not declared:
        return ""
    closed = closed_window(declared, now)
    return f"Time window: closed now. {closed}" if closed else f"Time window: {read_window(declared)}; open now"


def read_window(declared: Mapping[str, Any]) -> Window:
    """Read a window as a user wrote it.

    Raises:
        BadWindow: what is wrong with it.
    """
    if not isinstance(declared, Mapping):
        raise BadWindow(f"The time window is {declared!r:.80}; it has to be a table of {', '.join(KEYS)}.")
    unknown = sorted(map(str, set(declared) - set(KEYS)))
    if unknown:
        raise BadWindow(f"The time window has the unknown key {unknown[0]!r}; known are {', '.join(KEYS)}.")
    missing = [key for key in ("start", "end", "timezone") if not declared.get(key)]
    if missing:
        raise BadWindow(f"The time window has no {missing[0]!r}.")
    zone = str(declared["timezone"])
    try:
        ZoneInfo(zone)
    except (ValueError, OSError, LookupError):
        raise BadWindow(
            f"The time window's 'timezone' is {zone!r}, which is not known here. Names are like Europe/Zurich or UTC; "
            "where none is known, install the Python package tzdata."
        ) from None
    days = declared.get("days") or list(DAYS)
    if not isinstance(days, (str, list, tuple)):
        raise BadWindow(f"The time window's 'days' are {days!r:.80}; they have to be a list of days.")
    names = [str(day).strip().casefold()[:3] for day in ([days] if isinstance(days, str) else days)]
    odd = [name for name in names if name not in DAYS]
    if odd:
        raise BadWindow(f"The time window's 'days' hold {odd[0]!r}; days are {', '.join(DAYS)}.")
    return Window(
        tuple(sorted({DAYS.index(name) for name in names})),
        _minutes("start", declared["start"]),
        _minutes("end", declared["end"]),
        zone,
    )


def _minutes(key: str, value: Any) -> int:
    match = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", str(value).strip())
    if match is None:
        # YAML 1.1 reads 22:00 without quotes as a number in base 60
        raise BadWindow(f"The time window's '{key}' is {value!r}; write a time in quotes, such as '22:00'.")
    return int(match[1]) * 60 + int(match[2])


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
