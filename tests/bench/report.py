"""Tables of a benchmark, for the terminal and for a page."""

from __future__ import annotations

from collections.abc import Sequence

Rows = list[list[str]]


def table(head: Sequence[str], rows: Rows) -> list[str]:
    """The lines of a table in Markdown."""
    return [_line(head), _line(["---", *("--:" for _name in head[1:])]), *map(_line, rows)]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def between(text: str, name: str, lines: Sequence[str]) -> str:
    """A page in which the lines stand between the marks of this name.

    Raises:
        ValueError: the page has no such marks.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, found, rest = text.partition(begin)
    _old, closed, after = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"The page has no {begin} … {end}.")
    return f"{before}{begin}\n\n{chr(10).join(lines)}\n\n{end}{after}"
