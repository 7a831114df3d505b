"""Every command and every line of Python in the pages runs, in the order of the page.

A block that cannot run here is preceded by ``<!-- not run: REASON -->``.
"""

import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
RUN = {"bash", "python"}
OTHER = {"toml", "jinja", "text", "json", "csv"}
"""Languages of blocks that show a file or what a program prints."""

REASON = re.compile(r"<!-- not run: (.{8,}?) -->", re.DOTALL)

needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="it needs bash")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    language: str
    text: str
    line: int
    why_not: str


def blocks_of(page: Path) -> list[Block]:
    found, why_not = [], ""
    for token in MarkdownIt().parse(page.read_text("utf-8")):
        if token.type == "fence":
            line = token.map[0] + 1 if token.map else 0
            found.append(Block(token.info.strip(), token.content, line, why_not))
            why_not = ""
        elif token.type == "html_block" and (reason := REASON.match(token.content.strip())):
            why_not = reason[1]
        elif token.nesting == 0 and token.type != "inline":
            why_not = ""
    return found


def name_of(page: Path) -> str:
    return page.name


def test_there_are_pages():
    assert len(PAGES) > 15


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_says_what_it_is(page):
    for block in blocks_of(page):
        assert block.language in RUN | OTHER, f"{page.name}:{block.line}"


@needs_bash
@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if any(b.language in RUN and not b.why_not for b in blocks_of(page))],
    ids=name_of,
)
def test_code_of_a_page_runs(page, desk, run_shell):
    blocks = [b for b in blocks_of(page) if b.language in RUN and not b.why_not]
    if any("-o results" in block.text for block in blocks):
        shutil.rmtree(desk / "results")  # the page makes it
    for number, block in enumerate(blocks):
        script = block.text
        if block.language == "python":
            file = desk.parent / f"block_{number}.py"
            file.write_text(block.text, "utf-8")
            script = f"'{sys.executable}' '{file}'"
        done = run_shell(script, desk)
        assert done.returncode == 0, f"{page.name}:{block.line}\n{done.stdout}"
