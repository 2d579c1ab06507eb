"""The browser of images: what its files say is what the records say, and the page finds it."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from browser_site import visit
from synthetic import add_evaluation

import benchmark
from benchmark.ledger import Ledger
from benchmark.ledger.sample_images import SampleImages


def wait_for(browser: Any, condition: str) -> None:
    """Until the script `condition` is true of the page."""
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(browser, 20).until(lambda browser: browser.execute_script(f"return {condition}"))


HARMFUL = "</script><script>alert(1)</script>"
CLASSES = {"names": ["cat", HARMFUL], "labels": "0 1 0 1 0 1", "answers": "1 1 0 1 0 1"}
WRONG = (True, False, False, False, False, False)
ATTACKS = (
    ("pgd", "linf", 0.03, "fixed-budget", (0, 1, 0, 1, 0, 0)),
    ("ddn", "l2", 0.5, "minimum-norm", (0, 0.25, 0.75, np.inf, np.inf, np.nan)),
)
PREDICTED = {"pgd": (1, 0, 0, 0, 0, 1), "ddn": (1, 0, 1, 1, 0, -2)}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    results = tmp_path_factory.mktemp("images") / "results"
    manifest = add_evaluation(results, "at", ATTACKS, WRONG, classes=CLASSES, predicted=PREDICTED, mode="worst-case")
    robust = tuple((*attack[:4], (0, *[0 if attack[3] == "fixed-budget" else np.inf] * 5)) for attack in ATTACKS)
    add_evaluation(results, HARMFUL, robust, WRONG, mode="worst-case", classes=CLASSES)
    pixels = np.zeros((1, 1, 4, 4))
    kept = SampleImages(
        np.array([3]), np.array([HARMFUL]), np.array(["cat"]), pixels.astype(np.uint8), pixels.astype(np.float16)
    )
    Ledger.open(results).write_sample_images(manifest["model"]["digest"], manifest["records"]["pgd"][0], kept)
    return benchmark.report(results=results, out=results.parent / "reports").parent


def said(path: Path) -> Any:
    """The plain values that a script assigns, and nothing else stands in it."""
    found = re.fullmatch(r"(?:const \w+|\w+\[\d+\]) = (.*);\n", path.read_text())
    assert found
    return json.loads(found[1])


def decoded(text: str, kind: str) -> list:
    return np.frombuffer(base64.b64decode(text), kind).tolist()


def overview(site: Path) -> Any:
    (path,) = (site / "images").glob("*.js")
    return said(path)


def test_the_overview_says_who_fared_how(site):
    board = overview(site)
    assert (board["images"], board["classes"]) == (6, ["cat", HARMFUL])
    assert decoded(board["labels"], "<u4") == [0, 1, 0, 1, 0, 1]
    networks = {network["name"]: decoded(network["states"], "u1") for network in board["networks"]}
    assert networks["at"] == [255, 2, 0, 100, 0, 0], "misclassified, by both, robust, by the first alone, robust"
    assert networks[HARMFUL] == [255, 0, 0, 0, 0, 0]
    assert [attack["label"] for attack in board["attacks"]] == ["pgd", "ddn"]
    assert board["pictured"] == [3]


def test_the_details_are_those_of_the_records(site):
    board = overview(site)
    place = [network["name"] for network in board["networks"]].index("at")
    codes, distances, answers = said(site / "images" / board["folder"] / "0.js")[place]
    # 4 × (1 + class) + state: robust 0, not tried 1, broken 2, beyond the radius 3.
    assert decoded(codes, "u1") == [0, 6, 0, 6, 0, 0, 0, 6, 11, 0, 0, 1]
    assert decoded(distances, "<f2") == [1, 1, 0.5, 1.5]
    assert decoded(answers, "u1") == [2, 2, 1, 2, 1, 2]


def test_many_classes_and_attacks_keep_their_numbers():
    from benchmark.reporting.images import MANY, ONLY, _coded, states

    outcomes = [SimpleNamespace(broken=np.array(own, bool)) for own in [*[(1, 0, 0)] * 160, (0, 1, 0)]]
    evaluation: Any = SimpleNamespace(clean_errors=np.zeros(3, bool), outcomes=outcomes)
    assert states(evaluation).tolist() == [MANY, 1, 0], "the place of the 161st does not fit"
    assert ONLY + 154 == 254
    assert _coded(np.array([0, 255, -1, -2], np.int64)).tolist() == [1, 256, 0, 0]


def test_pages_lead_there(site):
    board = overview(site)
    assert f'href="images/{board["folder"]}.html"' in (site / "index.html").read_text()
    page = (site / "models/at.html").read_text()
    key = next(network["key"] for network in board["networks"] if network["name"] == "at")
    assert f'href="../images/{board["folder"]}.html#network={key}"' in page
    for network in board["networks"]:
        assert (site / "images" / network["page"]).is_file()
    text = (site / f"images/{board['folder']}.html").read_text()
    assert HARMFUL not in text


@pytest.mark.browser
def test_one_picks_an_image_and_sees_who_broke_it(site, browser):
    (page,) = (site / "images").glob("*.html")
    visit(browser, page, width=390)
    wait_for(browser, "document.querySelectorAll('.image-table tbody tr').length === 2")
    run = browser.execute_script
    assert run("return document.documentElement.scrollWidth <= innerWidth"), "nothing is wider than a telephone"
    run("location.hash = 'image=3'")
    wait_for(browser, "document.querySelector('#image').textContent.startsWith('Image 3, true class </script>')")
    rows = run("return [...document.querySelectorAll('.image-table tbody tr')].map((row) => row.innerText)")
    (own,) = (row for row in rows if row.startswith("at"))
    assert "pgd → cat at 0.03" in own
    assert "ddn" not in own
    assert sum("none of 2" in row for row in rows) == 1
    assert run("return document.querySelectorAll('.became img, .clean img').length") == 2
    run("location.hash = 'image=1'")
    wait_for(browser, "document.querySelector('#image').textContent.startsWith('Image 1,')")
    assert "ddn → cat at 0.25" in run("return document.querySelector('.image-table tbody').innerText")
    run("history.back()")
    wait_for(browser, "document.querySelector('#image').textContent.startsWith('Image 3,')")

    def images(**choices: str) -> list[int]:
        for name, value in choices.items():
            run(
                "const [name, value] = arguments; const select = document.querySelector(`[name=${name}]`);"
                "select.value = value; select.dispatchEvent(new Event('change', { bubbles: true }));",
                name,
                value,
            )
        return run("return [...document.querySelectorAll('.found button')].map((each) => Number(each.dataset.image))")

    assert images() == [0, 1, 2, 3, 4, 5]
    assert images(robust="none") == [0]
    assert images(robust="some") == [1, 3]
    assert images(robust="all") == [2, 4, 5]
    assert images(robust="", only="any") == [3]
    assert images(only="0") == [3]
    assert images(only="1") == []
    assert images(only="", **{"class": "0"}) == [0, 2, 4]
    for words, told in (
        ("NaN", "No image “NaN”: these are numbered 0 to 5"),
        ("6", "No image “6”: these are numbered 0 to 5"),
        ("-1", "No image “-1”: these are numbered 0 to 5"),
        ("", "No image without a number: these are numbered 0 to 5"),
    ):
        run("location.hash = 'image=' + arguments[0]", words)
        wait_for(browser, f"document.querySelector('#image').textContent === '{told}'")
        assert run("return document.querySelectorAll('.image-table tbody tr, .clean img').length") == 0
    run("location.hash = 'image=3'")
    wait_for(browser, "document.querySelector('#image').textContent.startsWith('Image 3,')")
    assert not [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


@pytest.mark.browser
def test_a_network_page_leads_to_what_broke_it(site, browser):
    board = overview(site)
    key = next(network["key"] for network in board["networks"] if network["name"] == "at")
    (page,) = (site / "images").glob("*.html")
    visit(browser, page)
    browser.get(f"{page.as_uri()}?again#network={key}")
    wait_for(browser, "document.querySelectorAll('.found button').length === 2")
    found = "return [...document.querySelectorAll('.found button')].map((each) => each.dataset.image)"
    assert browser.execute_script(found) == ["1", "3"]
