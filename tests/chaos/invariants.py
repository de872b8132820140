"""What must hold whatever fails, judged from the emulator's own record of a story.

Each invariant looks at one act and tells which clusters it had anything to judge of there, and what did not hold.
Nothing of the collection is used: two readings of what a configuration means check each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from itertools import zip_longest
from typing import Any

from tests.chaos.act import AGAIN, RERUN, Act, Played
from tests.chaos.faults import PREVIEW, ROLLBACK
from tests.chaos.judged import NOTHING, Judged
from tests.chaos.leaks import leaks, leaks_in_files
from tests.chaos.meaning import WANTED, configuration, returned
from tests.chaos.puts import accepted_puts, logged_puts, losses
from tests.chaos.stage import POLL
from tests.chaos.told import right_status, speaking_failures, truthful_summary
from tests.chaos.witness import arrived

JOURNAL_FULL = "journal's disk full"
SLACK = 2.5
"""Seconds that a request may be on its way, and that it may take to notice a death, on an idle machine."""
SLOWER = 20.0
"""How many times the longest moment in which the machine let nobody look on a request may take besides."""
MOST_WRITES = 16
"""PUTs of one cluster in an act: two switches, each with as many new tries as it grants itself."""
MOST_REFUSED = 12
"""Times that one request is answered by the same trouble in a row: two callers, each with six tries."""
MOST_REFUSED_INSIDE = 60
"""The same of requests to the clusters' own APIs, which are asked again until the time for a proof is up."""
MOST_LOOKS = 40
"""Times that one thing is read in an act, whatever it is."""
LOOKS_A_SECOND, LOOKS_INSIDE = 40, 2 / POLL
"""And as often a second, in Azure's record and in the cluster itself.

In compressed time the emulator asks clients to come again after 33 ms while a cluster is busy.
"""
MOST_SIGN_INS = 60
"""Requests for tokens in an act: some ten processes, each with six tries at most."""


def only_kube_proxy(_played: Played, act: Act) -> Judged:
    """No property but kubeProxyConfig is ever changed by us; an autoscaled count is not set back."""
    inside = [
        f"{entry['method']} {entry['path']} at the API of {entry['cluster']}"
        for entry in act.asked
        if entry["method"] != "GET"
    ]
    return Judged(arrived(act.arrivals), [*act.differences, *losses(act), *inside])


def known_end(played: Played, act: Act) -> Judged:
    """Each cluster has what it had, or what was asked for."""
    first = played.acts[0].before
    found = [
        f"{name} ends with {configuration(body)}"
        for name, body in act.after.items()
        if configuration(body) not in (WANTED, configuration(first[name]))
    ]
    return Judged(act.after, found)


def announced(_played: Played, act: Act) -> Judged:
    """The journal has an entry before each PUT, and it tells what the cluster had.

    A PUT that came with an expired token is sent again as it was announced: Azure has not even looked at it.
    """
    found: list[str] = []
    seen: Counter[str] = Counter()
    puts = [one for one in act.arrivals if one.sent is not None]
    for one, entry in zip_longest(puts, logged_puts(act)[: len(puts)], fillvalue=None):
        if one is None or one.stored is None:
            continue
        seen[one.cluster] += 1
        if one.announced < seen[one.cluster]:
            found.append(
                f"PUT {seen[one.cluster]} of {one.cluster} arrived with {one.announced} line(s) in the journal"
            )
        elif one.before is not None and returned(one.before) != configuration(one.stored) and len(act.statuses) == 1:
            found.append(
                f"the journal says that {one.cluster} had {returned(one.before)}, it had {configuration(one.stored)}"
            )
        if entry is not None and entry["status"] == 401:
            seen[one.cluster] -= 1
    return Judged(act.before if JOURNAL_FULL in act.struck else seen, found)


def no_write_in_check_mode(_played: Played, act: Act) -> Judged:
    """Check mode never writes, to Azure or into journal and summary."""
    if act.name != PREVIEW:
        return NOTHING
    found = [f"{one.method} {one.path} in check mode" for one in act.arrivals if one.writes]
    if act.noted or act.summaries:
        found.append(f"{act.noted} line(s) of the journal and {len(act.summaries)} summaries in check mode")
    return Judged({one.cluster for one in act.arrivals}, found)


def no_write_after_death(_played: Played, act: Act) -> Judged:
    """No write later than one poll after the controller's death, and nobody is left."""
    if act.killed is None:
        return NOTHING
    end = act.killed + POLL + SLACK + SLOWER * act.stalled
    late = [one for one in act.arrivals if one.writes and one.moment > end]
    found = [f"{one.method} {one.path} {one.moment - act.killed:.1f} s after the controller's death" for one in late]
    hanging = "time-out" in act.struck  # then a worker may still wait for an answer that comes late
    return Judged(act.before, found + ([f"{act.left} process(es) left behind"] if act.left and not hanging else []))


