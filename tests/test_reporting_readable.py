"""No page shows a number or a word as the program writes it for itself."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from seeded_networks import card
from synthetic import add_evaluation

import benchmark
from benchmark.reporting.pages import site_root
from benchmark.reporting.sweep_pages import sweep_pages
from benchmark.reporting.text import arxiv, plural, setting

#: Floats with more digits than anybody reads, and words of Python or JSON; in dates and digests nothing is one.
RAW = re.compile(
    r"(?<![\w.-])\d+\.\d{6,}(?!\d*[\w-])|\b(?:None|null|True(?! class)|False|nan)\b"
    r"|(?<!\d)1 (?:threads|notes|seeds|points)\b"
)


def raw(page: str) -> list[str]:
    """What a reader sees of a page that is raw; commands that are to be repeated say every digit."""
    page = re.sub(r"<(style|script|template|pre)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return RAW.findall(html.unescape(re.sub(r"<[^>]*>", " ", page)))


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """What records and cards hold that is not for readers: thirds, what is absent, one thread, no selected epoch."""
    attack = {
        "name": "pgd",
        "version": 1,
        "steps": 40,
        "step_size": None,
        "relative_step_size": 1 / 12,
        "k": [5, 1 / 3],
    }
    attack |= {"abort_early": True}
    recipe = {
        "name": "quick",
        "lr": 0.1 / 3,
        "clip": None,
        "nesterov": False,
        "threats": {"linf": {"epsilon": 8 / 255}},
    }
    extra = {
        "seconds": 52.042837,
        "hardware": "AMD EPYC, 1 threads",
        "title": "AT",
        "paper": "A 2018, arXiv:1706.06083",
    }
    for seed in (0, 1):
        told = card("at", seed, extra=extra) | {"recipe": recipe, "selection": "best", "numbers": 12345}
        add_evaluation(
            tmp_path / "results", f"at-{seed}", card=told, identities={"pgd": attack},
            info={"hardware": "AMD EPYC, 1 threads"},
        )  # fmt: skip
        add_evaluation(tmp_path / "results", f"at-{seed}", card=told, crafted_on="at-0")
    sweep = tmp_path / "reports" / "sweeps" / "<a&b>"
    sweep.mkdir(parents=True)
    (sweep / "index.html").write_text("")
    (sweep / "sweep.json").write_text('{"title": "α of <MAT>", "networks": 3, "selected": "0.3 is best"}')
    return benchmark.report(results=tmp_path / "results", out=tmp_path / "reports").parent


def test_no_page_shows_raw_values(site: Path) -> None:
    pages = {path: path.read_text(encoding="utf-8") for path in site.rglob("*.html")}
    assert len(pages) >= 6
    assert {str(path): found for path, page in pages.items() if (found := raw(page))} == {}
    suite = next(page for path, page in pages.items() if path.parent.name == "suites")
    assert "step_size=none, relative_step_size=0.08333, k=[5, 0.3333], abort_early=yes" in suite
    (table,) = (site / "suites").glob("*.csv")
    assert "relative_step_size=0.08333333333333333" in table.read_text()


def test_the_search_for_raw_values_finds_some() -> None:
    page = "<p title='None'>0.08333333333333333 <b>None</b> AMD, 1 threads</p><script>null</script> 11 threads 1.25"
    assert len(raw(page)) == 3


def test_papers_lead_to_arxiv(site: Path) -> None:
    page = (site / "models" / "at-0.html").read_text(encoding="utf-8")
    assert '<a href="https://arxiv.org/abs/1706.06083" rel="external noreferrer">A 2018, arXiv:1706.06083</a>' in page
    assert '<a href="https://arxiv.org/abs/1706.06083"' in (site / "index.html").read_text(encoding="utf-8")
    assert arxiv("x, arXiv:2112.05005v1") == "https://arxiv.org/abs/2112.05005v1"
    assert arxiv("x, arXiv:cs.LG/0702011") == "https://arxiv.org/abs/cs.LG/0702011"
    for words in ("", "arXiv", "arXiv:12", "arXiv:../../x", 'arXiv:1706.06083"onclick=', "notarXiv:1706.060831"):
        assert (arxiv(words) or "https://arxiv.org/abs/1706.06083") == "https://arxiv.org/abs/1706.06083"


def test_sweeps_are_linked(site: Path, tmp_path: Path) -> None:
    page = (site / "index.html").read_text(encoding="utf-8")
    assert '<a href="sweeps/%3Ca%26b%3E/index.html">α of &lt;MAT&gt;</a>, 3 networks: 0.3 is best' in page
    (site / "sweeps" / "<a&b>" / "sweep.json").write_text("[")
    assert sweep_pages(site) == []
    (site / "sweeps" / "<a&b>" / "sweep.json").unlink()
    assert [found.about.title for found in sweep_pages(site)] == ["<a&b>"]


def test_a_page_below_a_site_leads_back_to_it(site: Path, tmp_path: Path) -> None:
    assert site_root(site / "sweeps" / "alpha") == "../../"
    assert site_root(tmp_path / "elsewhere" / "a" / "b") is None


def test_values_as_people_read_them() -> None:
    found = [setting(value) for value in (None, True, 1 / 12, 3, "ce", [1, 0.25], {"a": None}, 1e-7)]
    assert found == ["none", "yes", "0.08333", "3", "ce", "[1, 0.25]", "{a: none}", "1e-07"]
    assert [plural(f"AMD, {number} threads") for number in (1, 2, 11)] == [
        "AMD, 1 thread",
        "AMD, 2 threads",
        "AMD, 11 threads",
    ]
