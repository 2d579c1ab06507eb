"""The verb: what is missing is trained and evaluated once, in order, and what is not possible stops nothing else."""

from __future__ import annotations

import csv
import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from papers_ledger import file_evaluation

from benchmark import report
from benchmark.data import load
from benchmark.errors import BadInput
from benchmark.evaluation import load_suite
from benchmark.papers import estimate, load_paper, paper, workshop
from benchmark.papers.abridged import abridged
from benchmark.papers.agenda import make_agenda
from benchmark.papers.archive import Archive
from benchmark.papers.estimate import Clock, Estimate, passes_of
from benchmark.papers.networks import find_network
from benchmark.papers.stage import make_stage
from benchmark.papers.workshop import Workshop
from benchmark.reporting.paper_pages import paper_pages

TOY = """\
name: toy
title: Toy
source: nowhere
scales:
  other: {recipe: quick, preset: quick, images: 20, architecture: small-cnn}
runs:
  natural: {method: natural, settings: {epochs: 1}}
  ard: {method: ard, teachers: [natural], settings: {epochs: 1, threats.linf.steps: 1}}
  unborn: {method: no-such-method}
exhibits:
  "1":
    title: Two networks
    suite: smoke
    columns:
      - {label: Clean, metric: clean}
      - {label: linf, metric: linf}
      - {label: Ravg, metric: r_avg}
    rows:
      - {label: unborn, run: unborn}
      - {label: ARD, run: ard}
      - {label: Nature, run: natural}
claims:
  - {text: they differ on clean images, exhibit: "1", left: Nature, right: ARD, column: Clean}
"""


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "toy.yaml").write_text(TOY, encoding="utf-8")
    return "toy.yaml"


def test_from_nothing_to_a_page_and_nothing_twice(toy: str, tmp_path: Path) -> None:
    result = paper(toy, progress=False)
    assert [job["job"] for job in result.jobs] == [
        "train no-such-method",
        "train natural-epochs-1",
        "train ard-epochs-1-threats.linf.steps-1-from-natural-epochs-1",
        "evaluate no-such-method under smoke",
        "evaluate ard-epochs-1-threats.linf.steps-1-from-natural-epochs-1 under smoke",
        "evaluate natural-epochs-1 under smoke",
    ]
    assert result.failures == []
    assert result.page == Path("reports/digits/toy/index.html")
    assert {path.name for path in result.page.parent.iterdir()} == {
        "index.html",
        "claims.csv",
        "paper.json",
        "table-1.csv",
        "table-1.tex",
    }
    assert "the method no-such-method is not part of this version" in result.page.read_text(encoding="utf-8")
    assert result.verdicts[0].answer in ("yes", "no", "unclear")
    before = result.page.read_bytes()
    assert [job["job"] for job in paper(toy, progress=False).jobs] == [
        "train no-such-method",
        "evaluate no-such-method under smoke",
    ]
    assert result.page.read_bytes() == before


def test_the_ledger_alone_is_enough(toy: str) -> None:
    """Where the evaluations are there, nothing is trained, whether or not the checkpoints still exist."""
    loaded = load_paper(toy)
    stage = make_stage(loaded, "digits")
    for run in ("natural", "ard"):
        network = find_network(loaded, run, stage, "small-cnn", 0)
        file_evaluation(Path("results"), network, stage, "smoke", 5, images=20)
    result = paper(toy, only=["ARD", "Nature"])
    assert result.jobs == []
    assert "75.0" in result.page.read_text(encoding="utf-8")


def test_a_dry_run_writes_nothing_and_estimates_from_what_was_recorded(toy: str, tmp_path: Path) -> None:
    loaded = load_paper(toy)
    stage = make_stage(loaded, "digits")
    network = find_network(loaded, "natural", stage, "small-cnn", 0)
    file_evaluation(Path("results"), network, stage, "smoke", 5, images=20)
    before = sorted(tmp_path.rglob("*"))
    result = paper(toy, dry_run=True, only=["ARD"])
    assert sorted(tmp_path.rglob("*")) == before
    training, other, evaluation = result.jobs
    # The recorded evaluation took 4 attacks × 2 s for as many images, its training 7 + 8 s.
    assert (evaluation["time"], evaluation["basis"]) == (8.0, "measured on natural-epochs-1")
    assert training["time"] == 15.0
    assert other["basis"] == "from the recorded speed of natural-epochs-1"
    assert result.seconds == pytest.approx(8 + 15 + other["time"])
    assert result.page is None


def test_without_records_a_probe_is_made_and_said(toy: str) -> None:
    result = paper(toy, dry_run=True, only=["Nature"])
    assert {job["basis"] for job in result.jobs} == {"from a short probe here"}
    assert all(job["time"] > 0 for job in result.jobs)
    assert "not possible" in paper(toy, dry_run=True, only=["unborn"]).jobs[0]["basis"]


