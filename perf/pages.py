"""What the leaderboard and the page of figures take in a browser: loading, searching, printing, many networks.

    python perf/pages.py --networks 1000 250 --attacks 30 > perf/results/pages.csv

Makes up a ledger, writes its leaderboard (of more than 250 networks rows are repeated), opens it in Chromium
without a window. Seconds are those of the processor that the page's main thread needs, read from the browser
(`Performance.getMetrics`), the median of some repeats; `load` also as it passes on the clock, from the request to the
end of the load event. A search and a sort are measured until the page has been laid out and drawn again. `print` is
what all processes of Chromium use until the PDF is there, beside the time on the clock. Of the page of figures `load`
lasts until what is in sight is drawn, `choose` until a fifth network is in all figures in sight, and `all attacks`
until the map of all networks' attacks is drawn.
"""

from __future__ import annotations

import argparse
import base64
import csv
import json
import os
import re
import shutil
import statistics
import string
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ledger import fill

from benchmark.hardware import describe
from benchmark.ledger import Ledger
from benchmark.reporting.figure_data import board_file
from benchmark.reporting.html import index_page
from benchmark.reporting.interactive import interactive_files
from benchmark.reporting.leaderboards import leaderboards
from benchmark.reporting.networks import network_pages

#: Ranking more networks than these takes longer than all that is measured here: of more, rows are repeated.
MOST = 250

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
)  # fmt: skip

#: Types into the search, or clicks on a heading, and waits until that has been drawn.
DRAWN = "requestAnimationFrame(() => setTimeout(done, 0))"
SEARCH = (
    "const done = arguments[0]; const box = document.querySelector('[name=words]'); box.value = 'network-%d';"
    f"box.dispatchEvent(new Event('input', {{bubbles: true}})); {DRAWN}"
)
SORT = (
    "const done = arguments[0]; const named = (cell) => cell.querySelector('button').textContent === 'Clean';"
    f"[...document.querySelectorAll('.board thead th')].find(named).querySelector('button').click(); {DRAWN}"
)


#: The same on the page of figures, which draws what is in sight as soon as a script can.
SETTLED = "setTimeout(done, 1500)"
READY = (
    f"const done = arguments[0]; const ask = () => document.body.dataset.ready ? {SETTLED} : setTimeout(ask, 50);"
    "ask()"
)
CHOOSE = f"const done = arguments[0]; document.querySelector('.networks input:not(:checked)').click(); {SETTLED}"
ALL = (
    "const done = arguments[0]; document.querySelector('[data-figure=map]').scrollIntoView(); const map ="
    "document.querySelector('[name=map]'); map.value = 'all';"
    "map.dispatchEvent(new Event('change', {bubbles: true}));"
    f"{SETTLED}"
)


def write_page(folder: Path, networks: int, attacks: int, images: int) -> Path:
    """The leaderboard of a ledger that is made up, without the pages of its networks."""
    if not (folder / "results").exists():
        fill(folder / "results", min(networks, MOST), attacks, images, single=False)
    ledger = Ledger.open(folder / "results")
    boards = leaderboards(ledger.evaluations())
    pages = network_pages(boards)
    page = folder / f"index-{networks}.html"
    times = -(-networks // MOST)
    page.write_text(repeated(index_page(boards, pages, ledger), times), encoding="utf-8")
    for place, text in interactive_files(boards, pages, ledger):
        (folder / place).parent.mkdir(exist_ok=True)
        (folder / place).write_text(repeated_data(text, times) if place == board_file(boards[0]) else text, "utf-8")
    return page


def repeated_data(script: str, times: int) -> str:
    """What the page of figures loads of a board, with each network so many times under other names and keys."""
    start, data = script.split("]=", 1)
    found = json.loads(data.rstrip(";\n"))
    found["networks"] = [
        network | {"key": f"{letter}{network['key'][1:]}", "name": f"{network['name']}-{letter}"}
        if letter
        else network
        for letter in ["", *string.ascii_letters[6 : times + 5]]
        for network in found["networks"]
    ]
    return f"{start}]={json.dumps(found, separators=(',', ':'))};\n"


def repeated(page: str, times: int) -> str:
    """The page with each network's row and point so many times, under other names."""

    def copies(found: re.Match[str]) -> str:
        again = (
            re.sub(r"network-(?=\w)", f"network-{letter}", found[0]) for letter in string.ascii_lowercase[: times - 1]
        )
        renamed = (re.sub(r'data-key="(.)', rf'data-key="{number}', each) for number, each in enumerate(again))
        return "".join([found[0], *renamed])

    page = re.sub(r'<tr id="network-.*?</tr>', copies, page, flags=re.DOTALL)
    return re.sub(r'<a [^>]*data-network="[^>]*>.*?</a>', copies, page, flags=re.DOTALL)


def start(profile: str) -> Any:
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(str(shutil.which("chromedriver"))))
    browser.set_script_timeout(600)
    browser.command_executor.client_config.timeout = 1200
    browser.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
    return browser


