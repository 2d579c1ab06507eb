"""The same numbers in every form, and pages' data that agree with the analysis."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from latex_reader import tables
from synthetic import WORKED_ATTACKS, add_evaluation

import benchmark
from benchmark.errors import BadInput
from benchmark.ledger import load_results
from benchmark.reporting import leaderboards
from benchmark.reporting.as_csv import as_csv, csv_line
from benchmark.reporting.networks import network_pages
from benchmark.run_names import file_stem

#: What the worked example's six images come to, in percent.
NUMBERS = ["16.7", "55.6", "50.0", "50.0", "66.7", "83.3"]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    add_evaluation(tmp_path / "results", "50%_{a}|b")
    return tmp_path / "results"


def made(results: Path, format: str) -> Path:
    return benchmark.report(results=results, out=results.parent / "out", format=format)


def test_csv_alone(results: Path) -> None:
    path = made(results, "csv")
    assert list(pd.read_csv(path)["model"]) == ["50%_{a}|b"]
    assert {file.name for file in path.parent.iterdir()} == {"leaderboard.csv", "attacks.csv"}


@pytest.mark.parametrize("digits", [None, 8])
def test_csv_says_what_pandas_would_write(digits: int | None) -> None:
    rows = [
        {"name": 'a "b", c\nd', "share": 1 / 3, "is_masked": True, "distance": np.float32(0.1), "count": 3},
        {"name": "=1+1", "share": np.nan, "is_masked": False, "distance": np.float32(np.inf), "count": 10**20},
        {"name": "", "share": 1e-30, "is_masked": np.True_, "distance": np.float32(2), "count": 0, "more": "–"},
    ]
    style = None if digits is None else f"%.{digits}g"
    frame = pd.DataFrame(rows).astype({"distance": float})
    assert as_csv(rows, digits) == frame.to_csv(index=False, float_format=style)
    assert as_csv([]) == ""


def test_csv_keeps_whole_numbers_whole_where_one_is_missing() -> None:
    assert as_csv([{"seed": 0}, {"seed": None}]).splitlines() == ["seed", "0", '""']


def test_latex(results: Path) -> None:
    text = made(results, "latex").read_text()
    (lines,) = tables(text)
    (row,) = [line for line in lines if line[1].startswith("50")]
    assert row[1] == r"50\%\_\{a\}\textbar{}b"
    assert [row[2], *row[4:9]] == NUMBERS


def test_markdown(results: Path) -> None:
    lines = made(results, "markdown").read_text().splitlines()
    (row,) = [line for line in lines if "50%" in line]
    assert row.startswith(r"| 1 | 50%\_{a}\|b |")
    cells = re.split(r"(?<!\\)\|", row)
    assert [cells[3], *cells[5:10]] == [f" {number} " for number in NUMBERS]


def test_parquet(results: Path) -> None:
    if importlib.util.find_spec("pyarrow") is None:
        with pytest.raises(BadInput, match="pip install pyarrow"):
            made(results, "parquet")
        return
    examples = pd.read_parquet(made(results, "parquet").with_name("examples.parquet"))
    assert len(examples) == 6 * len(WORKED_ATTACKS)


def test_no_such_format(results: Path) -> None:
    with pytest.raises(BadInput, match="unknown format 'htm'; did you mean html"):
        made(results, "htm")


def test_frames(results: Path) -> None:
    assert list(benchmark.results.load(results)["attack"]) == [attack[0] for attack in WORKED_ATTACKS]
    examples = benchmark.results.examples(results)
    assert len(examples) == 6 * len(WORKED_ATTACKS)
    assert examples.query("attack == 'pgd'")["broken"].sum() == 2


def test_data_of_a_network(results: Path) -> None:
    """Curves fall where the images' distances lie; Shapley shares add up to one."""
    add_evaluation(results, "at", card={"history": [{"epoch": 1, "loss": 2.5}, {"epoch": 2, "loss": 1.5}]})
    folder = made(results, "html").parent / "models"
    curves = pd.read_csv(folder / "at-curves.csv").query("norm == 'l2'")
    assert list(curves["epsilon"]) == pytest.approx([0, 0.49, 0.5, 0.51, 0.7])
    assert list(curves["accuracy"]) == pytest.approx([5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6])
    attacks = pd.read_csv(folder / "at.csv")
    assert attacks["shapley"].sum() == pytest.approx(1)
    # Images 1, 2, 3 and 4 are broken, in this order of attacks: fgsm 2, pgd 1, ddn 2 and 4, s&p 3.
    assert dict(zip(attacks["attack"], attacks["broken"], strict=True)) == {"fgsm": 1, "pgd": 1, "ddn": 2, "s&p": 1}
    assert dict(zip(attacks["attack"], attacks["first"], strict=True)) == {"fgsm": 1, "pgd": 1, "ddn": 1, "s&p": 1}
    assert list(pd.read_csv(folder / "at-history.csv")["loss"]) == [2.5, 1.5]
    page = (folder / "at.html").read_text()
    assert page.count("<svg") == 3 + 1


def test_commands_that_make_it_again(results: Path) -> None:
    """What differs from the recipe and the method's defaults is said, what does not is not."""
    recipe = {"name": "quick", "epochs": 3}
    card = {"method": "at", "recipe": recipe, "scale": "digits", "extra": {"precision": "fp32", "settings": {}}}
    add_evaluation(results, "a b", card=card)
    found = {network.name: network for network in network_pages(leaderboards(load_results(results)))}
    assert found["a b"].command == (
        "bench train --method at --dataset digits --arch small-cnn --recipe quick --seed 0 --precision fp32"
        " --name 'a b' --set epochs=3"
    )
    assert found["a b"].results[0].command == (
        f"bench evaluate zoo/{file_stem('a b')}.pt --suite multi-perturbation --preset quick --n 6 --mode complete"
        " --seed 0 --precision fp32"
    )
    assert found["50%_{a}|b"].command is None


def test_data_of_a_suite(results: Path) -> None:
    add_evaluation(results, "at")
    folder = made(results, "html").parent / "suites"
    (data,), (tex,) = folder.glob("*.csv"), folder.glob("*.tex")
    frame = pd.read_csv(data)
    assert list(frame["label"]) == [attack[0] for attack in WORKED_ATTACKS]
    assert list(frame["epsilon"]) == [attack[2] for attack in WORKED_ATTACKS]
    assert set(frame["parameters"]) == {"steps=40"}
    assert r"s\&p & $\ell_1$ $\leq$ 12 & {\raggedright {\scriptsize steps=40}\par} & 1 \\" in tex.read_text(
        encoding="utf-8"
    )


def test_a_name_with_the_character_0_is_no_reason_to_fail():
    """Python 3.10 can't write one into CSV, newer ones write what other programs can't read."""
    assert as_csv([{"name": "a\0b", "images": 3}]) == "name,images\na\ufffdb,3\n"
    assert csv_line(["\0", "a,b"]) == '\ufffd,"a,b"'
