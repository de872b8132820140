"""Tests stay on loopback: whatever reaches beyond it is refused, and fails the test that started it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.conftest import ROOT
from tests.support.aks_loopback_only import VARIABLE, leads_nowhere, on_loopback
from tests.tools import environment

# Each attempt does not mind its failure, as careless code would not. Should the guard not be there, nobody is asked:
# no host has an address of this network (RFC 5737), and no name ends like this one (RFC 6761).
ATTEMPTS = """
import contextlib, socket, subprocess, sys
import pytest
from tests.support.playbook import play, task

FAR, NAME = "192.0.2.1", "azure.test"
CONNECT = f"import socket; socket.create_connection(({FAR!r}, 443), timeout=1)"

def test_connection():
    with socket.socket() as plain:
        plain.settimeout(1)
        with contextlib.suppress(OSError):
            plain.connect((FAR, 443))

def test_connection_without_exception():
    with socket.socket() as plain:
        plain.settimeout(1)
        with contextlib.suppress(OSError):
            plain.connect_ex((FAR, 443))

def test_lookup():
    with contextlib.suppress(OSError):
        socket.getaddrinfo(NAME, 443)

def test_old_lookup():
    with contextlib.suppress(OSError):
        socket.gethostbyname(NAME)

def test_datagram():
    with socket.socket(type=socket.SOCK_DGRAM) as plain, contextlib.suppress(OSError):
        plain.sendto(b"x", (FAR, 53))

def test_process():
    subprocess.run([sys.executable, "-c", CONNECT], stderr=subprocess.DEVNULL)

def test_process_without_variables():
    subprocess.run([sys.executable, "-I", "-c", CONNECT], stderr=subprocess.DEVNULL, env={})

def test_worker(ansible):
    url = "{{ lookup('ansible.builtin.url', 'http://192.0.2.1/', timeout=1) }}"
    ansible.play([play(task("look", "ansible.builtin.debug", {"msg": url}))])

def test_module(ansible):
    ansible.play([play(task("ask", "ansible.builtin.uri", {"url": f"http://{FAR}/", "timeout": 1}))])

def test_that_stays(ansible):
    with socket.socket() as listener, socket.socket(type=socket.SOCK_DGRAM) as plain:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        socket.create_connection(listener.getsockname()).close()
        socket.create_connection(("localhost", listener.getsockname()[1])).close()
        plain.sendto(b"x", listener.getsockname())
    for name in ("no-such-host.invalid", "c1-0a1b2c3d.privatelink.westeurope.azmk8s.io"):
        with pytest.raises(socket.gaierror, match="not known"):
            socket.getaddrinfo(name, 443)
    assert socket.getfqdn()
    run = ansible.play([play(task("wait", "ansible.builtin.wait_for", {"port": 1, "state": "stopped"}))])
    assert run.status == 0, run
"""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a pytest of its own says of each attempt: the reason why it failed, or nothing."""
    folder = tmp_path_factory.mktemp("attempts")
    (folder / "conftest.py").write_text('pytest_plugins = ["tests.conftest", "tests.modules.conftest"]\n')
    (folder / "test_attempts.py").write_text(ATTEMPTS)
    told = folder / "told"
    told.mkdir()
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--basetemp={folder / 'temporary'}"]
    command += [f"--junitxml={folder / 'report.xml'}", "test_attempts.py"]
    path = os.pathsep.join([str(ROOT / ".venv" / "collections"), str(ROOT)])
    environ = {**os.environ, "PYTHONPATH": path, VARIABLE: str(told)}
    done = subprocess.run(command, env=environ, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert not list(told.iterdir())  # it waits for attempts in a folder of its own
    cases = ET.parse(folder / "report.xml").iter("testcase")  # noqa: S314 - our own pytest wrote it
    return {case.get("name", ""): "".join(bad.text or "" for bad in case) for case in cases}


@pytest.mark.parametrize(
    ("attempt", "what", "who"),
    [
        ("connection", "socket.connect '192.0.2.1'", "pytest"),
        ("connection_without_exception", "socket.connect '192.0.2.1'", "pytest"),
        ("lookup", "socket.getaddrinfo 'azure.test'", "pytest"),
        ("old_lookup", "socket.gethostbyname 'azure.test'", "pytest"),
        ("datagram", "socket.sendto '192.0.2.1'", "pytest"),
        ("process", "socket.getaddrinfo '192.0.2.1'", " -c "),
        ("process_without_variables", "socket.getaddrinfo '192.0.2.1'", " -I -c "),
        ("worker", "socket.getaddrinfo '192.0.2.1'", "ansible-playbook"),
        ("module", "socket.getaddrinfo '192.0.2.1'", "AnsiballZ_uri.py"),
    ],
)
def test_whoever_reaches_beyond_loopback_fails_the_test(
    attempt: str, what: str, who: str, outcomes: dict[str, str]
) -> None:
    complaint = outcomes[f"test_{attempt}"]
    assert "something reached beyond loopback:" in complaint
    assert f"{what} by " in complaint
    assert who in complaint


def test_who_stays_on_loopback_is_not_blamed(outcomes: dict[str, str]) -> None:
    assert outcomes["test_that_stays"] == ""
    assert len(outcomes) == 10


@pytest.mark.parametrize(
    ("host", "here"),
    [
        (None, True),
        ("", True),
        (0, True),  # a netlink socket's
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        (b"127.0.0.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("0.0.0.0", True),  # noqa: S104 - from here, this machine
        ("LOCALHOST.", True),
        ("c1.localhost", True),
        ("169.254.169.254", False),  # the metadata service of a virtual machine
        ("10.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("fe80::1%eth0", False),
        ("login.microsoftonline.com", False),
        ("localhost.example", False),
        ("notlocalhost", False),
        ("127.0.0.1.example", False),
        (b"management.azure.com", False),
    ],
)
def test_what_counts_as_loopback(host: object, here: bool) -> None:
    assert on_loopback(host) is here


@pytest.mark.parametrize(
    ("name", "nowhere"),
    [
        (socket.gethostname(), True),
        (f"{socket.gethostname()}.example", False),
        ("a.invalid", True),
        ("azure.test", False),
    ],
)
def test_names_that_nobody_is_blamed_for(name: str, nowhere: bool) -> None:
    assert leads_nowhere(name) is nowhere


def test_the_environments_hand_the_guard_to_every_python() -> None:
    assert environment.GUARD_VARIABLE == VARIABLE
    assert Path(sys.modules[on_loopback.__module__].__file__ or "") == environment.GUARD
