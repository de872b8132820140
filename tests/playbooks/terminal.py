"""Runs a command on a terminal of its own, and answers what it asks."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

PATIENCE = 120.0
"""Real seconds that a command may take."""
QUIET = 0.5
"""Real seconds without output after which a question is answered; what is typed before Ansible listens is dropped."""


def answered(
    command: Sequence[str],
    environ: Mapping[str, str],
    folder: Path,
    *,
    question: str,
    answers: Sequence[str],
    meanwhile: Callable[[], Any] = lambda: None,
) -> subprocess.CompletedProcess[str]:
    """Run ansible-playbook to its end; what it prints on the terminal is its standard output.

    Args:
        command: the command, which gets the terminal as its controlling one.
        environ: its environment variables.
        folder: where it is started.
        question: a text after which it waits for an answer; a heading of a task tells that it has got one.
        answers: what is typed, one for each question.
        meanwhile: what happens before each answer.

    Raises:
        TimeoutError: it did not end in time, say because it asked once more.
    """
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        ["setsid", "--ctty", *command], env=dict(environ), cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    printed, end = "", time.monotonic() + PATIENCE
    try:
        while time.monotonic() < end:
            if not select.select([ours], [], [], QUIET)[0]:
                asked = printed.count(question)
                if 0 < asked <= len(answers) and "TASK [" not in printed.rpartition(question)[2]:
                    meanwhile()
                    os.write(ours, f"{answers[asked - 1]}\r".encode())
            elif some := _read(ours):
                printed += some.decode(errors="replace")
            else:
                return subprocess.CompletedProcess(command, process.wait(PATIENCE), printed.replace("\r\n", "\n"), "")
        raise TimeoutError(printed)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _read(terminal: int) -> bytes:
    """What the terminal has to show; nothing when the last process has left it."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""
