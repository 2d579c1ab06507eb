"""Evaluating real networks on real images: numbers, resuming, failures, bad input."""

from __future__ import annotations

import dataclasses
import re
import shutil

import numpy as np
import pytest
import torch
from evaluation_toys import THREE_NORMS, Misbehaving, evaluated, save, trained, with_last_layer

from benchmark import data, models
from benchmark.analysis import aggregate
from benchmark.attacks import ATTACKS, PreparedClassifier
from benchmark.attacks import prepared as classifier
from benchmark.errors import BadInput
from benchmark.evaluation import ledger_task, plan
from benchmark.ledger import load_results

pytestmark = pytest.mark.usefixtures("one_thread")

ARRAYS = ("broken", "distance", "evaluated")


@pytest.fixture
def run(tmp_path):
    """evaluate() with a toy suite, its results in a temporary folder."""

    def run(checkpoints=None, attacks=THREE_NORMS, images=60, results_name="results", **options):
        results = {"results": tmp_path / results_name}
        return evaluated(tmp_path, attacks, checkpoints, images, **{**results, **options})

    return run


@pytest.fixture
def misbehaving(monkeypatch):
    monkeypatch.setitem(ATTACKS._own, "misbehaving", Misbehaving)
    return lambda way: f"  - {{attack: misbehaving, norm: linf, parameters: {{way: {way}}}}}\n"


def equal(one, other) -> bool:
    return np.array_equal(one.clean_errors, other.clean_errors) and all(
        np.array_equal(getattr(a, name), getattr(b, name))
        for a, b in zip(one.outcomes, other.outcomes, strict=True)
        for name in ARRAYS
    )


def test_successes_that_float32_refuses_are_counted_for_each_attack(run, monkeypatch):
    def refused(**options) -> dict[str, int]:
        (evaluation,) = run(**options)
        return {outcome.label: outcome.costs["disagreements"] for outcome in evaluation.outcomes}

    assert not any(refused().values())
    agreed = refused(precision="bf16", results_name="agreed")
    monkeypatch.setattr(classifier, "clearly_wrong", lambda logits, y: torch.zeros_like(y, dtype=torch.bool))
    stubborn = refused(precision="bf16", results_name="stubborn")
    # FGSM's only step runs in float32.
    assert {label for label in agreed if stubborn[label] > agreed[label]} == set(agreed) - {"fgsm-linf"}


def test_the_numbers_make_sense(run):
    (evaluation,) = run()
    clean = aggregate.clean_accuracy(evaluation)
    with torch.no_grad():
        x, y = data.load("digits").test.batch(slice(60))
        assert clean == pytest.approx(float((trained().model()(x).argmax(1) == y).float().mean()))
    assert 0.8 < clean < 1
    norms = [aggregate.norm_accuracy(evaluation, norm) for norm in ("linf", "l2", "l1")]
    assert aggregate.r_worst(evaluation) <= min(norms)
    assert max(norms) < clean
    assert aggregate.r_avg(evaluation) == pytest.approx(sum(norms) / 3)
    assert not evaluation.failures
    assert not evaluation.warnings
    for outcome in evaluation.outcomes:
        assert outcome.evaluated.all()
        assert (outcome.distance[outcome.broken] <= outcome.epsilon * (1 + 2e-6)).all()
        assert np.isinf(outcome.distance[~outcome.broken]).all()
        assert (outcome.distance[evaluation.clean_errors] == 0).all()
        assert outcome.costs["forwards"] > 0


def test_only_correctly_classified_and_unbroken_examples_are_attacked(run, monkeypatch):
    seen = []
    original = ATTACKS.get("pgd").__call__

    def spy(self, classifier, x, y, threat, noise):
        seen.append((threat.norm, noise.restart, noise.indices.tolist()))
        return original(self, classifier, x, y, threat, noise)

    monkeypatch.setattr(ATTACKS.get("pgd"), "__call__", spy)
    (evaluation,) = run()
    outcome = evaluation.outcome("pgd-l2")
    first, second = [rows for norm, _, rows in seen if norm == "l2"]
    assert first == np.flatnonzero(~evaluation.clean_errors).tolist()
    assert set(second) < set(first)
    assert set(second) >= set(np.flatnonzero(~outcome.broken))


def test_what_is_done_is_not_done_again(run, monkeypatch, tmp_path):
    (before,) = run()
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "results").rglob("*") if path.is_file()}
    monkeypatch.setattr(ledger_task, "run_job", None)
    (after,) = run()
    assert equal(before, after)
    assert files == {path: path.stat().st_mtime_ns for path in (tmp_path / "results").rglob("*") if path.is_file()}
    assert [evaluation.id for evaluation in load_results(tmp_path / "results")] == [before.id]


def test_a_longer_suite_runs_only_what_is_new(run, tmp_path):
    run(attacks=THREE_NORMS.splitlines(keepends=True)[0])
    (old,) = (tmp_path / "results" / "records").rglob("*.safetensors")
    written = old.stat().st_mtime_ns
    run()
    assert old.stat().st_mtime_ns == written
    assert len(list((tmp_path / "results" / "records").rglob("*.safetensors"))) == 4


