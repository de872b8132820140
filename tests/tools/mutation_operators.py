"""What a mutation check changes: every small change of a Python file that a test ought to notice.

A mutant is one replaced piece of text, so that it can be shown as a line before and after. Left alone are
annotations, decorators, docstrings, imports, and plain assignments (without one nothing runs, which shows nothing).
Needs Python 3.12: since then the parser says where the parts of an f-string are.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

SWAPPED: dict[type[ast.AST], tuple[str, str]] = {
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
    ast.And: ("and", "or"),
    ast.Or: ("or", "and"),
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "/"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "*"),
    ast.BitOr: ("|", "&"),
    ast.BitAnd: ("&", "|"),
}
FUNCTIONS = {"any": "all", "all": "any", "min": "max", "max": "min", "sorted": "list"}
NORMALISING = ("casefold", "lower", "upper", "strip", "lstrip", "rstrip", "title", "capitalize")
OTHER_TEXT = '"XX"'
DELETED = (ast.Expr, ast.Raise, ast.AugAssign, ast.Delete, ast.Continue, ast.Break, ast.Assert)
LEFT_ALONE = ("annotation", "returns", "decorator_list", "type_params", "format_spec")


@dataclass(frozen=True)
class Change:
    """A piece of a file's text and what stands there instead. Offsets count bytes, as the parser does."""

    start: int
    end: int
    after: str


@dataclass(frozen=True)
class Mutant:
    """A file with one change.

    Attributes:
        line: where the change begins, from 1.
        text: that line without its indentation.
        before: the piece that is replaced, on one line.
        after: what stands there instead.
        column: where the change begins in the file's line, in bytes from 0.
        lines: those whose running can show the change: the smallest statement around it.
        at_import: whether the piece runs when the module is imported rather than when a function is called.
        source: the whole file with the change.
    """

    line: int
    text: str
    before: str
    after: str
    column: int
    lines: range
    at_import: bool
    source: str

    @property
    def change(self) -> str:
        """The change in one line."""
        return f"{self.before} -> {self.after or 'nothing'}"


class Source:
    """A file's text, looked at by the nodes of its syntax tree."""

    def __init__(self, text: str) -> None:
        self.data = text.encode()
        self.tree = ast.parse(text)
        self.starts = [0]
        for line in self.data.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))

    def start(self, node: Any) -> int:
        """Where a node begins."""
        line, column = int(node.lineno), int(node.col_offset)
        return self.starts[line - 1] + column

    def end(self, node: Any) -> int:
        """Where a node ends."""
        line, column = int(node.end_lineno), int(node.end_col_offset)
        return self.starts[line - 1] + column

    def text(self, start: int, end: int) -> str:
        """A piece of the text."""
        return self.data[start:end].decode()

    def with_parentheses(self, start: int, end: int) -> tuple[int, int]:
        """Widen a piece by the parentheses right around it."""
        while (before := re.search(rb"\(\s*$", self.data[:start])) and (after := re.match(rb"\s*\)", self.data[end:])):
            start, end = before.start(), end + after.end()
        return start, end

    def without(self, start: int, end: int) -> Change:
        """Leave out a piece of a list, and the comma after it."""
        comma = re.match(rb"\s*,[ ]?", self.data[end:])
        return Change(start, end + comma.end() if comma else end, "")


def between(source: Source, operator: ast.AST, left: ast.AST, right: ast.AST) -> Iterator[Change]:
    """Swap the operator between two operands."""
    old, new = SWAPPED.get(type(operator), ("", ""))
    start, end = source.end(left), source.start(right)
    at = source.text(start, end).find(old) if old else -1
    if at >= 0:
        yield Change(start + at, start + at + len(old), new)


def of_compare(source: Source, node: ast.Compare) -> Iterator[Change]:
    """Another comparison."""
    operands = [node.left, *node.comparators]
    for operator, left, right in zip(node.ops, operands, operands[1:], strict=False):
        yield from between(source, operator, left, right)


