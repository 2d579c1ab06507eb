"""What a run is called: what is not as usual, in letters that every file system takes, and never two runs alike."""

from __future__ import annotations

import re
import sys
from importlib.metadata import EntryPoint

import pytest
from synthetic_training import FAST, SHORT, begin_and_interrupt, content, run

from benchmark import registry
from benchmark.errors import BadInput
from benchmark.models import load_checkpoint
from benchmark.papers import load_paper
from benchmark.papers.networks import find_network
from benchmark.papers.setting import make_setting
from benchmark.run_names import file_stem, name_beside, run_name
from benchmark.training import plan as planning
from benchmark.training import train
from benchmark.training.identity import TOLD, differences, in_words
from benchmark.training.request import make_plan
from benchmark.training.standing import Taken


@pytest.fixture
def interrupted(monkeypatch):
    return begin_and_interrupt(monkeypatch)


def test_differences_are_told_and_not_all_of_them():
    theirs = {"method": "at", "lr": 0.1, "data": "a", "gone": 1, "same": 1}
    ours = {"method": "mat", "lr": 0.2, "data": "b", "new": 1, "same": 1}
    found = differences(theirs, ours)
    assert found == ["method 'at', not 'mat'", "lr 0.1, not 0.2", "other training images"]
    assert in_words(found) == "; ".join(found)
    assert in_words(found * 2).endswith(f"; and {6 - TOLD} more")
    assert "training images" in in_words([])


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({}, "at"),
        ({"dataset": "cifar10", "architecture": "resnet18"}, "cifar10-at"),
        ({"dataset": "cifar10"}, "cifar10-at-small-cnn"),
        ({"dataset": "mnist"}, "mnist-at"),
        ({"architecture": "resnet18", "recipe": "gpu-30", "seed": 2}, "at-resnet18-gpu-30-seed-2"),
        ({"recipe": "theirs", "architecture": "their-net"}, "at-arch-their-net-recipe-theirs"),
        ({"dataset": "stripes", "architecture": "resnet18"}, "data-stripes-at"),
        ({"settings": {"lr": 0.1, "beta": 3, "loss": "bce"}}, "at-beta-3-loss-bce-lr-0.1"),
        ({"inner": "trades", "outer": "kl"}, "at-inner-trades-outer-kl"),
        ({"teachers": ["at", "natural"]}, "at-from-at-and-natural"),
    ],
)
def test_names_say_what_is_not_as_usual(options, name):
    usual = {"dataset": "digits", "architecture": "small-cnn", "recipe": "quick", "settings": {}}
    assert run_name("at", **{**usual, **options}) == name


def test_names_stay_short_and_apart():
    usual = {"dataset": "digits", "architecture": "small-cnn", "recipe": "quick"}
    names = {run_name("at", settings={"norms": [number] * 50}, **usual) for number in (1, 2)}
    names |= {name_beside(name, "0123456789") for name in names}
    assert len(names) == 4
    assert max(map(len, names)) <= 80


def planned(method: str, **options):
    usual = {"dataset": "digits", "arch": None, "recipe": "quick", "set": None, "seed": 0, "name": None}
    return make_plan(method, **{**usual, "device": "cpu", "precision": "fp32", **options})


def test_training_and_papers_call_a_run_the_same(tmp_path):
    asked = find_network(
        load_paper("mmard"), "ard", make_setting(load_paper("mmard"), "digits"), "small-cnn", 0
    ).training
    (teacher,) = train("trades", name="trades", out=tmp_path, set=SHORT, **FAST)
    assert planned("ard", teacher=[teacher]).name == asked.name == "ard-from-trades"


# What is part of a run.


