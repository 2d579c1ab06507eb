"""The site in a real browser: sorting, filtering, comparing, links, a silent console, nothing from elsewhere."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from papers_ledger import file_evaluation
from synthetic import WORKED_ATTACKS, add_evaluation

import benchmark
from benchmark import papers
from benchmark.analysis import paired
from benchmark.evaluation import load_results
from benchmark.papers.networks import find_network
from benchmark.papers.stage import make_stage
from benchmark.reporting.references import references
from benchmark.reporting.text import percent

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
)  # fmt: skip
DIGITS = '.board[data-dataset="digits"]'
HARMFUL = "<script>alert(1)</script>"

#: What WCAG 2.0 to 2.2 ask for at the levels A and AA, as axe calls it.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

pytestmark = pytest.mark.browser


def require_browser() -> None:
    """Skip tests where there is no Chromium, but fail them where all have to run."""
    if not (BROWSER and DRIVER):
        missing = "needs Chromium and chromedriver; none is fetched"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    require_browser()
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = str(BROWSER)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(str(DRIVER)))
        yield driver
        driver.quit()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four networks on one board, one of them on a second, whose Rworst orders are known; three more in two norms."""
    results = tmp_path_factory.mktemp("site") / "results"
    history = [{"epoch": epoch, "loss": 1 / epoch, "clean": 0.5} for epoch in (1, 2, 3)]
    for name, broken, method in (("at", 10, "at"), ("mat-h1", 0, "mat"), ("mat-h2", 30, "mat"), (HARMFUL, 20, "at")):
        attacks = [
            ("fgsm", "linf", 0.03, "budget", [0.0] * 40),
            ("pgd", "linf", 0.03, "budget", [1.0] * broken + [0.0] * (40 - broken)),
        ]
        add_evaluation(results, name, attacks, (False,) * 40, card={"method": method, "history": history})
    add_evaluation(results, "at", WORKED_ATTACKS, dataset="mnist", card={"method": "at"})
    for source in ("at", "mat-h1"):
        attack = ("pgd", "linf", 0.03, "budget", [1.0] * (4 if source == "at" else 1) + [0.0] * 16)
        add_evaluation(results, "at", [attack], (False,) * len(attack[-1]), crafted_on=source, dataset="mnist")
    generator = np.random.default_rng(0)
    for name, level in (("weak", 0.6), ("strong", 0.45), ("twin", 0.46)):
        wrong = generator.random(300) < 0.1
        attacks = [
            ("pgd", "linf", 8 / 255, "budget", (generator.random(300) < level).astype(float)),
            ("fgsm", "linf", 8 / 255, "budget", (generator.random(300) < level / 9).astype(float)),
            ("ddn", "l2", 0.5, "budget", (generator.random(300) < level / 2).astype(float)),
        ]
        add_evaluation(results, name, attacks, wrong, dataset="cifar10", card={"method": "at"})
    return benchmark.report(results=results, out=results.parent / "reports").parent


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
    stage = make_stage(loaded, "digits")
    for run, broken in (("at", 40), ("mat", 20)):
        network = find_network(loaded, run, stage, "small-cnn", 0)
        assert network is not None
        file_evaluation(folder / "results", network, stage, "multi-perturbation", broken, mode="worst-case")
    where = {"zoo": folder / "zoo", "results": folder / "results", "out": folder / "reports"}
    page = papers.paper(name, only=["AT"], progress=False, **where).page
    assert page is not None
    return page


def visit(browser: Any, page: Path, width: int = 1280) -> None:
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600},
    )
    browser.get_log("browser")
    browser.get_log("performance")
    browser.get(page.as_uri())


def networks(browser: Any, dataset: str = "digits") -> list[str]:
    """The networks that are shown on the boards of `dataset`, from top to bottom; "" for all boards."""
    board = f'.board[data-dataset="{dataset}"]' if dataset else ".board"
    shown = f"{board}:not([hidden]) tbody tr:not([hidden]) th a"
    return browser.execute_script(f"return [...document.querySelectorAll('{shown}')].map(a => a.textContent)")


def requested(browser: Any) -> list[str]:
    """What was asked for since the last call."""
    sent = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [item["params"]["request"]["url"] for item in sent if item["method"] == "Network.requestWillBeSent"]


def wait_for(browser: Any, selector: str) -> Any:
    from selenium.webdriver.support import expected_conditions
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(browser, 20).until(
        expected_conditions.visibility_of_element_located(("css selector", selector))
    )


