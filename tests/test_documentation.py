"""The documentation: every page is in the contents, every link leads somewhere, the reference is the program's."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import docs_hook
import licences
import pytest
import reference
import yaml
from packaging.version import Version
from synthetic import add_evaluation

import benchmark
from benchmark.reporting.formats import FORMATS

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


def listed(contents: list[object]) -> list[str]:
    """The pages of the site's contents."""
    return [
        page
        for entry in contents
        for page in ([entry] if isinstance(entry, str) else listed(next(iter(entry.values()))))  # type: ignore[attr-defined]
    ]


def test_every_page_is_in_the_contents_once() -> None:
    pages = listed(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"])
    assert sorted(pages) == sorted(str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md"))


#: Before the locked one typer has other words for the kinds of values, and none for what arguments are.
TYPER, LOCKED_TYPER = version("typer"), min(licences.locked()["typer"], key=Version)


def ours(page: str) -> str:
    """The reference without what typer words: lines of usage, arguments, and the kinds of values."""
    page = re.sub(r"^\$ bench .*$", "$ bench", page, flags=re.MULTILINE)
    page = re.sub(r"(?<=^\*\*Arguments\*\*:\n\n)(\* .*\n)+", "", page, flags=re.MULTILINE)
    return re.sub(
        r"(?<=^\* `)(--[\w-]+) (<[\w \[\]]+>|(TEXT|PATH|INTEGER|FLOAT)( RANGE)?)`", r"\1`", page, flags=re.MULTILINE
    )


@pytest.mark.skipif(
    Version(TYPER) < Version(LOCKED_TYPER),
    reason=f"the reference has typer's words, and typer {TYPER}, older than the locked {LOCKED_TYPER}, has others",
)
def test_the_reference_is_what_the_program_says() -> None:
    assert reference.PLACE.read_text(encoding="utf-8") == reference.reference(), "run python scripts/reference.py"


def test_the_reference_has_our_words_whatever_typer_words_otherwise() -> None:
    kept, made = (
        ours(page).splitlines() for page in (reference.PLACE.read_text(encoding="utf-8"), reference.reference())
    )
    assert kept == made, "run python scripts/reference.py"
    assert len([line for line in kept if re.fullmatch(r"\* `--[\w-]+( [^`<]+)?`: .+", line)]) > 200


def test_the_reference_says_whole_sentences_of_each_command():
    listed = re.findall(r"^\* `[a-z]+`: (.*)$", reference.reference().partition("## ")[0], re.MULTILINE)
    assert len(listed) > 15
    assert not [told for told in listed if not told.endswith(".") or told.endswith("...")]


def test_links_between_pages_lead_to_files() -> None:
    for path in DOCS.rglob("*.md"):
        for place in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text(encoding="utf-8")):
            assert "://" in place or (path.parent / place).exists(), f"{path.relative_to(ROOT)} -> {place}"


#: Where files lie that pages name, and what a command writes or a reader is told to write.
PLACES = (ROOT, ROOT / "benchmark", ROOT / "benchmark" / "reporting")
WRITTEN = ("reports/index.html", ".mutants/table.md", "benchmark/attacks/white_box/shift.py")


def test_files_that_pages_name_are_there():
    """Within backticks, with a folder: files are moved, and pages about them stay behind."""
    pages = [*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"]
    for page in pages:
        named = re.findall(
            r"`((?:[\w.-]+/)+[\w-]+\.(?:py|yaml|yml|md|jsonl?|csv|html))`", page.read_text(encoding="utf-8")
        )
        for name in {*named} - {*WRITTEN}:
            assert any((place / name).exists() for place in PLACES), f"{page.relative_to(ROOT)} names {name}"


def test_the_readme_of_reports_lists_what_a_report_writes(tmp_path: Path) -> None:
    add_evaluation(tmp_path / "results", "at")
    add_evaluation(tmp_path / "results", "trades", crafted_on="at")
    page = benchmark.report(results=tmp_path / "results", out=tmp_path / "reports")
    told = (ROOT / "reports" / "README.md").read_text(encoding="utf-8")
    written = [path.name + "/" * path.is_dir() for path in page.parent.iterdir()]
    assert not [name for name in written if f"`{name}`" not in told]
    assert not [
        name for name in FORMATS if name not in told.partition("`bench report --format`")[2] and name != "html"
    ]


def test_the_tutorial_names_what_stands_on_a_networks_page() -> None:
    """In that order, and in the words of the headings."""
    text = (DOCS / "tutorials" / "mat.md").read_text(encoding="utf-8")
    named = re.findall(r"\* \*\*(.*?)\*\*", text.partition("## The page")[2].partition("## ")[0])
    page = (ROOT / "benchmark" / "reporting" / "templates" / "network.html").read_text(encoding="utf-8")
    headings = [heading.partition(":")[0] for heading in re.findall(r"<(?:h2|h3|summary)[^>]*>([^<{]+)", page)]
    assert len(named) > 5
    assert [heading for heading in headings if heading in named] == named


#: What makes the site; where it is installed, the site is made.
TOOLS = ("material", "mkdocstrings")


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("", "The key (`a/key.py`), [a page](deciding.md)"),
        ("https://x/", "[The key](https://x/a/key.py#b), [a page](deciding.md)"),
    ],
)
def test_what_the_site_has_not_is_shown_as_a_file_of_the_repository(source, shown, monkeypatch):
    monkeypatch.setenv("SOURCE_URL", source)
    page = SimpleNamespace(file=SimpleNamespace(src_uri="deciding.md"), edit_url="https://x/edit")
    assert docs_hook.on_page_markdown("[The key](../a/key.py#b), [a page](deciding.md)", page) == shown
    assert page.edit_url


def test_a_page_that_a_script_writes_is_not_to_be_edited():
    page = SimpleNamespace(file=SimpleNamespace(src_uri="attacks.md"), edit_url="https://x/edit")
    docs_hook.on_page_markdown((DOCS / "attacks.md").read_text(encoding="utf-8"), page)
    assert page.edit_url is None


@pytest.mark.skipif(not all(map(find_spec, TOOLS)), reason="needs mkdocs-material: pip install '.[docs]'")
def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    )
    assert not done.returncode, done.stderr
    assert "Is A better than B?" in (tmp_path / "tutorials" / "compare" / "index.html").read_text(encoding="utf-8")
    pages = [page.read_text(encoding="utf-8") for page in tmp_path.rglob("*.html")]
    assert not [
        url for page in pages for url in re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="(https?:[^"]*)', page)
    ]
