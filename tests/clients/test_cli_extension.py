"""The module cli_extension with the real Azure CLI: small extensions of our own, an index of our own."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.clients.conftest import ansible_in
from tests.clients.extension_index import FUTURE, PREVIEW, Index, build_wheel
from tests.modules.test_documentation import examples, text_of
from tests.support.playbook import Ansible, Run, Task, play, task

MODULE = "aks.kube_proxy.cli_extension"
SECRET = "sig-that-nobody-must-see"
PASSWORD = "password-that-nobody-must-see"
NOWHERE = "https://localhost:1"
"""Nothing listens there."""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """C(tiny) in stable, preview and future versions, C(beta) in previews alone."""
    with Index(tmp_path_factory.mktemp("index")) as running:
        running.offer("tiny", "1.0.0")
        running.offer("tiny", "1.9.0")
        running.offer("tiny", "1.10.0")
        running.offer("tiny", "2.0.0b1", PREVIEW)
        running.offer("tiny", "9.0.0", FUTURE)
        running.offer("beta", "1.0.0b1", PREVIEW)
        running.offer("beta", "1.0.0b2", PREVIEW)
        yield running


@dataclass(frozen=True)
class Host:
    """A host with an Azure CLI that has extensions in a folder of this test alone.

    Attributes:
        ansible: what runs the module on it.
        index: where extensions come from.
        folder: where they go.
    """

    ansible: Ansible
    index: Index
    folder: Path

    def install(self, wheel: Path) -> None:
        """Have the extension of a wheel there, without az."""
        with zipfile.ZipFile(wheel) as content:
            content.extractall(self.folder / wheel.name.split("-", 1)[0])

    @property
    def found(self) -> str:
        """A command that tells what is installed, without az."""
        return f"cd {self.folder} && ls -d */*.dist-info || true"

    def run(self, *tasks: Task, **keywords: Any) -> Run:
        """Run tasks; after each look what is there."""
        looked: list[Task] = []
        for step in tasks:
            looked += [step, task(f"after {step['name']}", "ansible.builtin.shell", self.found)]
        defaults = {"group/aks.kube_proxy.aks": {"subscription_id": "not for this module"}}
        return self.ansible.play([play(*looked, module_defaults=defaults, **keywords)], "-v", seconds=500)


def host_in(folder: Path, index: Index, az_program: Path, program: Path) -> Host:
    """A host with nothing installed."""
    extensions = folder / "extensions"
    extensions.mkdir()
    environ = {
        "PATH": f"{program}{os.pathsep}{az_program.parent}{os.pathsep}{os.defpath}",
        "AZURE_CONFIG_DIR": str(folder / "config"),
        "AZURE_EXTENSION_DIR": str(extensions),
        "AZURE_EXTENSION_INDEX_URL": f"{index.url}/index.json?{SECRET}",
        "AZURE_CORE_COLLECT_TELEMETRY": "false",
        "REQUESTS_CA_BUNDLE": str(index.ca_path),
        "ANSIBLE_INJECT_INVOCATION": "true",
    }
    return Host(ansible_in(folder, program, environ), index, extensions)


def versions_after(run: Run, name: str) -> dict[str, str]:
    """The extensions that were there after a task, as the folders tell, and their versions."""
    lines = run.result(f"after {name}").values["stdout_lines"]
    found = [line.split("/")[1].removesuffix(".dist-info").split("-", 1) for line in lines]
    return dict(found)


def visible(run: Run) -> str:
    """All that a run shows."""
    return run.stdout + run.stderr + json.dumps([result.values for result in run.results])


@dataclass(frozen=True)
class Row:
    """A task, and what has to come of it.

    Attributes:
        name: the task's name.
        arguments: the module's options; the extension is C(tiny) unless they say otherwise.
        before: the version that is there; None for none.
        after: the version that is there afterwards, in check mode the one that is predicted.
        says: for a task that has to fail, a part of the message; it leaves the version as it was.
        check: whether it runs in check mode.
        asks: whether the index is asked.
        keywords: further keywords of the task.
    """

    name: str
    arguments: Mapping[str, Any]
    before: str | None
    after: str | None
    says: str = ""
    check: bool = False
    asks: bool = True
    keywords: Mapping[str, Any] = field(default_factory=dict)

    def as_task(self) -> Task:
        """The task."""
        arguments = {"name": "tiny", **self.arguments}
        return task(self.name, MODULE, arguments, check_mode=self.check, **self.keywords)


OFFLINE = {"environment": {"AZURE_EXTENSION_INDEX_URL": f"{NOWHERE}/index.json"}}

# One after the other on one host.
LIFE = [
    Row("predict fresh", {}, None, "1.10.0", check=True),
    Row("fresh", {}, None, "1.10.0"),
    Row("again", {}, "1.10.0", "1.10.0", asks=False, keywords=OFFLINE),
    Row("predict older", {"version": "1.0.0"}, "1.10.0", "1.0.0", check=True),
    Row("older", {"version": "1.0.0"}, "1.10.0", "1.0.0"),
    Row("older again", {"version": "1.0.0"}, "1.0.0", "1.0.0", asks=False, keywords=OFFLINE),
    Row("any version does", {"allow_preview": False}, "1.0.0", "1.0.0", asks=False, keywords=OFFLINE),
    Row("newer", {"version": "1.9.0"}, "1.0.0", "1.9.0", keywords={"become": True, "become_method": "same_user"}),
    Row("predict latest", {"state": "latest"}, "1.9.0", "1.10.0", check=True),
    Row("latest", {"state": "latest"}, "1.9.0", "1.10.0"),
    Row("latest again", {"state": "latest"}, "1.10.0", "1.10.0"),
    Row("preview by name", {"version": "2.0.0b1"}, "1.10.0", "2.0.0b1"),
    Row("latest is not older", {"state": "latest"}, "2.0.0b1", "2.0.0b1"),
    Row("predict absent", {"state": "absent"}, "2.0.0b1", None, check=True, asks=False, keywords=OFFLINE),
    Row("absent", {"state": "absent"}, "2.0.0b1", None, asks=False, keywords=OFFLINE),
    Row("absent again", {"state": "absent"}, None, None, asks=False, keywords=OFFLINE),
    Row("latest preview", {"state": "latest", "allow_preview": True}, None, "2.0.0b1"),
]


@pytest.fixture(scope="module")
def life(index: Index, az_program: Path, ansible_bin: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """All rows of LIFE."""
    host = host_in(tmp_path_factory.mktemp("life"), index, az_program, ansible_bin)
    return host.run(*(row.as_task() for row in LIFE))


@pytest.mark.parametrize("row", LIFE, ids=lambda row: row.name)
def test_each_step_of_an_extensions_life(life: Run, row: Row) -> None:
    result = life.result(row.name)
    assert result.event == "ok", life
    values = result.values
    assert values["changed"] is (row.before != row.after)
    assert (values["name"], values["previous_version"], values["version"]) == ("tiny", row.before, row.after)
    assert values["preview"] == (None if row.after is None else row.after == "2.0.0b1")
    assert (values["diff"]["before"], values["diff"]["after"]) == ({"version": row.before}, {"version": row.after})
    there = row.before if row.check else row.after
    assert versions_after(life, row.name) == ({"tiny": there} if there else {})
    assert (values["folder"] is not None) == bool(row.after and (row.before or not row.check))


def test_the_documented_values_are_the_returned_ones(life: Run) -> None:
    returned = set(life.result("fresh").values) - {"changed", "diff", "invocation"}
    assert returned == set(yaml.safe_load(text_of("cli_extension", "RETURN")))


def test_prediction_and_change_are_the_same(life: Run) -> None:
    for name in ("older", "latest", "absent"):
        predicted, done = life.result(f"predict {name}").values, life.result(name).values
        assert {**predicted, "invocation": None} == {**done, "invocation": None}, name


# Each where 1.0.0 is installed, or nothing.
def at(path: str) -> dict[str, str]:
    """An index with secrets in its address."""
    return {"index_url": f"{{{{ base | replace('//', '//user:{PASSWORD}@') }}}}{path}?{SECRET}"}


MISTRUST = {"environment": {"REQUESTS_CA_BUNDLE": "/etc/ssl/certs/ca-certificates.crt"}}
REFUSALS = [
    Row("no such name", {"name": "nobody"}, "1.0.0", None, "Extension nobody not found. Check 'name'"),
    Row("no such version", {"version": "5.0.0"}, "1.0.0", None, "no version 5.0.0. It has 1.0.0, 1.9.0, 1.10.0, 2."),
    Row("no such version, check", {"version": "5.0.0"}, "1.0.0", None, "the index has no version 5.0.0", check=True),
    Row("too new for az", {"version": "9.0.0"}, "1.0.0", None, "9.0.0 does not go with this Azure CLI. Update it"),
    Row("no preview", {"version": "2.0.0b1", "allow_preview": False}, "1.0.0", None, "2.0.0b1 is a preview"),
    Row("only previews", {"name": "beta", "allow_preview": False}, "1.0.0", None, "the index has only previews"),
    Row(
        "altered",
        {"state": "latest", **at("/altered.json")},
        "1.0.0",
        None,
        "The checksum of the extension does not match the expected value. Failed to update. Rolled tiny back to 1.0.0.",
    ),
    Row("altered at first", {"name": "beta", **at("/altered.json")}, "1.0.0", None, "The checksum of the extension"),
    Row("no wheel", {"version": "1.10.0", **at("/gone.json")}, "1.0.0", None, "failed with 404"),
    Row("no index", {"state": "latest", **at("/none.json")}, "1.0.0", None, "Server returned status code 404 for"),
    Row("no index, check", {"state": "latest", **at("/none.json")}, "1.0.0", None, "status code 404 for", check=True),
    Row("no JSON", {"state": "latest", **at("/page.json")}, "1.0.0", None, "Response body does not contain valid json"),
    Row("no network", {"state": "latest"}, "1.0.0", None, "Connection refused", keywords=OFFLINE),
    Row(
        "no trust",
        {"state": "latest"},
        "1.0.0",
        None,
        "Name the bundle of the CA in REQUESTS_CA_BUNDLE",
        keywords=MISTRUST,
    ),
    Row(
        "no answer",
        {"state": "latest", "timeout": 8, **at("/silent.json")},
        "1.0.0",
        None,
        "az extension list-versions has not ended after 8 seconds, and was stopped.",
    ),
]


@pytest.fixture(scope="module")
def refused(index: Index, az_program: Path, ansible_bin: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """All rows of REFUSALS, on a host that has tiny 1.0.0."""
    host = host_in(tmp_path_factory.mktemp("refused"), index, az_program, ansible_bin)
    host.install(index.folder / "tiny-1.0.0-py3-none-any.whl")
    return host.run(*(row.as_task() for row in REFUSALS), vars={"base": index.url})


@pytest.mark.parametrize("row", REFUSALS, ids=lambda row: row.name)
def test_what_cannot_be_done_is_told_and_leaves_all_as_it_was(refused: Run, row: Row) -> None:
    result = refused.result(row.name)
    assert result.event == "failed", refused
    name = row.arguments.get("name", "tiny")
    assert result.message.startswith(f"Azure CLI extension {name}: "), result.message
    assert row.says in result.message
    assert versions_after(refused, row.name) == {"tiny": "1.0.0"}
    assert result.values["changed"] is False
    assert result.values["version"] == result.values["previous_version"] == ("1.0.0" if name == "tiny" else None)


def test_secrets_of_addresses_stay_secret(refused: Run, life: Run) -> None:
    for run in (refused, life):
        assert "Traceback" not in visible(run)
        assert SECRET not in visible(run)
        assert PASSWORD not in visible(run)


def test_az_was_given_the_secrets(index: Index, refused: Run) -> None:
    """Else the test before would show nothing."""
    assert {"/altered.json", "/none.json", "/gone.json", "/silent.json"} <= set(index.requests)


def test_what_is_there_needs_no_index(life: Run) -> None:
    """Rows that ask no index had one in their environment that does not exist."""
    offline = [row for row in LIFE if not row.asks]
    assert len(offline) >= 6
    assert all(row.keywords == OFFLINE for row in offline)
    assert all(life.result(row.name).event == "ok" for row in offline)


@pytest.fixture
def host(index: Index, az_program: Path, ansible_bin: Path, tmp_path: Path) -> Host:
    """A host without extensions."""
    return host_in(tmp_path, index, az_program, ansible_bin)


def test_wheels_in_place_of_the_index(host: Host, tmp_path: Path) -> None:
    old, new = (build_wheel(tmp_path, "tiny", version) for version in ("0.1.0", "0.2.0"))
    broken = tmp_path / "tiny-0.3.0-py3-none-any.whl"
    broken.write_text("no archive")
    renamed = tmp_path / "tiny-0.4.0-py3-none-any.whl"
    shutil.copy(new, renamed)
    url = f"{host.index.url}/tiny-1.0.0-py3-none-any.whl"

    def of(name: str, source: object, **keywords: Any) -> Task:
        return task(name, MODULE, {"name": "tiny", "source": str(source)}, **keywords, **OFFLINE)

    run = host.run(
        of("predict", new, check_mode=True),
        of("file", new),
        of("again", new),
        of("back", old),
        of("not there", tmp_path / "tiny-7.0.0-py3-none-any.whl", check_mode=True),
        of("another", tmp_path / "other-1.0.0-py3-none-any.whl"),
        of("broken", broken),
        of("renamed", renamed),
        of("by URL", url),
        of("not found", f"{host.index.url}/none/tiny-7.0.0-py3-none-any.whl"),
    )
    outcomes = {
        name: (run.result(name).values["changed"], versions_after(run, name))
        for name in ("predict", "file", "again", "back", "not there", "another", "broken", "by URL", "not found")
    }
    assert outcomes == {
        "predict": (True, {}),
        "file": (True, {"tiny": "0.2.0"}),
        "again": (False, {"tiny": "0.2.0"}),
        "back": (True, {"tiny": "0.1.0"}),
        "not there": (False, {"tiny": "0.1.0"}),
        "another": (False, {"tiny": "0.1.0"}),
        "broken": (False, {"tiny": "0.1.0"}),
        "by URL": (True, {"tiny": "1.0.0"}),
        "not found": (False, {"tiny": "1.0.0"}),
    }, run
    assert run.result("predict").values["version"] == "0.2.0"
    assert "a file tiny-7.0.0-py3-none-any.whl, which is not there on the host" in run.result("not there").message
    assert "holds the extension other" in run.result("another").message
    assert "az extension add says" in run.result("broken").message
    assert "failed with 404" in run.result("not found").message
    # A wheel with another version in it than in its file's name.
    assert run.result("renamed").event == "failed"
    assert "says that all went well, but version 0.2.0 is there" in run.result("renamed").message
    assert run.result("renamed").values["changed"] is True
    assert run.result("renamed").values["version"] == "0.2.0"


def test_what_is_damaged(host: Host) -> None:
    """Of the one az lists no version; beside the other it does nothing at all."""
    host.install(host.index.folder / "tiny-1.0.0-py3-none-any.whl")
    (host.folder / "tiny" / "tiny-1.0.0.dist-info" / "METADATA").unlink()
    module = host.folder / "tiny" / "azext_tiny"
    run = host.run(
        task("predict", MODULE, {"name": "tiny"}, check_mode=True),
        task("mend", MODULE, {"name": "tiny"}),
        task("destroy", "ansible.builtin.file", {"path": str(module), "state": "absent"}),
        task("beyond", MODULE, {"name": "tiny"}),
    )
    for name in ("predict", "mend"):
        values = run.result(name).values
        assert (values["changed"], values["previous_version"], values["version"]) == (True, None, "1.10.0"), run
    assert versions_after(run, "mend") == {"tiny": "1.10.0"}
    message = run.result("beyond").message
    assert message.count(f"Please delete {host.folder}/tiny and install the extension again.") == 1
    assert "Traceback" not in message
    assert "File" not in message


def test_the_examples_run(host: Host, tmp_path: Path) -> None:
    """Those of the documentation, one after the other; the wheel's folder is another, which has to be writable."""
    for number in ("20.0.0b3", "21.0.0b8", "21.0.0b9"):
        host.index.offer("aks-preview", number, PREVIEW)
    wheel = tmp_path / "aks_preview-21.0.0b8-py2.py3-none-any.whl"
    shutil.copy(host.index.folder / "aks_preview-21.0.0b8-py3-none-any.whl", wheel)
    tasks = examples("cli_extension")
    options = tasks[-1][MODULE]
    assert Path(options["source"]).name == wheel.name
    options["source"] = str(wheel)
    run = host.run(*tasks)
    assert run.status == 0, run
    changes = [run.result(step["name"]).values for step in tasks]
    assert [values["version"] for values in changes] == ["21.0.0b9", "21.0.0b8", "21.0.0b9", None, "21.0.0b8"]
    assert all(values["changed"] for values in changes), "an example without effect shows little"
