"""A report of what is in memory: evaluations, names and folders, one or several."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import benchmark
from benchmark.errors import BadInput


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("results")
    found = []
    for seed in (0, 1):
        net = benchmark.new_model("small-cnn", seed=seed)
        found += benchmark.evaluate(
            net,
            name=f"net-{seed}",
            dataset="digits",
            suite="smoke",
            n=4,
            device="cpu",
            results=folder,
            progress=False,
        )
    return folder, found


def names(page: Path) -> set[str]:
    return {each.stem for each in (page.parent / "models").glob("net-*.html")}


def test_a_report_of_some(done: Any, tmp_path: Path) -> None:
    folder, (first, second) = done
    assert names(benchmark.report(first, results=folder, out=tmp_path / "a")) == {"net-0"}
    assert names(benchmark.report([first, second], results=tmp_path / "none", out=tmp_path / "b")) == {
        "net-0",
        "net-1",
    }
    assert names(benchmark.report(["net-1"], results=folder, out=tmp_path / "c")) == {"net-1"}
    assert names(benchmark.report([folder], results=tmp_path / "none", out=tmp_path / "d")) == {"net-0", "net-1"}
    mixed = [first, benchmark.new_model("small-cnn", seed=1)]
    assert names(benchmark.report(mixed, results=folder, out=tmp_path / "e")) == {"net-0", "net-1"}


def test_what_can_not_be_reported_is_said(done: Any, tmp_path: Path) -> None:
    folder, found = done
    for wrong, told in (
        ([], "the list is empty"),
        (["nobody"], "unknown network"),
        ([3], "no network"),
        ([found], "a list in a list"),
    ):
        with pytest.raises(BadInput, match=told):
            benchmark.report(wrong, results=folder, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_random_networks_results_are_not_compared_with_anothers(done: Any) -> None:
    from dataclasses import replace

    from benchmark.analysis.paired import check_comparable

    _, (first, second) = done
    random = replace(second, judging={"draws": 4, "verdict_passes": 20})
    assert random.is_random
    with pytest.raises(BadInput, match=r"net-1 draws random numbers and was judged by the votes of 20 passes, net-0"):
        check_comparable([first, random])
