"""What images become under an attack and in the worst case, counted by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from synthetic import add_evaluation

import benchmark
from benchmark import results
from benchmark.analysis.aggregate import robust
from benchmark.analysis.confusion import CLEAN, WORST_CASE, confusion, taken_for, worst_case
from benchmark.ledger import load_results
from benchmark.ledger.classes import NONE
from benchmark.ledger.positions import Sample
from benchmark.ledger.predictions import UNKNOWN
from benchmark.reporting.classes import DRAWN
from benchmark.reporting.per_image import per_image_rows

#: Cats, dogs and eels, two of each; the first cat is taken for a dog, the last eel for nothing.
CLASSES = {"names": ["cat", "dog", "eel"], "labels": "0 0 1 1 2 2", "answers": "1 0 1 1 2 -1"}
WRONG = (True, False, False, False, False, True)
NAN, INF = float("nan"), float("inf")
ATTACKS = [
    ("fgsm", "linf", 0.03, "fixed-budget", (0, 1, 0, 0, 0, 0)),
    ("ddn", "l2", 0.5, "minimum-norm", (0, 0.4, 0.3, 0.8, INF, 0)),
]
PREDICTED = {"fgsm": (1, 2, 1, 1, 2, NONE), "ddn": (1, 1, NONE, 0, 2, NONE)}


def made(folder: Path, attacks=ATTACKS, predicted=PREDICTED, **more):
    add_evaluation(folder, "net", attacks, WRONG, classes=CLASSES, predicted=predicted, **more)
    (found,) = load_results(folder)
    return found


@pytest.fixture
def found(tmp_path):
    return made(tmp_path)


def test_under_an_attack_what_it_broke_within_its_radius_is_of_another_class(found):
    assert taken_for(found, "fgsm").tolist() == [1, 2, 1, 1, 2, NONE]
    assert taken_for(found, "ddn").tolist() == [1, 1, NONE, 1, 2, NONE]  # the fourth is a cat beyond the radius
    assert taken_for(found, CLEAN).tolist() == [1, 0, 1, 1, 2, NONE]


def test_in_the_worst_case_the_first_attack_that_broke_an_image_counts(found):
    assert taken_for(found, WORST_CASE).tolist() == [1, 2, NONE, 1, 2, NONE]


def test_in_the_worst_case_only_what_lies_within_a_threat_that_counts_does(tmp_path):
    """In its norm, and within its radius: also of an attack that was allowed a larger one."""
    attacks = [
        ("far", "linf", 0.06, "minimum-norm", (0, 0.05, 0.02, INF, INF, 0)),
        ("other", "l2", 0.5, "minimum-norm", (0, 0.02, 0.3, 0.3, INF, 0)),
        ("fgsm", "linf", 0.03, "fixed-budget", (0, 1, 0, 0, 1, 0)),
    ]
    predicted = {"far": (1, 1, 0, 1, 2, NONE), "other": (1, NONE, 2, 0, 2, NONE), "fgsm": (1, 2, 1, 1, 0, NONE)}
    found = made(tmp_path, attacks, predicted, union=[("linf", 0.03)])
    assert taken_for(found, WORST_CASE).tolist() == [1, 2, 0, 1, 0, NONE]


def test_the_worst_case_under_one_threat_is_that_of_its_attacks_alone(found):
    """The third image is broken in l2 only, and stays a cat in linf."""
    assert worst_case(found, "linf").tolist() == [1, 2, 1, 1, 2, NONE]
    assert worst_case(found, "l2").tolist() == [1, 1, NONE, 1, 2, NONE]
    assert worst_case(found).tolist() == taken_for(found, WORST_CASE).tolist()
    assert worst_case(found, "l1") is None


def test_in_the_worst_case_a_milder_change_of_a_kind_does_not_count_for_a_stronger_one(tmp_path):
    attacks = [(f"fog-{epsilon:.0f}", "fog", epsilon, "fixed-budget", (0, 1, 0, 0, 0, 0)) for epsilon in (1.0, 3.0)]
    predicted = {"fog-1": (1, 1, 1, 1, 2, NONE), "fog-3": (1, 2, 1, 1, 2, NONE)}
    found = made(tmp_path, attacks, predicted, union=[("fog", 3.0)])
    assert taken_for(found, WORST_CASE).tolist() == [1, 2, 1, 1, 2, NONE]


def test_labels_of_other_images_are_not_counted(found):
    of_fewer = replace(found.classes, labels=found.classes.labels[:5], answers=found.classes.answers[:5])
    assert confusion(replace(found, classes=of_fewer)) is None
    assert [row["true_class"] for row in per_image_rows(replace(found, classes=of_fewer))] == [None] * 6


def test_a_matrix_counts_each_image_once_and_no_answer_apart(found):
    counted = confusion(found)
    assert counted.matrix.tolist() == [[0, 1, 1, 0], [0, 1, 0, 1], [0, 0, 1, 1]]
    assert counted.unknown == 0
    named = ["cat dog", "cat eel", "dog none", "dog dog", "eel none", "eel eel"]
    assert list(counted.pairs()) == [(*pair.split(), 1) for pair in named]
    assert np.trace(counted.matrix) == robust(found).sum()


def test_what_an_attack_was_not_tried_on_is_left_out(tmp_path):
    attacks = [ATTACKS[0], ("pgd", "linf", 0.03, "fixed-budget", (0, NAN, 0, 1, 0, 0))]
    predicted = {**PREDICTED, "pgd": (1, UNKNOWN, 1, 2, 2, NONE)}
    counted = confusion(made(tmp_path, attacks, predicted, mode="worst-case"), "pgd")
    assert counted.unknown == 1
    assert counted.matrix.tolist() == [[0, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1]]


def test_a_failed_attack_tells_nothing(tmp_path):
    failed = made(tmp_path, error="it broke down")
    assert confusion(failed, "ddn") is None
    assert confusion(failed) is None
    assert confusion(failed, "fgsm") is not None


def test_older_records_tell_nothing_and_the_others_what_they_know(tmp_path):
    old = made(tmp_path / "old", predicted={})
    assert confusion(old, "fgsm") is None
    assert confusion(old) is None
    assert confusion(old, CLEAN) is not None  # evaluations knew that before
    half = made(tmp_path / "half", predicted={"ddn": PREDICTED["ddn"]})
    # The second image was broken by fgsm first, whose record does not tell; ddn broke it, too.
    assert taken_for(half, WORST_CASE).tolist() == [1, 1, NONE, 1, 2, NONE]


def test_a_class_that_can_not_be_is_not_known(tmp_path):
    """An adversarial image of its own class, which only a forger writes."""
    forged = made(tmp_path, predicted={**PREDICTED, "fgsm": (1, 0, 1, 1, 2, NONE)})
    assert taken_for(forged, "fgsm").tolist() == [1, UNKNOWN, 1, 1, 2, NONE]


# The frame.


def test_examples_name_the_classes(tmp_path):
    made(tmp_path)
    frame = results.examples(tmp_path).set_index(["attack", "index"])
    assert frame.loc["ddn", "clean_class"].tolist() == ["dog", "cat", "dog", "dog", "eel", "none"]
    assert frame.loc["ddn", "adversarial_class"].tolist() == ["dog", "dog", "none", "cat", "eel", "none"]


def test_examples_of_older_records_say_none_and_those_without_names_indices(tmp_path):
    add_evaluation(tmp_path, "net", ATTACKS, WRONG)
    frame = results.examples(tmp_path)
    assert frame["clean_class"].isna().all()
    assert frame["adversarial_class"].isna().all()
    made(tmp_path / "told", predicted={"fgsm": PREDICTED["fgsm"]})
    frame = results.examples(tmp_path / "told").set_index("attack")
    assert frame.loc["ddn", "adversarial_class"].isna().all()
    assert frame.loc["fgsm", "adversarial_class"].tolist() == ["dog", "eel", "dog", "dog", "eel", "none"]


# Reports.


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    made(folder / "results")
    benchmark.report(results=folder / "results", out=folder / "reports")
    return folder / "reports"


def test_the_data_has_the_matrix_under_each_attack(site):
    frame = pd.read_csv(site / "models" / "net-confusion.csv")
    assert frame["attack"].unique().tolist() == [CLEAN, "fgsm", "ddn", WORST_CASE]
    assert (frame.groupby("attack")["images"].sum() == 6).all()
    worst = frame[frame["attack"] == WORST_CASE].set_index(["true_class", "predicted_class"])["images"]
    assert worst["dog", "none"] == worst["cat", "eel"] == 1


def test_the_data_has_wilson_intervals_of_each_class(site):
    frame = pd.read_csv(site / "models" / "net-classes.csv").set_index("class")
    assert frame.loc["cat", ["clean", "r_worst"]].tolist() == [0.5, 0.0]
    assert frame.loc["dog", ["linf", "l2"]].tolist() == [1.0, 0.5]
    low, high = frame.loc["dog", ["l2_low", "l2_high"]]
    assert (low, high) == pytest.approx((0.0945, 0.9055), abs=1e-3)  # Wilson's for 1 of 2


def test_the_data_says_who_broke_an_image_and_what_it_became(site):
    (path,) = (site / "per-image").glob("*.csv")
    frame = pd.read_csv(path, dtype=str, keep_default_na=False).set_index("image")
    assert frame.loc["1"].tolist() == ["cat", "cat", "eel", "dog"]
    assert frame.loc["2"].tolist() == ["dog", "dog", "", "none"]
    assert frame.loc["0"].tolist() == ["cat", "dog", "", ""]
    assert frame.loc["3"].tolist() == ["dog", "dog", "", ""]  # beyond the radius


def test_what_an_attack_was_not_tried_on_or_does_not_tell_has_a_sign_of_its_own(tmp_path):
    attacks = [ATTACKS[0], ("pgd", "linf", 0.03, "fixed-budget", (0, NAN, 1, 1, 0, 0))]
    predicted = {**PREDICTED, "pgd": (1, UNKNOWN, UNKNOWN, 2, 2, NONE)}
    found = made(tmp_path, attacks, predicted, mode="worst-case")
    assert [row["pgd"] for row in per_image_rows(found)] == ["", "-", "?", "eel", "", ""]


def test_images_of_a_sample_are_called_by_their_places_in_the_test_set(found):
    places = (40, 3, 17, 0, 2, 9)
    sampled = replace(found, sample=Sample("rworst", places))
    assert [row["image"] for row in per_image_rows(sampled)] == [*places]


def test_the_page_has_a_chart_and_a_matrix_with_headers(site):
    page = (site / "models" / "net.html").read_text(encoding="utf-8")
    assert "Accuracy by class" in page
    table = page[page.index("Confusion in the worst case") :].partition("</table>")[0]
    assert table.count('scope="col"') == 5  # the corner, three classes, no answer
    assert table.count('scope="row"') == 3
    assert ">no answer</th>" in table
    assert "--add-classes" not in page
    assert "per-image/" in page


def test_the_page_of_older_records_says_what_they_lack(tmp_path):
    made(tmp_path / "results", predicted={})
    benchmark.report(results=tmp_path / "results", out=tmp_path / "reports")
    page = (tmp_path / "reports" / "models" / "net.html").read_text(encoding="utf-8")
    assert "bench evaluate --add-classes" in page
    assert "Confusion in the worst case" not in page


def test_of_many_classes_the_page_shows_no_matrix_and_names_are_escaped(tmp_path):
    names = ["<b>cat", "dog", "eel", *(f"more {number}" for number in range(DRAWN - 2))]
    add_evaluation(tmp_path / "many", "net", ATTACKS, WRONG, classes=CLASSES | {"names": names}, predicted=PREDICTED)
    benchmark.report(results=tmp_path / "many", out=tmp_path / "reports")
    page = (tmp_path / "reports" / "models" / "net.html").read_text(encoding="utf-8")
    assert "Confusion in the worst case" not in page
    assert "<b>cat" not in page
    frame = pd.read_csv(tmp_path / "reports" / "models" / "net-confusion.csv")
    assert frame["attack"].unique().tolist() == [CLEAN, WORST_CASE]
