"""The full-scale script: what a slice does, where it stops, how the next one goes on, what it writes."""

from __future__ import annotations

import csv
import dataclasses
import importlib
import io
import os
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest
from evaluation_toys import evaluation, outcome
from picture_trees import write_tree

from benchmark.deadline import OutOfTime
from benchmark.errors import BadInput
from benchmark.models import load_checkpoint
from benchmark.training.report import Reporter

SCRIPTS = Path(__file__).parent.parent / "scripts"
full_scale = importlib.import_module("full_scale")
full_scale_results = importlib.import_module("full_scale_results")
pictures = importlib.import_module("pictures")

WORDS = ["--scale", "0.01", "--arch", "small-cnn", "--device", "cpu", "--precision", "fp32", "--set", "batch_size=8"]
DONE, AGAIN, BAD = 0, 75, 2


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    return write_tree(tmp_path_factory.mktemp("pictures"), train=12, test=6)


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("BENCHMARK_DATA", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(tree: Path, work: str, *words: str) -> int:
    return full_scale.main([str(tree), "--work", work, "--methods", "at", "mat", *WORDS, *words])


def outcome_of(work: str) -> tuple[list[str], list[dict[str, str]]]:
    """The digests of all weights, and the figures that depend on no clock."""
    paths = sorted(Path(work, "zoo").rglob("*.pt"))
    rows = list(csv.DictReader(io.StringIO(Path(work, "trial", "runs.csv").read_text())))
    timed = ("images per second", "seconds to train")
    kept = [{key: value for key, value in row.items() if key not in timed} for row in rows]
    return [f"{path.relative_to(work)} {load_checkpoint(path).digest}" for path in paths], kept


@pytest.mark.slow
def test_slices_that_end_within_trainings_and_attacks_lead_to_the_same_result(tree, monkeypatch, capsys):
    assert call(tree, "whole") == DONE
    whole = outcome_of("whole")
    assert [row["network"] for row in whole[1]] == ["at", "mat-h1", "mat-h2"]
    # Three steps make an epoch; steps are counted anew in each call.
    for step, told in (
        (1, "at: not begun"),
        (4, "at: epoch 1 of 2"),
        (5, "mat: not begun"),
        (4, "mat: epoch 1 of 2"),
    ):
        steps = []

        def end(self, steps=steps, last=step):
            steps.append(1)
            if len(steps) == last:
                raise OutOfTime

        with monkeypatch.context() as patch:
            patch.setattr(Reporter, "step", end)
            capsys.readouterr()
            assert call(tree, "sliced") == AGAIN
        said = capsys.readouterr().out.splitlines()[1]
        assert said.startswith(told), said
    with monkeypatch.context() as patch:
        patch.setattr(full_scale.Work, "attack", _out_of_time)
        assert call(tree, "sliced", "--methods", "mat", "at") == AGAIN
    assert capsys.readouterr().out.splitlines()[1] == "mat: trained, attacks are left"
    assert call(tree, "sliced") == DONE
    assert outcome_of("sliced") == whole


def _out_of_time(*_):
    raise OutOfTime


@pytest.mark.slow
def test_killed_in_the_middle_it_goes_on_to_the_same_result(tree):
    epochs = ["--set", "batch_size=8", "epochs=12", "--methods", "at"]
    command = [sys.executable, str(SCRIPTS / "full_scale.py"), str(tree), "--work", "killed", *WORDS, *epochs]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ))
    state = Path("killed/zoo/.state/at.pt")
    while not state.exists() and process.poll() is None:
        time.sleep(0.01)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert state.exists()
    assert call(tree, "killed", *epochs) == DONE
    assert call(tree, "whole", *epochs) == DONE
    assert outcome_of("killed") == outcome_of("whole")