def headings(browser: Any, dataset: str = "digits") -> list[str]:
    """The columns that are shown of the board of `dataset`."""
    cells = browser.find_elements("css selector", f'.board[data-dataset="{dataset}"] thead th')
    return [cell.text.strip() for cell in cells if cell.is_displayed()]


def head(browser: Any, name: str) -> Any:
    cells = browser.find_elements("css selector", f"{DIGITS} thead th")
    (found,) = [cell for cell in cells if cell.text.strip() == name]
    return found


def choose(browser: Any, name: str, value: str) -> None:
    from selenium.webdriver.support.ui import Select

    Select(browser.find_element("name", name)).select_by_visible_text(value)


@pytest.fixture
def index(browser: Any, site: Path) -> Any:
    visit(browser, site / "index.html")
    return browser


def test_columns_sort_both_ways(index: Any) -> None:
    board = ["mat-h1", "at", HARMFUL, "mat-h2"]
    assert networks(index) == board
    column = head(index, "Rworst")
    button = column.find_element("tag name", "button")
    button.click()
    assert column.get_attribute("aria-sort") == "descending"
    assert networks(index) == board
    button.click()
    assert column.get_attribute("aria-sort") == "ascending"
    assert networks(index) == board[::-1]
    head(index, "Network").find_element("tag name", "button").send_keys("\n")
    assert networks(index) == sorted(board, key=str.casefold)
    sorted_columns = index.find_elements("css selector", f"{DIGITS} thead th[aria-sort]")
    assert [cell.text.strip() for cell in sorted_columns] == ["Network"]


def test_search_and_filters(index: Any) -> None:
    said = index.find_element("css selector", ".tools output")
    assert said.text == "8 networks"
    search = index.find_element("name", "words")
    search.send_keys("MAT h2")
    assert networks(index, "") == ["mat-h2"]
    assert said.text == "1 of 8 networks"
    points = index.find_elements("css selector", ".board:not([hidden]) svg a[data-network]")
    assert [point.is_displayed() for point in points].count(True) == 1
    search.clear()
    search.send_keys(" ")
    choose(index, "method", "mat")
    assert networks(index, "") == ["mat-h1", "mat-h2"]
    choose(index, "dataset", "mnist")
    assert networks(index, "") == []
    choose(index, "method", "all")
    assert networks(index, "") == ["at"]


def test_columns_are_chosen(index: Any) -> None:
    shown = headings(index)
    assert {"Rank", "Network", "Rworst", "Clean"} <= set(shown)
    assert not {"pgd", "Forward"} & set(shown)
    index.find_element("css selector", f"{DIGITS} .columns summary").click()
    boxes = {box.text.strip(): box for box in index.find_elements("css selector", f"{DIGITS} .columns label")}
    boxes["pgd"].click()
    boxes["Rworst"].click()
    boxes["Forward"].click()
    assert set(headings(index)) == {*shown, "pgd", "Forward"} - {"Rworst"}
    cells = index.find_elements("css selector", f"{DIGITS} tbody td:last-child")
    assert [cell.text for cell in cells] == ["100.0", "75.0", "50.0", "25.0"]
    button = head(index, "pgd").find_element("tag name", "button")
    button.click()
    button.click()
    assert networks(index) == ["mat-h2", HARMFUL, "at", "mat-h1"]
    for name in ("pgd", "Rworst", "Forward"):
        boxes[name].click()
    assert headings(index) == shown


def test_a_norm_alone(index: Any) -> None:
    """Its accuracy, its attacks and no figures of others; best first; boards without it go."""
    before = headings(index, "cifar10")
    choose(index, "norm", "l2")
    assert networks(index) == []
    about = ["Network", "l2", "Clean", "Method", "Architecture"]
    assert headings(index, "cifar10") == [*about, "ddn"]
    (column,) = index.find_elements("css selector", '.board[data-dataset="cifar10"] [aria-sort]')
    assert (column.text.strip(), column.get_attribute("aria-sort")) == ("l2", "descending")
    cells = index.find_elements("css selector", '.board[data-dataset="cifar10"] tbody:first-of-type td:nth-child(6)')
    accuracies = [float(cell.get_attribute("data-v")) for cell in cells]
    assert accuracies == sorted(accuracies, reverse=True)
    assert not index.find_element("css selector", '.board[data-dataset="cifar10"] figure').is_displayed()
    choose(index, "norm", "linf")
    assert headings(index, "cifar10") == [*(name.replace("l2", "linf") for name in about), "pgd", "fgsm"]
    choose(index, "norm", "all")
    assert headings(index, "cifar10") == before
    assert networks(index) == ["mat-h1", "at", HARMFUL, "mat-h2"]


