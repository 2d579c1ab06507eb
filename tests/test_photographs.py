"""The script that trains and attacks on photographs: what it would do, how it goes on, what it writes."""

from __future__ import annotations

import csv
import importlib
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from picture_trees import write_tree

import benchmark
from benchmark import palette
from benchmark.charts.alone import alone
from benchmark.charts.axes import Axis
from benchmark.charts.lines import Line, line_chart
from benchmark.data import Dataset
from benchmark.documents import read_document
from benchmark.models import load_checkpoint
from benchmark.recipes.recipe import RECIPES
from benchmark.reporting.text import percent
from benchmark.statistics.seeds import mean_of_method
from benchmark.statistics.wilson import wilson
from benchmark.training.decision import decide
from benchmark.training.trainer import Trainer

ROOT = Path(__file__).parent.parent
photographs = importlib.import_module("photographs")
evaluation = importlib.import_module("photographs_evaluation")
results_of = importlib.import_module("photographs_results")
queue_of = importlib.import_module("photographs_queue")
pictures = importlib.import_module("pictures")

RUNS = """
arch: small-cnn
images: {train: 9, held_out: 2, test: 4}
runs:
  - {name: at, method: at}
  - {name: mat, method: mat}
  - {name: ard, method: ard, teacher: at}
"""
MEASURED = """
arch: small-cnn
images: {train: 9, held_out: 2, test: 4}
transfer: ["mat-seed-0-h?"]
claims:
  - {first: natural, second: at, metric: linf}
  - {first: natural, second: nobody, metric: linf}
  - {first: mat-h1, second: at, metric: rworst}
runs:
  - {name: at, method: at}
  - {name: at, method: at, seed: 1}
  - {name: natural, method: natural}
  - {name: natural, method: natural, seed: 1}
  - {name: mat, method: mat}
"""
SUITE = """
name: photographs
version: 1
images: 6
epsilons: {cifar10: {linf: 8/255, l2: 0.5, l1: 12}}
attacks:
  - {attack: pgd, norm: linf, label: pgd-20, parameters: {steps: 1}}
  - {attack: pgd, norm: linf, label: pgd-100, parameters: {steps: 2}}
  - {attack: pgd, norm: l2, parameters: {steps: 1}}
  - {attack: pgd, norm: l1, parameters: {steps: 1}}
"""
SMALL = ["epochs=2", "batch_size=8", "schedule.milestones=[2]", "validation.images=2"]
SMALL += [f"threats.{norm}.steps=1" for norm in ("linf", "l2", "l1")]


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    return _place(tmp_path, monkeypatch)


def _place(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BENCHMARK_DATA", str(folder / "cache"))
    write_tree(folder / "pictures", train=12, test=6)
    (folder / "runs.yaml").write_text(RUNS)
    return folder


@pytest.fixture(scope="module")
def all_done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A place where all runs of MEASURED are trained and attacked."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        place = _place(tmp_path_factory.mktemp("all"), monkeypatch)
        (place / "suite.yaml").write_text(SUITE)
        (place / "runs.yaml").write_text(MEASURED)
        monkeypatch.setattr(evaluation, "SUITE", place / "suite.yaml")
        assert call(place, "all", "work", "--images", "6") == photographs.DONE
        yield place


def call(place: Path, verb: str, work: str, *words: str) -> int:
    own = ["--runs", str(place / "runs.yaml"), "--work", str(place / work), "--set", *SMALL]
    return photographs.main([verb, str(place / "pictures"), *words, *own])


def digests(place: Path, work: str) -> dict[str, str]:
    zoo = place / work / "zoo"
    paths = [*sorted(zoo.glob("*.pt")), *sorted(zoo.glob("last/*.pt"))]
    return {str(path.relative_to(zoo)): load_checkpoint(path).digest for path in paths}


def test_all_shipped_runs_fit_the_recipe_and_all_claims_speak_of_them():
    content = read_document(queue_of.RUNS, queue_of.Runs).content
    black = torch.zeros(4, 3, 32, 32, dtype=torch.uint8)
    labels = torch.tensor([0, 1, 0, 1])
    data = Dataset.from_arrays(black, labels, name="cifar10-small", scale="cifar10", train=(black, labels))
    made = set()
    with RECIPES.lent("photographs", queue_of.HERE / "photographs_recipe.yaml"):
        for run in content.runs:
            _, bound = decide(run.method, data, run.arch or content.arch, "photographs", run.set)
            made |= {f"{run.name}-{m.name}" if m.name else run.name for m in bound.cohort.members if m.kept}
            assert bool(run.teacher) == bool(bound.cohort.teachers), run
    assert {claim.first for claim in content.claims} | {claim.second for claim in content.claims} <= made


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        ("[{name: ard, method: ard, teacher: trades}, {name: trades, method: trades}]", "is not trained before it"),
        ("[{name: at, method: at}, {name: at, method: trades}]", "is there twice"),
    ],
)
def test_runs_in_an_order_that_can_not_be_are_refused(place, runs, said, capsys):
    (place / "runs.yaml").write_text(f"arch: small-cnn\nimages: {{train: 9, held_out: 2, test: 4}}\nruns: {runs}\n")
    assert call(place, "train", "work") == photographs.BAD
    assert said in capsys.readouterr().err


