"""Blocks: what attacks did to chosen images is taken over by whatever asks the same of those images later."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from evaluation_toys import THREE_NORMS, save, write_suite

from benchmark.evaluation import evaluate
from benchmark.evaluation.jobs import AttackJob, Done
from benchmark.evaluation.plan import Plan
from benchmark.evaluation.request import EvaluationRequest
from benchmark.evaluation.run_job import run_job
from benchmark.ledger.evaluation import Evaluation
from benchmark.ledger.ledger import Ledger
from benchmark.ledger.record import read_record, write_record

#: Besides these, one that minimises the norm and one that does so with restarts.
ATTACKS = (
    THREE_NORMS
    + """\
  - {attack: ddn, norm: l2, parameters: {steps: 5}}
  - {attack: salt-and-pepper, norm: l1, restarts: 2, parameters: {steps: 8}}
"""
)
IMAGES = 24


def attack_blocks(plan: Plan, ledger: Ledger, order: Sequence[int], ends: Sequence[int]) -> Iterator[list[Done]]:
    for start, end in zip([0, *ends], ends, strict=False):
        images = tuple(int(position) for position in order[start:end])
        yield list(
            run_job(AttackJob(plan.target, plan.suite.items, 0, len(images), plan.seed, images=images), ledger)
        )


def planned(network: Path, suite: Path, results: Path, **other: object) -> tuple[Plan, Ledger]:
    request = EvaluationRequest(suite=suite, results=results, precision="fp32", **other)  # type: ignore[arg-type]
    plans, ledger, _ = request.plans([network])
    return next(iter(plans.values())), ledger


def run(network: Path, suite: Path, results: Path, mode: str) -> Evaluation:
    return evaluate(network, suite=suite, mode=mode, results=results, precision="fp32", progress=False)[0]


@pytest.mark.parametrize("mode", ["complete", "worst-case"])
def test_a_later_evaluation_repeats_nothing_and_gives_the_same_numbers(tmp_path: Path, mode: str) -> None:
    network, suite = save(tmp_path), write_suite(tmp_path, ATTACKS, images=IMAGES)
    alone = run(network, suite, tmp_path / "alone", mode)
    plan, ledger = planned(network, suite, tmp_path / "after", mode=mode)
    order = np.random.default_rng(0).permutation(IMAGES)
    [*attack_blocks(plan, ledger, order, [5, 16])]
    after = run(network, suite, tmp_path / "after", mode)
    for one, other in zip(alone.outcomes, after.outcomes, strict=True):
        np.testing.assert_array_equal(one.broken, other.broken)
        np.testing.assert_allclose(one.distance, other.distance, rtol=1e-4)  # batches of other sizes round otherwise
        np.testing.assert_array_equal(one.evaluated, other.evaluated)
        for cost in ("forwards", "backwards"):  # what blocks cost is on the bill, image by image
            assert abs(one.costs[cost] - other.costs[cost]) <= 0.05 * one.costs[cost] + 6


def test_what_is_known_is_not_attacked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network, suite = save(tmp_path), write_suite(tmp_path, "  - {attack: fgsm, norm: linf}\n", images=IMAGES)
    plan, ledger = planned(network, suite, tmp_path / "results")
    [*attack_blocks(plan, ledger, range(IMAGES), [IMAGES // 2, IMAGES])]
    monkeypatch.setattr("benchmark.evaluation.attack_run.craft", lambda *_: pytest.fail("attacked again"))
    assert run(network, suite, tmp_path / "results", "complete").outcomes[0].complete


def test_other_blocks_of_the_same_images_take_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network, suite = save(tmp_path), write_suite(tmp_path, ATTACKS, images=IMAGES)
    plan, ledger = planned(network, suite, tmp_path / "results")
    [*attack_blocks(plan, ledger, range(IMAGES), [10, 20])]
    monkeypatch.setattr("benchmark.evaluation.attack_run.craft", lambda *_: pytest.fail("attacked again"))
    [*attack_blocks(plan, ledger, [13, 2, 19, 7], [4])]


@pytest.mark.parametrize("other", [{"seed": 1}, {"epsilon": {"linf": 0.1}}], ids=["seed", "radius"])
def test_another_question_takes_nothing_over(tmp_path: Path, other: dict[str, object]) -> None:
    attack = "  - {attack: pgd, norm: linf, parameters: {steps: 2}}\n"
    network, suite = save(tmp_path), write_suite(tmp_path, attack, images=8)
    plan, ledger = planned(network, suite, tmp_path / "results")
    [*attack_blocks(plan, ledger, range(8), [8])]
    second, _ = planned(network, suite, tmp_path / "results", **other)
    job = second.jobs()[0]
    assert not ledger.blocks(job.key(job.items[0], None))
    first = plan.jobs()[0]
    assert len(ledger.blocks(first.key(first.items[0], None))) == 1


def test_attacks_seeded_for_a_whole_batch_are_not_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network, suite = save(tmp_path), write_suite(tmp_path, "  - {attack: fgsm, norm: linf}\n", images=8)
    plan, ledger = planned(network, suite, tmp_path / "results")
    [*attack_blocks(plan, ledger, range(8), [8])]
    monkeypatch.setattr(type(plan.suite.items[0].attack), "batch_independent", False)
    attacked: list[int] = []
    from benchmark.evaluation import attack_run

    craft = attack_run.craft
    monkeypatch.setattr(attack_run, "craft", lambda *a: attacked.append(len(a[2])) or craft(*a))
    run(network, suite, tmp_path / "results", "complete")
    assert sum(attacked) > 0


def test_a_damaged_block_counts_as_absent(tmp_path: Path) -> None:
    network, suite = save(tmp_path), write_suite(tmp_path, "  - {attack: fgsm, norm: linf}\n", images=8)
    alone = run(network, suite, tmp_path / "alone", "complete")
    plan, ledger = planned(network, suite, tmp_path / "results")
    [*attack_blocks(plan, ledger, range(8), [4, 8])]
    first, second = sorted((tmp_path / "results").glob("blocks/*/*/*.safetensors"))
    content = bytearray(first.read_bytes())
    content[-1] ^= 255
    first.write_bytes(content)
    after = run(network, suite, tmp_path / "results", "complete")
    np.testing.assert_array_equal(alone.outcomes[0].broken, after.outcomes[0].broken)

    record = read_record(second)
    doubled = {**record.key, "data": {**record.key["data"], "images": "1 1 2 3"}}
    with pytest.raises(Exception, match="named once each"):
        write_record(second, replace(record, key=doubled))


def test_a_block_in_the_wrong_folder_is_not_believed(tmp_path: Path) -> None:
    attacks = "  - {attack: fgsm, norm: linf}\n  - {attack: pgd, norm: l2, parameters: {steps: 1}}\n"
    network, suite = save(tmp_path), write_suite(tmp_path, attacks, images=8)
    plan, ledger = planned(network, suite, tmp_path / "results")
    [*attack_blocks(plan, ledger, range(8), [8])]
    one, other = sorted((tmp_path / "results").glob("blocks/*/*"))
    for path in one.glob("*"):
        path.rename(other / path.name)
    job = plan.jobs()[0]
    keys = [job.key(item, None) for item in plan.suite.items]
    assert sorted(len(ledger.blocks(key)) for key in keys) in ([0, 0], [0, 1])
    from benchmark.checkup import doctor

    found = [
        finding for finding in doctor(results=tmp_path / "results", zoo=tmp_path) if "another" in finding.problem
    ]
    assert len(found) == 1


def test_pictures_of_a_block_are_kept_only_by_the_shard_they_are_of(tmp_path: Path) -> None:
    from benchmark.evaluation.verification import verify

    network, suite = save(tmp_path), write_suite(tmp_path, "  - {attack: fgsm, norm: linf}\n", images=300)
    plan, ledger = planned(network, suite, tmp_path / "results")
    order = [position for pair in zip(range(299, 149, -1), range(150), strict=True) for position in pair]
    [*attack_blocks(plan, ledger, order, [len(order)])]
    found = run(network, suite, tmp_path / "results", "complete")
    images = ledger.sample_images(plan.target.network, found.outcomes[0].records[0])
    assert images is not None
    assert (images.positions < 250).all()
    for recheck in verify(tmp_path / "results", [network], reattack=5, seed=0):
        assert not recheck.problems


@pytest.mark.parametrize("images", ["0 0", "0 99", "-1 2", "0 x"])
def test_a_sample_that_makes_no_sense_is_damaged(tmp_path: Path, images: str) -> None:
    from benchmark.damage import Damaged
    from benchmark.ledger.manifests import read_manifest
    from benchmark.storage import digest

    network, suite = save(tmp_path), write_suite(tmp_path, "  - {attack: fgsm, norm: linf}\n", images=8)
    run(network, suite, tmp_path / "results", "complete")
    (path,) = (tmp_path / "results" / "evaluations").glob("*.json")
    manifest = {**json.loads(path.read_text()), "sample": {"metric": "rworst", "images": images}, "classes": None}
    del manifest["sha256"]
    path.write_text(json.dumps({**manifest, "sha256": digest(manifest)}))
    with pytest.raises(Damaged):
        read_manifest(path)
    assert not Ledger.open(tmp_path / "results").evaluations()
