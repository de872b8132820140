"""Scripted faults of the API servers, in their own words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests

from tests.contract.arm_client import Arm
from tests.contract.cluster_client import NODES, Inside, refused
from tests.contract.conftest import Start
from tests.emulator import FleetError

HERE = {"api": "kubernetes"}


@pytest.fixture
def arm(start: Start) -> Arm:
    return start()


@pytest.fixture
def inside(arm: Arm, tmp_path: Path) -> Inside:
    return Inside(arm, tmp_path)


def test_a_server_error(arm: Arm, inside: Inside) -> None:
    arm.emulator.fault("server_error", match=HERE, status=503)
    answer = inside.ask(NODES)
    assert (answer.status_code, answer.json()["kind"], answer.json()["code"]) == (503, "Status", 503)
    arm.emulator.fault("server_error", match=HERE, status=502, shape="html")
    assert inside.ask(NODES).text.startswith("<html>")
    assert inside.ask(NODES).status_code == 200


@pytest.mark.parametrize(("given", "seconds"), [(None, "1"), (7, "7")])
def test_priority_and_fairness(arm: Arm, inside: Inside, given: int | None, seconds: str) -> None:
    arm.emulator.fault("throttled", match=HERE, retry_after=given)
    answer = inside.ask(NODES)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, seconds)
    assert answer.text == "Too many requests, please try again later.\n"


@pytest.mark.parametrize("fault", ["cut_before", "cut_after", "cut_within"])
def test_connections_are_cut(arm: Arm, inside: Inside, fault: str) -> None:
    arm.emulator.fault(fault, match=HERE)
    with pytest.raises((requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        inside.ask(NODES)
    assert inside.ask(NODES).status_code == 200


def test_answers_are_spoilt(arm: Arm, inside: Inside) -> None:
    arm.emulator.fault("garbage", match=HERE)
    with pytest.raises(requests.exceptions.JSONDecodeError):
        inside.ask(NODES).json()
    arm.emulator.fault("wrong_content", match=HERE)
    answer = inside.ask(NODES)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    arm.emulator.fault("slow", match=HERE, seconds=0.5)
    assert inside.ask(NODES).elapsed.total_seconds() > 0.5


def test_which_requests_are_meant(arm: Arm, inside: Inside) -> None:
    arm.emulator.fault("server_error", match={**HERE, "path": "continue="})
    page = inside.json(f"{NODES}?limit=1")
    refused(inside.ask(f"{NODES}?limit=1&continue={page['metadata']['continue']}"), 500, "InternalError")
    arm.emulator.fault("server_error", match={**HERE, "path": "continue="}, status=410)
    message = refused(inside.ask(f"{NODES}?limit=1&continue={page['metadata']['continue']}"), 410, "Expired")
    assert message.startswith("The provided continue parameter is too old")
    arm.emulator.fault("server_error", match={**HERE, "cluster": "c2"})
    assert inside.ask(NODES).status_code == 200
    arm.emulator.fault("server_error", match={"path": "nodes"}, times=None)  # of ARM
    assert inside.ask(NODES).status_code == 200
    assert arm.get()["name"] == "c1"
    arm.emulator.fault("server_error", match={**HERE, "path": "/managedClusters/"}, times=None)
    assert arm.get()["name"] == "c1"


@pytest.mark.parametrize("name", ["forbidden", "operation_failed", "etag_race"])
def test_faults_of_arm_alone(arm: Arm, name: str) -> None:
    with pytest.raises(FleetError, match="strikes at ARM alone"):
        arm.emulator.fault(name, match=HERE)
    order: dict[str, Any] = {"fault": "slow", "match": HERE, "with": {"seconds": 1}}
    url = f"{arm.emulator.control_url}/faults"
    assert arm.session.post(url, json=order).json()[0]["match"] == HERE
