"""The role preview_setup with the real Azure CLI: the extension where asked for, the flag once a subscription."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.extension_index import Index
from tests.clients.test_cli_extension import Host, host_in, versions_after
from tests.emulator import Emulator
from tests.support.playbook import Run

ONES, TWOS = ("11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222")
FLAG = "Microsoft.ContainerService/KubeProxyConfigurationPreview"
EXTENSION = {"preview_setup_cli_extension": True, "preview_setup_cli_extension_name": "tiny"}


@pytest.fixture
def host(az_program: Path, ansible_bin: Path, tmp_path: Path) -> Iterator[Host]:
    """A host without extensions, and an index that has one."""
    folder = tmp_path / "index"
    folder.mkdir()
    with Index(folder) as index:
        index.offer("tiny", "1.9.0")
        index.offer("tiny", "1.10.0")
        yield host_in(tmp_path, index, az_program, ansible_bin)


def set_up(host: Host, emulator: Emulator, **variables: Any) -> Run:
    """The role on four hosts in two subscriptions."""
    bundle = host.ansible.folder / "both.pem"
    bundle.write_bytes(Path(emulator.ca_path).read_bytes() + Path(host.index.ca_path).read_bytes())
    environ = {**emulator.environment(), **host.ansible.environ, "REQUESTS_CA_BUNDLE": str(bundle)}
    hosts = {f"c{number}": {"aks_subscription_id": (ONES, TWOS)[number % 2]} for number in range(4)}
    role = {"hosts": "all", "gather_facts": False, "roles": ["aks.kube_proxy.preview_setup"], "vars": variables}
    looking = {"name": "look", "ansible.builtin.shell": host.found, "run_once": True, "delegate_to": "localhost"}
    plays = [role, {"hosts": "all", "gather_facts": False, "tasks": [{**looking, "name": "after look"}]}]
    return host.ansible.play(plays, inventory=hosts, environ=environ, seconds=200)


def test_the_extension_comes_only_where_asked_for_and_the_flag_once(host: Host) -> None:
    clusters = [{"name": f"c{number}", "subscription": (ONES, TWOS)[number % 2]} for number in range(4)]
    fleet = {"clusters": clusters, "behaviour": {"registration_seconds": 30}}
    with Emulator(fleet, speed=100) as emulator:
        plain = set_up(host, emulator, preview_setup_poll_interval=1)
        assert plain.status == 0, plain
        assert versions_after(plain, "look") == {}
        assert [emulator.feature_state(FLAG, one) for one in (ONES, TWOS)] == ["Registered", "Registered"]
        posts = Counter(entry["path"] for entry in emulator.requests() if entry["path"].endswith("/register"))
        assert sorted(posts.values()) == [1, 1, 1, 1], "two flags, two providers"
        emulator.clear_requests()
        asked = set_up(host, emulator, **EXTENSION)
        assert asked.status == 0, asked
        assert versions_after(asked, "look") == {"tiny": "1.10.0"}
        assert not [entry for entry in emulator.requests() if entry["path"].endswith("/register")]


def test_the_extension_comes_in_the_version_that_is_set(host: Host) -> None:
    with Emulator({"features": {one: {FLAG: "Registered"} for one in (ONES, TWOS)}}, speed=100) as emulator:
        pinned = set_up(host, emulator, **EXTENSION, preview_setup_cli_extension_version="1.9.0")
        assert pinned.status == 0, pinned
        assert versions_after(pinned, "look") == {"tiny": "1.9.0"}