def test_networks_side_by_side(index: Any, site: Path) -> None:
    """The page's tests are those of `bench compare`: p exactly where it is exact, intervals as bootstrapped ones."""
    boxes = {
        box.get_attribute("aria-label").removeprefix("Compare "): box
        for box in index.find_elements("css selector", '.board[data-dataset="cifar10"] .pick')
    }
    index.get_log("performance")
    for name in ("weak", "strong", "twin"):
        boxes[name].click()
    index.find_element("css selector", ".picked .open").click()
    wait_for(index, "dialog .differences")
    requests = requested(index)
    assert len(requests) == 3
    assert all(Path(urlsplit(url).path).parent == site / "per-image" for url in requests)
    found = index.execute_script(
        "return [...document.querySelectorAll('.differences tbody')].map(body => [...body.rows].map(row =>"
        "[...row.cells].map(cell => [cell.textContent, {...cell.dataset}])))"
    )
    evaluations = {item.name: item for item in load_results(site.parent / "results") if item.dataset["images"] == 300}
    assert len(found) == 3
    for (title, *rows), pair in zip(found, (("weak", "strong"), ("weak", "twin"), ("strong", "twin")), strict=True):
        assert title[0][0] == " − ".join(pair)
        for metric, line in zip(("rworst", "ravg", "linf", "l2", "clean"), rows, strict=True):
            expected = paired.compare(evaluations[pair[0]], evaluations[pair[1]], metric)
            assert expected is not None
            (name, _), (_, difference), (_, p), (_, corrected), (verdict, _), (first, _), (second, _) = line
            assert name.lower() == metric
            assert float(difference["v"]) == pytest.approx(expected.difference, abs=1e-12)
            assert float(difference["low"]) == pytest.approx(expected.low, abs=0.01)
            assert float(difference["high"]) == pytest.approx(expected.high, abs=0.01)
            if metric == "ravg":
                assert (first, second) == ("–", "–")
                assert float(p["v"]) == pytest.approx(expected.p, rel=0.5, abs=0.03)
            else:
                assert (int(first), int(second)) == (expected.only_first, expected.only_second)
                assert float(p["v"]) == pytest.approx(expected.p, rel=1e-9)
            assert float(p["v"]) <= float(corrected["v"]) <= min(1.0, 3 * float(p["v"]) + 1e-12) or metric == "ravg"
            assert ("better" in verdict) == (float(corrected["v"]) <= 0.05)
    summary = index.find_elements("css selector", ".compared table:first-child tbody tr:nth-child(2) td")
    worst = [paired.scores(evaluations[name], "rworst").mean() for name in ("weak", "strong", "twin")]  # type: ignore[union-attr]
    assert [cell.text.split()[0] for cell in summary] == [percent(float(value)) for value in worst]


def test_the_pages_statistics(index: Any) -> None:
    """Functions of the page against those of the analysis room, up to counts at which 2^-n is 0."""
    pairs = [(0, 0), (0, 5), (3, 9), (10, 10), (40, 80), (900, 1100), (4000, 4300), (0, 2000)]
    found = index.execute_script("return arguments[0].map(([a, b]) => mcnemar(a, b))", pairs)
    assert found == pytest.approx([float(paired.mcnemar(*pair)) for pair in pairs], rel=1e-9, abs=1e-300)
    found = index.execute_script("return [0, 0.5, -1.96, 5].map(normalP)")
    assert found == pytest.approx([1.0, 0.6170750774519738, 0.04999579029644087, 5.733031437583866e-07], rel=1e-6)
    assert index.execute_script("return holm([0.04, 0.01, 0.03])") == pytest.approx([0.06, 0.03, 0.06])


def test_two_to_four_networks_of_one_board(index: Any) -> None:
    boxes = index.find_elements("css selector", f"{DIGITS} .pick")
    (bar,) = index.find_elements("css selector", ".picked")
    assert not bar.is_displayed()
    boxes[0].click()
    assert not index.find_element("css selector", ".picked .open").is_enabled()
    for box in boxes[1:]:
        box.click()
    assert index.find_element("css selector", ".picked .open").is_enabled()
    other = index.find_element("css selector", '.board[data-dataset="cifar10"] .pick')
    index.execute_script("arguments[0].click()", other)
    assert [box.is_selected() for box in boxes] == [False] * 4
    index.find_element("css selector", ".picked .clear").click()
    assert not other.is_selected()
    assert not bar.is_displayed()


