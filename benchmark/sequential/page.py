"""A decision or an estimate as one page that opens from disk, with its numbers as CSV: every name escaped."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from benchmark.charts import Axis, Line, line_chart
from benchmark.held_out_names import images_of
from benchmark.reporting.as_csv import CsvWriter
from benchmark.reporting.pages import site_environment, site_root
from benchmark.reporting.text import points
from benchmark.sequential.result import Decision, Estimate, Look, NetworkLine
from benchmark.storage import write_atomic

TEMPLATES = Path(__file__).parent / "templates"

#: So many pairs are drawn; the tables have all of them.
DRAWN = 12


def write_decision(folder: Path, decision: Decision) -> Path:
    """Write the page and its tables into `folder`; the path of the page.

    Raises:
        BadInput: the folder can't be written.
    """
    looks = [
        [pair.first, pair.second, look.images, *_percentages(look)] for pair in decision.pairs for look in pair.looks
    ]
    names = ["first", "second", "images", "difference", "low", "high"]
    write_atomic(folder / "intervals.csv", to_csv(names, looks))
    networks = [
        [line.network, line.images, *_percentages(line), line.passes, round(line.passes_of_all), line.standing]
        for line in decision.networks
    ]
    names = ["network", "images", decision.metric, "low", "high", "passes", "passes_of_all", "standing"]
    write_atomic(folder / "networks.csv", to_csv(names, networks))
    charts = [
        interval_chart(f"{pair.first} − {pair.second}: {pair.verdict}", pair.looks, decision.images, decision.margin)
        for pair in decision.pairs[:DRAWN]
    ]
    return write_atomic(
        folder / "index.html", render("decision.html", decision=decision, charts=charts, root=site_root(folder))
    )


def write_estimate(folder: Path, estimate: Estimate) -> Path:
    """Write the page and its table into `folder`; the path of the page.

    Raises:
        BadInput: the folder can't be written.
    """
    rows = [[look.images, *_percentages(look)] for look in estimate.looks]
    write_atomic(folder / "interval.csv", to_csv(["images", "rworst", "low", "high"], rows))
    most = max(estimate.standing, estimate.looks[-1].images, 1)
    chart = interval_chart(f"Rworst of {estimate.network}", estimate.looks, most)
    return write_atomic(
        folder / "index.html", render("estimate.html", estimate=estimate, chart=chart, root=site_root(folder))
    )


def render(template: str, **values: Any) -> str:
    """The HTML of a page."""
    templates = site_environment(TEMPLATES)
    templates.filters.update(signed=lambda share: points(share).replace("-", "−"), images_of=images_of)
    return templates.get_template(template).render(**values)


def interval_chart(title: str, looks: Sequence[Look], images: int, margin: float = 0.0) -> Markup:
    """The mean and its interval in percentage points over the number of images."""
    shares = [100 * share for look in looks for share in (look.low, look.high)] + [-100 * margin, 100 * margin]
    room = max(max(shares) - min(shares), 1.0) * 0.05
    lines = [
        Line("observed", [(look.images, 100 * look.value) for look in looks]),
        Line("lower end", [(look.images, 100 * look.low) for look in looks], is_stairs=True, is_dashed=True),
        Line("upper end", [(look.images, 100 * look.high) for look in looks], is_stairs=True, is_dashed=True),
    ]
    lines += [
        Line(f"{100 * level:+.3g} points", [(0, 100 * level), (images, 100 * level)])
        for level in ((-margin, margin) if margin else ())
    ]
    y = Axis("percentage points", min(shares) - room, max(shares) + room)
    return line_chart(title, lines, Axis("images", 0, images), y)


def to_csv(names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Rows under their names."""
    file = io.StringIO()
    writer = CsvWriter(file)
    writer.writerow(names)
    writer.writerows(rows)
    return file.getvalue()


def _percentages(found: Look | NetworkLine) -> list[str]:
    return [f"{100 * share:.6g}" for share in (found.value, found.low, found.high)]
