"""Comparisons say what is real, what differs, and whom they mean."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from evaluation_toys import save, with_last_layer, write_suite
from synthetic import add_evaluation

import benchmark
from benchmark.cli import main
from benchmark.errors import BadInput
from benchmark.models import load_checkpoint
from benchmark.reporting import print_paired_tests
from benchmark.storage import digest


def attacks(broken: int) -> list[tuple[str, str, float, str, list[float]]]:
    return [
        ("pgd", "linf", 0.03, "fixed-budget", [1.0] * broken + [0.0] * (40 - broken)),
        ("ddn", "l2", 0.5, "minimum-norm", [0.4] * 5 + [0.6] * 35),
    ]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    for name, broken in (("a", 10), ("b", 22), ("c", 11)):
        add_evaluation(tmp_path / "results", name, attacks(broken), (False,) * 40)
    return tmp_path / "results"


def test_exact_p_and_its_correction(results: Path) -> None:
    """b loses twelve images more than a and wins none: McNemar's exact p is 2·2⁻¹²."""
    (tests,) = benchmark.compare(["a", "b", "c"], results=results)
    found = {(pair.comparison.metric, pair.first, pair.second): pair for pair in tests.pairs}
    assert {metric for metric, _, _ in found} == {"rworst", "ravg", "linf", "l2", "clean"}
    pair = found["rworst", "a", "b"]
    assert pair.comparison.difference == pytest.approx(12 / 40)
    assert (pair.comparison.only_first, pair.comparison.only_second) == (12, 0)
    assert pair.comparison.p == pytest.approx(2**-11)
    assert pair.p_corrected == pytest.approx(3 * 2**-11)
    assert pair.verdict == "a is significantly better"
    assert found["rworst", "a", "c"].verdict == "not significant"
    assert found["clean", "a", "b"].verdict == "not significant"


def test_printed(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_paired_tests(benchmark.compare(["b", "a"], results=results))
    said = capsys.readouterr().out
    assert "a is significantly better" in said
    assert "+30.0" in said
    assert "of 40 images" in said


def test_by_digest(results: Path) -> None:
    (tests,) = benchmark.compare([digest("a")[:10], "b"], results=results)
    assert {entry.name for entry in tests.board.entries} == {"a", "b"}


def test_by_checkpoint(results: Path, tmp_path: Path) -> None:
    ours, theirs = save(tmp_path), save(tmp_path, with_last_layer("other", 0.2, 2.0))
    with pytest.raises(BadInput, match=r"toy\.pt has no such results; run bench evaluate first"):
        benchmark.compare([ours, "b"], results=results)
    suite = write_suite(tmp_path, "  - {attack: fgsm, norm: linf}\n", images=20)
    found = benchmark.evaluate([ours, theirs], suite=suite, results=results, precision="fp32", progress=False)
    (tests,) = benchmark.compare([ours, theirs], results=results)
    assert {entry.card["digest"] for entry in tests.board.entries} == {one.model["digest"] for one in found}
    (clean,) = (pair for pair in tests.pairs if pair.comparison.metric == "clean")
    accuracy = {one.name: 1 - one.clean_errors.mean() for one in found}
    assert clean.comparison.difference == pytest.approx(accuracy[clean.first] - accuracy[clean.second])


def test_every_question_in_common(results: Path) -> None:
    for name in ("a", "b"):
        add_evaluation(results, name, attacks(3), (False,) * 40, suite="smoke")
    assert len(benchmark.compare(["a", "b"], results=results)) == 2
    (tests,) = benchmark.compare(["a", "b"], results=results, suite="smoke")
    assert tests.board.suite == "smoke"
    (tests,) = benchmark.compare(["a", "c"], results=results)
    assert tests.board.suite == "multi-perturbation"


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"dataset": "mnist"}, "their dataset differs: digits .*, mnist"),
        ({"suite": "smoke"}, "their suite differs"),
        (
            {"clean_errors": (False,) * 30, "attacks": [("pgd", "linf", 0.03, "fixed-budget", [1.0] * 30)]},
            "number of images",
        ),
        ({"mode": "worst-case"}, "same mode"),
    ],
    ids=["dataset", "suite", "images", "mode"],
)
def test_what_differs_is_refused_by_name(results: Path, other: dict[str, object], message: str) -> None:
    add_evaluation(results, "d", **{"attacks": attacks(4), "clean_errors": (False,) * 40, **other})  # type: ignore[arg-type]
    with pytest.raises(BadInput, match=message):
        benchmark.compare(["a", "d"], results=results)


