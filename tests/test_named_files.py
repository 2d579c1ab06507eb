"""A name or a file: one rule for suites, recipes, papers and experiments, wherever one is taken."""

from __future__ import annotations

import ast
import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

import benchmark
from benchmark import catalogue
from benchmark.documents import files_by_name, in_words, is_path, path_of
from benchmark.errors import BadInput
from benchmark.evaluation import load_suite
from benchmark.experiments.experiment import load_experiment
from benchmark.papers import load_paper
from benchmark.recipes.recipe import RECIPES, load_recipe
from benchmark.suites.files import SUITES
from benchmark.training.request import make_plan

PACKAGE = Path(__file__).parent.parent / "benchmark"
LOADERS = {
    "suites": ("smoke", lambda named: load_suite(named, scale="digits")),
    "recipes": ("quick", load_recipe),
    "papers": ("cat", load_paper),
    "experiments": ("alpha", load_experiment),
}


def content(loaded: Any) -> Any:
    return loaded.model_dump() if isinstance(loaded, BaseModel) else loaded


def shipped(kind: str, name: str) -> str:
    return (PACKAGE / kind / f"{name}.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("quick", False),
        ("multi-perturbation", False),
        ("", False),
        ("quick.yaml", True),
        ("quick.YML", True),
        ("./quick", True),
        ("folder/quick", True),
        ("~/quick", True),
        (Path("quick"), True),
    ],
)
def test_what_is_a_path(named, expected):
    assert is_path(named) is expected
    assert is_path(in_words(named)) is expected
    assert not expected or Path(in_words(named)) == Path(named)


@pytest.mark.parametrize("kind", LOADERS)
def test_files_are_named_in_every_way(kind, tmp_path, monkeypatch):
    name, load = LOADERS[kind]
    usual = content(load(name))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "folder").mkdir()
    for file in ("mine.yaml", "folder/mine.YML", "plain"):
        Path(file).write_text(shipped(kind, name), encoding="utf-8")
    ways = ["mine.yaml", "./mine.yaml", "folder/mine.YML", "~/mine.yaml", "./plain", str(tmp_path / "mine.yaml")]
    for named in [*ways, *map(Path, ways), Path("plain")]:
        assert content(load(named)) == usual, named
    row = catalogue.show(Path("mine.yaml"))
    assert {**row, "name": ""} == {**catalogue.show(name, kind=kind), "name": ""}
    assert catalogue.show("./plain", kind=kind)["kind"] == row["kind"]


@pytest.mark.parametrize("kind", LOADERS)
def test_a_name_wins_over_a_file_that_is_called_the_same(kind, tmp_path, monkeypatch):
    name, load = LOADERS[kind]
    usual = content(load(name))
    monkeypatch.chdir(tmp_path)
    Path(name).write_text("- no such document", encoding="utf-8")
    assert content(load(name)) == usual
    with pytest.raises(BadInput, match=f"{name}:1: a mapping"):
        load(Path(name))


@pytest.mark.parametrize("kind", LOADERS)
def test_what_is_neither_is_told_both(kind, tmp_path, monkeypatch):
    name, load = LOADERS[kind]
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match=rf"can't read absent.yaml: there is no such file; .* have a name: .*{name}"):
        load("absent.yaml")
    with pytest.raises(BadInput, match=f"unknown {kind[:-1]} 'mine'"):
        load("mine")
    Path("mine").touch()
    with pytest.raises(BadInput, match=rf"unknown {kind[:-1]} 'mine'.*to name the file 'mine', write \.{os.sep}mine"):
        load("mine")
    with pytest.raises(BadInput, match="there is no such home folder"):
        load("~nobody-of-this-name/mine.yaml")


