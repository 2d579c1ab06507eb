"""What figures for papers show: of each leaderboard, of the networks on it, and of papers reproduced beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.errors import BadInput, notice
from benchmark.plots.plot import FILE, Number, Plot, Series, read
from benchmark.radii import format_radius
from benchmark.reporting.curves import BARELY_BEYOND, BEYOND, RADII, kind
from benchmark.reporting.entries import Accuracy, Entry
from benchmark.reporting.leaderboards import Leaderboard
from benchmark.reporting.networks import NetworkPage, Result, network_pages
from benchmark.reporting.training_lines import training_lines
from benchmark.statistics.wilson import wilson
from benchmark.storage import canonical_json

#: Networks whose lines can be told apart, and rows that fit on a page: the first of a leaderboard.
LINES, ROWS = 8, 40


def plots(boards: Sequence[Leaderboard], out: Path) -> Iterator[Plot]:
    """All figures: leaderboard by leaderboard, then those that pages below `out` hold."""
    pages = network_pages(boards)
    results = {result.entry.id: result for page in pages for result in page.results}
    for board in boards:
        yield from _curves(board, [results[entry.id] for entry in board.entries[:LINES]])
        yield from _clean_against_worst(board)
        yield _attacks(board)
    yield from _trainings(boards, pages)
    for path in sorted(out.glob(f"*/*/{FILE}")):
        try:
            yield from read(path)
        except BadInput as error:
            notice(str(error))


def _curves(board: Leaderboard, results: Sequence[Result]) -> Iterator[Plot]:
    """Robust accuracy over the radius, a figure for each norm."""
    more = f" The first {LINES} networks of {len(board.entries)} are shown." if len(board.entries) > LINES else ""
    for norm in board.norms:
        curves = [(result.entry, curve) for result in results for curve in result.curves if curve.norm == norm]
        if not curves:
            continue
        limit = max((BEYOND if curve.is_measured else BARELY_BEYOND) * curve.epsilon for _, curve in curves)
        radii = np.linspace(0, limit, RADII)
        is_mixed = len({curve.is_measured for _, curve in curves}) > 1
        series = []
        for entry, curve in curves:
            shares = curve.accuracy(radii)
            low, high = zip(*(wilson(share * board.images, board.images) for share in shares.tolist()), strict=True)
            series.append(
                Series(
                    name=f"{entry.name} ({kind(curve)})" if is_mixed and not curve.is_measured else entry.name,
                    x=tuple(radii.tolist()),
                    y=_percent(shares.tolist()),
                    low=_percent(low),
                    high=_percent(high),
                    is_stairs=True,
                    is_faint=not curve.is_measured,
                )
            )
        marked = curves[0][1].radii
        told = " and ".join(format_radius(norm, radius) for radius in marked)
        dotted = "Dotted lines mark the radii" if len(marked) > 1 else "The dotted line marks the radius"
        faint = " Pale lines are upper bounds: their attacks did not minimise the distance." * any(
            line.is_faint for line in series
        )
        yield Plot(
            key=f"curves-{norm}-{board.file}",
            kind="lines",
            caption=f"Security curves in {norm}, {board.title}: the share of images without a known adversarial "
            f"example within ε. {dotted} of the suite, {told}.{faint}{more}",
            x=f"ε in {_index(norm)}",
            y="robust accuracy (%)",
            x_range=(0.0, float(limit)),
            y_range=(0.0, 100.0),
            series=tuple(series),
            markers=marked,
        )


def _clean_against_worst(board: Leaderboard) -> Iterator[Plot]:
    """Points with intervals, coloured by method, and the front of those that no other one beats in both."""
    known = [entry for entry in board.entries if entry.clean is not None and entry.r_worst is not None]
    if not known:
        return
    points = [(_value(entry.clean), _value(entry.r_worst)) for entry in known if not entry.is_masked]
    methods: dict[str, list[Entry]] = {}
    for entry in known:
        methods.setdefault(entry.method + (" (masked?)" if entry.is_masked else ""), []).append(entry)
    masked = " Pale points may be too high: there is strong evidence of gradient masking." * any(
        entry.is_masked for entry in known
    )
    xs, ys = zip(*((_value(entry.clean), _value(entry.r_worst)) for entry in known), strict=True)
    yield Plot(
        key=f"clean-rworst-{board.file}",
        kind="scatter",
        caption=f"Clean accuracy and Rworst with 95% intervals, {board.title}. The line joins the networks that no "
        f"other one beats in both.{masked}",
        x="clean accuracy (%)",
        y="Rworst (%)",
        x_range=_around(xs),
        y_range=_around(ys),
        series=tuple(_points(method, entries) for method, entries in methods.items()),
        front=_front(points),
    )


def _points(method: str, entries: Sequence[Entry]) -> Series:
    clean, worst = [entry.clean for entry in entries], [entry.r_worst for entry in entries]
    return Series(
        name=method,
        x=tuple(map(_value, clean)),
        y=tuple(map(_value, worst)),
        left=tuple(100 * each.low for each in clean if each),
        right=tuple(100 * each.high for each in clean if each),
        low=tuple(100 * each.low for each in worst if each),
        high=tuple(100 * each.high for each in worst if each),
        labels=tuple(entry.name for entry in entries),
        is_faint=entries[0].is_masked,
    )


def _value(accuracy: Accuracy | None) -> float:
    assert accuracy is not None
    return 100 * accuracy.value


def _around(values: Sequence[float]) -> tuple[float, float]:
    room = max(4.0, 0.15 * (max(values) - min(values)))
    return max(0.0, min(values) - room), min(101.0, max(values) + room)


def _front(points: Iterable[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """The points that no other one beats in both, by rising x."""
    found: list[tuple[float, float]] = []
    for point in sorted(set(points), reverse=True):
        if not found or point[1] > found[-1][1]:
            found.append(point)
    return tuple(reversed(found))


def _attacks(board: Leaderboard) -> Plot:
    """The accuracy that each attack leaves, networks × attacks, and last what all leave together."""
    entries = board.entries[:ROWS]
    more = f" The first {ROWS} networks of {len(board.entries)} are shown." if len(board.entries) > ROWS else ""
    part = " In worst-case mode an attack sees the images that earlier ones left standing." * (
        board.mode != "complete"
    )
    rows = [
        (
            _share(entry.clean),
            *(None if attack["accuracy"] is None else 100 * attack["accuracy"] for attack in entry.attacks),
            _share(entry.r_worst),
        )
        for entry in entries
    ]
    return Plot(
        key=f"attacks-{board.file}",
        kind="matrix",
        caption=f"Accuracy in percent under each attack, {board.title}.{part}{more}",
        rows=tuple(entry.name for entry in entries),
        columns=("clean", *(outcome.label for outcome in entries[0].evaluation.outcomes), "Rworst"),
        values=tuple(rows),
    )


def _share(accuracy: Accuracy | None) -> Number:
    return None if accuracy is None else _value(accuracy)


def _trainings(boards: Sequence[Leaderboard], pages: Sequence[NetworkPage]) -> Iterator[Plot]:
    """Accuracies on the validation split, of each training of the first networks, a cohort's in one figure."""
    first = {entry.id for board in boards for entry in board.entries[:LINES]}
    seen: set[str] = set()
    for page in pages:
        history: Sequence[Any] = page.card.get("history", [])
        lines = training_lines(history).shares
        if not lines or canonical_json(history) in seen or not first & {result.entry.id for result in page.results}:
            continue
        seen.add(canonical_json(history))
        selected = page.card.get("selected_epoch")
        told = (
            f" The dotted line marks the epoch whose weights were selected for {page.label}, {selected}."
            if selected
            else ""
        )
        yield Plot(
            key=f"training-{page.stem}",
            kind="lines",
            caption=f"Training of {page.label}: accuracies on the validation split.{told}",
            x="epoch",
            y="accuracy (%)",
            y_range=(0.0, 100.0),
            series=tuple(
                Series(name=line.name, x=tuple(x for x, _ in line.points), y=tuple(y for _, y in line.points))
                for line in lines
            ),
            markers=(float(selected),) if isinstance(selected, int | float) and selected else (),
        )


def _percent(shares: Iterable[float]) -> tuple[float, ...]:
    return tuple(100 * share for share in shares)


def _index(norm: str) -> str:
    return {"linf": "ℓ∞", "l2": "ℓ2", "l1": "ℓ1", "l0": "ℓ0"}.get(norm, norm)
