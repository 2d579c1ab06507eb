"""Security curves on a network's page: solid with an area where they are measured, else dashed bounds without one."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from synthetic import add_evaluation

import benchmark

#: A hundred images whose closest adversarials lie 0.01, 0.02, ..., 1 away.
TRUE = np.arange(1, 101) / 100
NO_ERRORS = (False,) * 100
PGD = ("pgd", "linf", 0.5, "fixed-budget", (TRUE <= 0.5).astype(float))
FMN = ("fmn", "linf", 0.5, "minimum-norm", TRUE)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    add_evaluation(tmp_path / "results", "at", [PGD], NO_ERRORS)
    return tmp_path / "results"


def page_and_data(results: Path) -> tuple[dict[str, str], pd.DataFrame]:
    """For each suite the part of the page of the network `at` that is about curves, and the curves as data."""
    folder = benchmark.report(results=results, out=results.parent / "reports").parent / "models"
    page = (folder / "at.html").read_text(encoding="utf-8")
    parts = {
        re.search(r'suites/[^"]*">(.*?)</a>', section)[1]: section.partition("<h3>Security curves</h3>")[2]  # type: ignore[index]
        for section in page.split("<section aria-labelledby=")[1:-1]
    }
    data = pd.read_csv(folder / "at-curves.csv")
    return {suite: part.split("<h3>Reproduce</h3>")[0] for suite, part in parts.items()}, data


def test_a_bound_is_dashed_has_no_area_and_says_how_to_measure(results: Path) -> None:
    pages, data = page_and_data(results)
    page = pages["multi-perturbation"]
    assert 'class="line dashed' in page
    assert "<b>linf, upper bound</b>" in page
    assert "area up to" not in page
    assert "no minimum-norm attack in this norm was run on every image" in page
    assert "bench evaluate zoo/at.pt --suite security-curves --preset quick --n 100 --mode complete" in page
    assert set(data["kind"]) == {"upper bound"}


def test_a_suite_that_minimises_the_distance_makes_it_a_curve_and_is_named(results: Path) -> None:
    add_evaluation(results, "at", [FMN], NO_ERRORS, suite="security-curves")
    pages, data = page_and_data(results)
    page = pages["multi-perturbation"]
    assert "dashed" not in page.replace("A dashed curve", "")
    assert "<b>linf, area up to ε 75.5%</b>" in page  # the mean of min(distance, 0.5) / 0.5
    assert "Distances that security-curves (quick) found on the same network and images are included." in page
    assert "distances from fmn" in page
    assert "bench evaluate" not in page
    assert set(data["kind"]) == {"measured"}
    for _, rows in data.groupby("evaluation"):
        assert rows.set_index("epsilon")["accuracy"].loc[0.25:].iloc[0] == pytest.approx(0.75)  # type: ignore[misc]
    lenders = data.groupby("evaluation")["distances_of"].first()
    assert lenders.isna().sum() == 1, "the suite that was borrowed from borrows nothing"
    assert lenders.dropna().iloc[0] == lenders.index[lenders.isna()][0]


def test_where_its_attacks_broke_more_the_difference_is_said(results: Path) -> None:
    add_evaluation(results, "at", [(*FMN[:4], np.maximum(TRUE - 0.105, 0.001))], NO_ERRORS, suite="security-curves")
    page = page_and_data(results)[0]["multi-perturbation"]
    assert "40.0% at 0.5, this suite’s attacks alone 50.0%" in page


@pytest.mark.parametrize("other", [{"dataset": "mnist"}, {"name": "mat"}, {"images": 99}])
def test_another_network_or_other_images_are_no_help(results: Path, other: dict) -> None:
    images, dataset = other.get("images", 100), other.get("dataset", "digits")
    attack = (*FMN[:4], TRUE[:images])
    name = other.get("name", "at")
    add_evaluation(results, name, [attack], NO_ERRORS[:images], suite="security-curves", dataset=dataset)
    assert "upper bound</b>" in page_and_data(results)[0]["multi-perturbation"]


def test_a_copy_under_another_name_is_the_same_network(results: Path) -> None:
    add_evaluation(results, "copy", [FMN], NO_ERRORS, suite="security-curves", network="at")
    assert "area up to" in page_and_data(results)[0]["multi-perturbation"]


def test_every_radius_has_its_mark(tmp_path: Path) -> None:
    attacks = [
        ("pgd-4", "linf", 4 / 255, "fixed-budget", TRUE <= 0.2),
        ("pgd-8", "linf", 8 / 255, "fixed-budget", TRUE <= 0.3),
    ]
    add_evaluation(tmp_path / "results", "at", attacks, NO_ERRORS, union=[("linf", 8 / 255)])
    page = page_and_data(tmp_path / "results")[0]["multi-perturbation"]
    assert re.findall(r">(ε = [^<]*)</text>", page) == ["ε = 4/255", "ε = 8/255"]
    assert "<title>80.0 at ε = 4/255</title>" in page
    assert "<title>70.0 at ε = 8/255</title>" in page


def test_a_strength_has_no_curve(tmp_path: Path) -> None:
    add_evaluation(tmp_path / "results", "at", [("fog", "fog", 128.0, "fixed-budget", TRUE <= 0.2)], NO_ERRORS)
    benchmark.report(results=tmp_path / "results", out=tmp_path / "reports")
    assert "Security curves" not in (tmp_path / "reports" / "models" / "at.html").read_text(encoding="utf-8")
    assert not (tmp_path / "reports" / "models" / "at-curves.csv").exists()