def test_nobody_else_decides_what_is_a_file():
    """The endings stand in one module; a check of another kind would be a second rule."""
    having = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in (".yaml", ".yml")
    }
    assert having - {"given.py"} == {"documents.py"}  # the former calls a file so that it writes


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A function that installs a package with recipes."""

    def install(name: str, **targets: str) -> Path:
        package = tmp_path / f"{name}_recipes"
        package.mkdir()
        lines = ["from pathlib import Path", "HERE = Path(__file__).parent"]
        lines += [f"{recipe} = {target}" for recipe, target in targets.items()]
        (package / "__init__.py").write_text("\n".join(lines), encoding="utf-8")
        info = tmp_path / f"{name}_recipes-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}-recipes\nVersion: 1.0\n", encoding="utf-8"
        )
        entries = "\n".join(f"{recipe.lower()} = {name}_recipes:{recipe}" for recipe in targets)
        (info / "entry_points.txt").write_text(f"[benchmark.recipes]\n{entries}\n", encoding="utf-8")
        monkeypatch.syspath_prepend(str(tmp_path))
        return package

    return install


def test_a_recipe_of_another_package_is_one_like_any(installed, tmp_path, monkeypatch, capsys):
    package = installed("whole", MINE="HERE / 'mine.yaml'")
    text = "about: Two epochs.\nlr: 0.1\nepochs: 1\nbatch_size: 256\nvalidation: {images: 10, steps: 1}\n"
    text += "threats: {digits: {linf: {epsilon: 0.1, step_size: 0.1, steps: 1}}}\n"
    (package / "mine.yaml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert "mine" in [row["name"] for row in benchmark.list("recipes")]
    assert benchmark.show("mine")["description"] == "Two epochs."
    (path,) = benchmark.train("at", recipe="mine", progress=False)
    assert path.name == "at-recipe-mine.pt"
    assert benchmark.show(path)["recipe"]["name"] == "mine"
    (package / "mine.yaml").write_text(text.replace("lr: 0.1", "lr: fast"), encoding="utf-8")
    with pytest.raises(BadInput, match=r"^mine.yaml:2: lr: "):
        benchmark.train("at", recipe="mine")


def test_a_broken_recipe_of_another_package_stops_no_other(installed, caplog):
    installed("broken", WORDS="'mine.yaml'", ABSENT="HERE / 'absent.yaml'")
    rows = [row["name"] for row in benchmark.list("recipes")]
    assert rows == [path.stem for path in sorted((PACKAGE / "recipes").glob("*.yaml"))]
    for name, message in {
        "words": "is neither the pathlib.Path of a YAML file nor a dict of what stands in one, but 'mine.yaml'",
        "absent": "no such",
    }.items():
        assert message in caplog.text
        with pytest.raises(BadInput, match=message):
            load_recipe(name)


def test_paths_are_taken_by_every_verb(tmp_path, monkeypatch):
    """And what is written down about them is words, from which the same can be done again."""
    monkeypatch.chdir(tmp_path)
    Path("plain").write_text(shipped("recipes", "quick").replace("epochs: 30", "epochs: 1"), encoding="utf-8")
    Path("suite.yaml").write_text(shipped("suites", "smoke"), encoding="utf-8")
    plan = make_plan(
        "at",
        dataset="digits",
        arch=None,
        recipe=Path("plain"),
        set=["epochs=1"],
        seed=0,
        device="cpu",
        precision="fp32",
        name=None,
    )
    assert plan.recipe_name == f".{os.sep}plain"
    given = {"set": ["epochs=1", "lr=0.1,0.2"], "select": "test", "n": 4, "progress": False}
    swept = benchmark.sweep(method="natural", recipe=Path("plain"), suite=Path("suite.yaml"), **given)
    assert not swept.failures
    page = swept.page.read_text(encoding="utf-8")
    assert f"--recipe .{os.sep}plain" in page
    assert "--suite suite.yaml" in page
    planned = benchmark.paper(PACKAGE / "papers" / "cat.yaml", recipe=Path("plain"), dry_run=True)
    assert planned.jobs
    networks = sorted(Path("zoo").glob("*.pt"))
    benchmark.evaluate(networks, suite=Path("suite.yaml"), n=4, progress=False)
    benchmark.transfer(networks[:1], networks, suite=Path("suite.yaml"), n=4, progress=False)
    assert benchmark.compare(networks, suite=Path("suite.yaml"))
    with pytest.raises(BadInput, match="no such results"):
        benchmark.compare(networks, suite="pgd-linf")


def test_registries_of_files_are_made_alike(tmp_path):
    (tmp_path / "b.yaml").touch()
    (tmp_path / "a.yaml").touch()
    registry = files_by_name("suite", tmp_path)
    assert registry.names()[:2] == ["a", "b"]
    assert path_of("a", registry) == tmp_path / "a.yaml"
    assert (SUITES.group, RECIPES.group) == ("benchmark.suites", "benchmark.recipes")


def test_a_package_that_is_installed_meanwhile_is_found_and_the_others_are_read_once(installed, monkeypatch):
    """Each look at the names of others read a file of every package."""
    installed("early", EARLY="HERE / 'early.yaml'")
    assert "early" in RECIPES.names()
    installed("late", LATE="HERE / 'late.yaml'")
    assert {"early", "late"} <= set(RECIPES.names())
    monkeypatch.setattr("importlib.metadata.entry_points", None)
    assert {"early", "late"} <= set(RECIPES.names())
