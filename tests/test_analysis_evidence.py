"""What is said and where the line is drawn: evidence of masking, frames row by row, transfer matrices."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from evaluation_toys import evaluation, outcome
from scipy.stats import binom
from test_analysis_aggregate import WORKED
from test_analysis_insight import COSTS, attack, blind, flags

from benchmark.analysis.attribution import attribution
from benchmark.analysis.curves import security_curve
from benchmark.analysis.frames import per_example, tidy
from benchmark.analysis.masking import masking_flags
from benchmark.analysis.transfer import transfer_matrices
from benchmark.errors import BadInput
from benchmark.ledger.classes import Classes


def evidence(*outcomes, **more):
    found = evaluation(np.zeros(200, bool), *outcomes)
    return [flag.evidence for flag in masking_flags(dataclasses.replace(found, **more))]


def named(label, *arguments, **more):
    return dataclasses.replace(attack(*arguments, **more), label=label)


def test_one_step_that_beats_many_is_shown_by_numbers():
    rivals = named("pgd-a", "pgd", 20, steps=40), named("pgd-b", "pgd", 25, steps=50, loss="dlr")
    assert evidence(named("fgsm", "fgsm", 60), *rivals) == [
        "fgsm succeeded on 60 of 200 images, pgd-a, pgd-b together on 25"
    ]


def test_a_blind_attack_that_beats_gradients_is_shown_by_numbers_of_what_both_saw():
    one = dataclasses.replace(blind("square", 60), label="square")
    few = named("pgd", "pgd", 20, steps=40, evaluated=np.arange(200) < 190)
    one.broken[195:] = True
    few.broken[195:] = True
    assert evidence(one, few) == ["square succeeded on 60 of 190 images, pgd together on 20"]


def test_the_other_signs_are_shown_by_numbers():
    longer = named("few", "pgd", 60, steps=20), named("many", "pgd", 20, steps=100)
    assert evidence(*longer) == ["few succeeded on 60 of 200 images, many together on 20"]
    minimal = {"norm": "l2", "kind": "minimum-norm"}
    reached = named("ddn", "ddn", 180, steps=100, **minimal), named("fmn", "fmn", 185, **minimal)
    assert evidence(*reached) == ["ddn, fmn found no adversarial example at any distance for 15 of 200 images"]
    assert evidence(named("pgd", "pgd", 9, steps=20, costs={"dead_gradients": 3000})) == [
        "pgd: 75% of 4000 gradients were zero or not finite"
    ]
    assert evidence(named("pgd", "pgd", 0, costs={"backwards": 0})) == [
        "pgd is gradient-based, but received no gradients"
    ]
    assert evidence(named("aa", "aa", 50, warnings=("AutoAttack: one", "AutoAttack: two"))) == [
        "aa: AutoAttack: one; aa: AutoAttack: two"
    ]
    assert evidence(unstable=3) == [
        "3 images, or their adversarial examples, were classified differently in a repeated forward pass"
    ]


def test_where_the_lines_are_drawn():
    """At the first count that a binomial test calls more than a twentieth, a hundredth of 200 images at 1%."""

    def dead(images):
        return flags(attack("pgd", 9, steps=20, costs={"dead_gradients": 20 * images}))

    def missed(images):
        return flags(attack("ddn", 200 - images, "l2", kind="minimum-norm", steps=100))

    fewest = {share: int(binom.isf(0.01, 200, share)) + 1 for share in (0.05, 0.01)}
    assert (fewest[0.05], fewest[0.01]) == (19, 7)
    assert [dead(18), dead(19)] == [[], ["zero or non-finite gradients"]]
    assert [missed(6), missed(7)] == [[], ["unbounded attacks do not reach 0%"]]


@pytest.mark.parametrize(
    ("one", "other", "is_flagged"),
    # (broken by the first alone, by the second alone): p = 0.0011, 0.108, 0.0020, 0.0032, 0.0059, in three tests
    [(30, 10, True), (20, 12, False), (9, 0, True), (11, 1, True), (10, 1, False)],
)
def test_one_is_called_stronger_at_one_percent(one, other, is_flagged):
    fgsm, pgd = attack("fgsm", one), attack("pgd", 0, steps=40)
    pgd.broken[100 : 100 + other] = True
    fgsm.broken[150:180] = pgd.broken[150:180] = True  # what both break says nothing
    assert flags(fgsm, pgd) == (["one-step attack beats iterative attacks"] if is_flagged else [])


def test_only_comparable_attacks_are_rivals():
    strong = attack("fgsm", 60)
    assert flags(strong, attack("pgd", 20, "l2", steps=40)) == []  # another norm
    assert flags(strong, dataclasses.replace(attack("pgd", 20, steps=40), epsilon=2.0)) == []  # another radius
    assert flags(strong, attack("mim", 20, steps=1)) == []  # one step, too
    assert flags(strong, attack("mim", 20, steps=2)) == ["one-step attack beats iterative attacks"]
    assert (
        flags(strong, blind("square", 20), dataclasses.replace(attack("noise", 20, steps=99, gradient_free=True)))
        == []
    )
    assert flags(blind("square", 60), blind("noise", 20)) == []


def test_attacks_that_differ_by_more_than_steps_are_not_more_of_the_same():
    assert flags(attack("pgd", 60, steps=20), attack("pgd", 20, steps=100, loss="dlr")) == []
    assert flags(attack("fgsm", 60), attack("fgsm", 20)) == []  # none of them says how many steps
    assert flags(attack("fgsm", 60), attack("fgsm", 20, steps=1)) == ["more steps have fewer successes"]
    assert flags(attack("x", 60, steps=0), attack("x", 20)) == []


def test_older_ledgers_say_by_their_costs_who_asked_for_gradients():
    def silent(made):
        return dataclasses.replace(made, definition={"attack": made.definition["attack"]})

    assert flags(silent(blind("square", 60)), silent(attack("pgd", 20, steps=40))) == [
        "gradient-free attack beats gradient-based attacks"
    ]


def test_outcomes_that_say_nothing_of_themselves_raise_no_flag():
    for costs in ({}, COSTS):
        bare = [
            outcome(name, "linf", np.arange(200) < broken, costs=costs) for name, broken in (("a", 60), ("b", 20))
        ]
        assert flags(*bare) == []


def test_signs_are_looked_for_in_every_attack_and_norm():
    cw = attack("cw", 200, "linf", kind="minimum-norm", costs={"dead_gradients": 3000})
    later = attack(
        "ddn", 100, "l2", kind="minimum-norm", steps=100, costs={"dead_gradients": 8000, "backwards": 20000}
    )
    assert flags(attack("pgd", 9, "l1"), cw, later) == [
        "unbounded attacks do not reach 0%",
        "zero or non-finite gradients",
    ]


def test_what_was_misclassified_or_not_tried_was_not_missed():
    clean = np.arange(200) >= 150
    ddn = attack("ddn", 150, "l2", kind="minimum-norm", steps=100)
    assert masking_flags(evaluation(clean, ddn)) == []
    half = attack("ddn", 100, "l2", kind="minimum-norm", steps=100, evaluated=np.arange(200) < 100)
    assert flags(half) == []


# Attribution, curves, frames.


def test_shares_carry_their_labels_and_curves_their_norm():
    labels = [found.label for found in WORKED.outcomes]
    assert [share.label for share in attribution(WORKED)] == labels
    assert [security_curve(WORKED, norm).norm for norm in WORKED.norms] == WORKED.norms


def test_a_curve_begins_at_the_clean_accuracy_whatever_an_attack_says_of_clean_errors():
    assert WORKED.outcomes[0].distance[0] > 0
    assert security_curve(WORKED, "linf").accuracy([0]) == pytest.approx(5 / 6)


ABOUT = {
    "model": "toy", "checkpoint_digest": "", "method": "at", "architecture": "small-cnn", "dataset": "digits",
    "suite": "toy", "preset": "quick", "suite_digest": "s", "mode": "complete",
    "conditions": "", "seed": 0, "evaluation": "0",
}  # fmt: skip


def described(found):
    card = {"name": "toy", "method": "at", "architecture": "small-cnn"}
    return dataclasses.replace(found, model=card, suite={"digest": "s", "name": "toy", "preset": "quick"})


def test_the_row_of_an_attack_that_saw_all():
    costs = {"attacked": 4, "seconds": 1.5, "forwards": 40, "backwards": 30, "disagreements": 2}
    ddn = outcome("ddn-l2", "l2", None, [0, 0.2, 0.7, np.inf], epsilon=0.5, costs=costs)
    row = tidy([described(evaluation([1, 0, 0, 0], ddn))]).iloc[0].to_dict()
    low, high = row.pop("low"), row.pop("high")
    assert (low, high) == pytest.approx((0.1500, 0.8500), abs=5e-4)  # Wilson's interval of 2 of 4
    assert row.pop("median_distance") == pytest.approx(0.7)  # of 0.2, 0.7 and ∞: the clean error has no part in it
    assert row == ABOUT | costs | {
        "attack": "ddn-l2", "norm": "l2", "epsilon": 0.5, "kind": "minimum-norm", "images": 4, "accuracy": 0.5,
        "conditional": False, "no_answer": 0, "error": None,
    }  # fmt: skip


def test_the_row_of_an_attack_that_saw_what_others_had_left():
    flagged = outcome("pgd-linf", "linf", [1, 1, 0, 0, 1], evaluated=[1, 1, 1, 1, 0], costs={"attacked": 3})
    found = dataclasses.replace(described(evaluation([1, 0, 0, 0, 0], flagged)), mode="worst-case")
    row = tidy([found]).iloc[0]
    assert (row["mode"], row["conditional"], row["images"], row["attacked"]) == ("worst-case", True, 5, 3)
    assert row["accuracy"] == pytest.approx(2 / 3)
    assert (row["low"], row["high"]) == pytest.approx((0.2077, 0.9385), abs=5e-4)  # of 2 of 3


def test_the_row_of_an_attack_that_failed_or_found_nothing():
    failed = outcome("a-linf", "linf", [0, 0], errors=("broke down", "again"))
    nothing = outcome("b-linf", "linf", [0, 0])
    rows = tidy([evaluation([0, 0], failed, nothing)])
    assert rows["error"][0] == "broke down; again"
    assert rows["error"].isna()[1]
    assert rows["median_distance"].isna().all()
    assert rows[["accuracy", "low", "high"]].isna().all(axis=1).tolist() == [True, False]


def test_the_rows_of_images_are_numbered_through():
    frame = per_example([described(WORKED), described(WORKED)])
    assert frame.index.tolist() == list(range(48))
    first = frame.iloc[8].to_dict()
    assert first == ABOUT | {
        "attack": "pgd-linf", "norm": "linf", "epsilon": 1.0, "index": 2, "clean_error": False, "evaluated": True,
        "broken": False, "distance": math.inf, "wrong_share": 0.0, "clean_class": None, "adversarial_class": None,
    }  # fmt: skip


def test_what_networks_answered_is_told_by_name():
    """No finite answer, a class without a name, one that the attack was not tried on."""
    pgd = dataclasses.replace(
        outcome("pgd", "linf", [1, 1, 1, 0]),
        adversarial_class=np.array([1, -1, 2, -2]),
        wrong_share=np.array([1.0, 0.7, 0.9, 0.2], np.float32),
    )
    found = described(evaluation([1, 0, 0, 0], outcome("fgsm", "linf", [0, 0, 0, 0]), pgd))
    found = dataclasses.replace(
        found,
        model=found.model | {"digest": "abc"},
        classes=Classes(("cat", "dog"), np.array([0, 1, 0, 1]), np.array([1, 1, 0, 1])),
        clean_class=np.array([1, 1, 0, 1]),
    )
    rows = per_example([found], {("toy", "abc"): "the toy"}, [pgd])
    assert rows["attack"].tolist() == ["pgd"] * 4
    assert set(rows["model"]) == {"the toy"}
    assert set(rows["checkpoint_digest"]) == set(tidy([found])["checkpoint_digest"]) == {"abc"}
    assert rows["clean_class"].tolist() == ["dog", "dog", "cat", "dog"]
    assert rows["adversarial_class"].tolist()[:3] == ["dog", "none", "2"]
    assert rows["adversarial_class"].isna().tolist() == [False, False, False, True]
    assert rows["wrong_share"].tolist() == [np.float32(share) for share in (1, 0.7, 0.9, 0.2)]
    nameless = per_example([dataclasses.replace(found, classes=None)])
    assert nameless["clean_class"][:4].tolist() == ["1", "1", "0", "1"]
    assert nameless["adversarial_class"][:4].isna().all(), "fgsm's record says nothing of it"


def test_images_that_broke_for_want_of_an_answer_are_counted():
    assert tidy([evaluation([0], outcome("a", "linf", [1], costs={"no_answer": 1}))])["no_answer"][0] == 1


def test_a_notebook_shows_an_evaluation_in_a_line():
    assert repr(described(WORKED)) == "<Evaluation of 'toy' under 'toy (quick)', 6 images of 'digits', 4 attacks>"


# Transfer.


def carried(source, target, *outcomes):
    found = evaluation(np.zeros(4, bool), *outcomes, name=target)
    return dataclasses.replace(found, crafted_on={"name": source})


def test_matrices_of_what_was_carried_over():
    pairs = [
        carried(source, target, outcome("a", "linf", np.arange(4) < one), outcome("b", "l2", np.arange(4) < two))
        for source, target, one, two in [("s", "t", 1, 0), ("s", "u", 2, 3), ("r", "t", 4, 1)]
    ]
    alone = evaluation(np.zeros(4, bool), outcome("a", "linf", np.ones(4)), name="w")
    first, second = transfer_matrices([alone, *pairs])
    assert (first.label, first.sources, first.targets) == ("a", ("s", "r"), ("t", "u"))
    assert (second.label, second.sources, second.targets) == ("b", ("s", "r"), ("t", "u"))
    assert np.array_equal(first.accuracy, [[0.75, 0.5], [0, np.nan]], equal_nan=True)
    assert np.array_equal(second.accuracy, [[1, 0.25], [0.75, np.nan]], equal_nan=True)


def test_each_search_has_its_matrix_and_networks_the_labels_that_are_given():
    pairs = [
        dataclasses.replace(carried("s", "t", outcome("a", "linf", np.arange(4) < broken)), seed=seed, precision=how)
        for broken, seed, how in ((1, 0, "fp32"), (2, 0, "bf16"), (3, 1, "fp32"))
    ]
    called = {("s", ""): "S", ("t", ""): "T"}
    found = transfer_matrices(pairs, called)
    assert [(one.label, one.sources, one.targets, one.accuracy.item()) for one in found] == [
        ("a, seed 0, fp32", ("S",), ("T",), 0.75),
        ("a, seed 0, bf16", ("S",), ("T",), 0.5),
        ("a, seed 1, fp32", ("S",), ("T",), 0.25),
    ]
    assert [one.label for one in transfer_matrices(pairs[:2])] == ["a, seed 0, fp32", "a, seed 0, bf16"]
    assert [one.label for one in transfer_matrices(pairs[:1])] == ["a"]


def test_a_pair_that_failed_is_blank_and_no_pairs_are_no_matrix():
    failed = carried("s", "t", outcome("a", "linf", [0, 0, 0, 0], errors=("broke down",)))
    assert np.isnan(transfer_matrices([failed])[0].accuracy).all()
    assert transfer_matrices([WORKED]) == []
    other = dataclasses.replace(carried("s", "u", outcome("a", "linf", [0, 0, 0, 0])), suite={"digest": "t"})
    with pytest.raises(BadInput, match="suite differs"):
        transfer_matrices([failed, other])
