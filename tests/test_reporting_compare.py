"""Comparisons say what is real, what differs, and whom they mean."""

from __future__ import annotations

import math
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


def test_p_its_check_and_its_correction(results: Path) -> None:
    """b loses twelve images more than a and wins none: z is √12, McNemar's exact p 2·2⁻¹²."""
    (tests,) = benchmark.compare(["a", "b", "c"], results=results)
    found = {(pair.comparison.metric, pair.first, pair.second): pair for pair in tests.pairs}
    assert {metric for metric, _, _ in found} == {"rworst", "ravg", "linf", "l2", "clean"}
    pair = found["rworst", "a", "b"]
    assert pair.comparison.difference == pytest.approx(12 / 40)
    assert (pair.comparison.only_first, pair.comparison.only_second) == (12, 0)
    assert pair.comparison.p == pytest.approx(math.erfc(math.sqrt(12 / 2)))
    assert pair.comparison.exact == pytest.approx(2**-11)
    assert pair.comparison.p <= pair.comparison.corrected < 6 * pair.comparison.p
    assert pair.verdict == "a is significantly better"
    assert found["rworst", "a", "c"].verdict == "undetermined"
    assert found["clean", "a", "b"].verdict == "undetermined"
    assert (found["clean", "a", "b"].comparison.low, found["clean", "a", "b"].comparison.p) < (0, 1.1)


def test_whoever_picks_a_pair_has_seen_the_others(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """p is corrected for all networks in the setting, unless the pair was planned before any result was seen."""
    flags = [0.0] * 20 + [1.0] * 10 + [0.0] * 10
    add_evaluation(results, "other", [("pgd", "linf", 0.03, "fixed-budget", flags), attacks(0)[1]], (False,) * 40)
    found = {}
    for planned in (False, True):
        (tests,) = benchmark.compare(["a", "b"], results=results, planned=planned)
        found[planned] = next(pair.comparison for pair in tests.pairs if pair.comparison.metric == "rworst")
        print_paired_tests([tests])
    assert found[True].corrected == found[True].p == found[False].p < found[False].corrected
    assert found[False].low < found[True].low
    said = " ".join(capsys.readouterr().out.split())
    assert "hold for all pairs of the 4 networks evaluated in this setting at once" in said
    assert "hold for the pair at once" in said
    (tests,) = benchmark.compare(["a", "b", "c", "other"], results=results)
    print_paired_tests([tests])
    assert "hold for all pairs of the 4 networks compared at once" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("margin", "verdict"), [(None, "undetermined"), (20, "equivalent: less than 20 points apart")]
)
def test_equivalent_only_within_a_margin_that_the_suite_stated(
    tmp_path: Path, margin: float | None, verdict: str
) -> None:
    told = {} if margin is None else {"margin": margin}
    for name, broken in (("a", 10), ("b", 11)):
        add_evaluation(tmp_path / "results", name, attacks(broken), (False,) * 40, about=told)
    (tests,) = benchmark.compare(["a", "b"], results=tmp_path / "results")
    assert {pair.verdict for pair in tests.pairs if pair.comparison.metric == "rworst"} == {verdict}


def test_a_small_difference_that_stands_is_said_to_be_small(tmp_path: Path) -> None:
    for name, broken in (("a", 10), ("b", 16)):
        add_evaluation(tmp_path / "results", name, attacks(broken), (False,) * 40, about={"margin": 50})
    (tests,) = benchmark.compare(["b", "a"], results=tmp_path / "results")
    verdicts = {pair.comparison.metric: pair.verdict for pair in tests.pairs}
    assert verdicts["linf"] == "a is significantly better, by less than 50 points"
    assert verdicts["clean"] == "equivalent: less than 50 points apart"


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
    """Else p would be corrected for pairs that are none."""
    (tests,) = benchmark.compare(["a", "b"], results=results)
    (alone,) = (pair for pair in tests.pairs if pair.comparison.metric == "rworst")
    for name in ("0", "copy"):
        add_evaluation(results, name, attacks(10), (False,) * 40, network="a")
    (tests,) = benchmark.compare([digest("a")[:12], "b"], results=results)
    (pair,) = (pair for pair in tests.pairs if pair.comparison.metric == "rworst")
    assert {pair.first, pair.second} == {"0", "b"}
    assert pair.comparison.corrected == alone.comparison.corrected
    assert tests.tested == 3


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
