# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What clusters had before, out of a journal or a summary, in the form in which a wave puts it back.

Private to this collection. Pure: no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.kube_proxy import MODES
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.parsing import parsed

SUBMITTING = "submitting"
ENDED = "ended"
PRINTED = '{"event"'
"""How a line of the journal begins where it is printed."""
SUMMARY_KIND = "aks.kube_proxy rollout"


class BadRecord(ValueError):
    """The text is neither a journal nor a summary. It says why."""


def restoring(previous: Mapping[str, Any]) -> dict[str, Any]:
    """The request that gives a configuration its meaning back, written out.

    A cluster that was never configured gets the default as a setting, since a property that is left out may be kept.

    Args:
        previous: a configuration as modules return it.
    """
    if not previous["enabled"]:
        return {"enabled": False, "exact": True}
    return {
        "enabled": True,
        "mode": previous["mode"],
        "ipvs_config": previous.get("ipvs_config") or None,
        "exact": True,
    }


def journal_lines(text: str) -> Iterator[dict[str, Any]]:
    """The lines of a journal, or of a log with its lines, that are whole and about a cluster, in their order.

    A torn last line is no error.
    """
    for line in text.splitlines():
        starts = {max(line.find(begin), 0) for begin in ("{", PRINTED)}  # a stage may be called anything
        entries = [parsed(line[start:]) for start in sorted(starts)]
        yield from [entry for entry in entries if isinstance(entry, dict) and isinstance(entry.get("id"), str)][:1]


def recorded(text: str, run: str = "") -> dict[str, dict[str, Any]]:
    """What clusters had before, by resource id in lower case: C(host), C(id), C(before) and C(target).

    C(before) is None where the decisive line is in a form that is not known here, such as the mode of a newer release.

    Of a journal the last series of switches to the same configuration counts, whichever runs they were part of, since a
    run that was killed goes on in another. Of a summary all clusters that it says were changed.

    Args:
        text: the file's text.
        run: of a journal, only the lines of this run; empty for all.

    Raises:
        BadRecord: the text is neither of the two, or tells of no switch.
    """
    whole = parsed(text)
    if isinstance(whole, dict) and whole.get("kind") == SUMMARY_KIND:
        found = _from_summary(whole)
    else:
        found = _from_journal(line for line in journal_lines(text) if not run or line.get("run") == run)
    if not found:
        raise BadRecord("the file records no switch: it has to be the journal or the summary of a rollout.")
    return found


def _from_summary(summary: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    rows = summary.get("clusters")
    return {
        row["id"].casefold(): _entry(row, row.get("after"), row.get("after") is None)
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, dict)
        and isinstance(row.get("id"), str)
        and row.get("changed") is True
        and summary.get("check_mode") is False
    }


def _from_journal(lines: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    by_cluster: dict[str, list[Mapping[str, Any]]] = {}
    for line in lines:
        if line.get("event") == SUBMITTING:
            by_cluster.setdefault(line["id"].casefold(), []).append(line)
    return {
        key: _entry(first, first.get("target"))
        for key, lines_of in by_cluster.items()
        if (first := _first_of_last_series(lines_of)) is not None
    }


def _entry(source: Mapping[str, Any], target: Any, without_target: bool = False) -> dict[str, Any]:
    """What a cluster had; nothing where it is in a form that is not known, since nothing is put back by guessing."""
    before = source.get("before")
    known = _is_configuration(before) and (without_target or _is_configuration(target))
    return {
        "host": source.get("host"),
        "id": source["id"],
        "before": before if known else None,
        "target": target if known else None,
    }


def _first_of_last_series(lines: list[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The first line of the last series of tries for one target, the next of which found what the one before had left.

    What was put back since does not count, nor what came before that.
    """
    first: Mapping[str, Any] | None = None
    for line in reversed(lines):
        if line.get("restores"):
            if first:
                break
        elif first is None or _goes_on(line, first):
            first = line
        else:
            break
    return first


def before_last_series(lines: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """What a cluster had before its last series of switches to one configuration; None where that is not known.

    Args:
        lines: the journal's lines about this cluster.
    """
    for entry in _from_journal(lines).values():
        before: Mapping[str, Any] | None = entry["before"]
        return before
    return None


def same_meaning(one: Any, other: Any) -> bool:
    """Whether two configurations, in the form of results or of a journal, mean the same."""
    return bool(_meaning(one) == _meaning(other))


def _goes_on(earlier: Mapping[str, Any], later: Mapping[str, Any]) -> bool:
    """Whether the later line is another try of what the earlier one began."""
    (before, target), (found, wanted) = (
        [_meaning(line.get(key)) for key in ("before", "target")] for line in (earlier, later)
    )
    return bool(target == wanted and found in (before, target))


def _meaning(configuration: Any) -> Any:
    if not isinstance(configuration, Mapping):
        return None
    return configuration.get("enabled"), configuration.get("mode"), configuration.get("ipvs_config") or None


def _is_configuration(value: Any) -> bool:
    """Whether it is a configuration as modules return it."""
    if not isinstance(value, Mapping) or not isinstance(value.get("enabled"), bool):
        return False
    ipvs = value.get("ipvs_config")
    return (value.get("mode") in MODES if value["enabled"] else value.get("mode") is None) and (
        ipvs is None or (isinstance(ipvs, Mapping) and all(isinstance(item, (str, int)) for item in ipvs.values()))
    )