def test_the_probe_is_not_fooled_by_what_else_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two tries, the one of 3 s by the thread's clock counts, not the one of 5 s, nor the hour that passed."""
    own, wall = iter([0.0, 5.0, 100.0, 103.0]), iter([0.0, 0.0, 3600.0])
    clocks = SimpleNamespace(thread_time=lambda: next(own), perf_counter=lambda: next(wall))
    monkeypatch.setattr(estimate, "time", clocks)
    assert estimate.probe("small-cnn", load("digits")) == pytest.approx(3 / estimate.PROBE_IMAGES)


def test_data_that_is_not_here_leaves_the_estimate_open(toy: str, tmp_path: Path) -> None:
    result = paper(toy, dataset="mnist", dry_run=True, only=["Nature"], data_dir=tmp_path / "nothing")
    assert len(result.jobs) == 2
    assert all("no estimate" in job["basis"] for job in result.jobs)


def test_one_failure_stops_nothing_else(toy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    done = []

    def do(self: Workshop, *jobs) -> None:
        done.extend(job.what for job in jobs)
        if jobs[0].what == "train natural-epochs-1":
            raise BadInput("the loss became nan")

    monkeypatch.setattr(Workshop, "do", do)
    result = paper(toy)
    assert len(done) == 4
    assert result.failures == ["train natural-epochs-1: the loss became nan"]
    html = result.page.read_text(encoding="utf-8")
    assert "the loss became nan" in html
    assert "not run: <code>bench paper toy.yaml --dataset digits --table 1 --only ARD</code>" in html


def test_evaluations_under_one_suite_are_done_in_one_go_unless_one_fails(
    toy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def evaluate(checkpoints, **_) -> None:
        calls.append([Path(checkpoint).stem for checkpoint in checkpoints])
        if any("ard" in checkpoint for checkpoint in checkpoints):
            raise BadInput("it vanished")

    monkeypatch.setattr(workshop, "evaluate", evaluate)
    monkeypatch.setattr(Workshop, "_train", lambda self, training: None)
    result = paper(toy)
    ard, natural = "ard-epochs-1-threats.linf.steps-1-from-natural-epochs-1", "natural-epochs-1"
    assert calls == [[ard, natural], [ard], [natural]]
    assert result.failures == [f"evaluate {ard} under smoke: it vanished"]


def test_a_checkpoint_trained_otherwise_is_not_taken_for_the_tables(toy: str) -> None:
    from benchmark.training import train

    loaded = load_paper(toy)
    train("natural", set={"epochs": 1}, name="natural-epochs-1", seed=7, progress=False)
    notes: list[str] = []
    agenda = make_agenda(
        loaded, ["1"], make_stage(loaded, "digits"), Archive([]), Path("zoo"), ["Nature"], notes.append
    )
    assert [job.what for job in agenda.jobs] == ["train natural-epochs-1", "evaluate natural-epochs-1 under smoke"]
    assert "trained otherwise" in notes[0]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"table": "7"}, "unknown table '7'; known: 1"),
        ({"dataset": "digit"}, "unknown dataset 'digit'; did you mean digits"),
        ({"dataset": "folder"}, "folder:PATH"),
        ({"only": ["Natur"]}, "unknown row 'Natur'; did you mean Nature"),
        ({"seeds": []}, "at least one seed"),
    ],
)
def test_mistakes_are_told_before_anything_is_done(toy: str, arguments, expected: str) -> None:
    with pytest.raises(BadInput, match=expected):
        paper(toy, **arguments)
    assert not Path("zoo").exists()


def test_what_is_crafted_on_one_network_is_tried_on_all_in_one_job(tmp_path: Path) -> None:
    loaded = load_paper("mat")
    agenda = make_agenda(loaded, ["4"], make_stage(loaded, "digits"), Archive([]), tmp_path)
    crafted = [job for job in agenda.jobs if job.targets]
    assert [job.what for job in crafted] == [
        f"craft on {source}, try on mat-h1, mat-h2" for source in ("at", "trades", "mart", "mat-h1", "mat-h2")
    ]
    assert {job.trains for job in agenda.jobs if job.trains} == {"at", "trades", "mart", "mat"}


def test_transfer_from_nothing_to_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that can't be made does not keep the others from being tried with the same images."""
    monkeypatch.chdir(tmp_path)
    text = TOY.replace(
        "{label: Ravg, metric: r_avg}", "{label: black, suite: transfer, attack: pgd-100, source: natural}"
    )
    Path("toy.yaml").write_text(text, encoding="utf-8")
    result = paper("toy.yaml", progress=False)
    crafted = [job for job in result.jobs if job["job"].startswith("craft")]
    assert ["not possible" in job["basis"] for job in crafted] == [True, False]
    assert result.failures == []
    rows = list(csv.DictReader((result.page.parent / "table-1.csv").open(encoding="utf-8")))
    filled = {row["row"]: bool(row["percent"]) for row in rows if row["column"] == "black"}
    assert filled == {"unborn": False, "ARD": True, "Nature": True}


