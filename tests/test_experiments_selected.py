"""What a sweep says of its best variant: corrected for the choice, tested against the others, or nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmark.catalogue.files import in_short
from benchmark.experiments.measure import Measurement, on_validation
from benchmark.experiments.selected import selected
from benchmark.experiments.table import SweepLine, make_lines, to_csv
from benchmark.experiments.variants import Variant
from benchmark.models import load_checkpoint, save_checkpoint
from benchmark.recipes.recipe import load_recipe
from benchmark.training import train


def figures(right: np.ndarray | None, network: str = "", masked: str = "", robust: float = 0.5) -> Measurement:
    robust = robust if right is None else float(right.mean())
    return Measurement(network, 0.9, robust, 200, Path("only.pt"), masked=masked, scores=right)


def lines(*rows: Any, judged: tuple[str, ...] = ("",)) -> list[SweepLine]:
    """A variant per row, whose figures are those of its networks, or by seed."""
    recipe, _ = load_recipe("quick").resolve("at", "small-cnn", "digits", "digits", {}, "quick")
    by_seed = [row if isinstance(row, dict) else {0: row} for row in rows]
    return make_lines(
        [(Variant("at", {"lr": n}, {"lr": n}, judged, recipe), found) for n, found in enumerate(by_seed)]
    )


def flags(right: int) -> np.ndarray:
    return (np.arange(200) < right).astype(float)


def test_the_best_is_corrected_and_tested() -> None:
    generator = np.random.default_rng(0)
    own = [generator.permutation(flags(right)) for right in (120, 131, 118, 121)]
    table = lines(*([figures(each)] for each in own))
    found = selected(table)
    assert found is not None
    assert (found.label, found.runner_up, found.variants) == ("at, lr 1", "at, lr 3", 4)
    assert found.found.low < found.found.corrected < found.found.value == pytest.approx(131 / 200)
    words = str(found)
    assert "Selected: at, lr 1. Robust accuracy 65.5 as measured" in words
    assert "not significantly better" in words
    assert "about these checkpoints" in words
    rows = to_csv(table, found.found).splitlines()
    assert rows[0].endswith("robust_corrected,robust_corrected_low,robust_corrected_high,runner_up_difference,p")
    assert rows[2].split(",")[-2] == "5"
    assert rows[1].endswith(",,,,,")


def test_a_clear_winner_is_said_to_be_one() -> None:
    found = selected(lines([figures(flags(180))], [figures(flags(90))]))
    assert "at, lr 0 is 45.0 points ahead of at, lr 1, significantly better than all others (p < 0.0001" in str(found)


def test_several_seeds_are_about_the_method() -> None:
    generator = np.random.default_rng(0)
    rows = [
        {seed: [figures(generator.permutation(flags(right + 9 * seed)))] for seed in range(3)} for right in (90, 95)
    ]
    words = str(selected(lines(*rows)))
    assert "about 3 training seeds each" in words
    assert "checkpoints" not in words


def test_the_chosen_one_is_the_tables_where_several_are_as_good() -> None:
    table = lines([figures(flags(100))], [figures(flags(100)[::-1])])
    found = selected(table)
    assert found is not None
    assert [line.variant.label for line in table if line.chosen] == [found.label] == ["at, lr 0"]
    assert found.found.p == 1


def test_only_judged_networks_count() -> None:
    table = lines(
        [figures(flags(0), "natural"), figures(flags(90), "robust")],
        [figures(flags(150), "natural"), figures(flags(80), "robust")],
        judged=("robust",),
    )
    found = selected(table)
    assert found is not None
    assert found.label == "at, lr 0"
    assert found.found.value == 0.45


def test_what_may_be_masked_was_no_choice() -> None:
    table = lines([figures(flags(150), masked="zero gradients")], [figures(flags(90))], [figures(flags(80))])
    found = selected(table)
    assert found is not None
    assert (found.label, found.variants) == ("at, lr 1", 2)
    assert selected(lines([figures(flags(150), masked="zero gradients")], [figures(flags(90))])) is None


@pytest.mark.parametrize("other", [None, np.ones(100)], ids=["not told", "of other images"])
def test_without_the_images_nothing_is_said(other: np.ndarray | None) -> None:
    assert selected(lines([figures(flags(150))], [figures(other)])) is None


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that was validated on 20 images in two norms."""
    short = {"epochs": 1, "batch_size": 512, "validation.steps": 1, "validation.images": 20}
    out = tmp_path_factory.mktemp("zoo")
    (path,) = train(
        "at-max", dataset="digits", out=out, device="cpu", progress=False, set={**short, "norms": ["linf", "l2"]}
    )
    return path


def test_a_checkpoint_tells_which_held_out_images_it_withstood(checkpoint: Path) -> None:
    found = on_validation(checkpoint, 20)
    assert found.scores is not None
    assert len(found.scores) == 20
    assert set(found.scores) <= {0.0, 0.5, 1.0}
    assert found.scores.mean() == pytest.approx(found.robust, abs=1e-6)
    last = checkpoint.parent / "last" / checkpoint.name
    assert load_checkpoint(last).extra["held_out"] == load_checkpoint(checkpoint).extra["held_out"]  # of one epoch


def test_a_card_counts_the_held_out_images_instead_of_listing_them(checkpoint: Path, capsys) -> None:
    from benchmark.cli import main

    kept = load_checkpoint(checkpoint).extra["held_out"]
    right = [sum(byte.bit_count() for byte in bytes.fromhex(row)) for row in kept["robust"]]
    with pytest.raises(SystemExit):
        main(["show", str(checkpoint)])
    out = " ".join(capsys.readouterr().out.split())
    assert f"{right[0]} of 20 (digest " in out
    assert kept["robust"][0] not in out
    with pytest.raises(SystemExit):
        main(["show", str(checkpoint), "--json"])
    assert kept["robust"][0] in capsys.readouterr().out
    for odd in ([], "x", {"robust": [3, "zz", None]}, {"images": {}, "robust": {"a": 1}}):  # a stranger's
        assert in_short({"extra": {"held_out": odd}})["extra"]["held_out"] is not None


@pytest.mark.parametrize(
    "held_out",
    [
        None,
        {},
        [],
        "x",
        {"images": 20, "robust": []},
        {"images": 20, "robust": ["zz"]},
        {"images": 20, "robust": ["ff"]},
        {"images": 20, "robust": [3]},
        {"images": 21, "robust": ["ffffff"]},
        {"images": 20, "robust": ["ffffff"] * 2},
        {"images": 20, "robust": "ffffff"},
    ],
    ids=repr,
)
def test_what_a_strangers_checkpoint_says_of_the_images_is_checked(
    checkpoint: Path, tmp_path: Path, held_out: Any
) -> None:
    """What contradicts the share that the history tells, or can't be read, is as good as nothing."""
    theirs = load_checkpoint(checkpoint)
    extra = {key: value for key, value in theirs.extra.items() if key != "held_out"}
    history = [{**row, "robust": 0.4321} for row in theirs.history]
    path = tmp_path / "theirs.pt"
    save_checkpoint(
        path, replace(theirs, history=history, extra=extra | ({"held_out": held_out} if held_out else {}))
    )
    found = on_validation(path, 20)
    assert (found.robust, found.scores) == (0.4321, None)