def test_the_code_of_a_plug_in_is_part_of_the_run_and_nothing_is_added_without_one(tmp_path, monkeypatch):
    entry = EntryPoint("theirs", "their_architecture:make", "benchmark.architectures")
    monkeypatch.setattr(registry, "entry_points", lambda group: [entry] if group == entry.group else [])
    monkeypatch.syspath_prepend(tmp_path)
    code = "from torch import nn\nfactor = {}\ndef make(num_classes, shape):\n    return nn.Flatten()\n"
    found = []
    for factor in (1, 1, 2):
        (tmp_path / "their_architecture.py").write_text(code.format(factor))
        plan = planned("natural", arch="theirs")
        found.append(plan.digest)
    assert found[0] == found[1] != found[2]
    assert plan.facts["plug_ins"].keys() == {"architecture theirs"}
    assert "plug_ins" not in planned("natural").identity
    sys.modules.pop("their_architecture")


# Names.


@pytest.mark.parametrize("name", ["模型 一", "été/2", "-x", "a" * 120, "con", "Nul.2"])
def test_a_name_keeps_its_letters_whatever_its_file_is_called(tmp_path, interrupted, name):
    interrupted("natural", tmp_path, name=name)
    (state,) = (tmp_path / ".state").iterdir()
    (path,) = run("natural", tmp_path, name=name, resume=True)
    assert load_checkpoint(path).name == name
    assert load_checkpoint(path.parent / "last" / path.name).name == name
    assert path.stem == state.stem == file_stem(name)
    assert path.parent == tmp_path
    assert content(tmp_path).keys() == {path.name, f"last/{path.name}"}


def test_names_that_differ_in_such_letters_alone_are_two(tmp_path):
    paths = run("natural", tmp_path, name="模型一") + run("natural", tmp_path, {"epochs": 1}, name="模型二")
    assert [load_checkpoint(path).name for path in paths] == ["模型一", "模型二"]


@pytest.mark.parametrize(
    "name", ["", " ", " mine", "mine ", "two\nlines", "\x1b[31m", "\udcff", "turned\u202e", "no\u200bspace"]
)
def test_a_name_that_can_not_be_seen_is_refused(tmp_path, name):
    with pytest.raises(BadInput, match=r"--name .* can't be seen" if name else "name is empty"):
        run("natural", tmp_path, name=name)
    assert not content(tmp_path)


def test_one_name_written_in_two_ways_is_one(tmp_path):
    """Half of the world types é as one character, the other half as e with an accent."""
    composed, apart = "\xe9t\xe9", "e\u0301te\u0301"
    (path,) = run("natural", tmp_path, name=composed)
    assert run("natural", tmp_path, name=apart) == [path]
    with pytest.raises(Taken, match="epochs"):
        run("natural", tmp_path, {"epochs": 1}, name=apart)


def test_no_two_names_share_a_file_unsaid(tmp_path, interrupted):
    """The very same run under another name that comes to the same file is neither found there nor replaces it."""
    name, disguised = "模型", file_stem("模型")
    (path,) = run("natural", tmp_path, name=name)
    with pytest.raises(Taken, match=rf"is called {name}, not {disguised}"):
        run("natural", tmp_path, name=disguised)
    assert load_checkpoint(path).name == name
    run("natural", tmp_path, name=disguised, overwrite=True)
    assert load_checkpoint(path).name == disguised

    interrupted("at", tmp_path / "begun", name=name)
    for resume in (True, False):
        with pytest.raises(Taken, match=rf"unfinished run that is called {name}, not {disguised}"):
            run("at", tmp_path / "begun", name=disguised, resume=resume)


def test_capitals_that_a_file_system_ignores_are_no_two_names_unsaid(tmp_path, monkeypatch):
    (path,) = run("natural", tmp_path, name="mine")
    monkeypatch.setattr(planning, "file_stem", lambda name: name.casefold())  # what such a file system does
    with pytest.raises(Taken, match="is called mine, not Mine"):
        run("natural", tmp_path, name="Mine")
    assert load_checkpoint(path).name == "mine"


@pytest.mark.parametrize("name", ["con", "NUL", "Aux.net", "com1", "lpt9.tar", "模型", "a" * 300, "..", "-", "~/x"])
def test_every_file_system_takes_the_file_of_a_network(name):
    stem = file_stem(name)
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}", stem)
    assert not re.match(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", f"{stem}.pt", re.IGNORECASE)
    assert all(file_stem(usual) == usual for usual in ("at", "mat-max-generalist", "console", "com10"))
