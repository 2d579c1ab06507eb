"""The site in a real browser: sorting, filtering, links, a silent console, nothing fetched from elsewhere."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from synthetic import WORKED_ATTACKS, add_evaluation

import benchmark

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
)  # fmt: skip
HARMFUL = "<script>alert(1)</script>"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (BROWSER and DRIVER), reason="needs Chromium and chromedriver; none is fetched"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
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
    """Four networks on one board, one of them on a second, whose Rworst orders are known."""
    results = tmp_path_factory.mktemp("site") / "results"
    history = [{"epoch": epoch, "loss": 1 / epoch, "clean": 0.5} for epoch in (1, 2, 3)]
    for name, broken, method in (("at", 10, "at"), ("mat-h1", 0, "mat"), ("mat-h2", 30, "mat"), (HARMFUL, 20, "at")):
        attacks = [
            ("fgsm", "linf", 0.03, "budget", [0.0] * 40),
            ("pgd", "linf", 0.03, "budget", [1.0] * broken + [0.0] * (40 - broken)),
        ]
        add_evaluation(results, name, attacks, (False,) * 40, card={"method": method, "history": history})
    add_evaluation(results, "at", WORKED_ATTACKS, dataset="mnist", card={"method": "at"})
    return benchmark.report(results=results, out=results.parent / "reports").parent


def visit(browser: Any, page: Path, width: int = 1280) -> None:
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600},
    )
    browser.get_log("browser")
    browser.get_log("performance")
    browser.get(page.as_uri())


def networks(browser: Any) -> list[str]:
    """The networks that are shown, from top to bottom."""
    shown = ".board:not([hidden]) tbody tr:not([hidden]) th a"
    return browser.execute_script(f"return [...document.querySelectorAll('{shown}')].map(a => a.textContent)")


def head(browser: Any, name: str) -> Any:
    (found,) = [
        cell
        for cell in browser.find_elements("css selector", ".board:first-of-type thead th")
        if cell.text.strip() == name
    ]
    return found


@pytest.fixture
def index(browser: Any, site: Path) -> Any:
    visit(browser, site / "index.html")
    return browser


def test_columns_sort_both_ways(index: Any) -> None:
    board = ["mat-h1", "at", HARMFUL, "mat-h2"]
    assert networks(index)[:4] == board
    column = head(index, "Rworst")
    button = column.find_element("tag name", "button")
    button.click()
    assert column.get_attribute("aria-sort") == "descending"
    assert networks(index)[:4] == board
    button.click()
    assert column.get_attribute("aria-sort") == "ascending"
    assert networks(index)[:4] == board[::-1]
    head(index, "Network").find_element("tag name", "button").send_keys("\n")
    assert networks(index)[:4] == sorted(board, key=str.casefold)
    sorted_columns = index.find_elements("css selector", ".board:first-of-type thead th[aria-sort]")
    assert [cell.text.strip() for cell in sorted_columns] == ["Network"]


def test_search_and_filters(index: Any) -> None:
    from selenium.webdriver.support.ui import Select

    said = index.find_element("css selector", ".tools output")
    assert said.text == "5 networks"
    search = index.find_element("name", "words")
    search.send_keys("MAT h2")
    assert networks(index) == ["mat-h2"]
    assert said.text == "1 of 5 networks"
    points = index.find_elements("css selector", ".board:not([hidden]) svg a[data-network]")
    assert [point.is_displayed() for point in points].count(True) == 1
    search.clear()
    search.send_keys(" ")
    Select(index.find_element("name", "method")).select_by_visible_text("mat")
    assert networks(index) == ["mat-h1", "mat-h2"]
    Select(index.find_element("name", "dataset")).select_by_visible_text("mnist")
    assert networks(index) == []
    Select(index.find_element("name", "method")).select_by_visible_text("all")
    assert networks(index) == ["at"]


def test_columns_are_chosen(index: Any) -> None:
    cells = index.find_elements("css selector", ".board:first-of-type thead th")
    (attack,) = [cell for cell in cells if cell.get_attribute("textContent") == "pgd"]
    assert not attack.is_displayed()
    index.find_element("css selector", ".board:first-of-type .columns summary").click()
    boxes = index.find_elements("css selector", ".board:first-of-type .columns label")
    (box,) = [label for label in boxes if label.text.strip() == "pgd"]
    box.click()
    assert attack.is_displayed()
    box.click()
    assert not attack.is_displayed()


def test_every_page_is_silent_and_alone(browser: Any, site: Path) -> None:
    """No message on the console, no dialog, no request but for the file itself, every link leads somewhere."""
    pages = sorted(site.rglob("*.html"))
    assert len(pages) == 1 + 1 + 1 + 2 + 4
    for page in pages:
        visit(browser, page)
        assert browser.get_log("browser") == []
        sent = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
        requests = [
            item["params"]["request"]["url"] for item in sent if item["method"] == "Network.requestWillBeSent"
        ]
        assert requests == [page.as_uri()]
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
