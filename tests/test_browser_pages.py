"""All pages in a real browser: a silent console, nothing from elsewhere, words that everybody can read."""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import browser_site
import numpy as np
import pytest
from browser_site import DIGITS, HARMFUL, emulated, requested_until_left, require_browser, visit, wait_for
from papers_ledger import file_evaluation
from synthetic import add_evaluation

import benchmark
from benchmark import papers
from benchmark.papers.networks import find_network
from benchmark.papers.setting import make_setting

#: What WCAG 2.0 to 2.2 ask for at the levels A and AA, as axe calls it.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

pytestmark = pytest.mark.browser

site = browser_site.site  # a fixture

PAPER = """\
name: toy
title: Toy
source: nowhere
scales:
  digits: {recipe: quick, preset: quick, images: 100, architecture: small-cnn}
  other: {recipe: quick}
runs:
  at: {method: at}
  mat: {method: mat}
exhibits:
  "1":
    title: Two networks
    suite: multi-perturbation
    mode: worst-case
    columns: [{label: Clean, metric: clean}, {label: linf, metric: linf}, {label: Rworst, metric: r_worst}]
    rows: [{label: AT, run: at, group: First}, {label: MAT, run: mat, network: h1, gains_over: AT}]
  figure-1:
    title: The same as bars
    suite: multi-perturbation
    mode: worst-case
    chart: {kind: bars}
    columns: [{label: Clean, metric: clean}, {label: linf, metric: linf}]
    rows: [{label: AT, run: at}]
claims:
  - {text: they differ, exhibit: "1", left: AT, right: MAT, column: linf}
"""


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a paper of which all was measured."""
    folder = tmp_path_factory.mktemp("paper")
    (folder / "toy.yaml").write_text(PAPER, encoding="utf-8")
    name = str(folder / "toy.yaml")
    loaded = papers.load_paper(name)
    setting = make_setting(loaded, "digits")
    for run, broken in (("at", 40), ("mat", 20)):
        network = find_network(loaded, run, setting, "small-cnn", 0)
        assert network is not None
        file_evaluation(folder / "results", network, setting, "multi-perturbation", broken, mode="worst-case")
    where = {"zoo": folder / "zoo", "results": folder / "results", "out": folder / "reports"}
    page = papers.paper(name, only=["AT"], progress=False, **where).page
    assert page is not None
    return page


def test_without_a_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser_site, "BROWSER", None)
    for kind, needed in (
        ("chromium", "needs Chromium and chromedriver"),
        ("firefox", "needs Firefox and geckodriver"),
    ):
        monkeypatch.setattr(browser_site, "KIND", kind)
        monkeypatch.delenv("CI", raising=False)
        with pytest.raises(pytest.skip.Exception, match=needed):
            require_browser()
        monkeypatch.setenv("CI", "true")
        with pytest.raises(pytest.fail.Exception, match=needed):
            require_browser()


def test_every_page_is_silent_and_alone(browser: Any, site: Path) -> None:
    """No message on the console, no dialog, no request but for the site's own files, every link leads somewhere."""
    pages = sorted(site.rglob("*.html"))
    assert len(pages) == 1 + 1 + 1 + 1 + 1 + 3 + 3 + 7
    for page in pages:
        visit(browser, page)
        links = browser.execute_script(
            "return [...document.querySelectorAll('[href]')].map(a => a.href.baseVal ?? a.href)"
        )
        first, *others = [url for url in requested_until_left(browser) if not url.startswith("data:")]
        assert browser.get_log("browser") == []
        assert first == page.as_uri()
        places = [Path(urlsplit(url).path).relative_to(site) for url in others]
        assert {place.parts[0] for place in places} <= {"assets", "data", "images"}
        has_own = page.parent.name in ("models", "images") or page.name in ("figures.html", "union.html")
        assert not places or has_own
        for link in links:
            target = urlsplit(link)
            assert target.netloc in ("", "arxiv.org"), link
            assert target.netloc or not target.path.startswith("/") or Path(target.path).is_file(), link


def test_what_a_page_asks_for_late_is_its_own(browser: Any, tmp_path: Path) -> None:
    """A page that never ceases to ask is not mistaken for the next one, and all that it asked for is told."""
    restless, quiet = tmp_path / "restless.html", tmp_path / "quiet.html"
    again = "document.head.append(Object.assign(document.createElement('img'), {src: `never-${count++}.png`}))"
    restless.write_text(f"<!doctype html><script>let count = 0; setInterval(() => {again}, 1)</script>", "utf-8")
    quiet.write_text("<!doctype html>", "utf-8")
    for _ in range(5):
        visit(browser, restless)
        visit(browser, quiet)
        assert requested_until_left(browser) == [quiet.as_uri()]
        visit(browser, restless)
        time.sleep(0.05)
        asked = requested_until_left(browser)
        assert asked[0] == restless.as_uri()
        assert len(asked) > 1


