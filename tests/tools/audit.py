"""Look for known vulnerabilities in what tests/requirements/dev.lock and the lower bounds of requirements.txt name.

Usage: audit.py [--osv-url URL] [--accepted FILE]

Asks the package index, then OSV, by pip-audit; with --osv-url only the address that is given. Where neither has the
data, or stops answering half way, the answer is "skipped", not "passed", and what was found until then still counts. A
mirror of the index may well answer, and know of no vulnerability at all; so each is asked first about a package that is
known to have one.

A known vulnerability fails, unless an entry of tests/requirements/accepted_vulnerabilities.yml accepts it until a day.
An entry whose day is over fails too, with the data or without.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime as dt
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.tools import environment
from tests.tools.steps import SKIPPED

ROOT = environment.ROOT
ACCEPTED = ROOT / "tests" / "requirements" / "accepted_vulnerabilities.yml"
LOCK = ROOT / "tests" / "requirements" / "dev.lock"

SOURCES: Mapping[str, tuple[str, ...]] = {
    "the package index": ("--vulnerability-service", "pypi"),
    "OSV": ("--vulnerability-service", "osv"),
}
"""Who has the data, with the options of pip-audit that ask it; in the order in which they are tried."""

PROBE = ("urllib3", "1.24.1")
PROBE_ID = "CVE-2019-11324"
"""What a source with data knows of the probe (https://nvd.nist.gov/vuln/detail/CVE-2019-11324)."""

PATIENCE = 120
"""Seconds for one run of pip-audit about many packages. The step of make test ends after six minutes."""
PATIENCE_FOR_ONE = 60
"""Seconds for one about a single package."""

Pin = tuple[str, str]
"""A package's normalised name, and its version."""


class NoAnswer(Exception):
    """A source could not be asked, or not about everything."""


@dataclasses.dataclass(frozen=True)
class Accepted:
    """A known vulnerability that fails nothing until a day.

    Attributes:
        id: its id or one of its other names.
        reason: why it is accepted.
        until: the last day.
    """

    id: str
    reason: str
    until: dt.date


@dataclasses.dataclass(frozen=True)
class Vulnerability:
    """A known vulnerability of a pinned package.

    Attributes:
        pin: the package.
        ids: its id, then its other names.
        fixed_in: the versions without it.
    """

    pin: Pin
    ids: tuple[str, ...]
    fixed_in: tuple[str, ...]

    def __str__(self) -> str:
        """One line."""
        fixed = f"; fixed in {', '.join(self.fixed_in)}" if self.fixed_in else "; no fixed version"
        return f"{'=='.join(self.pin)}: {', '.join(self.ids)}{fixed}"


def read_accepted(path: Path) -> list[Accepted]:
    """Read the accepted vulnerabilities. Raises ValueError for an entry that is incomplete."""
    entries = yaml.safe_load(path.read_text(encoding="utf-8")) or []
    accepted = []
    for entry in entries:
        if set(entry) != {"id", "reason", "until"} or not all(entry.values()):
            raise ValueError(f"{path.name}: an entry has id, reason and until, and nothing else: {entry}")
        if not isinstance(entry["until"], dt.date):
            raise ValueError(f"{path.name}: until has to be a date such as 2030-12-31: {entry}")
        accepted.append(Accepted(**entry))
    return accepted


def pins(lines: Iterable[str]) -> set[Pin]:
    """What lines of a requirements file pin, whatever the Python; other lines (comments, hashes) count for nothing."""
    wishes = [Requirement(line.rstrip("\\ ")) for line in lines if line[:1].isalnum()]
    return {(canonicalize_name(wish.name), str(wish.specifier).removeprefix("==")) for wish in wishes}


def rounds(wanted: Iterable[Pin]) -> list[dict[str, str]]:
    """Share out pins so that no round holds two versions of one package, which pip-audit would refuse."""
    shared: list[dict[str, str]] = []
    for name, version in sorted(wanted):
        free = next((names for names in shared if name not in names), None)
        if free is None:
            shared.append(free := {})
        free[name] = version
    return shared


def ask(source: Iterable[str], packages: Mapping[str, str]) -> list[Vulnerability]:
    """Ask a source about pinned packages. Raises NoAnswer if it does not answer, or not about each."""
    patience = PATIENCE if len(packages) > 1 else PATIENCE_FOR_ONE
    with tempfile.TemporaryDirectory() as folder:
        listing = Path(folder, "requirements.txt")
        listing.write_text("".join(f"{name}=={version}\n" for name, version in packages.items()), encoding="utf-8")
        command = [
            sys.executable,
            "-m",
            "pip_audit",
            *source,
            "--requirement",
            str(listing),
            "--no-deps",
            "--disable-pip",
        ]
        command += ["--format", "json", "--progress-spinner", "off", "--cache-dir", folder]
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=patience, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise NoAnswer(f"no answer within {patience} seconds") from error
    try:
        answered: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except json.JSONDecodeError as error:
        said = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise NoAnswer(said[-1]) from error
    if unknown := [entry["skip_reason"] for entry in answered if "skip_reason" in entry]:
        raise NoAnswer("; ".join(unknown))
    return [
        Vulnerability(
            pin=(entry["name"], entry["version"]),
            ids=(found["id"], *found["aliases"]),
            fixed_in=tuple(found["fix_versions"]),
        )
        for entry in answered
        for found in entry["vulns"]
    ]


def find_source(sources: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The first source that has the data. Raises NoAnswer with what each said."""
    reasons = []
    for name, options in sources.items():
        try:
            known = ask(options, dict([PROBE]))
        except NoAnswer as error:
            reasons.append(f"{name}: {error}")
            continue
        if any(PROBE_ID in vulnerability.ids for vulnerability in known):
            return options
        reasons.append(f"{name}: answers, but does not know that {'=='.join(PROBE)} has {PROBE_ID}")
    raise NoAnswer(f"no data about vulnerabilities can be had here. {'; '.join(reasons)}")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Look for known vulnerabilities in what the project depends on.")
    parser.add_argument("--osv-url", metavar="URL", help="where OSV's API, or a mirror of it, takes queries")
    parser.add_argument("--accepted", type=Path, default=ACCEPTED, metavar="FILE", help="the accepted vulnerabilities")
    arguments = parser.parse_args()
    sources = {"OSV": (*SOURCES["OSV"], "--osv-url", arguments.osv_url)} if arguments.osv_url else SOURCES

    today = dt.datetime.now(tz=dt.timezone.utc).date()
    accepted = {entry.id: entry for entry in read_accepted(arguments.accepted)}
    expired = [entry for entry in accepted.values() if entry.until < today]
    for entry in expired:
        print(f"accepted until {entry.until} only: {entry.id} ({entry.reason})")

    files = {
        LOCK.name: pins(LOCK.read_text(encoding="utf-8").splitlines()),
        "lower bounds of requirements.txt": pins(environment.floors()),
    }
    everything = set().union(*files.values())
    found: list[Vulnerability] = []
    gap = ""
    try:
        source = find_source(sources)
        for packages in rounds(everything):
            found += ask(source, packages)
    except NoAnswer as error:
        gap = str(error)

    failed = bool(expired)
    for one in found:
        excuse = next((accepted[name] for name in one.ids if name in accepted), None)
        where = " and ".join(name for name, held in files.items() if one.pin in held)
        verdict = f"accepted until {excuse.until}: {excuse.reason}" if excuse else "NOT ACCEPTED"
        failed = failed or excuse is None
        print(f"{one} ({where}): {verdict}")
    told = f"{SKIPPED}not everything was looked up: {gap}" if gap else f"{len(everything)} packages looked up"
    print(f"{told}; known vulnerabilities: {len(found)}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