def test_what_is_written_names_no_place_and_owns_up_to_being_a_trial(tree, place):
    assert call(tree, "work") == DONE
    written = {path.name: path.read_text() for path in Path("work/trial").iterdir()}
    assert set(written) == {"runs.csv", "histories.csv", "results.md", "attacks.csv", "leaderboard.csv"}
    for text in written.values():
        assert str(place) not in text
        assert str(tree) not in text
    assert "these numbers mean nothing" in written["results.md"]
    assert not Path("reports").exists()
    rows = list(csv.DictReader(io.StringIO(written["histories.csv"])))
    assert [(row["run"], row["epoch"]) for row in rows] == [("at", "1"), ("at", "2"), ("mat", "1"), ("mat", "2")]


def test_a_slice_without_time_begins_nothing_and_says_so(tree, capsys):
    assert call(tree, "work", "--minutes", "0.00001") == AGAIN
    assert capsys.readouterr().out.splitlines()[1:] == ["at: not begun", "mat: not begun"]


def test_an_epoch_that_fits_into_no_slice_is_an_error(tree, monkeypatch, capsys):
    monkeypatch.setattr(full_scale.Work, "progress", lambda *_: full_scale.Progress(1, 2, 900.0))
    assert call(tree, "work") == BAD
    assert "an epoch takes 900 s; give it --minutes 16" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--scale", "0"], ["--scale", "2"], ["--minutes", "0"], ["--methods", "mta"]])
def test_nonsense_is_refused(tree, words):
    assert call(tree, "work", *words) == BAD


def names_in(tree: Path) -> list[str]:
    return sorted(str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file())


@pytest.mark.parametrize("top", ["", "cifar10"])
def test_an_archive_is_unpacked_once(tree, tmp_path, top):
    archive = tmp_path / "pictures.tar.xz"
    with tarfile.open(archive, "w:xz") as tar:
        tar.add(tree, arcname=top or ".")
    found = pictures.picture_tree(str(archive), tmp_path / "cache", 1.0)
    assert names_in(found) == names_in(tree)
    stamp = (found / "train").stat().st_mtime_ns
    assert pictures.picture_tree(f"folder:{found}", tmp_path / "cache", 1.0) == found
    assert pictures.picture_tree(str(archive), tmp_path / "cache", 1.0) == found
    assert (found / "train").stat().st_mtime_ns == stamp
    assert not list((tmp_path / "cache").rglob(".part-*"))


def packed(tmp_path: Path, name: str, kind: bytes = tarfile.REGTYPE) -> Path:
    archive = tmp_path / "odd.tar"
    with tarfile.open(archive, "w") as tar:
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, "/etc/passwd"
        member.size = 4 if kind == tarfile.REGTYPE else 0
        tar.addfile(member, io.BytesIO(b"evil") if member.size else None)
    return archive


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("../evil", tarfile.REGTYPE),
        ("/tmp/evil-of-this-test", tarfile.REGTYPE),
        ("train/../../../evil", tarfile.REGTYPE),
        ("train\\..\\evil", tarfile.REGTYPE),
        ("train/link", tarfile.SYMTYPE),
        ("train/link", tarfile.LNKTYPE),
        ("train/device", tarfile.CHRTYPE),
        ("train/pipe", tarfile.FIFOTYPE),
    ],
)
def test_an_archive_writes_plain_files_below_its_folder_or_nothing(tmp_path, name, kind):
    with pytest.raises(BadInput, match="no plain file below its folder"):
        pictures.picture_tree(str(packed(tmp_path, name, kind)), tmp_path / "cache", 1.0)
    assert names_in(tmp_path) == ["odd.tar"]