def of_boolean(source: Source, node: ast.BoolOp) -> Iterator[Change]:
    """C(and) for C(or), and each operand without influence."""
    for left, right in zip(node.values, node.values[1:], strict=False):
        yield from between(source, node.op, left, right)
    for operand in node.values:
        yield Change(source.start(operand), source.end(operand), str(isinstance(node.op, ast.And)))


def of_arithmetic(source: Source, node: ast.BinOp) -> Iterator[Change]:
    """Another operation."""
    yield from between(source, node.op, node.left, node.right)


def of_unary(source: Source, node: ast.UnaryOp) -> Iterator[Change]:
    """No C(not)."""
    if isinstance(node.op, ast.Not):
        yield Change(source.start(node), source.start(node) + len("not "), "")


def of_constant(source: Source, node: ast.Constant) -> Iterator[Change]:
    """Another number, truth or text."""
    others: list[str] = []
    if isinstance(node.value, bool):
        others = [str(not node.value)]
    elif isinstance(node.value, int | float):
        others = [repr(node.value + 1), repr(node.value - 1)]
    elif isinstance(node.value, str):
        others = [OTHER_TEXT]
    for other in others:
        yield Change(source.start(node), source.end(node), other)


def of_f_string(source: Source, node: ast.JoinedStr) -> Iterator[Change]:
    """Another text, and each of its fields replaced by a fixed text."""
    yield Change(source.start(node), source.end(node), OTHER_TEXT)
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            yield Change(source.start(part), source.end(part), "XX")


def of_return(source: Source, node: ast.Return) -> Iterator[Change]:
    """Nothing returned. That false becomes None shows nothing."""
    if node.value is not None and not isinstance(node.value, ast.Constant):
        start, end = source.with_parentheses(source.start(node.value), source.end(node.value))
        yield Change(start, end, "None")


def of_condition(source: Source, node: ast.If | ast.IfExp) -> Iterator[Change]:
    """Always, and never."""
    for value in ("True", "False"):
        yield Change(source.start(node.test), source.end(node.test), value)


def of_while(source: Source, node: ast.While) -> Iterator[Change]:
    """Never. Always would only be a time-out."""
    yield Change(source.start(node.test), source.end(node.test), "False")


def of_comprehension(source: Source, node: ast.comprehension) -> Iterator[Change]:
    """Nothing left out, and all left out."""
    for condition in node.ifs:
        for value in ("True", "False"):
            yield Change(source.start(condition), source.end(condition), value)


def of_statement(source: Source, node: ast.stmt) -> Iterator[Change]:
    """No such statement."""
    yield Change(source.start(node), source.end(node), "pass")


def of_assignment(source: Source, node: ast.Assign) -> Iterator[Change]:
    """What is set in an object or a mapping stays as it was."""
    if not isinstance(node.targets[0], ast.Name | ast.Tuple):
        yield from of_statement(source, node)


def of_call(source: Source, node: ast.Call) -> Iterator[Change]:
    """A call without one of its keywords, of the opposite function, or no call where it only makes texts alike."""
    for keyword in node.keywords:
        yield source.without(source.start(keyword), source.end(keyword))
    if isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS:
        yield Change(source.start(node.func), source.end(node.func), FUNCTIONS[node.func.id])
    if isinstance(node.func, ast.Attribute) and node.func.attr in NORMALISING and not node.args:
        yield Change(source.end(node.func.value), source.end(node), "")


def of_display(source: Source, node: ast.Tuple | ast.List | ast.Set) -> Iterator[Change]:
    """One row less."""
    pair = isinstance(node, ast.Tuple) and len(node.elts) == 2  # without a comma what is left would be no tuple
    for number, row in enumerate(node.elts if isinstance(getattr(node, "ctx", ast.Load()), ast.Load) else ()):
        if pair:
            other = node.elts[1 - number]
            kept = source.text(*source.with_parentheses(source.start(other), source.end(other)))
            yield Change(source.start(node), source.end(node), f"({kept},)")
        else:
            yield source.without(*source.with_parentheses(source.start(row), source.end(row)))


