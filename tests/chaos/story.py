"""What a story of the campaign consists of: drawn from its seed and number alone, so that it can be told again."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from tests.chaos.faults import EVERYWHERE, FAULTS, INTERRUPTIONS, KILLS, PREVIEW, ROLLBACK, ROLLOUT, Fault

T = TypeVar("T")

SIZE = 6
"""Clusters in a story's fleet."""
STRIKES = {PREVIEW: 14, ROLLOUT: 20, ROLLBACK: 16}
"""Faults that are laid for each act."""
PREVIEWS = 0.75
LATEST = {PREVIEW: 12, ROLLOUT: 60, ROLLBACK: 40}
"""Requests to Resource Manager after which the last deed happens, at the latest."""

IPVS = {"enabled": True, "mode": "IPVS", "ipvsConfig": {"scheduler": "LeastConnection", "tcpTimeoutSeconds": 900}}
BEGINNINGS: tuple[dict[str, Any], ...] = (
    {"mode": "absent"},
    {"mode": "IPTABLES"},
    {"kube_proxy": IPVS},
    {"mode": "disabled", "plugin": "none"},
)
"""What clusters have at first."""
BODIES: tuple[dict[str, Any], ...] = (
    {},
    {"tags": {"team": "payments", "environment": "test"}},
    {"tags": {"team": "network"}, "autoscaler": {"min": 1, "max": 9}},
    {
        "pools": [
            {"name": "system", "count": 2, "mode": "System"},
            {"name": "user", "count": 3, "mode": "User", "autoscaler": {"min": 1, "max": 9}},
        ]
    },
)
"""What else a PUT must not lose."""


@dataclass(frozen=True)
class Strike:
    """A fault laid for one act.

    Attributes:
        fault: which one.
        cluster: the cluster that is meant.
        after: of a script, how many requests pass first; of a deed, after how many requests of the act it happens.
    """

    fault: Fault
    cluster: str
    after: int

    def __str__(self) -> str:
        """For people."""
        return f"{self.fault.name} ({self.cluster}, {self.after})"


@dataclass(frozen=True)
class Story:
    """One story.

    Attributes:
        seed: the campaign's.
        number: its number in the campaign.
        fleet: the clusters, in the emulator's words.
        variables: those of the rollout.
        flag: the state of the preview flag.
        previews: whether it begins with a run in check mode.
        verbosity: how much ansible-playbook tells.
        strikes: the faults by act.
    """

    seed: int
    number: int
    fleet: tuple[dict[str, Any], ...]
    variables: dict[str, Any]
    flag: str
    previews: bool
    verbosity: int
    strikes: dict[str, tuple[Strike, ...]]

    @property
    def names(self) -> tuple[str, ...]:
        """The clusters' names."""
        return tuple(cluster["name"] for cluster in self.fleet)


def story(seed: int, number: int, *, short: bool = False) -> Story:
    """Draw a story.

    Args:
        seed: the campaign's.
        number: the story's, from 0.
        short: leave out faults that take minutes.
    """
    dice = random.Random(f"{seed}/{number}")
    names = [f"c{index}" for index in range(SIZE)]
    fleet = tuple(
        {"name": name, "resource_group": "rg1", **dice.choice(BEGINNINGS), **dice.choice(BODIES)} for name in names
    )
    nodes = dice.choice(("off", "when_possible", "required", "required"))
    variables = {
        "mode": "NFTABLES",
        "enabled": True,
        "policy": dice.choice(("halt", "rollback", "rollback_wave", "continue", "continue", "continue")),
        "max_parallel": dice.choice((1, 3, 50)),
        "verify": nodes,
        "stages": [{"name": "all", "waves": dice.choice((["100%"], [2, "100%"]))}],
    }
    return Story(
        seed=seed,
        number=number,
        fleet=fleet,
        variables=variables,
        flag=dice.choice(("Registered", "Registered", "NotRegistered")),
        previews=dice.random() < PREVIEWS,
        verbosity=dice.choice((0, 0, 1, 3)),
        strikes={
            act: _strikes(dice, seed, number, act, names, nodes=nodes != "off", short=short) for act in EVERYWHERE
        },
    )


def _strikes(
    dice: random.Random, seed: int, number: int, act: str, names: Sequence[str], *, nodes: bool, short: bool
) -> tuple[Strike, ...]:
    fitting = [one for one in FAULTS if act in one.acts and not (short and one.slow)]
    dealt = _dealt(f"{seed}/{act}", fitting, number * STRIKES[act], STRIKES[act])
    chosen = [fault for fault in dealt if nodes or not fault.nodes]
    if act != PREVIEW:
        (interruption,) = _dealt(f"{seed}/{act}/interruptions", INTERRUPTIONS, number, 1)
        chosen += interruption
    return tuple(Strike(fault, dice.choice(names), _moment(dice, act, fault)) for fault in chosen)


def _moment(dice: random.Random, act: str, fault: Fault) -> int:
    if fault in KILLS:  # late, so that there is something that it can interrupt
        return dice.randint(LATEST[act] // 3, LATEST[act])
    if fault.nodes:  # from the beginning: what the nodes do later on nobody can have seen
        return 0
    if fault.order is None:
        return dice.randint(1, LATEST[act] // 2)
    return dice.choice((0, 0, 1, 2)) if "method" not in fault.order.match else 0


def _dealt(seed: str, cards: Sequence[T], first: int, many: int) -> list[T]:
    """Cards from a pack that is shuffled again and again, so that each comes as often as any other."""
    pack = _pack(random.Random(seed), cards)
    for _passed in range(first):
        next(pack)
    return [next(pack) for _taken in range(many)]


def _pack(dice: random.Random, cards: Sequence[T]) -> Iterator[T]:
    while True:
        yield from dice.sample(cards, len(cards))