def test_an_archive_that_is_none_or_half_of_one_or_of_something_else_is_refused(tree, tmp_path):
    (tmp_path / "words.tar.xz").write_text("not an archive")
    with tarfile.open(tmp_path / "whole.tar.xz", "w:xz") as tar:
        tar.add(tree, arcname=".")
    content = (tmp_path / "whole.tar.xz").read_bytes()
    (tmp_path / "half.tar.xz").write_bytes(content[: len(content) // 2])
    for name, words in (
        ("words.tar.xz", "can't unpack"),
        ("half.tar.xz", "can't unpack"),
        ("none.tar", "there is no"),
    ):
        with pytest.raises(BadInput, match=words):
            pictures.picture_tree(str(tmp_path / name), tmp_path / "cache", 1.0)
    with pytest.raises(BadInput, match="no train/ and test/"):
        pictures.picture_tree(str(packed(tmp_path, "train.txt")), tmp_path / "cache", 1.0)


def test_a_large_archive_is_refused(tree, tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "MOST_FILES", 5)
    with tarfile.open(tmp_path / "large.tar", "w") as tar:
        tar.add(tree, arcname=".")
    with pytest.raises(BadInput, match="more than 5 files"):
        pictures.picture_tree(str(tmp_path / "large.tar"), tmp_path / "cache", 1.0)
    assert names_in(tmp_path / "cache") == []


def test_a_thinned_tree_has_the_first_pictures_of_each_class(tmp_path):
    tree = write_tree(tmp_path / "tree", train=40, test=10)
    thinned = pictures.picture_tree(str(tree), tmp_path / "cache", 0.5)
    names = names_in(thinned)
    assert len(names) == 2 * (20 + 10)
    firsts = sorted(path.name for path in (tree / "train/class-1").iterdir())[:20]
    assert sorted(path.name for path in (thinned / "train/class-1").iterdir()) == firsts


def test_differences_are_paired_and_stand_beside_the_papers():
    flags = {"at": [1] * 50 + [0] * 50, "mat-h1": [1] * 40 + [0] * 60}
    found = {
        name: evaluation([False] * 100, outcome("pgd-100", "linf", broken), name=name)
        for name, broken in flags.items()
    }
    points, low, high, p = full_scale_results.difference(found["mat-h1"], found["at"])
    assert points == pytest.approx(10)
    assert 0 < low < 10 < high < 20  # unpaired, ±14 points, it would have reached below zero
    assert p == pytest.approx(2 / 2**10)
    lines = full_scale_results._differences(list(found.values()))
    (line,) = (line for line in lines if line.startswith("| mat-h1 − at "))
    assert "| +10.0 |" in line
    assert line.endswith("| +7.65 |")
    assert any(line.startswith("| mat-h1 − trades | – |") for line in lines)


def test_an_attack_on_fewer_images_is_told_apart():
    card = {
        "architecture": "resnet18",
        "recipe": {"name": "gpu-30"},
        "extra": {"hardware": "a card", "precision": "bf16"},
    }
    whole, part = (
        dataclasses.replace(evaluation([False] * n, outcome(label, "linf", [0] * n), name="at"), model=card)
        for label, n in (("pgd-100", 4), ("autoattack-linf", 2))
    )
    said = " ".join(full_scale_results._about([whole, part], is_trial=False))
    assert "on 4 test images, of autoattack-linf on the first 2." in said
    assert "on 4 test images." in " ".join(full_scale_results._about([whole], is_trial=False))


def test_what_other_settings_led_to_is_neither_taken_nor_replaced(tree, capsys, monkeypatch):
    assert call(tree, "work", "--methods", "at") == DONE
    before = outcome_of("work")
    capsys.readouterr()
    other = ["--set", "batch_size=12", "--methods", "at"]
    assert call(tree, "work", *other) == BAD
    assert "at.pt is of another run: batch_size 8, not 12; choose another --work" in capsys.readouterr().err
    assert outcome_of("work") == before
    monkeypatch.setattr(full_scale.Work, "train", _out_of_time)
    for words, told in (([], "at: trained, attacks are left"), (other, "at: not begun")):
        assert call(tree, "work", "--methods", "at", *words) == AGAIN
        assert capsys.readouterr().out.splitlines()[1] == told
