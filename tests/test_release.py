"""A version has one place in git, and the files that name the last release agree; scripts/release.py sees to it."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import pytest
import release

import benchmark
from benchmark import version

ROOT = Path(__file__).parent.parent
FILES = {*release.VERSION, *release.DATE, *release.ADDRESS}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the files that say what is released."""
    for file in FILES:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, tmp_path / file)
    return tmp_path


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def test_the_files_agree() -> None:
    assert release.problems() == []
    assert release.stated(release.VERSION)["benchmark/version.py"] == version.RELEASED


@pytest.mark.parametrize(
    ("what", "file"),
    [("VERSION", file) for file in release.VERSION] + [("DATE", file) for file in release.DATE],
)
def test_a_file_that_says_otherwise_or_nothing_is_named(tree: Path, what: str, file: str) -> None:
    patterns = getattr(release, what)
    said = release.stated(patterns, tree)[file]
    text = (tree / file).read_text("utf-8")
    start = next(release.re.finditer(patterns[file], text, release.re.MULTILINE)).start(1)
    other = "9.9.9" if what == "VERSION" else "1999-01-01"
    (tree / file).write_text(text[:start] + other + text[start + len(said) :], "utf-8")
    (told,) = release.problems(tree)
    assert f"disagree about the {what.lower()}" in told
    assert f"{file} {other}" in told
    (tree / file).write_text("## Unreleased\n", "utf-8")
    assert any(line.startswith(f"{file} states no {what.lower()}") for line in release.problems(tree))


def test_a_release_is_prepared_and_its_tag_checked(tree: Path) -> None:
    change(tree / "CHANGELOG.md", "## Unreleased\n", "## Unreleased\n\n### Added\n\n- A line to be released.\n")
    assert any("Unreleased" in line for line in release.problems_of_tag("v0.1.0", tree))
    release.prepare("0.10.0", "2027-02-03", tree)
    assert release.problems_of_tag("v0.10.0", tree) == []
    assert "the tag is v0.9.0" in release.problems_of_tag("v0.9.0", tree)[0]
    assert set(release.stated(release.VERSION, tree).values()) == {"0.10.0"}
    assert set(release.stated(release.DATE, tree).values()) == {"2027-02-03"}
    changes = (tree / "CHANGELOG.md").read_text("utf-8")
    assert "## Unreleased\n\n## 0.10.0 - 2027-02-03\n\n### Added\n\n- A line to be released.\n" in changes
    before = {file: (tree / file).read_bytes() for file in FILES}
    for older in ("0.9.9", "0.10.0", "0.11", ""):
        with pytest.raises(SystemExit):
            release.prepare(older, "2027-02-04", tree)
    assert {file: (tree / file).read_bytes() for file in FILES} == before


def test_the_repositorys_address_is_stated_by_one_command(tree: Path) -> None:
    for address in ("https://example.org/owner/name", "https://example.org/owner/other"):
        release.put_address(address, tree)
        assert set(release.stated(release.ADDRESS, tree).values()) == {address}
        assert release.problems(tree) == []
    change(tree / "README.md", address, "https://example.org/owner/name")
    (told,) = release.problems(tree)
    assert "README.md https://example.org/owner/name" in told
    with pytest.raises(SystemExit, match="no address"):
        release.put_address("owner/name", tree)


# What runs


def distribution(folder: Path, number: str, *, wheel: bool) -> None:
    """A distribution of the program's name in `folder`, with a copy of its version module."""
    (folder / "benchmark").mkdir(parents=True)
    shutil.copy(version.__file__, folder / "benchmark/version.py")
    info = folder / ("robustness_benchmark-1.dist-info" if wheel else "robustness_benchmark.egg-info")
    info.mkdir()
    (info / ("METADATA" if wheel else "PKG-INFO")).write_text(f"Name: {version.NAME}\nVersion: {number}\n")
    if wheel:
        (info / "WHEEL").write_text("Wheel-Version: 1.0\n")
        (info / "RECORD").write_text(f"benchmark/version.py,,\n{info.name}/WHEEL,,\n")


@pytest.mark.parametrize(
    ("wheel", "of_this_copy", "expected"), [(True, True, "7.8.9"), (False, True, None), (True, False, None)]
)
def test_only_an_installed_copy_is_called_what_its_metadata_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wheel: bool, of_this_copy: bool, expected: str | None
) -> None:
    distribution(tmp_path / "site", "7.8.9", wheel=wheel)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    file = tmp_path / "site/benchmark/version.py" if of_this_copy else Path(version.__file__)
    assert version.version_of(file) == (expected or f"{version.RELEASED}+source")


def test_the_package_says_its_version() -> None:
    assert benchmark.__version__ == version.VERSION
    assert version.version_of(Path(version.__file__)) == version.VERSION


def test_type_checkers_see_what_is_looked_up() -> None:
    """The imports that only type checkers read lead to the very objects that the names lead to."""
    source = ast.parse(Path(benchmark.__file__).read_text("utf-8"))
    (block,) = (node for node in source.body if isinstance(node, ast.If) and isinstance(node.test, ast.Name))
    seen = {
        alias.asname: (node.module, alias.name)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert set(seen) == set(benchmark._DOORS) == set(benchmark.__all__)
    for name, (module, attribute) in seen.items():
        assert getattr(__import__(module, fromlist=[attribute]), attribute) is getattr(benchmark, name), name
    assert '"tests/users_script.py"' in (ROOT / "pyproject.toml").read_text("utf-8")  # which `make lint` reads, too
