"""The tools that build environments, run steps and check links."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.tools import environment, links, steps

REPORT = '<testsuites><testsuite tests="5" failures="1" errors="1" skipped="1"/></testsuites>'
MAKEFILE = f"""\
good:
\t@echo it works
bad:
\t@echo it fails; exit 7
absent:
\t@echo 'skipped: no Python 4.2 here'
tested:
\t@echo '{REPORT}' > .cache/results/tested.xml; exit 1
hangs:
\t@sleep 600 & wait
"""


def test_make_env_serves_a_shell_anywhere(tmp_path: Path) -> None:
    script = (
        f'eval "$(make -s -C {ROOT} env)" && python -m tests.emulator --help && ansible-doc aks.kube_proxy.config '
        "&& python -c 'import ansible_collections.aks.kube_proxy.plugins.module_utils._domain.kube_proxy'"
    )
    clean = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--fleet" in done.stdout


def test_without_a_suitable_python_the_message_says_what_is_needed(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "tests/tools/environment.py"), "dev"]
    lacking = {"PYTHON": "/bin/false", "HOME": str(tmp_path), "PATH": ""}
    done = subprocess.run(command, env=lacking, capture_output=True, text=True, check=False)
    assert done.returncode == 3  # by which the Makefile tells a step to skip from one that failed
    assert ".venv needs Python 3.13 or 3.12 or 3.11" in done.stderr
    assert "PYTHON=/bin/false" in done.stderr


def test_the_chosen_python_has_the_first_version_that_the_machine_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    here = "{}.{}".format(*sys.version_info[:2])
    found = environment.find_python(("4.2", here))
    assert found is not None
    probe = [found, "-c", "import sys; print('%d.%d' % sys.version_info[:2], sys.prefix == sys.base_prefix)"]
    assert subprocess.run(probe, check=True, capture_output=True, text=True).stdout.split() == [here, "True"]


def test_an_environment_is_rebuilt_when_the_contents_of_its_files_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    wish = environment.Environment(folder=".venv", pythons=(), files=("a.txt",), floors=True)
    lock, requirements = tmp_path / "a.txt", tmp_path / "requirements.txt"
    lock.write_text("x==1\n")
    requirements.write_text("y>=1\n")
    first = environment.stamp_text(wish, "python3")
    os.utime(lock, (0, 0))
    assert environment.stamp_text(wish, "python3") == first
    lock.write_text("x==2\n")
    second = environment.stamp_text(wish, "python3")
    assert second != first
    requirements.write_text("y>=2\n")
    assert environment.stamp_text(wish, "python3") != second


def test_floors_are_the_lower_bounds_exactly() -> None:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert environment.floors() == [line.replace(">=", "==") for line in lines if line[:1] not in {"", "#"}]
    assert all("==" in floor for floor in environment.floors())


@pytest.mark.parametrize(("cloud", "kept"), [("https://localhost:8443", False), ("AzureUSGovernment", True)])
def test_pip_does_not_run_with_an_emulators_authorities(
    cloud: str, kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_CLOUD_ENVIRONMENT", cloud)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/some/ca.pem")
    assert ("REQUESTS_CA_BUNDLE" in environment.pip_environment()) is kept


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of five make targets, for the runner of steps."""
    (tmp_path / "Makefile").write_text(MAKEFILE)
    results = tmp_path / ".cache" / "results"
    results.mkdir(parents=True)
    monkeypatch.setattr(steps, "ROOT", tmp_path)
    monkeypatch.setattr(steps, "RESULTS", results)
    return tmp_path


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("target", "state", "passed", "failed", "skipped"),
    [
        ("good", "passed", 1, 0, 0),
        ("bad", "failed", 0, 1, 0),
        ("absent", "skipped", 0, 0, 1),
        ("tested", "failed", 2, 2, 1),
    ],
)
def test_a_step_is_judged_by_its_status_its_words_and_its_report(
    target: str, state: str, passed: int, failed: int, skipped: int
) -> None:
    outcome = steps.Runner(None).run(steps.Step(target, 1))
    assert (outcome.state, outcome.passed, outcome.failed, outcome.skipped) == (state, passed, failed, skipped)


def test_an_old_report_does_not_count(project: Path) -> None:
    (project / ".cache/results/good.xml").write_text('<testsuite tests="99"/>')
    assert steps.Runner(None).run(steps.Step("good", 1)).passed == 1


@pytest.mark.usefixtures("project")
def test_a_step_that_hangs_is_ended_and_has_failed() -> None:
    start = time.monotonic()
    outcome = steps.Runner(None).run(steps.Step("hangs", 0.5 / 60 / steps.HARD_LIMIT))
    assert outcome.state == "failed"
    assert time.monotonic() - start < 60


@pytest.mark.usefixtures("project")
def test_a_step_without_enough_time_left_is_not_started_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    runner = steps.Runner(time.monotonic() + 60)
    outcomes = [runner.run(steps.Step("good", 0.5)), runner.run(steps.Step("bad", 2))]
    assert [outcome.state for outcome in outcomes] == ["passed", "not run"]
    steps.summarise(outcomes)
    printed = capsys.readouterr().out
    assert "Not run, for lack of time: bad" in printed
    assert printed.splitlines()[-1] == "1 passed, 0 failed, 0 skipped"


def test_every_step_is_a_make_target() -> None:
    for step in steps.TIERS["all"]:
        dry = ["make", "--dry-run", "--no-print-directory", "-C", str(ROOT), step.target]
        done = subprocess.run(dry, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


PAGE = """\
# One heading
[there](other.md) [its heading](other.md#two--words) [here](#one-heading) [again](#one-heading-1) [far](https://a.test/)
# One heading
`[code](missing.md)`
```
[code](missing.md)
```
"""


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("", None),
        ("[x](missing.md)", "page.md: missing.md: no such file"),
        ("[x](#nowhere)", "page.md: #nowhere: no such heading"),
        ("[x](other.md#nowhere)", "page.md: other.md#nowhere: no such heading"),
        ("[x]: missing.md", "page.md: missing.md: no such file"),
        ("[x](#code)", "page.md: #code: no such heading"),
    ],
)
def test_broken_links_are_found(line: str, complaint: str | None, tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(f"{PAGE}{line}\n")
    (tmp_path / "other.md").write_text("## Two & words\n```\n# code\n```\n")
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    assert links.check(tmp_path) == ([complaint] if complaint else [])
