"""Sweeps: what is trained, measured, chosen and written."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from fixed_networks import fixed
from picture_trees import write_tree

import benchmark
from benchmark import cli
from benchmark.errors import BadInput, Notice
from benchmark.experiments import Sweep, sweep
from benchmark.experiments.measure import Measurement
from benchmark.experiments.table import make_lines, to_csv, to_grid
from benchmark.experiments.variants import Variant
from benchmark.models import load_checkpoint, save_checkpoint
from benchmark.planning.chart import draw
from benchmark.recipes.recipe import load_recipe

#: As short as it gets: one step of ascent, two epochs.
SHORT = {"epochs": 1, "batch_size": 256, "validation.steps": 1, "validation.images": 20, "threats.linf.steps": 1}


def short(folder: Path, *experiment: str, **options):
    options["set"] = {**SHORT, **options.get("set", {})}
    places = {"zoo": folder / "zoo", "results": folder / "results", "out": folder / "out"}
    return sweep(*experiment, **{"device": "cpu", "progress": False, **places, **options})


def rows_of(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "out" / "sweep.csv").read_text().splitlines()))


def test_a_sweep_trains_measures_chooses_and_writes(tmp_path):
    result = short(tmp_path, method="mat", set={"alpha": [0.2, 0.8]})
    rows = rows_of(tmp_path)
    assert [(row["alpha"], row["network"]) for row in rows] == [(a, h) for a in ("0.2", "0.8") for h in ("h1", "h2")]
    for row in rows:
        checkpoint = load_checkpoint(tmp_path / "zoo" / row["checkpoints"])
        assert checkpoint.extra["settings"]["alpha"] == float(row["alpha"])
        measured = checkpoint.history[checkpoint.selected_epoch - 1]
        assert float(row["robust"]) == pytest.approx(100 * measured[f"{row['network']}.robust"])
        assert float(row["clean"]) == pytest.approx(100 * measured[f"{row['network']}.clean"])
        assert row["images"] == "20"
        assert float(row["robust_low"]) <= float(row["robust"]) <= float(row["robust_high"])
    means = {a: sum(float(row["robust"]) for row in rows if row["alpha"] == a) for a in ("0.2", "0.8")}
    best = max(means, key=lambda alpha: means[alpha])
    assert {row["alpha"] for row in rows if row["chosen"]} == {best}
    assert result.chosen is not None
    assert result.chosen.varied == {"alpha": float(best)}
    page = result.page.read_text()
    assert len(re.findall('<path class="line[^>]*><title>', page)) == 4  # two networks, clean and robust
    assert "--set " in page
    assert "alpha=0.2,0.8" in page
    assert "held-out training images" in page


def test_a_part_chooses_nothing_before_all_parts_are_there(tmp_path):
    """The better one of the variants of one machine was called the best of all."""
    asked = {"method": "at", "set": {"lr": [0.1, 0.05]}}
    with pytest.warns(Notice, match=r"part 1/2: 1 of 2 variants are measured; the same command without"):
        half = short(tmp_path, part="1/2", **asked)
    assert len(half.lines) == 1
    assert half.chosen is half.selected is None
    assert not any(row["chosen"] for row in rows_of(tmp_path))
    assert "1 of 2 variants are measured" in half.page.read_text()
    whole = short(tmp_path, part="2/2", **asked)
    assert len(whole.lines) == 2
    assert whole.chosen is not None
    assert "variants are measured" not in whole.page.read_text()


def test_the_same_again_trains_nothing(tmp_path, monkeypatch):
    first = short(tmp_path, method="at", set={"lr": [0.1, 0.05]})
    monkeypatch.setattr("benchmark.training.Trainer", None)
    assert short(tmp_path, method="at", set={"lr": [0.1, 0.05]}).lines == first.lines


def test_on_test_images_the_ledger_is_asked(tmp_path):
    result = short(tmp_path, method="at", set={"lr": [0.1, 0.02]}, select="test", preset="quick", n=20)
    for row in rows_of(tmp_path):
        (found,) = benchmark.evaluate(
            tmp_path / "zoo" / row["checkpoints"],
            suite="pgd-linf",
            preset="quick",
            n=20,
            mode="worst-case",
            device="cpu",
            results=tmp_path / "results",
            progress=False,
        )
        assert row["evaluations"] == found.id
        robust = ~(found.clean_errors | found.outcomes[0].broken | found.outcomes[1].broken)
        assert float(row["robust"]) == pytest.approx(100 * robust.mean())
    assert "selected on test images" in result.page.read_text()


def test_seeds_give_mean_and_spread(tmp_path):
    short(tmp_path, method="at", set={"lr": [0.1, 0.02]}, seeds=[0, 1])
    for row in rows_of(tmp_path):
        found = [load_checkpoint(tmp_path / "zoo" / name).history[0]["clean"] for name in row["checkpoints"].split()]
        assert len(found) == 2
        assert float(row["clean"]) == pytest.approx(50 * sum(found))
        assert float(row["clean_spread"]) == pytest.approx(100 * abs(found[0] - found[1]) / 2**0.5, rel=1e-4)
        assert row["clean_low"] == ""


def test_the_scenarios_see_to_their_teachers(tmp_path):
    result = short(tmp_path, "scenarios")
    assert not result.failures
    names = {row["method"] for row in rows_of(tmp_path)}
    assert names == {"at", "mat", "mat-rob-rob-offline", "mat-nat-rob-online", "mat-nat-rob-offline"}
    for method, teacher in (("mat-rob-rob-offline", "at"), ("mat-nat-rob-offline", "natural")):
        (line,) = (line for line in result.lines if line.variant.method == method)
        student = load_checkpoint(line.figures[0].checkpoint)
        (name,) = student.extra["teachers"]
        taught = load_checkpoint(tmp_path / "zoo" / f"{name}.pt")
        assert (taught.method, taught.extra["settings"]["loss"]) == (teacher, "bce")
        assert taught.extra["attack"].get("climbs", "")[:3] == {"at": "BCE", "natural": ""}[teacher]
        assert taught.recipe["epochs"] == SHORT["epochs"]
    assert {line.network for line in result.lines if not line.judged} == {"natural"}
    assert "<rect" in result.page.read_text()


def test_methods_are_compared_under_the_attack_and_the_loss_of_another(tmp_path):
    options = {"method": ["ard", "rslad"], "inner": "mmard", "outer": "kl", "set": {"threats.linf.steps": 1}}
    result = short(tmp_path, **options)
    for line in result.lines:
        extra = load_checkpoint(line.figures[0].checkpoint).extra
        assert (extra["inner"], extra["outer"], extra["attack"]["start"]) == ("mmard", "kl", "gaussian")
        (name,) = extra["teachers"]
        assert load_checkpoint(tmp_path / "zoo" / f"{name}.pt").extra["inner"] is None
    page = result.page.read_text()
    assert "--inner mmard --outer kl" in page
    assert "the attack of mmard and the loss of kl" in page


def test_a_given_teacher_takes_the_place_of_the_usual_one(tmp_path):
    (teacher,) = benchmark.train(
        "natural", set={"epochs": 1}, out=tmp_path, name="mine", device="cpu", progress=False
    )
    result = short(tmp_path, method="ard", set={"alpha": [0.5, 1.0]}, teacher=[teacher])
    assert {load_checkpoint(line.figures[0].checkpoint).extra["teachers"][0] for line in result.lines} == {"mine"}


def test_a_run_that_fails_does_not_stop_the_others(tmp_path):
    result = short(tmp_path, method="at", set={"lr": [1e20, 0.05], "epochs": 3})
    assert len(result.failures) == 1
    assert "lr 1e+20" in result.failures[0]
    assert [line.variant.varied["lr"] for line in result.lines] == [0.05]
    assert "the loss became" in result.page.read_text()


def test_any_folder_of_images_can_be_swept(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHMARK_DATA", str(tmp_path / "cache"))
    pictures = write_tree(tmp_path / "pictures")
    result = short(
        tmp_path,
        method="at",
        set={"lr": [0.1, 0.05], "batch_size": 8},
        dataset=f"folder:{pictures}",
        epsilon="linf=4/255,l2=1",
        arch="small-cnn",
        select="test",
        n=4,
    )
    assert [line.figures[0].images for line in result.lines] == [4, 4]


def variant(method: str, judged=("",), **varied) -> Variant:
    recipe, _ = load_recipe("quick").resolve("at", "small-cnn", "digits", "digits", {}, "quick")
    return Variant(method, varied, varied, judged, recipe)


def figures(robust: float, network: str = "", clean: float = 0.9) -> Measurement:
    return Measurement(network, clean, robust, 100, Path(f"{network or 'only'}.pt"))


def test_only_attacked_networks_and_all_seeds_count_in_the_choice():
    lines = make_lines(
        [
            (variant("a", lr=1), {0: [figures(0.5)], 1: [figures(0.3)]}),
            (
                variant("b", ("robust",), lr=2),
                {s: [figures(0.0, "natural"), figures(0.45, "robust")] for s in (0, 1)},
            ),
            (variant("c", lr=3), {0: [figures(0.45)], 1: [figures(0.45)]}),
        ]
    )
    assert [line.label for line in lines if line.chosen] == ["b, lr 2, natural", "b, lr 2, robust"]
    assert to_csv(lines).splitlines()[1].startswith("a,1,,2,100,90,,,0,40,,,14.1421,yes,,")


def test_a_grid_of_two_settings_has_a_line_per_value_of_the_second():
    variants = [variant("mat", ("h1",), alpha=a, loss=loss) for a in (0.1, 0.2) for loss in ("ce", "bce")]
    lines = make_lines([(each, {0: [figures(0.4, "h1")]}) for each in variants])
    drawing = draw(to_grid(lines, "a grid"))
    assert set(re.findall(r"<span><.*?>([^<>]+)</span>", str(drawing))) == {
        f"loss {loss}, h1, {column}" for loss in ("ce", "bce") for column in ("clean", "robust")
    }
    assert str(drawing).count("<circle") == 2 * 4
    assert "accuracy in percent, with 95% intervals" in str(drawing)


def test_what_a_file_says_is_escaped(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("name: mine\ntitle: <script>alert(1)</script>\nmethod: [at]\nset: {lr: [0.1, 0.05]}\n")
    page = short(tmp_path, str(file)).page.read_text()
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_the_command_line_hands_everything_on(monkeypatch, capsys, tmp_path):
    lines = make_lines([(variant("mat", ("h1",), alpha=0.5), {0: [figures(0.4, "h1")]})])
    asked = {}

    def answer(experiment=None, **options):
        asked.update(options, experiment=experiment)
        return Sweep(tmp_path / "index.html", lines, ["mat, alpha 0.9: it went wrong"])

    monkeypatch.setattr(benchmark, "sweep", answer, raising=False)
    words = "sweep --method mat at --set alpha=0.1,0.2,...,0.9 epochs=2 --seed 0 1 --select test --n 50"
    words += " --inner mart --outer trades --devices 2 --compile"
    with pytest.raises(SystemExit) as end:
        cli.main(words.split())
    assert end.value.code == 1  # one of the runs failed
    assert asked["experiment"] is None
    assert (asked["method"], asked["seeds"]) == (["mat", "at"], [0, 1])
    assert asked["set"] == ["alpha=0.1,0.2,...,0.9", "epochs=2"]
    assert (asked["select"], asked["suite"], asked["n"]) == ("test", "pgd-linf", 50)
    assert (asked["inner"], asked["outer"], asked["devices"], asked["compile"]) == ("mart", "trades", 2, True)
    out, err = capsys.readouterr()
    assert "0.5" in out
    assert "90.0 (82.6–94.5)" in out
    assert "chosen" in out
    assert "it went wrong" in err


def test_all_runs_begin_with_a_network_and_have_extra_data(tmp_path, monkeypatch):
    """And not the teachers that are trained for them; the same again finds all of it."""
    monkeypatch.setenv("BENCHMARK_DATA", str(tmp_path / "cache"))
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (40, 8, 8, 1), dtype=np.uint8)
    np.savez(tmp_path / "more.npz", image=images, label=draw.integers(0, 10, 40))
    begun = save_checkpoint(tmp_path / "begun.pt", fixed("at"))
    more = {"init": [begun], "extra_data": f"npz:{tmp_path / 'more.npz'}"}
    asked = {"method": "ard", "set": {"alpha": [0.5, 1.0], "extra_share": 0.25}, **more}
    result = short(tmp_path, **asked)
    assert not result.failures
    for line in result.lines:
        student = load_checkpoint(line.figures[0].checkpoint)
        assert student.extra["init"] == {"source": "at", "digest": fixed("at").digest}
        assert student.extra["extra_data"]["share"] == 0.25
        (teacher,) = student.extra["teachers"]
        taught = load_checkpoint(tmp_path / "zoo" / f"{teacher}.pt")
        assert not {"init", "extra_data"} & taught.extra.keys()
    page = result.page.read_text()
    assert "--init" in page
    assert "--extra-data" in page
    assert "Training begins with begun." in page
    with monkeypatch.context() as patch:
        patch.setattr("benchmark.training.Trainer", None)
        assert short(tmp_path, **asked).lines == result.lines
    other = {key: value for key, value in asked.items() if key != "extra_data"} | {"set": {"alpha": [0.5, 1.0]}}
    assert {line.figures[0].checkpoint for line in short(tmp_path, **other).lines}.isdisjoint(
        line.figures[0].checkpoint for line in result.lines
    )


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"init": ["nowhere.pt"]}, "init: "),
        ({"init": ["a.pt", "a.pt", "a.pt"]}, "3 were given with --init"),
        ({"init": ["a.pt"], "arch": "mnist-cnn"}, "init at is a small-cnn"),
        ({"set": {"lr": [0.1, 0.2], "extra_share": 0.5}}, "extra_share=0.5 is the share of extra data"),
        ({"extra_data": "npz:nowhere.npz"}, "there is no file"),
        ({"n": 50}, "--suite, --preset and --n are about test images: add --select test"),
        ({"suite": "smoke"}, "are about test images"),
        ({"preset": "quick"}, "are about test images"),
    ],
)
def test_what_can_not_be_begun_with_is_refused_before_any_training(tmp_path, monkeypatch, options, told):
    monkeypatch.chdir(tmp_path)
    save_checkpoint(tmp_path / "a.pt", fixed("at"))
    with pytest.raises(BadInput, match=told):
        short(tmp_path, **{"method": "mat", "set": {"alpha": [0.5, 1.0]}, **options})
    assert not list(tmp_path.rglob(".state"))
