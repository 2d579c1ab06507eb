"""Which networks are seeds of one method: by what their cards say of how they came about, never by their names."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from seeded_networks import RECIPE, attack, card
from synthetic import add_evaluation

from benchmark.analysis.methods import Seeds, by_method, compare_all_methods
from benchmark.errors import BadInput
from benchmark.ledger import Evaluation, load_results
from benchmark.statistics.pigeonhole import check_methods
from benchmark.statistics.seeds import Arm, compare_methods

EXTRA_DATA = {"name": "generated", "digest": "a" * 64, "images": 5, "share": 0.5}


def file(results: Path, name: str, broken: Sequence[int] = (), **more: Any) -> None:
    options = {key: more.pop(key) for key in ("network", "precision") if key in more}
    attack_seed = more.pop("attack_seed", 0)
    add_evaluation(results, name, attack(broken), (False,) * 40, card=card(**more), seed=attack_seed, **options)


def groups(results: Path) -> list[tuple[str, tuple[int | None, ...]]]:
    return sorted((group.label, group.seeds) for group in by_method(load_results(results)))


def test_seeds_of_one_method_are_one(tmp_path: Path) -> None:
    file(tmp_path, "at")
    file(tmp_path, "at-seed-2", seed=2)
    file(tmp_path, "at-seed-1", seed=1)
    file(tmp_path, "trades", method="trades")
    assert groups(tmp_path) == [("at", (0, 1, 2)), ("trades", (0,))]


def test_names_say_nothing(tmp_path: Path) -> None:
    file(tmp_path, "mine")
    file(tmp_path, "other", seed=1)
    file(tmp_path, "mine-seed-3", method="trades", seed=3)
    assert groups(tmp_path) == [("mine", (0, 1)), ("mine-seed-3", (3,))]


@pytest.mark.parametrize(
    "other",
    [
        {"method": "trades"},
        {"network": "weights of h2", "extra": {"settings": {"beta": 1.0}}},
        {"extra": {"inner": "kl"}},
        {"extra": {"precision": "bf16"}},
        {"extra": {"lineage": [{"role": "teacher", "source": "x", "digest": "1" * 64}]}},
        {"extra": {"lineage": [{"role": "teacher", "source": "x"}]}},
        {"extra": {"init": {"source": "x", "digest": "1" * 64}}},
        {"extra": {"extra_data": EXTRA_DATA}},
        {"extra": {"lineage": "told otherwise"}},
        {"architecture": "resnet18"},
        {"recipe": {**RECIPE, "epochs": 30}},
        {"recipe": {**RECIPE, "threats": {"linf": {"epsilon": 0.1}}}},
        {"recipe": {}},
        {"dataset": "mnist"},
        {"selection": "last"},
        {"seed": None},
        {"seed": 0},
        {"attack_seed": 1},
        {"precision": "bf16"},
    ],
    ids=str,
)
def test_whatever_else_differs_keeps_them_apart(tmp_path: Path, other: dict[str, Any]) -> None:
    file(tmp_path, "at")
    file(tmp_path, "at-seed-1", **{"seed": 1, **other})
    assert len(groups(tmp_path)) == 2


@pytest.mark.parametrize(
    "others",
    [
        ({"init": {"source": "x", "digest": "1" * 64}}, {"init": {"source": "x", "digest": "2" * 64}}),
        ({"extra_data": EXTRA_DATA}, {"extra_data": EXTRA_DATA | {"images": 6}}),
        (
            {"lineage": [{"role": "teacher", "source": "x", "digest": "1" * 64}]},
            {"lineage": [{"role": "robust teacher", "source": "x", "digest": "1" * 64}]},
        ),
        (
            {"lineage": [{"role": "init", "source": "x", "digest": "1" * 64}]},
            {"lineage": [{"role": "teacher", "source": "x", "digest": "1" * 64}]},
        ),
    ],
)
def test_what_it_began_with_and_was_taught_by_is_told_apart(tmp_path: Path, others: tuple[Any, Any]) -> None:
    for seed, extra in enumerate((*others, others[0])):
        file(tmp_path, f"at-{seed}", seed=seed, extra=extra)
    assert [seeds for _, seeds in groups(tmp_path)] == [(0, 2), (1,)]


def test_other_judging_is_another_question(tmp_path: Path) -> None:
    for seed in range(2):
        file(tmp_path, f"at-{seed}", seed=seed)
    one, other = load_results(tmp_path)
    assert len(by_method([one, other])) == 1
    assert len(by_method([one, dataclasses.replace(other, judging={"passes": 20})])) == 2


def test_their_common_name_is_theirs(tmp_path: Path) -> None:
    for seed in (2, 0):
        file(tmp_path, f"mine-seed-{seed}-h1", seed=seed)
    file(tmp_path, "alone-seed-5", method="trades", seed=5)
    assert groups(tmp_path) == [("alone-seed-5", (5,)), ("mine-h1", (0, 2))]


def test_what_seeds_began_with_differs_with_the_seed(tmp_path: Path) -> None:
    """As teachers do: E-AT from three networks of one method is one method."""
    for seed in (0, 1):
        file(tmp_path, f"at-{seed}", seed=seed)
    begun = {found.model["seed"]: found.model["digest"] for found in load_results(tmp_path)}
    for seed in (0, 1):
        extra = {"init": {"source": "x", "digest": begun[seed]}}
        file(tmp_path, f"e-at-{seed}", method="e-at", seed=seed, extra=extra)
    assert [seeds for _, seeds in groups(tmp_path)] == [(0, 1), (0, 1)]


def test_a_recipes_name_is_no_difference(tmp_path: Path) -> None:
    file(tmp_path, "at")
    file(tmp_path, "at-seed-1", seed=1, recipe={**RECIPE, "name": "my copy"})
    assert groups(tmp_path) == [("at", (0, 1))]


def test_one_network_under_two_seeds_is_one_network(tmp_path: Path) -> None:
    """Whoever copies a checkpoint and writes another seed on it has no second one."""
    file(tmp_path, "at", network="the same")
    file(tmp_path, "at-seed-1", seed=1, network="the same")
    assert len(groups(tmp_path)) == 2


def test_teachers_differ_with_the_seed(tmp_path: Path) -> None:
    """Students belong together where their teachers do; a teacher that nobody knows is told by its weights."""
    for seed in (0, 1):
        file(tmp_path, f"trades-{seed}", method="trades", seed=seed)
    digests = {found.name: found.model["digest"] for found in load_results(tmp_path)}
    for seed, teacher in enumerate((digests["trades-0"], digests["trades-1"], "f" * 64)):
        taught = [{"role": "teacher", "source": "t", "digest": teacher}]
        file(tmp_path, f"ard-{seed}", method="ard", seed=seed, extra={"lineage": taught})
    assert [seeds for _, seeds in groups(tmp_path)] == [(0, 1), (2,), (0, 1)]


def test_a_card_that_names_itself_as_its_teacher(tmp_path: Path) -> None:
    file(tmp_path, "at")
    own = load_results(tmp_path)[0].model["digest"]
    file(tmp_path, "ard", method="ard", network="at", extra={"lineage": [{"role": "teacher", "digest": own}]})
    assert len(groups(tmp_path)) == 2


@pytest.fixture
def two(tmp_path: Path) -> list[Evaluation]:
    for seed in range(3):
        file(tmp_path, f"at-{seed}", range(10 + 2 * seed), seed=seed)
        file(tmp_path, f"trades-{seed}", range(24 + seed), method="trades", seed=seed)
    file(tmp_path, "natural", range(40), method="natural")
    return load_results(tmp_path)


def test_methods_are_compared_over_seeds_and_images(two: list[Evaluation]) -> None:
    (pair,) = compare_all_methods(by_method(two), "rworst")
    assert pair.found.seeds == (3, 3)
    assert pair.found.images == 40
    assert pair.found.difference == pytest.approx(13 / 40)
    assert pair.found.p == pair.corrected < 0.05
    assert (pair.first.label, pair.verdict) == ("at-0", "better")
    assert compare_all_methods(by_method(two), "l2") == []


def test_networks_of_one_run_are_paired(tmp_path: Path) -> None:
    for seed in range(3):
        for member, extra in (("h1", 0), ("h2", 2)):
            broken = range(4 + 8 * seed + extra)
            more = {"extra": {"run": f"run {seed}"}}
            add_evaluation(
                tmp_path,
                f"{member}-{seed}",
                attack(broken),
                (False,) * 40,
                card=card("mat", seed, **more) | {"network": member},
            )
    (pair,) = compare_all_methods(by_method(load_results(tmp_path)), "rworst")
    found = pair.found
    assert found.seed_error < 0.03  # what a seed does, it does to both; of strangers the error would be 0.16
    assert found.seed_deviations[0] > 0.1


def values_of(group: Seeds) -> Arm:
    found = group.scores("rworst")
    assert found is not None
    return found


def test_three_methods_are_a_family(tmp_path: Path) -> None:
    for place, method in enumerate(("at", "trades", "mart")):
        for seed in range(3):
            file(tmp_path, f"{method}-{seed}", range(8 + 3 * place + seed), method=method, seed=seed)
    pairs = compare_all_methods(by_method(load_results(tmp_path)), "rworst")
    assert len(pairs) == 3
    least = min(pairs, key=lambda pair: pair.found.p)
    assert least.corrected == pytest.approx(3 * least.found.p)
    for pair in pairs:
        assert (pair.verdict != "undetermined") == (pair.corrected <= 0.05)
        values = values_of(pair.first), values_of(pair.second)
        assert pair.found == compare_methods(*values, confidence=1 - 0.05 / 3)
        assert pair.checks == check_methods(*values)
        assert (pair.metric, pair.margin) == ("rworst", None)


def test_what_the_suite_calls_small_is_equivalent(tmp_path: Path) -> None:
    for method in ("at", "trades"):
        for seed in range(3):
            file(tmp_path, f"{method}-{seed}", range(8 + seed), method=method, seed=seed)
    found = load_results(tmp_path)
    wide = [dataclasses.replace(each, suite=each.suite | {"margin": 60}) for each in found]
    (pair,) = compare_all_methods(by_method(wide), "rworst")
    assert (pair.verdict, pair.margin) == ("equivalent", 0.6)
    (pair,) = compare_all_methods(by_method(found), "rworst")
    assert (pair.verdict, pair.margin) == ("undetermined", None)


def test_others_are_not_asked_whether_they_are_alike(two: list[Evaluation]) -> None:
    """Only methods with several seeds are compared: a network alone may have been tried on other images."""

    def elsewhere(method: str) -> list[Evaluation]:
        other = [dataclasses.replace(each, dataset=each.dataset | {"digest": "other"}) for each in two]
        return [new if each.model["method"] == method else each for new, each in zip(other, two, strict=True)]

    assert len(compare_all_methods(by_method(elsewhere("natural")), "rworst")) == 1
    with pytest.raises(BadInput, match="images"):
        compare_all_methods(by_method(elsewhere("trades")), "rworst")


@pytest.mark.parametrize(
    ("tie", "order", "is_paired"),
    [
        ("lineage", (0, 1, 2), True),  # of a teacher and its student
        ("init", (0, 1, 2), True),  # of what a training began with, and what it made
        ("lineage", (1, 2, 0), False),  # each taught by another seed's teacher
        (None, (0, 1, 2), False),
    ],
)
def test_what_shares_a_training_is_paired(
    tmp_path: Path, tie: str | None, order: tuple[int, ...], is_paired: bool
) -> None:
    for seed in range(3):
        file(tmp_path, f"trades-{seed}", range(4 + 8 * seed), method="trades", seed=seed)
    made = {found.model["seed"]: found.model["digest"] for found in load_results(tmp_path)}
    for seed, of in enumerate(order):
        ties: dict[str, Any] = {}
        if tie == "lineage":
            ties = {"lineage": [{"role": "teacher", "digest": "e" * 64}, {"role": "teacher", "digest": made[of]}]}
        elif tie == "init":
            ties = {"init": {"source": "x", "digest": made[of]}}
        file(tmp_path, f"ard-{seed}", range(6 + 8 * seed), method="ard", seed=seed, extra=ties)
    one, other = by_method(load_results(tmp_path))
    (pair,) = compare_all_methods([one, other], "rworst")
    values = values_of(one), values_of(other)
    assert pair.found == compare_methods(*values, is_paired=is_paired)
    assert pair.found != compare_methods(*values, is_paired=not is_paired)
    assert pair.checks == check_methods(*values, is_paired=is_paired)
