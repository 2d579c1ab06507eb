"""`bench decide`: the same answer as attacking all images, from fewer of them, and nothing done twice."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from evaluation_toys import THREE_NORMS, save, trained, with_last_layer, write_suite

from benchmark.analysis.paired import scores
from benchmark.errors import BadInput, PartlyFailed
from benchmark.evaluation import evaluate, load_suite
from benchmark.ledger.ledger import Ledger
from benchmark.sequential import decide, play
from benchmark.sequential.attacks import groups_of
from benchmark.sequential.order import block_ends, image_order
from benchmark.sequential.page import render
from benchmark.sequential.result import Decision, Look, NetworkLine, PairLine

ATTACK = "  - {attack: fgsm, norm: linf}\n"


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return save(tmp_path, replace(trained(), name="good"))


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    """A network that answers the same class for every image."""
    return save(tmp_path, with_last_layer("bad", 0.0, 1.0))


def run(networks: list[Path], suite: Path, folder: Path, **options: object) -> Decision:
    options = {"precision": "fp32", "progress": False, "margin": 1.0} | options
    return decide(networks, suite=suite, results=folder / "results", out=folder / "page", **options)  # type: ignore[arg-type]


def test_the_better_of_two_is_known_from_some_of_the_images(tmp_path: Path, good: Path, bad: Path) -> None:
    suite = write_suite(tmp_path, ATTACK.replace("linf}", "linf, epsilon: 0.01}"), images=200)
    found = run([bad, good], suite, tmp_path)
    assert (found.best, found.pairs[0].verdict) == ("good", "worse")
    assert found.images_used < 100
    assert "false with probability 0.05 at most" in found.summary[0]
    assert found.pairs[0].looks[-1].high < 0
    page = (tmp_path / "page" / "index.html").read_text()
    assert "good is better" in page
    assert "<svg" in page
    assert (tmp_path / "page" / "intervals.csv").read_text().startswith("first,second,images")


def test_the_passes_of_all_images_are_counted_as_those_that_were_used(tmp_path: Path, good: Path, bad: Path) -> None:
    """A gradient is two passes, there and back, in both."""
    found = run([bad, good], suite := write_suite(tmp_path, ATTACK, images=100), tmp_path)
    for checkpoint, line in zip((bad, good), found.networks, strict=True):
        (whole,) = evaluate([checkpoint], suite=suite, results=tmp_path / "whole", precision="fp32", progress=False)
        made = sum(outcome.costs["forwards"] + outcome.costs["backwards"] for outcome in whole.outcomes)
        assert line.passes_of_all == made > 0


def test_a_network_and_itself_under_another_name_are_the_same(tmp_path: Path, good: Path) -> None:
    other = save(tmp_path, replace(trained(), name="other"))
    with pytest.raises(BadInput, match="same network"):
        run([good, other], write_suite(tmp_path, ATTACK), tmp_path)


@pytest.mark.parametrize("metric", ["rworst", "ravg", "l2"])
def test_with_all_images_it_says_what_a_whole_evaluation_says(tmp_path: Path, good: Path, metric: str) -> None:
    nearly = save(tmp_path, with_last_layer("nearly", 1.0, 0.9))
    suite = write_suite(tmp_path, THREE_NORMS, images=20)
    found = run([good, nearly], suite, tmp_path, metric=metric, margin=0)
    whole = evaluate([good, nearly], suite=suite, results=tmp_path / "other", precision="fp32", progress=False)
    values = [scores(evaluation, metric) for evaluation in whole]
    assert found.images_used == 20
    assert found.pairs[0].is_exact
    assert found.summary[0].endswith("all 20 test images were attacked.")
    for line, own in zip(found.networks, values, strict=True):
        assert own is not None
        assert line.value == pytest.approx(own.mean())


def test_what_it_attacked_no_evaluation_attacks_again(
    tmp_path: Path, good: Path, bad: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite = write_suite(tmp_path, ATTACK, images=60)
    used = run([bad, good], suite, tmp_path).images_used
    from benchmark.evaluation import attack_run

    attacked: list[int] = []
    craft = attack_run.craft
    monkeypatch.setattr(attack_run, "craft", lambda *a: attacked.append(len(a[2])) or craft(*a))
    (whole,) = evaluate(good, suite=suite, results=tmp_path / "results", precision="fp32", progress=False)
    assert sum(attacked) <= 60 - used
    assert whole.outcomes[0].complete


def test_run_again_it_attacks_nothing(tmp_path: Path, good: Path, bad: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    suite = write_suite(tmp_path, ATTACK, images=60)
    first = run([bad, good], suite, tmp_path)
    monkeypatch.setattr("benchmark.evaluation.attack_run.craft", lambda *_: pytest.fail("attacked again"))
    assert run([bad, good], suite, tmp_path) == first


def test_interrupted_it_goes_on(tmp_path: Path, good: Path, bad: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    suite = write_suite(tmp_path, ATTACK, images=60)
    alone = run([bad, good], suite, tmp_path / "alone")
    calls: list[int] = []
    run_jobs = play.run_jobs

    def interrupted(*arguments: object, **options: object) -> object:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return run_jobs(*arguments, **options)

    monkeypatch.setattr(play, "run_jobs", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run([bad, good], suite, tmp_path)
    again = run([bad, good], suite, tmp_path)
    assert replace(again, page=None) == replace(alone, page=None)


def test_existing_evaluations_are_used(
    tmp_path: Path, good: Path, bad: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite = write_suite(tmp_path, ATTACK, images=60)
    fresh = run([bad, good], suite, tmp_path / "fresh")
    evaluate([good, bad], suite=suite, results=tmp_path / "results", precision="fp32", progress=False)
    monkeypatch.setattr("benchmark.evaluation.attack_run.craft", lambda *_: pytest.fail("attacked again"))
    found = run([bad, good], suite, tmp_path)
    assert found.passes == 0
    assert [pair.looks for pair in found.pairs] == [pair.looks for pair in fresh.pairs]


def test_several_networks(tmp_path: Path, good: Path, bad: Path) -> None:
    worse = save(tmp_path, with_last_layer("worse", 0.0, -1.0))
    suite = write_suite(tmp_path, ATTACK.replace("linf}", "linf, epsilon: 0.01}"), images=120)
    best = run([bad, good, worse], suite, tmp_path)
    assert best.best == "good"
    assert len(best.pairs) == 2
    order = run([bad, good, worse], suite, tmp_path, goal="order")
    assert len(order.pairs) == 3
    assert order.best == "good"
    assert {pair.verdict for pair in order.pairs} <= {"better", "worse", "equivalent"}


@pytest.mark.parametrize(("verdict", "standing"), [("undetermined", ""), ("equivalent", ""), ("undetermined", "out")])
def test_the_best_is_called_so_without_a_margin_only_if_all_others_are_out(verdict: str, standing: str) -> None:
    look = Look(50, 0.1, -0.01, 0.2)
    lines = [
        NetworkLine(name, 50, 0.5, 0.4, 0.6, 10, 100.0, what)
        for name, what in (("one", "best"), ("two", standing), ("three", "out"))
    ]
    pairs = (PairLine("one", "two", verdict, (look,)), PairLine("one", "three", "better", (look,)))
    found = Decision("rworst", "best", 0.05, 0.05, "suite", "standard", "digits", 100, "one", tuple(lines), pairs)
    told = "one is the best" if standing == "out" else "one is the best, or at most 5 points worse than the best"
    assert found.headline == told
    assert replace(found, margin=0.01).headline == told.replace("5 points", "1 point")
    assert found.to_json()["headline"] == told
    assert f"<h1>{told}</h1>" in render("decision.html", decision=found, charts=[])


def test_a_sample_is_filed_and_no_evaluation(tmp_path: Path, good: Path, bad: Path) -> None:
    suite = write_suite(tmp_path, ATTACK, images=60)
    found = run([bad, good], suite, tmp_path)
    ledger = Ledger.open(tmp_path / "results")
    assert not ledger.evaluations()
    samples = ledger.samples()
    assert sorted(sample.name for sample in samples) == ["bad", "good"]
    for sample in samples:
        assert sample.sample is not None
        assert sample.sample.positions == tuple(image_order(60, 0)[: found.images_used])
        line = next(line for line in found.networks if line.network == sample.name)
        values = scores(sample, "rworst")
        assert values is not None
        assert values.mean() == pytest.approx(line.value)
    assert not ledger.problems


def test_a_network_that_fails_is_left_out(tmp_path: Path, good: Path, bad: Path) -> None:
    broken = save(tmp_path, with_last_layer("broken", 0.5, 1.0))
    broken.write_bytes(broken.read_bytes()[:-500])
    suite = write_suite(tmp_path, ATTACK, images=40)
    with pytest.raises(PartlyFailed) as caught:
        run([bad, good, broken], suite, tmp_path)
    assert "broken" in str(caught.value)
    (decision,) = caught.value.done
    assert {line.network for line in decision.networks} == {"bad", "good"}
    with pytest.raises(BadInput, match="fewer than two networks are left"):
        run([good, broken], suite, tmp_path)


WRONG = {
    "one network": ({"networks": 1}, "two networks or more"),
    "metric": ({"metric": "rwrost"}, "rworst"),
    "clean": ({"metric": "clean"}, "bench evaluate"),
    "margin": ({"margin": -1.0}, "margin"),
    "no margin": ({"margin": None}, "does not state which differences do not matter; .* --margin 1"),
    "margin is no number": ({"margin": float("nan")}, "margin"),
    "alpha": ({"alpha": 0.0}, "alpha"),
    "large alpha": ({"alpha": 1.0}, "alpha"),
    "goal": ({"goal": "worst"}, "best"),
    "too many images": ({"n": 100_000}, "n must be"),
}


def test_the_margin_is_the_suites_unless_one_is_asked_for(tmp_path: Path, good: Path, bad: Path) -> None:
    suite = write_suite(tmp_path, ATTACK.replace("linf}", "linf, epsilon: 0.01}"), images=40, head="margin: 2.5\n")
    assert run([bad, good], suite, tmp_path, margin=None).margin == 0.025
    assert run([bad, good], suite, tmp_path, margin=4.0).margin == 0.04


@pytest.mark.parametrize("case", WRONG)
def test_bad_input_is_one_clear_error_and_leaves_nothing(tmp_path: Path, good: Path, bad: Path, case: str) -> None:
    options, told = WRONG[case]
    networks = [good, bad][: options.pop("networks", 2)] if "networks" in options else [good, bad]
    with pytest.raises(BadInput, match=told):
        run(networks, write_suite(tmp_path, ATTACK), tmp_path, **options)
    assert not (tmp_path / "results" / "blocks").exists()


def test_the_command_line(tmp_path: Path, good: Path, bad: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from benchmark.cli.main import main

    suite = write_suite(tmp_path, ATTACK.replace("linf}", "linf, epsilon: 0.01}"), images=60)
    words = ["decide", str(good), str(bad), "--suite", str(suite), "--results", str(tmp_path / "results")]
    words += ["--out", str(tmp_path / "page"), "--precision", "fp32", "--margin", "1"]
    with pytest.raises(SystemExit) as ended:
        main([*words, "--json"])
    assert not ended.value.code
    told = json.loads(capsys.readouterr().out)
    assert told["best"] == "good"
    assert told["images"] == 60
    with pytest.raises(SystemExit):
        main(words)
    assert "good is better" in capsys.readouterr().out


def test_the_order_is_random_fixed_and_nested() -> None:
    few, many = image_order(450, 0), image_order(10_000, 0)
    assert sorted(few) == list(range(450))
    assert few == [position for position in many if position < 450]
    assert few != image_order(450, 1)


def test_blocks_grow_and_cover_everything() -> None:
    for images in (1, 2, 16, 17, 60, 450, 1000, 10_000):
        ends = block_ends(images, 250)
        assert ends[-1] == images
        sizes = np.diff([0, *ends])
        assert (sizes > 0).all()
        assert (sizes <= 250).all()
    assert block_ends(450, 250)[0] == 16
    assert len(block_ends(10_000, 250)) < 60


def test_attacks_that_a_metric_needs(tmp_path: Path) -> None:
    suite = load_suite("multi-perturbation", "quick", "digits")
    (group,) = groups_of(suite, "rworst")
    assert len(group) == len(suite.items)
    assert [item.attack.name for item in group[:3]] == ["fgsm", "gaussian-noise", "mim"], "20 answers: 10 gradients"
    assert {len({item.threat for item in group}) for group in groups_of(suite, "ravg")} == {1}
    assert [item.threat.norm for (item, *_) in groups_of(suite, "l1")] == ["l1"]
    radii = "  - {attack: fgsm, norm: linf, label: a, epsilon: 0.1}\n  - {attack: fgsm, norm: linf, epsilon: 0.2}\n"
    several = load_suite(write_suite(tmp_path, radii), "standard", "digits")
    assert len(groups_of(several, "rworst")) == 2


@pytest.mark.parametrize("images", [1, 2])
def test_the_smallest_test_sets(tmp_path: Path, good: Path, bad: Path, images: int) -> None:
    found = run([good, bad], write_suite(tmp_path, ATTACK), tmp_path, n=images)
    assert found.images_used == images
    assert found.pairs[0].is_exact


def test_an_attack_that_fails_decides_nothing(
    tmp_path: Path, good: Path, bad: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> object:
        raise RuntimeError("the attack broke down")

    monkeypatch.setattr("benchmark.evaluation.attack_run.craft", failing)
    with pytest.raises(BadInput, match="the attack broke down") as caught:
        run([good, bad], write_suite(tmp_path, ATTACK), tmp_path)
    assert "fewer than two networks are left" in str(caught.value)
    assert not (tmp_path / "page" / "index.html").exists()


def test_networks_may_be_modules(tmp_path: Path) -> None:
    suite = write_suite(tmp_path, ATTACK.replace("linf}", "linf, epsilon: 0.01}"), images=60)
    modules = [trained().model(), with_last_layer("constant", 0.0, 1.0).model()]
    found = run(modules, suite, tmp_path, name=["one", "constant"], dataset="digits")  # type: ignore[arg-type]
    assert found.best == "one"