def test_code_that_a_paper_names_runs_only_if_trusted(toy: str) -> None:
    """As a row, as a teacher, and as what is crafted on."""
    Path("my_network.py").write_text(
        "from torch import nn\nNETWORK = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))\ndef make(): return NETWORK\n"
    )
    text = TOY.replace("{method: natural, settings: {epochs: 1}}", "{sources: {other: python:my_network:make}}")
    text = text.replace(
        "{label: Ravg, metric: r_avg}", "{label: black, suite: transfer, attack: pgd-100, source: natural}"
    )
    Path(toy).write_text(text, encoding="utf-8")
    refused = paper(toy, progress=False)
    assert len(refused.failures) == 4  # the training, both evaluations, the transfer
    assert sum("pass --trust-remote-code" in failure for failure in refused.failures) == 3
    assert "my_network" not in sys.modules
    page = paper(toy, trust_remote_code=True, progress=False).page
    with (page.parent / "table-1.csv").open(encoding="utf-8") as file:
        filled = {(row["row"], row["column"]) for row in csv.DictReader(file) if row["percent"]}
    assert filled == {(row, column) for row in ("ARD", "Nature") for column in ("Clean", "linf", "black")}
    sys.modules.pop("my_network")


def test_names_of_tables_as_people_write_them(toy: str) -> None:
    for written in ("1", "Table 1", "table-1"):
        assert len(paper(toy, table=written, only=["Nature"], dry_run=True).jobs) == 2


def test_full_scale_asks_for_the_papers_own_setting() -> None:
    loaded = load_paper("mat")
    stage = make_stage(loaded, "cifar10")
    assert (stage.recipe, stage.preset, stage.images) == ("paper", "standard", None)
    names = {
        find_network(loaded, row.run, stage, panel.architecture, 0, row.network).name
        for panel in stage.panels(loaded.exhibits["3"])
        for row in loaded.exhibits["3"].rows
    }
    assert {
        "cifar10-mat-paper-h1",
        "cifar10-mat-wrn-34-10-paper-h2",
        "cifar10-ard-paper-from-cifar10-at-paper",
    } <= names
    other = make_stage(loaded, "folder:pictures")
    assert (other.scale, other.dataset, other.changed) == (
        "other",
        "folder:pictures",
        ("the recipe paper is not that of the authors on folder:pictures",),
    )


def test_published_networks_take_the_place_of_training_where_the_paper_took_them() -> None:
    loaded = load_paper("mmard")
    full, small = make_stage(loaded, "cifar10"), make_stage(loaded, "digits")
    assert find_network(loaded, "teacher", full, "resnet18", 0).name == "robustbench:Zhang2019Theoretically"
    assert find_network(loaded, "teacher", small, "small-cnn", 0).name == "trades"
    assert find_network(load_paper("cat"), "fat", make_stage(load_paper("cat"), "digits"), "small-cnn", 0) is None


def test_all_shipped_papers_can_be_planned(tmp_path: Path) -> None:
    for name in ("mat", "mmard", "cat", "robust-union"):
        loaded = load_paper(name)
        for scale in ("digits", "cifar10", "cifar100", "folder:pictures"):
            stage = make_stage(loaded, scale)
            agenda = make_agenda(loaded, list(loaded.exhibits), stage, Archive([]), tmp_path)
            trained = [job.trains for job in agenda.jobs if job.trains]
            assert len(trained) == len(set(trained))
            assert [job.question is None for job in agenda.jobs] == sorted(
                (job.question is None for job in agenda.jobs), reverse=True
            )
            before: set[str] = set()
            for job in agenda.jobs:
                for needed in job.lineage():
                    if needed.training and job.trains != needed.training.name:
                        assert needed.training.name in before
                before |= {job.trains} if job.trains else set()


def test_the_clock_tells_apart_what_costs_differently(tmp_path: Path) -> None:
    loaded = load_paper("mat")
    stage = make_stage(loaded, "digits")
    clock = Clock([], stage, speeds={("small-cnn", "digits"): Estimate(1e-5, "a guess")})
    agenda = make_agenda(loaded, ["2", "5"], stage, Archive([]), tmp_path)
    seconds = {job.what: clock.estimate(job).seconds for job in agenda.jobs}
    assert seconds["train mat"] == pytest.approx(2 * seconds["train at"])
    assert seconds["train mat-max"] > 2 * seconds["train at-max"]


