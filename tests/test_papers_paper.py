"""The verb: what is missing is trained and evaluated once, in order, and what is not possible stops nothing else."""

from __future__ import annotations

import csv
import json
import re
import sys
from pathlib import Path

import pytest
from papers_ledger import TOY, file_evaluation, write_toy

from benchmark import report
from benchmark.errors import BadInput
from benchmark.ledger import Ledger
from benchmark.papers import load_paper, paper
from benchmark.papers.abridged import abridged
from benchmark.papers.networks import find_network
from benchmark.papers.paper import _keys
from benchmark.papers.setting import make_setting
from benchmark.planning import runner
from benchmark.planning.estimate import Estimate, TimeEstimate
from benchmark.planning.runner import JobRunner
from benchmark.reporting.html import index_page
from benchmark.reporting.paper_pages import paper_pages


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    return write_toy(tmp_path, monkeypatch)


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
    assert result.verdicts[0].answer in ("supported", "contradicted", "undetermined")
    before = result.page.read_bytes()
    assert [job["job"] for job in paper(toy, progress=False).jobs] == [
        "train no-such-method",
        "evaluate no-such-method under smoke",
    ]
    assert result.page.read_bytes() == before


def test_the_ledger_alone_is_enough(toy: str) -> None:
    """Where the evaluations are there, nothing is trained, whether or not the checkpoints still exist."""
    loaded = load_paper(toy)
    setting = make_setting(loaded, "digits")
    for run in ("natural", "ard"):
        network = find_network(loaded, run, setting, "small-cnn", 0)
        file_evaluation(Path("results"), network, setting, "smoke", 5, images=20)
    result = paper(toy, only=["ARD", "Nature"])
    assert result.jobs == []
    assert "75.0" in result.page.read_text(encoding="utf-8")


def test_one_failure_stops_nothing_else(toy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    done = []

    def do(self: JobRunner, *jobs) -> list:
        done.extend(job.what for job in jobs)
        if jobs[0].what == "train natural-epochs-1":
            raise BadInput("the loss became nan")
        return []

    monkeypatch.setattr(JobRunner, "do", do)
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

    def evaluate(checkpoints, **_) -> list:
        calls.append([Path(checkpoint).stem for checkpoint in checkpoints])
        if any("ard" in checkpoint for checkpoint in checkpoints):
            raise BadInput("it vanished")
        return [None for _ in checkpoints]

    monkeypatch.setattr(runner, "evaluate", evaluate)
    monkeypatch.setattr(JobRunner, "_train", lambda self, training: None)
    result = paper(toy)
    ard, natural = "ard-epochs-1-threats.linf.steps-1-from-natural-epochs-1", "natural-epochs-1"
    assert calls == [[ard, natural], [ard], [natural]]
    assert result.failures == [f"evaluate {ard} under smoke: it vanished"]


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
    found = load_paper(toy)
    assert [_keys(found, written) for written in ("1", "Table 1", "table-1")] == [["1"]] * 3


def test_a_dry_run_of_a_part_lists_that_part(toy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TimeEstimate, "estimate", lambda self, job: Estimate(None, "not asked"))

    def listed(part: str | None) -> list[str]:
        return [job["job"] for job in paper(toy, part=part, dry_run=True).jobs]

    parts = [listed(f"{n}/5") for n in (1, 2, 3, 4, 5)]
    assert sorted(job for part in parts for job in part) == sorted(listed(None))
    assert sum(bool(part) for part in parts) == 3


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
    setting = make_setting(loaded, "digits")
    for run in ("natural", "ard"):
        file_evaluation(
            Path("results"), find_network(loaded, run, setting, "small-cnn", 0), setting, "smoke", 5, images=20
        )
    first = paper(toy, only=["Nature"], out="one").page
    second = paper(toy, only=["Nature"], out="two").page
    assert first.read_text(encoding="utf-8") == second.read_text(encoding="utf-8")
    assert json.dumps(str(Path.cwd())) not in first.read_text(encoding="utf-8")


def test_the_leaderboard_leads_to_the_page_and_back(toy: str) -> None:
    loaded = load_paper(toy)
    setting = make_setting(loaded, "digits")
    for run, broken in (("natural", 20), ("ard", 5)):
        network = find_network(loaded, run, setting, "small-cnn", 0)
        file_evaluation(Path("results"), network, setting, "smoke", broken, images=20)
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
    about = '{"title": "x", "source": "", "dataset": "d", "images": null, "claims": {"supported": 2}}'
    (tmp_path / "digits" / "toy" / "paper.json").write_text(about)
    assert [found.link for found in paper_pages(tmp_path)] == ["digits/toy/index.html"]
    (tmp_path / "digits" / "toy" / "paper.json").write_text(content)
    assert paper_pages(tmp_path) == []


def test_answers_of_an_earlier_version_are_not_counted_as_none(tmp_path: Path) -> None:
    (tmp_path / "digits" / "toy").mkdir(parents=True)
    (tmp_path / "digits" / "toy" / "index.html").write_text("")
    about = {"title": "x", "source": "", "dataset": "d", "images": 450, "claims": {"no": 1, "unclear": 16, "yes": 9}}
    (tmp_path / "digits" / "toy" / "paper.json").write_text(json.dumps(about))
    page = index_page([], [], Ledger(tmp_path / "results"), paper_pages(tmp_path))
    assert "Counted by an earlier version" in page
    assert '<td class="number">0' not in page


def test_what_a_preset_shortens_is_said() -> None:
    table = load_paper("mat").exhibits
    assert abridged(table["2"], "standard", "digits") == []
    assert "Fog: steps 50 instead of 200, step size 0.01 instead of 0.002236" in abridged(
        table["2"], "quick", "digits"
    )
    assert "pgd-linf: steps 20 instead of 50, restarts 1 instead of 10" in abridged(table["5"], "quick", "elsewhere")
    assert abridged(table["3"], "quick", "digits") == []  # the numbers in its columns' names are the steps


def test_a_claim_on_several_datasets_says_on_which(toy: str, capsys: pytest.CaptureFixture[str]) -> None:
    """And a dry run of which nothing is known names no seconds."""
    from benchmark.cli import main

    loaded = load_paper(toy)
    names = ("digits", "digits?holdout=0.5")
    for name in names:
        setting = make_setting(loaded, name)
        for run in ("natural", "ard"):
            network = find_network(loaded, run, setting, "small-cnn", 0)
            file_evaluation(Path("results"), network, setting, "smoke", 5, images=20, scale="digits")
    with pytest.raises(SystemExit):
        main(["paper", toy, "--dataset", *names, "--only", "ARD", "Nature"])
    found = capsys.readouterr()
    for name in names:
        assert f"they differ on clean images  {name}, small-cnn" in found.out
    with pytest.raises(SystemExit):
        main(["paper", toy, "--dataset", "npz:nowhere.npz", "--only", "Nature", "--dry-run"])
    found = capsys.readouterr()
    assert "2 jobs, 2 of unknown length" in found.out
    assert (found.out + found.err).count("there is no file nowhere.npz") == 1
