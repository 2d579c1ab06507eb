"""More epochs for a finished run: bit by bit those of a longer run, or a refusal that names the setting."""

from __future__ import annotations

import shutil
from functools import partial
from types import SimpleNamespace

import pytest
from command_line import bench
from extended_runs import SHORT, assert_same_files, assert_same_state, fit_in, interrupt, planned, toy_network
from synthetic_training import FAST, content

from benchmark import training
from benchmark.checkup import doctor
from benchmark.errors import BadInput, Notice
from benchmark.models import load_checkpoint
from benchmark.training import train
from benchmark.training.extending import to_go_on_from
from benchmark.training.parallel import make_fabric
from benchmark.training.report import Reporter
from benchmark.training.standing import Taken
from benchmark.training.state import finish, kept_path, read_state, save_state, state_path
from benchmark.training.trainer import Trainer


@pytest.fixture(scope="module", autouse=True)
def toy():
    with toy_network():
        yield


@pytest.fixture
def fit(tmp_path):
    return partial(fit_in, tmp_path)


KINDS_OF_RUNS = {
    "at": ("at", {}),
    "several norms": ("mat-max", {}),
    "averaged weights": ("mat", {"ema": 0.9}),
    "adamw": ("at", {"optimizer": "adamw", "lr": 0.01, "weight_decay": 0.05, "ema": 0.9}),
    "a memory": ("e-at", {}),
    "a scaffold": ("ramp", {}),
    "perturbed from the start": ("at-awp", {"awp_warmup": 0.0}),
    "rates that fall": ("at", {"schedule": {"name": "multistep", "milestones": [2, 4]}}),
    "rates that fall more often": ("at", {"schedule": {"name": "exponential", "factor": 0.5, "every": 1}}),
    "a cosine of its own length": ("at", {"schedule": {"name": "cosine", "span": 9}}),
    "lines": ("at", {"schedule": {"name": "piecewise-linear", "knots": [[0, 0], [2, 1], [4, 0.1]]}}),
    "validated now and then": ("mat", {"validation.every": 4}),
    "never validated": ("at", {"validation.images": 0}),
}


@pytest.mark.parametrize("kind", KINDS_OF_RUNS)
def test_an_extended_run_is_one_from_scratch(fit, kind):
    method, settings = KINDS_OF_RUNS[kind]
    fit(3, settings, method)
    extended = fit(5, settings, method, extend=True)
    whole = fit(5, settings, method, folder="scratch")
    assert_same_files(extended, whole)
    left, right = (kept_path(path.parent, "mine") for path in (extended[0], whole[0]))
    assert_same_state(read_state(left), read_state(right))
    assert not state_path(extended[0].parent, "mine").exists()


def test_it_is_found_by_its_settings_and_stays_where_the_names_differ(fit, tmp_path, capsys):
    (short,) = fit(2, name=None)
    before = content(tmp_path)
    with pytest.warns(Notice, match=rf"{short.stem} has these settings and 2 of the 3 epochs; --extend goes on"):
        fit(3, name=None, folder="zoo", dry_run=True, progress=None)
    capsys.readouterr()
    (long,) = fit(3, name=None, extend=True)
    assert long != short
    assert {key: value for key, value in content(tmp_path).items() if key in before} == before
    fit(4, name=None, extend=True, dry_run=True)
    assert f"1 epoch, after the 3 of {long.stem};" in capsys.readouterr().out  # the longest that there is
    (longer,) = fit(4, name=None, extend=True)
    assert_same_files([longer], fit(4, name=longer.stem, folder="scratch"))


def test_under_the_same_name_it_is_replaced_only_when_asked(fit, tmp_path):
    fit(2)
    before = content(tmp_path)
    with pytest.raises(Taken, match="epochs 2, not 3; --extend goes on from its 2 epochs"):
        fit(3)
    for other in ({"lr": 0.05}, {"validation.every": 2}):
        with pytest.raises(Taken, match="not replaced"):
            fit(3, other, extend=True)
    assert content(tmp_path) == before
    (path,) = fit(3, extend=True)
    assert [row["epoch"] for row in load_checkpoint(path).history] == [1, 2, 3]
    assert fit(3, extend=True) == fit(3) == [path]


