"""One network that can't be evaluated stops no other; what was typed wrong stops everything at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from evaluation_toys import save, with_last_layer, write_suite

import benchmark
from benchmark import cli
from benchmark.errors import BadInput, PartlyFailed, UnfitNetwork
from benchmark.evaluation import evaluate, transfer
from benchmark.evaluation.engine import run_jobs
from benchmark.evaluation.request import EvaluationRequest
from benchmark.ledger import load_results

ATTACKS = "  - {attack: fgsm, norm: linf}\n"

MODULE = """\
import torch
from torch import nn
from evaluation_toys import trained

class Around(nn.Module):
    def __init__(self, after):
        super().__init__()
        self.inner, self.after = trained().model(), after
    def forward(self, x):
        return self.after(self.inner(x), x)

def raises(): raise ValueError("no weights here")
def ends(): raise SystemExit("usage: train.py --weights FILE")
def nothing(): return None
def seven(): return Around(lambda z, x: z[:, :7])
def random(): return Around(lambda z, x: z + torch.rand_like(z))
def silent(): return Around(lambda z, x: z * torch.nan)
def fails(z, x):
    if len(x) == 40:  # the second shard
        raise RuntimeError("not these images")
    return z
def late(): return Around(fails)
"""

#: Sources of networks that can't be evaluated, with what is said of them.
UNFIT = {
    "damaged.pt": "damaged.pt is damaged",
    "elsewhere.pt": "elsewhere.pt is not a checkpoint",
    "python:unfit:raises": "python:unfit:raises failed: ValueError: no weights here",
    "python:unfit:ends": "python:unfit:ends failed: SystemExit: usage: train.py --weights FILE",
    "python:unfit:nothing": "python:unfit:nothing returned NoneType",
    "python:unfit:seven": "python:unfit:seven: the network returns 8 × 7|python:unfit:seven: .* 16 × 7",
    "python:unfit:random": "python:unfit:random: the network returns different logits",
    "python:unfit:silent": "python:unfit:silent: the network returns NaN",
}

TYPED = {
    "nowhere.pt": "there is no checkpoint nowhere.pt",
    ".": "is a folder",
    "pyhton:unfit:late": "unknown model source",
    "python:unfitt:late": "No module named 'unfitt'",
    "python:unfit:lat": "has no attribute 'lat'",
    "python:unfit": "names no function",
    "torchvision:resnet": "unknown torchvision classifier",
}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch) -> Path:
    (tmp_path / "unfit.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    save(tmp_path)
    save(tmp_path, with_last_layer("other", 0.2, 2.0))
    content = Path("toy.pt").read_bytes()
    Path("damaged.pt").write_bytes(content[: len(content) // 2])
    import torch

    torch.save({"weight": torch.zeros(3)}, "elsewhere.pt")
    write_suite(tmp_path, ATTACKS, images=20)
    return tmp_path


OPTIONS = {
    "suite": "toy-suite.yaml",
    "dataset": "digits",
    "trust_remote_code": True,
    "progress": False,
    "precision": "fp32",
}


@pytest.mark.parametrize("source", UNFIT)
def test_others_are_evaluated_and_it_is_named_in_the_end(source):
    with pytest.raises(PartlyFailed, match=UNFIT[source]) as caught:
        evaluate(["toy.pt", source, "other.pt"], **OPTIONS)
    assert [found.name for found in caught.value.done] == ["toy", "other"]
    assert len(caught.value.failures) == 1
    assert source in caught.value.failures[0]
    assert {found.name for found in load_results("results")} == {"toy", "other"}


def test_all_that_fail_are_named_once():
    with pytest.raises(PartlyFailed) as caught:
        evaluate([*UNFIT, "toy.pt", *UNFIT], **OPTIONS)
    assert len(caught.value.failures) == len(UNFIT)
    assert [found.name for found in caught.value.done] == ["toy"]


@pytest.mark.parametrize("source", UNFIT)
def test_alone_it_is_bad_input(source):
    with pytest.raises(BadInput, match=UNFIT[source]) as caught:
        evaluate(source, **OPTIONS)
    assert not isinstance(caught.value, PartlyFailed)


@pytest.mark.parametrize("source", TYPED)
def test_what_is_typed_wrong_stops_everything_at_once(source):
    with pytest.raises(BadInput, match=TYPED[source]) as caught:
        evaluate(["toy.pt", source, "damaged.pt"], **OPTIONS)
    assert not isinstance(caught.value, PartlyFailed | UnfitNetwork)
    assert "damaged.pt is damaged" in str(caught.value)  # all of it is said
    assert not Path("results/records").exists()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"suite": "toys"}, "unknown suite"),
        ({"n": 10_000}, "n must be from 1"),
        ({"trust_remote_code": False}, "pass --trust-remote-code"),
    ],
)
def test_a_wrong_option_stops_everything_at_once(changed, message):
    with pytest.raises(BadInput, match=message) as caught:
        evaluate(["toy.pt", "damaged.pt", "python:unfit:late"], **{**OPTIONS, **changed})
    assert not isinstance(caught.value, PartlyFailed)
    assert not Path("results/records").exists()


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_one_that_fails_under_way_stops_no_other(place, monkeypatch, workers):
    monkeypatch.setenv("PYTHONPATH", f"{place}:{Path(__file__).parent}:{Path(__file__).parents[1]}")
    write_suite(place, ATTACKS, images=290)
    with pytest.raises(PartlyFailed, match="late: the network fails on the test images 250 to 289") as caught:
        evaluate(["python:unfit:late", "toy.pt"], workers=workers, **OPTIONS)
    assert len(caught.value.failures) == 1
    assert [found.name for found in caught.value.done] == ["toy"]
    assert {found.name for found in load_results("results")} == {"toy"}


def test_whoever_is_not_told_is_stopped(place):
    suite = write_suite(place, ATTACKS, images=290)
    plan = (
        EvaluationRequest(suite=suite, dataset="digits", trust_remote_code=True)
        .plans(["python:unfit:late"])
        .plans["python:unfit:late"]
    )
    told: list[int] = []
    with pytest.raises(UnfitNetwork, match="250 to 289"):
        run_jobs(plan.jobs(), place / "results", 1, print)
    run_jobs([*plan.jobs(), *plan.jobs()], place / "results", 1, lambda *_: None, None, lambda at, _: told.append(at))
    assert told == [1]  # once, and its other jobs are left out


def test_evidence_of_all_others_is_filed_as_without_it():
    (alone,) = evaluate("toy.pt", **OPTIONS)
    with pytest.raises(PartlyFailed) as caught:
        evaluate(["damaged.pt", "toy.pt"], **{**OPTIONS, "results": "elsewhere"})
    assert caught.value.done[0].id == alone.id


@pytest.mark.parametrize("source", ["damaged.pt", "python:unfit:silent", "python:unfit:late"])
def test_pairs_without_it_are_tried(place, source):
    write_suite(place, ATTACKS, images=290)
    with pytest.raises(PartlyFailed) as caught:
        transfer(["toy.pt", source], ["other.pt", source], **OPTIONS)
    assert [(found.crafted_on["name"], found.name) for found in caught.value.done] == [("toy", "other")]
    assert len(caught.value.failures) == 1
    for sources, targets in (([source], ["toy.pt"]), (["toy.pt"], [source])):
        with pytest.raises(BadInput) as alone:
            transfer(sources, targets, **OPTIONS)
        assert not isinstance(alone.value, PartlyFailed)


def test_a_pair_that_was_crafted_before_needs_no_check():
    (first,) = transfer("toy.pt", "other.pt", **OPTIONS)
    with pytest.raises(PartlyFailed) as caught:
        transfer("toy.pt", ["other.pt", "damaged.pt"], **OPTIONS)
    assert caught.value.done[0].id == first.id


def test_stored_images_of_the_others_are_judged_again():
    evaluate(["toy.pt", "other.pt"], save_adversarial=True, **OPTIONS)
    with pytest.raises(PartlyFailed, match=r"damaged\.pt is damaged") as caught:
        benchmark.verify("results", ["toy.pt", "damaged.pt", "other.pt"])
    assert {found.model for found in caught.value.done} == {"toy", "other"}
    with pytest.raises(BadInput, match="there is no checkpoint"):
        benchmark.verify("results", ["toy.pt", "nowhere.pt"])


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("evaluate toy.pt", 0),
        ("evaluate toy.pt damaged.pt", 1),
        ("evaluate damaged.pt toy.pt python:unfit:silent", 1),
        ("evaluate damaged.pt", 2),
        ("evaluate damaged.pt python:unfit:silent", 2),
        ("evaluate toy.pt nowhere.pt", 2),
        ("transfer toy.pt damaged.pt", 1),
        ("transfer damaged.pt", 2),
    ],
)
def test_the_exit_code_says_whether_some_or_all_failed(capsys, words, code):
    verb, *networks = words.split()
    with pytest.raises(SystemExit) as ended:
        cli.main([verb, *networks, "--suite", "toy-suite.yaml", "--dataset", "digits", "--trust-remote-code"])
    assert ended.value.code == code
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    for source in networks:
        if source in UNFIT:
            assert source in err
    if code < 2:
        assert "toy" in out
        assert err.strip().splitlines()[-1].startswith(networks[-1]) or code == 0 or networks[-1] == "toy.pt"
