"""Run a campaign.

Usage: python -m tests.chaos [--seed N] [--runs N] [--first N] [--jobs N] [--short] [--minutes N] [--write FILE]

Story 17 of seed 3 is the same whenever it is told: --seed 3 --first 17 --runs 1. When exactly requests meet faults
depends on the machine, as it does with real ones. The exit status is 1 when something did not hold, or when the table
that is to be written has gaps. The folders of stories in which something did not hold are kept.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import os
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from tests.chaos.act import Played
from tests.chaos.results import Results
from tests.chaos.stage import Stage
from tests.chaos.story import story

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / ".cache" / "chaos"
TRIED = ("plugins", "roles", "playbooks", "tests/chaos", "tests/emulator")
SOURCES = (".py", ".yml")


def main() -> int:
    """Run the campaign, and print what it came to."""
    options = _options()
    end = time.monotonic() + options.minutes * 60 if options.minutes else None
    numbers = range(options.first, options.first + options.runs)
    jobs = max(1, min(options.jobs, options.runs))
    results, tried = Results(), code()
    with ProcessPoolExecutor(jobs) as pool:
        shares = [
            pool.submit(perform, options.seed, numbers[job::jobs], options.short, end, tried) for job in range(jobs)
        ]
        for share in as_completed(shares):
            results.add(share.result())
    print(f"\n{results.stories} stories, {results.runs} runs, {len(results.told)} violations")
    print("\n".join(results.told))
    if options.short:
        return 1 if results.told else 0
    campaign = known_results(options.seed, tried)
    gaps = campaign.gaps()
    print(f"{campaign.stories} stories of this campaign so far")
    print("\n".join(f"not met often enough: {gap}" for gap in gaps))
    if options.write:
        write(options.write, campaign, options.seed)
    return 1 if results.told or (options.write and (gaps or campaign.told)) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=int, default=4, help="how many stories")
    parser.add_argument("--first", type=int, default=0, help="the number of the first story")
    parser.add_argument("--jobs", type=int, default=2, help="how many stories at a time")
    parser.add_argument("--short", action="store_true", help="without faults that take minutes")
    parser.add_argument("--minutes", type=float, help="begin no story after so many minutes")
    parser.add_argument("--write", type=Path, help="the document that gets the table of the whole campaign")
    return parser.parse_args()


def perform(seed: int, numbers: Sequence[int], short: bool, end: float | None, tried: str) -> Results:
    """Play some stories one after the other, tell of each, and count."""
    logging.getLogger("aiohttp.server").disabled = True  # that clients break off is what the stories are about
    results = Results()
    with Stage(Path(sys.executable).parent, variables()) as stage:
        for number in numbers:
            if end and time.monotonic() > end:
                break
            folder = Path(tempfile.mkdtemp(prefix=f"aks-chaos-{seed}-{number}-"))
            one = Results()
            try:
                played = stage.play(story(seed, number, short=short), folder)
                told = one.take(played)
            except Exception:  # a defect of the campaign; it is no reason to leave the other stories out
                traceback.print_exc()
                results.told.append(f"story {seed}/{number}, in {folder}, cannot be told")
                continue
            if not short:
                remember(seed, number, one, tried)
            results.add(one)
            print("\n".join(lines(played, told)), flush=True)
            if not told:
                shutil.rmtree(folder)
    return results


def code() -> str:
    """A digest of what a campaign tries and of the campaign itself: results of another code are not counted with it."""
    digest = hashlib.sha256()
    for path in sorted(path for folder in TRIED for path in (ROOT / folder).rglob("*") if path.suffix in SOURCES):
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def remember(seed: int, number: int, results: Results, tried: str) -> None:
    """Keep what a story came to with the code that was tried, so that a campaign may be run in parts."""
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / f"{seed}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"number": number, "code": tried, **results.as_json()}) + "\n")


def known_results(seed: int, tried: str) -> Results:
    """What all stories of a campaign came to that were played with this code; of each the last time."""
    file, results = KEPT / f"{seed}.jsonl", Results()
    lines = map(json.loads, file.read_text(encoding="utf-8").splitlines() if file.exists() else ())
    for known in {line["number"]: line for line in lines if line.get("code") == tried}.values():
        results.add(Results.from_json(known))
    return results


def variables() -> dict[str, str]:
    """The environment of runs: nothing of the caller's leaks in."""
    return {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}",
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".venv" / "collections"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_NOCOLOR": "true",
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
    }


def lines(played: Played, told: Sequence[str]) -> Iterator[str]:
    """A story in a few lines."""
    name = f"{played.story.seed}/{played.story.number}"
    for act in played.acts:
        faults = ", ".join(sorted(act.struck)) or "-"
        yield f"{name} {act.name}: {act.statuses} after {act.seconds:.0f} s; {faults}"
    yield from (f"VIOLATED {text}" for text in told)
    if told:
        yield f"its files: {played.folder}"


BEGIN, END = "<!-- campaign: begin -->", "<!-- campaign: end -->"


def write(document: Path, results: Results, seed: int) -> None:
    """Replace a document's table by that of this campaign."""
    text = document.read_text(encoding="utf-8")
    before, found, rest = text.partition(BEGIN)
    assert found, f"{document} has no line {BEGIN}"
    counts = f"{results.stories} stories, {results.runs} runs of ansible-playbook, {len(results.told)} violations"
    told = f"Seed {seed}, {counts}."
    table = "\n".join(results.table())
    document.write_text(f"{before}{BEGIN}\n\n{told}\n\n{table}\n\n{END}{rest.partition(END)[2]}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
