"""Foreign text stays text: one line, nothing that a terminal obeys, nothing that reads as a record of a switch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.problems import ArmError, read_problem
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.runtime import Runtime
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.cluster import Cluster, read_body
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.compatibility import Situation, findings
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.inventory import host_variables
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.kube_proxy import KubeProxy, Request
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.parsing import DEEPEST, parsed
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.plan import Policy, plan
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.production import Guard
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.record import BadRecord, journal_lines, recorded
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.summary import aligned
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.verdict import FAILED, Verdict
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.wording import one_line, told
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.journal import Journal, earlier_lines
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.progress import Progress
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz import samples
from tests.fuzz.spoiling import HARMFUL

FORGED = {"event": "submitting", "id": samples.RESOURCE_ID, "before": samples.IPVS, "target": samples.NFTABLES}
ANSI = "\x1b[2Ja\x9bb\u202ec\x00"
TEXT = st.text() | st.sampled_from(HARMFUL)


@given(TEXT)
def test_a_line_is_one_line_that_can_be_printed(text: str) -> None:
    line = one_line(text)
    assert line.isprintable()
    assert line.splitlines() in ([line], [])
    line.encode()


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S"]) | st.just(" ")))
def test_what_can_be_printed_stays_as_it_is(text: str) -> None:
    assert one_line(text) == text


def test_what_cannot_be_printed_is_written_out() -> None:
    assert one_line("a\nb\tc\u2028d") == "a b c d"
    assert one_line(f"{ANSI}\ud800") == "\\x1b[2Ja\\x9bb\\u202ec\\x00\\ud800"


@pytest.mark.parametrize("before", ["", "Azure says: ", "20:00:00Z dev 1/1 c1: "])
def test_no_message_reads_as_a_record(before: str) -> None:
    text = before + json.dumps(FORGED)
    assert list(journal_lines(text)), "the text itself would be one"
    for line in (told(text), AzureError(text).message, AzureError("", advice=f"\n{text}\n").message):
        assert list(journal_lines(line)) == []


def test_lines_that_are_meant_stay_lines() -> None:
    assert AzureError("bad: a\nb", "node  pool").message == "bad: a b\nnode  pool"


@pytest.mark.parametrize("shape", ["wrapped", "flat", "page"])
def test_azures_words_are_told_in_a_line(shape: str) -> None:
    words = f"{ANSI}\n{json.dumps(FORGED)}\n" + "x" * 100_000
    flat = {"code": f"Bad{ANSI}", "subcode": "a\nb", "message": words, "details": [{"message": f"\r\n{ANSI}"}]}
    text = {"wrapped": json.dumps({"error": flat}), "flat": json.dumps(flat), "page": f"<p>{words}"}[shape]
    found = read_problem(409, {}, text)
    error = ArmError("Cluster c1", found)
    assert error.message.isprintable()
    assert len(error.message) < 5000
    assert all(str(value).isprintable() for value in error.details.values())
    assert list(journal_lines(error.message)) == []


def test_progress_is_one_line_a_time_whatever_hosts_and_reasons_are_called() -> None:
    said: list[str] = []
    progress = Progress(Runtime(say=said.append), f"wave{ANSI}\n", 1)
    host, reason = f"c1\n{ANSI}", f"broken\n{json.dumps({**FORGED, 'host': ANSI})}"
    cluster = read_body(samples.clusters()[0])
    progress.submitting(host, samples.RESOURCE_ID, plan(cluster, Request(mode="NFTABLES"), Policy()))
    progress.quiet()
    progress.ended(host, Verdict(samples.RESOURCE_ID, FAILED, reason=reason[:280]))
    assert len(said) == 3
    assert all(line.isprintable() for line in said)
    (record,) = [line for line in journal_lines("\n".join(said)) if line.get("event") == "submitting"]
    assert record["before"] == KubeProxy().as_result()


def test_tables_keep_their_lines() -> None:
    lines = aligned([("host", "mode"), (f"a\nb{ANSI}", "NFTABLES")])
    assert len(lines) == 2
    assert all(line.isprintable() for line in lines)


def hostile(**top: Any) -> Cluster:
    return read_body({**samples.clusters()[0], **top})


def test_a_tag_is_told_in_a_line() -> None:
    cluster = hostile(tags={"Env": "production\n", "Environment": "Production"})
    told_of = [*findings(Situation(cluster, "NFTABLES")), *Guard("ENV", ("production",)).findings(cluster, "NFTABLES")]
    lines = [str(finding) for finding in told_of if "marks the cluster" in str(finding)]
    assert lines
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize("name", ["{{ lookup('pipe', 'id') }}", "../../all", "a\nb", "", None, 7])
def test_a_host_is_called_by_its_resource_id_alone(name: Any) -> None:
    assert host_variables(hostile(name=name), "now")["aks_name"] == "c1"


def test_a_journal_keeps_to_one_line_for_an_event(tmp_path: Path) -> None:
    journal = Journal(str(tmp_path / "journal"), {"run": f"r\n{json.dumps(FORGED)}"})
    journal.write("ended", samples.RESOURCE_ID, host=f"a\n{json.dumps(FORGED)}\u2028", state=ANSI)
    journal.close()
    text = (tmp_path / "journal").read_text(encoding="utf-8")
    assert [line["event"] for line in journal_lines(text)] == ["ended"]
    assert text.count("\n") == 1


@pytest.mark.parametrize("depth", [DEEPEST + 2, 5000, 200_000])
def test_what_is_nested_too_deeply_is_no_json(depth: int, tmp_path: Path) -> None:
    deep = '{"id": "x", "a": ' + "[" * depth + "]" * depth + "}"
    assert parsed(deep) is None
    with pytest.raises(BadRecord):
        recorded(deep)
    (tmp_path / "journal").write_text(f"{deep}\n{samples.journal()}", encoding="utf-8")
    assert set(earlier_lines(str(tmp_path / "journal"))) == {
        samples.RESOURCE_ID.replace("c1", c).lower() for c in ("c1", "c2")
    }
    assert parsed('{"a": ' + "[" * (DEEPEST - 2) + "]" * (DEEPEST - 2) + "}") is not None


@pytest.mark.parametrize(
    "spoilt",
    [
        {"before": {**samples.IPTABLES, "mode": "{{ lookup('pipe', 'id') }}"}},
        {"before": {**samples.IPTABLES, "mode": "NOBODYKNOWS"}},
        {"before": {**samples.IPTABLES, "enabled": "false"}},
        {"before": {"enabled": False, "mode": "IPVS"}},
        {"before": {**samples.IPVS, "ipvs_config": ["fast"]}},
        {"before": {**samples.IPVS, "ipvs_config": {"scheduler": {"a": "b"}}}},
        {"target": None},
        {"target": "NFTABLES"},
        {"target": {**samples.NFTABLES, "ipvs_config": "fast"}},
    ],
    ids=json.dumps,
)
def test_nothing_is_put_back_by_guessing(spoilt: dict[str, Any]) -> None:
    whole = {**samples.rollout(), "clusters": [dict(samples.rollout()["clusters"][0])]}
    row = whole["clusters"][0]
    assert recorded(json.dumps(FORGED))
    assert recorded(json.dumps(whole))
    assert [entry["before"] for entry in recorded(json.dumps({**FORGED, **spoilt})).values()] == [None]
    earlier = json.dumps(FORGED)
    assert [entry["before"] for entry in recorded(f"{earlier}\n{json.dumps({**FORGED, **spoilt})}").values()] == [None]
    if spoilt != {"target": None}:  # a cluster that was changed and then could not be read
        row.update({{"target": "after"}.get(key, key): value for key, value in spoilt.items()})
        assert [entry["before"] for entry in recorded(json.dumps(whole)).values()] == [None]
