"""The interactive figures and the reader's own union in a real browser, opened from disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from xml.etree import ElementTree

import numpy as np
import pytest
from browser_site import HARMFUL, emulated, own_names, visit
from synthetic import add_evaluation
from test_browser_pages import violations

import benchmark
from benchmark.analysis import aggregate
from benchmark.ledger import Ledger

pytestmark = pytest.mark.browser

CLASSES = ("zero", "one", "<b>two</b>")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten networks in two norms, one called like a script, with curves, classes and training; two of one training."""
    results = tmp_path_factory.mktemp("figures") / "results"
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 3, 90)
    for number, name in enumerate((HARMFUL, "h1", "h2", *(f"net{place}" for place in range(7)))):
        wrong = generator.random(90) < 0.1
        answers = np.where(wrong, (labels + 1) % 3, labels)
        attacks = [
            ("pgd", "linf", 8 / 255, "fixed-budget", (generator.random(90) < 0.05 * (number + 1)).astype(float)),
            ("ddn", "l2", 0.5, "minimum-norm", generator.exponential(1.0, 90)),
            ("cw", "l2", 0.5, "minimum-norm", generator.exponential(1.2, 90)),
        ]
        card = {
            "method": HARMFUL if number == 0 else f"m{number % 4}",
            "network": name if name in ("h1", "h2") else "",
            "history": [{"epoch": epoch, "h1.clean": 0.5, "h2.clean": 0.4, "loss": 1 / epoch} for epoch in (1, 2, 3)],
            "extra": {"run": "together" if name in ("h1", "h2") else name, "seconds": 10.0 + number},
        }
        told = {"names": list(CLASSES), "labels": " ".join(map(str, labels)), "answers": " ".join(map(str, answers))}
        predicted = dict.fromkeys(("pgd", "ddn", "cw"), (labels + 1) % 3)
        add_evaluation(results, name, attacks, wrong, card=card, classes=told, predicted=predicted)
    return benchmark.report(results=results, out=results.parent / "reports").parent


def wait(browser: Any, condition: str) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(browser, 20).until(lambda own: own.execute_script(f"return Boolean({condition})"))


def opened(browser: Any, page: Path, state: str = "") -> Any:
    visit(browser, page)
    if state:
        browser.get("about:blank")
        browser.get(f"{page.as_uri()}#{state}")
    wait(browser, "document.body.dataset.ready")
    return browser


def chosen(browser: Any) -> list[str]:
    return browser.execute_script(
        "return [...document.querySelectorAll('.networks :checked')].map(box => box.nextSibling.textContent.trim())"
    )


def inked(browser: Any, figure: str) -> list[int]:
    """How many colours each drawing of a figure has, once it has come into sight."""
    browser.execute_script("document.querySelector(`[data-figure=${arguments[0]}]`).scrollIntoView()", figure)
    wait(browser, f"document.querySelector('[data-figure={figure}] canvas')")
    return browser.execute_script(
        """
        const count = (canvas) => new Set(new Uint32Array(
          canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size;
        return [...document.querySelectorAll(`[data-figure=${arguments[0]}] .drawing`)]
          .map((drawing) => Math.max(...[...drawing.querySelectorAll("canvas")].map(count)));
        """,
        figure,
    )


def test_all_figures_are_drawn_without_a_word_on_the_console(browser: Any, site: Path) -> None:
    opened(browser, site / "figures.html")
    assert len(chosen(browser)) == 4
    panels = {
        name: inked(browser, name) for name in ("curves", "scatter", "map", "added", "cost", "classes", "training")
    }
    assert [len(own) for own in panels.values()][:5] == [2, 1, 1, 1, 1]
    assert len(panels["classes"]) == 2
    assert all(colours > 5 for own in panels.values() for colours in own), panels
    assert browser.find_elements("css selector", "main script, main b[onclick], .drawing script") == []
    assert HARMFUL in browser.find_element("css selector", ".networks").text
    assert browser.get_log("browser") == []


def test_the_policy_refuses_a_script_in_the_page(browser: Any, site: Path) -> None:
    opened(browser, site / "figures.html")
    run = "const made = document.createElement('script'); made.textContent = 'globalThis.ran = true';"
    found = browser.execute_script(f"{run} document.body.append(made); return globalThis.ran ?? 'refused'")
    assert found == "refused"
    assert any("Content Security Policy" in entry["message"] for entry in browser.get_log("browser"))


def test_the_address_keeps_what_is_shown(browser: Any, site: Path) -> None:
    opened(browser, site / "figures.html")
    keys = browser.execute_script("return [...document.querySelectorAll('.networks input')].map(box => box.value)")
    opened(browser, site / "figures.html", f"networks={keys[5]}.{keys[2]}.nonsense&norm=l2&attack=pgd")
    names = browser.execute_script(
        "return [...document.querySelectorAll('[data-figure=curves] .legend button')].map(one => one.textContent)"
    )
    assert len(names) == 2
    assert len(inked(browser, "curves")) == 1
    browser.execute_script("document.querySelectorAll('.networks input:not(:checked)')[0].click()")
    wait(browser, "document.querySelectorAll('[data-figure=curves] .legend button').length === 3")
    state = parse_qs(browser.execute_script("return location.hash.slice(1)"))
    assert len(state["networks"][0].split(".")) == 3
    assert (state["norm"], state["attack"]) == (["l2"], ["pgd"])
    for _ in range(5):
        browser.execute_script("document.querySelector('.networks input:not(:checked):not(:disabled)').click()")
        wait(browser, "document.activeElement.matches('.networks input')")
    assert len(chosen(browser)) == 8
    assert browser.find_elements("css selector", ".networks input:not(:checked):not(:disabled)") == []


