"""Times to wait: which of them make sense."""

from __future__ import annotations

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.waiting import Waiting, check_waiting


@pytest.mark.parametrize(
    ("waiting", "says"),
    [
        (Waiting(timeout=0), r"^'wait_timeout' is 0: "),
        (Waiting(timeout=-1), r"^'wait_timeout' is -1: "),
        (Waiting(interval=0), r"^'poll_interval' is 0: "),
        (Waiting(interval=-15), r"^'poll_interval' is -15: "),
        (Waiting(wait=False, timeout=0), r"^'wait_timeout' is 0: "),
    ],
)
def test_impossible_times(waiting: Waiting, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        check_waiting(waiting)


def test_possible_times() -> None:
    check_waiting(Waiting())
    check_waiting(Waiting(timeout=1, interval=1))
    check_waiting(Waiting(timeout=1, interval=3600))
