"""Mutation testing as a program: what mutmut is asked to do, what is taken up again, how it is counted; none runs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import mutants
import pytest

CODES = {
    "benchmark.a.x_f__mutmut_1": 1,  # a test failed
    "benchmark.a.x_f__mutmut_2": 0,
    "benchmark.a.x_f__mutmut_3": -24,
    "benchmark.a.x_f__mutmut_4": 33,
    "benchmark.a.x_f__mutmut_5": None,
    "benchmark.a.x_f__mutmut_6": 2,  # by Ctrl-C
    "benchmark.a.x_f__mutmut_7": -11,
    "benchmark.a.x_f__mutmut_8": 0,
}


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A repository with a package and tests of its own in place of this one, and nothing that runs mutmut."""
    root = tmp_path / "project"
    for part in mutants.PARTS:
        path = root / part
        path.parent.mkdir(exist_ok=True)
        if "." in part:
            path.write_text("[tool.other]\n")
        else:
            path.mkdir()
            (path / "a.py").write_text("def f(): return 1\n")
    (root / "tests" / "test_a.py").write_text("")
    monkeypatch.setattr(mutants, "ROOT", root)
    commit(root)
    return root


def commit(root: Path) -> None:
    name = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    subprocess.run(["git", "add", "-A"], cwd=root, check=True)
    subprocess.run(["git", *name, "commit", "-qm", "a"], cwd=root, check=True)


GROUP = mutants.Group(("benchmark/*.py",), ("tests/test_*.py",))


def filed(copy: Path, codes: dict[str, int | None] = CODES) -> Path:
    """As mutmut leaves it."""
    path = copy / "mutants" / "benchmark" / "a.py.meta"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"exit_code_by_key": codes, "durations_by_key": {}}))
    return path


def test_every_group_names_files_and_tests_that_are_there():
    for group in mutants.GROUPS.values():
        for pattern in (*group.files, *group.tests):
            assert [*mutants.ROOT.glob(pattern)], pattern


def test_all_that_decides_numbers_is_in_a_group():
    """What only names, writes or hands on is not."""
    found = {
        path for package in ("analysis", "statistics") for path in (mutants.ROOT / "benchmark" / package).glob("*.py")
    }
    others = {"__init__.py", "labels.py", "attack_table.py", "streaming.py"}
    named = [mutants.ROOT / name for group in mutants.GROUPS.values() for name in group.files]
    assert {path for path in found if path.name not in others} <= {*named}
    assert len({*named}) == len(named)


def test_a_copy_is_of_the_last_commit_and_says_what_to_do(project, tmp_path):
    (project / "benchmark" / "a.py").write_text("not committed")
    assert mutants.prepare(tmp_path / "copy", GROUP, False) == []
    assert (tmp_path / "copy" / "benchmark" / "a.py").read_text() == "def f(): return 1\n"
    told = (tmp_path / "copy" / "pyproject.toml").read_text()
    assert told.startswith("[tool.other]\n")
    assert 'only_mutate = ["benchmark/*.py"]' in told
    assert 'pytest_add_cli_args_test_selection = ["tests/test_a.py"]' in told


def test_a_run_is_taken_up_until_the_code_or_the_tests_change(project, tmp_path):
    copy = tmp_path / "copy"
    mutants.prepare(copy, GROUP, False)
    path = filed(copy)
    mutants.prepare(copy, GROUP, False)
    kept = json.loads(path.read_text())["exit_code_by_key"]
    assert kept == {**CODES, "benchmark.a.x_f__mutmut_6": None}  # what was stopped is tried again
    (project / "README.md").write_text("no part of it")
    commit(project)
    mutants.prepare(copy, GROUP, False)
    assert path.exists()
    (project / "tests" / "test_a.py").write_text("assert True")
    commit(project)
    mutants.prepare(copy, GROUP, False)
    assert not path.exists()


def test_survivors_are_tried_with_todays_tests_and_only_with_the_same_code(project, tmp_path):
    copy = tmp_path / "copy"
    mutants.prepare(copy, GROUP, False)
    reached = filed(copy).parents[1] / "mutmut-stats.json"
    reached.write_text("{}")
    (project / "tests" / "test_a.py").write_text("assert True")
    (project / "tests" / "test_new.py").write_text("")
    commit(project)
    assert mutants.prepare(copy, GROUP, True) == [f"benchmark.a.x_f__mutmut_{n}" for n in (2, 4, 8)]
    assert (copy / "tests" / "test_a.py").read_text() == "assert True"
    assert not reached.exists()  # what the changed test reaches is asked anew
    told = (copy / "pyproject.toml").read_text()
    assert told.count("[tool.mutmut]") == 1
    assert 'pytest_add_cli_args_test_selection = ["tests/test_a.py", "tests/test_new.py"]' in told
    (project / "benchmark" / "a.py").write_text("def f(): return 2\n")
    commit(project)
    with pytest.raises(SystemExit, match="not run with this code"):
        mutants.prepare(copy, GROUP, True)


def test_the_table_counts_each_mutant_once(tmp_path):
    filed(tmp_path / "one")
    filed(tmp_path / "two", {"benchmark.a.x_f__mutmut_1": 0} | {f"m{n}": 1 for n in range(1100)})
    (tmp_path / "two" / "mutants" / "benchmark" / "a.py.meta").rename(tmp_path / "two/mutants/benchmark/b.py.meta")
    lines = mutants.table({"one": tmp_path / "one", "two": tmp_path / "two"}).splitlines()
    assert lines[2:] == [
        "| `a.py` | 8 | 2 | 1 | 2 | 1 | 2 |",
        "| `b.py` | 1,101 | 1,100 | 0 | 1 | 0 | 0 |",
        "| together | 1,109 | 1,102 | 1 | 3 | 1 | 2 |",
    ]


def test_what_failed_is_said_and_the_other_groups_are_run(tmp_path, monkeypatch, capsys):
    started = []
    monkeypatch.setattr(mutants, "install", lambda env: started.append(env.name))
    monkeypatch.setattr(mutants, "prepare", lambda copy, *_: filed(copy) and [])
    monkeypatch.setattr(
        mutants, "run", lambda env, copy, names: started.append(copy.name) or int(copy.name == "judge")
    )
    monkeypatch.setattr(mutants, "show", lambda env, copy: f"of {copy.name}")
    assert mutants.main(tmp_path, ["judge", "threats"], False) == 1
    assert started == ["env", "judge", "threats"]
    assert (tmp_path / "judge.diff").read_text() == "of judge"
    assert (tmp_path / "table.md").read_text() in capsys.readouterr().out


def test_without_survivors_nothing_is_tried(tmp_path, monkeypatch):
    monkeypatch.setattr(mutants, "install", lambda env: None)
    monkeypatch.setattr(mutants, "prepare", lambda *_: [])  # an empty list of names would be all mutants
    monkeypatch.setattr(mutants, "run", lambda *_: pytest.fail("it was"))
    assert mutants.main(tmp_path, ["judge"], True) == 0


@pytest.mark.parametrize("words", [["jugde"], ["--survivors", "jugde"], ["jugde", "--survivors"]])
def test_a_group_that_is_none_is_refused(words):
    done = subprocess.run([sys.executable, mutants.__file__, "folder", *words], capture_output=True, text=True)
    assert done.returncode == 2
    assert "no such group: jugde" in done.stderr
