"""Every package that is locked is listed with its licence, and the list says what the packages say."""

from __future__ import annotations

import hashlib
import importlib.util
import re
from pathlib import Path

import pytest

from benchmark.reporting.interactive import LIBRARY, LICENCE
from benchmark.reporting.pages import ASSETS

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "licences.md"


@pytest.fixture(scope="module")
def licences():
    """The script that makes the page."""
    spec = importlib.util.spec_from_file_location("licences", ROOT / "scripts" / "licences.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def listed() -> dict[str, tuple[str, str]]:
    """Version and licence by package, from the page."""
    row = re.compile(r"^\| ([\w-]+) \| (\S+) \| (.*?) \| [a-z]+ \|$", re.MULTILINE)
    found = row.findall(PAGE.read_text(encoding="utf-8"))
    return {name: (version, licence) for name, version, licence in found}


def test_all_that_is_locked_is_listed(licences, listed):
    """If not: python scripts/licences.py > docs/licences.md"""
    locked = licences.locked()
    assert listed.keys() == locked.keys()
    assert {name for name, (version, _) in listed.items() if version not in locked[name]} == set()
    assert {name for name, (_, licence) in listed.items() if not licence} == set()


def test_the_list_says_what_the_packages_say(licences, listed):
    """Of those that are installed in the version that is listed; other Pythons have other versions."""
    packages = {name: licences.find(name) for name in listed}
    same = [name for name, package in packages.items() if package and package.version == listed[name][0]]
    assert len(same) > 30
    assert {name: listed[name][1] for name in same} == {name: licences.licence(packages[name]) for name in same}


def test_what_is_needed_may_be_used_by_everybody(licences, listed):
    """No licence that reaches over to who uses the package; NVIDIA's libraries are named as what they are."""
    needed = licences.needed_by("")
    assert {"torch", "foolbox", "pyautoattack"} <= needed
    for name in needed & listed.keys():
        licence = listed[name][1]
        assert not re.search(r"\bA?GPL", licence), name
        assert "Proprietary" not in licence or name.startswith(("nvidia-", "cuda-")), name


def test_the_site_ships_one_library_of_others():
    """What the page says of scripts and styles: no licence header of another project, no address they come from."""
    shipped = [path for path in (ROOT / "benchmark").rglob("*") if path.suffix in (".js", ".css", ".html")]
    assert shipped
    for path in shipped:
        if path.name != LIBRARY:
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"copyright|@license|plotly|jquery", text, re.IGNORECASE), path
            assert not re.search(r"""(?:src|@import|url\()\s*=?\s*["']?https?:""", text), path


def test_the_library_is_the_published_file():
    """The page names its version and digest; whoever has npm's package can compare."""
    content = (ASSETS / LIBRARY).read_bytes()
    text, digest = content.decode("utf-8"), hashlib.sha256(content).hexdigest()
    (version,) = re.findall(r't\.version="([\d.]+)"', text[-2000:])
    page = " ".join(PAGE.read_text(encoding="utf-8").split())
    assert f"ECharts {version}" in page
    assert digest in page
    licence = (ASSETS / LICENCE).read_text(encoding="utf-8")
    for part in (
        "Apache License",
        "Version 2.0",
        "The Apache Software Foundation",
        "ZRender",
        "Mike Bostock",
        "Baidu",
    ):
        assert part in licence