def test_what_is_interrupted_goes_on_to_the_same_weights(place, monkeypatch, capsys):
    assert call(place, "train", "whole") == photographs.DONE
    epochs, whole = [], Trainer._train_epoch

    def interrupted(self, *arguments):
        epochs.append(self.plan.name)
        if len(epochs) == 4:
            os.kill(os.getpid(), signal.SIGTERM)
        return whole(self, *arguments)

    monkeypatch.setattr(Trainer, "_train_epoch", interrupted)
    assert call(place, "train", "parts") == 130
    assert len(digests(place, "parts")) == 2, "at was finished, best and last"
    capsys.readouterr()
    assert call(place, "status", "parts") == photographs.DONE
    said = " ".join(capsys.readouterr().out.split())
    assert "at-seed-0 100% mat-seed-0 50%" in said
    assert said.endswith("h left in all")
    assert call(place, "train", "parts") == photographs.DONE
    assert digests(place, "parts") == digests(place, "whole")
    assert len(epochs) == 3 * 2 + 1, "a finished run, or a finished epoch, is not repeated"


def test_tables_claims_and_figures_tell_of_the_best_and_the_last_weights(all_done):
    trial = all_done / "work" / "trial"
    told = (trial / "results.md").read_text()
    for selection in ("best", "last"):
        assert f"| at | {selection} | 2 |" in told
        assert f"| natural | at | linf | {selection} | 2 |" in told
        assert f"| mat-h1 | at | rworst | {selection} | 1 |" in told
    claims = [line.split(" | ") for line in told.splitlines() if line.endswith((" undetermined |", " equivalent |"))]
    assert len(claims) == 4, "six images decide nothing, and so it is said"
    assert "nobody" not in told
    assert "## Transfer under pgd-100" in told
    assert "| mat-seed-0-h2 |" in told
    for name in ("training", "linf", "rworst"):
        ElementTree.parse(trial / f"{name}.svg")
    histories = (trial / "histories.csv").read_text().splitlines()
    assert len(histories) == 1 + 6 * 2, "a line per network and epoch"


@pytest.mark.parametrize(
    ("interval", "corrected", "said"),
    [
        ((2.0, 0.5, 3.5), 0.01, "better"),
        ((-2.0, -3.5, -0.5), 0.05, "worse"),
        ((2.0, 0.5, 3.5), 0.06, "undetermined"),
        ((0.1, -0.7, 0.9), 0.8, "equivalent"),
        ((0.1, -1.2, 0.9), 0.8, "undetermined"),
    ],
)
def test_a_claim_stands_only_where_it_does_among_all(interval, corrected, said):
    claim = results_of.Claim(first="mat-h1", second="at", metric="linf")
    told = results_of.Told(claim, "best", 3, *interval, p=corrected / 10, margin=1.0)
    assert told.verdict(corrected) == said


def test_a_bars_interval_is_over_seeds_where_there_are_several():
    class Group:
        def __init__(self, arm):
            self.arm, self.evaluations = arm, [SimpleNamespace(name="at-seed-0")]

        def scores(self, metric):
            return self.arm

    rows = np.array([[1.0, 0, 1, 1] * 20, [1, 1, 0, 0] * 20])
    over_seeds, alone = (results_of._mark(0, Group(arm), "linf") for arm in (rows, rows[:1]))
    found = mean_of_method(rows)
    assert (over_seeds.y, over_seeds.low, over_seeds.high) == pytest.approx((62.5, 100 * found.low, 100 * found.high))
    low, high = wilson(60, 80)
    assert (alone.y, alone.low, alone.high) == pytest.approx((75, 100 * low, 100 * high))
    assert over_seeds.high - over_seeds.low > 2 * (alone.high - alone.low), "two seeds say little of a third"


def test_a_share_is_rounded_once_and_as_on_a_leaderboard(monkeypatch):
    columns = ["clean", "pgd-20", "pgd-100", "linf", "l2", "l1", "Ravg", "Rworst"]
    found = SimpleNamespace(name="at-seed-0", model={"selection": "best"})
    for broken in range(2001):
        share = broken / 2000
        monkeypatch.setattr(results_of, "accuracies", lambda _, share=share: dict.fromkeys(columns, share))
        line = list(results_of._table([SimpleNamespace(evaluations=[found])]))[-1]
        assert set(line.strip("| ").split(" | ")[3:]) == {percent(share)}


