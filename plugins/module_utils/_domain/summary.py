# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The closing summary of a rollout: a record for machines, and a table for people.

Private to this collection. Pure: no I/O. docs/summary.md describes the record.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.aks.kube_proxy.plugins.module_utils._domain import verdict as ends
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.grouping import only_warnings, warnings_of
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.record import SUMMARY_KIND
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.wording import one_line

VERSION = 1
KEPT = ("id", "state", "ok", "changed", "verified", "seconds", "reason", "code", "correlation_id")


def summary(
    plan: Mapping[str, Any],
    outcomes: Mapping[str, Mapping[str, Any]],
    *,
    ended: str,
    stopped: str = "",
    check_mode: bool = False,
) -> dict[str, Any]:
    """The record of a rollout.

    Args:
        plan: C(run), C(started), C(waves) and C(left_out); empty where batches were updated without a plan.
        outcomes: what became of the clusters, by host.
        ended: when, as text.
        stopped: why it stopped before its end; empty when it did not.
        check_mode: whether it only predicted.
    """
    plan = plan or {"run": "", "started": "", "waves": [_everything(outcomes)], "left_out": []}
    why = "" if check_mode else stopped
    rows = [_row(wave, host, outcomes.get(host), why) for wave in plan["waves"] for host in wave["hosts"]]
    return {
        "kind": SUMMARY_KIND,
        "version": VERSION,
        "run": plan["run"],
        "started": plan["started"],
        "ended": ended,
        "check_mode": check_mode,
        "stopped": stopped or None,
        "counts": dict(Counter(row["state"] for row in rows)),
        "left_out": list(plan["left_out"]),
        "clusters": rows,
    }


def _everything(outcomes: Mapping[str, Any]) -> dict[str, Any]:
    return {"stage": "all", "number": 1, "of": 1, "hosts": list(outcomes)}


def _row(wave: Mapping[str, Any], host: str, outcome: Mapping[str, Any] | None, stopped: str) -> dict[str, Any]:
    place = {"host": host, "stage": wave["stage"], "wave": wave["number"], "waves": wave["of"]}
    if outcome is None:
        nothing = dict.fromkeys(("id", "before", "after", "verified", "code", "correlation_id", "evidence"))
        state = {"state": ends.NOT_STARTED, "ok": False, "changed": False, "seconds": 0.0, "warnings": []}
        return {**place, **nothing, **state, "reason": stopped}
    kept = {key: outcome[key] for key in KEPT} | {"warnings": only_warnings(outcome["findings"])}
    configurations = {"before": outcome["previous"], "after": outcome["current"]}
    return {**place, **kept, **configurations, "evidence": outcome.get("evidence")}


def plan_table(plan: Mapping[str, Any], window: str = "") -> list[str]:
    """The lines in which people read a plan: a wave each, with what stands before and after it.

    Args:
        plan: C(waves) and C(left_out).
        window: the line about the time window; empty where there is none.
    """
    lines = []
    for wave in plan["waves"]:
        gate = "gate; " if wave["gate"] and wave["number"] == 1 else ""
        soak = f"; soaks {wave['soak_seconds']} s" if wave["soak_seconds"] and not wave["last"] else ""
        lines.append(f"{wave['stage']} {wave['number']}/{wave['of']}: {gate}{', '.join(wave['hosts'])}{soak}")
    if plan["left_out"]:
        lines.append(f"Left out: {', '.join(plan['left_out'])}")
    if window:
        lines.append(window)
    return lines


COLUMNS = ("cluster", "stage", "wave", "before", "after", "verified", "seconds", "outcome")


def table(record: Mapping[str, Any]) -> list[str]:
    """The lines in which people read a summary: a table, then the reasons, then the counts."""
    rows = [
        (
            row["host"],
            row["stage"],
            f"{row['wave']}/{row['waves']}",
            named(row["before"]),
            named(row["after"]),
            row["verified"] or "-",
            f"{row['seconds']:.0f}" if row["seconds"] >= 1 else "-",
            row["state"].replace("_", " "),
        )
        for row in record["clusters"]
    ]
    lines = aligned([COLUMNS, *rows])
    hosts_by_reason: dict[str, list[str]] = {}
    for row in record["clusters"]:
        if row["reason"] not in ("", record["stopped"]) and not row["ok"]:
            hosts_by_reason.setdefault(_coded(row["reason"], row["code"]), []).append(row["host"])
    if hosts_by_reason:
        lines += ["", *(f"{', '.join(hosts)}: {reason}" for reason, hosts in hosts_by_reason.items())]
    for row in record["clusters"]:
        if row["evidence"] and row["evidence"]["nodes"]:
            when = ", before it was put back" if row["state"] == ends.ROLLED_BACK else ""
            lines += ["", f"{row['host']}{when}:", *nodes_table(**row["evidence"])]
    if told := warnings_of((row["host"], row["warnings"]) for row in record["clusters"]):
        lines += ["", "Warnings:", *(f"  {text}" for text in told)]
    if record["left_out"]:
        lines += ["", f"Left out: {', '.join(record['left_out'])}"]
    if record["stopped"]:
        lines += ["", f"{'Would stop' if record['check_mode'] else 'Stopped'}: {record['stopped']}"]
    return [*lines, "", f"{len(rows)} cluster(s): {ends.tally(row['state'] for row in record['clusters'])}"]


def _coded(reason: str, code: str | None) -> str:
    """A reason that names its code, by which people search."""
    return reason if not code or code in reason else f"{code}: {reason}"


def named(configuration: Mapping[str, Any] | None) -> str:
    """A configuration in one word."""
    if configuration is None:
        return "-"
    return str(configuration["mode"]) if configuration["enabled"] else "DISABLED"


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells as lines with columns below each other, whatever stands in a cell."""
    rows = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


NAMES_SHOWN = 5
NODE_COLUMNS = ("node", "pool", "kernel", "expected", "observed", "since", "reason")


def nodes_table(
    nodes: Sequence[Mapping[str, Any]],
    *,
    proven: int,
    left_out: int,
    left_out_nodes: Sequence[str],
    others: int,
    **_more: Any,
) -> list[str]:
    """The lines in which people read which nodes of a cluster are not as asked for.

    Args:
        nodes: the first of them, as the module verify returns them.
        proven: how many nodes are.
        left_out: how many do not count.
        left_out_nodes: their names.
        others: how many nodes are not as asked for.
    """
    cells = [[str(row[column] or "-") for column in NODE_COLUMNS] for row in nodes]
    more = f" ({others - len(nodes)} of them not shown)" if others > len(nodes) else ""
    names = ", ".join(left_out_nodes[:NAMES_SHOWN]) + (", …" if len(left_out_nodes) > NAMES_SHOWN else "")
    counts = f"{others} node(s) not as asked for{more}, {proven} proven, {left_out} left out"
    counts += f" ({names})" if names else ""
    return [*aligned([(*NODE_COLUMNS[:-1], "what"), *cells]), counts]
