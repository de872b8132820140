"""The mutation check: what it changes, and that a survivor is told from what the tests notice."""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from tests.tools import mutation
from tests.tools.mutation_operators import mutants

pytestmark = pytest.mark.skipif(sys.version_info < (3, 12), reason="the mutation check needs sys.monitoring")

CODE = '''\
"""Ages."""

ADULTS = ("adult", "senior")


def kind(age: int) -> str:
    """Tell what an age is."""
    if age < 18:
        return "child"
    return ADULTS[age > 65]


def unused(age: int) -> int:
    """Nobody calls it."""
    return age * 2
'''
ENDLESS = '''\
"""Counting."""


def count_down(number: int) -> int:
    """Count down to zero."""
    while number > 0:
        number -= 1
    return number
'''
TESTS = """\
from ages import kind
from endless import count_down


def test_kinds() -> None:
    assert [kind(age) for age in (17, 18, 30, 70)] == ["child", "adult", "adult", "senior"]


def test_the_end() -> None:
    assert count_down(3) == 0
"""
# Fails inside pytest wherever a person of 65 has become a senior, which no test looks at.
SPOILT = """\
from ages import kind


def pytest_sessionstart() -> None:
    assert kind(65) == "adult"
"""
UNHURRIED = ("--patience", "300")
CHANGES = {
    "a < b": {"< -> <="},
    "a is not b": {"is not -> is"},
    "a and (b or c)": {"and -> or", "a -> True", "b or c -> True", "or -> and", "b -> False", "c -> False"},
    "not (a)": {"not -> nothing"},
    "a - 2": {"- -> +", "2 -> 3", "2 -> 1"},
    "f'{a}: {b}'": {"f'{a}: {b}' -> \"XX\"", "{a} -> XX", "{b} -> XX"},
    "f(a, b=c, d=(e))": {"b=c, -> nothing", "d=(e) -> nothing"},
    "sorted(a)": {"sorted -> list"},
    "a.strip().lower()": {".strip() -> nothing", ".lower() -> nothing"},
    "[a for a in b if c]": {"c -> True", "c -> False"},
    "(a, b)": {"(a, b) -> (b,)", "(a, b) -> (a,)"},
    "[a, (b)]": {"a, -> nothing", "(b) -> nothing"},
    "{a: (b), **c}": {"a: (b), -> nothing", "**c -> nothing"},
    "'é' == a": {"'é' -> \"XX\"", "== -> !="},
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project of one file and its tests."""
    for path, text in {"code/ages.py": CODE, "code/endless.py": ENDLESS, "tests/test_ages.py": TESTS}.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    return tmp_path


def run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.tools.mutation", "--root", str(project), "--source", "code", *arguments]
    path = os.pathsep.join([str(ROOT), str(project / "code")])
    environment = {**os.environ, "PYTHONPATH": path, "PYTEST_ADDOPTS": ""}
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


def results(project: Path) -> dict[tuple[str, str], str]:
    lines = (project / ".cache/mutation/results.jsonl").read_text(encoding="utf-8").splitlines()
    found = [json.loads(line) for line in lines]
    return {(result["text"], result["change"]): result["outcome"] for result in found}


@pytest.mark.parametrize("code", CHANGES)
def test_every_change_of_a_kind_is_made(code: str) -> None:
    assert {mutant.change for mutant in mutants(f"x = {code}\n")} == CHANGES[code]


def test_every_mutant_can_be_compiled() -> None:
    code = (ROOT / "tests/tools/mutation_runs.py").read_text(encoding="utf-8")
    found = [mutant.source for mutant in mutants(code)]
    assert len(found) == len(set(found)) > 200
    for source in found:
        compile(source, "mutant", "exec", dont_inherit=True)


def test_what_the_tests_notice_is_told_from_survivors(project: Path) -> None:
    done = run(project, "--only", "ages", *UNHURRIED)
    assert done.returncode == 1, done.stderr
    outcomes = results(project)
    assert outcomes["if age < 18:", "< -> <="] == "killed"
    assert outcomes['ADULTS = ("adult", "senior")', '"senior" -> "XX"'] == "killed"  # a line that runs at import
    assert outcomes["return ADULTS[age > 65]", "> -> >="] == "survived"
    assert outcomes["return age * 2", "* -> /"] == "not run"
    assert "code/ages.py:10: survived\n    return ADULTS[age > 65]\n    > -> >=\n" in done.stdout
    assert {path.name for path in project.iterdir()} <= {"code", "tests", ".cache"}  # nothing is left behind


def test_a_change_that_never_ends_is_ended(project: Path) -> None:
    done = run(project, "--only", "endless", "--patience", "1")
    assert results(project)["number -= 1", "number -= 1 -> pass"] == "timed out"
    names, numbers = (re.split(r"\s{2,}", line) for line in done.stdout.splitlines()[-3::2])
    counted = dict(zip(names, numbers, strict=True))
    assert counted["file"] == "all"
    assert int(counted["timed out"]) > 0 and counted["by time-out"] != "0.0 %"


def test_a_conftest_that_cannot_be_imported_any_more_notices(project: Path) -> None:
    (project / "tests/conftest.py").write_text("from ages import ADULTS\n\nassert len(ADULTS) == 2\n", encoding="utf-8")
    run(project, "--only", "ages", *UNHURRIED)
    outcomes = {change: outcome for (text, change), outcome in results(project).items() if text.startswith("ADULTS")}
    assert outcomes['("adult", "senior") -> ("adult",)'] == "killed"


def test_a_pytest_that_fails_itself_says_nothing_of_the_tests(project: Path) -> None:
    (project / "tests/conftest.py").write_text(SPOILT, encoding="utf-8")
    done = run(project, "--only", "ages", *UNHURRIED)
    assert done.returncode == 1
    assert results(project)["return ADULTS[age > 65]", "> -> >="] == "could not be tried"
    assert "code/ages.py:10: could not be tried\n" in done.stdout


def test_survivors_that_are_explained_are_no_failure_but_explanations_of_nothing_are(project: Path) -> None:
    run(project, "--only", "ages", *UNHURRIED)
    survivors = [key for key, outcome in results(project).items() if outcome in ("survived", "not run")]
    entries = [{"file": "code/ages.py", "why": "an example", "survivors": {t: [c]}} for t, c in survivors]
    explained = project / "tests/tools/mutation-survivors.yml"
    explained.parent.mkdir()
    explained.write_text(yaml.safe_dump(entries), encoding="utf-8")
    assert run(project, "--only", "ages", "--again", *UNHURRIED).returncode == 0
    explained.write_text(yaml.safe_dump(entries[:-1]), encoding="utf-8")
    missing = run(project, "--only", "ages", "--again", *UNHURRIED)
    assert missing.returncode == 1
    assert "\n    {}\n    {}\n".format(*survivors[-1]) in missing.stdout
    entries.append({"file": "code/ages.py", "why": "gone", "survivors": {"if age < 18:": ["< -> <="]}})
    explained.write_text(yaml.safe_dump(entries), encoding="utf-8")
    stale = run(project, "--only", "ages", "--again", *UNHURRIED)
    assert stale.returncode == 1
    assert "no such survivor\n    code/ages.py: if age < 18:\n    < -> <=\n" in stale.stdout


def test_a_sample_is_the_same_for_the_same_seed(project: Path) -> None:
    def sample(seed: int) -> list[str]:
        options = argparse.Namespace(sample=5, seed=seed)
        return [mutant.source for _file, mutant in mutation.chosen([project / "code/ages.py"], options)]

    assert len(set(sample(1))) == 5
    assert sample(1) == sample(1) != sample(2)


def test_tests_that_fail_without_a_change_show_nothing(project: Path) -> None:
    (project / "tests/test_ages.py").write_text("def test_bad() -> None:\n    assert False\n", encoding="utf-8")
    done = run(project)
    assert done.returncode == 1
    assert done.stderr.startswith("The tests fail without any change:")
