"""The first screen, the address of what is shown, and methods as rows, in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from browser_site import choose, emulated, networks, visit, wait_for
from seeded_networks import card
from synthetic import add_evaluation
from test_browser_pages import violations

import benchmark

pytestmark = pytest.mark.browser

TITLE = {"at": "Madry et al. 2018, arXiv:1706.06083", "trades": "Zhang et al. 2019, arXiv:1901.08573"}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fourteen networks in three norms; of AT and TRADES three seeds each."""
    folder = tmp_path_factory.mktemp("screen")
    generous = {"at": (4, 10, 7), "trades": (22, 24, 20), **{f"m{number}": (25 + number,) for number in range(8)}}
    for method, broken in generous.items():
        for seed, count in enumerate(broken):
            flags = [float(image < count) for image in range(40)]
            attacks = [("pgd", norm, 0.03, "fixed-budget", flags) for norm in ("linf", "l2", "l1")]
            attacks = [(f"{name}-{norm}", norm, *rest) for name, norm, *rest in attacks]  # type: ignore[misc]
            told = {"title": method.upper(), "paper": TITLE.get(method, ""), "seconds": 60.0 * (1 + seed)}
            own = card(method, seed, extra=told) | {"numbers": 11_000_000 if method == "at" else 63_000}
            add_evaluation(folder / "results", f"{method}-{seed}", attacks, (False,) * 40, card=own)  # type: ignore[arg-type]
    return benchmark.report(results=folder / "results", out=folder / "reports")


def rows_in_sight(browser: Any, height: int) -> int:
    return int(
        browser.execute_script(
            "return [...document.querySelectorAll('.board tbody:not([hidden]) tr:not([hidden])')].filter(row => {"
            "const {top, bottom, height} = row.getBoundingClientRect();"
            "return height > 0 && top >= 0 && bottom <= arguments[0]}).length",
            height,
        )
    )


def at_size(browser: Any, page: Path, width: int, height: int) -> None:
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get("about:blank")
    browser.get(page.as_uri())
    switch = browser.find_element("name", "seeds")
    browser.execute_script("arguments[0].click()", switch)


def test_twelve_networks_are_in_sight_on_a_screen_and_six_on_a_phone(browser: Any, page: Path) -> None:
    at_size(browser, page, 1400, 900)
    assert rows_in_sight(browser, 900) >= 12
    inside, room = browser.execute_script(
        "const box = document.querySelector('.board .scroll'); return [box.scrollWidth, box.clientWidth]"
    )
    assert inside <= room
    at_size(browser, page, 390, 844)
    assert rows_in_sight(browser, 844) >= 6
    (shown, width) = browser.execute_script(
        "const row = document.querySelector('.board tbody tr'); return ["
        "[...row.cells].filter(cell => cell.offsetWidth).map(cell => cell.dataset.v ? 'number' : 'name'),"
        "document.documentElement.scrollWidth]"
    )
    assert (sorted(shown), width) == (["name", "number", "number", "number"], 390)  # name, rank, Rworst, clean


def test_a_heading_explains_itself_to_a_keyboard(browser: Any, page: Path) -> None:
    visit(browser, page)
    button = browser.find_element("css selector", '[aria-label="About Ravg"]')
    told = browser.find_element("id", button.get_attribute("popovertarget"))
    assert not told.is_displayed()
    button.send_keys("\n")
    assert told.is_displayed()
    assert "Mean of the accuracies under linf, l2, l1" in told.text
    assert told.find_element("tag name", "a").get_attribute("href").endswith("glossary.html#ravg")
    button.send_keys("\ue00c")  # Escape
    assert not told.is_displayed()


def test_seeds_of_a_method_are_one_row_that_unfolds(browser: Any, page: Path) -> None:
    """Rworst of AT's seeds: 36, 30 and 33 of 40, so 82.5 ± 7.5 points; ranks are of the networks."""
    visit(browser, page)
    (row, *_) = browser.find_elements("css selector", ".board tbody tr.group")
    assert row.text.split()[:1] != ["–"]
    worst = row.find_element("css selector", ".worst")
    assert worst.text.replace("±", " ± ").split() == ["82.5", "±", "7.5"]
    assert networks(browser)[0] == "m0-0"
    button = row.find_element("css selector", ".unfold")
    button.click()
    assert button.get_attribute("aria-expanded") == "true"
    assert networks(browser)[:4] == ["at-0", "at-2", "at-1", "m0-0"]
    assert "open." in browser.current_url
    switch = browser.find_element("name", "seeds")
    switch.click()
    assert networks(browser)[:6] == ["at-0", "at-2", "at-1", "trades-2", "trades-0", "trades-1"]
    assert not browser.find_elements("css selector", "tr.group")
    assert browser.find_element("css selector", ".tools output").text == "14 networks"