def test_a_legend_hides_and_keys_tell_and_zoom(browser: Any, site: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    opened(browser, site / "figures.html")
    legend = browser.find_elements("css selector", "[data-figure=curves] .legend button")
    before = inked(browser, "curves")
    legend[0].click()
    assert legend[0].get_attribute("aria-pressed") == "false"
    assert inked(browser, "curves") != before
    legend[0].click()
    assert inked(browser, "curves") == before
    drawing = browser.find_element("css selector", "[data-figure=curves] .drawing")
    drawing.send_keys(Keys.ARROW_RIGHT)
    drawing.send_keys(Keys.ARROW_RIGHT)
    said = browser.find_element("css selector", "[data-figure=curves] output").get_attribute("value")
    assert said.startswith("ε = ")
    assert said.count("%") == 4
    zoomed = (
        "echarts.getInstanceByDom(document.querySelector('[data-figure=curves] .drawing')).getOption().dataZoom[0]"
    )
    drawing.send_keys("+")
    assert 0 < browser.execute_script(f"return {zoomed}.start") < browser.execute_script(f"return {zoomed}.end") < 100
    drawing.send_keys("0")
    assert browser.execute_script(f"return {zoomed}.start") == 0


@own_names
def test_a_figure_is_taken_along(browser: Any, site: Path) -> None:
    """As SVG whose every word is text, as PNG of twice the size, and as numbers."""
    opened(browser, site / "figures.html", "norm=l2")
    svg, png, csv = browser.execute_script(
        """
        const networks = [...document.querySelectorAll('.networks :checked')].map((box, number) =>
          ({ number, name: number ? benchData[box.value].name : arguments[0], data: benchData[box.value] }));
        const panel = { title: `Curves of ${arguments[0]}`, build: benchLines.curves('l2', networks) };
        panel.rows = panel.build(benchOptions.theme(true)).rows;
        return [benchTaking.svg(panel, new Set()), benchTaking.png(panel, new Set()), benchTaking.csv(panel.rows)];
        """,
        HARMFUL,
    )
    root = ElementTree.fromstring(svg)
    words = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert f"Curves of {HARMFUL}" in words
    assert HARMFUL in words
    assert "ε in l2" in words
    assert len(list(root.iter("{http://www.w3.org/2000/svg}path"))) > 8
    assert png.startswith("data:image/png;base64,")
    heads, *rows = csv.splitlines()
    assert heads == "network,kind,epsilon_l2,robust_percent,low,high"
    assert len(rows) == 4 * 160
    (button,) = browser.find_elements("css selector", "[data-figure=curves] .taken button[aria-label$='as CSV']")
    button.click()
    assert browser.get_log("browser") == []


def test_a_networks_page_draws_its_own(browser: Any, site: Path) -> None:
    page = site / "models" / "h1.html"
    visit(browser, page)
    browser.execute_script("document.querySelectorAll('details').forEach(part => part.open = true)")
    for kind in ("curves", "classes", "training"):
        browser.execute_script(f"document.querySelector('[data-live={kind}]').scrollIntoView()")
        wait(browser, f"document.querySelector('[data-live={kind}].is-drawn-again + .live canvas')")
        assert not browser.find_element("css selector", f"[data-live={kind}] figure").is_displayed()
    assert browser.get_log("browser") == []
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert browser.find_element("css selector", "[data-live=curves] figure").is_displayed()
    assert not browser.find_element("css selector", ".live").is_displayed()
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def union_rows(browser: Any) -> dict[str, list[str]]:
    return dict(
        browser.execute_script(
            "return [...document.querySelectorAll('.result tbody tr')].map(row => [row.dataset.key,"
            "[...row.cells].map(cell => cell.dataset.v ?? cell.textContent)])"
        )
    )


def test_the_readers_own_union(browser: Any, site: Path) -> None:
    opened(browser, site / "union.html")
    said = browser.find_element("css selector", ".said")
    assert said.text.startswith("The suite’s own union.")
    evaluations = {each.id[:16]: each for each in Ledger.open(site.parent / "results").evaluations()}
    rows = union_rows(browser)
    assert rows.keys() == evaluations.keys()
    for key, cells in rows.items():
        assert float(cells[2]) == pytest.approx(aggregate.r_worst(evaluations[key]))
        assert float(cells[4]) == pytest.approx(aggregate.r_avg(evaluations[key]))
        assert cells[7] == "0.0"
    browser.find_element("css selector", "[data-threat='1']").click()
    assert said.text.startswith("Your own union, not the suite’s: 1 of 3 attacks under linf.")
    rows = union_rows(browser)
    for key, cells in rows.items():
        assert float(cells[2]) == float(cells[4]) == pytest.approx(aggregate.norm_accuracy(evaluations[key], "linf"))
    values = [float(cells[2]) for cells in rows.values()]
    assert values == sorted(values, reverse=True)
    state = browser.execute_script("return location.hash.slice(1)")
    opened(browser, site / "union.html", state)
    assert union_rows(browser) == rows
    browser.find_element("css selector", "[data-threat='0']").click()
    assert "nothing is chosen" in browser.find_element("css selector", ".said").text
    assert {cells[2] for cells in union_rows(browser).values()} == {"–"}
    browser.find_element("css selector", ".suites").click()
    assert browser.find_element("css selector", ".said").text.startswith("The suite’s own union.")
    assert browser.get_log("browser") == []


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_nothing_that_axe_objects_to(browser: Any, site: Path, scheme: str) -> None:
    with emulated(browser, scheme):
        for page in ("figures.html", "union.html"):
            opened(browser, site / page)
            browser.execute_script("document.querySelector('[data-figure=added]')?.scrollIntoView()")
            browser.execute_script("document.querySelector('[data-figure=added] summary')?.click()")
            assert violations(browser) == []
