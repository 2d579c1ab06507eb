"""Evaluations on another device say what they say on the CPU: the tests that `test_device.py` runs apart."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest
import second_device
from evaluation_toys import THREE_NORMS, write_suite
from fixed_networks import fixed

from benchmark import evaluate, transfer, verify
from benchmark.attacks import PreparedClassifier
from benchmark.attacks.padding import padded
from benchmark.evaluation.target import forget
from benchmark.ledger import Ledger
from benchmark.models import save_checkpoint


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    """The paths of a natural and a robust checkpoint."""
    folder = tmp_path_factory.mktemp("zoo")
    return {name: save_checkpoint(folder / f"{name}.pt", fixed(name)) for name in ("natural", "at")}


TWO_NORMS = """\
  - {attack: fgsm, norm: linf}
  - {attack: pgd, norm: l2, parameters: {steps: 2}}
"""
SUITE = (
    THREE_NORMS
    + """\
  - {attack: fmn, norm: linf, parameters: {steps: 5}}
  - {attack: deepfool, norm: l2, parameters: {steps: 3}}
"""
)


def verdicts(results):
    """What all records of a results folder say, by what they are about."""
    ledger = Ledger.open(results)
    said = {}
    for evaluation in [*ledger.evaluations(), *ledger.transfers()]:
        assert not evaluation.failures
        crafted = (evaluation.crafted_on or {}).get("name")
        for outcome in evaluation.outcomes:
            told = {name: getattr(outcome, name) for name in ("evaluated", "broken", "distance")}
            said[evaluation.name, crafted, evaluation.mode, outcome.label] = told
    assert said
    return said


def same(first, second):
    assert first.keys() == second.keys()
    for place, told in first.items():
        for name, values in told.items():
            np.testing.assert_allclose(second[place][name], values, rtol=1e-5, err_msg=f"{place} {name}")


def run(network, folder, device, attacks, results="results", **options):
    """An evaluation of six images, in float32 unless told otherwise."""
    told = {"precision": "fp32", "results": folder / results, "progress": False, **options}
    return evaluate(network, suite=write_suite(folder, attacks, images=6), device=device, **told)


@pytest.fixture(scope="module")
def on_the_cpu(zoo, tmp_path_factory):
    """A folder whose results/ say what an evaluation says on the CPU; adversarial images are kept."""
    folder = tmp_path_factory.mktemp("cpu")
    run(zoo["at"], folder, "cpu", SUITE, save_adversarial=True)
    return folder


def test_filters_and_changes_of_an_attack_are_float32_too(zoo, tmp_path):
    suite = write_suite(
        tmp_path, "  - {attack: elastic, norm: elastic, epsilon: 1, parameters: {steps: 2}}\n", images=6
    )
    for device, cores in (("cpu", nullcontext()), ("second", second_device.on_tensor_cores())):
        with cores:
            told = {"device": device, "precision": "fp32", "results": tmp_path / device, "progress": False}
            evaluate(zoo["at"], suite=suite, **told)
    same(verdicts(tmp_path / "cpu"), verdicts(tmp_path / "second"))


def test_an_evaluation_says_what_it_says_on_the_cpu(zoo, on_the_cpu, tmp_path):
    run(zoo["at"], tmp_path, "second", SUITE, save_adversarial=True)
    same(verdicts(on_the_cpu / "results"), verdicts(tmp_path / "results"))


@pytest.mark.parametrize(
    "options",
    [
        {"mode": "worst-case", "eight_bit": True},
        pytest.param({"stochastic": 2, "verdict_passes": 3}, marks=pytest.mark.slow),
        pytest.param({"mode": "worst-case"}, marks=pytest.mark.slow),
        pytest.param({"eight_bit": True}, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_an_evaluation_otherwise_says_what_it_says_on_the_cpu(options, zoo, tmp_path):
    for device in ("cpu", "second"):
        run(zoo["at"], tmp_path, device, SUITE, results=device, **options)
    same(verdicts(tmp_path / "cpu"), verdicts(tmp_path / "second"))


def test_a_search_in_bfloat16_runs_and_what_it_did_is_known_again(zoo, tmp_path):
    """Its sums another kernel takes in another order, so that its verdicts may be others."""
    for _ in range(2):
        (made,) = run(zoo["at"], tmp_path, "second", THREE_NORMS, precision="bf16")
        assert not made.failures


def test_stored_images_are_verified_and_robust_ones_attacked_again(zoo, on_the_cpu):
    for each in verify(on_the_cpu / "results", zoo["at"], device="second", reattack=3, seed=0):
        assert each.confirmed == each.stored == each.claimed
        assert not each.problems
        assert each.again.tried
        assert not each.again.problem


def test_what_is_crafted_on_one_network_is_tried_on_another(zoo, tmp_path):
    suite = write_suite(tmp_path, TWO_NORMS, images=6)
    for device in ("cpu", "second"):
        transfer(
            [zoo["natural"]],
            [zoo["natural"], zoo["at"]],
            suite=suite,
            device=device,
            precision="fp32",
            results=tmp_path / device,
            progress=False,
        )
    same(verdicts(tmp_path / "cpu"), verdicts(tmp_path / "second"))


def test_batches_are_of_few_sizes_and_records_are_the_same_as_without_filling_them_up(zoo, tmp_path, monkeypatch):
    sizes = set()

    def noted(x, size):
        sizes.add(size)
        return padded(x, size)

    monkeypatch.setattr("benchmark.attacks.prepared.padded", noted)
    suite = write_suite(tmp_path, SUITE, images=30)
    for results in ("padded", "plain"):
        told = {"device": "second", "precision": "fp32", "results": tmp_path / results, "progress": False}
        evaluate(zoo["at"], suite=suite, **told)
        forget()
        monkeypatch.setattr(PreparedClassifier, "_may_pad", lambda *_: False)
    assert len(sizes) > 1
    assert sizes <= {8, 12, 16, 24, 32}
    same(verdicts(tmp_path / "plain"), verdicts(tmp_path / "padded"))


def test_an_evaluation_goes_on_where_it_was_left(zoo, on_the_cpu, tmp_path):
    """The second half on another device than the first."""
    run(zoo["at"], tmp_path, "cpu", THREE_NORMS)
    run(zoo["at"], tmp_path, "second", SUITE)
    told = verdicts(tmp_path / "results")
    whole = verdicts(on_the_cpu / "results")
    same(whole, {place: told[place] for place in whole})
