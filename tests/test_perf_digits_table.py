"""The table of all defences: who teaches whom, and how seeds become means and spreads."""

from __future__ import annotations

import pytest

from benchmark.training import METHODS

digits_table = pytest.importorskip("digits_table")


def row(method, seed, value, precision="fp32", network="h1"):
    return {
        "method": method,
        "network": network,
        "seed": seed,
        "precision": precision,
        "seconds": 1.0,
        **dict.fromkeys(digits_table.FIGURES, value),
    }


def test_every_method_gets_its_teachers():
    for name in METHODS.names():
        roles = METHODS.get(name).cohort().teachers
        teachers = digits_table.Run(name, 1).teachers()
        assert len(teachers) == len(roles)
        assert all(teacher.seed == 1 and not teacher.teachers() for teacher in teachers)
    (teacher,) = digits_table.Run("mat-rob-rob-offline", 0).teachers()
    assert (teacher.method, dict(teacher.settings), teacher.inner) == ("at", {"loss": "bce"}, "bce")
    assert [t.method for t in digits_table.Run("mtard", 0).teachers()] == ["natural", "trades"]


def test_seeds_become_mean_and_spread(tmp_path):
    rows = [row("mat", seed, value) for seed, value in enumerate((40.0, 42.0, 44.0))]
    frame = digits_table.over_seeds([*rows, row("at", 0, 50.0)], ["method", "network"])
    assert frame.loc[0, ["seeds", "linf", "linf ±"]].tolist() == [3, 42.0, 2.0]
    digits_table.write(frame, tmp_path, "digits", "# About")
    text = (tmp_path / "digits.md").read_text()
    assert "| mat | h1 | 3 | 42.0 ± 2.0 |" in text
    assert "| at | h1 | 1 | 50.0 |" in text
    assert (tmp_path / "digits.csv").read_text().startswith("method,network,seeds,clean,clean ±")


def test_precisions_are_compared_seed_by_seed_over_the_networks_of_a_run():
    rows = []
    for method in digits_table.CHECKED:
        for seed, gap in enumerate((-3.0, 1.0, -0.4)):
            for network, base in (("h1", 40.0), ("h2", 60.0)):
                rows += [row(method, seed, base + seed, network=network)]
                rows += [row(method, seed, base + seed + gap + (2 * (method == "at")), "bf16", network)]
    frame = digits_table.differences(rows).set_index("method")
    assert frame.loc["trades", ["seeds", "linf", "linf ±", "under 1 point"]].tolist() == [3, -0.8, 2.03, "yes"]
    assert frame.loc["at", ["linf", "under 1 point"]].tolist() == [1.2, "no"]


def trained_for(seconds: list[float], monkeypatch):
    """Let trainings write a file, and take these seconds one after the other; those below 0 are interrupted."""
    clock, left = [0.0], list(seconds)

    def train(method, *, out, name="", **more):
        if not (out / f"{name}.pt").exists() and name:
            out.mkdir(parents=True)
            takes = left.pop(0)
            clock[0] += abs(takes)
            if takes < 0:
                raise KeyboardInterrupt
            (out / f"{name}.pt").touch()
        return [out / f"{name}.pt"]

    monkeypatch.setattr(digits_table.benchmark, "train", train)
    monkeypatch.setattr(digits_table, "warm_up", lambda: None)
    monkeypatch.setattr(digits_table.time, "process_time", lambda: clock[0])


def test_seconds_are_of_one_whole_training_without_its_teachers(tmp_path, monkeypatch):
    trained_for([5.0, -3.0, 7.0], monkeypatch)
    run = digits_table.Run("ard", 0)
    with pytest.raises(KeyboardInterrupt):
        run.train(tmp_path)
    (path,) = run.train(tmp_path)  # begun anew, on the teacher that was whole
    assert (path.name, run.seconds(tmp_path)) == ("ard-seed-0.pt", 7.0)
    assert [teacher.seconds(tmp_path) for teacher in run.teachers()] == [5.0]
    assert run.train(tmp_path) == [path]  # no more is trained
    assert sorted(each.name for each in (tmp_path / "zoo").iterdir()) == ["ard-seed-0", "trades-seed-0"]