@pytest.mark.slow  # tests/test_evaluation_kill.py has one among the fast
def test_a_killed_evaluation_goes_on_to_the_same_numbers(run, misbehaving, tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "SHARD", 25)
    (whole,) = run(results=tmp_path / "whole")
    attacks = THREE_NORMS.splitlines(keepends=True)
    with pytest.raises(KeyboardInterrupt):
        run(attacks="".join(attacks[:2]) + misbehaving("interrupt") + "".join(attacks[2:]))
    assert load_results(tmp_path / "results") == []
    kept = {path.name for path in (tmp_path / "results").rglob("*.safetensors")}
    assert len(kept) == 6
    assert kept < {path.name for path in (tmp_path / "whole").rglob("*.safetensors")}
    (resumed,) = run()
    assert equal(whole, resumed)


def test_a_damaged_record_is_made_again(run, tmp_path, capsys):
    (before,) = run()
    path = next((tmp_path / "results" / "records").rglob("*.safetensors"))
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    (reported,) = load_results(tmp_path / "results")
    damaged = [outcome for outcome in reported.outcomes if outcome.missing]
    assert len(damaged) == 1
    assert aggregate.r_worst(reported) is None
    (after,) = run(progress=True)
    assert path.name in capsys.readouterr().err
    assert equal(before, after)
    assert aggregate.r_worst(after) is not None


def test_the_shards_and_workers_do_not_change_own_attacks(run, tmp_path, monkeypatch):
    (one,) = run(results=tmp_path / "one")
    monkeypatch.setattr(plan, "SHARD", 32)
    (many,) = run(results=tmp_path / "many")
    (pooled,) = run(results=tmp_path / "pooled", workers=2)
    assert equal(many, pooled)
    for outcome in one.outcomes:
        assert np.mean(outcome.broken == many.outcome(outcome.label).broken) >= 59 / 60


def test_worst_case_mode_gives_the_same_robust_accuracies(run):
    (full,) = run()
    (worst,) = run(mode="worst-case")
    for norm in ("linf", "l2", "l1"):
        assert np.array_equal(aggregate.robust(full, norm), aggregate.robust(worst, norm))
    assert aggregate.r_worst(full) == aggregate.r_worst(worst)
    assert [aggregate.is_conditional(worst, outcome.label) for outcome in worst.outcomes] == [
        False,
        True,
        False,
        False,
    ]
    assert not any(aggregate.is_conditional(full, outcome.label) for outcome in full.outcomes)
    handed = worst.outcome("pgd-linf").evaluated
    assert np.array_equal(handed, worst.clean_errors | ~worst.outcome("fgsm-linf").broken | worst.common)


@pytest.fixture
def tight(monkeypatch):
    """Makes memory run out for more than twenty images at once, from when it is called."""
    original = PreparedClassifier.__call__

    def call(self, x):
        if len(x) > 20:
            raise torch.OutOfMemoryError("out of memory")
        return original(self, x)

    return lambda: monkeypatch.setattr(PreparedClassifier, "__call__", call)


def test_attacks_of_libraries_go_on_when_memory_runs_out_and_say_so(run, tight):
    tight()
    (evaluation,) = run(
        attacks="  - {attack: apgd-ce, norm: linf, parameters: {steps: 3}}\n"
        "  - {attack: 'foolbox.attacks:LinfPGD', norm: linf, parameters: {steps: 3}}\n"
    )
    assert not evaluation.failures
    for outcome in evaluation.outcomes:
        assert outcome.broken.sum() > evaluation.clean_errors.sum()
        assert "memory ran out" in outcome.warnings[0]


def test_memory_that_runs_out_does_not_change_a_verdict(run, tight, tmp_path):
    (enough,) = run(results=tmp_path / "enough")
    tight()
    (little,) = run(results=tmp_path / "little")
    assert not little.failures
    assert not any(outcome.warnings for outcome in little.outcomes)
    for outcome in enough.outcomes:
        assert np.mean(outcome.broken == little.outcome(outcome.label).broken) >= 59 / 60


@pytest.mark.parametrize(
    ("way", "reason"),
    [
        ("raise", "the attack broke down"),
        ("wrong shape", r"shape \[\d+, 1, 7, 8\]"),
        ("double", "float64"),
        ("out of the box", "every candidate was rejected: outside the box"),
        ("far", "every candidate was rejected: outside the ball"),
        ("nan", "every candidate was rejected: not finite"),
        ("exit", "SystemExit"),
        ("on meta", "strided on meta instead of strided on cpu"),
        ("sparse", "sparse_coo on cpu"),
        ("numbs the network", "weights, buffers or mode were changed"),
        ("sets train mode", "weights, buffers or mode were changed"),
    ],
)
def test_an_attack_that_fails_is_named_and_never_counts_as_robust(run, misbehaving, way, reason, tmp_path):
    (evaluation,) = run(attacks=THREE_NORMS + misbehaving(way))
    failed = evaluation.outcome("misbehaving-linf")
    assert len(evaluation.failures) == 1
    assert re.search(reason, evaluation.failures[0])
    assert not failed.complete
    assert aggregate.attack_accuracy(evaluation, "misbehaving-linf") is None
    assert aggregate.norm_accuracy(evaluation, "linf") is None
    assert aggregate.r_worst(evaluation) is None
    assert aggregate.norm_accuracy(evaluation, "l2") is not None
    assert load_results(tmp_path / "results")[0].failures == evaluation.failures


