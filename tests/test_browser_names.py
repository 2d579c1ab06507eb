"""Names of any length fit, links within a page undo no choice, and rows are there where the script fails."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser_site import choose, emulated, visit
from synthetic import add_evaluation
from test_browser_pages import violations

import benchmark

pytestmark = pytest.mark.browser

LONG = "x" * 150


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Networks whose names, methods and classes are long words, words of JavaScript or a letter; two elsewhere."""
    results = tmp_path_factory.mktemp("names") / "results"
    classes = {
        "names": ["a class of some length", "__proto__", LONG],
        "labels": "0 0 0 0 1 2",
        "answers": "1 0 0 0 1 2",
    }
    for name in (LONG, "__proto__", "constructor", "hasOwnProperty", "toString", "i"):
        add_evaluation(results, name, card={"method": name, "architecture": name}, classes=classes)
    for name, far in (("reached", 0.7), ("not reached", np.inf)):
        add_evaluation(
            results, name, [("ddn", "l2", 0.5, "minimum-norm", [far] * 40)], (False,) * 40, dataset="mnist"
        )
    return benchmark.report(results=results, out=results.parent / "reports").parent


@pytest.mark.parametrize(("scheme", "width"), [("light", 390), ("dark", 1280)])
def test_long_names_fit_and_are_read(browser: Any, site: Path, scheme: str, width: int) -> None:
    pages = ("index.html", "figures.html", "union.html", "images/*.html", "models/constructor.html", "suites/*.html")
    with emulated(browser, scheme):
        for own in pages:
            page = next(path for path in sorted(site.glob(own)) if "mnist" not in path.name)
            visit(browser, page, width)
            browser.execute_script("for (const part of document.querySelectorAll('details')) part.open = true")
            assert browser.execute_script("return document.documentElement.scrollWidth") <= width, own
            assert browser.execute_script("for (const name in {}) return name") is None, own
            # Its open tables take axe a minute.
            assert own == "figures.html" or violations(browser) == [], own
            assert browser.get_log("browser") == [], own


@pytest.mark.parametrize(
    ("page", "choice", "shown"),
    [
        ("union.html", "threats=1&attacks=2", "[...document.querySelectorAll('.ticks :checked')].length"),
        ("figures.html", "networks=&map=chosen", "document.querySelector('.count').value"),
        ("images/*.html", "image=4", "document.querySelector('#image').textContent"),
    ],
)
def test_a_link_within_the_page_undoes_no_choice(
    browser: Any, site: Path, page: str, choice: str, shown: str
) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    def says() -> Any:
        return browser.execute_script(f"return {shown}")

    found = next(path for path in sorted(site.glob(page)) if "mnist" not in path.name)
    visit(browser, found)
    waiting = WebDriverWait(browser, 20)
    waiting.until(lambda _: says() not in ("", "No image"))
    usual = says()
    browser.execute_script("location.hash = arguments[0]", choice)
    waiting.until(lambda _: says() != usual)
    before = says()
    browser.execute_script("document.querySelector('.skip').click()")
    browser.execute_async_script("setTimeout(arguments[0], 300)")
    assert (browser.execute_script("return location.hash"), says()) == ("#main", before)


def test_rows_are_there_where_the_script_fails(browser: Any, site: Path, tmp_path: Path) -> None:
    """The sheet hides those after the hundredth, here after the first, until the script has begun."""
    text = (site / "index.html").read_text(encoding="utf-8")
    assert "nth-child(n + 101)" in text
    damaged = re.sub(r' data-threats="[^"]*"', ' data-threats="no list"', text.replace("(n + 101)", "(n + 2)"))
    (tmp_path / "index.html").write_text(damaged, encoding="utf-8")
    visit(browser, tmp_path / "index.html")
    shown = "[...document.querySelectorAll('.board tbody tr')].filter(row => row.checkVisibility()).length"
    assert browser.execute_script(f"return {shown}") == 8
    assert len(browser.get_log("browser")) == 1


def test_the_own_union_says_whose_gradients_may_be_masked(browser: Any, site: Path) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    visit(browser, site / "union.html")
    choose(browser, "board", "mnist under multi-perturbation (quick), first 40 images")
    WebDriverWait(browser, 20).until(lambda _: "not reached" in browser.find_element("css selector", ".result").text)
    (row,) = browser.find_elements("css selector", ".result tr:has(.doubt)")
    assert row.text.startswith("not reached possible gradient masking")


def test_what_an_address_names_of_two_boards_is_compared_on_one(browser: Any, site: Path) -> None:
    visit(browser, site / "index.html")
    keys = browser.execute_script(
        "return [...document.querySelectorAll('.board')].map(own => own.querySelector('tr[data-key]').dataset.key)"
    )
    assert len(keys) == 2
    browser.get("about:blank")
    browser.get(f"{(site / 'index.html').as_uri()}#compare={'.'.join(keys)}&show=comparison")
    assert len(browser.find_elements("css selector", ".pick:checked")) == 1
    assert not browser.find_element("css selector", "dialog").is_displayed()


def test_an_anchor_stays_where_nothing_is_chosen(browser: Any, site: Path) -> None:
    visit(browser, site / "index.html")
    browser.execute_script("document.querySelector('.skip').click()")
    browser.execute_script("document.querySelector('.tools').dispatchEvent(new Event('change'))")
    assert browser.execute_script("return location.hash") == "#main"


def test_amounts_and_means_as_readers_mean_them(browser: Any, site: Path) -> None:
    visit(browser, site / "index.html")
    assert browser.execute_script("return ['0,5 h', '1.5M', '63 k', 'many'].map(amount)") == [1800, 1.5e6, 63e3, None]
    found = "return meanOfAttacks([{ attacks: [1, null] }, { attacks: [0.5, 0.5] }])"
    assert browser.execute_script(found) == [0.75, None]
