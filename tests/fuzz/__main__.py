"""The coverage-guided run: each reader in a process of its own, for its share of the time, from real values.

Usage: python -m tests.fuzz [--seconds N] [--only NAME] [--seed N]
What was learnt is kept in .cache/fuzz and used by the next run. A finding is printed with the input that leads to it;
put that input as an example into the tests of the reader. Exit status 1 tells of findings.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.fuzz.readers import READERS, Reader
from tests.fuzz.spoiling import HARMFUL

ROOT = Path(__file__).resolve().parents[2]
STORE = ROOT / ".cache" / "fuzz"
LONGEST = 20_000
"""Bytes of an input."""
SLOW_SECONDS = 10
"""For one input: nothing that is read takes as long, unless it takes for ever."""
GRACE_SECONDS = 120


@dataclass(frozen=True)
class Result:
    """What became of one reader's run.

    Attributes:
        executions: how many inputs were read.
        coverage: how many places of the code were reached.
        finding: what was found: the exception's last lines and the input; empty for nothing.
    """

    executions: int
    coverage: int
    finding: str = ""


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Fuzz what reads from outside.")
    parser.add_argument("--seconds", type=int, default=300, help="for all readers together")
    parser.add_argument("--only", help="one reader, by name")
    parser.add_argument("--seed", type=int, default=1, help="for the fuzzer's choices")
    asked = parser.parse_args()
    chosen = [reader for reader in READERS if asked.only in (None, reader.name)]
    if not chosen:
        parser.error(f"no such reader; there are: {', '.join(reader.name for reader in READERS)}")
    share = max(1, asked.seconds // len(chosen))
    print(f"{'reader':30} {'executions':>10} {'coverage':>8}  findings", flush=True)
    found = False
    for reader in chosen:
        result = fuzz(reader, share, asked.seed)
        found = found or bool(result.finding)
        print(f"{reader.name:30} {result.executions:10} {result.coverage:8}  {1 if result.finding else 0}", flush=True)
        if result.finding:
            print(result.finding, flush=True)
    sys.exit(1 if found else 0)


def fuzz(reader: Reader, seconds: int, seed: int) -> Result:
    """Fuzz one reader for so many seconds."""
    folder = STORE / re.sub(r"\W+", "-", reader.name)
    learnt, real, findings = folder / "learnt", folder / "real", folder / "findings"
    for each in (learnt, real, findings):
        each.mkdir(parents=True, exist_ok=True)
    for old in [*real.iterdir(), *findings.iterdir()]:
        old.unlink()
    for text in reader.texts:
        data = text.encode("utf-8", "surrogatepass")
        (real / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    words = folder / "words"
    words.write_text("".join(f'"{escaped(word)}"\n' for word in HARMFUL if 0 < len(word) < 60), encoding="ascii")
    options = (
        f"-max_total_time={seconds}",
        f"-timeout={SLOW_SECONDS}",
        f"-max_len={LONGEST}",
        f"-seed={seed}",
        f"-dict={words}",
        f"-artifact_prefix={findings}/",
        "-verbosity=1",
        "-print_final_stats=1",
    )
    command = [sys.executable, "-m", "tests.fuzz.guided", reader.name, *options, str(learnt), str(real)]
    with (folder / "output").open("w+", encoding="utf-8", errors="replace") as file:
        status = ended(command, file, seconds + GRACE_SECONDS)
        file.seek(0)
        output = file.read()
    executions = re.findall(r"stat::number_of_executed_units: +(\d+)|^#(\d+)\s", output, re.MULTILINE)
    coverage = re.findall(r"cov: (\d+)", output)
    return Result(
        max((int(one or other) for one, other in executions), default=0),
        max(map(int, coverage), default=0),
        "" if status == 0 else told(output, findings),
    )


def ended(command: list[str], output: IO[str], seconds: float) -> int | None:
    """The exit status of a command; None where it had to be killed, since code in C keeps the fuzzer's alarm away."""
    with subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT) as process:
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            return None


def escaped(word: str) -> str:
    """A word as libFuzzer's dictionaries have it."""
    return "".join(f"\\x{byte:02x}" for byte in word.encode("utf-8", "surrogatepass"))


def told(output: str, findings: Path) -> str:
    """What was found: the end of the traceback, and the inputs."""
    _before, _heading, trace = output.partition("=== Uncaught Python exception: ===")
    lines = [line for line in (trace or output).splitlines() if line.strip()][:30]
    inputs = [f"  {path}: {path.read_bytes()[:300]!r}" for path in findings.iterdir()]
    return "\n".join([*(f"  {line[:300]}" for line in lines), *inputs])


if __name__ == "__main__":
    main()