def test_what_is_measured_needs_no_weights_any_more(all_done, capsys):
    """A run is not made again on another day or machine; a teacher is, as long as a student needs it."""
    place = all_done
    trial = place / "work" / "trial"
    told = (trial / "results.md").read_text()
    kept = sorted(trial.glob("records/*/*.zip"))
    assert len(kept) == 2 * (4 + 2), "the best and the last weights of each network"
    assert not benchmark.verify_bundle(kept[0]).problems
    shutil.copytree(trial, place / "elsewhere" / "trial")
    assert call(place, "all", "elsewhere", "--images", "6") == photographs.DONE
    assert (place / "elsewhere" / "trial" / "results.md").read_text() == told
    assert digests(place, "elsewhere") == {}
    capsys.readouterr()
    assert call(place, "status", "elsewhere", "--images", "6") == photographs.DONE
    assert capsys.readouterr().out.count("100%  measured") == 5

    (place / "runs.yaml").write_text(MEASURED + "  - {name: ard, method: ard, teacher: at, seed: 1}\n")
    assert call(place, "train", "elsewhere", "--images", "6") == photographs.DONE
    assert {path.split("/")[-1] for path in digests(place, "elsewhere")} == {"at-seed-1.pt", "ard-seed-1.pt"}


def test_two_never_train_in_one_folder(place, capsys):
    with photographs.alone(place / "work"):
        assert (place / "work" / "pid").read_text() == f"{os.getpid()}\n"
        assert call(place, "train", "work") == photographs.BAD
    assert f"process {os.getpid()} is training in it already" in capsys.readouterr().err
    assert not (place / "work" / "pid").read_text()


def test_ctrl_c_ends_it_even_where_it_was_started_to_ignore_that(place):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    photographs.listen()
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)


def test_a_run_that_fails_stops_no_other(place, capsys):
    text = RUNS.replace("{name: at, method: at}", "{name: at, method: at, set: {lr: 1.0e+30}}", 1)
    (place / "runs.yaml").write_text(text)
    assert call(place, "train", "work") == photographs.FAILED
    said = capsys.readouterr().err
    assert "at-seed-0 failed" in said
    assert "ard-seed-0 failed" in said, "its teacher is not there"
    assert {"mat-seed-0-h1.pt", "mat-seed-0-h2.pt"} <= digests(place, "work").keys()


def test_a_smaller_tree_has_the_first_pictures_of_each_class(place):
    tree = pictures.smaller_tree(str(place / "pictures"), place / "cache", {"train": 3, "test": 100})
    found = {str(path.relative_to(tree)) for path in tree.rglob("*.jpg")}
    assert {name for name in found if name.startswith("train/class-1")} == {
        f"train/class-1/{name}.jpg" for name in ("0", "1", "10")
    }
    assert len(found) == 2 * (3 + 6)


def test_a_drawing_alone_is_whole_and_shows_every_name():
    names = [f"<{letter}> & a long name of a series" for letter in "abcde"]
    lines = [Line(name, [(0, number), (1, 2)]) for number, name in enumerate(names)]
    drawn = line_chart("t", lines, Axis("x", 0, 1), Axis("y", 0, 5))
    root = ElementTree.fromstring(alone(drawn, names))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    shown = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert set(names) <= set(shown)
    for colours in (palette.LIGHT, palette.DARK):
        assert palette.variables(colours) in alone(drawn, names)


def test_a_figure_without_a_drawing_is_refused():
    from markupsafe import Markup

    with pytest.raises(ValueError, match="no drawing"):
        alone(Markup("<figure></figure>"), [])


def test_the_table_of_the_pilots_says_what_their_epochs_say() -> None:
    folder = ROOT / "reports" / "cifar10-small"
    rows = list(csv.DictReader((folder / "pilots.csv").open(encoding="utf-8")))
    page = (folder / "README.md").read_text(encoding="utf-8")
    for pilot in ("1", "2", "3", "4"):
        own = [row for row in rows if row["pilot"] == pilot]
        validated = [row for row in own if row["robust_percent"]]
        best, last = max(validated, key=lambda row: float(row["robust_percent"])), validated[-1]
        (line,) = [line for line in page.splitlines() if line.startswith(f"| {pilot} |")]
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        when = "" if last is own[-1] else f" ({last['epoch']})"
        assert cells[1].replace(",", "") == own[0]["images"]
        assert cells[5:] == [
            f"{best['robust_percent']} ({best['epoch']})",
            f"{last['robust_percent']}{when}",
            f"{float(own[-1]['loss']):.2f}",
        ]
