"""Names of runs: readable, safe as files, and never one for two runs."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from picture_trees import write_tree
from synthetic_training import FAST, SHORT

from benchmark import training
from benchmark.methods.table import METHODS
from benchmark.models import ARCHITECTURES, load_checkpoint
from benchmark.planning.networks import training_run
from benchmark.planning.runs import Zoo
from benchmark.recipes.recipe import RECIPES
from benchmark.run_names import RUN, Asked, file_stem, run_name
from benchmark.scales import Radii
from benchmark.storage import safe_name
from benchmark.training import train
from benchmark.training.request import make_plan

USUAL = {"dataset": "digits", "architecture": "small-cnn", "recipe": "quick", "settings": {}}

#: Pieces that meet in names of several kinds, so that a part of one may look like a part of another.
PIECES = ("at", "max", "resnet18", "small-cnn", "cifar10", "gpu-30", "paper", "quick", "inner", "outer", "seed", "1")
PIECES += ("scale", "epsilon", "linf", "from", "and", "lr", "0.1", "loss", "bce", "arch", "data", "recipe", "true")
PIECES += ("v-2", "255", "x", "_", "é", "A", "a b", ":", "digits", "-", "[1]", "null", "5f3a9c1e")
words = st.lists(st.sampled_from(PIECES), min_size=1, max_size=4).map("-".join)
values = st.one_of(
    st.integers(-3, 300),
    st.floats(1e-9, 9, allow_nan=False),
    st.booleans(),
    st.none(),
    words,
    st.lists(st.one_of(st.integers(0, 2), words), max_size=2),
)
radii = st.builds(
    lambda scale, own, named: Radii(scale if named else "", tuple(own.items()), named),
    words,
    st.dictionaries(st.sampled_from(["linf", "l2", "l1"]), st.sampled_from([4 / 255, 8 / 255, 0.1, 4.0, 1 / 3])),
    st.booleans(),
)
runs = st.fixed_dictionaries(
    {
        "method": words,
        "dataset": st.one_of(words, words.map(lambda name: f"folder:/{name}"), st.just("folder-on-white:/x")),
        "architecture": words,
        "recipe": st.one_of(words, words.map(lambda name: f"{name}.yaml"), words.map(lambda name: f"./{name}")),
        "settings": st.dictionaries(words, values, max_size=3),
        "radii": radii,
        "inner": st.one_of(st.none(), words),
        "outer": st.one_of(st.none(), words),
        "seed": st.integers(0, 12),
        "teachers": st.lists(words, max_size=2),
    }
)


def spelt(asked: dict) -> str:
    """As Python writes it, so that 1, 1.0 and True are three values."""
    return repr({**asked, "settings": sorted(asked["settings"].items())})


def impostors(name: str) -> list[dict]:
    """Runs of which parts are called such that their names would be this one, if nothing were done about it."""
    pieces = name.split("-")
    halves = [("-".join(pieces[:end]), "-".join(pieces[end:])) for end in range(1, len(pieces))]
    found = [{"method": name}]
    for left, right in halves:
        found += [{"method": left, part: right} for part in ("architecture", "recipe")]
        found += [{"method": right, "dataset": left, "architecture": usual} for usual in ("small-cnn", "resnet18")]
        found += [{"method": left, part: right.removeprefix(f"{part}-")} for part in ("inner", "outer")]
        found += [{"method": left, "teachers": right.removeprefix("from-").split("-and-")}]
        key, _, value = right.partition("-")
        found += [{"method": left, "settings": {key: value}}]
    return [
        {**USUAL, "radii": Radii(), "inner": None, "outer": None, "seed": 0, "teachers": [], **each} for each in found
    ]


@settings(max_examples=60, deadline=None)
@given(runs)
def test_two_runs_never_share_a_name(run):
    name = run_name(**run)
    assert name == run_name(**run) == safe_name(name, RUN)
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,80}", name)
    called = {}
    for each in [run, *impostors(name), *impostors(Asked(**run).former_name)]:
        assert called.setdefault(run_name(**each), spelt(each)) == spelt(each)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"method": "at", "recipe": "x", "seed": 1}, {"method": "at", "recipe": "x-seed-1"}),
        ({"method": "at-max"}, {"method": "at", "architecture": "max"}),
        ({"method": "at", "architecture": "resnet18"}, {"method": "at-resnet18"}),
        ({"method": "at", "architecture": "resnet18"}, {"method": "at", "recipe": "resnet18"}),
        ({"method": "preact-at", "architecture": "resnet18"}, {"method": "preact", "architecture": "at-resnet18"}),
        ({"method": "at", "settings": {"lr": 0.1}}, {"method": "at-lr-0.1"}),
        ({"method": "at", "settings": {"lr": 0.1}}, {"method": "at", "settings": {"lr": "0.1"}}),
        ({"method": "at", "settings": {"awp": True}}, {"method": "at", "settings": {"awp": "true"}}),
        ({"method": "at", "settings": {"a": "b-c-1"}}, {"method": "at", "settings": {"a": "b", "c": 1}}),
        (
            {"method": "at", "settings": {"norms": ["l1", "l2"]}},
            {"method": "at", "settings": {"norms": '["l1","l2"]'}},
        ),
        ({"method": "at", "inner": "ce", "outer": "kl"}, {"method": "at", "inner": "ce-outer-kl"}),
        ({"method": "ard", "teachers": ["a", "b"]}, {"method": "ard", "teachers": ["a-and-b"]}),
        ({"method": "ard", "teachers": ["a"], "seed": 1}, {"method": "ard", "teachers": ["a-seed-1"]}),
        ({"method": "at", "recipe": "a/mine.yaml"}, {"method": "at", "recipe": "b/mine.yaml"}),
        ({"method": "at", "recipe": "./quick.yaml"}, {"method": "at"}),
        ({"method": "at", "recipe": "./paper.yaml"}, {"method": "at", "recipe": "paper"}),
        ({"method": "at", "dataset": "folder:/a/pictures"}, {"method": "at", "dataset": "folder:/b/pictures"}),
        ({"method": "at", "dataset": "folder:/a"}, {"method": "at", "dataset": "folder-on-white:/a"}),
        ({"method": "at", "dataset": "folder:/cifar10"}, {"method": "at", "dataset": "cifar10"}),
        ({"method": "at", "dataset": "cifar10:/a"}, {"method": "at", "dataset": "cifar10:/b"}),
        (
            {"method": "at", "radii": Radii(own=(("linf", 0.1234561),))},
            {"method": "at", "radii": Radii(own=(("linf", 0.1234562),))},
        ),
        ({"method": "a" * 200}, {"method": "a" * 201}),
        ({"method": "at", "settings": {"k" * 90: 1}}, {"method": "at", "settings": {"k" * 91: 1}}),
    ],
)
def test_runs_that_were_called_alike_or_nearly(one, other):
    names = [run_name(**{**USUAL, **asked}) for asked in (one, other)]
    assert names[0] != names[1]
    assert all(name == safe_name(name, RUN) for name in names)


def test_what_the_package_has_is_called_without_digits_of_a_digest():
    for method in METHODS.names():
        assert run_name(**USUAL, method=method) == method
    recipes = [name for name in RECIPES.names() if not RECIPES.is_plug_in(name)]
    for architecture in ARCHITECTURES.names():
        for recipe in recipes:
            name = run_name("at", **{**USUAL, "architecture": architecture, "recipe": recipe, "seed": 1})
            assert not re.search(r"-[0-9a-f]{8}$", name)
    asked = {**USUAL, "dataset": "cifar10", "settings": {"lr": 1e-05, "beta": 3, "loss": "bce", "awp": True}}
    asked |= {"radii": Radii("imagenet", (("linf", 4 / 255), ("l2", 0.5)), True), "inner": "trades"}
    name = "cifar10-trades-small-cnn-inner-trades-scale-imagenet-epsilon-linf-4-255-epsilon-l2-0.5"
    assert run_name("trades", **{**asked, "settings": {}})[:71] == name[:71]  # too long for the whole
    name = "cifar10-trades-small-cnn-awp-true-beta-3-loss-bce-lr-1e-05"
    assert run_name("trades", **{**asked, "radii": Radii(), "inner": None}) == name


def test_a_folder_is_called_by_its_own_name(tmp_path, monkeypatch):
    asked = {**USUAL, "architecture": "small-cnn", "settings": {"batch_size": 8, "epochs": 1, "validation.every": 5}}
    asked |= {"radii": Radii(own=(("linf", 4 / 255),))}
    name = run_name("at", **{**asked, "dataset": "folder:/some/where/pictures"})
    assert name.startswith("pictures-at-small-cnn-epsilon-linf-4-255-batch_size-8-epochs-1-")
    assert re.fullmatch(r"[0-9a-f]{8}", name.rpartition("-")[2])
    assert len(name) <= RUN
    for dataset in ("hf:somebody/pictures", "npz:some/where/pictures"):
        assert run_name("at", **{**asked, "dataset": dataset}).startswith("pictures-at-")
    white = run_name("at", **{**asked, "dataset": "folder-on-white:/some/where/pictures"})
    assert white.startswith("pictures-on-white-at-")
    for folder in ("Bilder é 模", "a" * 200, "con.x", "..", "-x", "模"):
        long = run_name("at", **{**asked, "dataset": f"folder:/{folder}"})
        assert long == safe_name(long, RUN)
        assert "at-" in long
    (tmp_path / "pictures").mkdir()
    monkeypatch.chdir(tmp_path)
    ways = ("folder:pictures", "folder:./pictures/", f"folder:{tmp_path}/pictures", "folder:pictures/../pictures")
    assert len({run_name("at", **{**asked, "dataset": dataset}) for dataset in ways}) == 1
    os.symlink("pictures", "linked")
    assert run_name("at", **{**asked, "dataset": "folder:linked"}).startswith("pictures-at-")


def test_a_recipe_of_ones_own_counts_by_its_content(tmp_path):
    """Wherever it lies, as a temporary file too; a remark in it changes nothing."""
    texts = {"a": "lr: 0.1\n", "b": "lr: 0.1  # usual\n", "c": "lr: 0.2\n"}
    for folder, text in texts.items():
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.yaml").write_text(text)
    names = [run_name("at", **{**USUAL, "recipe": str(tmp_path / folder / "mine.yaml")}) for folder in texts]
    assert names[0] == names[1] != names[2]
    assert all(name.startswith("at-recipe-mine-") for name in names)


def test_what_version_0_1_0_left_is_found_under_its_name(tmp_path, monkeypatch):
    """Finished or not: nothing is trained once more because names are made otherwise."""
    write_tree(tmp_path / "pictures", grey=True)
    dataset = f"folder:{tmp_path / 'pictures'}"
    options = {
        "dataset": dataset,
        "arch": "small-cnn",
        "epsilon": "linf=4/255",
        "set": SHORT,
        "out": tmp_path,
        **FAST,
    }
    usual = {"recipe": "quick", "seed": 0, "name": None, "device": "cpu", "precision": "fp32"}
    plan = make_plan("at", **{**usual, **{key: options[key] for key in ("dataset", "arch", "epsilon", "set")}})
    old = plan.former
    assert old.startswith("folder-")
    assert plan.name.startswith("pictures-at-")

    with monkeypatch.context() as patch:
        patch.setattr(training, "save_checkpoints", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            train("at", **options, name=old)
    (path,) = train("at", **options, resume=True)
    assert path.name == f"{old}.pt"
    assert load_checkpoint(path).name == old
    made = path.stat().st_mtime_ns
    assert train("at", **options) == [path]
    assert path.stat().st_mtime_ns == made

    (other,) = train("at", **{**options, "set": {**SHORT, "lr": 0.05}})
    assert other.name.startswith("pictures-at-")
    (beside,) = train("at", **{**options, "out": tmp_path / "elsewhere"})
    assert beside.stem == plan.name


def test_former_names_are_those_of_version_0_1_0():
    """As README and tests of that version had them."""
    assert Asked("at", **{**USUAL, "dataset": "folder:a/b"}).former_name == "folder-f2e8e9ec-at-small-cnn"
    assert Asked("at", **{**USUAL, "recipe": "some/where/mine.yaml"}).former_name == "at-mine"
    asked = {**USUAL, "architecture": "their-net", "recipe": "theirs", "seed": 2, "settings": {"lr": 0.05}}
    assert Asked("at", **asked).former_name == "at-their-net-theirs-lr-0.05-seed-2"
    assert Asked("at", **USUAL).former_name == run_name("at", **USUAL) == "at"


def test_names_are_made_in_one_module():
    package = Path(training.__file__).parent.parent
    callers = {str(path.relative_to(package)) for path in package.rglob("*.py") if "run_name(" in path.read_text()}
    assert "run_names.py" in callers
    joined = [path for path in package.rglob("*.py") if re.search(r'"-?from-|f"seed-', path.read_text())]
    assert [path.name for path in joined] == ["run_names.py"]


def test_papers_and_sweeps_look_under_the_former_name_too(tmp_path):
    asked = {"dataset": "folder:/some/where/pictures", "architecture": "small-cnn", "recipe": "quick", "seed": 0}
    teacher = training_run("natural", **asked, settings={}).network()
    student = training_run("mat", **asked, settings={"epochs": 2}, teachers=[teacher]).network("h1")
    before = Asked("natural", **{**asked, "settings": {}}).former_name
    words = {**asked, "settings": {"epochs": 2}, "teachers": [before]}
    assert student.former == f"{Asked('mat', **words).former_name}-h1"
    shutil.copy(Path(__file__).parent / "version-0.1.0" / "at.pt", tmp_path / f"{file_stem(student.former)}.pt")
    runs = SimpleNamespace(made=lambda network, card: True, cards={})
    assert Zoo(tmp_path, runs).find(student) == tmp_path / f"{file_stem(student.former)}.pt"
    assert Zoo(tmp_path, SimpleNamespace(made=lambda *_: False, told=lambda *_: "", cards={})).find(student) is None