def of_dictionary(source: Source, node: ast.Dict) -> Iterator[Change]:
    """One entry less."""
    for key, value in zip(node.keys, node.values, strict=True):
        _before, end = source.with_parentheses(source.start(value), source.end(value))
        yield source.without(source.start(value) - len("**") if key is None else source.start(key), end)


OPERATORS: dict[type[ast.AST], Callable[[Source, Any], Iterable[Change]]] = {
    ast.Compare: of_compare,
    ast.BoolOp: of_boolean,
    ast.BinOp: of_arithmetic,
    ast.UnaryOp: of_unary,
    ast.Constant: of_constant,
    ast.JoinedStr: of_f_string,
    ast.Return: of_return,
    ast.If: of_condition,
    ast.IfExp: of_condition,
    ast.While: of_while,
    ast.comprehension: of_comprehension,
    ast.Assign: of_assignment,
    ast.Call: of_call,
    ast.Tuple: of_display,
    ast.List: of_display,
    ast.Set: of_display,
    ast.Dict: of_dictionary,
    **dict.fromkeys(DELETED, of_statement),
}


def is_text_alone(node: ast.AST) -> bool:
    """Whether a statement is a docstring."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def children(node: ast.AST) -> Iterator[tuple[ast.AST, bool]]:
    """Yield what may be changed below a node, and whether it runs only when a function is called."""
    for name, value in ast.iter_fields(node):
        if name in LEFT_ALONE or (isinstance(node, ast.Subscript) and isinstance(value, ast.Tuple)):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not is_text_alone(child):
                in_f_string = isinstance(node, ast.JoinedStr) and isinstance(child, ast.Constant)
                if not in_f_string:
                    yield child, name == "body" and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def span_of(statement: ast.stmt) -> range:
    """Return the lines of a statement, of one with a body those before it."""
    body = getattr(statement, "body", None)
    last = max(statement.lineno, body[0].lineno - 1) if body else statement.end_lineno or statement.lineno
    return range(statement.lineno, last + 1)


def walk(node: ast.AST, span: range, called: bool) -> Iterator[tuple[ast.AST, range, bool]]:
    """Yield every node that may be changed, with the lines that can show it and whether it runs at import."""
    for child, in_function in children(node):
        here = span_of(child) if isinstance(child, ast.stmt) else span
        # The rows that a function returns are taken apart by its callers: leaving one out breaks them all.
        if not (isinstance(node, ast.Return) and isinstance(child, ast.Tuple)):
            yield child, here, not (called or in_function)
        yield from walk(child, here, called or in_function)


def mutants(text: str) -> Iterator[Mutant]:
    """Yield all mutants of a Python file, in the order of the file. No two are alike, each can be compiled."""
    source = Source(text)
    lines = text.splitlines()
    seen = {text}
    found: list[tuple[int, Mutant]] = []
    for node, span, at_import in walk(source.tree, range(1, 2), called=False):
        operator = OPERATORS.get(type(node))
        for change in operator(source, node) if operator else ():
            mutated = source.text(0, change.start) + change.after + source.text(change.end, len(source.data))
            # Only what is left out can take something away that the rest needs.
            if mutated in seen or not (change.after or compiles(mutated)):
                continue
            seen.add(mutated)
            line = source.data.count(b"\n", 0, change.start) + 1
            before = " ".join(source.text(change.start, change.end).split())
            column = change.start - source.starts[line - 1]
            shown = lines[line - 1].strip()
            found.append((change.start, Mutant(line, shown, before, change.after, column, span, at_import, mutated)))
    yield from (mutant for _start, mutant in sorted(found, key=lambda pair: pair[0]))


def compiles(text: str) -> bool:
    """Whether a text is a Python file."""
    try:
        compile(text, "mutant", "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True
