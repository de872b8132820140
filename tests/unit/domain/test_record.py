"""What clusters had before, out of journals and summaries."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.record import (
    BadRecord,
    journal_lines,
    recorded,
    restoring,
)
from hypothesis import given
from hypothesis import strategies as st

NEVER = {"enabled": True, "mode": "IPTABLES", "ipvs_config": None, "configured": False}
IPVS = {"enabled": True, "mode": "IPVS", "ipvs_config": {"scheduler": "LeastConnection"}, "configured": True}
NFTABLES = {"enabled": True, "mode": "NFTABLES", "ipvs_config": None, "configured": True}
DISABLED = {"enabled": False, "mode": None, "ipvs_config": None, "configured": True}


def line(before: Any, target: Any = None, name: str = "a", **more: Any) -> str:
    return json.dumps(
        {
            "event": "submitting",
            "id": f"/Clusters/{name}",
            "host": name,
            "before": before,
            "target": target or NFTABLES,
            **more,
        }
    )


def found(*lines: str, name: str = "a") -> Any:
    return recorded("\n".join(lines))[f"/clusters/{name}"]["before"]


@pytest.mark.parametrize(
    ("previous", "request_"),
    [
        (NEVER, {"enabled": True, "mode": "IPTABLES", "ipvs_config": None, "exact": True}),
        (IPVS, {"enabled": True, "mode": "IPVS", "ipvs_config": {"scheduler": "LeastConnection"}, "exact": True}),
        (DISABLED, {"enabled": False, "exact": True}),
    ],
)
def test_meaning_is_put_back_written_out(previous: dict[str, Any], request_: dict[str, Any]) -> None:
    assert restoring(previous) == request_


def test_the_journal_tells_what_each_cluster_had() -> None:
    ended = json.dumps({"event": "ended", "id": "/Clusters/a", "state": "switched"})
    known = recorded("\n".join([line(NEVER), ended, line(IPVS, name="b"), "", '{"event": "subm']))
    assert known == {
        "/clusters/a": {"host": "a", "id": "/Clusters/a", "before": NEVER, "target": NFTABLES},
        "/clusters/b": {"host": "b", "id": "/Clusters/b", "before": IPVS, "target": NFTABLES},
    }


def test_a_switch_that_took_several_runs_is_one() -> None:
    assert found(line(NEVER), line(NFTABLES)) == NEVER


def test_an_earlier_move_to_another_mode_does_not_count() -> None:
    assert found(line(NEVER, IPVS), line(IPVS, NFTABLES)) == IPVS


def test_what_somebody_set_in_between_is_what_it_had() -> None:
    assert found(line(NEVER, NFTABLES), line(IPVS, NFTABLES)) == IPVS


def test_a_single_run_of_a_journal() -> None:
    text = "\n".join([line(NEVER, run="r1"), line(IPVS, name="b", run="r2")])
    assert list(recorded(text, "r2")) == ["/clusters/b"]
    assert len(recorded(text)) == 2


def test_after_a_rollback_the_record_stays_the_same() -> None:
    assert found(line(IPVS), line(NFTABLES, IPVS, restores=True)) == IPVS


def test_what_came_before_a_rollback_does_not_count() -> None:
    lines = [line(NEVER), line(NFTABLES, NEVER, restores=True), line(IPVS)]
    assert found(*lines) == IPVS
    assert found(line(NEVER), line(NFTABLES, NEVER, restores=True), line(NFTABLES)) == NFTABLES


def test_a_summary_gives_the_clusters_that_were_changed() -> None:
    row = {"host": "a", "id": "/Clusters/a", "before": NEVER, "changed": True}
    same = {"host": "b", "id": "/Clusters/b", "before": IPVS, "changed": False}
    whole = {"kind": "aks.kube_proxy rollout", "check_mode": False, "clusters": [row, same]}
    assert list(recorded(json.dumps(whole, indent=4))) == ["/clusters/a"]
    with pytest.raises(BadRecord):
        recorded(json.dumps({**whole, "check_mode": True}))


def row(**differences: Any) -> dict[str, Any]:
    return {"host": "a", "id": "/A", "before": NEVER, "after": NFTABLES, "changed": True, **differences}


def summed_up(*rows: Any, **differences: Any) -> str:
    return json.dumps({"kind": "aks.kube_proxy rollout", "check_mode": False, "clusters": list(rows), **differences})


def test_a_row_of_a_summary_is_taken_over_whole() -> None:
    assert recorded(summed_up(row(), "odd", row(id="/B", after=None))) == {
        "/a": {"host": "a", "id": "/A", "before": NEVER, "target": NFTABLES},
        "/b": {"host": "a", "id": "/B", "before": NEVER, "target": None},
    }


@pytest.mark.parametrize(
    "odd",
    [
        {"id": 3},
        {"changed": "yes"},
        {"before": None},
        {"after": "NFTABLES"},
        {"before": {**NEVER, "enabled": "true"}},
        {"before": {**NEVER, "mode": "nftables"}},
        {"before": {**NEVER, "mode": None}},
        {"before": {**DISABLED, "mode": "IPVS"}},
        {"before": {**IPVS, "ipvs_config": "LeastConnection"}},
        {"before": {**IPVS, "ipvs_config": {"scheduler": ["x"]}}},
    ],
)
def test_nothing_is_put_back_by_guessing(odd: dict[str, Any]) -> None:
    """What cannot be put back is told as such; an earlier line must not take its place."""
    if "before" in odd or "after" in odd:
        assert [entry["before"] for entry in recorded(summed_up(row(**odd))).values()] == [None]
    else:
        with pytest.raises(
            BadRecord, match=r"^the file records no switch: it has to be the journal or the summary of "
        ):
            recorded(summed_up(row(**odd)))
    whole = {**row(), "event": "submitting", "target": NFTABLES}
    strange = {**whole, **{{"after": "target"}.get(key, key): value for key, value in odd.items()}}
    if "before" in odd or "after" in odd:
        for text in (json.dumps(strange), f"{json.dumps(whole)}\n{json.dumps(strange)}"):
            assert [entry["before"] for entry in recorded(text).values()] == [None]


def test_a_later_try_whose_beginning_is_not_known_is_not_put_back_either() -> None:
    begun = {"event": "submitting", "id": "/a", "before": {**NEVER, "mode": "EBPF"}, "target": NFTABLES}
    again = {"event": "submitting", "id": "/a", "before": NFTABLES, "target": NFTABLES}
    assert recorded(f"{json.dumps(begun)}\n{json.dumps(again)}")["/a"]["before"] is None
    other = {**again, "before": NEVER}
    assert recorded(f"{json.dumps(begun)}\n{json.dumps(other)}")["/a"]["before"] == NEVER, "a series of its own"


def test_a_printed_record_is_found_behind_any_label() -> None:
    entry = {"event": "submitting", "id": "/a", "before": NEVER, "target": NFTABLES}
    assert recorded(f"12:00:00Z canary {{eu}} 1/1  0/1 a: X -> Y {json.dumps(entry)}")["/a"]["before"] == NEVER


def test_only_what_was_submitted_counts() -> None:
    assert found(line(NEVER), line(IPVS, event="ended"), line(IPVS, event="odd")) == NEVER


def test_a_setting_of_ipvs_may_be_a_number() -> None:
    timed = {**IPVS, "ipvs_config": {"tcp_timeout_seconds": 5, "scheduler": "RoundRobin"}}
    assert found(line(timed)) == timed


def test_another_target_ends_a_series_and_the_same_in_other_words_does_not() -> None:
    spelled = {**NFTABLES, "ipvs_config": {}, "configured": False}
    assert found(line(NEVER, NFTABLES), line({**NEVER, "configured": True}, spelled)) == NEVER
    assert found(line(NEVER, NFTABLES), line(NEVER, IPVS), line(NEVER, NFTABLES)) == NEVER
    assert found(line(IPVS, NFTABLES), line(IPVS, DISABLED), line(NFTABLES, DISABLED)) == NFTABLES


def test_other_settings_of_ipvs_are_another_target() -> None:
    other = {**IPVS, "ipvs_config": {"scheduler": "RoundRobin"}}
    assert found(line(NEVER, IPVS), line(IPVS, other)) == IPVS


def test_lines_of_a_log_may_have_words_before_them() -> None:
    (entry,) = journal_lines(f"c1: submitting {line(NEVER)}\nno object\n[3]\n")
    assert entry["before"] == NEVER


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "[]",
        "null",
        "3",
        '{"event": "submitting", "id": 3, "before": {}}',
        '{"event": "ended", "id": "/a", "before": {"enabled": true, "mode": "IPVS"}}',
        '{"kind": "aks.kube_proxy rollout", "clusters": null}',
    ],
)
def test_other_files_are_refused(text: str) -> None:
    with pytest.raises(BadRecord, match="records no switch"):
        recorded(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(JSON.map(json.dumps) | st.text()))
def test_whatever_stands_in_a_file_is_a_record_or_a_clear_error(lines: list[str]) -> None:
    text = "\n".join(lines)
    assert all(isinstance(entry["id"], str) for entry in journal_lines(text))
    with pytest.raises(BadRecord):
        recorded(text)


@given(JSON)
def test_a_summary_with_anything_in_it_is_a_record_or_a_clear_error(clusters: Any) -> None:
    text = json.dumps({"kind": "aks.kube_proxy rollout", "clusters": clusters})
    with pytest.raises(BadRecord):
        recorded(text)
