"""The code blocks of a page, as a Markdown parser sees them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

DOCS = Path(__file__).resolve().parents[2] / "docs"
#: How the first line of a block names its file: a comment in its language.
NAMED = {
    "python": re.compile(r"# (?P<file>[\w./-]+\.py)(?P<more>, at the end)?"),
    "html": re.compile(r"\{# (?P<file>[\w./-]+\.html) #\}(?P<more>)"),
    "javascript": re.compile(r"// (?P<file>[\w./-]+\.js)(?P<more>)"),
    "css": re.compile(r"/\* (?P<file>[\w./-]+\.css) \*/(?P<more>)"),
}


@dataclass(frozen=True)
class Block:
    """One code block; `where` locates it in messages."""

    language: str
    text: str
    where: str

    @property
    def first_line(self) -> str:
        return self.text.partition("\n")[0]

    @property
    def file(self) -> str:
        """The file of the project that the block contains, or ""."""
        found = self._named()
        return found["file"] if found else ""

    @property
    def is_added(self) -> bool:
        """Whether the block is appended to an existing file."""
        found = self._named()
        return bool(found and found["more"])

    def _named(self) -> re.Match[str] | None:
        pattern = NAMED.get(self.language)
        return pattern.fullmatch(self.first_line) if pattern else None


def blocks_of(page: str) -> list[Block]:
    """Return every code block of docs/`page`, including those without a language, except tables of contents."""
    text = (DOCS / page).read_text(encoding="utf-8")
    found = []
    for token in MarkdownIt("commonmark").parse(text):
        if token.type in {"fence", "code_block"} and not token.info.startswith("{toctree}"):
            line = token.map[0] + 1 if token.map else 0
            found.append(Block(token.info.strip(), token.content, f"docs/{page}:{line}"))
    return found
