"""Writes docs/methods.md and docs/attacks.md: the cards that `bench show` prints, one below the other.

.venv/bin/python scripts/cards.py
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmark import catalogue
from benchmark.catalogue import Row
from benchmark.storage import canonical_json

ROOT = Path(__file__).parents[1]
HEADS = Path(__file__).parent / "heads"

#: What stands in the columns of the tables, and under which headings.
METHODS = {
    "networks": "Trained",
    "teachers": "Frozen",
    "inner": "Inner objective",
    "outer": "Outer objective",
    "paper": "Paper",
}
METHODS |= {"equation": "Equation"}
ATTACKS = {
    "norms": "Norms",
    "kind": "Kind",
    "gradient_free": "Gradient-free",
    "source": "Code",
    "paper": "Published",
}
#: What a section says in a list, in this order.
FACTS = ("title", "description", "paper", "equation", "code", "networks", "teachers", "norms", "strategy", "inner")
FACTS += ("start", "ascent", "outer", "weights", "version", "restarts can help", "cost")
FORMULAS = ("inner", "outer")
#: A number that is written longer than this is rounded.
DIGITS = 10


def methods_page() -> str:
    """docs/methods.md. Options that most methods have with the same value are named once, above."""
    cards = _cards("methods")
    usual = _usual(cards)
    told = [(HEADS / "usual.md").read_text(encoding="utf-8").strip(), "", *_options(usual)]
    return _page("methods", METHODS, cards, told, usual)


def attacks_page() -> str:
    """docs/attacks.md."""
    return _page("attacks", ATTACKS, _cards("attacks"), (), ())


def _cards(kind: str) -> list[Row]:
    return [catalogue.show(row["name"], kind=kind) for row in catalogue.catalogue(kind)]


def _page(kind: str, columns: dict[str, str], cards: list[Row], between: Sequence[str], usual: Sequence[Row]) -> str:
    head = (HEADS / f"{kind}.md").read_text(encoding="utf-8")
    lines = [head, _line(["Name", *columns.values()]), _line(["---"] * (len(columns) + 1))]
    for card in cards:
        lines.append(
            _line([f"[`{card['name']}`](#{card['name']})", *(_value(name, card.get(name)) for name in columns)])
        )
    lines += ["", *between] if between else []
    for card in cards:
        lines += ["", f"## {card['name']}", "", *_section(card, usual)]
    return "\n".join(lines) + "\n"


def _section(card: Row, usual: Sequence[Row]) -> Iterator[str]:
    for name in FACTS:
        if card.get(name) not in (None, "", [], "none"):
            yield f"* {name.capitalize()}: {_value(name, card[name])}"
    for name in ("remarks", "differences", "passes"):
        if card.get(name):
            yield from ("", card[name])
    own = [option for option in card["options"] if option not in usual]
    if own:
        yield from ("", *_options(own))


def _options(options: Sequence[Row]) -> Iterator[str]:
    columns = list(options[0])
    yield _line([name.capitalize() for name in columns])
    yield _line(["---"] * len(columns))
    for option in options:
        yield _line([f"`{option['name']}`", *(_value(name, option[name]) for name in columns[1:])])


def _usual(cards: list[Row]) -> list[Row]:
    """The options of the attack, of the statistics and of the weights as most methods have them."""
    counts: dict[tuple[str, str], Counter[str]] = {}
    rows = {}
    for card in cards:
        for option in card["options"]:
            if option["of the"] in ("attack", "statistics", "weights"):
                rows[canonical_json(option)] = option
                counts.setdefault((option["of the"], option["name"]), Counter())[canonical_json(option)] += 1
    return [rows[values.most_common(1)[0][0]] for values in counts.values()]


def _value(name: str, value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = "" if value is None else str(value)
    if isinstance(value, float) and len(text) > DIGITS:
        return f"{value:.6g}"
    return f"`{text}`" if name in FORMULAS and text not in ("", "none") else text


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    for name, page in (("methods", methods_page()), ("attacks", attacks_page())):
        (ROOT / "docs" / f"{name}.md").write_text(page, encoding="utf-8")