def no_second_switch(_played: Played, act: Act) -> Judged:
    """A cluster that means what is sent to it is not written to again, unless its last operation failed.

    Two controllers may look at the same moment: of them only what Azure has taken counts, since the eTag refuses one.
    """
    arrivals = act.arrivals if len(act.statuses) == 1 else accepted_puts(act)
    pairs = [(one.cluster, one.sent, one.stored) for one in arrivals if one.sent and one.stored]
    found = [
        f"{name} was sent {configuration(sent)} again"
        for name, sent, stored in pairs
        if configuration(sent) == configuration(stored) and stored["properties"]["provisioningState"] == "Succeeded"
    ]
    return Judged({name for name, _sent, _stored in pairs}, found)


def rollback_restores(played: Played, act: Act) -> Judged:
    """Rolling back gives each cluster its meaning back, and verifies it."""
    if act.name not in (ROLLBACK, AGAIN):
        return NOTHING
    if act.statuses != [0]:
        return Judged(act.after, [f"putting everything back ends with {act.statuses}"]) if act.clean else NOTHING
    first = played.acts[0].before
    found = [
        f"{name} has {configuration(body)} after the rollback, it had {configuration(first[name])}"
        for name, body in act.after.items()
        if configuration(body) != configuration(first[name])
    ]
    unproven = [
        f"{row['host']} is not verified after the rollback"
        for summary in act.summaries
        for row in summary["clusters"]
        if row["ok"] and not row["verified"]
    ]
    return Judged(act.after, found + unproven)


def rerun_converges(_played: Played, act: Act) -> Judged:
    """A rerun without faults brings everything to its end."""
    if act.name != RERUN:
        return NOTHING
    found = [
        f"{name} has {configuration(body)} after the rerun"
        for name, body in act.after.items()
        if configuration(body) != WANTED
    ]
    return Judged(act.after, found + ([] if act.statuses == [0] else [f"the rerun ends with {act.statuses}"]))


def no_secrets(played: Played, act: Act) -> Judged:
    """No token, secret or signed URL in any output, log, cache, journal or report."""
    found = list(leaks(act.output, f"what was printed by {act.name}"))
    if act is played.acts[-1]:
        found += leaks_in_files(played.folder)
    return Judged(act.before, found)


def bounded_retries(_played: Played, act: Act) -> Judged:
    """Retries are bounded, looks come no faster than they may, and a run ends."""
    controllers = len(act.statuses)
    found = [
        f"{many} PUTs of {name}" for name, many in arrived(act.arrivals).items() if many > MOST_WRITES * controllers
    ]
    for entries, most, a_second in (
        (act.requests, MOST_REFUSED, LOOKS_A_SECOND),
        (act.asked, MOST_REFUSED_INSIDE, LOOKS_INSIDE),
    ):
        found += [
            f"{what} came to the same trouble {many} times in a row"
            for what, many in _in_a_row(entries).items()
            if many > most * controllers
        ]
        looks = Counter(_named(entry) for entry in entries if entry["method"] == "GET")
        most_looks = controllers * (a_second * act.seconds + MOST_LOOKS)
        found += [f"{what} {many} times in {act.seconds:.0f} s" for what, many in looks.items() if many > most_looks]
    tokens = sum("/oauth2/" in entry["path"] for entry in act.requests)
    if tokens > MOST_SIGN_INS * controllers:
        found.append(f"{tokens} requests for tokens")
    asked = {one.cluster for one in act.arrivals} | {entry["cluster"] for entry in act.asked}
    return Judged(asked & set(act.before), found + (["the run hung"] if None in act.statuses else []))


def _named(entry: Mapping[str, Any]) -> str:
    return f"{entry['method']} {entry.get('cluster') or ''}{entry['path']}"


def _in_a_row(entries: Collection[Mapping[str, Any]]) -> dict[str, int]:
    longest: Counter[str] = Counter()
    row: Counter[str] = Counter()
    for entry in entries:
        what = _named(entry)
        row[what] = row[what] + 1 if entry["status"] is None or entry["status"] >= 400 else 0
        longest[what] = max(longest[what], row[what])
    return longest


INVARIANTS: dict[str, Callable[[Played, Act], Judged]] = {
    "only kubeProxyConfig changes": only_kube_proxy,
    "the end is known": known_end,
    "the summary tells the truth": truthful_summary,
    "journal before PUT": announced,
    "no write in check mode": no_write_in_check_mode,
    "no write after death": no_write_after_death,
    "no second switch": no_second_switch,
    "rollback restores": rollback_restores,
    "rerun converges": rerun_converges,
    "no secrets": no_secrets,
    "retries bounded": bounded_retries,
    "failures speak": speaking_failures,
    "exit status": right_status,
}


AFTERWARDS = ("rerun converges", "rollback restores", "no second switch", "the summary tells the truth")
"""Invariants of which the next run, which has no faults, tells whether the faults before did harm."""
