# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Stages and waves: in which order the clusters of a fleet are switched, and what follows from a wave's outcome.

Private to this collection. Pure: no I/O.

Stages are as in the update strategies of Azure Kubernetes Fleet Manager
(https://learn.microsoft.com/azure/kubernetes-fleet/update-create-update-strategy): gone through as declared, each
with the clusters that it selects. Within a stage, waves have sizes like Ansible's C(serial): numbers or
percentages of the whole stage, the last one repeated until every cluster has had its turn.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

HALT = "halt"
ROLLBACK = "rollback"
ROLLBACK_WAVE = "rollback_wave"
CONTINUE = "continue"
POLICIES = (HALT, ROLLBACK, ROLLBACK_WAVE, CONTINUE)

STAGE_KEYS = ("name", "groups", "tag", "values", "waves", "soak_seconds", "gate")


class BadPlan(ValueError):
    """The stages cannot be made into waves. The text names the stage and says what is wrong."""


@dataclass(frozen=True)
class Host:
    """A cluster as a host of the inventory, as far as planning looks at it."""

    name: str
    groups: tuple[str, ...] = ()
    tags: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Stage:
    """A declared stage.

    Attributes:
        name: its name.
        groups: inventory groups whose hosts belong to it.
        tag: the key of an Azure tag, compared without case, as Azure does.
        values: the tag's values that belong to it, compared without case.
        waves: sizes, each a number or a percentage of the stage.
        soak_seconds: how long to wait after each wave that changed something, before the next one.
        gate: whether somebody has to confirm before the stage begins.
    """

    name: str
    groups: tuple[str, ...] = ()
    tag: str | None = None
    values: tuple[str, ...] = ()
    waves: tuple[int | str, ...] = ("100%",)
    soak_seconds: int = 0
    gate: bool = False

    def takes(self, host: Host) -> bool:
        """Whether a host belongs to the stage; a stage without a selector takes every host."""
        if self.groups and not set(self.groups) & set(host.groups):
            return False
        if self.tag is None:
            return True
        tags = {key.casefold(): str(value).casefold() for key, value in (host.tags or {}).items()}
        value = tags.get(self.tag.casefold())
        return value is not None and (not self.values or value in {wanted.casefold() for wanted in self.values})


@dataclass(frozen=True)
class Wave:
    """Hosts that are switched together.

    Attributes:
        stage: the stage's name.
        number: which wave of its stage, from 1.
        of: how many waves the stage has.
        hosts: names of hosts.
        soak_seconds: how long to wait after it, where it changed something and another wave follows.
        gate: whether somebody has to confirm before it.
    """

    stage: str
    number: int
    of: int
    hosts: tuple[str, ...]
    soak_seconds: int = 0
    gate: bool = False

    def as_result(self) -> dict[str, Any]:
        """The form in which playbooks see it."""
        return {**asdict(self), "hosts": list(self.hosts)}


def read_stage(declared: Mapping[str, Any]) -> Stage:
    """Read a stage as a user wrote it.

    Raises:
        BadPlan: what is wrong with it.
    """
    name = str(declared.get("name") or "")
    if not name:
        raise BadPlan(f"A stage has no name: {dict(declared)}.")
    unknown = sorted(set(declared) - set(STAGE_KEYS))
    if unknown:
        raise BadPlan(f"Stage {name!r} has the unknown key {unknown[0]!r}; known are {', '.join(STAGE_KEYS)}.")
    if declared.get("values") and not declared.get("tag"):
        raise BadPlan(f"Stage {name!r} has 'values' without the 'tag' that they belong to.")
    soak = declared.get("soak_seconds", 0)
    if not isinstance(soak, int) or soak < 0:
        raise BadPlan(f"Stage {name!r}: 'soak_seconds' is {soak!r}, it has to be a number of seconds.")
    waves = declared.get("waves", ("100%",))
    return Stage(
        name=name,
        groups=tuple(declared.get("groups") or ()),
        tag=declared.get("tag"),
        values=tuple(str(value) for value in declared.get("values") or ()),
        waves=tuple(waves) if isinstance(waves, (list, tuple)) else (waves,),
        soak_seconds=soak,
        gate=bool(declared.get("gate", False)),
    )


def wave_sizes(declared: Sequence[int | str], total: int) -> list[int]:
    """The sizes of the waves that take in C(total) hosts, by numbers and percentages of the total.

    Raises:
        BadPlan: a size is neither a positive number nor a percentage.
    """
    sizes: list[int] = []
    position = 0
    while sum(sizes) < total:
        size = declared[min(position, len(declared) - 1)] if declared else "100%"
        position += 1
        match = re.fullmatch(r"(\d+)(%?)", str(size).strip())
        if match is None or int(match[1]) == 0 or (match[2] and int(match[1]) > 100):
            raise BadPlan(f"'waves' has {size!r}: a wave is a number of clusters or a percentage such as '25%'.")
        wanted = max(1, total * int(match[1]) // 100) if match[2] else int(match[1])
        sizes.append(min(wanted, total - sum(sizes)))
    return sizes


def plan_waves(hosts: Sequence[Host], stages: Sequence[Mapping[str, Any]]) -> tuple[list[Wave], list[str]]:
    """The waves of a fleet in the order in which they are to run, and the hosts that no stage takes.

    A host belongs to the first stage that takes it. Within a stage the order is that of the names, so that a rerun
    makes the same waves.

    Raises:
        BadPlan: the stages cannot be made into waves.
    """
    read = [read_stage(stage) for stage in stages] or [Stage(name="all")]
    names = [stage.name for stage in read]
    if len(set(names)) < len(names):
        raise BadPlan(f"Stages need different names, these are: {', '.join(names)}.")
    left = sorted(hosts, key=lambda host: host.name)
    waves: list[Wave] = []
    for stage in read:
        taken = [host.name for host in left if stage.takes(host)]
        left = [host for host in left if not stage.takes(host)]
        waves += _waves_of(stage, taken)
    return waves, [host.name for host in left]


def _waves_of(stage: Stage, hosts: Sequence[str]) -> list[Wave]:
    sizes = wave_sizes(stage.waves, len(hosts))
    waves = []
    for number, size in enumerate(sizes, start=1):
        start = sum(sizes[: number - 1])
        waves.append(
            Wave(
                stage=stage.name,
                number=number,
                of=len(sizes),
                hosts=tuple(hosts[start : start + size]),
                soak_seconds=stage.soak_seconds,
                gate=stage.gate and number == 1,
            )
        )
    return waves


@dataclass(frozen=True)
class Consequence:
    """What follows from a wave's verdicts.

    Attributes:
        rollback: hosts to put back.
        stop: whether no further wave may begin.
        reason: why it stops; empty when it does not.
    """

    rollback: tuple[str, ...] = ()
    stop: bool = False
    reason: str = ""

    def as_result(self) -> dict[str, Any]:
        """The form in which playbooks see it."""
        return {**asdict(self), "rollback": list(self.rollback)}


def consequence(
    verdicts: Mapping[str, Mapping[str, Any]], policy: str, *, failed_before: int = 0, ceiling: int | None = None
) -> Consequence:
    """What to do after a wave.

    Only clusters that were written to are put back: what was refused has nothing to put back.

    Args:
        verdicts: by host, each with C(ok) (whether it is as asked for), C(changed) (whether it was written to).
        policy: one of POLICIES.
        failed_before: how many clusters failed in earlier waves.
        ceiling: how many failed clusters end the rollout whatever the policy; None for no such number.
    """
    bad = [host for host, verdict in verdicts.items() if not verdict["ok"]]
    if not bad:
        return Consequence()
    written = {host for host, verdict in verdicts.items() if verdict["changed"]}
    rollback = {
        HALT: (),
        CONTINUE: (),
        ROLLBACK: tuple(host for host in bad if host in written),
        ROLLBACK_WAVE: tuple(host for host in verdicts if host in written),
    }[policy]
    failed = failed_before + len(bad)
    if policy != CONTINUE:
        return Consequence(rollback, stop=True, reason=f"{len(bad)} cluster(s) of the wave failed: {', '.join(bad)}")
    if ceiling is not None and failed >= ceiling:
        return Consequence(rollback, stop=True, reason=f"{failed} cluster(s) failed, the ceiling is {ceiling}")
    return Consequence(rollback)
