"""What a figure chooses on held-out images: which value, how sure that is, and the runs that take it when asked."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from fixed_networks import fixed
from papers_ledger import file_evaluation

from benchmark.errors import BadInput, Notice
from benchmark.models import save_checkpoint
from benchmark.papers import load_paper, paper
from benchmark.papers.cells import TableCell
from benchmark.papers.choice import choose, to_csv
from benchmark.papers.grid import TableGrid, TableLine
from benchmark.papers.networks import find_network
from benchmark.papers.schema import Panel, TableRow
from benchmark.papers.setting import make_setting
from benchmark.planning.effort import Effort
from benchmark.planning.estimate import Estimate, TimeEstimate
from benchmark.planning.jobs import Job, JobResult
from benchmark.planning.runner import JobRunner

#: Figure 1 chooses how long to train; Table 2 has two runs that take it, and one that does not.
CHOOSING = """\
name: choosing
title: Choosing
source: nowhere
scales:
  other: {recipe: quick, preset: quick, images: 20, architecture: small-cnn}
runs:
  short: {method: natural, settings: {epochs: 1}}
  long: {method: natural, settings: {epochs: 2}}
  longest: {method: natural, settings: {epochs: 3}}
  natural: {method: natural, settings: {epochs: 9}}
  at: {method: at, settings: {epochs: 9}}
  trades: {method: trades, settings: {epochs: 9}}
variants:
  epochs:
    chosen: {about: epochs are chosen, chosen_by: figure-1, takes: [natural, at]}
exhibits:
  figure-1:
    title: How long
    suite: smoke
    holdout: 0.2
    choice: {setting: epochs, symbol: E, column: linf}
    columns: [{label: linf, metric: linf}]
    rows:
      - {label: short, run: short}
      - {label: long, run: long}
      - {label: longest, run: longest}
  "2":
    title: Who
    suite: smoke
    columns: [{label: linf, metric: linf}]
    rows:
      - {label: Nature, run: natural}
      - {label: AT, run: at}
      - {label: TRADES, run: trades}
claims:
  - {id: longer, text: longer is better, exhibit: figure-1, left: long, right: short, column: linf}
  - {id: at, text: AT is better, exhibit: "2", left: AT, right: Nature, column: linf}
  - {id: trades, text: TRADES is better, exhibit: "2", left: TRADES, right: Nature, column: linf}
"""


@pytest.fixture
def choosing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("choosing.yaml").write_text(CHOOSING, encoding="utf-8")
    return "choosing.yaml"


def measure(name: str, broken: dict[str, int]) -> None:
    """File what Figure 1 would measure, as many of 100 images broken."""
    loaded = load_paper(name)
    setting = make_setting(loaded, "digits").of(loaded.exhibits["figure-1"])
    for run, count in broken.items():
        network = find_network(loaded, run, setting, "small-cnn", 0)
        file_evaluation(Path("results"), network, setting, "smoke", count, scale="digits")


def jobs(name: str, **more: object) -> list[str]:
    return [job["job"] for job in paper(name, dry_run=True, **more).jobs]


def test_the_value_of_highest_accuracy_is_chosen_and_shown(choosing: str) -> None:
    measure(choosing, {"short": 70, "long": 10, "longest": 40})
    result = paper(choosing, only=["short"], table="figure-1", progress=False)
    (told,) = result.choices
    assert told.startswith("Figure 1, digits?holdout=0.2, small-cnn. Selected: E 2.")
    assert "significantly better than all others" in told
    page = result.page.read_text(encoding="utf-8")
    assert "Selected: E 2." in page
    assert "<small>100 held-out training images</small>" in page
    assert 'href="figure-1-choice.csv"' in page
    (row,) = csv.DictReader((result.page.parent / "figure-1-choice.csv").open(encoding="utf-8"))
    assert (row["setting"], row["value"], row["runner_up"]) == ("epochs", "2", "3")
    assert float(row["percent"]) == pytest.approx(90)
    assert float(row["low"]) < float(row["corrected_percent"]) <= 90


def test_nothing_is_chosen_before_all_values_are_measured(choosing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And those that would take it wait, instead of being made with the paper's value."""
    measure(choosing, {"short": 70, "longest": 10})
    done: list[str] = []

    def do_all(self: JobRunner, jobs: list[Job]) -> Iterator[JobResult]:
        done.extend(job.what for job in jobs)
        return iter([JobResult(job, "it can't") for job in jobs])

    monkeypatch.setattr(JobRunner, "do_all", do_all)
    result = paper(choosing, variant=["epochs=chosen"], progress=False)
    assert any("2 of 3 numbers are there yet. E is not known for natural, at" in told for told in result.failures)
    assert not any("natural-epochs-9" in each or "at-epochs-9" in each for each in done)
    assert any("trades-epochs-9" in each for each in done)
    page = result.page.read_text(encoding="utf-8")
    assert "E is chosen by Figure 1, which chooses none yet" in page
    assert result.page.parent.name == "choosing-epochs-chosen"


