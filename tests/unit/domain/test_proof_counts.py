"""What a page of metrics tells of rule updates under nftables."""

from __future__ import annotations

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.proof_counts import (
    COUNTER_LINES,
    failed_updates,
    wrote_rules,
)

FAILURES = "kubeproxy_sync_proxy_rules_nftables_sync_failures_total"
LAST = "kubeproxy_sync_proxy_rules_last_timestamp_seconds"
QUEUED = "kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds"
FOUR, SIX = '{ip_family="IPv4"}', '{ip_family="IPv6"}'
BOTH_QUEUED = (f"{QUEUED}{FOUR} 1.7e+09", f"{QUEUED}{SIX} 1.7e+09")

# The lines of a page, the count, and whether rules were written.
PAGES: dict[str, tuple[tuple[str, ...], float | None, bool]] = {
    "all well": ((*BOTH_QUEUED, f"{LAST}{FOUR} 1.7e+09", f"{LAST}{SIX} 1.7e+09"), 0.0, True),
    "failures of old": (
        (*BOTH_QUEUED, f"{LAST}{FOUR} 1.7e+09", f"{LAST}{SIX} 1.7e+09", f"{FAILURES}{FOUR} 7"),
        7.0,
        True,
    ),
    "refused from the first one on": ((*BOTH_QUEUED, f"{FAILURES}{FOUR} 7", f"{FAILURES}{SIX} 6"), 13.0, False),
    "in its first update": (BOTH_QUEUED, None, False),
    "one family hangs in its first update": ((*BOTH_QUEUED, f"{LAST}{SIX} 1.7e+09"), 0.0, False),
    "one family is refused": ((*BOTH_QUEUED, f"{LAST}{SIX} 1.7e+09", f"{FAILURES}{FOUR} 2"), 2.0, False),
    "only one family is served": ((BOTH_QUEUED[0], f"{LAST}{FOUR} 1.7e+09"), 0.0, True),
    "without labels": ((f"{QUEUED} 1.7e+09", f"{LAST} 1.7e+09", f"{FAILURES} 0"), 0.0, True),
    "without labels, never written": ((f"{QUEUED} 1.7e+09", f"{LAST} 0", f"{FAILURES} 0"), 0.0, False),
    "without labels, refused": ((f"{QUEUED} 1.7e+09", f"{LAST} 0", f"{FAILURES} 7"), 7.0, False),
    "without labels, never written nor counted": ((f"{QUEUED} 1.7e+09", f"{LAST} 0"), None, False),
    "more labels": ((f'{QUEUED}{{a="b",ip_family="IPv4",c="d"}} 1', f'{LAST}{{a="b",ip_family="IPv4"}} 1'), 0.0, True),
    "no number": ((f"{LAST}{FOUR} many", f"{FAILURES}{FOUR} some"), None, False),
    "not a number": ((f"{LAST}{FOUR} NaN",), None, False),
    "another page": (("<html>",), None, False),
}


@pytest.mark.parametrize(("lines", "count", "written"), PAGES.values(), ids=PAGES)
def test_what_a_page_tells_of_rule_updates(lines: tuple[str, ...], count: float | None, written: bool) -> None:
    page = "".join(f"{line}\n" for line in lines)
    assert (failed_updates(page), wrote_rules(page)) == (count, written)


def test_the_lines_that_are_kept_are_those_that_tell_it() -> None:
    lines = [*BOTH_QUEUED, f"{LAST}{FOUR} 1", f"{FAILURES}{FOUR} 1"]
    assert all(COUNTER_LINES.search(line) for line in lines)
    assert not COUNTER_LINES.search(f"# HELP {LAST} [ALPHA] The last time proxy rules were successfully synced")