def test_published_entries_stand_apart(index: Any) -> None:
    """Off at first, below the networks, without rank, with their radius; none for other data sets."""
    board = '.board[data-dataset="cifar10"]'
    rows = index.find_elements("css selector", f"{board} .reference tr")
    assert len(rows) == len([entry for entry in references("cifar10") if entry.norm in ("linf", "l2")]) > 100
    assert not rows[0].is_displayed()
    index.find_element("name", "references").click()
    assert index.find_element("css selector", f"{board} .reference").is_displayed()
    assert "nothing about digits" in index.find_element("css selector", f"{DIGITS} .references").text
    texts = dict(
        index.execute_script(
            "return [...document.querySelectorAll(arguments[0] + ' .reference tr')]"
            ".map(row => [row.dataset.norm + ' ' + row.querySelector('b').textContent, row.innerText])",
            board,
        )
    )
    words = texts["linf Zhang2019Theoretically"].split()
    assert words[0] == "–"
    assert {"53.1", "84.9"} <= set(words)
    assert "ε 0.031, not this board’s" in texts["linf Zhang2019Theoretically"]
    assert "not this board’s" not in texts["linf Wu2020Adversarial"]
    assert index.find_element("css selector", ".tools output").text == "8 networks"
    choose(index, "norm", "l2")
    assert {row.get_attribute("data-norm") for row in rows if row.is_displayed()} == {"l2"}
    assert networks(index, "cifar10")[0] in ("weak", "strong", "twin")


def test_a_long_board_begins_with_a_hundred(browser: Any, tmp_path: Path) -> None:
    """In whatever order; filters and sorting know all networks, and one click shows them."""
    for number in range(103):
        add_evaluation(
            tmp_path / "results", f"n{number:03}", [("pgd", "linf", 0.03, "budget", (0, 1))], (False, False)
        )
    visit(browser, benchmark.report(results=tmp_path / "results", out=tmp_path / "reports"))
    assert len(networks(browser)) == 100
    head(browser, "Network").find_element("tag name", "button").click()
    head(browser, "Network").find_element("tag name", "button").click()
    assert networks(browser) == [f"n{number:03}" for number in range(102, 2, -1)]
    browser.find_element("name", "words").send_keys("n00")
    assert networks(browser) == [f"n{number:03}" for number in range(9, -1, -1)]
    browser.find_element("name", "words").send_keys("\b\b\b")
    (button,) = browser.find_elements("css selector", ".more button")
    assert button.text == "Show all 103 networks"
    button.click()
    assert len(networks(browser)) == 103
    assert browser.switch_to.active_element.text == "n002"
    assert not button.is_displayed()


def test_without_a_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "BROWSER", None)
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="needs Chromium"):
        require_browser()
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="needs Chromium"):
        require_browser()


def test_every_page_is_silent_and_alone(browser: Any, site: Path) -> None:
    """No message on the console, no dialog, no request but for the file itself, every link leads somewhere."""
    pages = sorted(site.rglob("*.html"))
    assert len(pages) == 1 + 1 + 1 + 3 + 7
    for page in pages:
        visit(browser, page)
        assert browser.get_log("browser") == []
        assert [url for url in requested(browser) if not url.startswith("data:")] == [page.as_uri()]
        for link in browser.execute_script(
            "return [...document.querySelectorAll('[href]')].map(a => a.href.baseVal ?? a.href)"
        ):
            target = urlsplit(link)
            assert not target.netloc
            assert not target.path.startswith("/") or Path(target.path).is_file(), link


def test_a_harmful_name_is_only_a_name(browser: Any, site: Path) -> None:
    visit(browser, site / "index.html")
    (link,) = [a for a in browser.find_elements("css selector", "tbody th a") if a.text == HARMFUL]
    link.click()
    assert browser.find_element("tag name", "h1").text == HARMFUL
    assert browser.title == HARMFUL
    assert browser.find_elements("tag name", "script") == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_a_phone(browser: Any, site: Path, scheme: str) -> None:
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    for page in (site / "index.html", site / "glossary.html", site / "transfer.html", site / "models" / "at.html"):
        visit(browser, page, width=390)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_that_axe_objects_to(browser: Any, site: Path, paper: Path, scheme: str) -> None:
    """No violation of WCAG at the levels A and AA, on any kind of page, with all of it unfolded."""
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
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
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
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
