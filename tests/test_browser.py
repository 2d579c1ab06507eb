"""The leaderboard in a real browser: sorting, filtering, choosing columns, comparing networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import browser_site
import pytest
from browser_site import DIGITS, HARMFUL, choose, head, headings, networks, own_names, requested, visit, wait_for
from synthetic import add_evaluation

import benchmark
from benchmark.analysis import paired
from benchmark.ledger import load_results
from benchmark.reporting import site as site_files
from benchmark.reporting.references import references
from benchmark.reporting.text import percent
from benchmark.statistics.mcnemar import mcnemar
from benchmark.statistics.score import score, score_interval

pytestmark = pytest.mark.browser

site, index = browser_site.site, browser_site.index  # fixtures


def test_columns_sort_both_ways(index: Any) -> None:
    from selenium.webdriver.common.keys import Keys

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
    head(index, "Network").find_element("tag name", "button").send_keys(Keys.ENTER)
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
    """The page's tests are those of `bench compare`, of all networks of the board as one family."""
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
    assert len(requests) == 4
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
            places = [list(evaluations).index(name) for name in pair]
            expected = paired.family(list(evaluations.values()), metric).compare(*places)  # type: ignore[union-attr]
            assert expected is not None
            (name, _), (_, difference), (_, p), (_, corrected), (verdict, _), (first, _), (second, _) = line[:7]
            assert name.lower() == metric
            assert float(difference["v"]) == pytest.approx(expected.difference, abs=1e-12)
            assert float(difference["low"]) == pytest.approx(expected.low, abs=1e-6)
            assert float(difference["high"]) == pytest.approx(expected.high, abs=1e-6)
            assert float(p["v"]) == pytest.approx(expected.p, rel=1e-5)
            assert float(corrected["v"]) == pytest.approx(expected.corrected, abs=2e-3)
            for cell, value in zip(line[7:], (expected.exact, expected.detectable), strict=True):
                assert float(cell[1]["v"]) == pytest.approx(value, rel=1e-6) if value is not None else cell[0] == "–"
            if metric == "ravg":
                assert (first, second) == ("–", "–")
            else:
                assert (int(first), int(second)) == (expected.only_first, expected.only_second)
            assert verdict == {
                "better": f"{pair[0]} is significantly better",
                "worse": f"{pair[1]} is significantly better",
                "undetermined": "undetermined",
            }.get(expected.verdict)
    summary = index.find_elements("css selector", ".compared table:first-child tbody tr:nth-child(2) td")
    worst = [paired.scores(evaluations[name], "rworst").mean() for name in ("weak", "strong", "twin")]  # type: ignore[union-attr]
    assert [cell.text.split()[0] for cell in summary] == [percent(float(value)) for value in worst]


@own_names
def test_the_pages_statistics(index: Any) -> None:
    """Functions of the page against those of the package, up to counts at which 2^-n is 0, and of shares."""
    pairs = [(0, 0), (0, 5), (3, 9), (10, 10), (40, 80), (900, 1100), (4000, 4300), (0, 2000)]
    found = index.execute_script("return arguments[0].map(([a, b]) => mcnemar(a, b))", pairs)
    assert found == pytest.approx([float(mcnemar(*pair)) for pair in pairs], rel=1e-9, abs=1e-300)
    found = index.execute_script("return [0, 0.5, -1.96, 5].map(normalP)")
    assert found == pytest.approx([1.0, 0.6170750774519738, 0.04999579029644087, 5.733031437583866e-07], rel=1e-6)
    counts = [[3, 40, 9], [0, 20, 0], [0, 0, 20], [0, 9000, 1000], [1, 3, 5, 400, 9, 2, 0], [0, 0, 5, 40, 9, 0, 0]]
    for own in counts:
        found = index.execute_script("return [score(arguments[0]), score(arguments[0], 0.1)]", own)
        assert found == pytest.approx([float(score([own], mean)[0]) for mean in (0, 0.1)], rel=1e-6, abs=1e-9)
        for critical in (1.96, 3.2):
            found = index.execute_script("return scoreInterval(...arguments)", own, critical)
            assert found == pytest.approx([float(end[0]) for end in score_interval([own], critical)], abs=1e-9)


@own_names
def test_the_pages_verdicts(index: Any) -> None:
    """One of four; a difference that stands by step-down alone has a sign and no more."""
    cases = [
        ([0.02, 0.01, 0.03], 0.01, 0.01),
        ([-0.02, -0.03, 0.001], 0.04, 0.01),
        ([0.0, -0.009, 0.009], 1, 0.01),
        ([0.0, -0.009, 0.009], 1, None),
        ([0.005, 0.002, 0.008], 0.01, 0.01),
        ([0.0, -0.02, 0.009], 1, 0.01),
    ]
    found = index.execute_script(
        "return arguments[0].map(([[difference, low, high], corrected, margin]) =>"
        "{ const test = judge({ difference, low, high }, corrected, margin);"
        " return [test.verdict, test.low, test.high, test.isSmall]; })",
        cases,
    )
    assert found == [
        ["better", 0.01, 0.03, False],
        ["worse", -0.03, 0, False],
        ["equivalent", -0.009, 0.009, True],
        ["undetermined", -0.009, 0.009, False],
        ["better", 0.002, 0.008, True],
        ["undetermined", -0.02, 0.009, False],
    ]


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