def test_the_clock_counts_teachers(tmp_path: Path) -> None:
    loaded = load_paper("mmard")
    stage = make_stage(loaded, "digits")
    speeds = {
        ("small-cnn", "digits"): Estimate(1e-5, "a guess"),
        ("small-cnn-x3", "digits"): Estimate(1e-2, "a guess"),
    }
    clock = Clock([], stage, speeds=speeds)
    rows = ["ARD from S", "ARD from L", "MMARD from L"]
    agenda = make_agenda(loaded, ["5"], stage, Archive([]), tmp_path, rows)
    seconds = {job.rows: clock.estimate(job).seconds for job in agenda.jobs if job.trains and "from" in job.trains}
    assert seconds["5/ARD from S"] * 10 < seconds["5/ARD from L"] < seconds["5/MMARD from L"] / 5


def test_the_command(toy: str, capsys: pytest.CaptureFixture[str]) -> None:
    from benchmark.cli import main

    with pytest.raises(SystemExit) as done:
        main(["paper", toy, "--only", "Nature", "--dry-run"])
    assert not done.value.code
    out = capsys.readouterr().out
    assert "evaluate natural-epochs-1 under smoke" in out
    assert "2 jobs, about" in out
    with pytest.raises(SystemExit) as refused:
        main(["paper", "mta"])
    assert refused.value.code == 2
    assert "did you mean mat" in capsys.readouterr().err


def test_what_is_written_is_plain(toy: str) -> None:
    """The files hold nothing that another machine or another time would make differ."""
    loaded = load_paper(toy)
    stage = make_stage(loaded, "digits")
    for run in ("natural", "ard"):
        file_evaluation(
            Path("results"), find_network(loaded, run, stage, "small-cnn", 0), stage, "smoke", 5, images=20
        )
    first = paper(toy, only=["Nature"], out="one").page
    second = paper(toy, only=["Nature"], out="two").page
    assert first.read_text(encoding="utf-8") == second.read_text(encoding="utf-8")
    assert json.dumps(str(Path.cwd())) not in first.read_text(encoding="utf-8")


def test_the_leaderboard_leads_to_the_page_and_back(toy: str) -> None:
    loaded = load_paper(toy)
    stage = make_stage(loaded, "digits")
    for run, broken in (("natural", 20), ("ard", 5)):
        network = find_network(loaded, run, stage, "small-cnn", 0)
        file_evaluation(Path("results"), network, stage, "smoke", broken, images=20)
    first = paper(toy, only=["Nature"]).page
    assert 'href="../../index.html"' not in first.read_text(encoding="utf-8")
    index = report().read_text(encoding="utf-8")
    assert f'<a href="{first.relative_to("reports").as_posix()}">Toy</a>' in index
    table = index.split('id="papers"', 1)[1]
    assert re.findall(r'<td class="number">(\d+)</td>', table) == ["0", "0", "1", "0"]  # nobody errs on clean images
    assert 'href="../../index.html"' in paper(toy, only=["Nature"]).page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '{"title": "x"}',
        '{"title": 1, "source": "", "dataset": "", "images": -1, "claims": []}',
        "[" * 10**5,
    ],
)
def test_what_is_no_papers_page_is_passed_over(tmp_path: Path, content: str) -> None:
    (tmp_path / "digits" / "toy").mkdir(parents=True)
    (tmp_path / "digits" / "toy" / "index.html").write_text("")
    about = '{"title": "x", "source": "", "dataset": "d", "images": null, "claims": {"yes": 2}}'
    (tmp_path / "digits" / "toy" / "paper.json").write_text(about)
    assert [found.link for found in paper_pages(tmp_path)] == ["digits/toy/index.html"]
    (tmp_path / "digits" / "toy" / "paper.json").write_text(content)
    assert paper_pages(tmp_path) == []


def test_what_a_preset_shortens_is_said() -> None:
    table = load_paper("mat").exhibits
    assert abridged(table["2"], "standard", "digits") == []
    assert "Fog: steps 50 instead of 200, step size 0.01 instead of 0.002236" in abridged(
        table["2"], "quick", "digits"
    )
    assert "pgd-linf: steps 20 instead of 50, restarts 1 instead of 10" in abridged(table["5"], "quick", "elsewhere")
    assert abridged(table["3"], "quick", "digits") == []  # the numbers in its columns' names are the steps


def test_passes_are_counted_once_where_attacks_go_on_from_each_other() -> None:
    passes = {
        name: passes_of(load_suite(name, "quick", "digits")) for name in ("kd-defences", "pgd-linf", "transfer")
    }
    assert passes == {"kd-defences": 1000, "pgd-linf": 100, "transfer": 100}
