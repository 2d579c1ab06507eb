"""One planner for papers and sweeps: the same run is found by its digest whoever asks, and nothing is done twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from evaluation_toys import evaluation, outcome
from papers_ledger import write_toy

import benchmark
from benchmark.engines import Means
from benchmark.engines.here import Here
from benchmark.errors import BadInput, PartlyFailed
from benchmark.evaluation.suite import load_suite
from benchmark.experiments import sweep
from benchmark.papers import paper
from benchmark.planning import runner
from benchmark.planning.grid import Cell, Grid, GridRow
from benchmark.planning.jobs import EvaluationQuery, Job, missing_trainings
from benchmark.planning.ledger_index import _answers
from benchmark.planning.networks import PlannedNetwork, training_run
from benchmark.planning.runner import JobRunner, PlannedTraining
from benchmark.planning.runs import Runs, Zoo
from benchmark.planning.setting import Setting

pytestmark = pytest.mark.usefixtures("one_thread")

SHORT = {"epochs": 1, "threats.linf.steps": 1, "validation.images": 20}
SETTING = Setting(dataset="digits", recipe="quick", preset="quick", images=20)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(method: str = "natural", **options):
    common = {"dataset": "digits", "architecture": "small-cnn", "recipe": "quick", "seed": 0, "settings": SHORT}
    return training_run(method, **{**common, **options})


def short(**options):
    return sweep(**{"device": "cpu", "progress": False, "zoo": "zoo", "results": "results", **options})


def test_what_a_sweep_trained_a_paper_finds(here, monkeypatch):
    toy = write_toy(here, monkeypatch)
    short(method="natural", set={"epochs": [1, 2]})
    jobs = paper(toy, only=["Nature"], dry_run=True).jobs
    assert [job["job"] for job in jobs] == ["evaluate natural-epochs-1 under smoke"]


def test_a_run_has_one_name_and_one_digest_whoever_plans_it(here):
    (path,) = benchmark.train("natural", set=SHORT, device="cpu", progress=False)
    planned = run()
    assert path.stem == planned.name
    assert Zoo(Path("zoo"), Runs(SETTING)).find(planned.network()) == path
    for other in (run(seed=1), run(settings={**SHORT, "lr": 0.02}), run(recipe="paper")):
        assert Zoo(Path("zoo"), Runs(SETTING)).find(replace(planned.network(), training=other)) is None


def test_only_a_digest_behind_a_name_makes_it_another_name_of_the_run(here):
    """Eight letters may be a setting, as in natural-loss-bce, which is nothing that `natural` would be told of."""
    planned, notes = run(), []
    (path,) = benchmark.train("natural", set={**SHORT, "lr": 0.02}, device="cpu", progress=False)
    zoo = Zoo(Path("zoo"), Runs(SETTING), notes.append)
    for behind, told in (("loss-bce", 0), ("0123abcd", 1)):
        path = path.rename(path.with_name(f"{planned.name}-{behind}.pt"))
        assert zoo.find(planned.network()) is None
        assert len(notes) == told, notes


def test_networks_of_a_run_follow_its_settings():
    assert [network.name for network in run("mat").networks()] == [f"{run('mat').name}-{h}" for h in ("h1", "h2")]
    with pytest.raises(BadInput, match="did you mean alpha"):
        run("mat", settings={"alpah": 1}).networks()


def test_a_teacher_is_planned_once_and_before_its_students(here):
    teacher = run()
    students = [run("ard", seed=seed, teachers=teacher.networks()) for seed in (0, 1)]
    needed = [(each, student.name) for student in students for each in student.network().lineage()]
    jobs = missing_trainings(needed, Zoo(Path("zoo"), Runs(SETTING)))
    assert [job.trains for job in jobs] == [teacher.name, students[0].name, students[1].name]


def test_a_given_teacher_with_other_weights_is_another_teacher(here):
    """Its name is the same, so that the network of the first one is told by the digest alone."""
    options = {"method": "ard", "set": {**SHORT, "alpha": [0.5, 1.0]}, "teacher": ["mine.pt"]}
    benchmark.train("natural", set={"epochs": 1}, out=".", name="mine", device="cpu", progress=False)
    first = short(**options)
    assert short(**options).lines == first.lines
    benchmark.train(
        "natural", set={"epochs": 1}, seed=3, out=".", name="mine", device="cpu", progress=False, overwrite=True
    )
    second = short(**options)
    assert {line.figures[0].checkpoint for line in first.lines}.isdisjoint(
        line.figures[0].checkpoint for line in second.lines
    )


def test_a_teacher_that_can_not_be_loaded_is_told_before_anything_is_trained(here):
    with pytest.raises(BadInput, match="nowhere"):
        short(method="ard", set={**SHORT, "alpha": [0.5, 1.0]}, teacher=["nowhere.pt"])
    assert not Path("zoo").exists()


def test_a_teacher_that_can_not_be_trained_is_tried_once_and_named(here, monkeypatch):
    tried = []

    def train(method, **options):
        tried.append(method)
        raise BadInput("the loss became nan" if method == "trades" else "there is no teacher")

    monkeypatch.setattr("benchmark.training.train_beside", train)
    with pytest.raises(BadInput) as error:
        short(method="ard", set={**SHORT, "alpha": [0.5, 1.0]})
    assert str(error.value).splitlines() == [f"ard, alpha {alpha}: the loss became nan" for alpha in (0.5, 1)]
    assert tried.count("trades") == 1


def test_networks_of_a_sweep_are_evaluated_in_one_go_with_all_workers(here, monkeypatch):
    asked = []
    real = runner.evaluate

    def evaluate(networks, **options):
        asked.append((len(networks), options["workers"], options["mode"]))
        return real(networks, **{**options, "workers": 1})

    monkeypatch.setattr(runner, "evaluate", evaluate)
    monkeypatch.setattr(Means, "open", lambda *_, **__: Here())  # trainings in processes: test_training_several.py
    options = {"method": "natural", "set": {**SHORT, "lr": [0.1, 0.02]}, "select": "test", "preset": "quick", "n": 20}
    first = short(workers=2, **options)
    assert asked == [(2, 2, "worst-case")]
    assert all(line.figures[0].evaluation for line in first.lines)
    assert short(**options).lines == first.lines


def test_what_goes_wrong_with_one_evaluation_is_said_of_it_alone(here, monkeypatch):
    def evaluate(networks, **_):
        if any("bad" in network for network in networks):
            raise PartlyFailed(["bad: it vanished"], [])
        return [f"evaluated {network}" for network in networks]

    monkeypatch.setattr(runner, "evaluate", evaluate)
    jobs = [Job(PlannedNetwork(name), EvaluationQuery("smoke")) for name in ("good", "bad", "better")]
    results = [*JobRunner(SETTING, here).do_all(jobs)]
    assert [result.job for result in results] == jobs
    assert [result.error for result in results] == ["", "bad: it vanished", ""]
    assert [result.evaluation for result in results] == ["evaluated good", None, "evaluated better"]
    assert str(results[1]) == "evaluate bad under smoke: bad: it vanished"


def test_a_machine_without_the_zoo_is_told_what_has_the_names_of_a_run(here):
    """Else it would send home what takes another run's place."""
    wanted = run("mat")
    beside_it = "-00112233-h1.pt"
    for network in wanted.networks():
        for place in (here / f"{network.name}.pt", here / "last" / f"{network.name}.pt"):
            place.parent.mkdir(exist_ok=True)
            place.touch()
    for name in (wanted.name + beside_it, f"{wanted.name}-other.pt", "natural.pt"):
        (here / name).touch()
    told = PlannedTraining(JobRunner(SETTING, here), Job(wanted.networks()[0], None)).needs()
    names = [f"{network.name}.pt" for network in wanted.networks()]
    assert {str(path.relative_to(here)) for path in told} == {
        *names, *(f"last/{name}" for name in names), f"{wanted.name}{beside_it}",
    }  # fmt: skip


