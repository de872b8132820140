# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What a wave came to, and what follows from it: whom to put back, and whether to go on.

Private to this collection. Pure: no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.aks.kube_proxy.plugins.module_utils._domain import verdict as ends
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.plan import LAST_OPERATION_FAILED
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.record import SUBMITTING, journal_lines
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.waves import share

HALT = "halt"
ROLLBACK = "rollback"
ROLLBACK_WAVE = "rollback_wave"
CONTINUE = "continue"
POLICIES = (HALT, ROLLBACK, ROLLBACK_WAVE, CONTINUE)

HOOK_FAILED = "HookFailed"
INTERRUPTED = "Interrupted"
RUN_AGAIN = "Run again: what is under way is waited for, and what was done is found out."

Verdicts = Mapping[str, Mapping[str, Any]]
Outcomes = dict[str, dict[str, Any]]


class BadPolicy(ValueError):
    """The policy or the ceiling cannot be understood."""


def pending(preflight: Verdicts) -> list[str]:
    """The hosts of a preflight that something is left to do for: to switch, or to wait for a running operation."""
    return [
        host
        for host, verdict in preflight.items()
        if verdict["state"] == ends.WOULD_SWITCH or (verdict["ok"] and not verdict["verified"])
    ]


def interrupted(preflight: Verdicts, journal: str, run: str, why: str) -> Outcomes:
    """The verdicts of a switch that ended in its middle and told nothing, since its process died for example.

    Who was written to stands in the journal. Without one, anybody may have been.

    Args:
        preflight: the verdicts before anything was written.
        journal: the text of the journal; empty where none is kept.
        run: the name of the run.
        why: what is known of the end.
    """
    announced = {
        line["id"].casefold()
        for line in journal_lines(journal)
        if line.get("event") == SUBMITTING and line.get("run") == run
    }
    found = {host: dict(preflight[host]) for host in pending(preflight)}
    cause = f"The task that switches the wave ended in its middle: {why.strip() or 'nobody knows why.'}"
    for verdict in found.values():
        written = verdict["id"].casefold() in announced or not journal
        verdict.update(
            state=ends.FAILED,
            ok=False,
            changed=written,
            current=verdict["current"] if written else verdict["previous"],
            verified=None,
            reason=f"{cause} {RUN_AGAIN}",
            advice=RUN_AGAIN,
            code=INTERRUPTED,
        )
    return found


def wave_outcomes(
    preflight: Verdicts,
    *,
    switched: Verdicts | None = None,
    hook_failed: Sequence[str] = (),
    rolled_back: Verdicts | None = None,
    not_rolled_back: Sequence[str] = (),
    rollback_error: str = "",
    stopped: str = "",
    skip_blocked: bool = False,
    required: bool = False,
) -> Outcomes:
    """What became of each cluster of a wave, from all that was done to it.

    Args:
        preflight: the verdicts before anything was written.
        switched: the verdicts of the switch, for those that were switched.
        hook_failed: those for which a hook failed.
        rolled_back: the verdicts of putting clusters back.
        not_rolled_back: those that were to be put back, when that could not be begun.
        rollback_error: why it could not.
        stopped: why the wave was not begun; empty when it was.
        skip_blocked: whether a cluster that a rule blocks is left out, in place of counting as a failure.
        required: whether a cluster whose nodes could not be asked counts as a failure.

    Returns:
        the verdicts by host, with C(bad): whether the cluster counts as a failure.
    """
    found = {host: dict(verdict) for host, verdict in preflight.items()}
    for host, verdict in (switched or {}).items():
        found[host] = {**verdict, "findings": _together(found[host]["findings"], verdict["findings"])}
    undone = pending(found)
    for host, outcome in found.items():
        unwritten = stopped and host in undone
        if unwritten:
            outcome.update(changed=False, current=outcome["previous"])
        if host in hook_failed and (outcome["ok"] or outcome["state"] == ends.UNVERIFIED):
            outcome.update(
                state=ends.FAILED, ok=False, code=HOOK_FAILED, reason="A hook failed, or never ended, for this cluster."
            )
        elif unwritten:
            outcome.update(state=ends.NOT_STARTED, ok=False, reason=stopped)
    for host, verdict in (rolled_back or {}).items():
        found[host] = _put_back(found[host], verdict)
    for host in not_rolled_back if rollback_error else ():
        reason = f"{found[host]['reason']} Putting it back could not be begun: {rollback_error}".strip()
        found[host].update(state=ends.ROLLBACK_FAILED, ok=False, reason=reason, advice="")
    return {host: {**outcome, "bad": _is_failure(outcome, skip_blocked, required)} for host, outcome in found.items()}


def _together(before: Sequence[Any], after: Sequence[Any]) -> list[Any]:
    """The findings of the preflight, which asked the cluster itself too, and those that came after."""
    return [*before, *(finding for finding in after if finding not in before)]


def _is_failure(outcome: Mapping[str, Any], skip_blocked: bool, required: bool) -> bool:
    """Whether an outcome counts as a failure.

    A cluster whose last operation failed, or that gave no evidence where it is required, is never just left out.
    """
    if outcome["state"] == ends.BLOCKED:
        return not skip_blocked or outcome["code"] in (LAST_OPERATION_FAILED, ends.NO_EVIDENCE)
    if outcome["state"] == ends.UNVERIFIED:
        return required
    return not outcome["ok"] and outcome["state"] != ends.NOT_STARTED