@pytest.mark.parametrize(("after", "how"), [(0, {"extend": True}), (4, {"resume": True}), (4, {"resume": None})])
def test_interrupted_while_extending(fit, tmp_path, monkeypatch, how, after):
    """Before its first epoch is finished, and later; the files of the shorter run stay until those of the longer."""
    fit(2, method="mat")
    before = content(tmp_path)
    with monkeypatch.context() as patch:
        interrupt(patch, after)
        with pytest.raises(KeyboardInterrupt):
            fit(5, method="mat", extend=True)
    now = content(tmp_path)
    assert {key: now[key] for key in before} == before
    with pytest.raises(BadInput, match=r"[23] of 5 epochs are finished"):
        fit(5, method="mat")
    assert_same_files(fit(5, method="mat", **how), fit(5, method="mat", folder="scratch"))


def test_an_interrupted_run_may_become_longer_or_shorter(fit, monkeypatch):
    with monkeypatch.context() as patch:
        interrupt(patch, 7)  # steps, three of which make an epoch
        with pytest.raises(KeyboardInterrupt):
            fit(4)
    shorter = fit(3, extend=True, name="shorter")
    assert_same_files(shorter, fit(3, name="shorter", folder="scratch"))
    assert_same_files(fit(5, extend=True), fit(5, folder="scratch"))


def test_what_is_not_kept_can_not_be_gone_on_from(fit, tmp_path):
    fit(2, keep_state=False)
    assert not list((tmp_path / "zoo" / ".state").rglob("*.pt"))
    with pytest.raises(
        Taken, match=r"its state is not kept.*at the rate 0\.1.*--init .*last/mine\.pt --set epochs=1"
    ):
        fit(3)
    with pytest.raises(BadInput, match=r"finds no run of fewer epochs.*train it anew.*--init .*last/mine\.pt"):
        fit(3, extend=True)
    fit(1, overwrite=True)
    assert kept_path(tmp_path / "zoo", "mine").exists()
    fit(2, overwrite=True, keep_state=False)
    assert not kept_path(tmp_path / "zoo", "mine").exists()  # of a run that is no longer there


def test_fewer_epochs_than_a_run_has_had_are_no_extension(fit):
    fit(3)
    with pytest.raises(BadInput, match="mine has had 3 epochs, more than 2; ask for more of them, --set epochs=4"):
        fit(2, name="shorter", extend=True)


def test_more_epochs_give_way_to_fewer_only_when_asked(fit, tmp_path, monkeypatch):
    """Finished ones and those of an unfinished run, though there is a run short enough to go on from."""
    fit(1, name="short")
    fit(3, extend=True)
    with monkeypatch.context() as patch:
        interrupt(patch, 4 * 3)
        with pytest.raises(KeyboardInterrupt):
            fit(9, extend=True, name="unfinished")
    before = content(tmp_path)
    for name, told in (
        ("mine", "epochs 3, not 2"),
        ("unfinished", "unfinished run with another recipe: epochs 9, not"),
    ):
        with pytest.raises(Taken, match=rf"{told}.*not replaced: pass --overwrite"):
            fit(2, extend=True, name=name)
    assert content(tmp_path) == before
    for name in ("mine", "unfinished"):
        assert_same_files(fit(2, extend=True, overwrite=True, name=name), fit(2, folder="scratch", name=name))


def test_where_no_state_can_be_kept_is_found_before_the_first_epoch(fit, tmp_path):
    (tmp_path / "zoo" / ".state").mkdir(parents=True)
    (tmp_path / "zoo" / ".state" / "finished").touch()
    with pytest.raises(BadInput, match=r"can't write to the folder .*finished"):
        fit(1)
    assert not content(tmp_path)


