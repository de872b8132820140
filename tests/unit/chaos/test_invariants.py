"""The campaign's invariants notice what must not be: each is shown a story that breaks it, and one that does not."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.chaos import __main__ as campaign
from tests.chaos.act import AGAIN, RERUN, Act, Played
from tests.chaos.deeds import Neighbours
from tests.chaos.faults import ALL, PREVIEW, ROLLBACK, ROLLOUT
from tests.chaos.invariants import (
    INVARIANTS,
    MOST_LOOKS,
    MOST_REFUSED,
    MOST_REFUSED_INSIDE,
    MOST_SIGN_INS,
    MOST_WRITES,
    SLACK,
    SLOWER,
)
from tests.chaos.puts import accepted, accepted_puts
from tests.chaos.results import IMPOSSIBLE, Results
from tests.chaos.stage import POLL
from tests.chaos.story import STRIKES, Story, story
from tests.chaos.witness import Arrival, Witness
from tests.emulator import Emulator
from tests.emulator.fleet import SECRET

PATH = "/subscriptions/1/resourceGroups/rg1/providers/Microsoft.ContainerService/managedClusters/c0"
NFTABLES = {"enabled": True, "mode": "NFTABLES"}
IPTABLES = {"enabled": True, "mode": "IPTABLES"}


def body(stored: Any, state: str = "Succeeded", count: int = 3, **other: Any) -> dict[str, Any]:
    properties = {
        "provisioningState": state,
        "networkProfile": {"kubeProxyConfig": stored},
        "agentPoolProfiles": [{"name": "user", "count": count}],
    }
    return {"properties": properties, **other}


def row(**other: Any) -> dict[str, Any]:
    return {
        "host": "c0",
        "state": "switched",
        "ok": True,
        "changed": True,
        "before": {"enabled": True, "mode": "IPTABLES", "ipvs_config": None},
        "after": {"enabled": True, "mode": "NFTABLES", "ipvs_config": None},
        "verified": "nodes",
        "code": None,
        "reason": "",
        **other,
    }


FAILED = {"state": "failed", "ok": False, "code": "Timeout", "reason": "Azure goes on with it; run again."}


def arrival(sent: Any = None, stored: Any = None, **other: Any) -> Arrival:
    """A PUT of a configuration (nftables without another word), where there was another one; or of whole bodies."""
    sent = sent or NFTABLES
    known = {"announced": 1, "before": {"enabled": True, "mode": "IPTABLES"}, **other}
    sent, stored = (one if one and "properties" in one else body(one) for one in (sent, stored))
    return Arrival(10.0, "PUT", PATH, sent, stored, **known)


def request(method: str = "PUT", status: int | None = 200, path: str = PATH, **other: Any) -> dict[str, Any]:
    return {"method": method, "path": path, "status": status, "error_code": None, "faults": [], **other}


def asked(method: str = "GET", status: int = 500) -> dict[str, Any]:
    return {"method": method, "cluster": "c0", "path": "/api/v1/nodes", "status": status, "faults": []}


def summed(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    """One summary of these clusters."""
    return [{"clusters": list(rows), "left_out": []}]


def would(word: str = "would switch") -> str:
    """What a preview prints in the end, with C(-v)."""
    return f'\n  1 cluster(s): 1 {word}\nok: [c0] => {{"lines": ["1 cluster(s): 1 {word}"]}}'


def act(name: str = ROLLOUT, **other: Any) -> Act:
    """An act in which all is well: one cluster was switched."""
    known: dict[str, Any] = {
        "before": {"c0": body(None)},
        "after": {"c0": body(NFTABLES)},
        "struck": {"500": {"c0"}},
        "statuses": [0],
        "output": "",
        "arrivals": [arrival()],
        "requests": [request()],
        "summaries": summed(row()),
        "modes": {"c0": {"nftables"}},
        **other,
    }
    return Act(name, **known)


def put_back(**other: Any) -> Act:
    """An act in which it has got back what it had."""
    known: dict[str, Any] = {
        "before": {"c0": body(NFTABLES)},
        "after": {"c0": body(IPTABLES)},
        "arrivals": [arrival(IPTABLES, NFTABLES, before=NFTABLES)],
        "summaries": summed(row(after=IPTABLES)),
        "modes": {"c0": {"iptables"}},
        **other,
    }
    return act(ROLLBACK, **known)


def played(*acts: Act, folder: Path = Path("/nowhere")) -> Played:
    return Played(story(1, 0), list(acts), folder)


TOKEN = request("POST", path="/t/oauth2/token")


@dataclass(frozen=True)
class Broken:
    """What breaks an invariant, and what has to be said of it."""

    invariant: str
    says: str
    acts: tuple[Act, ...]


def seen(wrong: Act) -> tuple[Act, ...]:
    """The act after one in which all was well, so that what there was at first is known."""
    return (act(), wrong)


BROKEN = (
    Broken("only kubeProxyConfig changes", "tags was", (act(differences=["c0: tags was {}"]),)),
    Broken("only kubeProxyConfig changes", "count was 5, is 3", (act(arrivals=[arrival(stored=body(None, count=5))]),)),
    Broken(
        "only kubeProxyConfig changes",
        "tags was {'new': 'x'}, is None",
        (act(arrivals=[arrival(stored=body(None, tags={"new": "x"}))]),),
    ),
    Broken("only kubeProxyConfig changes", "POST /api/v1/nodes at the API of c0", (act(asked=[asked("POST")]),)),
    Broken("the end is known", "c0 ends with ('IPVS'", (act(after={"c0": body({"enabled": True, "mode": "IPVS"})}),)),
    Broken("the summary tells the truth", "called switched", (act(after={"c0": body(None)}),)),
    Broken(
        "the summary tells the truth",
        "but was written to",
        (act(summaries=summed(row(state="blocked", ok=False))),),
    ),
    Broken("the summary tells the truth", "called unchanged", (act(summaries=summed(row(changed=False))),)),
    Broken(
        "the summary tells the truth",
        "called changed",
        (act(requests=[request(status=409)], arrivals=[], after={"c0": body(NFTABLES)}),),
    ),
    Broken("the summary tells the truth", "its nodes run ['iptables']", (act(modes={"c0": {"iptables"}}),)),
    Broken(
        "the summary tells the truth",
        "called rolled back",
        (act(summaries=summed(row(state="rolled_back", ok=False))),),
    ),
    Broken("the summary tells the truth", "'after' says", (act(summaries=summed(row(after=IPTABLES))),)),
    Broken("the summary tells the truth", "0 summaries of 1", (act(summaries=[]),)),
    Broken("the summary tells the truth", "0 summaries of 1", (act(summaries=[], statuses=[2]),)),
    Broken("the summary tells the truth", "1 summaries of 2", (act(statuses=[0, 0]),)),
    Broken("the summary tells the truth", "the summary tells of []", (act(summaries=summed()),)),
    Broken("the summary tells the truth", "of ['c0', 'c9']", (act(summaries=summed(row(), row(host="c9", ok=False))),)),
    Broken(
        "the summary tells the truth",
        "after it had been deleted",
        (act(after={}, gone={"c0": 9.0}),),
    ),
    Broken("journal before PUT", "0 line(s) in the journal", (act(arrivals=[arrival(announced=0)]),)),
    Broken(
        "journal before PUT",
        "PUT 2 of c0 arrived with 1 line(s)",
        (act(arrivals=[arrival(), arrival()], requests=[request(status=412), request()]),),
    ),
    Broken(
        "journal before PUT",
        "0 line(s) in the journal",
        (act(arrivals=[arrival(announced=0), arrival()], requests=[request(status=401), request()]),),
    ),
    Broken("journal before PUT", "PUT 2 of c0", (act(arrivals=[arrival(), arrival()]),)),
    Broken("journal before PUT", "the journal says that c0 had", (act(arrivals=[arrival(before=NFTABLES)]),)),
    Broken("no write in check mode", "PUT", (act(PREVIEW),)),
    Broken(
        "no write in check mode",
        "register in check mode",
        (act(PREVIEW, arrivals=[Arrival(1.0, "POST", "/subscriptions/1/providers/x/register")]),),
    ),
    Broken("no write in check mode", "1 line(s) of the journal", (act(PREVIEW, arrivals=[], summaries=[], noted=1),)),
    Broken("no write in check mode", "1 summaries", (act(PREVIEW, arrivals=[]),)),
    Broken("no write after death", "3.6 s after", (act(killed=10.0 - POLL - SLACK - 0.1),)),
    Broken("no write after death", "left behind", (act(killed=10.0, left=1),)),
    Broken("no second switch", "was sent", (act(arrivals=[arrival(stored=NFTABLES)]),)),
    Broken("no second switch", "was sent ('IPTABLES', None) again", (act(arrivals=[arrival(IPTABLES, None)]),)),
    Broken(
        "no second switch",
        "was sent",
        (act(statuses=[0, 0], arrivals=[arrival(), arrival(stored=NFTABLES)], requests=[request(), request()]),),
    ),
    Broken("rollback restores", "it had", seen(put_back(after={"c0": body(NFTABLES)}))),
    Broken(
        "rollback restores",
        "not verified",
        seen(put_back(summaries=summed(row(after=IPTABLES, verified=None)))),
    ),
    Broken("rollback restores", "ends with [2]", seen(replace(put_back(statuses=[2]), name=AGAIN))),
    Broken("rerun converges", "after the rerun", seen(act(RERUN, after={"c0": body(IPTABLES)}))),
    Broken("rerun converges", "ends with [2]", seen(act(RERUN, statuses=[2]))),
    Broken("no secrets", "a token", (act(output=f"eyJ{'a' * 20}.{'b' * 20}"),)),
    Broken("no secrets", "a client secret", (act(output=f"secret: {SECRET}"),)),
    Broken("no secrets", "a signed URL", (act(output=f"https://localhost/operations/1?t=1&s={'x' * 50}"),)),
    Broken("retries bounded", "17 PUTs", (act(arrivals=[arrival()] * (MOST_WRITES + 1)),)),
    Broken("retries bounded", "13 times in a row", (act(requests=[request("GET", 500)] * (MOST_REFUSED + 1)),)),
    Broken("retries bounded", "61 times in a row", (act(asked=[asked()] * (MOST_REFUSED_INSIDE + 1)),)),
    Broken("retries bounded", "41 times in 0 s", (act(requests=[request("GET")] * (MOST_LOOKS + 1)),)),
    Broken("retries bounded", "43 times in 1 s", (act(asked=[asked(status=200)] * (MOST_LOOKS + 3), seconds=1.0),)),
    Broken("retries bounded", "requests for tokens", (act(requests=[TOKEN] * (MOST_SIGN_INS + 1)),)),
    Broken("retries bounded", "hung", (act(statuses=[None]),)),
    Broken("failures speak", "no code", (act(summaries=summed(row(**{**FAILED, "code": None}))),)),
    Broken("failures speak", "no remedy", (act(summaries=summed(row(**{**FAILED, "reason": "Sorry."}))),)),
    Broken("failures speak", "was not printed", (act(summaries=summed(row(**FAILED)), output="nothing"),)),
    Broken(
        "failures speak",
        "its code Timeout was not printed",
        (act(summaries=summed(row(**FAILED)), output=f"c0: {FAILED['reason']}"),),
    ),
    Broken(
        "failures speak",
        "could not be written",
        (act(struck={"summary's disk full": {"c0"}}, summaries=[], output="Write the summary of the rollout"),),
    ),
    Broken(
        "failures speak", "beside its name", (act(summaries=summed(row(**FAILED)), output=f"c1: {FAILED['reason']}"),)
    ),
    Broken(
        "failures speak", "no remedy", (act(summaries=summed(row(**{**FAILED, "reason": "It could not be read."}))),)
    ),
    Broken("failures speak", "without a word", (act(statuses=[2], summaries=[]),)),
    Broken("exit status", "exit statuses [0]", (act(summaries=summed(row(**FAILED))),)),
    Broken("exit status", "exit statuses [2]", (act(statuses=[2]),)),
    Broken("exit status", "exit statuses [0]", (act(killed=10.0, summaries=[]),)),
    Broken("exit status", "exit statuses [0, 0]", (act(killed=10.0, statuses=[0, 0]),)),
    Broken("exit status", "exit statuses [0]", (act(summaries=[]),)),
    Broken("exit status", "the preview says ['1 blocked']", (act(PREVIEW, output=would("blocked")),)),
    Broken("exit status", "the preview says ['1 switched']", (act(PREVIEW, output=would("switched")),)),
    Broken("exit status", "the preview says []", (act(PREVIEW),)),
    Broken("exit status", "the preview says ['1 would switch']", (act(PREVIEW, statuses=[2], output=would()),)),
    Broken("exit status", "only 0 summaries", (act(struck={"summary's disk full": {"c0"}}, summaries=[]),)),
)


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: f"{broken.invariant}: {broken.says}")
def test_what_must_not_be_is_noticed(broken: Broken) -> None:
    found = INVARIANTS[broken.invariant](played(*broken.acts), broken.acts[-1]).findings
    assert any(broken.says in text for text in found), found


def test_each_invariant_can_be_broken() -> None:
    assert {broken.invariant for broken in BROKEN} == set(INVARIANTS)


LIMITS = (
    act(arrivals=[arrival(announced=number + 1) for number in range(MOST_WRITES)]),
    act(requests=[request()] + [request("GET", 500)] * MOST_REFUSED),
    act(requests=[request()] + [request("GET")] * MOST_LOOKS),
    act(requests=[request()] + [TOKEN] * MOST_SIGN_INS),
    act(asked=[asked()] * MOST_REFUSED_INSIDE, seconds=10.0),
    act(killed=10.0 - POLL - SLACK + 0.1),
    act(killed=10.0 - POLL - SLACK - 0.1, stalled=0.2 / SLOWER),
    act(killed=10.0, statuses=[0, -2]),
    act(statuses=[0, 2], summaries=summed(row()), output="[ERROR]: no token"),
    act(arrivals=[arrival(stored=body(NFTABLES, "Failed"), before=NFTABLES)]),
    act(
        statuses=[0, 0],
        summaries=summed(row()) * 2,
        arrivals=[arrival(), arrival(stored=NFTABLES, announced=2)],
        requests=[request(), request(status=412, error_code="PreconditionFailed")],
    ),
    act(arrivals=[arrival(), arrival()], requests=[request(status=401), request()]),
    act(after={}, gone={"c0": 11.0}),
    act(before={"c0": body(None), "c1": body(None)}, summaries=[{"clusters": [row()], "left_out": ["c1", "/x/c9"]}]),
    act(struck={"summary's disk full": {"c0"}}, statuses=[2], summaries=[], output="[ERROR]: no token"),
)
"""Acts right before a limit, and others in which all is well though it may not look so."""


@pytest.mark.parametrize("invariant", INVARIANTS)
def test_what_is_well_passes(invariant: str, tmp_path: Path) -> None:
    looks = [Arrival(1.0, "GET", PATH), Arrival(1.0, "POST", f"{PATH}/listClusterUserCredential")]
    preview = act(PREVIEW, arrivals=looks, requests=[], summaries=[], output=would())
    killed = act(killed=9.0, statuses=[-9])
    shown = f"  c0: Timeout: {FAILED['reason']}"
    failed = act(statuses=[2], summaries=summed(row(**FAILED, after=NFTABLES)), output=shown)
    told = played(preview, act(), killed, failed, act(RERUN), put_back(), *LIMITS, folder=tmp_path)
    judged = [INVARIANTS[invariant](told, one) for one in told.acts]
    assert [text for one in judged for text in one.findings] == []
    assert any("c0" in one.clusters for one in judged)


def test_secrets_are_found_in_files(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "facts").write_text("-----BEGIN PRIVATE KEY-----", encoding="utf-8")
    found = INVARIANTS["no secrets"](played(act(), folder=tmp_path), act())
    assert found.findings == []  # an earlier act: the files are looked at in the end
    last = act()
    assert INVARIANTS["no secrets"](played(last, folder=tmp_path), last).findings == ["a private key in facts"]


def test_pairs_are_counted() -> None:
    results = Results()
    told = results.take(played(act(differences=["c0: tags"]), act(RERUN, struck={})))
    assert told == ["story 1/0, rollout: only kubeProxyConfig changes: c0: tags"]
    assert results.exercised["500", "only kubeProxyConfig changes"] == 1
    assert results.exercised["500", "rerun converges"] == 1, "the next run tells"
    assert results.exercised["500", "no write in check mode"] == 0
    assert results.violations == {("500", "only kubeProxyConfig changes"): 1}
    assert results.exercised["500", "rollback restores"] == 0
    elsewhere = Results()
    elsewhere.take(played(act(struck={"500": {"c1"}}), act(RERUN, struck={})))
    assert not elsewhere.exercised, "it struck at a cluster of which there was nothing to judge"
    assert "| 500 | 1 (1) |" in "\n".join(results.table())
    both = Results()
    both.add(results)
    both.add(Results.from_json(json.loads(json.dumps(results.as_json()))))
    assert (both.stories, both.runs, both.exercised["500", "rerun converges"]) == (2, 4, 2)
    assert "500 x rerun converges: 2" in both.gaps(3)
    assert "500 x rerun converges: 2" not in both.gaps(2)


TAKEN = (
    (request(), 1),
    (request(status=409, error_code="EtagMismatch"), 0),
    (request(status=None, faults=["cut_after"]), 1),
    (request(status=200, faults=["cut_within"]), 1),
    (request(status=None, faults=["cut_before"]), 0),
    (request(status=None, faults=["server_error", "cut_after"]), 0),
    (request(status=None, faults=["cut_after"], error_code="ScopeLocked"), 0),
    (request(status=409, faults=["cut_within"], error_code="ScopeLocked"), 0),
)


@pytest.mark.parametrize(("entry", "many"), TAKEN)
def test_a_write_counts_as_taken_whether_or_not_its_answer_came(entry: dict[str, Any], many: int) -> None:
    assert accepted(act(requests=[entry]))["c0"] == many
    assert len(accepted_puts(act(requests=[entry]))) == many


def test_what_others_change_is_told_from_what_we_change() -> None:
    witness = Witness()
    with Emulator(observer=witness) as azure:
        azure.reset({"clusters": [{"name": "c0", "resource_group": "rg1"}]})
        neighbours = Neighbours(azure, ["c0"], witness)
        assert neighbours.do("scale", "c0", {})
        assert neighbours.do("begin_operation", "c0", {"seconds": 60})
        assert not neighbours.do("begin_operation", "c0", {"seconds": 60}), (
            "it is busy: nothing happens, and nothing fails"
        )
        assert neighbours.taken() == []
        azure.change_cluster("c0", {"tags": {"seen": "by nobody"}})
        assert neighbours.taken() == ["c0: tags was None, is {'seen': 'by nobody'}"]
        azure.change_cluster("c0", {"tags": {"just": "before a PUT"}})
        witness.arrivals.append(arrival(stored=azure.cluster("c0"), faults=("changed_underneath",)))
        assert neighbours.taken() == []


def test_results_of_another_code_are_not_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign, "KEPT", tmp_path)
    assert campaign.known_results(3, "new").stories == 0
    one = Results(stories=1, runs=2)
    for number, tried in ((0, "old"), (1, "old"), (0, "new"), (0, "new")):
        campaign.remember(3, number, one, tried)
    assert campaign.known_results(3, "new").stories == 1
    assert campaign.known_results(3, "old").stories == 2
    assert campaign.code() == campaign.code()


def test_a_pair_that_cannot_meet_has_a_reason() -> None:
    names = {fault.name for fault in ALL}
    assert all(fault in names and invariant in INVARIANTS and why for (fault, invariant), why in IMPOSSIBLE.items())


def test_a_story_can_be_told_again() -> None:
    assert story(3, 17) == story(3, 17) != story(3, 18)
    assert story(4, 17) != story(3, 17)


def test_each_fault_is_dealt_as_often_as_any_other() -> None:
    stories: list[Story] = [story(5, number) for number in range(60)]
    for name, faults in ((PREVIEW, STRIKES[PREVIEW]), (ROLLOUT, STRIKES[ROLLOUT]), (ROLLBACK, STRIKES[ROLLBACK])):
        fitting = {fault.name for fault in ALL if name in fault.acts and not fault.nodes}
        dealt = [strike.fault.name for one in stories for strike in one.strikes[name]]
        assert len(dealt) >= 60 * faults * 0.8
        assert fitting <= set(dealt)


def test_the_witness_reads_the_journal_as_a_write_arrives(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    line = {"event": "submitting", "id": PATH.upper(), "before": NFTABLES}
    journal.write_text(json.dumps(line) + "\n" + '{"torn\n', encoding="utf-8")
    witness = Witness()
    witness.begin(journal)
    entry = {"method": "PUT", "path": PATH, "body": body(NFTABLES)}
    witness(entry, body(None))
    lines = [json.dumps({**line, "before": IPTABLES}), json.dumps({**line, "event": "ended"}), '{"torn']
    with journal.open("a", encoding="utf-8") as file:
        file.write("\n".join(lines))
    witness(entry, body(None))
    witness({"method": "GET", "path": PATH}, None)
    witness({"method": "GET", "path": "/tenant/oauth2/token"}, None)
    assert [(one.method, one.announced, one.before) for one in witness.arrivals] == [
        ("PUT", 0, None),
        ("PUT", 1, IPTABLES),
        ("GET", 0, None),
    ]
    assert [one.writes for one in witness.arrivals] == [True, True, False]
