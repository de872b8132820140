"""Which test runs which line, and who imports whom: what a mutation check has to know before it changes anything."""

from __future__ import annotations

import ast
import os
import sys
import time
import types
from collections import Counter, defaultdict
from collections.abc import Collection, Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

AT_IMPORT = ""
"""Stands for a test where a line runs before any."""


@dataclass
class Tried:
    """What the tests did without a change.

    Attributes:
        root: the project's folder.
        seconds: how long each test took that passed.
        failed: tests that fail without any change, so that they show nothing.
        lines: by file and line, the tests that ran it.
        names: by file of the project, the names under which it was imported.
        imported: names of all modules that were imported, in that order.
        importers: by file of the project, the files that import it.
    """

    root: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)
    lines: dict[tuple[str, int], set[str]] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)
    imported: list[str] = field(default_factory=list)
    importers: dict[str, set[str]] = field(default_factory=dict)

    def tests_of(self, file: str, lines: Collection[int], at_import: bool) -> list[str]:
        """Return the tests that can notice a change of these lines: first those that run them.

        What runs at import may matter to whatever runs in this file or in one that imports it. Files of tests come
        first that import the file and little else: they are about it.
        """
        near = set().union(*(self.lines.get((file, line), set()) for line in lines))
        far: set[str] = set()
        if at_import or near == {AT_IMPORT}:
            users = {file, *self.importers.get(file, ())}
            far = set().union(*(tests for (where, _line), tests in self.lines.items() if where in users)) - near
        return [*self.sorted(near, file), *self.sorted(far, file)]

    def sorted(self, tests: Collection[str], file: str) -> list[str]:
        """Sort tests: those about a file first, then by the time that they take, in steps that stay the same."""
        imported_by: Counter[str] = Counter(one for importers in self.importers.values() for one in importers)
        about = {
            os.path.relpath(one, self.root): imported_by[one]
            for one in self.importers.get(file, ())
            if Path(one).name.startswith("test_")
        }
        return sorted(
            (test for test in tests if test in self.seconds),
            key=lambda test: (about.get(test.partition("::")[0], sys.maxsize), round(self.seconds[test], 1), test),
        )

    def independent_of(self, files: Collection[str]) -> list[str]:
        """Return the names of modules that import none of these files, directly or not, and are no tests."""
        dependent: set[str] = set()
        new = set(files)
        while new:
            dependent |= new
            new = set().union(*(self.importers.get(file, set()) for file in new)) - dependent
        left_out = {name for file in dependent for name in self.names.get(file, [])}
        tests = ("test_", "conftest")
        return [name for name in self.imported if name not in left_out and not name.split(".")[-1].startswith(tests)]


class Watch:
    """A pytest plugin that notes which lines of a project's files each test runs, and how long it takes."""

    def __init__(self, root: Path) -> None:
        self.root = f"{root}{os.sep}"
        self.tried = Tried(root=str(root), lines=defaultdict(set), importers=defaultdict(set))
        self.test = AT_IMPORT
        self.files: dict[str, str | None] = {}
        # Not spelled out: types are checked for the oldest Python that the collection runs on.
        self.monitoring: Any = getattr(sys, "monitoring", None)

    def file_of(self, path: str) -> str | None:
        """Return the real path of a file of the project, None for another one's."""
        if path not in self.files:
            real = os.path.realpath(path)
            ours = real.startswith(self.root) and f"{os.sep}site-packages{os.sep}" not in real
            self.files[path] = real if ours else None
        return self.files[path]

    def note_line(self, code: types.CodeType, number: int) -> Any:
        """Note a line; it need not be told again in the same test."""
        file = self.file_of(code.co_filename)
        if file:
            self.tried.lines[file, number].add(self.test)
        return self.monitoring.DISABLE

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Note the test that runs, and its time."""
        self.test, started = item.nodeid, time.monotonic()
        self.monitoring.restart_events()
        try:
            return (yield)
        finally:
            self.tried.seconds[item.nodeid] = time.monotonic() - started
            self.test = AT_IMPORT

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a failure."""
        if report.failed:
            self.tried.failed.add(report.nodeid)

    def run(self, arguments: Sequence[str]) -> int:
        """Run tests and return pytest's exit status."""
        tool, line = self.monitoring.COVERAGE_ID, self.monitoring.events.LINE
        self.monitoring.use_tool_id(tool, "mutation")
        self.monitoring.register_callback(tool, line, self.note_line)
        self.monitoring.set_events(tool, line)
        status = pytest.main([*arguments], plugins=[self])
        self.monitoring.free_tool_id(tool)
        self.note_imports()
        for test in self.tried.failed:
            self.tried.seconds.pop(test, None)
        return int(status)

    def note_imports(self) -> None:
        """Note what was imported, by whom."""
        self.tried.imported = list(sys.modules)
        files = {name: self.file_of(getattr(module, "__file__", None) or "") for name, module in sys.modules.items()}
        for name, file in files.items():
            if file and file.endswith(".py"):
                self.tried.names.setdefault(file, []).append(name)
        for file in self.tried.names:
            for name in imports(Path(file).read_text(encoding="utf-8")):
                if imported := files.get(name):
                    self.tried.importers[imported].add(file)


def imports(source: str) -> set[str]:
    """Return the names that a Python file imports, as modules or from them; relative ones are not looked at."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found