def cpu(browser: Any) -> float:
    """Seconds of its processor that the page's main thread has used."""
    metrics = {
        item["name"]: item["value"] for item in browser.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    }
    return float(metrics["TaskDuration"])


def timed(browser: Any, act: Callable[..., object], *arguments: object) -> float:
    before = cpu(browser)
    act(*arguments)
    return cpu(browser) - before


def of_all_processes(root: int) -> float:
    """Seconds of a processor that a process and all below it have used."""
    parents, ticks = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        parents[int(folder.name)], ticks[int(folder.name)] = int(words[1]), sum(map(int, words[11:15]))
    below = [root]
    for process in below:
        below += [child for child, parent in parents.items() if parent == process]
    return sum(ticks.get(process, 0) for process in below) / os.sysconf("SC_CLK_TCK")


def measure(browser: Any, page: Path, repeats: int) -> dict[str, float]:
    """Seconds by what was done, and the sizes of page and PDF in MB."""
    found: dict[str, list[float]] = {"load": [], "load, clock": [], "search": [], "sort": []}
    for repeat in range(repeats):
        browser.get("about:blank")
        found["load"].append(timed(browser, browser.get, page.as_uri()))
        clock = "const [{duration}] = performance.getEntriesByType('navigation'); return duration / 1000"
        found["load, clock"].append(browser.execute_script(clock))
        found["sort"] += [timed(browser, browser.execute_async_script, SORT) for _ in range(2)]
        found["search"].append(timed(browser, browser.execute_async_script, SEARCH % repeat))
    browser.get(page.as_uri())
    driver = browser.service.process.pid
    before, begun = of_all_processes(driver), time.perf_counter()
    printed = base64.b64decode(browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})["data"])
    taken = {"print": of_all_processes(driver) - before, "print, clock": time.perf_counter() - begun}
    medians = {name: statistics.median(values) for name, values in found.items()}
    return {**medians, **taken, "page, MB": page.stat().st_size / 1e6, "PDF, MB": len(printed) / 1e6}


def measure_figures(browser: Any, page: Path, repeats: int) -> dict[str, float]:
    """Seconds by what was done on the page of figures."""
    found: dict[str, list[float]] = {name: [] for name in ("load", "search", "choose", "all attacks")}

    def load() -> None:
        browser.get(page.as_uri())
        browser.execute_async_script(READY)

    for repeat in range(repeats):
        browser.get("about:blank")
        found["load"].append(timed(browser, load))
        found["search"].append(timed(browser, browser.execute_async_script, SEARCH % repeat))
        found["choose"].append(timed(browser, browser.execute_async_script, CHOOSE))
        found["all attacks"].append(timed(browser, browser.execute_async_script, ALL))
    return {f"figures: {name}": statistics.median(values) for name, values in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", type=int, nargs="+", default=[1000, 250])
    parser.add_argument("--attacks", type=int, default=30)
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="Folder to leave the ledgers in; those that are there are read.")
    options = parser.parse_args()
    import torch

    hardware = f"{describe(torch.device('cpu'))}, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["networks", "attacks", "images", "measured", "value", "hardware"])
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        for networks in options.networks:
            folder = (options.keep or Path(temporary)) / f"many{min(networks, MOST)}"
            page = write_page(folder, networks, options.attacks, options.images)
            browser = start(f"{temporary}/profile-{networks}")
            try:
                found = measure(browser, page, options.repeats)
                found |= measure_figures(browser, page.with_name("figures.html"), options.repeats)
            finally:
                browser.quit()
            for name, value in found.items():
                row = [networks, options.attacks, options.images, name, f"{value:.3f}", hardware]
                writer.writerow(row)
                sys.stdout.flush()


if __name__ == "__main__":
    main()