def test_a_harmful_name_is_only_a_name(browser: Any, site: Path) -> None:
    visit(browser, site / "index.html")
    (link,) = [a for a in browser.find_elements("css selector", "tbody th a") if a.text == HARMFUL]
    link.click()
    assert browser.find_element("tag name", "h1").text == HARMFUL
    assert browser.title == HARMFUL
    scripts = browser.execute_script("return [...document.scripts].map(script => [script.src, script.text])")
    assert all(Path(urlsplit(source).path).parent.parent == site and not text for source, text in scripts)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_a_phone(browser: Any, site: Path, paper: Path, scheme: str) -> None:
    with emulated(browser, scheme):
        suite = next((site / "suites").glob("*.html"))
        names = ("index.html", "glossary.html", "transfer.html", "models/at.html", "figures.html", "union.html")
        for page in (*(site / name for name in names), suite, paper):
            visit(browser, page, width=390)
            assert browser.execute_script("return document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_nothing_that_axe_objects_to(browser: Any, site: Path, paper: Path, scheme: str) -> None:
    """No violation of WCAG at the levels A and AA, on any kind of page, with all of it unfolded."""
    with emulated(browser, scheme):
        kinds = [site / "index.html", site / "models" / "at.html", next((site / "suites").glob("*.html"))]
        for page in (*kinds, site / "transfer.html", site / "glossary.html", paper):
            visit(browser, page)
            browser.execute_script("for (const part of document.querySelectorAll('details')) part.open = true")
            assert violations(browser) == [], page
        visit(browser, site / "index.html")
        browser.find_element("name", "references").click()
        for box in browser.find_elements("css selector", f"{DIGITS} .pick")[:2]:
            box.click()
        assert violations(browser) == []
        browser.find_element("css selector", ".picked .open").click()
        wait_for(browser, "dialog .differences")
        assert violations(browser) == []


def test_axe_finds_what_is_wrong(browser: Any, tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text("<html><title>x</title><p style='color:#ccc'>pale</p><input></html>")
    visit(browser, page)
    assert {"color-contrast", "label", "html-has-lang"} <= {name for name, _ in violations(browser)}


def violations(browser: Any) -> list[tuple[str, list[str]]]:
    """What axe-core objects to, each with the elements that it is about."""
    spec = importlib.util.find_spec("axe_playwright_python")
    assert spec is not None
    assert spec.origin is not None
    browser.execute_script(Path(spec.origin).with_name("axe.min.js").read_text(encoding="utf-8"))
    found = browser.execute_async_script(
        "const [rules, done] = arguments; axe.run(document, {runOnly: rules}).then(result =>"
        "done(result.violations.map(rule => [rule.id, rule.nodes.map(node => node.html)])))",
        RULES,
    )
    return [(name, nodes) for name, nodes in found]


def test_text_can_be_read(browser: Any, site: Path) -> None:
    """Words stand out from what is behind them by 4.5 to 1 at least (WCAG AA), in light and dark."""
    for scheme in ("light", "dark"):
        with emulated(browser, scheme):
            visit(browser, site / "index.html")
            colours = browser.execute_script(
                "const style = getComputedStyle(document.documentElement);"
                "return Object.fromEntries(['ink','quiet','accent','paper','card','warn','warn-ink']"
                ".map(name => [name, style.getPropertyValue('--' + name).trim()]))"
            )
            for words, behind in (
                ("ink", "paper"), ("ink", "card"), ("quiet", "paper"), ("quiet", "card"), ("accent", "card"),
                ("accent", "paper"), ("warn-ink", "warn"),
            ):  # fmt: skip
                assert contrast(colours[words], colours[behind]) >= 4.5, (scheme, words, behind)


def contrast(one: str, other: str) -> float:
    """The contrast of two colours like "#0b6e6e", as WCAG 2 defines it."""

    def luminance(colour: str) -> float:
        parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_all_columns_of_the_attacks_are_in_sight_at_1400_pixels(browser: Any, tmp_path: Path) -> None:
    """As wide as it gets: attacks in bfloat16 and in worst-case mode, all numbers long."""
    attacks = [
        ("pgd-from-image-linf", "linf", 0.0313725, "fixed-budget", [1.0] * 400 + [0.0] * 600),
        ("gaussian-noise-l2", "l2", 0.705, "minimum-norm", [0.705] * 400 + [np.inf] * 600),
    ]
    costs = {"forwards": 163_200_000, "backwards": 163_200_000, "seconds": 35_000, "disagreements": 250}
    add_evaluation(
        tmp_path / "results", "at", attacks, (False,) * 1000, mode="worst-case", precision="bf16", info=costs
    )
    benchmark.report(results=tmp_path / "results", out=tmp_path / "reports")
    visit(browser, tmp_path / "reports" / "models" / "at.html", width=1400)
    table = "document.querySelector('.attacks').parentElement"
    inside, room = browser.execute_script(f"return [{table}.scrollWidth, {table}.clientWidth]")
    assert inside <= room
