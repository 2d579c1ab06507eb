"""A table shows the networks that it asks for: known by the run that made them, not by what they are called."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from synthetic_training import FAST
from test_papers_paper import TOY

from benchmark.evaluation import evaluate
from benchmark.ledger import Ledger
from benchmark.models import load_checkpoint, save_checkpoint
from benchmark.papers import load_paper, paper
from benchmark.papers.job_list import make_job_list
from benchmark.papers.networks import find_network
from benchmark.papers.setting import make_setting
from benchmark.planning.ledger_index import LedgerIndex
from benchmark.planning.runs import Runs
from benchmark.training import train

NAME = "natural-epochs-1"


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "toy.yaml").write_text(TOY, encoding="utf-8")
    return "toy.yaml"


def learn(method: str = "natural", **options) -> Path:
    (path,) = train(method, **{"set": {"epochs": 1}, "name": NAME, **FAST, **options})
    return path


def attack(path: Path) -> str:
    (found,) = evaluate(path, suite="smoke", preset="quick", n=20, results="results", progress=False)
    return found.id


def made(name: str, only: str = "Nature") -> tuple[list[str], set[str]]:
    """What there was to do, and the evaluations that the row's numbers are of."""
    result = paper(name, only=[only], progress=False)
    with (result.page.parent / "table-1.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["row"] == only]
    return [job["job"] for job in result.jobs], {row["evaluations"] for row in rows}


@pytest.mark.parametrize(
    "options",
    [{"set": {"epochs": 1, "lr": 0.05}}, {"seed": 1}],
    ids=str,
)
def test_another_run_of_that_name_is_neither_shown_nor_replaced(toy: str, options) -> None:
    path = learn(**options)
    other, before = attack(path), path.read_bytes()
    jobs, shown = made(toy)
    assert jobs == [f"train {NAME}", f"evaluate {NAME} under smoke"]
    assert shown.isdisjoint({other, ""})
    assert path.read_bytes() == before
    (beside,) = (each for each in Path("zoo").glob("*.pt") if each != path)
    assert (load_checkpoint(beside).method, load_checkpoint(beside).recipe["epochs"]) == ("natural", 1)
    assert made(toy) == ([], shown)


def test_the_run_is_shown_under_any_name(toy: str) -> None:
    shown = attack(learn(name="mine"))
    assert made(toy) == ([], {shown})


def test_the_last_weights_are_not_the_selected_ones(toy: str) -> None:
    path = learn(name="mine")
    attack(path.parent / "last" / path.name)
    jobs, shown = made(toy)
    assert len(jobs) == 2
    assert shown.isdisjoint({""})
    found = Ledger.open("results").evaluations()
    runs, network = Runs(make_setting(load_paper(toy), "digits")), asked(toy)
    selections = {each.model["selection"]: runs.made(network, each.model) for each in found}
    assert selections["last"] is False


def asked(name: str, run: str = "natural", seed: int = 0):
    return find_network(load_paper(name), run, make_setting(load_paper(name), "digits"), "small-cnn", seed)


def card(path: Path, **changes) -> dict:
    found = load_checkpoint(path)
    return {**vars(found), "digest": found.digest, **changes}


def test_the_machine_may_choose_the_precision_and_nothing_else(toy: str) -> None:
    """Where the recipe leaves it open, results of a machine that computes in bfloat16 are shown on any."""
    Path(toy).write_text(TOY.replace("settings: {epochs: 1}}", "settings: {epochs: 1, precision: auto}}", 1))
    setting = make_setting(load_paper(toy), "digits")
    mine = card(learn(set={"epochs": 1, "precision": "auto"}, precision="fp32"))
    assert Runs(setting).made(asked(toy), mine)
    assert Runs(replace(setting, precision="fp32")).made(asked(toy), mine)
    assert not Runs(replace(setting, precision="bf16")).made(asked(toy), mine)
    assert not Runs(setting).made(asked(toy), {**mine, "extra": {**mine["extra"], "precision": "bf16"}})
    assert not Runs(setting).made(asked(toy, seed=1), mine)


def test_without_the_training_images_all_but_them_is_compared(toy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    setting = make_setting(load_paper(toy), "digits")
    mine, other = card(learn()), card(learn(name="other", set={"epochs": 2}))
    monkeypatch.setattr(Runs, "_data", None)
    assert Runs(setting).made(asked(toy), mine)
    assert not Runs(setting).made(asked(toy), other)
    assert not Runs(setting).made(asked(toy), {**mine, "extra": {}})


def test_a_teacher_is_known_by_its_run_too(toy: str) -> None:
    settings = {"epochs": 1, "threats.linf.steps": 1}
    impostor = learn(set={"epochs": 2})
    taught = learn("ard", set=settings, teacher=[impostor], name="ard")
    student = asked(toy, "ard")
    setting = make_setting(load_paper(toy), "digits")
    assert not Runs(setting, [card(impostor)]).made(student, card(taught))
    impostor.unlink()
    (Path("zoo/last") / impostor.name).unlink()
    right = learn()
    taught = learn("ard", set=settings, teacher=[right], name="ard-again")
    assert Runs(setting, [card(right)]).made(student, card(taught))
    assert Runs(setting).made(student, card(taught))  # it is gone, and was called as it ought to be


def test_a_student_of_a_teacher_beside_another_is_trained_once(toy: str) -> None:
    learn(set={"epochs": 2})
    jobs, shown = made(toy, "ARD")
    assert len(jobs) == 3
    assert made(toy, "ARD") == ([], shown)
    (student,) = Path("zoo").glob("ard*.pt")
    (teacher,) = load_checkpoint(student).extra["teachers"]
    assert teacher != NAME
    assert load_checkpoint(Path("zoo") / f"{teacher}.pt").recipe["epochs"] == 1


def test_what_can_not_be_trained_is_not_replaced_by_what_has_its_name(toy: str, monkeypatch) -> None:
    other = attack(learn(set={"epochs": 2}))
    monkeypatch.setattr("benchmark.training.train_beside", lambda *_, **__: [])
    result = paper(toy, only=["Nature"], progress=False)
    assert f"zoo/{NAME}.pt is of another run" in result.failures[-1]
    assert other not in result.page.read_text(encoding="utf-8")


def test_a_checkpoint_without_a_run_is_nobodys(toy: str) -> None:
    path = learn()
    found = load_checkpoint(path)
    found.extra.pop("run")
    save_checkpoint(path, found)
    notes: list[str] = []
    setting = make_setting(load_paper(toy), "digits")
    jobs = make_job_list(load_paper(toy), ["1"], setting, LedgerIndex([]), Path("zoo"), ["Nature"], notes.append)
    assert jobs.jobs[0].what == f"train {NAME}"
    assert "it stays as it is" in notes[0]


def test_a_network_of_ones_own_code_is_asked_again_once_it_changed(toy: str) -> None:
    text = TOY.replace("{method: natural, settings: {epochs: 1}}", "{sources: {other: python:entry:make}}")
    Path(toy).write_text(text, encoding="utf-8")
    code = "from torch import nn\ndef make():\n    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))\n"
    code += "    nn.init.constant_(net[1].weight, {})\n    nn.init.zeros_(net[1].bias)\n    return net\n"
    found = []
    for weight in (0.1, 0.1, 0.2):
        Path("entry.py").write_text(code.format(weight))
        result = paper(toy, only=["Nature"], trust_remote_code=True, progress=False)
        found.append(len(result.jobs))
    assert found == [1, 0, 1]
