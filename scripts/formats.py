"""Writes docs/reference/formats.md: the files that the program writes, from the schemas by which it reads them.

.venv/bin/python scripts/formats.py
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from pydantic import BaseModel

from benchmark import limits
from benchmark.analysis import frames
from benchmark.card import Card
from benchmark.ledger import bundle_file, ledger, pack_layout, record, schema
from benchmark.ledger.evaluation import Evaluation, Outcome
from benchmark.models import files as checkpoint_files
from benchmark.models.checkpoint import Checkpoint
from benchmark.reporting.column import Output
from benchmark.reporting.columns import columns
from benchmark.reporting.leaderboards import Leaderboard, leaderboards
from benchmark.reporting.rows import attack_rows, leaderboard_rows

ROOT = Path(__file__).parents[1]
PLACE = ROOT / "docs" / "reference" / "formats.md"
HEADS = Path(__file__).parent / "heads"
#: What the fields of the schemas and the columns of the tables mean, where the code does not say it beside them.
MEANINGS: dict[str, dict[str, str]] = yaml.safe_load((HEADS / "formats.yaml").read_text(encoding="utf-8"))


def page() -> str:
    """docs/reference/formats.md."""
    text = (HEADS / "formats.md").read_text(encoding="utf-8")
    board = example()
    parts = {
        "LEDGER": f"```text\n{_block(ledger.__doc__)}\n```",
        "VERSIONS": _table(("What", "Says", "Version now"), _versions()),
        "RECORD": _table(("Array", "Type", "Meaning"), _arrays()),
        "KEY": _table(("Field", "Type", "Meaning"), _schema(schema.Key, "key")),
        "INFO": _table(("Field", "Type", "Meaning"), _schema(schema.Info, "info")),
        "PACK": f"```text\n{_block(pack_layout.__doc__)}\n```",
        "MANIFEST": _table(("Field", "Type", "Meaning"), _schema(schema.Manifest, "manifest")),
        "CHECKPOINT": _table(("Field", "Meaning"), _attributes(Checkpoint)),
        "CARD": _table(("Field", "Type"), ((f"`{name}`", kind) for name, kind, _ in _fields(Card))),
        "LEADERBOARD": _table(("Column", "Meaning"), _columns(board)),
        "ATTACKS": _table(("Column", "Meaning"), _named(_names(attack_rows([board])), "attacks", "setting")),
        "FRAME": _table(("Column", "Meaning"), _named((*frames._ABOUT, *frames._COLUMNS), "attacks", "setting")),
        "EXAMPLES": _table(("Column", "Meaning"), _named(_examples(board), "examples", "setting")),
        "LIMITS": _table(("What", "At most"), _limits()),
    }
    for name, content in parts.items():
        text = text.replace(f"<!-- {name} -->", content.strip())
    return text.strip() + "\n"


def example() -> Leaderboard:
    """A leaderboard of one network under attack in two norms, for the columns that it has."""
    card = {"name": "at", "digest": "", "method": "at", "network": "", "architecture": "small-cnn"}
    card |= {"dataset": "digits", "seed": 0, "history": [], "recipe": {}, "extra": {}}
    costs = dict.fromkeys(("seconds", "forwards", "backwards", "dead_gradients", "disagreements", "attacked"), 0)
    flags, distances = np.array([True, False, False]), np.array([0.1, np.inf, np.inf], np.float32)
    outcomes = [
        Outcome(f"pgd-{norm}", norm, epsilon, "fixed-budget", flags, distances, ~flags | flags,
                costs={**costs, "faults": {}}, definition={"attack": {"name": "pgd"}, "restarts": 1, "source": "own"})
        for norm, epsilon in (("linf", 0.15), ("l2", 0.8))
    ]  # fmt: skip
    suite = {"name": "mine", "preset": "standard", "digest": "", "items": []}
    found = Evaluation(
        id="", model=card, suite=suite, dataset={"name": "digits", "digest": "", "images": 3},
        mode="complete", seed=0, precision="fp32", clean_errors=~flags & flags, outcomes=tuple(outcomes),
    )  # fmt: skip
    (board,) = leaderboards([found])
    return board


def _block(doc: str | None) -> str:
    """The indented lines of a docstring."""
    lines = [line[4:] for line in (doc or "").splitlines() if line.startswith("    ")]
    return "\n".join(lines)


def _versions() -> Iterator[Sequence[object]]:
    yield "results folder without packs", "`format.json`", record.FORMAT
    yield "results folder with packs", "`format.json`", record.FORMAT + 1
    yield "record", "`format` in its text", record.FORMAT
    yield "rules of the verdict", "`rules` of key and evaluation", record.RULES
    yield "pack", "`version` in its metadata", pack_layout.VERSION
    yield "checkpoint", "`version`", checkpoint_files.VERSION
    yield "bundle", "`version` of `bundle.json`", bundle_file.VERSION


def _arrays() -> Iterator[Sequence[str]]:
    told = dict(_attributes(record.Record, plain=True))
    told |= {
        name: text for name, text in _attributes(Outcome, plain=True) if name in ("broken", "distance", "evaluated")
    }
    told |= _attributes_of(Evaluation, "clean_errors")
    kinds = {**record._ARRAYS, **record._RARE}
    for name, kind in kinds.items():
        rare = ", only where it says something" if name in record._RARE else ""
        yield f"`{name}`", f"{np.dtype(kind).name}{rare}", told[name]
    for name in record._CLASSES:
        yield f"`{name}`", "integers, not in older records", told[name]


def _attributes_of(kind: type, name: str) -> dict[str, str]:
    return {each: text for each, text in _attributes(kind, plain=True) if each == name}


def _attributes(kind: type, plain: bool = False) -> Iterator[tuple[str, str]]:
    """The names and meanings that the docstring of a class lists."""
    listed = (inspect.getdoc(kind) or "").partition("Attributes:\n")[2].partition("\n\n")[0]
    for names, text in re.findall(r"^    ([\w, ]+): (.*(?:\n      .*)*)", listed, re.MULTILINE):
        words = _cell(" ".join(text.split()))
        yield from ((name if plain else f"`{name}`", words) for name in names.split(", "))


def _fields(form: type[BaseModel]) -> Iterator[tuple[str, str, bool]]:
    """Name and type of each field, and whether it may be left out."""
    told = form.model_json_schema()
    for name, field in told["properties"].items():
        yield name, _type(field), name not in told.get("required", ())


def _type(field: Mapping[str, Any]) -> str:
    if "allOf" in field:  # pydantic before 2.9 says so of another model that has a default
        (field,) = field["allOf"]
    if "anyOf" in field:
        return " or ".join(dict.fromkeys(_type(each) for each in field["anyOf"]))
    if "enum" in field:
        return ", ".join(f'`"{each}"`' for each in field["enum"])
    if "const" in field:
        return f'`"{field["const"]}"`'
    if "items" in field:
        return f"list of {_type(field['items'])}"
    kinds = {"integer": "whole number", "object": "object", "null": "null", "string": "text", "number": "number"}
    return kinds.get(field.get("type", "object" if "$ref" in field else ""), str(field.get("type", "any value")))


def _schema(form: type[BaseModel], table: str) -> Iterator[Sequence[str]]:
    for name, kind, optional in _fields(form):
        yield f"`{name}`", kind + (", may be absent" if optional else ""), MEANINGS[table][name]


def _columns(board: Leaderboard) -> Iterator[Sequence[str]]:
    setting = list(board.setting())
    yield from _named(setting, "setting")
    about = {column.name: column.about for column in columns(board, Output.DATA)}
    for name in _names(leaderboard_rows([board])):
        stem = re.sub(r"_(low|high)$", "", name)
        if name in setting or (stem != name and stem in about):
            continue
        ends = f", `{name}_low`, `{name}_high`" if f"{name}_low" in _names(leaderboard_rows([board])) else ""
        yield (
            f"`{name}`{ends}",
            _cell(about.get(name, "")) + (" and its 95% interval" if ends and name != "rank" else ""),
        )


def _examples(board: Leaderboard) -> list[str]:
    return list(frames.per_example([entry.evaluation for entry in board.entries]).columns)


def _names(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _named(names: Iterable[str], *tables: str) -> Iterator[Sequence[str]]:
    known = {name: text for table in reversed(tables) for name, text in MEANINGS[table].items()}
    yield from ((f"`{name}`", known[name]) for name in names)


def _limits() -> Iterator[Sequence[str]]:
    for name, text in MEANINGS["limits"].items():
        value = getattr(limits, name)
        yield text, f"{value / 2**20:,.4g} MiB" if value >= 2**18 else f"{value:,}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


if __name__ == "__main__":
    PLACE.write_text(page(), encoding="utf-8")