@pytest.mark.parametrize(
    ("networks", "message"),
    [
        (["a"], "at least two"),
        (["a", "a"], "named twice"),
        (["a", "nobody"], "unknown network 'nobody'"),
    ],
)
def test_networks_that_make_no_pair(results: Path, networks: list[str], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        benchmark.compare(networks, results=results)


def test_two_networks_of_one_name(results: Path) -> None:
    add_evaluation(results, "a", attacks(9), (False,) * 40, preset="standard", network="other")
    digests = ", ".join(sorted(each[:12] for each in (digest("a"), digest("other"))))
    with pytest.raises(BadInput, match=rf"a may be any of 2 networks; name one .* by its digest: {digests}"):
        benchmark.compare(["a", "b"], results=results)
    one, other = (f"a ({digest(each)[:8]})" for each in ("a", "other"))
    add_evaluation(results, "a", attacks(30), (False,) * 40, network="other")
    for named in (one, digest("a")[:8], digest("a")[:12].upper()):
        (tests,) = benchmark.compare([named, "b"], results=results)
        assert {(pair.first, pair.second) for pair in tests.pairs} == {(one, "b")}
    (tests,) = benchmark.compare([one, other], results=results)
    assert {pair.verdict for pair in tests.pairs if pair.comparison.metric == "linf"} == {
        f"{one} is significantly better"
    }


def test_a_network_of_several_names_is_one_network(results: Path) -> None:
    """Else p would be corrected for pairs that nobody asked for."""
    for name in ("0", "copy"):
        add_evaluation(results, name, attacks(10), (False,) * 40, network="a")
    (tests,) = benchmark.compare([digest("a")[:12], "b"], results=results)
    (pair,) = (pair for pair in tests.pairs if pair.comparison.metric == "rworst")
    assert {pair.first, pair.second} == {"0", "b"}
    assert pair.p_corrected == pair.comparison.p


def test_a_file_goes_by_the_name_in_it(results: Path, tmp_path: Path) -> None:
    ours, theirs = save(tmp_path), save(tmp_path, with_last_layer("other", 0.2, 2.0))
    copy = save(tmp_path, replace(load_checkpoint(ours), name="0"))
    suite = write_suite(tmp_path, "  - {attack: fgsm, norm: linf}\n", images=20)
    benchmark.evaluate([ours, theirs, copy], suite=suite, results=results, precision="fp32", progress=False)
    (tests,) = benchmark.compare([ours, theirs], results=results)
    assert {entry.name for entry in tests.board.entries} == {"toy", "other"}


def test_nothing_to_compare(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such results"):
        benchmark.compare(["a", "b"], results=tmp_path / "none")


def test_from_the_command_line(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["compare", "a", "b", "--results", str(results), "--suite", "multi-perturbation"])
    assert ended.value.code == 0
    assert "a is significantly better" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        main(["compare", "a", "nobody", "--results", str(results)])
    assert ended.value.code == 2
    assert "unknown network" in capsys.readouterr().err


def test_reports_from_the_command_line(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = results.parent / "out"
    with pytest.raises(SystemExit) as ended:
        main(["report", "--results", str(results), "--out", str(out), "--format", "markdown"])
    assert ended.value.code == 0
    assert "leaderboard.md" in capsys.readouterr().out
    assert (out / "leaderboard.md").is_file()
