"""Shares of classes stand beside the numbers, and balanced accuracy says what one answer is worth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic import add_evaluation

import benchmark
from benchmark.analysis.balance import balanced, by_class, is_uneven
from benchmark.ledger import load_results
from benchmark.ledger.classes import Classes
from benchmark.reporting import leaderboard_rows, leaderboards, print_leaderboards
from benchmark.reporting.classes import all_shares, shares
from benchmark.reporting.text_tables import cells

#: Sixty cats and three dogs.
LABELS = [0] * 60 + [1] * 3


def told(answers: list[int], labels: list[int] = LABELS) -> dict[str, object]:
    return {"names": ["cat", "dog"], "labels": " ".join(map(str, labels)), "answers": " ".join(map(str, answers))}


def broken(*places: int, images: int = 63) -> list[tuple[str, str, float, str, list[float]]]:
    return [("pgd", "linf", 0.03, "fixed-budget", [float(place in places) for place in range(images)])]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A network that always says cat and one that tells them apart, but that lets 30 cats and a dog be broken."""
    folder = tmp_path / "results"
    always = [False] * 60 + [True] * 3
    add_evaluation(folder, "always", broken(), always, classes=told([0] * 63))
    add_evaluation(folder, "good", broken(*range(30), 60), (False,) * 63, classes=told(LABELS))
    return folder


def even(folder: Path) -> Path:
    labels = [0, 1] * 20
    add_evaluation(folder, "even", broken(0, images=40), (False,) * 40, classes=told(labels, labels))
    return folder


def test_a_constant_network_is_worth_one_by_the_number_of_classes(results: Path) -> None:
    """By hand: 60 of 63 images, and the mean of 1 and 0; 32 of 63, and the mean of 30/60 and 2/3."""
    (board,) = leaderboards(load_results(results))
    found = {row["model"]: row for row in leaderboard_rows([board])}
    values = {
        name: [row[each] for each in ("clean", "clean_balanced", "r_worst", "r_worst_balanced")]
        for name, row in found.items()
    }
    assert values["always"] == pytest.approx([60 / 63, 1 / 2, 60 / 63, 1 / 2])
    assert values["good"] == pytest.approx([1, 1, 32 / 63, 7 / 12])
    assert "go by balanced accuracy" in found["always"]["notes"]
    assert "balanced" not in found["good"]["notes"]


def test_csv_has_them_always(results: Path) -> None:
    benchmark.report(results=even(results), out=results.parent, format="csv")
    frame = pd.read_csv(results.parent / "leaderboard.csv").set_index("model")
    assert frame.loc["always", "images_per_class"] == "cat=60 dog=3"
    assert frame.loc["even", "images_per_class"] == "cat=20 dog=20"
    assert frame.loc["always", "r_worst_balanced"] == 0.5
    assert frame.loc["even", "r_worst_balanced"] == pytest.approx(frame.loc["even", "r_worst"])


