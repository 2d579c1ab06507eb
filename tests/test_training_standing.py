"""What a run finds where it is about to write: nothing that another run left there is lost unasked."""

from __future__ import annotations

import re
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import torch
from synthetic_training import FAST, SHORT

import benchmark
from benchmark import cli, registry, training
from benchmark.errors import BadInput
from benchmark.models import load_checkpoint
from benchmark.papers import load_paper
from benchmark.papers.networks import find_network
from benchmark.papers.setting import make_setting
from benchmark.run_names import file_stem, name_beside, run_name
from benchmark.training import plan as planning
from benchmark.training import train, train_beside
from benchmark.training.identity import TOLD, differences, in_words
from benchmark.training.plan import make_plan
from benchmark.training.standing import Taken
from benchmark.training.state import state_path


def run(method, folder, settings=None, **options):
    return train(method, out=folder, set={**SHORT, **(settings or {})}, **{"name": "mine", **FAST, **options})


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder that nobody may change, with a finished run in it."""
    folder = tmp_path_factory.mktemp("zoo")
    run("at", folder)
    return folder


@pytest.fixture
def interrupted(monkeypatch):
    """Trains to the end, and is interrupted before the checkpoints are written."""

    def begin(*arguments, **options):
        with monkeypatch.context() as patch:
            patch.setattr(training, "_save_checkpoints", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                run(*arguments, **options)

    return begin


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.pt"))}


# Finished runs.


@pytest.mark.parametrize(
    ("method", "settings", "options", "told"),
    [
        ("natural", {}, {}, "method 'at', not 'natural'"),
        ("at", {"epochs": 1}, {}, "epochs 2, not 1"),
        ("at", {"threats.linf.epsilon": 0.2}, {}, "threats.linf.epsilon 0.15, not 0.2"),
        ("at", {"bn": "train"}, {}, "bn 'eval', not 'train'"),
        ("at", {}, {"seed": 1}, "seed 0, not 1"),
        ("at", {}, {"inner": "trades"}, "inner None, not 'trades'"),
        ("at", {}, {"precision": "bf16"}, "precision 'fp32', not 'bf16'"),
        ("at", {}, {"arch": "small-cnn-x2"}, "architecture 'small-cnn', not 'small-cnn-x2'"),
    ],
)
def test_another_run_of_the_same_name_is_refused_and_says_what_stands_there(
    finished, monkeypatch, method, settings, options, told
):
    before = content(finished)
    monkeypatch.setattr(training, "make_fabric", lambda *_: pytest.fail("began to train"))
    with pytest.raises(BadInput) as caught:
        run(method, finished, settings, **options)
    for word in (str(finished / "mine.pt"), told, "--overwrite", "--name", "--out"):
        assert word in str(caught.value)
    assert content(finished) == before


def test_overwrite_replaces_and_another_name_or_folder_makes_room(tmp_path):
    run("at", tmp_path)
    first = content(tmp_path)
    run("natural", tmp_path, name="other")
    run("natural", tmp_path / "elsewhere")
    assert {name: content(tmp_path)[name] for name in first} == first
    (path,) = run("natural", tmp_path, overwrite=True)
    assert load_checkpoint(path).method == load_checkpoint(tmp_path / "last" / "mine.pt").method == "natural"


def test_a_run_of_several_networks_may_not_replace_one_by_name(tmp_path):
    """at under the name mat-h1 is where mat keeps a network."""
    run("at", tmp_path, name="mat-h1")
    with pytest.raises(Taken, match=r"mat-h1\.pt is of another run: method 'at', not 'mat'"):
        run("mat", tmp_path, name="mat")
    assert not (tmp_path / "mat-h2.pt").exists()


def test_the_last_weights_of_another_run_stay_too(tmp_path):
    (path,) = run("at", tmp_path)
    path.unlink()
    with pytest.raises(Taken, match=r"last/mine\.pt is of another run"):
        run("natural", tmp_path)
    assert run("at", tmp_path) == [path]  # of this run, it is made whole again


def test_the_same_run_by_an_older_version_is_told_as_that(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("benchmark.training.identity.VERSION", 1)
        run("at", tmp_path)
    with pytest.raises(Taken, match="is of another run: the same by an older version of this program"):
        run("at", tmp_path)


def test_a_file_that_nobody_can_read_may_be_somebodys(tmp_path):
    (path,) = run("at", tmp_path)
    weights = load_checkpoint(path).state
    for write in (lambda: path.write_bytes(b"damaged"), lambda: torch.save(weights, path)):
        write()
        before = content(tmp_path)
        with pytest.raises(Taken, match=r"mine\.pt is no checkpoint that can be read .*--overwrite"):
            run("at", tmp_path)
        assert content(tmp_path) == before
    assert load_checkpoint(run("at", tmp_path, overwrite=True)[0]).method == "at"


def test_what_appears_during_a_training_is_not_replaced_and_nothing_is_lost(tmp_path, monkeypatch):
    (other,) = run("natural", tmp_path / "other")
    there = tmp_path / "zoo" / "mine.pt"
    fit = training.Trainer.fit

    def slow(self, *arguments):
        fit(self, *arguments)
        there.write_bytes(other.read_bytes())

    with monkeypatch.context() as patch:
        patch.setattr(training.Trainer, "fit", slow)
        with pytest.raises(Taken, match="is of another run"):
            run("at", tmp_path / "zoo")
    assert there.read_bytes() == other.read_bytes()
    there.unlink()
    monkeypatch.setattr(training.Trainer, "_train_epoch", lambda *_: pytest.fail("trained again"))
    assert load_checkpoint(run("at", tmp_path / "zoo", resume=True)[0]).method == "at"


# Unfinished runs.


def test_an_unfinished_run_is_not_begun_anew_without_a_word(tmp_path, interrupted):
    interrupted("at", tmp_path)
    before = content(tmp_path)
    with pytest.raises(BadInput, match=r"mine: 2 of 2 epochs are finished, .*mine\.pt; pass --resume .* --overwrite"):
        run("at", tmp_path)
    assert content(tmp_path) == before
    assert run("at", tmp_path, overwrite=True)
    assert not state_path(tmp_path, "mine").exists()


def test_another_unfinished_run_is_neither_resumed_nor_lost(tmp_path, interrupted):
    interrupted("at", tmp_path, {"lr": 0.05})
    before = content(tmp_path)
    for resume in (True, False, None):
        with pytest.raises(
            Taken, match=r"unfinished run with another recipe: lr 0\.05, not 0\.1; it is not replaced"
        ):
            run("at", tmp_path, {"lr": 0.1}, resume=resume)
    assert content(tmp_path) == before
    assert run("at", tmp_path, {"lr": 0.05}, resume=True)
    interrupted("at", tmp_path, {"lr": 0.05}, name="again")
    assert run("at", tmp_path, {"lr": 0.1}, name="again", resume=True, overwrite=True)


def test_a_damaged_state_is_told_to_whom_it_matters(tmp_path):
    state_path(tmp_path, "mine").parent.mkdir()
    state_path(tmp_path, "mine").write_bytes(b"not a state")
    with pytest.raises(BadInput, match="can't be read; start from scratch with --overwrite"):
        run("at", tmp_path, resume=True)
    assert run("at", tmp_path)


def test_to_resume_nothing_is_said(tmp_path, capsys):
    for name, resume, said in (("a", True, True), ("b", None, False), ("c", False, False)):
        run("at", tmp_path, name=name, resume=resume, progress=None)
        assert ("there is nothing to resume" in capsys.readouterr().err) is said
    run("at", tmp_path, name="a", resume=True, progress=None)  # finished
    assert capsys.readouterr().err == ""


# Where nobody chose the name.


def test_beside_another_run_there_is_room_under_a_name_of_its_own(tmp_path):
    (first,) = run("at", tmp_path)
    options = {"out": tmp_path, "set": SHORT, "name": "mine", **FAST}
    (second,) = train_beside("natural", **options)
    assert second.name == name_beside("mine", load_checkpoint(second).extra["run"]) + ".pt"
    assert load_checkpoint(first).method == "at"
    assert train_beside("natural", **options) == [second]
    assert train_beside("at", **options) == [first]


def test_a_sweep_replaces_nothing_and_measures_its_own(tmp_path):
    settings = {**SHORT, "validation.images": 20, "lr": [0.1, 0.05]}
    places = {"zoo": tmp_path / "zoo", "out": tmp_path / "out"}
    name = run_name(
        "at", dataset="digits", architecture="small-cnn", recipe="quick", settings={**settings, "lr": 0.1}
    )
    run("natural", tmp_path / "zoo", name=name)
    before = content(tmp_path / "zoo")
    result = benchmark.sweep(method="at", set=settings, device="cpu", precision="fp32", progress=False, **places)
    assert {key: value for key, value in content(tmp_path / "zoo").items() if key in before} == before
    assert not result.failures
    assert {load_checkpoint(line.figures[0].checkpoint).method for line in result.lines} == {"at"}


def test_the_command_line_refuses_in_one_line_and_obeys(tmp_path, capsys):
    words = ["--set", *(f"{key}={value}" for key, value in SHORT.items()), "--name", "mine", "--out", str(tmp_path)]
    codes = []
    for more in (["natural"], ["at"], ["at", "--overwrite"], ["natural"]):
        with pytest.raises(SystemExit) as end:
            cli.main(["train", "--method", *more[:1], *words, "--device", "cpu", *more[1:]])
        codes.append(end.value.code)
    assert codes == [0, 2, 0, 2]
    assert load_checkpoint(tmp_path / "mine.pt").method == "at"
    assert "not replaced" in capsys.readouterr().err.splitlines()[-1]


def test_of_several_defences_those_that_have_room_are_trained(tmp_path, capsys):
    words = ["--set", *(f"{key}={value}" for key, value in SHORT.items()), "--out", str(tmp_path), "--device", "cpu"]
    with pytest.raises(SystemExit) as end:
        cli.main(["train", "--method", "natural", *words])
    (path,) = tmp_path.glob("*.pt")
    torch.save({}, path)
    with pytest.raises(SystemExit) as end:
        cli.main(["train", "--method", "natural", "at", *words])
    assert end.value.code == 1  # a part failed
    assert len(list(tmp_path.glob("at-*.pt"))) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith(f"bench: {path} is no checkpoint that can be read")


# Words and names.


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
    with pytest.raises(BadInput, match=r"--name .* can't be seen"):
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
