"""Every target can be found: `make help` says what there is, and what pages call is there."""

from __future__ import annotations

import re
from pathlib import Path

from test_architecture import tracked_files

ROOT = Path(__file__).parents[1]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
RULES = set(re.findall(r"^([a-z][a-z-]*):(?!=)", MAKEFILE, re.MULTILINE))


def test_help_lists_every_target_and_no_other():
    helped = re.findall(r'^\t@echo "make ([a-z-]+)', MAKEFILE, re.MULTILINE)
    assert sorted(helped) == sorted(RULES - {"help"})


def test_no_target_waits_for_a_file_of_its_name():
    """A folder that is called `docs` or `coverage` would make it up to date."""
    phony = " ".join(re.findall(r"^\.PHONY: (.*)", MAKEFILE, re.MULTILINE)).split()
    assert sorted(phony) == sorted(RULES)


def test_what_a_page_tells_to_make_can_be_made():
    told = {
        (str(path.relative_to(ROOT)), target)
        for path in tracked_files()
        if path.suffix in (".md", ".yml", ".yaml", ".json", ".html", ".py") and path != Path(__file__)
        for target in re.findall(r"(?:\$ |`|\brun: )make ([a-z][a-z-]*)", path.read_text(encoding="utf-8"))
    }
    assert {("docs/mutation.md", "mutants"), ("CONTRIBUTING.md", "mutants"), ("docs/coverage.md", "coverage")} <= told
    assert {place for place in told if place[1] not in RULES} == set()