def test_tables_have_them_where_classes_are_of_unequal_size(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (board,) = leaderboards(load_results(results))
    heading, rows = cells(board)
    assert heading[-4:-1] == ["Clean", "Clean, balanced", "Rworst, balanced"]
    assert {row[1]: row[-3:-1] for row in rows} == {"always": ["50.0", "50.0"], "good": ["100.0", "58.3"]}
    for format in ("latex", "markdown"):
        text = benchmark.report(results=results, out=tmp_path, format=format).read_text(encoding="utf-8")
        assert {"latex": r"{$R_{\mathrm{worst}}$, balanced}", "markdown": "Rworst, balanced"}[format] in text
        assert "cat 60 (95.2" in text
    print_leaderboards([board])
    said = capsys.readouterr().out
    assert "images: cat 60 (95.2%), dog 3 (4.8%); balanced: mean of the per-class accuracies" in said
    assert said.count("balanced ") >= 2
    (quiet,) = leaderboards(load_results(even(tmp_path / "even")))
    assert len(cells(quiet)[0]) == len(heading) - 2
    print_leaderboards([quiet])
    assert "balanced" not in capsys.readouterr().out


def test_pages_say_shares_and_show_the_columns_where_they_matter(results: Path) -> None:
    site = benchmark.report(results=even(results), out=results.parent / "out").parent
    index = (site / "index.html").read_text(encoding="utf-8")
    assert "<dt>classes</dt><dd>cat 60 (95.2%), dog 3 (4.8%)</dd>" in index
    assert "<dt>classes</dt><dd>cat 20 (50.0%), dog 20 (50.0%)</dd>" in index
    choices = index.split('<details class="columns"')[1:]
    assert sorted(text.count("checked> Rworst, balanced") for text in choices) == [0, 1]
    assert all(text.count("> Rworst, balanced</label>") == 1 for text in choices)
    own = (site / "models" / "always.html").read_text(encoding="utf-8")
    assert "By class: cat 60 (95.2%), dog 3 (4.8%)" in own
    frame = pd.read_csv(site / "models" / "always-classes.csv").set_index("class")
    assert frame["images_of_class"].tolist() == [60, 3]
    assert frame["answered"].tolist() == [63, 0]
    assert frame["r_worst"].tolist() == [1, 0]


def test_older_ledgers_have_neither(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add_evaluation(tmp_path / "results")
    site = benchmark.report(results=tmp_path / "results", out=tmp_path / "out").parent
    assert "balanced" not in (site / "index.html").read_text(encoding="utf-8")
    assert "By class" not in (site / "models" / "at.html").read_text(encoding="utf-8")
    frame = pd.read_csv(site / "leaderboard.csv")
    assert frame[["clean_balanced", "r_worst_balanced", "images_per_class"]].isna().all().all()
    add_evaluation(tmp_path / "results", "new", classes=told([0, 1] * 3, [0, 1] * 3))
    (board,) = leaderboards(load_results(tmp_path / "results"))
    is_unknown = {row["model"]: row["clean_balanced"] is None for row in leaderboard_rows([board])}
    assert is_unknown == {"at": True, "new": False}
    benchmark.report(results=tmp_path / "results", out=tmp_path / "out")


def classes(counts: list[int]) -> Classes:
    labels = np.repeat(np.arange(len(counts)), counts)
    return Classes(tuple(f"c{number}" for number in range(len(counts))), labels, labels)


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ([60, 3], "c0 60 (95.2%), c1 3 (4.8%)"),
        ([1, 0, 3], "c2 3 (75.0%), c0 1 (25.0%); 1 of 3 classes have none"),
        ([45] * 10, "10 classes of 45 images"),
        ([43, 47] * 5, "10 classes of 43 to 47 images"),
        (
            [10, 20, 30, 40, 50, 60, 70, 80],
            "c7 80 (22.2%), c6 70 (19.4%), c5 60 (16.7%), c4 50 (13.9%), c3 40 (11.1%), 2 between, c0 10 (2.8%)",
        ),
    ],
)
def test_shares_in_words(counts: list[int], said: str) -> None:
    assert shares(classes(counts)) == said
    assert all_shares(classes(counts)).split() == [f"c{number}={count}" for number, count in enumerate(counts)]


def test_classes_are_uneven_from_twice_the_images_on() -> None:
    assert not is_uneven(classes([10, 20]))
    assert is_uneven(classes([10, 21]))
    assert not is_uneven(classes([10, 0, 20]))


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1))
def test_balanced_accuracy_is_the_mean_over_classes(images: list[tuple[int, bool]]) -> None:
    labels, flags = (np.array(each) for each in zip(*images, strict=True))
    found = Classes(tuple("abcd"), labels, labels)
    groups = [flags[labels == each] for each in range(4)]
    expected = [group.mean() for group in groups if len(group)]
    assert np.nanmean(by_class(found, flags)) == pytest.approx(np.mean(expected))
    if len({len(group) for group in groups if len(group)}) == 1:
        assert np.mean(expected) == pytest.approx(flags.mean())


def test_what_is_not_known_has_no_balanced_accuracy(results: Path) -> None:
    found = load_results(results)[0]
    assert balanced(found, None) is None
    assert np.isnan(by_class(found.classes, None)).all()