def judgement(
    outcomes: Verdicts, host: str, planned: Sequence[str], *, stopped: str = "", check_mode: bool = False
) -> str:
    """Why a host fails at the end of a rollout; empty when it does not.

    A stop without a failure, at a gate or outside the time window, is no success either: those fail whose turn did not
    come. And whatever made a host drop out, nobody has said that its cluster is as asked for.

    Args:
        outcomes: what became of the clusters, by host.
        host: the host.
        planned: all hosts of the plan; empty where there was none.
        stopped: why the rollout stopped early; empty when it did not.
        check_mode: whether it only predicted.
    """
    outcome = outcomes.get(host)
    if outcome and outcome["bad"]:
        return str(outcome["reason"]) or "The cluster is not as asked for."
    if stopped:
        not_begun = outcome is None or outcome["state"] == ends.NOT_STARTED
        nobody_failed = not any(other["bad"] for other in outcomes.values())
        if check_mode:  # it goes on where the run would stop, so that only what could not be looked at has no outcome
            return stopped if outcome is None and host in planned else ""
        return stopped if not_begun and nobody_failed else ""
    if outcome is None and host in planned:
        return "The rollout went on without this cluster. Look at the journal and at Azure for what became of it."
    return ""


def _put_back(outcome: Mapping[str, Any], verdict: Mapping[str, Any]) -> dict[str, Any]:
    cause = outcome["reason"].removesuffix(outcome["advice"]).strip()  # its advice is out of date
    why = f"{cause} It was put back." if cause else "It was put back with the rest of its wave."
    done = verdict["ok"] or verdict["state"] == ends.UNVERIFIED
    unproven = "" if verdict["ok"] else f" {verdict['reason']}"
    return {
        **outcome,
        "state": ends.ROLLED_BACK if done else ends.ROLLBACK_FAILED,
        "ok": False,
        "changed": True,
        "current": verdict["current"],
        "verified": verdict["verified"],
        "seconds": round(outcome["seconds"] + verdict["seconds"], 1),
        "reason": f"{why}{unproven}" if done else f"{cause} Putting it back failed: {verdict['reason']}".strip(),
        "advice": "" if done else verdict["advice"],
        "code": outcome["code"] if done else verdict["code"],
        "evidence": (outcome if verdict["ok"] else verdict).get("evidence"),
    }


@dataclass(frozen=True)
class Consequence:
    """What follows from a wave's outcome.

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


def _is_ours(outcome: Mapping[str, Any]) -> bool:
    """Whether what a cluster has now was written here; where Azure reads otherwise after all, somebody else has it."""
    return bool(outcome["changed"]) and outcome["state"] != ends.WOULD_SWITCH and outcome["code"] != ends.NOT_APPLIED


def consequence(
    outcomes: Verdicts, policy: str, *, failed_before: int = 0, ceiling: int | str | None = None, total: int = 0
) -> Consequence:
    """What to do after a wave.

    Only clusters that were written to are put back: what was refused has nothing to put back, and what somebody else
    has written since is not ours to put back. Missing evidence puts nothing back, it only stops, whatever the policy.

    Args:
        outcomes: by host, as C(wave_outcomes) gives them.
        policy: one of POLICIES.
        failed_before: how many clusters failed in earlier waves.
        ceiling: how many failed clusters end the rollout even where it would continue, a number or a percentage of the
            total; None for no such number.
        total: how many clusters the rollout has.

    Raises:
        BadPolicy: the policy or the ceiling cannot be understood.
    """
    if policy not in POLICIES:
        raise BadPolicy(f"The failure policy is {policy!r}; it has to be one of {', '.join(POLICIES)}.")
    most = None if ceiling in (None, "") else share(ceiling, total)
    if most is None and ceiling not in (None, ""):
        raise BadPolicy(
            f"The ceiling of failures is {ceiling!r}; it has to be a number from 1 on, or a percentage such as '5%'."
        )
    if not total and str(ceiling).endswith("%"):
        raise BadPolicy(f"The ceiling of failures is {ceiling!r}: a percentage needs a plan to be a part of.")
    bad = [host for host, outcome in outcomes.items() if outcome["bad"]]
    if not bad:
        return Consequence()
    written = [host for host, outcome in outcomes.items() if _is_ours(outcome)]
    failing = [host for host in bad if outcomes[host]["state"] != ends.UNVERIFIED]
    rollback: dict[str, list[str]] = {
        ROLLBACK: [host for host in written if host in failing],
        ROLLBACK_WAVE: written if failing else [],
    }
    back = tuple(rollback.get(policy, ()))
    failed = failed_before + len(bad)
    if policy != CONTINUE or len(failing) < len(bad):  # where evidence is required, nobody goes on without it
        return Consequence(back, stop=True, reason=_why(bad, failing))
    if most is not None and failed >= most:
        return Consequence(back, stop=True, reason=f"{failed} cluster(s) failed, the ceiling is {most}.")
    return Consequence(back)


def _why(bad: Sequence[str], failing: Sequence[str]) -> str:
    """Why a wave is the last one."""
    unverified = [host for host in bad if host not in failing]
    parts = [
        f"{len(hosts)} cluster(s) of the wave {what}: {', '.join(hosts)}."
        for what, hosts in (("failed", failing), ("are unverified, and evidence is required", unverified))
        if hosts
    ]
    return " ".join(parts)
