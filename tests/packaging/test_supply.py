"""What the project installs: hashes of the development environment, and known vulnerabilities."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.tools import audit, environment, steps

TODAY = datetime.now(tz=timezone.utc).date()
FLOOR = sorted(audit.pins(environment.floors()))[0]
LOCKED = audit.pins(audit.LOCK.read_text(encoding="utf-8").splitlines())
EVERYTHING = LOCKED | audit.pins(environment.floors())
NOBODY = "http://127.0.0.1:1/v1/query"
BAD = {"id": "PYSEC-2030-1", "aliases": ["CVE-2030-1"]}
PROBE_KNOWN = {"id": "PYSEC-2019-133", "aliases": [audit.PROBE_ID]}


def test_every_package_of_the_lock_has_hashes() -> None:
    entries = audit.LOCK.read_text(encoding="utf-8").replace("\\\n", "").splitlines()
    packages = [entry for entry in entries if entry[:1].isalnum()]
    assert len(packages) > 100
    assert [entry for entry in packages if "--hash=sha256:" not in entry] == []


def test_the_lock_names_no_index() -> None:
    assert "://" not in audit.LOCK.read_text(encoding="utf-8")  # so that each machine's own is asked


def test_environments_made_from_locks_compare_hashes() -> None:
    assert environment.ENVIRONMENTS["dev"].hashes
    for wish in environment.ENVIRONMENTS.values():
        assert wish.hashes == any(name.endswith(".lock") for name in wish.files)


def wheel(folder: Path) -> str:
    """Make a wheel of a package of one line; its sha256."""
    name = "trifle-1.0"
    files = {
        "trifle.py": "ANSWER = 42\n",
        f"{name}.dist-info/METADATA": "Metadata-Version: 2.1\nName: trifle\nVersion: 1.0\n",
        f"{name}.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    sums = [
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()},"
        for path, text in files.items()
    ]
    path = folder / f"{name}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in {**files, f"{name}.dist-info/RECORD": "\n".join(sums)}.items():
            archive.writestr(file, text)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_what_does_not_match_its_hash_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    right = wheel(tmp_path)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv")], check=True)
    (packages,) = (tmp_path / "venv").glob("lib/python3*/site-packages")
    (packages / "pip.pth").write_text(sysconfig.get_path("purelib"))  # ours, which is there already
    lock = tmp_path / "some.lock"
    wish = environment.Environment(folder="venv", pythons=(), files=(str(lock),), hashes=True)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    for line, complaint in (
        (f"trifle==1.0 --hash=sha256:{'0' * 64}", "DO NOT MATCH THE HASHES"),
        ("trifle==1.0", "--require-hashes"),
    ):
        lock.write_text(line)
        with pytest.raises(subprocess.CalledProcessError):
            environment.pip_install(wish, tmp_path / "venv")
        assert complaint in capfd.readouterr().err
    lock.write_text(f"trifle==1.0 --hash=sha256:{right}")
    environment.pip_install(wish, tmp_path / "venv")
    assert (packages / "trifle.py").exists()


@dataclass
class Osv:
    """A server on loopback that answers as OSV's query API does (https://google.github.io/osv.dev/post-v1-query/).

    Attributes:
        url: where it takes queries.
        known: vulnerabilities (C(id), C(aliases)) by package; everything else has none.
        down: packages that it fails at.
        asked: the packages that were asked about.
    """

    url: str = ""
    known: dict[audit.Pin, dict[str, Any]] = field(default_factory=lambda: {audit.PROBE: PROBE_KNOWN})
    down: set[audit.Pin] = field(default_factory=set)
    asked: set[audit.Pin] = field(default_factory=set)

    def answer(self, pin: audit.Pin) -> dict[str, Any]:
        """The answer to a query about one version of a package."""
        self.asked.add(pin)
        if pin not in self.known:
            return {}
        package = {"name": pin[0], "ecosystem": "PyPI"}
        fixed = [{"package": package, "ranges": [{"type": "ECOSYSTEM", "events": [{"fixed": "999.0"}]}]}]
        return {"vulns": [{"summary": "It leaks.", "affected": fixed, **self.known[pin]}]}


@pytest.fixture
def osv() -> Iterator[Osv]:
    """OSV's API on loopback; it knows of nothing but the probe's vulnerability."""
    service = Osv()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            pin = (query["package"]["name"], query["version"])
            body = json.dumps(service.answer(pin)).encode()
            self.send_response(503 if pin in service.down else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words: Any) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        service.url = f"http://127.0.0.1:{server.server_port}/v1/query"
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield service
        server.shutdown()
        thread.join()


def run(url: str, accepted: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the audit with OSV's data from an address."""
    command = [sys.executable, "-m", "tests.tools.audit", "--osv-url", url]
    command += ["--accepted", str(accepted)] if accepted else []
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)


