"""`bench demo`: soon a first page, in the end all of it; what trains, attacks and reports is the usual functions."""

from __future__ import annotations

import pytest
import torch
from command_line import bench
from evaluation_toys import save, trained

import benchmark.evaluation
import benchmark.reporting
import benchmark.training.several
from benchmark.errors import BadInput
from benchmark.training import METHODS
from benchmark.training.state import save_state, state_path


@pytest.fixture
def calls(monkeypatch):
    """What was called, in order; no network is trained."""
    made = []

    def train_several(methods, **options):
        made.append(("train", tuple(methods), torch.get_num_threads(), options))
        return [options["out"] / f"{method}.pt" for method in methods]

    def evaluate(networks, **options):
        made.append(("evaluate", [path.stem for path in networks], torch.get_num_threads(), options))

    def report(*, out, tell, **options):
        made.append(("report", out))
        tell([])
        return out / "index.html"

    monkeypatch.setattr(benchmark.training.several, "train_several", train_several)
    monkeypatch.setattr(benchmark.evaluation, "evaluate", evaluate)
    monkeypatch.setattr(benchmark.reporting, "report", report)
    return made


def test_a_page_comes_first_of_the_quick_ones_then_of_all(calls, tmp_path):
    told, shown = [], []
    threads = torch.get_num_threads()
    page = benchmark.demo(
        tmp_path / "new", workers=3, tell=told.append, shown=lambda page, whole: shown.append((page, whole))
    )
    assert page == tmp_path / "new" / "reports" / "index.html"
    assert [what[0] for what in calls] == ["train", "evaluate", "report"] * 2
    first, every = calls[1][1], calls[4][1]
    assert first == ["natural", "at"] == every[:2]
    assert sorted(every) == sorted(["natural", "at", "trades", "mat", "at-max", "mat-max"])
    assert set(every) <= set(METHODS.names())
    assert shown == [(page, False), (page, True)]
    assert told == [[]]  # the leaderboards, once
    # Three at a time, on a thread each; the caller's threads are as before.
    assert all(what[2] == what[3]["workers"] == 3 for what in calls if what[0] != "report")
    assert torch.get_num_threads() == threads
    assert all(what[3]["resume"] is None for what in calls if what[0] == "train")


def test_the_verb_says_where_the_pages_are(calls, tmp_path, capsys):
    code, out, _ = bench(capsys, "demo", str(tmp_path), "--workers", "1")
    page = tmp_path / "reports" / "index.html"
    assert not code
    assert [line for line in out.splitlines() if "page: " in line] == [f"The page: {page}"]
    assert f"A first page, of two defences: {page}" in out
    assert calls[0][3]["workers"] == 1


def test_as_many_at_a_time_as_there_are_cores_but_four_at_most(calls, tmp_path, monkeypatch):
    for cores, workers in ((1, 1), (2, 2), (64, 4)):
        monkeypatch.setattr("benchmark.cores.available", lambda cores=cores: cores)
        benchmark.demo(tmp_path)
        assert calls[-3][3]["workers"] == workers


def test_more_workers_than_there_is_work_for_are_said(calls, tmp_path, capsys):
    code, _, err = bench(capsys, "demo", str(tmp_path), "--workers", "99")
    assert not code
    assert "99 workers are more than the demo has networks to train at a time; 4 are used" in err
    assert calls[0][3]["workers"] == 4


def test_a_folder_that_is_none_is_said_before_anything_is_trained(calls, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="file"):
        benchmark.demo(tmp_path / "file")
    with pytest.raises(BadInput, match="workers"):
        benchmark.demo(tmp_path, workers=0)
    assert not calls


def test_other_networks_of_these_names_are_said_before_anything_is_trained(calls, tmp_path, capsys):
    """Also one of the last to be trained, minutes later; and in words for a command without --overwrite."""
    (tmp_path / "zoo").mkdir()
    save(tmp_path / "zoo", trained()).rename(tmp_path / "zoo/trades.pt")
    code, _, err = bench(capsys, "demo", tmp_path)
    assert code == 2
    assert "trades.pt is of another run" in err
    assert "name another folder, or move it" in err
    assert "--" not in err
    assert not calls


def test_an_unfinished_run_of_another_is_said_before_anything_is_trained(calls, tmp_path):
    (tmp_path / "zoo").mkdir()
    identity = {"method": "trades", "seed": 7}
    save_state(state_path(tmp_path / "zoo", "trades"), identity, {"epoch": 1, "name": "trades"})
    with pytest.raises(BadInput, match=r"unfinished run with another .*; the demo needs its name"):
        benchmark.demo(tmp_path)
    assert not calls


@pytest.mark.parametrize("name", ["zoo", "results", "reports"])
def test_a_file_in_the_place_of_a_folder_is_said_before_anything_is_trained(calls, tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(BadInput, match=f"can't write to the folder .*{name}"):
        benchmark.demo(tmp_path)
    assert not calls
