"""A browser without a window, a site to open in it, and what tests do there."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from synthetic import WORKED_ATTACKS, add_evaluation

import benchmark

#: "chromium", or "firefox", whose tests then run where Firefox and geckodriver are.
KIND = os.environ.get("BENCHMARK_BROWSER", "chromium")
NAMES = {
    "chromium": (("chromium", "chromium-browser", "google-chrome"), "chromedriver"),
    "firefox": (("firefox", "firefox-esr"), "geckodriver"),
}
BROWSER = next(filter(None, map(shutil.which, NAMES[KIND][0])), None)
DRIVER = shutil.which(NAMES[KIND][1])
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
)  # fmt: skip
DIGITS = '.board[data-dataset="digits"]'
HARMFUL = "<script>alert(1)</script>"


#: Tests that call a page's own functions: what Firefox's driver runs does not see a page's constants.
own_names = pytest.mark.skipif(KIND == "firefox", reason="calls functions of the page's scripts")


def require_browser() -> None:
    """Skip tests where the browser is not, but fail them where all have to run."""
    if not (BROWSER and DRIVER):
        missing = f"needs {KIND.capitalize()} and {NAMES[KIND][1]}; none is fetched"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One for all tests of a process, see conftest.py: it takes a second to start."""
    require_browser()
    from selenium import webdriver

    if KIND == "firefox":
        from browser_firefox import Firefox

        with Firefox(str(BROWSER), str(DRIVER)) as firefox:
            yield firefox
        return
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
            ("fgsm", "linf", 0.03, "fixed-budget", [0.0] * 40),
            ("pgd", "linf", 0.03, "fixed-budget", [1.0] * broken + [0.0] * (40 - broken)),
        ]
        add_evaluation(results, name, attacks, (False,) * 40, card={"method": method, "history": history})
    add_evaluation(results, "at", WORKED_ATTACKS, dataset="mnist", card={"method": "at"})
    for source in ("at", "mat-h1"):
        attack = ("pgd", "linf", 0.03, "fixed-budget", [1.0] * (4 if source == "at" else 1) + [0.0] * 16)
        add_evaluation(results, "at", [attack], (False,) * len(attack[-1]), crafted_on=source, dataset="mnist")
    generator = np.random.default_rng(0)
    for name, level in (("weak", 0.6), ("strong", 0.45), ("twin", 0.46)):
        wrong = generator.random(300) < 0.1
        attacks = [
            ("pgd", "linf", 8 / 255, "fixed-budget", (generator.random(300) < level).astype(float)),
            ("fgsm", "linf", 8 / 255, "fixed-budget", (generator.random(300) < level / 9).astype(float)),
            ("ddn", "l2", 0.5, "fixed-budget", (generator.random(300) < level / 2).astype(float)),
        ]
        add_evaluation(results, name, attacks, wrong, dataset="cifar10", card={"method": "at"})
    return benchmark.report(results=results, out=results.parent / "reports").parent


@contextmanager
def emulated(browser: Any, scheme: str) -> Iterator[None]:
    """Colours of "light" or "dark", for as long as this lasts: the browser serves other tests, too."""
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    try:
        yield
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def visit(browser: Any, page: Path, width: int = 1280) -> None:
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600},
    )
    browser.get("about:blank")  # else the page before may still ask for something when its records are cleared
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
    if KIND == "firefox":
        return browser.requested()
    sent = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [item["params"]["request"]["url"] for item in sent if item["method"] == "Network.requestWillBeSent"]


def requested_until_left(browser: Any) -> list[str]:
    """What the page asked for since the last call, late scripts too: the page is left, so that nothing can follow."""
    asked = requested(browser)
    browser.get("about:blank")
    return asked if KIND == "firefox" else asked + [url for url in requested(browser) if url != "about:blank"]


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
