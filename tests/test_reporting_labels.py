"""Two networks of one name are two in every table, page and figure, and in each of them by the same labels."""

from __future__ import annotations

import io
import re
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from evaluation_toys import save, with_last_layer, write_suite
from hypothesis import given
from hypothesis import strategies as st
from synthetic import add_evaluation

import benchmark
from benchmark.analysis.transfer import transfer_matrices
from benchmark.cli import main
from benchmark.labels import labels
from benchmark.ledger import Ledger, load_results
from benchmark.reporting import leaderboard_frame, leaderboards, print_leaderboards, print_matrices
from benchmark.storage import digest

#: The digests of two networks that are both called "at", and what tables call them.
DIGESTS = tuple(digest(network) for network in ("one", "other"))
CALLED = [f"at ({found[:8]})" for found in DIGESTS]


def attacks(broken: int) -> list[tuple[str, str, float, str, list[float]]]:
    return [
        ("pgd", "linf", 0.03, "fixed-budget", [1.0] * broken + [0.0] * (40 - broken)),
        ("ddn", "l2", 0.5, "minimum-norm", [0.4] * broken + [0.6] * (40 - broken)),
    ]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Two networks called "at", of which one alone is a source, and one that is not."""
    for name, network, broken in (("at", "one", 5), ("at", "other", 30), ("mat", "mat", 5)):
        add_evaluation(tmp_path / "results", name, attacks(broken), (False,) * 40, network=network)
        add_evaluation(tmp_path / "results", name, attacks(2), (False,) * 40, network=network, crafted_on="mat")
    return tmp_path / "results"


# The labels themselves.


def test_a_name_is_its_own_label_until_another_looks_like_it() -> None:
    assert labels([("at", "aa" * 32), ("mat", "bb" * 32), ("at", "aa" * 32)]) == {
        ("at", "aa" * 32): "at",
        ("mat", "bb" * 32): "mat",
    }
    alike = [
        ("at", "at"), ("\xe9t\xe9", "e\u0301te\u0301"), ("at", "a\u200bt"), ("a t", "a\xa0 t"), ("ﬁlter", "filter"),
    ]  # fmt: skip
    for one, other in alike:
        found = labels([(one, "aa" * 32), (other, "bb" * 32)])
        assert found == {(one, "aa" * 32): f"{one} (aaaaaaaa)", (other, "bb" * 32): f"{other} (bbbbbbbb)"}


def test_as_many_digits_as_it_takes() -> None:
    known = [("at", f"{'a' * 8}{end * 56}") for end in "01"] + [("at", "b" * 64), ("mat", "c" * 64)]
    found = labels(known)
    assert [found[each] for each in known] == [
        f"at ({'a' * 8}{'0' * 8})",
        f"at ({'a' * 8}{'1' * 8})",
        "at (bbbbbbbb)",
        "mat",
    ]


def test_a_name_that_poses_as_a_label_is_found_out() -> None:
    known = [("at", "a" * 64), ("at", "b" * 64), (f"at ({'a' * 8})", "c" * 64)]
    found = labels(known)
    assert len(set(found.values())) == 3
    assert found[known[2]].endswith("(cccccccc)")


NAMES = st.text("ab (0)\u200b", max_size=6)
HEX = st.text("01", min_size=1, max_size=3).map(lambda start: start.ljust(64, "0"))


@given(st.lists(st.tuples(NAMES, HEX), max_size=8))
def test_no_two_labels_are_alike(networks: list[tuple[str, str]]) -> None:
    found = labels(networks)
    assert found.keys() == set(networks)
    assert max(Counter(found.values()).values(), default=1) == 1
    assert all(label.startswith(name) for (name, _), label in found.items())


# Where they stand.


@pytest.mark.parametrize("format", ["csv", "latex", "markdown"])
def test_tables_in_files(results: Path, format: str) -> None:
    text = benchmark.report(results=results, out=results.parent / "out", format=format).read_text(encoding="utf-8")
    assert all(text.count(name) >= 1 for name in CALLED)
    if format == "csv":
        frame = pd.read_csv(io.StringIO(text))
        assert sorted(frame["model"]) == sorted([*CALLED, "mat"])
        attacks_of = pd.read_csv(results.parent / "out" / "attacks.csv")
        assert (attacks_of.groupby("model")["checkpoint_digest"].nunique() == 1).all()


def test_pages_and_their_figures(results: Path) -> None:
    site = benchmark.report(results=results, out=results.parent / "out").parent
    index = (site / "index.html").read_text(encoding="utf-8")
    for name, found in zip(CALLED, DIGESTS, strict=True):
        page = f"models/at-{found[:12]}.html"
        assert f'<a href="{page}">{name}</a>' in index
        assert re.search(rf"<svg.*{re.escape(name)}.*</svg>", index, re.DOTALL), "the figure's points"
        own = (site / page).read_text(encoding="utf-8")
        assert f"<title>{name}</title>" in own
        assert f"<h1>{name}</h1>" in own
        assert name in (site / page).with_suffix(".tex").read_text(encoding="utf-8")
    for file in ("transfer.html", "transfer.csv", "transfer.tex", "leaderboard.csv"):
        text = (site / file).read_text(encoding="utf-8")
        assert all(name in text for name in CALLED)


def test_labels_are_those_of_the_whole_ledger(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A network that only images were carried to has the name, too: the leaderboard says which one it has."""
    results = tmp_path / "results"
    add_evaluation(results, "at", attacks(5), (False,) * 40, network="one")
    add_evaluation(results, "at", attacks(5), (False,) * 40, network="other", crafted_on="mat")
    with pytest.raises(SystemExit):
        main(["report", "--results", str(results), "--out", str(tmp_path / "out")])
    assert CALLED[0] in capsys.readouterr().out
    assert CALLED[0] in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert CALLED[1] in (tmp_path / "out" / "transfer.html").read_text(encoding="utf-8")


