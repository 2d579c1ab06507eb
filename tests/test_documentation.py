"""The documentation: every page is in the contents, every link leads somewhere, the reference is the program's."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import reference
import yaml

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


def test_the_reference_is_what_the_program_says() -> None:
    assert reference.PLACE.read_text(encoding="utf-8") == reference.reference(), "run python scripts/reference.py"


def test_links_between_pages_lead_to_files() -> None:
    for path in DOCS.rglob("*.md"):
        for place in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text(encoding="utf-8")):
            assert "://" in place or (path.parent / place).exists(), f"{path.relative_to(ROOT)} -> {place}"


@pytest.mark.skipif(find_spec("material") is None, reason="needs mkdocs-material: pip install '.[docs]'")
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
