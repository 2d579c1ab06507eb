"""A suite's page says what was run: every number on it is of the evaluations shown."""

from __future__ import annotations

import re
from pathlib import Path

from synthetic import WORKED_ATTACKS, add_evaluation

import benchmark


def page(results: Path) -> str:
    folder = benchmark.report(results=results, out=results.parent / "reports").parent
    (path,) = (folder / "suites").glob("*.html")
    return path.read_text(encoding="utf-8")


def sentences(page: str) -> str:
    return re.search(r"</h1>\s*<p>(.*?)</p>", page, re.DOTALL)[1]  # type: ignore[index]


def test_sentences_are_made_from_what_runs(tmp_path: Path) -> None:
    add_evaluation(tmp_path / "results")
    assert sentences(page(tmp_path / "results")) == (
        "4 attacks run under linf ≤ 0.03, l2 ≤ 0.5 and l1 ≤ 12 on the first 6 test images of digits. "
        "Ravg and Rworst count all of these threats."
    )


def test_restarts_mode_and_the_set_that_counts_are_told(tmp_path: Path) -> None:
    attacks = [("a", "linf", 4 / 255, *WORKED_ATTACKS[0][3:]), ("b", "linf", 8 / 255, *WORKED_ATTACKS[1][3:])]
    add_evaluation(tmp_path / "results", attacks=attacks, mode="worst-case", restarts=7, union=[("linf", 8 / 255)])
    assert sentences(page(tmp_path / "results")) == (
        "2 attacks run under linf ≤ 4/255 and linf ≤ 8/255 on the first 6 test images of digits. Randomised "
        "attacks are run with up to 7 restarts, as listed in the table; an image counts as broken if any "
        "restart succeeds. Each attack is run on the images on which no earlier attack under the same threat "
        "succeeded, and on 3 images "
        "that all attacks see. "
        "Ravg and Rworst count linf ≤ 8/255."
    )
    add_evaluation(tmp_path / "one" / "results", attacks=attacks[:1])
    assert sentences(page(tmp_path / "one" / "results")).startswith("One attack runs under linf ≤ 4/255 on the first")


def test_images_that_are_held_out_are_no_test_images(tmp_path: Path) -> None:
    add_evaluation(tmp_path / "results", dataset="digits?holdout=0.2")
    assert "on the first 6 held-out training images of digits?holdout=0.2." in sentences(page(tmp_path / "results"))
    site = tmp_path / "reports"
    for path in (site / "index.html", site / "models" / "at.html", *(site / "tables").glob("*.tex")):
        told = path.read_text(encoding="utf-8")
        assert "6 test images" not in told, path
        assert path.suffix == ".tex" or "first 6 held-out training images" in told, path


def test_what_a_suite_says_of_itself_is_not_taken_for_what_ran(tmp_path: Path) -> None:
    """Its description may be of other presets, scales and numbers of images."""
    about = {"description": "10 random starts, first 1000 test images", "sources": ["Me & you 2027"]}
    add_evaluation(tmp_path / "results", about=about | {"differences": ["Starts: there one. Here <b>none</b>."]})
    found = page(tmp_path / "results")
    assert "1000" not in found
    assert "<h2>Sources</h2>\n<ul><li>Me &amp; you 2027</li></ul>" in found
    assert "<li>Starts: there one. Here &lt;b&gt;none&lt;/b&gt;.</li>" in found
    bare = tmp_path / "bare" / "results"
    add_evaluation(bare)
    assert "<h2>" not in page(bare)