def test_transfers_of_a_plan_have_its_workers(here, monkeypatch):
    asked = {}
    monkeypatch.setattr(runner, "transfer", lambda source, targets, **options: asked.update(options))
    job = Job(
        PlannedNetwork("a"), EvaluationQuery("transfer", source=PlannedNetwork("a")), "", (PlannedNetwork("b"),)
    )
    assert [result.error for result in JobRunner(SETTING, here, means=Means(3)).do_all([job])] == [""]
    assert asked["workers"] == 3


def test_a_cell_has_an_interval_for_one_seed_and_a_spread_for_several():
    one, two = Cell.of_seeds([0.9], 100), Cell.of_seeds([0.8, 1.0], 100)
    assert one.value == 0.9
    assert one.spread is None
    assert one.low < 0.9 < one.high  # type: ignore[operator]
    assert (two.value, two.low, two.high) == (0.9, None, None)
    assert two.spread == pytest.approx(0.2 / 2**0.5)
    grid = Grid("t", ("clean", "robust"), (GridRow("a", (one, Cell())), GridRow("b", (two, two))))
    assert grid.measured == 3


def test_results_under_other_conditions_are_no_answer_to_a_paper():
    """One float32 pass of each candidate as it is: neither a random network's votes nor eight-bit images."""
    setting = replace(SETTING, images=None)
    found = evaluation([0, 0], outcome("pgd-linf", "linf", [1, 0]))
    suite = {"name": "pgd-linf", "preset": "quick", "scale": "digits"}
    suite["digest"] = load_suite("pgd-linf", "quick", "digits").first(2).digest
    found = replace(found, suite=suite, dataset={"name": "digits"})
    asked = EvaluationQuery("pgd-linf")
    assert _answers(found, asked, setting)
    for judging in ({"eight_bit": True}, {"draws": 2, "verdict_passes": 5}):
        assert not _answers(replace(found, judging=judging), asked, setting)