def accepting(folder: Path, days: int, name: str = "CVE-2030-1") -> Path:
    """A file that accepts a vulnerability until so many days from now."""
    path = folder / "accepted.yml"
    path.write_text(f"- id: {name}\n  reason: it cannot happen here\n  until: {TODAY + timedelta(days)}\n")
    return path


def test_an_accepted_vulnerability_passes_on_its_last_day_and_everything_is_asked_about(
    osv: Osv, tmp_path: Path
) -> None:
    osv.known[FLOOR] = BAD
    done = run(osv.url, accepting(tmp_path, 0))
    assert done.returncode == 0, done.stderr
    assert "skipped" not in done.stdout
    line, last = done.stdout.splitlines()
    assert line.endswith(f"accepted until {TODAY}: it cannot happen here")
    assert last == f"{len(EVERYTHING)} packages looked up; known vulnerabilities: 1"
    assert osv.asked == EVERYTHING | {audit.PROBE}
    assert len(LOCKED) > len(dict(LOCKED))  # of some packages two versions: those for other Pythons are looked up, too


def test_a_known_vulnerability_fails(osv: Osv, tmp_path: Path) -> None:
    locked = ("pytest", dict(LOCKED)["pytest"])
    osv.known |= {FLOOR: BAD, locked: BAD}
    done = run(osv.url, accepting(tmp_path, 1, "CVE-2030-2"))
    assert done.returncode == 1
    for pin in (FLOOR, locked):
        (line,) = [line for line in done.stdout.splitlines() if line.startswith(f"{pin[0]}=={pin[1]}: ")]
        assert "PYSEC-2030-1, CVE-2030-1; fixed in 999.0" in line and line.endswith("NOT ACCEPTED")
        assert ("lower bounds of requirements.txt" in line) == (pin == FLOOR)


def test_a_source_that_stops_answering_half_way_is_skipped(osv: Osv) -> None:
    osv.down.add(FLOOR)
    done = run(osv.url)
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    assert line.startswith(f"{steps.SKIPPED}not everything was looked up: ")
    assert line.endswith("; known vulnerabilities: 0")


def test_what_was_found_before_a_source_stops_answering_fails(osv: Osv) -> None:
    first, second, *_rest = audit.rounds(EVERYTHING)
    osv.known[next(iter(first.items()))] = BAD
    osv.down.add(next(iter(second.items())))
    done = run(osv.url)
    assert done.returncode == 1
    assert "NOT ACCEPTED" in done.stdout
    assert f"\n{steps.SKIPPED}not everything was looked up: " in done.stdout


@pytest.mark.parametrize("pretence", ["unreachable", "answers without data"])
def test_without_data_the_audit_is_skipped_not_passed(osv: Osv, pretence: str) -> None:
    osv.known.clear()
    done = run(osv.url if pretence == "answers without data" else NOBODY)
    assert done.returncode == 0
    (line,) = done.stdout.splitlines()
    skipped = f"{steps.SKIPPED}not everything was looked up: no data about vulnerabilities can be had here. OSV: "
    assert line.startswith(skipped)
    assert osv.asked == ({audit.PROBE} if pretence == "answers without data" else set())


def test_a_day_late_an_acceptance_fails_for_which_no_data_is_needed(tmp_path: Path) -> None:
    done = run(NOBODY, accepting(tmp_path, -1))
    assert done.returncode == 1
    late = f"accepted until {TODAY - timedelta(1)} only: CVE-2030-1 (it cannot happen here)"
    assert done.stdout.splitlines()[0] == late


@pytest.mark.parametrize(
    "entry",
    ["{id: CVE-1, until: 2030-01-01}", "{id: CVE-1, reason: '', until: 2030-01-01}", "{id: a, reason: b, until: c}"],
)
def test_an_entry_without_reason_or_day_is_refused(entry: str, tmp_path: Path) -> None:
    path = tmp_path / "accepted.yml"
    path.write_text(f"- {entry}\n")
    with pytest.raises(ValueError, match=r"accepted\.yml: "):
        audit.read_accepted(path)


def test_the_accepted_entries_can_be_read_and_none_is_for_ever() -> None:
    entries = audit.read_accepted(audit.ACCEPTED)
    assert len({entry.id for entry in entries}) == len(entries)
    assert all(entry.until <= TODAY + timedelta(days=366) for entry in entries)
    assert len({entry.until for entry in entries}) == len(entries)  # no change has to look at all of them at once
