"""Foreign text in messages."""

from __future__ import annotations

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.wording import one_line, told


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\nb\tc", "a b c"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("\u202etxt", "\\u202etxt"),
        ("\ud800", "\\ud800"),
        ("grün", "grün"),
    ],
)
def test_no_terminal_obeys_it(text: str, line: str) -> None:
    assert one_line(text) == line


@pytest.mark.parametrize(
    ("text", "line"), [("a {}", "a {}."), ('a {"b": 1} \n', 'a {"b": 1}.'), ("a ", "a"), ("a {} b", "a {} b")]
)
def test_nothing_foreign_ends_like_a_record(text: str, line: str) -> None:
    assert told(text) == line
