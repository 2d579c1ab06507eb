"""Any value in any place of what a stranger's network or evaluation says: it is refused by name, or it is shown."""

from __future__ import annotations

import copy
import dataclasses
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from evaluation_toys import trained
from synthetic import add_evaluation

import benchmark
from benchmark.errors import BadInput
from benchmark.evaluation.network_card import card
from benchmark.ledger import Ledger
from benchmark.ledger.manifests import filed
from benchmark.ledger.schema import suite_digest
from benchmark.models.checkpoint import _from_parts
from benchmark.planning.estimate import seconds_of
from benchmark.storage import digest

ROWS = [{"epoch": n, "loss": 1 / n, "clean": 0.5, "robust": 0.4, "lr": 0.1, "seconds": 2.0} for n in (1, 2, 3)]
#: A card that says all that training says.
CARD = {
    "method": "mat",
    "scale": "digits",
    "seed": 3,
    "numbers": 1000,
    "history": ROWS,
    "recipe": {"name": "quick", "lr": 0.1, "epochs": 3, "schedule": {"name": "constant"}},
    "versions": {"torch": "2"},
    "selection": "best",
    "selected_epoch": 2,
    "extra": {
        "run": "r",
        "settings": {"beta": 1.0},
        "inner": None,
        "outer": None,
        "attack": {"climbs": "x", "linf": {"epsilon": 0.1}},
        "minimises": "x",
        "teachers": ["at"],
        "lineage": [{"role": "teacher", "name": "at"}],
        "precision": "fp32",
        "hardware": "cpu",
        "seconds": 3.5,
    },
}
NUMBERS = [0, -1, 0.5, 5e-324, 1e308, -1e308, 2**53, 2**64, 10**400, True]
WORDS = ["", "x", "nan", "a\nb", "../../x", "\x1b[31m<img>", "\ud800", "y" * 5000]
OTHERS = [None, [], {}, [[1]], [None], [{}], [1, 2, 3], {"a": {"b": []}}]
GONE = object()
VALUES = [*NUMBERS, *WORDS, *OTHERS, GONE]