def test_a_figure_is_measured_first_and_what_it_chooses_is_taken(choosing: str, monkeypatch) -> None:
    done: list[list[str]] = []

    def do_all(self: JobRunner, jobs: list[Job]) -> Iterator[JobResult]:
        if "holdout" in self.setting.dataset:
            measure(choosing, {"short": 70, "long": 40, "longest": 10})
        done.append([job.what for job in jobs])
        return iter([])

    monkeypatch.setattr(JobRunner, "do_all", do_all)
    result = paper(choosing, variant=["epochs=chosen"], table="2", progress=False)
    first, second = done
    assert sum(each.startswith("train") for each in first) == 3
    assert {"train natural-epochs-3", "train at-epochs-3", "train trades-epochs-9"} < set(second)
    assert result.choices[0].startswith("Figure 1, digits?holdout=0.2, small-cnn. Selected: E 3.")
    page = result.page.read_text(encoding="utf-8")
    assert page.count("E = 3, chosen by Figure 1") == 2
    assert "--variant epochs=chosen" in page


def test_a_dry_run_lists_the_figure_first_or_takes_what_it_chose(choosing: str, monkeypatch) -> None:
    monkeypatch.setattr(TimeEstimate, "estimate", lambda self, job: Estimate(None, "not asked"))
    result = paper(choosing, variant={"epochs": "chosen"}, table="2", dry_run=True)
    assert [job["for"].partition("/")[0] for job in result.jobs] == ["figure-1"] * 6 + ["2"] * 6
    assert "train at-epochs-9" in [job["job"] for job in result.jobs]
    assert "their jobs are listed as with the paper's value" in result.failures[0]
    measure(choosing, {"short": 0, "long": 70, "longest": 10})
    assert "train at-epochs-1" in jobs(choosing, variant={"epochs": "chosen"}, table="2")
    assert "train at-epochs-9" in jobs(choosing, table="2")


def test_the_parts_are_the_same_before_and_after_the_choice(choosing: str, monkeypatch) -> None:
    """Whoever knows already what is chosen, and whoever does not, does nothing that another one does."""
    monkeypatch.setattr(Effort, "estimate", lambda self, job: Estimate(float(len(job.what) ** 3), ""))
    asked = {"variant": ["epochs=chosen"], "table": "2", "progress": False}
    done: dict[tuple[bool, int], set[str]] = {}
    by: tuple[bool, int]

    def do_all(self: JobRunner, jobs: list[Job]) -> Iterator[JobResult]:
        if "holdout" not in self.setting.dataset:
            done.setdefault(by, set()).update(job.what for job in jobs if job.trains)
        return iter([])

    monkeypatch.setattr(JobRunner, "do_all", do_all)
    for is_known, broken in ((False, {}), (True, {"short": 0, "long": 70, "longest": 10})):
        measure(choosing, broken)
        for number in (1, 2):
            by = (is_known, number)
            done[by] = set()
            paper(choosing, part=f"{number}/2", **asked)
    whole = {"train natural-epochs-1", "train at-epochs-1", "train trades-epochs-9"}
    for one, other in product((False, True), repeat=2):
        assert not done[one, 1] & done[other, 2]
    assert done[True, 1] | done[True, 2] == whole
    for number in (1, 2):
        assert done[False, number] == done[True, number] & {"train trades-epochs-9"}


def test_a_value_that_another_row_has_anyway_is_in_one_part_too(choosing: str, monkeypatch) -> None:
    text = CHOOSING.replace("at: {method: at, settings: {epochs: 9}}", "at: {method: natural, settings: {epochs: 9}}")
    text = text.replace(
        "trades: {method: trades, settings: {epochs: 9}}", "trades: {method: natural, settings: {epochs: 2}}"
    )
    Path(choosing).write_text(text, encoding="utf-8")
    monkeypatch.setattr(Effort, "estimate", lambda self, job: Estimate(float(len(job.what) ** 3), ""))
    monkeypatch.setattr(TimeEstimate, "estimate", lambda self, job: Estimate(None, "not asked"))
    asked: dict[str, object] = {"variant": {"epochs": "chosen"}, "table": "2"}
    found = []
    for broken in ({}, {"short": 70, "long": 10, "longest": 40}):
        measure(choosing, broken)
        found.append(
            {job: n for n in (1, 2, 3) for job in jobs(choosing, part=f"{n}/3", **asked) if "holdout" not in job}
        )
    before, after = found
    assert set(after) == {"train natural-epochs-2", "evaluate natural-epochs-2 under smoke"}
    assert after.items() <= before.items()