def test_two_that_make_the_same_run_at_once_both_end_well(fit, tmp_path, monkeypatch):
    def save_and_be_second(trainer, folder, *rest):
        save(trainer, folder, *rest)
        finish(state_path(folder, "mine"), kept_path(folder, "mine"))

    save = training.save_checkpoints
    with monkeypatch.context() as patch:
        patch.setattr(training, "save_checkpoints", save_and_be_second)
        fit(1)
    assert kept_path(tmp_path / "zoo", "mine").exists()


def test_a_state_of_an_earlier_version_is_not_gone_on_from(fit, tmp_path):
    """It does not say what was asked for, and has its last validation in it."""
    fit(2)
    path = kept_path(tmp_path / "zoo", "mine")
    state = read_state(path)
    del state["any_length"]
    save_state(path, state.pop("identity"), state)
    with pytest.raises(BadInput, match="an earlier version began it"):
        fit(3, extend=True)


@pytest.mark.parametrize("epoch", ["2", None, [1], 2.5, 99, True])
def test_a_forged_state_is_no_traceback(fit, tmp_path, epoch):
    fit(2)
    path = kept_path(tmp_path / "zoo", "mine")
    state = read_state(path)
    save_state(path, state.pop("identity"), {**state, "epoch": epoch, "members": []})
    with pytest.raises(BadInput):
        fit(3, extend=True)
    path.write_bytes(b"no state")
    with pytest.raises(BadInput, match="finds no run"):
        fit(3, extend=True)


def test_the_doctor_counts_kept_states_and_drops_them_on_request(fit, tmp_path, capsys, monkeypatch):
    fit(1)
    kept = kept_path(tmp_path / "zoo", "mine")
    assert not [each for each in doctor(zoo=tmp_path / "zoo") if ".state" in each.place]
    folders = ["--zoo", str(tmp_path / "zoo"), "--results", str(tmp_path)]
    _, out, _ = bench(capsys, "doctor", *folders)
    assert "1 state of finished runs (0.0 MB)" in out
    # So it does beside what it finds.
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2**20))
    _, out, _ = bench(capsys, "doctor", *folders)
    assert "only 1 MiB are free" in " ".join(out.split())
    assert "1 state of finished runs (0.0 MB)" in out
    assert kept.exists()
    (found,) = [each for each in doctor(zoo=tmp_path / "zoo", drop_states=True) if ".state" in each.place]
    assert found.mended
    assert not kept.exists()
    assert load_checkpoint(tmp_path / "zoo" / "mine.pt")
    kept.write_bytes(b"torn")
    (broken,) = [each for each in doctor(zoo=tmp_path / "zoo") if ".state" in each.place]
    assert broken.action == "move"


def test_two_processes_go_on_as_one(fit, tmp_path, monkeypatch):
    """A process that does not lead reads the state of the shorter run as well."""
    fit(2)
    source = to_go_on_from(planned(4), tmp_path / "zoo")
    states = []
    for rank in (0, 1):
        plan = planned(4)
        trainer = Trainer(plan, make_fabric(plan.device, plan.precision))
        monkeypatch.setattr(trainer.shard, "rank", rank, raising=False)
        place = tmp_path / f"rank{rank}.pt"
        with Reporter("mine", 4, trainer.steps, False, None) as report:
            trainer.fit(place, source.path, report)
        states.append(trainer.state_dict())
        assert place.exists() is (rank == 0)
    assert_same_state(*states)


@pytest.mark.slow
def test_several_processes_extend_as_they_train_from_scratch(tmp_path):
    def fit(epochs, folder, **options):
        settings = {**SHORT, "batch_size": 512, "epochs": epochs, "ema": 0.9}
        return train("mat", out=tmp_path / folder, name="mine", set=settings, devices=2, **{**FAST, **options})

    fit(1, "zoo")
    assert_same_files(fit(2, "zoo", extend=True), fit(2, "scratch"))
