"""What is installed is what was tested: every package is pinned, and so are its files, wherever they come from."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@pytest.fixture(scope="module")
def locked() -> list[tuple[Requirement, list[str]]]:
    """Each entry with its hashes; any other line than those of entries and comments fails here."""
    found: list[tuple[Requirement, list[str]]] = []
    for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines():
        if line.startswith("    "):
            found[-1][1].append(line.strip().removesuffix(" \\"))
        elif not line.startswith("#"):
            found.append((Requirement(line.removesuffix(" \\")), []))
    return found


def test_every_package_is_pinned_to_files_that_are_known(locked):
    assert len(locked) > 100
    for requirement, hashes in locked:
        assert re.fullmatch(r"==[^*,+]+", str(requirement.specifier)), requirement  # no index's own build of it
        assert requirement.url is None
        assert hashes, requirement
        assert all(HASH.fullmatch(item) for item in hashes), requirement


def test_all_that_is_asked_for_is_locked_in_a_version_that_fits(locked):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [
        *project["dependencies"],
        *(line for group in project["optional-dependencies"].values() for line in group),
    ]
    for requirement in map(Requirement, asked):
        versions = [
            str(found.specifier).removeprefix("==")
            for found, _ in locked
            if canonicalize_name(found.name) == canonicalize_name(requirement.name)
        ]
        assert versions, requirement
        assert all(requirement.specifier.contains(version) for version in versions), requirement
