"""The faults of the campaign, one table.

A fault is either scripted in the emulator, which strikes at requests, or a deed: something that happens to a cluster,
to the machine or to the run at a moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PREVIEW, ROLLOUT, ROLLBACK = "preview", "rollout", "rollback"
"""The acts of a story in which faults strike: a run in check mode, the rollout, and putting everything back."""
WRITING = (ROLLOUT, ROLLBACK)
EVERYWHERE = (PREVIEW, *WRITING)
OF_ALL = ("advance", "jump", "refuse", "kill", "fill_journal", "fill_summary", "second_controller")
"""Deeds that concern no cluster more than any other."""


@dataclass(frozen=True)
class Order:
    """A fault as the emulator's control plane takes it, without the cluster.

    Attributes:
        fault: its name there.
        times: how often it strikes; None without end.
        match: which requests are meant, beside those about the cluster.
        anywhere: whether requests about any cluster are meant.
        parameters: the fault's own.
    """

    fault: str
    times: int | None = 1
    match: Mapping[str, str] = field(default_factory=dict)
    anywhere: bool = False
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Fault:
    """One fault of the campaign.

    Attributes:
        name: as the table of results has it.
        what: what happens, for readers.
        order: the script for the emulator; None for a deed.
        deed: what the stage does at the moment, by the name of its method; empty for an order.
        arguments: those of the deed.
        acts: the acts in which it can strike.
        nodes: whether it can strike only where the clusters themselves are asked.
        slow: whether it takes minutes; the short campaign leaves it out.
    """

    name: str
    what: str
    order: Order | None = None
    deed: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    acts: tuple[str, ...] = EVERYWHERE
    nodes: bool = False
    slow: bool = False

    @property
    def everywhere(self) -> bool:
        """Whether it strikes at all clusters, or at what they all depend on."""
        return self.order.anywhere if self.order else self.deed in OF_ALL


def _request(name: str, what: str, fault: str, *, times: int | None = 1, **parameters: Any) -> Fault:
    """A fault of any request about a cluster."""
    return Fault(name, what, Order(fault, times, parameters=parameters))


def _write(name: str, what: str, fault: str, *, times: int | None = 1, **parameters: Any) -> Fault:
    """A fault of the PUT of a cluster, or of what follows from it."""
    return Fault(name, what, Order(fault, times, {"method": "PUT"}, parameters=parameters), acts=WRITING)


def _deed(name: str, what: str, deed: str, *, acts: tuple[str, ...] = EVERYWHERE, **arguments: Any) -> Fault:
    return Fault(name, what, deed=deed, arguments=arguments, acts=acts)


def _inside(name: str, what: str, **settings: Any) -> Fault:
    """Something inside a cluster, which only those see who ask its nodes."""
    return Fault(name, what, deed="change_inside", arguments=settings, acts=WRITING, nodes=True)


SIGN_IN = {"path": "/oauth2/"}
KUBERNETES = {"api": "kubernetes"}

FAULTS = (
    _request("429", "throttled without a word how long", "throttled", times=2),
    _request("429 with Retry-After", "throttled, told how long", "throttled", times=2, retry_after=1),
    _request("throttling burst", "eight answers in a row are 429", "throttled", times=8, retry_after=1),
    _request("500", "an internal error", "server_error", status=500),
    _request("502", "a gateway's page", "server_error", status=502, shape="html"),
    _request("503", "unavailable", "server_error", status=503),
    _request("504", "a gateway's time-out", "server_error", status=504),
    _deed("connection refused", "nobody listens for a while", "refuse", seconds=1.5),
    _request("reset before", "the connection is cut before the request is taken", "cut_before"),
    _request("reset after", "the request is taken, its answer lost", "cut_after"),
    _write("write taken, answer lost", "the PUT is taken, its answer lost", "cut_after"),
    _request("answer cut", "the connection breaks in the middle of the answer", "cut_within"),
    _request("half JSON", "half an answer as if it were whole", "garbage"),
    _request("slow answer", "an answer comes after three seconds", "slow", seconds=3),
    Fault(
        "time-out",
        "an answer comes after the client has given up",
        Order("slow", 1, parameters={"seconds": 125}),
        slow=True,
    ),
    _request("token expired", "401, the token has expired", "token_expired"),
    Fault(
        "sign-in fails",
        "the token endpoint answers 500",
        Order("server_error", 2, SIGN_IN, anywhere=True, parameters={"status": 500}),
    ),
    _write("eTag race", "409, somebody else's write came first", "etag_race"),
    _write("changed underneath", "somebody changes tags between the look and the PUT", "changed_underneath"),
    _write(
        "autoscaler underneath",
        "the number of nodes changes between the look and the PUT",
        "changed_underneath",
        patch={"properties": {"agentPoolProfiles": {"*": {"count": 5}}}},
    ),
    _write("operation in progress", "409, another operation runs", "operation_in_progress", times=2),
    _deed("foreign operation", "somebody else's operation begins", "begin_operation", acts=WRITING, seconds=120),
    _write("operation fails", "the operation ends Failed", "operation_failed"),
    _write("operation fails, undone", "Failed, and Azure has put it back", "operation_failed", config="restored"),
    _write("operation never ends", "it goes on beyond the time-out", "operation_stuck"),
    _write("success without effect", "Azure reports success, and nothing has changed", "ignored"),
    _deed("cluster stopped", "somebody stops a cluster", "stop_cluster", acts=WRITING),
    _deed("cluster deleted", "somebody deletes a cluster", "delete_cluster", acts=WRITING),
    _deed("lock appears", "writes are refused from some moment on", "lock", acts=WRITING),
    _deed("autoscaler", "the number of nodes changes", "scale", acts=WRITING),
    _deed("clock jumps ahead", "Azure's time jumps ahead by an hour", "advance", seconds=3600),
    _deed("clock jumps back", "Azure's answers tell a time an hour earlier than before", "jump", seconds=-3600),
    Fault(
        "Kubernetes API fails",
        "the API servers answer 500 a few times",
        Order("server_error", 4, KUBERNETES, anywhere=True, parameters={"status": 500}),
        nodes=True,
    ),
    _inside("Kubernetes API gone", "a cluster's API server does not answer", api="unreachable"),
    _inside("node keeps its pod", "a node's pod is never replaced", stuck_nodes=1),
    _inside("node runs another mode", "a node says that it runs the old mode", lying_nodes=1),
    _inside("node crashes", "a node's new pod crashes again and again", crashing_nodes=1),
)

KILLS = tuple(
    _deed(f"killed by {name}", f"the controller gets {name}", "kill", acts=WRITING, number=name)
    for name in ("SIGTERM", "SIGKILL", "SIGINT")
)

# Not of a moment but of a whole act; one at a time.
CIRCUMSTANCES = (
    _deed("journal's disk full", "no line of the journal can be written", "fill_journal", acts=WRITING),
    _deed("summary's disk full", "no file as large as the summary can be written", "fill_summary", acts=WRITING),
    _deed("two controllers", "a second run does the same on the same clusters", "second_controller", acts=WRITING),
)

ALL = (*FAULTS, *KILLS, *CIRCUMSTANCES)

_SIGTERM, _SIGKILL, _SIGINT = KILLS
_JOURNAL_FULL, _SUMMARY_FULL, _TWO = CIRCUMSTANCES
INTERRUPTIONS = (
    *((one,) for one in (*KILLS, *CIRCUMSTANCES, _JOURNAL_FULL)),
    (_SIGTERM, _TWO),
    (_SIGKILL, _TWO),
    (_SIGINT, _SUMMARY_FULL),
)
"""What a writing act gets besides, in turns. Each kill and circumstance comes in a fifth of the acts or more."""
