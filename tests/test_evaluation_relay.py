"""PGD of growing length in one run: the same numbers as each alone, for the price of the longest."""

from __future__ import annotations

import numpy as np
import pytest
from evaluation_toys import evaluated, save, write_suite

from benchmark.attacks import make_attack
from benchmark.evaluation import evaluate, load_suite, transfer
from benchmark.evaluation.plan import _relays
from benchmark.ledger import Ledger, read_record
from benchmark.ledger.stored_adversarials import read_stored_adversarials

pytestmark = pytest.mark.usefixtures("one_thread")

STEPS = (3, 5, 12)


def line(norm: str, success: str, steps: int, more: str = "") -> str:
    parameters = f"{{steps: {steps}, relative_step_size: 0.1, success: {success}, k: [1, 4]}}"
    return f"  - {{attack: pgd, norm: {norm}, label: pgd-{steps}, parameters: {parameters}{more}}}\n"


def family(norm: str, success: str, more: str = "") -> str:
    return "".join(line(norm, success, steps, more) for steps in STEPS)


def records(evaluation, results):
    """For each label, the only record and the adversarial images that were kept."""
    ledger = Ledger.open(results)
    for found in evaluation.outcomes:
        (name,) = found.records
        record = read_record(ledger.path(evaluation.model["digest"], name))
        yield (
            found.label,
            record,
            read_stored_adversarials(ledger.stored_adversarials_path(evaluation.model["digest"], name)),
        )


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
@pytest.mark.parametrize(("success", "precision"), [("last", "fp32"), ("any", "fp32"), ("last", "bf16")])
def test_the_same_numbers_as_each_alone(tmp_path, norm, success, precision):
    network = save(tmp_path)
    options = {"precision": precision, "save_adversarial": True, "progress": False}
    (together,) = evaluate(
        network, suite=write_suite(tmp_path, family(norm, success)), results=tmp_path / "together", **options
    )
    inherited = []
    for steps, (label, record, kept) in zip(STEPS, records(together, tmp_path / "together"), strict=True):
        suite = write_suite(tmp_path, line(norm, success, steps))
        (alone,) = evaluate(network, suite=suite, results=tmp_path / "alone", **options)
        ((_, expected, images),) = records(alone, tmp_path / "alone")
        assert (label, record.digest) == (f"pgd-{steps}", expected.digest)
        for name in ("broken", "evaluated", "clean_errors"):
            assert (getattr(record, name) == getattr(expected, name)).all()
        # A run that ends when it succeeds passes other batches once it is taken up again: equal but for rounding.
        close = {"atol": 0 if success == "last" else 1e-6, "rtol": 0}
        np.testing.assert_allclose(record.distance, expected.distance, **close)
        np.testing.assert_allclose(kept.images, images.images, **close)
        assert (kept.rows == images.rows).all()
        assert expected.info["inherited_steps"] == 0
        inherited.append(record.info["inherited_steps"])
        if success == "last":
            made = steps - record.info["inherited_steps"]
            assert record.info["backwards"] == made * record.info["attacked"]
    assert inherited == [0, *STEPS[:-1]]
    assert together.outcomes[0].broken.sum() < together.outcomes[-1].broken.sum()


def test_what_is_there_already_is_no_start(tmp_path):
    """Records hold no end points, so the next one begins at the beginning; those after it go on."""
    evaluated(tmp_path, line("linf", "last", 3))
    (full,) = evaluated(tmp_path, family("linf", "last"))
    ledger = Ledger.open(tmp_path / "results")
    made = [ledger.read(full.model["digest"], found.records[0]).info["inherited_steps"] for found in full.outcomes]
    assert made == [0, 0, 5]


