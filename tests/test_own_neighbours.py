"""Files of one's own in several folders, each with a module of the same name beside it."""

from __future__ import annotations

import importlib
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmark.attacks import Attack, make_attack
from benchmark.errors import BadInput
from benchmark.own import fresh_import, names
from benchmark.own.trust import trusting

MINE = """
from dataclasses import dataclass
from typing import ClassVar

from benchmark.api import Attack
from helpers import SHARE


@dataclass(frozen=True)
class Shift(Attack):
    share: float = SHARE
    name: ClassVar[str] = "shift"
    kind: ClassVar[str] = "fixed-budget"
    norms: ClassVar[tuple[str, ...]] = ("linf",)

    def __call__(self, classifier, x, y, threat, noise):
        return threat.project(x, x + SHARE * threat.epsilon)

    def used(self):
        return SHARE
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(sys, "path", [place for place in sys.path if not Path(place, "helpers.py").exists()])
    monkeypatch.setattr(fresh_import, "_READ", {})
    for name in ("helpers", "deep", "deep.helpers"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    for name, share in (("a", 1.0), ("b", 0.5)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "mine.py").write_text(MINE)
        (folder / "helpers.py").write_text(f"SHARE = {share}\n")
    with trusting(True):
        yield tmp_path
    for name in [name for name in sys.modules if name.startswith(names.SCHEME) and str(tmp_path) in name]:
        del sys.modules[name]


def shift(folder: Path) -> Attack:
    return make_attack(f"{folder}/mine.py:Shift")


def test_each_finds_its_own_neighbour_in_any_order(home: Path) -> None:
    for name, share in (("a", 1.0), ("b", 0.5), ("a", 1.0), ("b", 0.5)):
        attack = shift(home / name)
        assert (attack.share, attack.used()) == (share, share)  # type: ignore[attr-defined]


def test_a_file_stays_the_one_it_is_while_another_is_used(home: Path) -> None:
    first, other = shift(home / "a"), shift(home / "b")
    assert type(shift(home / "a")) is type(first)
    for attack in (first, other):  # what can't be pickled reaches no worker
        assert pickle.loads(pickle.dumps(attack)) == attack


def test_what_lies_on_the_search_path_is_no_neighbour(home: Path) -> None:
    sys.path.insert(0, str(home / "a"))
    first = shift(home / "b")
    assert first.used() == 0.5  # type: ignore[attr-defined]
    assert type(shift(home / "b")) is type(first)
    importlib.import_module("helpers")
    assert type(shift(home / "b")) is type(first)


def test_an_edit_of_a_neighbour_is_noticed_whoever_was_read_since(home: Path) -> None:
    before = shift(home / "a")
    shift(home / "b")
    (home / "a/helpers.py").write_text("SHARE = 0.25\n")
    after = shift(home / "a")
    assert after.used() == 0.25  # type: ignore[attr-defined]
    assert after.identity() != before.identity()
    assert shift(home / "b").used() == 0.5  # type: ignore[attr-defined]


def test_another_process_reads_the_same_neighbours(home: Path) -> None:
    packed = home / "packed"
    packed.write_bytes(pickle.dumps([shift(home / "a"), shift(home / "b")]))
    read = (
        "import pickle, sys, benchmark.own.finder\nfrom benchmark.own.trust import trusting\n"
        "with trusting(True), open(sys.argv[1], 'rb') as file:\n"
        "    print([each.used() for each in pickle.load(file)])"
    )
    said = subprocess.run([sys.executable, "-c", read, str(packed)], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[1.0, 0.5]"


def test_whoever_only_imports_the_files_hides_nobodys_neighbours(home: Path) -> None:
    """As a worker does, that reads what is sent to it."""
    (home / "b/mine.py").write_text(MINE + "import helpers\nWHOSE = helpers.__file__\n")
    (home / "c").mkdir()
    (home / "c/mine.py").write_text("import helpers\nraise ValueError\n")
    (home / "c/helpers.py").touch()
    (home / "d").mkdir()
    (home / "d/mine.py").touch()
    (home / "d/helpers.py").touch()
    importlib.import_module(names.module_name(home / "a/mine.py"))
    before = sys.modules["helpers"]
    with pytest.raises(ValueError):  # noqa: PT011  of no words
        importlib.import_module(names.module_name(home / "c/mine.py"))
    importlib.import_module(names.module_name(home / "d/mine.py"))  # which does not import its neighbour
    assert sys.modules["helpers"] is before
    other = importlib.import_module(names.module_name(home / "b/mine.py"))
    assert sys.modules["helpers"].__file__ == str(home / "b/helpers.py") == other.WHOSE


def test_packages_beside_a_file_are_told_apart_as_well(home: Path) -> None:
    for name in ("a", "b"):
        folder = home / name
        (folder / "deep").mkdir()
        (folder / "deep/__init__.py").touch()
        (folder / "helpers.py").rename(folder / "deep/helpers.py")
        (folder / "mine.py").write_text(MINE.replace("from helpers", "from deep.helpers"))
    assert [shift(home / name).used() for name in ("a", "b", "a")] == [1.0, 0.5, 1.0]  # type: ignore[attr-defined]


def test_a_folder_is_a_package_whatever_lies_beside_another_file(home: Path) -> None:
    """Without __init__.py it gives way to any module of its name on the search path, that of "a" excepted."""
    for name in ("a", "b"):
        folder = home / name
        (folder / "deep").mkdir()
        (folder / "helpers.py").rename(folder / "deep/helpers.py")
        (folder / "mine.py").write_text(MINE.replace("from helpers", "from deep.helpers"))
    (home / "a/deep/__init__.py").touch()
    assert [shift(home / name).used() for name in ("a", "b", "a")] == [1.0, 0.5, 1.0]  # type: ignore[attr-defined]
    assert type(shift(home / "b")) is type(shift(home / "b"))


def test_what_lies_beside_another_file_alone_is_not_found(home: Path) -> None:
    """Else a file would work, or not, by what was used before."""
    (home / "b/helpers.py").unlink()
    assert shift(home / "a").used() == 1.0  # type: ignore[attr-defined]
    before = [*sys.path]
    with pytest.raises(BadInput, match="No module named 'helpers'"):
        shift(home / "b")
    assert sorted(sys.path) == sorted([*before, str(home / "b")])
    sys.path.insert(0, str(home / "a"))  # it is asked for now
    assert shift(home / "b").used() == 1.0  # type: ignore[attr-defined]
    assert sys.path[0] == str(home / "a")


def test_imported_later_is_refused_where_two_files_mean_different_things(home: Path) -> None:
    late = MINE.replace("from helpers import SHARE\n", "").replace("SHARE\n    name", "1.0\n    name")
    late = late.replace("        return SHARE", "        from helpers import SHARE\n\n        return SHARE")
    for name in ("a", "b"):
        (home / name / "mine.py").write_text(late)
    first = shift(home / "a")
    with pytest.raises(BadInput, match=r"Shift': mine\.py: the module helpers .* of another folder .*rename"):
        shift(home / "b")
    assert first.used() == 1.0  # type: ignore[attr-defined]
    (home / "b/helpers.py").write_text("SHARE = 1.0\n")  # a copy of the project is fine
    assert shift(home / "b").used() == 1.0  # type: ignore[attr-defined]
    for name in ("a", "b"):  # and so is another file beside the same one, which was edited since
        (home / name / "helpers.py").write_text("SHARE = 0.25\n")
    (home / "a/mine.py").rename(home / "a/more.py")
    assert make_attack(f"{home}/a/more.py:Shift").share == 1.0  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["a b", "a.b", "100%", "%41", "ä:b", "+"])
def test_any_folder_may_be_called_anything(tmp_path: Path, name: str) -> None:
    module = names.module_name(tmp_path / name / "mine.py")
    assert "." not in module
    assert names.path_of_module(module) == str(tmp_path / name / "mine.py")
    assert names.plainly(module) == "mine.py"
