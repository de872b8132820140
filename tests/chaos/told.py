"""The invariants of what a run says of itself: its summary, its words on the screen, its exit status."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from tests.chaos.act import RERUN, Act, Played
from tests.chaos.faults import PREVIEW, ROLLOUT
from tests.chaos.judged import NOTHING, Judged
from tests.chaos.meaning import RUNS, WANTED, configuration, returned
from tests.chaos.puts import accepted
from tests.chaos.witness import arrived

SUMMARY_FULL = "summary's disk full"
REMEDY = re.compile(
    r"(^|[.:;\])] |, or |, and |, )"
    r"(Ask|Check|Choose|Delete|Find|Free|Give|Let|Look|Make|Mend|Raise|Read|Reboot|Register|Remove|Repair|Run|Set|Start"
    r"|Try|Unlock|Use|Wait|ask|choose|free|look|open|remove|repair|run|set|start|wait)\b"
)
"""An imperative at the beginning of a sentence, or of a part of one."""
FAILED = re.compile(r"^fatal: |^\[?ERROR", re.MULTILINE)
"""How ansible-playbook tells of a failure."""
TALLY = re.compile(r"cluster\(s\): ([\w, ]+)")
"""The last line of the printed summary."""
WELL_IN_CHECK_MODE = re.compile(r"(\d+ (would switch|unchanged)(, )?)+")


def truthful_summary(played: Played, act: Act) -> Judged:
    """There is a summary of whatever was done, and it says of each cluster what became of it."""
    if act.name == PREVIEW or act.killed is not None:
        return NOTHING
    alone = len(act.statuses) == 1
    found = [
        text
        for summary in act.summaries
        for row in summary["clusters"]
        for text in _untruths(played, act, row, alone=alone)
    ]
    if SUMMARY_FULL not in act.struck:
        found += _missing(act)
    return Judged({row["host"] for summary in act.summaries for row in summary["clusters"]}, found)


def _missing(act: Act) -> Iterator[str]:
    """Summaries that are not there, though a run ended well or wrote; and clusters that a summary keeps still about."""
    least = max(act.statuses.count(0), 1 if accepted(act) else 0)
    if len(act.summaries) < least:
        yield f"{len(act.summaries)} summaries of {least} or more"
    for summary in act.summaries:
        hosts = {row["host"] for row in summary["clusters"]}
        if hosts - set(act.before) or set(act.before) - {*hosts, *summary["left_out"]}:
            yield f"the summary tells of {sorted(hosts)}, the act was about {sorted(act.before)}"


def _untruths(played: Played, act: Act, row: Mapping[str, Any], *, alone: bool) -> Iterator[str]:
    name, state = row["host"], row["state"]
    puts = accepted(act)[name]
    if alone and state in ("blocked", "not_started", "stopped") and puts:
        yield f"{name} is called {state}, but was written to"
    if alone and row["changed"] != bool(puts) and not (row["changed"] and arrived(act.arrivals)[name]):
        called = "changed" if row["changed"] else "unchanged"
        yield f"{name} is called {called}, but Azure took {puts} writes"
    if name not in act.after:
        looks = [one.moment for one in act.arrivals if one.cluster == name]
        if alone and row["ok"] and name in act.gone and max(looks, default=0.0) > act.gone[name]:
            yield f"{name} is called {state}, but was asked for after it had been deleted"
        return
    now, then = configuration(act.after[name]), configuration(act.before[name])
    wanted = WANTED if act.name in (ROLLOUT, RERUN) else configuration(played.acts[0].before[name])
    if row["ok"] and now != wanted:
        yield f"{name} is called {state}, but has {now}"
    if state == "rolled_back" and now != then:
        yield f"{name} is called rolled back, but has {now} instead of {then}"
    if (
        state in ("switched", "unchanged", "rolled_back", "failed")
        and row["after"]
        and returned(row["after"]) != now
        and alone
    ):
        yield f"{name}, {state}: 'after' says {returned(row['after'])}, Azure has {now}"
    if row["verified"] == "nodes" and row["ok"] and act.modes[name] != RUNS[now[0]]:
        yield f"{name} is called proven, but its nodes run {sorted(act.modes[name])}"


def speaking_failures(_played: Played, act: Act) -> Judged:
    """Every failure names the cluster, a code and a remedy, in the summary and in what is printed."""
    if act.killed is not None:
        return NOTHING
    if SUMMARY_FULL in act.struck:
        if "Write the summary of the rollout" not in act.output:  # it ended before
            return NOTHING
        told = "No space left" in act.output
        return Judged(act.before, [] if told else ["nothing tells that the summary could not be written"])
    rows = [
        row
        for summary in act.summaries
        for row in summary["clusters"]
        if not row["ok"] and row["state"] not in ("not_started", "stopped")
    ]
    lines = [" ".join(line.split()) for line in act.output.splitlines()]
    found = [text for row in rows for text in _unspoken(row, lines)]
    if not rows and not act.summaries and any(act.statuses) and not FAILED.search(act.output):
        found.append("the run failed without a summary, and without a word")
    return Judged({row["host"] for row in rows}, found)


def _unspoken(row: Mapping[str, Any], lines: Collection[str]) -> Iterator[str]:
    where = f"{row['host']}, {row['state']}"
    if not row["code"]:
        yield f"{where}: no code. {row['reason']}"
    if not REMEDY.search(row["reason"]):
        yield f"{where}: no remedy. {row['reason']}"
    reason = " ".join(row["reason"].split())
    told = re.compile(rf"(^|, ){re.escape(row['host'])}(, [^:]+)?: (\w[\w-]*: )?{re.escape(reason[:150])}")
    printed = [line for line in lines if told.search(line)]
    if not reason or not printed:
        yield f"{where}: the reason was not printed beside its name. {row['reason']}"
    elif not any(str(row["code"] or "") in line for line in printed):
        yield f"{where}: its code {row['code']} was not printed. {row['reason']}"


def right_status(_played: Played, act: Act) -> Judged:
    """The exit status is 0 only if everything is as asked for."""
    good = act.statuses.count(0)
    if act.name == PREVIEW:
        tallies = TALLY.findall(act.output)
        well = bool(tallies and WELL_IN_CHECK_MODE.fullmatch(tallies[-1].strip()))
        found = [] if well == bool(good) else [f"exit statuses {act.statuses}, but the preview says {tallies[-1:]}"]
        return Judged(act.before, found)
    well_done = sum(all(row["ok"] for row in summary["clusters"]) for summary in act.summaries)
    if good > well_done:
        found = [f"exit statuses {act.statuses}, but only {well_done} summaries in which all is well"]
    elif good < well_done and act.killed is None:
        found = [f"exit statuses {act.statuses}, but {well_done} summaries in which all is well"]
    else:
        found = []
    return Judged(act.before, found)