def test_at_the_terminal(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_leaderboards(leaderboards(load_results(results)))
    said = capsys.readouterr().out
    assert all(name in said for name in CALLED)


def test_a_matrix_has_a_column_for_each(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of two targets of one name the second took the place of the first."""
    found = transfer_matrices(Ledger.open(results).transfers())
    assert [set(matrix.targets) for matrix in found] == [{*CALLED, "mat"}] * 2
    assert all(matrix.accuracy.shape == (1, 3) for matrix in found)
    print_matrices(found)
    assert all(name in capsys.readouterr().out for name in CALLED[:1])


def test_searches_with_other_seeds_have_matrices_of_their_own(results: Path) -> None:
    add_evaluation(results, "mat", attacks(9), (False,) * 40, network="mat", crafted_on="mat", seed=1)
    found = {matrix.label: matrix for matrix in transfer_matrices(Ledger.open(results).transfers())}
    assert {*found} == {f"{attack}, seed {seed}, fp32" for attack in ("pgd", "ddn") for seed in (0, 1)}
    assert found["pgd, seed 1, fp32"].accuracy.tolist() == [[31 / 40]]


def test_one_network_that_was_attacked_twice_has_two_rows(results: Path) -> None:
    add_evaluation(results, "mat", attacks(6), (False,) * 40, network="mat", seed=7)
    names = sorted(leaderboard_frame(leaderboards(load_results(results)))["model"])
    assert names == sorted([*CALLED, "mat, attack seed 0", "mat, attack seed 7"])
    (tests,) = benchmark.compare(["mat", CALLED[0]], results=results)
    assert len({(pair.first, pair.second, pair.comparison.metric) for pair in tests.pairs}) == len(tests.pairs)


def test_frames_tell_them_apart(results: Path) -> None:
    frame = benchmark.results.load(results)
    assert set(frame["model"]) == {*CALLED, "mat"}
    assert (frame.groupby("model")["checkpoint_digest"].nunique() == 1).all()


def test_while_networks_are_attacked_and_when_images_are_judged_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both are called "toy": in the lines of progress and in what `bench verify` shows they are two."""
    paths = [save(tmp_path / "one"), save(tmp_path / "other", with_last_layer("toy", 1.0, 2.0))]
    suite = write_suite(tmp_path, "  - {attack: fgsm, norm: linf}\n", images=20)
    ledger = tmp_path / "results"
    found = benchmark.evaluate(paths, suite=suite, results=ledger, precision="fp32", save_adversarial=True)
    names = {f"toy ({each.model['digest'][:8]})" for each in found}
    lines = capsys.readouterr().err.splitlines()
    assert {line.partition("] ")[2].partition(": ")[0] for line in lines if line.startswith("[")} == names
    assert {recheck.model for recheck in benchmark.verify(ledger, paths)} == names
