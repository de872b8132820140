# Copyright (c) 2026, the aks.kube_proxy contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The decisions of a rollout as filters, for the roles and playbooks of this collection, and for others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from ansible.errors import AnsibleFilterError
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain import (
    agreement,
    evidence_outcomes,
    outcomes,
    record,
    summary,
    targets,
    waves,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain import audit as audits
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain import window as windows
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.cluster import ClusterId, parse_resource_id
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.wording import told
from ansible_collections.aks.kube_proxy.plugins.plugin_utils._plain import plain

Variables = Mapping[str, Mapping[str, Any]]
T = TypeVar("T")
NO_SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
"""Stands for that of the credentials, which no filter knows."""


def _explained(work: Callable[..., T]) -> Callable[..., T]:
    """A filter that gets plain data, and whose ValueErrors Ansible shows as messages."""

    @wraps(work)
    def explained(*values: Any, **options: Any) -> T:
        try:
            return work(*values, **options)
        except ValueError as error:
            raise AnsibleFilterError(told(str(error))) from None

    return explained


def _known(variables: Variables, host: str, name: str) -> Any:
    """A variable of a host as plain data; None where it is not set."""
    values = variables[host]
    return plain(values[name]) if name in values else None


def _names_a_cluster(variables: Variables, host: str) -> bool:
    return bool(_known(variables, host, "aks_resource_id") or _known(variables, host, "aks_resource_group"))


@_explained
def plan_waves(
    hosts: Sequence[str], hostvars: Variables, stages: Any = None, only: Any = None, sliced: bool = False
) -> dict[str, Any]:
    """The plan of a rollout."""
    names = plain(list(hosts))
    nameless = [host for host in names if not _names_a_cluster(hostvars, host)]
    if nameless:
        raise waves.BadPlan(
            f"{', '.join(nameless)}: no cluster is known by that name. Set 'aks_resource_id', or 'aks_resource_group' "
            "(and 'aks_name', where it is not the host's name); or name the hosts that are clusters in "
            "'rolling_update_hosts'."
        )
    fleet = [
        waves.Host(host, tuple(_known(hostvars, host, "group_names") or ()), _known(hostvars, host, "aks_tags") or {})
        for host in names
    ]
    planned, left_out = waves.plan_waves(fleet, plain(stages or []), listed(only))
    if sliced and len(listed(only) or plain(stages or [])) > 1:
        raise waves.BadPlan(
            "This job has only a slice of the fleet, so it cannot know whether the other slices have finished a stage "
            "before it begins the next. Run one stage per job: set 'rolling_update_stage'."
        )
    started = datetime.now(timezone.utc)
    return {
        "run": f"{started:%Y%m%dT%H%M%SZ}-{uuid4().hex[:6]}",
        "started": started.isoformat(timespec="seconds"),
        "waves": [wave.as_result() for wave in planned],
        "left_out": left_out,
        "total": sum(len(wave.hosts) for wave in planned),
    }


def from_here(path: Any) -> str:
    """An absolute path, from the folder where ansible-playbook was started; nothing stays nothing."""
    text = str(path or "")
    return str(Path.cwd() / Path(text).expanduser()) if text else ""


def listed(value: Any) -> list[str]:
    """A list that may be given as one text with commas, as on a command line; empty for nothing."""
    items = plain(value or [])
    return [item.strip() for item in items.split(",") if item.strip()] if isinstance(items, str) else items


@_explained
def subscriptions(hosts: Sequence[str], hostvars: Variables) -> list[str]:
    """The subscriptions of the hosts' clusters, each once; an empty text stands for that of the credentials."""
    found = []
    for host in plain(list(hosts)):
        identity = _known(hostvars, host, "aks_resource_id")
        subscription = _known(hostvars, host, "aks_subscription_id")
        if identity:
            subscription = parse_resource_id(identity).subscription
        if subscription or _names_a_cluster(hostvars, host):
            found.append((subscription or "").lower())
    return list(dict.fromkeys(found))


@_explained
def wave_outcomes(preflight: Any, **rest: Any) -> dict[str, Any]:
    """What became of each cluster of a wave."""
    return outcomes.wave_outcomes(plain(preflight), **plain(rest))


def interrupted_wave(preflight: Any, journal: str = "", run: str = "", why: str = "") -> dict[str, Any]:
    """The verdicts of a switch that ended in its middle."""
    return outcomes.interrupted(plain(preflight), str(journal), str(run), str(why))


@_explained
def wave_consequence(found: Any, policy: str, **rest: Any) -> dict[str, Any]:
    """What follows from a wave's outcomes."""
    return outcomes.consequence(plain(found), str(policy), **plain(rest)).as_result()


def judgement(found: Any, host: str, plan: Any, stopped: str = "", check_mode: bool = False) -> str:
    """Why a host fails at the end of a rollout."""
    planned = [name for wave in plain(plan).get("waves", []) for name in wave["hosts"]]
    return outcomes.judgement(plain(found), str(host), planned, stopped=str(stopped), check_mode=bool(check_mode))


def pending(preflight: Any) -> list[str]:
    """The hosts that there is something left to do for."""
    return outcomes.pending(plain(preflight))


def evidence_clusters(verdicts: Any, phase: str, ways: Any = None) -> list[dict[str, Any]]:
    """The clusters option of the module verify for a wave."""
    return evidence_outcomes.evidence_clusters(plain(verdicts), str(phase), plain(ways or {}))


def with_safety(preflight: Any, found: Any, **rest: Any) -> dict[str, Any]:
    """A preflight's verdicts with the evidence from before the switch."""
    return evidence_outcomes.with_safety(plain(preflight), plain(found), **plain(rest))


def with_proof(verdicts: Any, found: Any, **rest: Any) -> dict[str, Any]:
    """A wave's verdicts with the evidence from after the switch."""
    return evidence_outcomes.with_proof(plain(verdicts), plain(found), **plain(rest))


def differing_settings(hosts: Sequence[str], hostvars: Variables) -> str:
    """Which settings of a run are not the same for all hosts."""
    noted = {host: _known(hostvars, host, "rolling_update_settings") for host in plain(list(hosts))}
    return agreement.differing_settings({host: settings for host, settings in noted.items() if settings})


@_explained
def closed_window(declared: Any) -> str:
    """Why nothing may be written now."""
    return windows.closed_window(plain(declared), datetime.now(timezone.utc))


def restoring_clusters(found: Any, hosts: Any = None) -> list[dict[str, Any]]:
    """The clusters option of the module wave that gives clusters back what they had."""
    return [
        {"host": host, "resource_id": outcome["id"], **record.restoring(outcome["previous"])}
        for host, outcome in plain(found).items()
        if hosts is None or host in hosts
    ]


@_explained
def checked_clusters(entries: Any) -> list[dict[str, Any]]:
    """The clusters option of the module wave, when nothing in it is malformed, empty or double."""
    found: list[dict[str, Any]] = plain(entries)
    targets.assert_different([targets.read_target(entry, NO_SUBSCRIPTION) for entry in found])
    return found


def unreported(plan: Any, found: Any, before: Any = None) -> list[str]:
    """The planned hosts without an outcome, of all waves or of those before one."""
    planned = plain(plan).get("waves", [])
    if before is not None:
        planned = planned[: planned.index(plain(before))] if before in planned else []
    return [host for wave in planned for host in wave["hosts"] if host not in found]


@_explained
def recorded(
    text: str, hosts: Sequence[str], hostvars: Variables, run: str = "", overwrite: bool = False
) -> dict[str, Any]:
    """What the hosts' clusters had before, out of a journal or a summary."""
    known = [(parse_resource_id(entry["id"]), entry) for entry in record.recorded(str(text), str(run)).values()]
    found = {}
    for host in plain(list(hosts)):
        mine = _only_one(host, [entry for identity, entry in known if _stands_for(hostvars, host, identity)])
        if mine and mine["before"] is None:
            raise record.BadRecord(
                f"{host}: what the record says of the last switch of {mine['id']} is in a form that this release "
                f"cannot put back. Put it back by hand, and leave it out here (--limit '!{host}')."
            )
        if mine:
            expected = {} if overwrite or not mine["target"] else {"expected": mine["target"]}
            found[host] = {"resource_id": mine["id"], **record.restoring(mine["before"]), **expected}
    if not found:
        raise record.BadRecord(
            f"None of the hosts of this play is among the {len(known)} cluster(s) of the record: "
            f"{', '.join(sorted(str(identity) for identity, _unused in known))}."
        )
    put_back = {one["resource_id"] for one in found.values()}
    return {"clusters": found, "left_out": [entry["id"] for _unused, entry in known if entry["id"] not in put_back]}


def _stands_for(variables: Variables, host: str, cluster: ClusterId) -> bool:
    """Whether a host is a cluster, as far as its variables say."""
    if identity := _known(variables, host, "aks_resource_id"):
        return str(parse_resource_id(identity)).casefold() == str(cluster).casefold()
    group, name, subscription = (
        _known(variables, host, f"aks_{part}") for part in ("resource_group", "name", "subscription_id")
    )
    return (
        bool(group)
        and (str(group).casefold(), str(name or host).casefold())
        == (cluster.resource_group.casefold(), cluster.name.casefold())
        and str(subscription or cluster.subscription).casefold() == cluster.subscription.casefold()
    )


@_explained
def rollout_summary(plan: Any, found: Any, stopped: str = "", check_mode: bool = False) -> dict[str, Any]:
    """The record of a rollout."""
    ended = datetime.now(timezone.utc).isoformat(timespec="seconds")
    return summary.summary(plain(plan), plain(found), ended=ended, stopped=str(stopped), check_mode=bool(check_mode))


@_explained
def plan_table(plan: Any, window: Any = None) -> list[str]:
    """The lines of a plan."""
    return summary.plan_table(plain(plan), windows.window_line(plain(window), datetime.now(timezone.utc)))


def rollout_table(found: Any) -> list[str]:
    """The lines of a rollout's summary."""
    return summary.table(plain(found))


@_explained
def audit(clusters: Any, hosts: Sequence[str], hostvars: Variables) -> dict[str, Any]:
    """The record of an audit: of the hosts' clusters, or of all where no host stands for a cluster."""
    found = [(parse_resource_id(cluster["id"]), cluster) for cluster in plain(clusters)]
    known = {str(identity).casefold(): (identity, cluster) for identity, cluster in found}
    named = [host for host in plain(list(hosts)) if _names_a_cluster(hostvars, host)]
    if not named:
        return audits.audit([cluster for _unused, cluster in known.values()])
    rows, missing = [], []
    for host in named:
        cluster = _only_one(
            host, [cluster for identity, cluster in known.values() if _stands_for(hostvars, host, identity)]
        )
        if cluster:
            rows.append({**cluster, "host": host})
        else:
            missing.append(host)
    return audits.audit(rows, missing)


def _only_one(host: str, found: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The one cluster that a host stands for, None where there is none.

    Raises:
        BadRecord: there are several.
    """
    if len(found) > 1:
        raise record.BadRecord(
            f"Host {host} may be any of {', '.join(one['id'] for one in found)}: set its 'aks_subscription_id'."
        )
    return found[0] if found else None


def audit_table(found: Any) -> list[str]:
    """The lines of an audit."""
    return audits.audit_table(plain(found))


class FilterModule:
    """The filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {
            "audit": audit,
            "audit_table": audit_table,
            "checked_clusters": checked_clusters,
            "closed_window": closed_window,
            "differing_settings": differing_settings,
            "evidence_clusters": evidence_clusters,
            "from_here": from_here,
            "interrupted_wave": interrupted_wave,
            "judgement": judgement,
            "listed": listed,
            "pending": pending,
            "plan_table": plan_table,
            "plan_waves": plan_waves,
            "recorded": recorded,
            "restoring_clusters": restoring_clusters,
            "rollout_summary": rollout_summary,
            "rollout_table": rollout_table,
            "subscriptions": subscriptions,
            "unreported": unreported,
            "wave_consequence": wave_consequence,
            "wave_outcomes": wave_outcomes,
            "with_proof": with_proof,
            "with_safety": with_safety,
        }
