"""Check the relative links of all Markdown files: the file must be there, and the heading that an anchor names.

Usage: links.py [FOLDER]

Looks at what Git tracks or would track. Links to other hosts are not followed.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parents[2]

FENCE = re.compile(r"^( {0,3})(```+|~~~+).*?^ {0,3}\2[`~]*\s*?$", re.MULTILINE | re.DOTALL)
INLINE_CODE = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)|^\s{0,3}\[[^\]]+\]:\s*(\S+)", re.MULTILINE)
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*\s*$", re.MULTILINE)
ELSEWHERE = re.compile(r"^[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def anchors(text: str) -> set[str]:
    """Return the anchors that a Markdown page's headings get: GitHub's rule, repeated headings numbered."""
    found: set[str] = set()
    for heading in HEADING.findall(FENCE.sub("", text)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        number = next(number for number in range(len(found) + 1) if numbered(slug, number) not in found)
        found.add(numbered(slug, number))
    return found


def numbered(slug: str, number: int) -> str:
    """Return the anchor of the heading's second, third... occurrence."""
    return f"{slug}-{number}" if number else slug


def links(text: str) -> list[str]:
    """Return the link targets of a Markdown page, those in code left out."""
    prose = INLINE_CODE.sub("", FENCE.sub("", text))
    return [first or second for first, second in LINK.findall(prose)]


def problem(page: Path, target: str) -> str | None:
    """Tell what is wrong with a link on a page, or None."""
    path, _hash, anchor = unquote(target).partition("#")
    file = (page.parent / path).resolve() if path else page
    if not file.exists():
        return "no such file"
    if anchor and file.suffix == ".md" and anchor not in anchors(file.read_text(encoding="utf-8")):
        return "no such heading"
    return None


def check(folder: Path) -> list[str]:
    """Return one line for every broken link in the Markdown files below a folder that is a Git work tree."""
    listing = ["git", "-C", str(folder), "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"]
    names = subprocess.run(listing, check=True, capture_output=True, text=True).stdout.split("\0")
    broken = []
    for page in (folder / name for name in sorted(filter(None, names))):
        if page.is_file():
            targets = [target for target in links(page.read_text(encoding="utf-8")) if not ELSEWHERE.match(target)]
            problems = [(target, problem(page, target)) for target in targets]
            broken += [f"{page.relative_to(folder)}: {target}: {wrong}" for target, wrong in problems if wrong]
    return broken


def main() -> None:
    """Command line."""
    broken = check(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT)
    for line in broken:
        print(line)
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
