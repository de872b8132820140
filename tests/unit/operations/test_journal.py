"""The journal's file: who may read it, what stands in it, and what is said when it cannot be written."""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.journal import Journal, earlier_lines


def test_a_journal_and_its_folder_are_their_owners_alone(tmp_path: Path) -> None:
    file = tmp_path / "new" / "folder" / "journal"
    Journal(str(file), {}).close()
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_each_line_tells_when_what_and_of_which_run(tmp_path: Path) -> None:
    file = tmp_path / "journal"
    journal = Journal(str(file), {"run": "r1"})
    journal.write("submitting", "/C1", before={"mode": "é"})
    journal.write("ended", "/C1")
    journal.close()
    lines = [json.loads(line) for line in file.read_text("ascii").splitlines()]
    moments = [datetime.fromisoformat(line.pop("time")) for line in lines]
    assert all(moment.utcoffset() == timedelta(0) for moment in moments)
    assert lines == [
        {"event": "submitting", "id": "/C1", "run": "r1", "before": {"mode": "é"}},
        {"event": "ended", "id": "/C1", "run": "r1"},
    ]
    assert [line["event"] for line in earlier_lines(str(file))["/c1"]] == ["submitting", "ended"]


@pytest.mark.parametrize(
    ("there", "kept"), [(b'{"id": "torn', b'{"id": "torn\n'), (b"whole\n", b"whole\n"), (b"", b"")]
)
def test_a_torn_line_is_ended_before_the_next_begins(tmp_path: Path, there: bytes, kept: bytes) -> None:
    file = tmp_path / "journal"
    file.write_bytes(there)
    journal = Journal(str(file), {})
    assert file.read_bytes() == kept
    journal.write("ended", "/c1")
    journal.close()
    assert list(earlier_lines(str(file))) == ["/c1"]


def test_what_cannot_be_written_stops_the_switch_in_words(tmp_path: Path) -> None:
    with pytest.raises(AzureError) as error:
        Journal(str(tmp_path), {})
    assert f"The journal {tmp_path} cannot be written (Is a directory). Nothing is switched without" in str(error.value)
    assert error.value.details["code"] == "Journal"
    full = Journal("/dev/full", {})
    with pytest.raises(AzureError, match=r"journal /dev/full cannot be written \(No space left on device\)"):
        full.write("submitting", "/c1")
    full.close()


def test_a_line_written_in_part_is_told_and_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "journal"
    journal = Journal(str(file), {})
    write = os.write
    with monkeypatch.context() as patched:  # a disk that takes the first bytes alone
        patched.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:9]))
        with pytest.raises(AzureError, match=r"\(only 9 of \d+ bytes could be written\)"):
            journal.write("submitting", "/c1")
    journal.write("ended", "/c2")
    journal.close()
    torn, whole = file.read_text().splitlines()
    assert len(torn) == 9
    assert json.loads(whole)["id"] == "/c2"
    assert list(earlier_lines(str(file))) == ["/c2"]


def test_what_cannot_be_read_is_told_and_what_is_not_there_is_empty(tmp_path: Path) -> None:
    assert earlier_lines(str(tmp_path / "none")) == {}
    assert earlier_lines(str(tmp_path)) == {}
    file = tmp_path / "journal"
    file.write_bytes(b'\xff\n{"id": "/C1"}\n{"id": "/c1", "last": true}\n')
    assert earlier_lines(str(file)) == {"/c1": [{"id": "/C1"}, {"id": "/c1", "last": True}]}
