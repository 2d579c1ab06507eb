"""However the images were cut into shards, and in whatever order they are put together: the same evaluation."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from benchmark.analysis.aggregate import attack_accuracy, clean_accuracy, norm_accuracy, r_avg, r_worst
from benchmark.ledger.assemble import summarise
from benchmark.ledger.record import Record

NORMS = ("linf", "l2")
NUMBERS = dict.fromkeys(("forwards", "backwards", "dead_gradients", "disagreements", "attacked"), 2)


def manifest(images, records):
    items = [
        {"label": f"a-{norm}", "attack": {"name": norm}, "norm": norm, "epsilon": 1.0, "kind": "fixed-budget"}
        for norm in NORMS
    ]
    return {
        "id": "i", "model": {"name": "toy", "digest": "n"}, "suite": {"digest": "s", "items": items},
        "dataset": {"digest": "d", "images": images}, "mode": "complete", "seed": 0, "precision": "fp32", "notes": [],
        "records": records,
    }  # fmt: skip


def shard(norm, start, stop, clean, broken, error=None):
    wrong, hit = clean[start:stop], broken[start:stop] | clean[start:stop]
    distance = np.where(wrong, 0, np.where(hit, 0.25 + np.arange(start, stop), np.inf)).astype(np.float32)
    data = {"digest": "d", "start": start, "stop": stop}
    info = {**NUMBERS, "error": error, "seconds": 0.5, "faults": {"far": 1}, "hardware": "h", "date": "2026"}
    return Record(
        {"network": "n", "data": data, "attack": {"name": norm}}, hit, distance, ~wrong | wrong, wrong, info
    )


@st.composite
def cut(draw):
    """What two attacks did to some images, and the places where those are cut into shards, per attack."""
    images = draw(st.integers(1, 12))
    flags = st.lists(st.booleans(), min_size=images, max_size=images).map(np.array)
    cuts = st.sets(st.integers(1, max(images - 1, 1)), max_size=4 if images > 1 else 0)
    return draw(flags), {norm: draw(flags) for norm in NORMS}, {norm: sorted(draw(cuts)) for norm in NORMS}


def merged(clean, broken, cuts, shuffle=None):
    made, names = {}, {}
    for norm in NORMS:
        edges = [0, *cuts[norm], len(clean)]
        for start, stop in pairwise(edges):
            made[f"{norm}{start}"] = shard(norm, start, stop, clean, broken[norm])
        names[f"a-{norm}"] = [f"{norm}{start}" for start in edges[:-1]]
        if shuffle:
            shuffle(names[f"a-{norm}"])
    return summarise(manifest(len(clean), names), made.get)


def numbers(found):
    accuracies = [attack_accuracy(found, f"a-{norm}") for norm in NORMS] + [norm_accuracy(found, n) for n in NORMS]
    return [clean_accuracy(found), r_avg(found), r_worst(found), *accuracies]


@given(cut(), st.randoms(use_true_random=False))
def test_shards_make_the_same_whole_in_any_order(case, random):
    clean, broken, cuts = case
    whole = merged(clean, broken, dict.fromkeys(NORMS, ()))
    found = merged(clean, broken, cuts, random.shuffle)
    assert numbers(found) == numbers(whole)
    assert np.array_equal(found.clean_errors, clean)
    rejected = {norm: len(cuts[norm]) + 1 for norm in NORMS}
    assert found.failures == (*[f"a-{n}: candidates that were far were rejected ({rejected[n]})" for n in NORMS],)
    for one, other in zip(found.outcomes, whole.outcomes, strict=True):
        assert one.complete
        for name in ("broken", "distance", "evaluated"):
            assert np.array_equal(getattr(one, name), getattr(other, name))
        shards = len(cuts[one.norm]) + 1
        assert (one.costs["seconds"], one.costs["forwards"]) == (0.5 * shards, 2 * shards)


def test_a_network_whose_clean_answers_differ_between_records_is_suspected():
    """What one record calls misclassified without attack counts as such, and the disagreement is said."""
    clean = np.array([True, False, False, False])
    other = np.array([False, False, True, False])
    made = {"1": shard("linf", 0, 4, clean, clean), "2": shard("l2", 0, 4, other, other)}
    found = summarise(manifest(4, {"a-linf": ["1"], "a-l2": ["2"]}), made.get)
    assert found.clean_errors.tolist() == [True, False, True, False]
    assert found.unstable == 2
    assert any("not always make the same prediction for 2 of 4 images" in warning for warning in found.warnings)
    assert clean_accuracy(found) == 0.5
    assert r_worst(found) == norm_accuracy(found, "linf") == norm_accuracy(found, "l2") == 0.5


@given(cut(), st.randoms(use_true_random=False))
def test_a_shard_that_is_gone_or_failed_leaves_unknown_what_depends_on_it(case, random):
    clean, broken, cuts = case
    edges = [0, *cuts["linf"], len(clean)]
    lost = random.randrange(len(edges) - 1)
    names = [f"linf{start}" for start in edges[:-1]]
    made = {f"linf{start}": shard("linf", start, stop, clean, broken["linf"]) for start, stop in pairwise(edges)}
    made["l2"] = shard("l2", 0, len(clean), clean, broken["l2"])
    listed = {"a-linf": random.sample(names, len(names)), "a-l2": ["l2"]}
    for harm in ("gone", "failed"):
        hurt = dict(made)
        record = hurt.pop(names[lost])
        if harm == "failed":
            hurt[names[lost]] = dataclasses.replace(record, info={**record.info, "error": "it broke down"})
        found = summarise(manifest(len(clean), listed), hurt.get)
        assert not found.outcomes[0].complete
        assert found.outcomes[1].complete
        known = norm_accuracy(found, "l2")
        assert numbers(found) == [np.mean(~clean), None, None, None, known, None, known]
        assert known == np.mean(~(clean | broken["l2"]))