@pytest.mark.parametrize(
    ("attacks", "precision", "sizes"),
    [
        (family("linf", "last"), "bf16", [3]),
        (family("linf", "any"), "fp32", [3]),
        # The last steps of each are in float32 there: three different paths.
        (family("linf", "any"), "bf16", [1, 1, 1]),
        (family("linf", "last", ", restarts: 2"), "fp32", [1, 1, 1]),
        (line("linf", "last", 5) + line("linf", "any", 8), "fp32", [1, 1]),
        (line("linf", "last", 5) + line("l2", "last", 8), "fp32", [1, 1]),
        (line("linf", "last", 5) + line("linf", "last", 8, ", epsilon: 0.2"), "fp32", [1, 1]),
        (line("linf", "last", 8) + line("linf", "last", 5), "fp32", [1, 1]),
        (line("linf", "last", 5) + "  - {attack: mim, norm: linf}\n" + line("linf", "last", 8), "fp32", [2, 1]),
    ],
)
def test_who_runs_in_relay(tmp_path, attacks, precision, sizes):
    suite = load_suite(write_suite(tmp_path, attacks, head="union: all\n"), scale="digits")
    assert [len(group) for group in _relays(suite.items, precision)] == sizes


def test_the_published_suite_runs_in_relay():
    (group,) = _relays(load_suite("kd-defences", scale="cifar10").items, "bf16")
    assert [item.attack.steps for item in group] == [20, 100, 1000]


def test_another_step_size_is_another_path():
    short, long = (make_attack("pgd", {"steps": n}) for n in (5, 8))
    assert long.head_start(short, "fp32") == 5
    assert short.head_start(long, "fp32") == long.head_start(long, "fp32") == 0
    for other in ({"relative_step_size": 0.2}, {"start": "zero"}, {"loss": "margin"}, {"gap": 0.1}):
        assert long.head_start(make_attack("pgd", {"steps": 5, **other}), "fp32") == 0
    assert long.head_start(make_attack("mim", {"steps": 5}), "fp32") == 0


def test_worst_case_mode_hands_on_survivors_instead(tmp_path):
    (full,) = evaluated(tmp_path, family("linf", "last"), results=tmp_path / "complete")
    (worst,) = evaluated(tmp_path, family("linf", "last"), results=tmp_path / "worst", mode="worst-case")
    union = [np.logical_or.reduce([found.broken for found in one.outcomes]) for one in (full, worst)]
    assert (union[0] == union[1]).all()
    assert worst.outcomes[1].costs["attacked"] < full.outcomes[1].costs["attacked"]


def test_transfer_crafts_each_alone(tmp_path):
    network = save(tmp_path)
    suite = write_suite(tmp_path, family("linf", "last"))
    options = {"suite": suite, "results": tmp_path / "results", "precision": "fp32", "progress": False}
    (crafted,) = transfer(network, **options)
    (white_box,) = evaluate(network, **options)
    for found, expected in zip(crafted.outcomes, white_box.outcomes, strict=True):
        assert (found.broken == expected.broken).all()


def test_worst_case_mode_tries_no_image_again_that_is_broken(tmp_path):
    lines = "  - {attack: pgd, norm: l1, parameters: {steps: 1, k: [1, 4]}}\n"
    lines += "  - {attack: salt-and-pepper, norm: l1, restarts: 4, parameters: {steps: 50}}\n"
    (full,) = evaluated(tmp_path, lines, results=tmp_path / "complete")
    (worst,) = evaluated(tmp_path, lines, results=tmp_path / "worst", mode="worst-case")
    before, after = full.outcomes[1], worst.outcomes[1]
    handed = after.evaluated & ~worst.clean_errors
    assert (after.broken == before.broken)[handed].all()
    broken = int(after.broken[handed].sum())
    assert 0 < broken < handed.sum()
    # Every try takes as many passes; those of the broken ones end with the one that broke them.
    a_time = before.costs["forwards"] / (4 * before.costs["attacked"])
    tries = after.costs["forwards"] / a_time
    assert 4 * (handed.sum() - broken) + broken <= tries < 4 * handed.sum()
