"""Warnings for many clusters."""

from __future__ import annotations

from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.grouping import grouped, warnings_of


def test_clusters_of_which_the_same_is_to_be_told_share_a_warning() -> None:
    told = grouped([("a", "rule", "Why."), ("b", "other", "Why."), ("c", "rule", "Why."), ("d", "rule", "Why not.")])
    assert told == ["a, c: Why. [rule]", "b: Why. [other]", "d: Why not. [rule]"]
    assert grouped([]) == []


def test_five_clusters_are_named_and_the_others_counted() -> None:
    five = [(f"c{number}", "rule", "Why.") for number in range(5)]
    assert grouped(five) == ["c0, c1, c2, c3, c4: Why. [rule]"]
    assert grouped([*five, ("c5", "rule", "Why.")]) == ["c0, c1, c2, c3, c4 and 1 more: Why. [rule]"]


def test_a_warning_tells_where_why_and_what_to_do() -> None:
    warns = {"rule": "rule", "severity": "warn", "object": "aks-1", "reason": "Why.", "remedy": "Reboot it."}
    blocks = {**warns, "severity": "block"}
    elsewhere = {**warns, "object": ""}
    told = warnings_of([("a", [blocks, warns]), ("b", [elsewhere])])
    assert told == ["a (aks-1), b: Why. Reboot it. [rule]"]
