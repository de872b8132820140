"""The inventory cache: used for the same question alone, without secrets, and never with a part of the answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.emulator.fleet import CLIENT, SECRET, SUBSCRIPTION
from tests.modules.inventory.conftest import Estate, Listing
from tests.support.playbook import play

OTHER = "99999999-9999-4999-8999-999999999999"
SOMEBODY_ELSE = "66666666-6666-4666-8666-666666666666"
EVIL = "{{ 1+1 }}"
NOTHING = {"tokens": 0, "arm": 0}
EVERYTHING = {"tokens": 1, "arm": 2}


@pytest.fixture
def options(estate: Estate) -> dict[str, Any]:
    """Two clusters in two subscriptions, and the options of an inventory with a cache in the test's own folder."""
    estate.azure.reset(
        {
            "clusters": [{"name": "c1", "tags": {"evil": EVIL}}, {"name": "c2", "subscription": OTHER}],
            "principals": [{"client_id": who, "secret": SECRET} for who in (CLIENT, SOMEBODY_ELSE)],
        }
    )
    estate.azure.clear_requests()
    return {
        "subscriptions": [SUBSCRIPTION, OTHER],
        "cache": True,
        "cache_plugin": "ansible.builtin.jsonfile",
        "cache_connection": str(cache_of(estate)),
        "compose": {"copied": "aks_tags.evil | default('none')"},
    }


def cache_of(estate: Estate) -> Path:
    """The folder of the cache."""
    return estate.folder / "cache"


def files(estate: Estate) -> list[Path]:
    """The cache's files."""
    return sorted(cache_of(estate).glob("*")) if cache_of(estate).exists() else []


def test_the_second_time_nobody_is_asked(estate: Estate, options: dict[str, Any]) -> None:
    first = estate.list(options)
    assert estate.requests() == EVERYTHING
    second = estate.list(options)
    assert estate.requests() == NOTHING
    assert second.hosts == first.hosts
    assert second.groups == first.groups == {"aks_clusters": ["c1", "c2"]}
    assert second.hosts["c1"]["copied"] == EVIL


def test_from_the_cache_nothing_is_evaluated_either(estate: Estate, options: dict[str, Any]) -> None:
    estate.list(options)
    estate.requests()
    show = {"name": "show", "ansible.builtin.debug": {"msg": "{{ aks_tags.evil }} {{ copied }}"}}
    source = str(estate.write(options))
    run = estate.ansible.play([play(show, hosts="c1")], "-i", source, environ=estate.environ())
    assert run.result("show").message == f"{EVIL} {EVIL}"
    assert estate.requests() == NOTHING


def test_flush_cache_asks_again(estate: Estate, options: dict[str, Any]) -> None:
    estate.list(options)
    estate.requests()
    estate.azure.change_cluster("c2", {"tags": {"new": "yes"}})
    source = str(estate.write(options))
    show = {"name": "show", "ansible.builtin.debug": {"msg": "{{ aks_tags }}"}}
    run = estate.ansible.play([play(show, hosts="c2")], "-i", source, "--flush-cache", environ=estate.environ())
    assert run.result("show").values["msg"] == {"new": "yes"}
    assert estate.requests()["arm"] == 2
    assert estate.list(options).hosts["c2"]["aks_tags"] == {"new": "yes"}
    assert estate.requests() == NOTHING


def test_another_question_gets_an_answer_of_its_own(estate: Estate, options: dict[str, Any]) -> None:
    def asks(listing: Listing) -> bool:
        assert listing.hosts, listing.stderr
        return estate.requests()["arm"] > 0

    assert asks(estate.list(options))
    assert asks(estate.list({**options, "subscriptions": [SUBSCRIPTION]}))
    assert asks(estate.list({**options, "tags": ["evil"]}))
    assert asks(estate.list(options, AZURE_CLIENT_ID=SOMEBODY_ELSE))
    assert len(files(estate)) == 4
    # How the answer is shown is another matter.
    assert not asks(estate.list({**options, "hostnames": "name_group", "groups": {"every": "true"}}))


def test_no_secret_is_kept(estate: Estate, options: dict[str, Any]) -> None:
    estate.list({**options, "client_id": CLIENT, "secret": SECRET, "tenant": estate.environ()["AZURE_TENANT"]})
    (file,) = files(estate)
    text = file.read_text(encoding="utf-8") + file.name
    assert "c1" in text
    assert not [word for word in (SECRET, "eyJ", "ansible_python_interpreter") if word in text]


def test_a_failure_leaves_nothing_in_the_cache(estate: Estate, options: dict[str, Any]) -> None:
    estate.azure.fault("forbidden", match={"path": OTHER})
    failed = estate.list(options)
    assert failed.hosts == {} and files(estate) == []
    estate.requests()
    assert sorted(estate.list(options).hosts) == ["c1", "c2"]
    assert estate.requests() == EVERYTHING


def test_a_refresh_that_fails_keeps_what_was_there(estate: Estate, options: dict[str, Any]) -> None:
    estate.list(options)
    (file,) = files(estate)
    before = file.read_bytes()
    estate.azure.fault("forbidden", match={"path": OTHER})
    source = str(estate.write(options))
    show = {"name": "show", "ansible.builtin.debug": {"msg": "there is a host"}}
    run = estate.ansible.play([play(show, hosts="c1")], "-i", source, "--flush-cache", environ=estate.environ())
    assert run.results == []
    assert file.read_bytes() == before