def test_what_may_be_masked_is_ranked_by_a_switch(browser: Any, tmp_path: Path) -> None:
    """Without a rank at first, with a link to the evidence; among the others when a reader wants it, and back."""
    for name, fgsm, pgd in (("good", 0, 50), ("poor", 0, 90), ("best", 20, 0)):
        flags = [[1.0] * count + [0.0] * (100 - count) for count in (fgsm, pgd)]
        attacks = [("fgsm", "linf", 0.03, "fixed-budget", flags[0]), ("pgd", "linf", 0.03, "fixed-budget", flags[1])]
        add_evaluation(tmp_path / "results", name, attacks, (False,) * 100)
    visit(browser, benchmark.report(results=tmp_path / "results", out=tmp_path / "reports"))

    def ranks() -> list[str]:
        return [cell.text for cell in browser.find_elements("css selector", f"{DIGITS} tbody td:first-child")]

    without, among = (["good", "poor", "best"], ["1", "2", "masked?"]), (["best", "good", "poor"], ["1", "2", "3"])
    assert (networks(browser), ranks()) == without
    switch = browser.find_element("name", "masked")
    switch.click()
    assert (networks(browser), ranks()) == among
    boxes = {box.get_attribute("aria-label"): box for box in browser.find_elements("css selector", ".pick")}
    for name in ("best", "good"):
        boxes[f"Compare {name}"].click()
    browser.find_element("css selector", ".picked .open").click()
    wait_for(browser, "dialog .differences")
    assert (
        "best is significantly better, but possible gradient masking"
        in browser.find_element("css selector", ".differences").text
    )
    browser.find_element("css selector", "dialog form button").click()
    switch.click()
    assert (networks(browser), ranks()) == without
    browser.find_element("css selector", "a.masked").click()
    assert (
        "fgsm succeeded on 20 of 100 images, pgd together on 0" in browser.find_element("css selector", "main").text
    )
    assert browser.current_url.endswith("-masking")


def test_published_entries_stand_apart(index: Any) -> None:
    """Off at first, below the networks, without rank, with their radius; none for other data sets."""
    board = '.board[data-dataset="cifar10"]'
    rows = index.find_elements("css selector", f"{board} .reference tr")
    assert len(rows) == len([entry for entry in references("cifar10") if entry.norm in ("linf", "l2")]) > 100
    assert not rows[0].is_displayed()
    index.find_element("name", "references").click()
    assert index.find_element("css selector", f"{board} .reference").is_displayed()
    assert "no results on digits" in index.find_element("css selector", f"{DIGITS} .references").text
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
    assert "ε 0.031, differs from this table" in texts["linf Zhang2019Theoretically"]
    assert "differs from this table" not in texts["linf Wu2020Adversarial"]
    assert index.find_element("css selector", ".tools output").text == "8 networks"
    choose(index, "norm", "l2")
    assert {row.get_attribute("data-norm") for row in rows if row.is_displayed()} == {"l2"}
    assert networks(index, "cifar10")[0] in ("weak", "strong", "twin")


def test_a_long_board_begins_with_a_hundred(browser: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In whatever order; filters and sorting know all networks, and one click shows them.

    Nobody looks at their own pages, which take most of the time.
    """
    from selenium.webdriver.common.keys import Keys

    monkeypatch.setattr(site_files, "_network_files", lambda *_: iter(()))
    for number in range(103):
        add_evaluation(
            tmp_path / "results", f"n{number:03}", [("pgd", "linf", 0.03, "fixed-budget", (0, 1))], (False, False)
        )
    visit(browser, benchmark.report(results=tmp_path / "results", out=tmp_path / "reports"))
    assert len(networks(browser)) == 100
    head(browser, "Network").find_element("tag name", "button").click()
    head(browser, "Network").find_element("tag name", "button").click()
    assert networks(browser) == [f"n{number:03}" for number in range(102, 2, -1)]
    browser.find_element("name", "words").send_keys("n00")
    assert networks(browser) == [f"n{number:03}" for number in range(9, -1, -1)]
    browser.find_element("name", "words").send_keys(Keys.BACKSPACE * 3)
    (button,) = browser.find_elements("css selector", ".more button")
    assert button.text == "Show all 103 networks"
    button.click()
    assert len(networks(browser)) == 103
    assert browser.switch_to.active_element.text == "n002"
    assert not button.is_displayed()
