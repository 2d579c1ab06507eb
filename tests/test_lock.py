"""What is installed is what was tested: every package is pinned, and so are its files, wherever they come from."""

from __future__ import annotations

import re
import subprocess
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


def test_pip_refuses_what_has_no_hash_or_another_one(tmp_path):
    """As `make setup` calls it; nothing is fetched to find that out."""
    (line,) = re.findall(r"pip install (.*requirements\.lock)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    words = [word if word != "requirements.lock" else "lock" for word in line.split()]
    (tmp_path / "toy-1.0").mkdir()
    (tmp_path / "toy-1.0" / "setup.py").write_text("raise SystemExit('was run')")
    subprocess.run(["tar", "czf", "toy-1.0.tar.gz", "toy-1.0"], cwd=tmp_path, check=True)
    for hashes, told in (("", "Hashes are required"), (f" --hash=sha256:{'0' * 64}", "DO NOT MATCH")):
        (tmp_path / "lock").write_text(f"toy==1.0{hashes}\n")
        command = [sys.executable, "-m", "pip", "install", "--isolated", "--no-index", "--find-links", ".", *words]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode
        assert told in done.stderr
        assert "was run" not in done.stderr
