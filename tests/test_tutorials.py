"""Tutorials, and other pages that can be, run from top to bottom in an empty folder, as a reader would do it.

`python` blocks are run, one after the other in one namespace; with a title they are files. `console` blocks are
commands, which end well unless the line says how it fails (`# fails: `) or what it finds (`# finds: `), and say what
the line promises (`# says: `).
"""

from __future__ import annotations

import re
import shlex
from glob import glob
from pathlib import Path

import pytest
from command_line import bench

DOCS = Path(__file__).parent.parent / "docs"
PAGES = sorted((DOCS / "tutorials").glob("*.md"))
#: Of these the blocks of other kinds, such as a scheduler's script, are left out.
OTHERS = ("normalisation", "radii", "resuming", "ledger", "attacks", "suites", "masking", "recipes", "reliability")
BLOCK = re.compile(r"^```(\w+)(?: title=\"([^\"\n]+)\")?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def words_of(line: str) -> list[str]:
    """The words of a command, with files named by a pattern as a shell puts them."""
    return [one for word in shlex.split(line, comments=True) for one in (sorted(glob(word)) or [word])]


def test_each_page_has_commands_or_code_and_nothing_else_in_its_blocks():
    assert len(PAGES) >= 7
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        blocks = BLOCK.findall(text)
        assert blocks, page
        assert text.count("```") == 2 * len(blocks), page
        for kind, _, content in blocks:
            assert kind in ("python", "console"), page
            if kind == "console":
                assert all(line.startswith("$ bench ") for line in content.splitlines()), page


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("page", [*PAGES, *(DOCS / f"{name}.md" for name in OTHERS)], ids=lambda page: page.stem)
def test_a_page_runs_from_top_to_bottom(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "__main__"}
    for kind, title, content in BLOCK.findall(page.read_text(encoding="utf-8")):
        if title:
            Path(title).write_text(content, encoding="utf-8")
        elif kind == "python":
            exec(compile(content, str(page), "exec"), names)
        elif kind == "console":
            for line in content.splitlines():
                command, _, refusal = line.removeprefix("$ ").partition("  # fails: ")
                problem = command.partition("  # finds: ")[2]
                code, out, said = bench(capsys, *words_of(command)[1:])
                assert bool(code) == bool(refusal or problem), f"{line}\n{out}\n{said}"
                assert refusal in said
                assert problem in out, line
                assert line.partition("  # says: ")[2] in out + said, line
