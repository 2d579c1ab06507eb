"""What a newcomer sees first: the README, its picture, and what it says of other projects."""

from __future__ import annotations

import io
import re
import struct
from pathlib import Path

import pytest
import screenshot
from PIL import Image

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMPARISON = (ROOT / "docs" / "comparison.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / ".github").glob("*.md"), *ROOT.glob("container/*.md")]


def section(text: str, heading: str) -> str:
    return text.partition(f"## {heading}\n")[2].partition("\n## ")[0]


def rows(text: str) -> list[list[str]]:
    """The cells of the table in `text`, without its head."""
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| ")
    ][1:]


def names(text: str) -> list[str]:
    return [re.sub(r"\[(.*?)\]\(.*?\)", r"\1", row[0]) for row in rows(text)]


def test_the_first_screen_has_a_picture_two_commands_and_ten_lines_of_code() -> None:
    first = README.partition("## Install")[0]
    (picture,) = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", first)
    data = (ROOT / picture).read_bytes()
    assert data.startswith(b"\x89PNG\r\n")
    assert len(data) < screenshot.LARGEST
    assert struct.unpack(">II", data[16:24]) == (1800, 960)  # as scripts/screenshot.py takes it
    commands = first.partition("```console\n")[2].partition("```")[0].splitlines()
    assert len(commands) == 2
    assert all(line.startswith("$ ") for line in commands)
    code = first.partition("```python\n")[2].partition("```")[0].splitlines()
    assert len(code) <= 10
    assert "between processors" in first


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path) -> None:
    for place in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
        assert "://" in place or (page.parent / place).exists(), f"{page.name} -> {place}"


def test_both_tables_compare_the_same_projects_with_a_source_each() -> None:
    short = section(README, "Beside other projects")
    projects = names(short)
    assert projects.pop() == "benchmark"
    assert len(projects) == 8
    assert names(section(COMPARISON, "One line each")) == names(section(COMPARISON, "Sources")) == projects
    assert names(section(COMPARISON, "What is there")) == [*projects, "benchmark"]
    sources = {row[0]: row[1] for row in rows(section(COMPARISON, "Sources"))}
    for name, url in re.findall(r"^\| \[(.*?)\]\((.*?)\)", short, re.MULTILINE):
        assert re.search(rf"\({re.escape(url)}\) [0-9a-f]{{7}}, \d{{4}}-\d\d-\d\d", sources[name]), name
    (checked,) = re.findall(r"checked on (\d+ \w+ \d{4})", short)
    assert f"Checked on {checked}" in COMPARISON


def test_every_cell_of_the_comparison_says_something() -> None:
    for heading in ("One line each", "What is there"):
        lengths = {len(row) for row in rows(section(COMPARISON, heading))}
        assert len(lengths) == 1
        assert all(all(row) for row in rows(section(COMPARISON, heading)))


def test_a_screen_is_made_small() -> None:
    noise = Image.frombytes("RGB", (90, 40), bytes(i * i % 251 for i in range(90 * 40 * 3)))
    written = io.BytesIO()
    noise.save(written, "PNG")
    reduced = Image.open(io.BytesIO(screenshot.small(written.getvalue(), 16)))
    assert (reduced.format, reduced.size, reduced.mode) == ("PNG", (90, 40), "P")
    assert len(reduced.getcolors()) <= 16