def places(value: Any, path: tuple = ()) -> Iterator[tuple]:
    """The path of every value inside `value`."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from places(inner, (*path, key))


def changed(whole: Any, path: tuple, value: object) -> Any:
    result = copy.deepcopy(whole)
    inner = result
    for key in path[:-1]:
        inner = inner[key]
    if value is GONE:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return result


def chosen(whole: Any, count: int | None) -> list[tuple[tuple, object]]:
    """Places with values for them: all, or `count` drawn by a seed."""
    cases = [(path, value) for path in places(whole) for value in VALUES]
    return cases if count is None else random.Random(count).sample(cases, count)


ALL = pytest.param(None, marks=[pytest.mark.slow, pytest.mark.timeout(3000)])


@pytest.mark.parametrize("count", [200, ALL])
def test_what_a_checkpoint_says_is_refused_or_can_be_filed(count: int | None, tmp_path: Path) -> None:
    """Nothing is accepted at the start, before all attacks, that is refused at the end."""
    content = add_evaluation(tmp_path)
    header = trained().card() | {name: CARD[name] for name in CARD if name != "numbers"}
    refused = 0
    for path, value in chosen(header, count):
        try:
            checkpoint = _from_parts(changed(header, path, value), trained().state, "stranger.pt")
        except BadInput as error:
            assert str(error).startswith("stranger.pt: ")  # noqa: PT017 (both ends are right)
            refused += 1
        else:
            assert filed({**content, "model": card(checkpoint)}), (path, value)
    assert 0 < refused < len(chosen(header, count))


@pytest.mark.filterwarnings("ignore::benchmark.errors.Notice")  # which of them are left out
@pytest.mark.parametrize("count", [120, ALL])
def test_what_an_evaluation_says_is_named_or_shown(count: int | None, tmp_path: Path) -> None:
    """Each is filed under a right checksum, and under a name of its own; one must not end the report of others."""
    content = add_evaluation(tmp_path / "results", "at", card=CARD)
    cases = chosen(content, count)
    for begin in range(0, len(cases), 40):
        several = [(changed(content, *case), case) for case in cases[begin : begin + 40]]
        try:
            shown = report(tmp_path, [manifest for manifest, _ in several])
        except BaseException:
            for manifest, case in several:  # which of them it was
                try:
                    report(tmp_path, [manifest])
                except BaseException as error:
                    raise AssertionError(f"{case} ends the report") from error
            raise
        assert "at" in shown


def report(folder: Path, manifests: list[Any]) -> str:
    """The leaderboard of an honest evaluation and of these."""
    results = folder / "results"
    for path in (results / "evaluations").glob("odd-*.json"):
        path.unlink()
    for number, manifest in enumerate(manifests):
        if isinstance(manifest.get("model"), dict) and manifest["model"].get("name") == "at":
            manifest["model"]["name"] = f"odd {number}"
        text = json.dumps({"sha256": digest(manifest), **manifest})
        (results / "evaluations" / f"odd-{number}.json").write_text(text)
    ledger = Ledger.open(results)
    found = ledger.evaluations()
    assert len(found) + len(ledger.problems) >= 1 + len(manifests)
    page = benchmark.report(results=results, out=folder / "reports")
    benchmark.doctor(results=results, zoo=folder / "zoo")
    assert all(len(frame) for frame in (benchmark.results.load(results), benchmark.results.examples(results)))
    assert all(seconds_of(evaluation.model) >= 0 for evaluation in found if evaluation.model.get("history"))
    return page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "history",
    [
        [{"epoch": 0, "loss": 1.0}, {"epoch": 0, "loss": 1.0}],
        [{"epoch": -3, "loss": 4e38}, {"epoch": -5, "loss": -4e38}],
        [{"epoch": "first", "loss": 1.0, "clean": 0.1}, {"epoch": None, "loss": "nan", "clean": 0.2}],
        [{"loss": 2**64, "clean": 4e38}, {"loss": 1.0, "clean": 1}, {}],
    ],
)
def test_odd_histories_are_drawn_as_far_as_they_are_numbers(history: list, tmp_path: Path) -> None:
    add_evaluation(tmp_path / "results", "at", card={"history": history})
    page = benchmark.report(results=tmp_path / "results", out=tmp_path / "reports")
    (network,) = (page.parent / "models").glob("*.html")
    drawings = re.findall("<svg.*?</svg>", network.read_text(encoding="utf-8"), re.DOTALL)
    assert len(drawings) > 2
    assert "nan" not in " ".join(drawings).lower()


def test_suites_of_one_digest_are_one_suite(tmp_path: Path) -> None:
    """An evaluation under other attacks can't have itself ranked among those of a suite."""
    content = add_evaluation(tmp_path, "at")
    forged = copy.deepcopy(content) | {"id": "f" * 64}
    forged["suite"]["items"][0]["epsilon"] = 9.0
    ledger = Ledger(tmp_path)
    with pytest.raises(BadInput, match="the digest of its suite is not that of its attacks"):
        ledger.write_evaluation(forged)
    forged["suite"]["digest"] = suite_digest(forged["suite"], forged["dataset"]["images"])
    assert forged["suite"]["digest"] != content["suite"]["digest"]
    ledger.write_evaluation(forged)
    assert len(ledger.evaluations()) == 2


def test_a_card_is_what_the_checkpoint_says() -> None:
    odd = dataclasses.replace(trained(), history=[{"loss": float("nan")}], extra={"x": (1, float("inf"))})
    assert card(odd)["history"] == [{"loss": "nan"}]
    assert card(odd)["extra"] == {"x": [1, "inf"]}
    assert "state" not in card(odd)
