"""`python -m tests.emulator`: the program."""

from __future__ import annotations

import os
import shlex
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "tests.emulator"]


@contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run the emulator; end it at the end, whatever happens."""
    process = subprocess.Popen(
        [*COMMAND, *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=60)


def wait_for(path: Path, process: subprocess.Popen[str]) -> dict[str, str]:
    """Wait for the environment file; read it as a shell does."""
    for _unused in range(1200):
        if path.exists():
            words = shlex.split(path.read_text())
            return dict(word.split("=", 1) for word in words if word != "export")
        assert process.poll() is None, process.stderr and process.stderr.read()
        time.sleep(0.05)
    raise AssertionError("no environment file")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_from_start_to_end(tmp_path: Path, number: signal.Signals) -> None:
    fleet, environment_file = tmp_path / "fleet.yml", tmp_path / "env"
    fleet.write_text("clusters: [{name: c1}]\n")
    with running("--fleet", str(fleet), "--write-env", str(environment_file), "--speed", "100") as process:
        environment = wait_for(environment_file, process)
        assert stat.S_IMODE(environment_file.stat().st_mode) == 0o600
        assert sorted(path.name for path in tmp_path.iterdir()) == ["env", "fleet.yml"]
        ca = Path(environment["REQUESTS_CA_BUNDLE"])
        with requests.Session() as session:
            session.trust_env = False
            session.verify = str(ca)
            shown = session.get(f"{environment['AZURE_CLOUD_ENVIRONMENT']}/_emulator/").json()
        assert (shown["speed"], len(shown["clusters"])) == (100, 1)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, "")
        assert environment["AZURE_CLOUD_ENVIRONMENT"] in out
        assert environment["AZURE_SECRET"] not in out
        assert not ca.parent.exists()


def test_what_the_environment_holds(tmp_path: Path) -> None:
    with running("--write-env", str(tmp_path / "env")) as process:
        environment = wait_for(tmp_path / "env", process)
    url = environment["AZURE_CLOUD_ENVIRONMENT"]
    assert url.startswith("https://localhost:")
    assert not url.endswith("/")
    assert environment["AZURE_TENANT"] == environment["AZURE_TENANT_ID"]
    assert environment["AZURE_SECRET"] == environment["AZURE_CLIENT_SECRET"]
    assert environment["AZURE_DISABLE_INSTANCE_DISCOVERY"] == "true"
    assert environment["AZURE_CORE_INSTANCE_DISCOVERY"] == "false"
    assert {"AZURE_CLIENT_ID", "AZURE_SUBSCRIPTION_ID", "AZURE_CONFIG_DIR", "SSL_CERT_FILE"} <= set(environment)


def test_a_mistake_in_the_fleet_is_one_line_and_status_2(tmp_path: Path) -> None:
    fleet = tmp_path / "fleet.yml"
    fleet.write_text("clusters:\n  - name: c1\n  - {name: c2, mod: IPVS}\n")
    done = subprocess.run([*COMMAND, "--fleet", str(fleet)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "emulator: clusters[1] (c2): unknown key 'mod'; did you mean 'mode'?\n"


def test_a_port_that_is_taken_and_an_unwritable_file(tmp_path: Path) -> None:
    with running("--write-env", str(tmp_path / "env")) as process:
        port = wait_for(tmp_path / "env", process)["AZURE_CLOUD_ENVIRONMENT"].rpartition(":")[2]
        for wrong in (["--port", port], ["--write-env", str(tmp_path / "no" / "env")]):
            done = subprocess.run([*COMMAND, *wrong], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
            assert done.returncode == 2
            assert done.stderr.startswith("emulator: ")
            assert len(done.stderr.splitlines()) == 1


def test_negative_speed() -> None:
    done = subprocess.run([*COMMAND, "--speed", "-1"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--speed must not be negative" in done.stderr


def test_nothing_of_the_collection_is_used(tmp_path: Path) -> None:
    """Two independent readings of the facts: the emulator does not import what it checks."""
    code = "import sys, tests.emulator; print([m for m in sys.modules if 'ansible' in m or 'plugins' in m.split('.')])"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == "[]\n"
