# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Stages and waves: in which order the clusters of a fleet are switched.

Private to this collection. Pure: no I/O.

Stages are as in the update strategies of Azure Kubernetes Fleet Manager
(https://learn.microsoft.com/azure/kubernetes-fleet/update-create-update-strategy): gone through as declared, each
with the clusters that it selects. Within a stage, waves have sizes like Ansible's C(serial): numbers or
percentages of the whole stage, the last one repeated until every cluster has had its turn.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

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
        gate: whether somebody has to confirm before its stage begins; who did so once, did for all waves of the stage.
        last: whether no wave of any stage follows.
    """

    stage: str
    number: int
    of: int
    hosts: tuple[str, ...]
    soak_seconds: int = 0
    gate: bool = False
    last: bool = False

    def as_result(self) -> dict[str, Any]:
        """The form in which playbooks see it."""
        return {**asdict(self), "hosts": list(self.hosts)}


def read_stage(declared: Mapping[str, Any]) -> Stage:
    """Read a stage as a user wrote it.

    Raises:
        BadPlan: what is wrong with it.
    """
    if not isinstance(declared, Mapping):
        raise BadPlan(f"A stage is {declared!r:.80}, it has to be a table with a 'name'.")
    name = declared.get("name")
    if not isinstance(name, (str, int)) or not str(name):
        raise BadPlan(f"A stage has no name: {dict(declared)!r:.200}.")
    name = str(name)
    unknown = sorted(map(str, set(declared) - set(STAGE_KEYS)))
    if unknown:
        raise BadPlan(f"Stage {name!r} has the unknown key {unknown[0]!r}; known are {', '.join(STAGE_KEYS)}.")
    if declared.get("values") and not declared.get("tag"):
        raise BadPlan(f"Stage {name!r} has 'values' without the 'tag' that they belong to.")
    soak = declared.get("soak_seconds", 0)
    if isinstance(soak, bool) or not isinstance(soak, int) or soak < 0:
        raise BadPlan(f"Stage {name!r}: 'soak_seconds' is {soak!r}, it has to be a number of seconds.")
    gate = declared.get("gate", False)
    if not isinstance(gate, bool):
        raise BadPlan(f"Stage {name!r}: 'gate' is {gate!r}, it has to be true or false.")
    tag = declared.get("tag")
    if tag is not None and not isinstance(tag, str):
        raise BadPlan(f"Stage {name!r}: 'tag' is {tag!r}, it has to be the key of a tag.")
    return Stage(
        name=name,
        groups=tuple(_texts(name, "groups", declared)),
        tag=tag,
        values=tuple(_texts(name, "values", declared)),
        waves=tuple(_texts(name, "waves", declared)) or ("100%",),
        soak_seconds=soak,
        gate=gate,
    )


def _texts(stage: str, key: str, declared: Mapping[str, Any]) -> list[str]:
    """A list of texts or numbers; a single one is a list of one.

    Raises:
        BadPlan: it is neither.
    """
    value = declared.get(key)
    items = [] if value is None else value if isinstance(value, (list, tuple)) else [value]
    if not all(isinstance(item, (str, int)) and not isinstance(item, bool) for item in items):
        raise BadPlan(f"Stage {stage!r}: {key!r} is {value!r}, it has to be a list of names.")
    return [str(item) for item in items]


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
        wanted = share(size, total)
        if wanted is None:
            raise BadPlan(f"'waves' has {size!r}: a wave is a number of clusters or a percentage such as '25%'.")
        sizes.append(min(wanted, total - sum(sizes)))
    return sizes


def share(size: int | str, total: int) -> int | None:
    """How many a number or a percentage of a total is, one at least; None when it is neither."""
    match = re.fullmatch(r"(\d{1,9})(%?)", str(size).strip())
    if match is None or int(match[1]) == 0 or (match[2] and int(match[1]) > 100):
        return None
    return max(1, total * int(match[1]) // 100) if match[2] else int(match[1])


def plan_waves(
    hosts: Sequence[Host], stages: Sequence[Mapping[str, Any]], only: Sequence[str] = ()
) -> tuple[list[Wave], list[str]]:
    """The waves of a fleet in the order in which they are to run, and the hosts that no stage takes.

    A host belongs to the first stage that takes it. Within a stage the order is that of the names, so that a rerun
    makes the same waves.

    Args:
        hosts: the fleet.
        stages: the stages as a user declared them; without any, all hosts are one stage and one wave.
        only: names of the stages that are to run; the others keep their hosts for another run. Empty for all.

    Raises:
        BadPlan: the stages cannot be made into waves.
    """
    if not isinstance(stages, (list, tuple)):
        raise BadPlan(f"The stages are {stages!r:.80}, they have to be a list.")
    for host in hosts:
        if not isinstance(host.tags or {}, Mapping):
            raise BadPlan(f"Host {host.name}: its tags ('aks_tags') are {host.tags!r:.80}, they have to be a table.")
    read = [read_stage(stage) for stage in stages] or [Stage(name="all")]
    names = [stage.name for stage in read]
    if len(set(names)) < len(names):
        raise BadPlan(f"Stages need different names, these are: {', '.join(names)}.")
    strange = [name for name in only if name not in names]
    if strange:
        raise BadPlan(f"There is no stage {strange[0]!r}; declared are {', '.join(names)}.")
    left = sorted(hosts, key=lambda host: host.name)
    waves: list[Wave] = []
    for stage in read:
        taken = [host.name for host in left if stage.takes(host)]
        left = [host for host in left if not stage.takes(host)]
        if not only or stage.name in only:
            waves += _waves_of(stage, taken)
    if waves:
        waves[-1] = replace(waves[-1], last=True)
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
                gate=stage.gate,
            )
        )
    return waves