def test_why_nothing_is_chosen_is_said_and_written_as_data(choosing: str) -> None:
    """Whatever the data is called."""
    loaded = load_paper(choosing)
    panel = Panel(dataset="folder:a,b", architecture="small-cnn")
    masked = TableCell(value=0.5, scores=np.zeros(4), by_seed=np.zeros((1, 4)), is_masked=True)
    table = loaded.exhibits["figure-1"]
    lines = tuple(
        TableLine(row, "", (cell,))
        for row, cell in zip(table.rows, [replace(masked, is_masked=False), masked, masked], strict=True)
    )
    grid = TableGrid("figure-1", table, panel, 4, (), lines)
    assert "fewer than two values are free of strong signs of gradient masking" in str(choose(loaded, grid))
    (row,) = csv.DictReader(to_csv(loaded, [grid]).splitlines())
    assert (row["dataset"], row["value"], row["p"]) == ("folder:a,b", "", "")


def test_rows_of_one_value_count_together_and_what_may_be_masked_not_at_all(choosing: str) -> None:
    """By the first rows alone the short run would be best, and the longest if masking did not matter."""
    loaded = load_paper(choosing)
    shown = [("a", "short", 90), ("b", "short", 10), ("c", "long", 60), ("d", "long", 60), ("e", "longest", 99)]
    lines = []
    for label, run, right in shown:
        flags = np.arange(100)[None] < right
        cell = TableCell(value=right / 100, scores=flags[0] * 1.0, by_seed=flags * 1.0, is_masked=run == "longest")
        lines.append(TableLine(TableRow(label=label, run=run), "", (cell,)))
    panel = Panel(dataset="digits", architecture="small-cnn")
    found = choose(loaded, TableGrid("figure-1", loaded.exhibits["figure-1"], panel, 100, (), tuple(lines)))
    assert (found.value, found.selected.variants) == (2, 2)
    assert found.selected.found.value == pytest.approx(0.6)


def test_what_was_chosen_by_is_told_under_deterministic_too(choosing: str, monkeypatch) -> None:
    """And a network of the caller's is not said to take what was chosen."""
    measure(choosing, {"short": 70, "long": 10, "longest": 40})
    monkeypatch.setattr(JobRunner, "do_all", lambda self, jobs: iter([]))
    save_checkpoint(Path("own.pt"), fixed("natural"))
    with pytest.warns(Notice, match="epochs-1.*some results were made earlier without --deterministic"):
        result = paper(
            choosing,
            variant=["epochs=chosen"],
            table="2",
            network=["natural=own.pt"],
            deterministic=True,
            progress=False,
        )
    assert result.page.read_text(encoding="utf-8").count("E = 2, chosen by Figure 1") == 1


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("    holdout: 0.2\n", "", "give a holdout"),
        ("column: linf}\n    columns", "column: l1}\n    columns", "unknown column 'l1'"),
        ("setting: epochs, symbol", "setting: beta, symbol", "does not set beta"),
        ("chosen_by: figure-1", 'chosen_by: "2"', "unknown choice '2'"),
        (", takes: [natural, at]", "", "which runs it `takes`"),
        ("takes: [natural, at]", "takes: [nature]", "unknown run 'nature'"),
        ("takes: [natural, at]", "takes: [natural, short]", "'short' takes what figure-1 chooses, which is chosen"),
        ("id: at,", "id: longer,", "another claim's, too"),
        ("id: at,", "id: A T,", "choosing.yaml"),
    ],
)
def test_mistakes_are_named(choosing: str, old: str, new: str, expected: str) -> None:
    assert old in CHOOSING
    Path(choosing).write_text(CHOOSING.replace(old, new), encoding="utf-8")
    with pytest.raises(BadInput, match=expected):
        load_paper(choosing)


def test_claims_that_were_asked_for_are_told_from_the_others(choosing: str, capsys: pytest.CaptureFixture) -> None:
    from benchmark.cli import main

    measure(choosing, {"short": 70, "long": 10, "longest": 40})
    with pytest.raises(SystemExit):
        main(["paper", choosing, "--table", "figure-1", "--only", "short"])
    out = capsys.readouterr().out
    assert "longer is better" in out
    assert "TRADES is better" not in out
    assert "2 other claims are about other tables or rows: see the page" in out
    assert "Selected: E 2." in out
    result = paper(choosing, table="figure-1", only=["longest"], progress=False)
    assert ([each.claim.id for each in result.asked], len(result.verdicts)) == ([], 3)
