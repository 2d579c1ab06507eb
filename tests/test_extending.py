"""The package of docs/extending.md, installed as it stands there, does what the page says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def files_in(language: str) -> list[str]:
    """The blocks that are files of the package; others are run as they are."""
    return [text for text in blocks(language) if text.startswith("# my_defences/")]


@pytest.mark.slow
def test_what_a_notebook_and_a_loop_do(tmp_path: Path) -> None:
    others = [text for text in blocks("python") if text not in files_in("python")]
    assert len(others) == 2
    program = "import sys\nfor text in sys.argv[1:]: exec(compile(text, 'cell', 'exec'), {'__name__': '__main__'})"
    done = subprocess.run(
        [sys.executable, "-c", program, *others],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "zoo" / "mine.pt").exists()
    assert len(list((tmp_path / "results" / "evaluations").iterdir())) == 1


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the package can be imported and its entry points are found."""
    folder = tmp_path_factory.mktemp("extending")
    package = folder / "my_defences"
    package.mkdir()
    (package / "__init__.py").touch()
    for text in (*files_in("python"), *files_in("yaml")):
        name = text.splitlines()[0].removeprefix("# my_defences/")
        (package / name).write_text(text)
    (package / "my-paper.csv").write_text(blocks("csv")[0])
    project = tomllib.loads(blocks("toml")[0])["project"]
    info = folder / "my_defences-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    groups = (
        f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in entries.items())
        for group, entries in project["entry-points"].items()
    )
    (info / "entry_points.txt").write_text("\n".join(groups))
    return folder


#: All commands in one process, one after the other: each would load everything anew.
COMMANDS = """
import contextlib, glob, io, json, shlex, sys
from benchmark.cli import main
from benchmark.planning import speed
speed.PROBE_SECONDS = 0.001  # nobody asks how fast this machine is
told = []
for command in json.loads(sys.argv[1]):
    words = [word for part in shlex.split(command)[1:] for word in (sorted(glob.glob(part)) or [part])]
    with contextlib.redirect_stdout(io.StringIO()) as out:
        try:
            main(words)
        except SystemExit as end:
            assert not end.code, (command, out.getvalue())
    told.append(out.getvalue())
print(json.dumps(told))
"""


def run(place: Path, program: str, told: object) -> str:
    """What a program prints in which the package is installed; `told` is its only argument, as JSON."""
    done = subprocess.run(
        [sys.executable, "-c", program, json.dumps(told)],
        cwd=place,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(place), str(ROOT)]), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_commands_of_the_page(place: Path) -> None:
    commands = [line.removeprefix("$ ") for text in blocks("console") for line in text.splitlines()]
    assert len(commands) >= 6
    told = json.loads(run(place, COMMANDS, commands))
    assert "CE(h(x'), y) + λ·mean (h(x) − h(x'))²" in told[0]
    table = pd.read_csv(place / "reports" / "leaderboard.csv")
    assert any("my-at" in name for name in table["model"])
    assert table["lost"].tolist() == pytest.approx((table["clean"] - table["r_worst"]).tolist())
    assert "Lost" in told[-1].splitlines()[1].split()
    assert 'title="Clean accuracy minus Rworst"><span>Lost</span>' in (place / "reports" / "index.html").read_text(
        "utf-8"
    )
    printed = " ".join(page.read_text(encoding="utf-8") for page in (place / "reports").rglob("*.html"))
    assert "44.0" in printed


ASKED = """
import json, sys, benchmark
for kind, name in json.loads(sys.argv[1]).items():
    assert name in [row["name"] for row in benchmark.list(kind)], kind
    assert benchmark.show(name, kind=kind)["name"] == name
"""


def test_what_the_package_adds_is_listed_and_has_a_card(place: Path) -> None:
    added = {"methods": "my-at", "attacks": "shift", "architectures": "tiny-mlp", "datasets": "stripes"}
    added |= {"suites": "my-suite", "papers": "my-paper", "recipes": "my-recipe"}
    run(place, ASKED, added)


def test_an_installed_package_has_its_data_files(place: Path) -> None:
    """Of what `pip install` copies, files that are no code are named in pyproject.toml alone."""
    tool = tomllib.loads(blocks("toml")[0])["tool"]["setuptools"]
    (package,) = tool["packages"]
    taken = {path for pattern in tool["package-data"][package] for path in (place / package).glob(pattern)}
    assert taken == {path for path in (place / package).iterdir() if path.suffix in (".yaml", ".csv")}
    assert len(taken) == 4


def test_files_of_the_page_import_nothing_private() -> None:
    modules = set(re.findall(r"^from (benchmark[\w.]*) import", "\n".join(blocks("python")), re.MULTILINE))
    assert modules == {"benchmark.api", "benchmark.data"}
    assert re.findall("from benchmark.data import (.*)", TEXT) == ["load"]


def test_what_may_be_imported_is_there_and_said() -> None:
    from benchmark import api

    assert set(api.__all__) == set(api._HOMES)
    assert all(getattr(api, name) is not None for name in api.__all__)
