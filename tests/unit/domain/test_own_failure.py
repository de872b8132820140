"""Whose failure a failed cluster's is, as far as a journal tells."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.own_failure import (
    RECENT,
    end_was_seen,
    is_own_failure,
)

from tests.unit.domain.builders import cluster

NOW = datetime(2026, 11, 28, 12, tzinfo=timezone.utc)
NFTABLES = {"enabled": True, "mode": "NFTABLES", "ipvs_config": None, "configured": True}
IPVS = {**NFTABLES, "mode": "IPVS"}

Lines = list[dict[str, Any]]


def submitting(etag: str | None = "before", age: timedelta = timedelta(hours=1), **facts: Any) -> dict[str, Any]:
    time = (NOW - age).isoformat(timespec="milliseconds")
    return {"event": "submitting", "time": time, "etag": etag, "before": IPVS, "target": NFTABLES, **facts}


def ended(state: str, etag: str | None = "now", *, settled: bool = True) -> dict[str, Any]:
    return {"event": "ended", "state": state, "etag": etag, "settled": settled}


def own(lines: Lines, **parts: Any) -> bool:
    """Whether a failed cluster with the eTag C(now), that asks for NFTABLES, counts as a failure of ours."""
    config = {"enabled": True, "mode": "NFTABLES"}
    failed = {"eTag": "now", "kube_proxy": config, "provisioningState": "Failed", **parts}
    return is_own_failure(lines, cluster(**{key: value for key, value in failed.items() if value is not None}), NOW)


UNSEEN: dict[str, Lines] = {
    "killed": [submitting()],
    "killed, in a cloud without eTags": [submitting(None)],
    "killed in the second try": [submitting(), ended("failed", "first"), submitting("first")],
    "stopped": [submitting(), ended("stopped", "meanwhile", settled=False)],
    "waited": [submitting(), ended("running", "meanwhile", settled=False)],
    "lost sight": [submitting(), ended("failed", "meanwhile", settled=False)],
    "not young": [submitting(age=RECENT)],
}


@pytest.mark.parametrize("how", UNSEEN)
def test_a_switch_whose_end_nobody_saw_is_ours(how: str) -> None:
    assert own(UNSEEN[how])
    assert not end_was_seen(UNSEEN[how])


@pytest.mark.parametrize("how", UNSEEN)
@pytest.mark.parametrize(
    "parts",
    [
        pytest.param({"kube_proxy": {"enabled": True, "mode": "IPVS"}}, id="asks for something else"),
        pytest.param({"kubernetesVersion": "1.35"}, id="an upgrade of the cluster has not ended"),
        pytest.param(
            {"pools": [{"name": "p", "orchestratorVersion": "1.34.2", "currentOrchestratorVersion": "1.33.1"}]},
            id="an upgrade of a pool has not ended",
        ),
    ],
)
def test_what_does_not_look_like_it_is_not(how: str, parts: dict[str, Any]) -> None:
    assert not own(UNSEEN[how], **parts)


OTHERS: dict[str, Lines] = {
    "no journal": [],
    "only an end": [ended("failed")],
    "too old": [submitting(age=RECENT + timedelta(seconds=1))],
    "without a time": [submitting(time=None)],
    "a time without a zone": [submitting(time="2026-11-28T11:00:00")],
    "without a target": [submitting(target=None)],
    "never arrived": [submitting("now")],
    "never arrived, and noted": [submitting("now"), ended("failed", "now", settled=False)],
    "went well": [submitting(), ended("switched")],
    "went well, as a later run saw": [
        submitting(),
        ended("running", "meanwhile", settled=False),
        ended("unchanged"),
    ],
    "failed, and something came after it": [submitting(), ended("failed", "then")],
    "failed in a cloud without eTags": [submitting(None), ended("failed", None)],
    "a later one never arrived, and something came after the failure": [
        submitting(),
        ended("failed", "then"),
        submitting("now"),
    ],
}


@pytest.mark.parametrize("how", OTHERS)
def test_others_are_not(how: str) -> None:
    assert not own(OTHERS[how])


def test_without_etags_a_seen_failure_is_nobodys() -> None:
    assert not own([submitting(None), ended("failed", None)], eTag=None)
    assert own([submitting(None)], eTag=None)


def test_a_failure_that_was_seen_is_ours_as_long_as_nothing_came_after_it() -> None:
    assert own([submitting(age=timedelta(days=90)), ended("failed")])
    assert own([submitting(), ended("failed"), submitting("now")]), "the second try never arrived"
    assert own([submitting(), ended("failed")], kube_proxy={"enabled": True, "mode": "IPVS"})


def test_an_end_is_missing_only_where_a_write_was_announced() -> None:
    assert end_was_seen([])
    assert end_was_seen([submitting(), ended("switched")])
    assert end_was_seen([{"event": "remark"}])
