"""The leaderboard of a suite with several radii of one norm, in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser_site import choose, headings, require_browser, visit, wait_for
from synthetic import add_evaluation

import benchmark
from benchmark.analysis import paired
from benchmark.ledger import load_results

pytestmark = pytest.mark.browser

FOUR, EIGHT = 4 / 255, 8 / 255


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two networks at two radii of linf and one of l2, of which the larger one of linf and that of l2 count."""
    require_browser()
    results = tmp_path_factory.mktemp("radii") / "results"
    generator = np.random.default_rng(0)
    for name, level in (("weak", 0.5), ("strong", 0.3)):
        attacks = [
            ("pgd-4", "linf", FOUR, "fixed-budget", (generator.random(300) < level / 2).astype(float)),
            ("pgd-8", "linf", EIGHT, "fixed-budget", (generator.random(300) < level).astype(float)),
            ("ddn", "l2", 0.5, "fixed-budget", (generator.random(300) < level / 3).astype(float)),
        ]
        wrong = generator.random(300) < 0.1
        add_evaluation(results, name, attacks, wrong, dataset="cifar10", union=[("linf", EIGHT), ("l2", 0.5)])
    benchmark.report(results=results, out=results.parent / "reports")
    return results


def test_a_norm_alone_has_all_its_radii(browser: Any, results: Path) -> None:
    visit(browser, results.parent / "reports" / "index.html")
    choose(browser, "norm", "linf")
    assert headings(browser, "cifar10")[:3] == ["Network", "linf 4/255", "linf 8/255"]
    (column,) = browser.find_elements("css selector", "[aria-sort]")
    assert (column.text.strip(), column.get_attribute("aria-sort")) == ("linf 4/255", "descending")


def test_networks_are_compared_under_each_threat_and_over_those_that_count(browser: Any, results: Path) -> None:
    visit(browser, results.parent / "reports" / "index.html")
    for box in browser.find_elements("css selector", ".pick"):
        box.click()
    browser.find_element("css selector", ".picked .open").click()
    wait_for(browser, "dialog .differences")
    (title, *rows) = browser.execute_script(
        "return [...document.querySelectorAll('.differences tbody tr')].map(row =>"
        "[row.cells[0].textContent, row.cells[1]?.dataset.v])"
    )
    one, other = title[0].split(" − ")
    evaluations = {found.name: found for found in load_results(results)}
    metrics = ("rworst", "ravg", "linf 4/255", "linf 8/255", "l2", "clean")
    assert [name.lower() for name, _ in rows] == list(metrics)
    for metric, (_, difference) in zip(metrics, rows, strict=True):
        expected = paired.compare(evaluations[one], evaluations[other], metric)
        assert expected is not None
        assert float(difference) == pytest.approx(expected.difference, abs=1e-12)
