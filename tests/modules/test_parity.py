"""The operation in the worker and the ordinary module: the same results, the same writes, the same clusters."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.emulator import Emulator
from tests.emulator.fleet import SUBSCRIPTION
from tests.support.operations import WRITES
from tests.support.playbook import IN_PROCESS, LOCAL, MODULE, Ansible, Run, play, task

from .rows import (
    CONFIG,
    CONFIG_ARGUMENTS,
    CONFIG_INFO,
    FLAGS,
    PREVIEW_FEATURE,
    SECRETS,
    UNPREPARED,
    VAULT_PASSWORD,
    VERIFY,
    Row,
)

TABLES = {
    "config": ("config", CONFIG),
    "config's arguments": ("config", CONFIG_ARGUMENTS),
    "config_info": ("config_info", CONFIG_INFO),
    "preview_feature": ("preview_feature", PREVIEW_FEATURE),
    "verify": ("verify", VERIFY),
}
"""The module and the rows of each test."""


def fleet(rows: list[Row]) -> dict[str, Any]:
    """A cluster for each row, named after it."""
    return {
        "clusters": [{"name": row.name, **row.cluster} for row in rows],
        "subscriptions": [{"id": SUBSCRIPTION}, {"id": UNPREPARED}],
        "features": {SUBSCRIPTION: FLAGS},
        "behaviour": {"throttling": False},
    }


def carried_out(ansible: Ansible, emulator: Emulator, table: str, way: str) -> tuple[Run, list[Any]]:
    """All rows of a table in one playbook, one way; the writes, and the clusters afterwards."""
    module, rows = TABLES[table]
    emulator.reset(fleet(rows))
    (ansible.folder / "vault").write_text(VAULT_PASSWORD)
    named = module != "preview_feature"
    tasks = [
        task(row.name, f"aks.kube_proxy.{module}", row.task_arguments(named and not row.whole), **row.keywords)
        for row in rows
    ]
    variables = {"aks_execution": "auto" if way == IN_PROCESS else "module"}
    run = ansible.play(
        [play(*tasks, vars=variables)],
        "-vvv",
        "--vault-password-file",
        str(ansible.folder / "vault"),
        inventory={"localhost": {**LOCAL["localhost"], **SECRETS}},
        environ={
            **emulator.environment(),
            "ANSIBLE_INJECT_INVOCATION": "true",
            "ANSIBLE_PIPELINING": "true",
            "PYTHONHASHSEED": "0",  # Ansible lists the words for true and false in the order of a set
        },
    )
    assert [result.task for result in run.results] == [row.name for row in rows], run
    assert set(run.ways.values()) == {way}
    writes = [(call["method"], call["path"], call["status"]) for call in emulator.requests() if is_write(call)]
    names = [row.cluster.get("name", row.name) for row in rows]
    network = [emulator.cluster(name)["properties"]["networkProfile"] for name in names]
    return run, [writes, network]


def is_write(call: dict[str, Any]) -> bool:
    """Whether a request could change something in Azure; signing in does not."""
    return call["method"] in WRITES and str(call["path"]).startswith("/subscriptions/")


# In a verification: moments and what the DaemonSet calls its pods; how long it took, and how many looks that were.
NAMES = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|kube-proxy-[a-z0-9]{5}\b")
NUMBERS = re.compile(r'("(?:seconds|requests)": )[\d.]+')


def comparable(values: dict[str, Any]) -> Any:
    """A result without what differs between any two runs: ids that Azure gives out, names of pods, moments, polls."""
    operation = values.get("operation") or {}
    text = json.dumps(
        {**values, "operation": sorted(operation)}
        | ({"exception": "exception" in values} if "exception" in values else {}),
        sort_keys=True,
    )
    given_out = [operation.get("id"), operation.get("correlation_id"), values.get("correlation_id")]
    for identity in filter(None, given_out):
        text = text.replace(identity, "GIVEN-OUT")
    return json.loads(NAMES.sub("GIVEN-OUT", NUMBERS.sub(r"\g<1>0", text)))


@pytest.mark.parametrize("table", TABLES)
def test_results_are_the_same(table: str, ansible: Ansible, hurried: Emulator) -> None:
    here, done_here = carried_out(ansible, hurried, table, IN_PROCESS)
    there, done_there = carried_out(ansible, hurried, table, MODULE)
    for row in TABLES[table][1]:
        one, other = here.result(row.name), there.result(row.name)
        assert_outcome(row, one.event, one.values)
        assert (one.event, comparable(one.values)) == (other.event, comparable(other.values)), row.name
    assert done_here == done_there
    for run in (here, there):
        assert "Traceback" not in run.stdout + run.stderr
        for secret in SECRETS.values():
            assert secret not in visible(run, ansible), secret


def visible(run: Run, ansible: Ansible) -> str:
    """What anybody may see: from ansible-core 2.22 on what is printed, before also the results that callbacks get."""
    return (
        run.stdout
        + run.stderr
        + (json.dumps([result.values for result in run.results]) if ansible.core < (2, 22) else "")
    )


def assert_outcome(row: Row, event: str, values: dict[str, Any]) -> None:
    """Whether a task came to what its row says, so that the same wrong result twice is no success."""
    expected = row.outcome
    assert event == ("failed" if expected["failed"] else "ok"), f"{row.name}: {values}"
    if expected.get("censored"):
        assert "censored" in values
        assert "kube_proxy" not in values
        return
    assert values["changed"] is expected["changed"], f"{row.name}: {values}"
    assert expected.get("says", "") in values.get("msg", ""), f"{row.name}: {values['msg']}"
    assert "secret" in values["invocation"]["module_args"]
