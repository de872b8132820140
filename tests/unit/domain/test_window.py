"""The time window of a rollout, as people of a time zone live it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.window import (
    BadWindow,
    closed_window,
    read_window,
    window_line,
)

NIGHT = {"days": ["Fri", "sat"], "start": "22:00", "end": "04:00", "timezone": "Europe/Zurich"}
DAY = {"start": "9:00", "end": "17:00", "timezone": "UTC"}


@pytest.mark.parametrize(
    ("window", "moment", "is_open"),
    [
        (NIGHT, "2026-11-20T21:30:00+00:00", True),  # Friday 22:30 in Zurich
        (NIGHT, "2026-11-20T20:59:00+00:00", False),
        (NIGHT, "2026-11-21T02:59:00+00:00", True),  # Saturday 03:59, of Friday's window
        (NIGHT, "2026-11-21T03:00:00+00:00", False),
        (NIGHT, "2026-11-22T02:00:00+00:00", True),  # Sunday 03:00, of Saturday's window
        (NIGHT, "2026-11-22T22:00:00+00:00", False),  # Sunday 23:00
        (NIGHT, "2026-07-17T20:30:00+00:00", True),  # in summer Zurich is two hours ahead
        (NIGHT, "2026-11-20T02:00:00+00:00", False),  # Friday 03:00, of Thursday's, which is none
        (DAY, "2026-11-22T09:00:00+00:00", True),
        (DAY, "2026-11-22T17:00:00+00:00", False),
        (DAY, "2026-11-22T18:30:00+02:00", True),
        (DAY, "2026-11-22T08:59:00+00:00", False),
        (DAY, "2026-11-22T16:59:00+00:00", True),
        ({**DAY, "days": ["mon"]}, "2026-11-22T10:00:00+00:00", False),
    ],
)
def test_open_and_closed(window: dict[str, Any], moment: str, is_open: bool) -> None:
    assert (closed_window(window, datetime.fromisoformat(moment)) == "") is is_open


def test_the_message_states_the_time_zone() -> None:
    told = closed_window(NIGHT, datetime.fromisoformat("2026-11-20T20:00:00+00:00"))
    assert told == (
        "It is fri 2026-11-20 21:00 Europe/Zurich, outside the time window fri sat 22:00 to 04:00 Europe/Zurich."
    )


@pytest.mark.parametrize("nothing", [None, {}])
def test_no_window_is_always_open(nothing: Any) -> None:
    assert closed_window(nothing, datetime.fromisoformat("2026-11-20T20:00:00+00:00")) == ""


@pytest.mark.parametrize(
    ("difference", "says"),
    [
        (
            {"timezone": "Mars/Olympus"},
            "The time window's 'timezone' is 'Mars/Olympus', which is not known here. Names are like",
        ),
        ({"timezone": "", "end": ""}, "The time window has no 'end'."),
        ({"timezone": ""}, "The time window has no 'timezone'."),
        ({"start": None}, "The time window has no 'start'."),
        ({"timezone": "../etc/passwd"}, "not known here"),
        ({"start": 1320}, "The time window's 'start' is 1320; write a time in quotes, such as '22:00'."),
        ({"end": "24:00"}, "The time window's 'end' is '24:00'; write"),
        ({"end": "22:60"}, "'22:60'"),
        ({"days": ["mon", "someday", "never"]}, "'som'; days are mon, tue, wed, thu, fri, sat, sun."),
        ({"days": 5}, "The time window's 'days' are 5; they have to be a list of days."),
        ({"until": "05:00", "zone": "UTC"}, "has the unknown key 'until'; known are days, start, end, timezone."),
    ],
)
def test_odd_windows_are_refused(difference: dict[str, Any], says: str) -> None:
    with pytest.raises(BadWindow) as error:
        read_window({**NIGHT, **difference})
    assert says in str(error.value)


def test_days_may_be_one_text_a_tuple_or_left_out() -> None:
    assert read_window({**DAY, "days": "Monday"}).days == (0,)
    assert read_window({**DAY, "days": (" SUNDAY ", "tue", "Tue")}).days == (1, 6)
    assert read_window(DAY).days == (0, 1, 2, 3, 4, 5, 6)


def test_a_text_is_no_window() -> None:
    odd: Any = "22:00"
    with pytest.raises(BadWindow) as error:
        read_window(odd)
    assert str(error.value) == "The time window is '22:00'; it has to be a table of days, start, end, timezone."


def test_a_window_from_a_time_to_the_same_is_the_whole_day() -> None:
    whole = {"start": " 9:05 ", "end": "9:05", "timezone": "UTC"}
    window = read_window(whole)
    assert str(window) == "mon tue wed thu fri sat sun 09:05 to 09:05 UTC"
    assert all(window.is_open(datetime.fromisoformat(f"2026-11-22T{hour:02}:05:00+00:00")) for hour in range(24))


def test_a_plan_tells_the_window_and_whether_it_is_open() -> None:
    assert window_line({}, datetime.fromisoformat("2026-11-20T21:30:00+00:00")) == ""
    assert window_line(NIGHT, datetime.fromisoformat("2026-11-20T21:30:00+00:00")) == (
        "Time window: fri sat 22:00 to 04:00 Europe/Zurich; open now"
    )
    closed = datetime.fromisoformat("2026-11-20T20:00:00+00:00")
    assert window_line(NIGHT, closed) == f"Time window: closed now. {closed_window(NIGHT, closed)}"