def test_numbers_and_words_of_trainings_filter(browser: Any, page: Path) -> None:
    visit(browser, page)
    browser.find_element("name", "seeds").click()
    browser.find_element("css selector", ".filters summary").click()
    field = browser.find_element("name", "in.parameters.from")
    field.send_keys("1M")
    assert networks(browser) == ["at-0", "at-2", "at-1"]
    field.clear()
    field.send_keys("nonsense")
    assert field.get_attribute("aria-invalid") == "true"
    assert len(networks(browser)) == 14
    field.clear()
    browser.find_element("name", "in.training_seconds.from").send_keys("3 min")
    assert networks(browser) == ["at-2", "trades-2"]
    choose(browser, "is.paper", TITLE["trades"])
    assert networks(browser) == ["trades-2"]


def test_an_address_shows_what_was_chosen_and_back_undoes_it(browser: Any, page: Path) -> None:
    visit(browser, page)
    browser.find_element("name", "seeds").click()
    (head,) = [each for each in browser.find_elements("css selector", "thead .sort") if each.text == "Clean"]
    head.click()
    choose(browser, "method", "trades")
    browser.find_element("name", "words").send_keys("trades 1")
    browser.find_element("css selector", ".columns summary").click()
    browser.find_element("css selector", '.columns input[value="forwards"]').click()
    assert networks(browser) == ["trades-1"]
    address = browser.current_url
    browser.back()  # the column
    assert not browser.find_element("css selector", '.columns input[value="forwards"]').is_selected()
    assert networks(browser) == ["trades-1"]
    browser.back()  # the search, which its letters are not steps of, and the method
    assert len(networks(browser)) == 14
    assert browser.find_element("css selector", "[aria-sort]").text.split()[0] == "Clean"
    browser.get("about:blank")
    browser.get(address)
    assert networks(browser) == ["trades-1"]
    assert browser.find_element("name", "words").get_attribute("value") == "trades 1"
    assert browser.find_element("css selector", '.columns input[value="forwards"]').is_selected()
    assert browser.find_element("css selector", "[aria-sort]").text.split()[0] == "Clean"


def test_an_address_opens_a_comparison(browser: Any, page: Path) -> None:
    visit(browser, page)
    browser.find_element("name", "seeds").click()
    for box in browser.find_elements("css selector", ".pick")[:2]:
        box.click()
    browser.find_element("css selector", ".picked .open").click()
    wait_for(browser, "dialog .differences")
    address = browser.current_url
    browser.back()
    assert not browser.find_element("css selector", "dialog").is_displayed()
    assert len(browser.find_elements("css selector", ".pick:checked")) == 2
    browser.get("about:blank")
    browser.get(address)
    wait_for(browser, "dialog .differences")


@pytest.mark.parametrize(
    "words", ["sort.x=-r_worst&method=no&is.paper=%", "words=<b>&compare=x.y&show=comparison&a=1"]
)
def test_what_an_address_should_not_say_is_harmless(browser: Any, page: Path, words: str) -> None:
    browser.get("about:blank")
    browser.get(f"{page.as_uri()}#{words}")
    assert browser.get_log("browser") == []
    assert browser.find_element("name", "method").get_attribute("value") == ""
    assert not browser.find_element("css selector", "dialog").is_displayed()


@pytest.mark.parametrize(("scheme", "width"), [("light", 390), ("dark", 1400)])
def test_nothing_that_axe_objects_to(browser: Any, page: Path, scheme: str, width: int) -> None:
    """Neither to rows that unfold, nor to filters, columns of attacks and an explanation, all of it open."""
    with emulated(browser, scheme):
        visit(browser, page, width)
        assert violations(browser) == []
        browser.execute_script(
            "for (const part of document.querySelectorAll('details')) part.open = true;"
            "for (const part of document.querySelectorAll('.unfold, [data-attack]')) part.click();"
            "document.querySelector('[popover]').showPopover()"
        )
        assert violations(browser) == []
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width


def test_a_print_of_a_leaderboard_leaves_evidence_to_the_networks_pages(browser: Any, tmp_path: Path) -> None:
    """Unfolded within its column it took half a sheet for each network: 250 of them took 124 sheets."""
    broken = [("fgsm", "linf", 0.03, "fixed-budget", [1.0] * 20 + [0.0] * 20)]
    add_evaluation(tmp_path / "results", "best", [*broken, ("pgd", *broken[0][1:4], [0.0] * 40)], (False,) * 40)
    visit(browser, benchmark.report(results=tmp_path / "results", out=tmp_path / "reports"))
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        seen = "return ['.badge summary', '.badge li'].map(each => document.querySelector(each).checkVisibility())"
        assert browser.execute_script(seen) == [True, False]
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_print_shows_what_is_folded_and_no_tools(browser: Any, page: Path) -> None:
    visit(browser, page.parent / "models" / "at-0.html")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        seen = "return ['.recipe dt', '.about', 'nav'].map(each => document.querySelector(each).checkVisibility())"
        assert browser.execute_script(seen) == [True, False, False]
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
