"""Pages below the site, of sweeps, decisions and estimates: its navigation and looks, for everybody to read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from browser_site import emulated, visit
from synthetic import add_evaluation
from test_browser_pages import violations
from test_experiments_selected import figures, flags, lines
from test_reporting_readable import raw

import benchmark
from benchmark.experiments.page import page
from benchmark.experiments.table import to_grid
from benchmark.reporting.pages import site_root
from benchmark.sequential.page import write_decision, write_estimate
from benchmark.sequential.result import Decision, Estimate, Look, NetworkLine, PairLine

pytestmark = pytest.mark.browser


def sweep_page(folder: Path) -> Path:
    folder.mkdir(parents=True)
    table = lines([figures(flags(120))], [figures(flags(90), masked="zero gradients")])
    about = {
        "about": "How",
        "source": "Me 2027, arXiv:2701.00001",
        "command": "bench sweep",
        "failures": ["one failed"],
    }
    html = page(table, to_grid(table, "Values of <lr>"), selected="The best", root=site_root(folder), **about)  # type: ignore[arg-type]
    (folder / "index.html").write_text(html, encoding="utf-8")
    return folder / "index.html"


def decision_page(folder: Path) -> Path:
    look = Look(50, 1 / 12, -0.01, 0.2)
    told = [NetworkLine(name, 50, 0.5, 1 / 3, 0.6, 10, 100.0, "best") for name in ("<one>", "two")]
    pairs = (PairLine("<one>", "two", "better", (look,)),)
    decision = Decision("rworst", "best", 0.05, 0.05, "suite", "standard", "digits", 100, "<one>", tuple(told), pairs)
    return write_decision(folder, decision)


def estimate_page(folder: Path) -> Path:
    looks = (Look(50, 1 / 3, 0.2, 0.4),)
    numbers = (100, 1 / 3, 0.2, 0.4, 0.1, 0.05)
    attacks: Any = (("fgsm",), ("pgd",), 60, 50, 1000, 5000.0)
    return write_estimate(folder, Estimate("<one>", "suite", "standard", "digits", *numbers, *attacks, looks))


def test_each_has_the_sites_navigation_and_fits_everybody(browser: Any, tmp_path: Path) -> None:
    add_evaluation(tmp_path / "results")
    site = benchmark.report(results=tmp_path / "results", out=tmp_path / "reports").parent
    made = [
        write(site / kind / "x")
        for write, kind in ((sweep_page, "sweeps"), (decision_page, "decisions"), (estimate_page, "estimates"))
    ]
    for own in made:
        assert raw(own.read_text(encoding="utf-8")) == []
        for scheme in ("light", "dark"):
            with emulated(browser, scheme):
                visit(browser, own, width=390)
                assert browser.get_log("browser") == []
                assert violations(browser) == [], own
                assert browser.execute_script("return document.documentElement.scrollWidth") <= 390, own
        links = [link.get_attribute("href") for link in browser.find_elements("css selector", "nav a")]
        assert links[0] == (site / "index.html").as_uri()
    assert '<a href="https://arxiv.org/abs/2701.00001"' in made[0].read_text(encoding="utf-8")