@pytest.mark.parametrize("way", ["numbs the network", "sets train mode", "leaves a mess", "exit"])
def test_what_an_attack_does_to_its_surroundings_is_undone(run, misbehaving, way, tmp_path):
    (alone,) = run()
    (after,) = run(attacks=misbehaving(way) + THREE_NORMS, results=tmp_path / "after")
    for outcome in alone.outcomes:
        again = after.outcome(outcome.label)
        assert (again.broken == outcome.broken).all()
        assert (again.distance == outcome.distance).all()
    assert torch.is_grad_enabled()


def test_some_candidates_outside_are_rejected_counted_and_named(run, misbehaving):
    (evaluation,) = run(attacks=misbehaving("one row out of the box"))
    outcome = evaluation.outcomes[0]
    assert outcome.costs["faults"] == {"outside the box [0, 1]": 1}
    assert outcome.broken.sum() == evaluation.clean_errors.sum()
    assert any(
        "candidates that were outside the box [0, 1] were rejected (1)" in failure for failure in evaluation.failures
    )


def test_a_failed_attack_is_tried_again(run, misbehaving, monkeypatch):
    attacks = misbehaving("raise")
    assert run(attacks=attacks)[0].failures
    monkeypatch.setattr(Misbehaving, "__call__", lambda self, classifier, x, y, threat, noise: x)
    assert not run(attacks=attacks)[0].failures


def test_a_network_whose_gradients_are_zero_is_finished_and_flagged(run, tmp_path):
    saturated = save(tmp_path, with_last_layer("saturated", 1e5, 1e5))
    (evaluation,) = run(saturated)
    assert aggregate.r_worst(evaluation) is not None
    assert any("gradients were zero" in warning for warning in evaluation.warnings)


def test_minimal_attacks_keep_their_smallest_distance_beyond_epsilon(run):
    line = "  - {attack: deepfool, norm: l2, epsilon: 0.1, parameters: {steps: 20}}\n"
    (evaluation,) = run(attacks=line)
    outcome = evaluation.outcomes[0]
    found = np.isfinite(outcome.distance)
    assert (outcome.distance[found] > 0.1).any()
    assert np.array_equal(outcome.broken, outcome.distance <= np.float32(0.1 * (1 + 1e-6)))


def test_the_same_weights_under_two_names_share_records_but_not_their_row(run, tmp_path):
    odd = dataclasses.replace(trained(), name="twin <script>/../é")
    first, second = save(tmp_path), models.save_checkpoint(tmp_path / "second.pt", odd)
    evaluations = run([first, second, first])
    assert [evaluation.name for evaluation in evaluations] == ["toy", odd.name]
    assert evaluations[0].outcomes[0].records == evaluations[1].outcomes[0].records
    assert {evaluation.name for evaluation in load_results(tmp_path / "results")} == {"toy", odd.name}
    assert all(path.is_relative_to(tmp_path / "results") for path in (tmp_path / "results").rglob("*"))


def test_more_images_than_the_test_set_has(run):
    with pytest.raises(BadInput, match="n must be from 1 to 450"):
        run(n=451)
    with pytest.raises(BadInput, match="not 0"):
        run(n=0)
    (evaluation,) = run(attacks=THREE_NORMS.splitlines(keepends=True)[0], images=1000)
    assert len(evaluation.clean_errors) == 450
    assert "digits has 450" in evaluation.warnings[0]


def test_all_that_is_wrong_is_said_at_once(run, tmp_path):
    broken = tmp_path / "broken.pt"
    broken.write_bytes(b"not a checkpoint")
    with pytest.raises(BadInput) as caught:
        run([broken, tmp_path / "absent.pt"], mode="complet", workers=0, device="quantum", seed=-1, results=broken)
    for words in (
        "broken.pt",
        "absent.pt",
        "did you mean complete",
        "workers must be",
        "quantum",
        "seed",
        "to the folder",
    ):
        assert words in str(caught.value)
    with pytest.raises(BadInput, match="no network"):
        run([])


def test_a_checkpoint_for_other_images_is_refused(run, tmp_path):
    digits = trained()
    other = dataclasses.replace(digits, name="other", shape=(1, 16, 16))
    with pytest.raises(BadInput, match="16×16"):
        run(save(tmp_path, other))


def test_a_network_that_answers_nan_is_refused(run, tmp_path):
    overflowing = save(tmp_path, with_last_layer("overflowing", 3e38, 3e38))
    with pytest.raises(BadInput, match=r"(?i)finite|nan"):
        run(overflowing)


def test_a_folder_moved_elsewhere_still_reads(run, tmp_path):
    (before,) = run()
    shutil.move(tmp_path / "results", tmp_path / "elsewhere")
    (after,) = load_results(tmp_path / "elsewhere")
    assert equal(before, after)
