"""What a run finds where it is about to write: nothing that another run left there is lost unasked."""

from __future__ import annotations

import pytest
import torch
from synthetic_training import FAST, SHORT, begin_and_interrupt, content, run

import benchmark
from benchmark import cli, training
from benchmark.errors import BadInput
from benchmark.models import load_checkpoint
from benchmark.run_names import name_beside, run_name
from benchmark.training import train_beside
from benchmark.training.identity import differences
from benchmark.training.standing import Taken
from benchmark.training.state import state_path


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder that nobody may change, with a finished run in it."""
    folder = tmp_path_factory.mktemp("zoo")
    run("at", folder)
    return folder


@pytest.fixture
def interrupted(monkeypatch):
    return begin_and_interrupt(monkeypatch)


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


@pytest.mark.parametrize(
    ("schedule", "epochs", "told"),
    [
        (
            "constant",
            3,
            "--extend goes on from its 1 epochs",
        ),
        ({"name": "multistep", "milestones": [2]}, 3, "--extend goes on from its 1 epochs"),
        ("cosine", 3, "schedule=cosine goes by the number of epochs, .*: --init .*last/mine.pt --set epochs=2"),
        ({"name": "piecewise-linear", "knots": [[0, 1], [1, 0]]}, 3, "has come to its end"),
        ("constant", 1, None),
    ],
)
def test_more_epochs_of_a_finished_run_are_explained(tmp_path, schedule, epochs, told):
    """The last is the run itself."""
    settings = {"schedule": schedule, "epochs": 1, "validation.images": 20}
    (path,) = run("natural", tmp_path, settings)
    if told is None:
        assert run("natural", tmp_path, settings) == [path]
        return
    with pytest.raises(Taken) as caught:
        run("natural", tmp_path, {**settings, "epochs": epochs})
    for part in told.split(".*"):
        assert part in str(caught.value)
    with pytest.raises(Taken) as caught:
        run("natural", tmp_path, {**settings, "epochs": epochs, "lr": 0.01})
    assert "--init" not in str(caught.value)


def test_an_edited_file_of_ones_own_is_named_without_digests():
    """Its code may be what it imports, so that the file itself need not have changed."""
    before, after = ({"loss": f"{folder}loss.py:focal@{digit * 64}"} for folder, digit in (("a/", "1"), ("", "2")))
    assert differences(before, after) == ["loss: another version of loss.py, or of what it imports"]
    assert differences(before, {"loss": "ce"}) == ["loss 'loss.py:focal', not 'ce'"]
    assert differences({"loss": "ce"}, before) == ["loss 'ce', not 'loss.py:focal'"]
    assert differences(before, {"lr": 0.1}) == []
