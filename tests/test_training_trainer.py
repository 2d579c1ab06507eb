"""The loop: what a step changes, resuming, stopping, what is written, what is refused."""

from __future__ import annotations

import json

import pytest
import torch
from fixed_networks import fixed

import benchmark
from benchmark import cli
from benchmark.data import load
from benchmark.errors import BadInput
from benchmark.models import load_checkpoint, save_checkpoint
from benchmark.training import METHODS, train
from benchmark.training.augmentation import augment, batches
from benchmark.training.parallel import make_fabric
from benchmark.training.report import Reporter
from benchmark.training.request import make_plan
from benchmark.training.state import state_path
from benchmark.training.trainer import Diverged, Trainer

#: As short as it gets: one step of ascent, two epochs.
SHORT = {
    "epochs": 2,
    "batch_size": 256,
    "validation.steps": 1,
    "threats.linf.steps": 1,
    "threats.l2.steps": 1,
    "threats.l1.steps": 1,
}
#: Which of the fixed networks teaches in which role.
ROLES = {"natural": "natural", "robust": "at"}
FAST = {"device": "cpu", "precision": "fp32", "progress": False}


def run(method, folder, settings=None, **options):
    return train(method, out=folder, name=method, set={**SHORT, **(settings or {})}, **{**FAST, **options})


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    """Checkpoints of a natural and a robust network."""
    folder = tmp_path_factory.mktemp("zoo")
    return {role: save_checkpoint(folder / f"{role}.pt", fixed(name)) for role, name in ROLES.items()}


def teachers_for(method, zoo):
    roles = METHODS.get(method).cohort().teachers
    return [zoo.get(role, zoo["robust"]) for role in roles]


def trainer_of(method, zoo, **settings):
    plan = make_plan(
        method,
        dataset="digits",
        arch=None,
        recipe="quick",
        set={**SHORT, **settings},
        teacher=teachers_for(method, zoo),
        inner=None,
        outer=None,
        seed=0,
        device="cpu",
        precision="fp32",
        download=False,
        data_dir=None,
        name=None,
    )
    return Trainer(plan, make_fabric(plan.device, plan.precision))


def test_gradients_are_clipped_to_the_norm_that_the_recipe_asks_for(zoo):
    for clip, norm in ((0.25, 0.25), (1e9, None), (None, None)):
        trainer = trainer_of("mat", zoo, clip=clip)
        assert len(trainer.members) == 2
        for module in trainer.members:
            for parameter in module.parameters():
                parameter.grad = torch.ones_like(parameter)
        trainer._clip()
        for module in trainer.members:  # each network by itself
            whole = torch.cat([parameter.grad.flatten() for parameter in module.parameters()])
            assert float(whole.norm()) == pytest.approx(norm or len(whole) ** 0.5, rel=1e-4)


def test_a_step_of_rmsprop(zoo):
    """θ ← θ − lr · g / (√(0.1 g²) + 1) in the first step."""
    trainer = trainer_of("natural", zoo, optimizer="rmsprop", lr=0.5, momentum=0.0, weight_decay=0.0)
    parameter = next(trainer.members[0].parameters())
    before = parameter.detach().clone()
    parameter.grad = torch.full_like(parameter, 2.0)
    trainer.optimizer.step()
    torch.testing.assert_close(parameter.detach(), before - 0.5 * 2 / (0.4**0.5 + 1))


def snapshot(module):
    return {key: value.clone() for key, value in module.state_dict().items()}


@pytest.mark.parametrize("method", METHODS.names())
def test_one_step_changes_exactly_the_networks_that_learn(method, zoo):
    trainer = trainer_of(method, zoo)
    x, y = trainer.train.batch(slice(0, 64))
    before = [snapshot(module) for module in trainer.members]
    frozen = [snapshot(module) for module in trainer.players.teachers]
    for module in trainer.members:
        module.train()
    trainer._set_learning_rate(1.0)
    loss = trainer._step(x, y, torch.Generator().manual_seed(0))
    assert torch.isfinite(loss)
    for module, old in zip(trainer.members, before, strict=True):
        for name, parameter in module.named_parameters():
            assert not torch.equal(parameter, old[name]), f"{name} did not move"
            assert parameter.requires_grad
        assert module.training
    for module, old in zip(trainer.players.teachers, frozen, strict=True):
        assert not module.training
        for key, value in module.state_dict().items():
            assert torch.equal(value, old[key]), f"teacher's {key} moved"
        assert all(parameter.grad is None for parameter in module.parameters())


def test_attacks_leave_batch_norms_alone_unless_crafted_in_train_mode(zoo):
    for bn, passes in (("eval", 1), ("train", 1 + 3)):
        trainer = trainer_of("at", zoo, bn=bn, **{"threats.linf.steps": 3})
        x, y = trainer.train.batch(slice(0, 64))
        trainer.members[0].train()
        trainer._step(x, y, torch.Generator().manual_seed(0))
        counts = [v for k, v in trainer.members[0].state_dict().items() if k.endswith("num_batches_tracked")]
        assert {int(count) for count in counts} == {passes}


def test_learning_at_in_turn_makes_a_step_per_norm(zoo):
    trainer = trainer_of("at-avg", zoo, strategy="in-turn")
    steps = []
    trainer.optimizer.register_step_post_hook(lambda *_: steps.append(1))
    trainer.members[0].train()
    trainer._step(*trainer.train.batch(slice(0, 32)), torch.Generator().manual_seed(0))
    assert len(steps) == 3


def test_checkpoints_say_where_they_come_from(tmp_path):
    paths = run("mat", tmp_path)
    assert [path.name for path in paths] == ["mat-h1.pt", "mat-h2.pt"]
    best, last = load_checkpoint(paths[0]), load_checkpoint(tmp_path / "last" / "mat-h1.pt")
    assert (best.selection, last.selection, last.selected_epoch) == ("best", "last", 2)
    assert (best.method, best.network, best.dataset, best.architecture) == ("mat", "h1", "digits", "small-cnn")
    assert best.extra["settings"]["alpha"] == 0.6
    assert best.recipe["epochs"] == 2
    assert [row["epoch"] for row in best.history] == [1, 2]
    scores = {row["epoch"]: row["h1.robust"] for row in best.history if "h1.robust" in row}
    assert scores[best.selected_epoch] == max(scores.values())
    assert sorted(path.name for path in tmp_path.glob("*.pt")) == ["mat-h1.pt", "mat-h2.pt"]
    assert not list((tmp_path / ".state").glob("*.pt"))
    assert list((tmp_path / "runs" / "mat").iterdir())


def test_a_finished_run_is_not_repeated(tmp_path):
    (path,) = run("at", tmp_path)
    written = path.stat().st_mtime_ns
    for options in ({}, {"resume": True}, {"overwrite": True}):
        assert run("at", tmp_path, **options) == [path]
    assert path.stat().st_mtime_ns == written


#: mat-max takes longest; ramp stands in for its norms, and mat, in test_training_options.py, for its networks.
@pytest.mark.parametrize(
    "method", ["at", pytest.param("mat-max", marks=pytest.mark.slow), "mtard", "e-at", "ramp", "at-awp"]
)
def test_resuming_gives_the_same_weights_bit_by_bit(method, tmp_path, zoo, monkeypatch):
    settings = {"epochs": 3, "batch_size": 512, "validation.images": 20}
    teacher = teachers_for(method, zoo)
    whole = [load_checkpoint(p) for p in run(method, tmp_path / "whole", settings, teacher=teacher)]

    class Killed(KeyboardInterrupt):
        pass

    steps = []

    def die(self):
        steps.append(1)
        if len(steps) > 5:  # in the middle of the second epoch
            raise Killed

    monkeypatch.setattr(Reporter, "step", die)
    with pytest.raises(KeyboardInterrupt):
        run(method, tmp_path / "part", settings, teacher=teacher)
    monkeypatch.undo()
    assert state_path(tmp_path / "part", method).exists()
    parts = [load_checkpoint(p) for p in run(method, tmp_path / "part", settings, teacher=teacher, resume=True)]
    last = [load_checkpoint(tmp_path / which / "last" / f"{c.name}.pt") for which in ("whole", "part") for c in whole]
    for one, other in [*zip(whole, parts, strict=True), *zip(last[: len(whole)], last[len(whole) :], strict=True)]:
        assert one.digest == other.digest
    assert [row["loss"] for row in whole[0].history] == [row["loss"] for row in parts[0].history]


def test_seeds_differ_and_repeat(tmp_path):
    first, again, other = (
        load_checkpoint(run("at", tmp_path / str(n), seed=seed)[0]).digest for n, seed in enumerate((0, 0, 1))
    )
    assert first == again
    assert first != other


def test_the_callers_generator_is_left_alone(tmp_path):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    run("at", tmp_path)
    assert torch.equal(torch.rand(3), expected)


def test_a_loss_that_is_no_number_stops_the_run(tmp_path):
    with pytest.raises(Diverged) as caught:
        run(
            "at",
            tmp_path,
            {"lr": 1e20, "epochs": 3, "schedule": {"name": "piecewise-linear", "knots": [[0, 0], [1, 0], [1.2, 1]]}},
        )
    for word in ("epoch 2", "step", "after epoch 1", str(tmp_path), "lr"):
        assert word in str(caught.value)
    assert torch.load(state_path(tmp_path, "at"), weights_only=True)["epoch"] == 1


def test_a_run_that_diverges_stops_no_other_and_is_a_part_that_failed(monkeypatch, capsys):
    """Exit code 1, one of several runs failed; 2 where it is the only one, whose rate was a bad choice."""

    def learn(method, **_):
        if method == "at":
            raise Diverged("at: the loss became nan; try a smaller learning rate")
        return [f"zoo/{method}.pt"]

    monkeypatch.setattr(benchmark, "train", learn, raising=False)
    monkeypatch.setattr("benchmark.training.several.train", learn)
    trades = "zoo/trades.pt\n"
    for methods, code, printed in (("at trades", 1, trades), ("trades at", 1, trades), ("at", 2, "")):
        with pytest.raises(SystemExit) as end:
            cli.main(["train", "--method", *methods.split()])
        out, err = capsys.readouterr()
        assert (end.value.code, out) == (code, printed)
        assert err == "bench: at: the loss became nan; try a smaller learning rate\n"


def test_a_full_disk_leaves_the_previous_checkpoint(tmp_path, monkeypatch):
    (path,) = run("at", tmp_path)
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(BadInput, match="No space left"):
        run("at", tmp_path, {"lr": 0.05}, overwrite=True)
    assert path.read_bytes() == before


def test_teachers_that_do_not_fit_are_refused_before_training(tmp_path, zoo):
    odd = load_checkpoint(zoo["robust"])
    odd.shape = (1, 16, 16)
    save_checkpoint(tmp_path / "odd.pt", odd)
    with pytest.raises(BadInput, match="8×8"):
        run("ard", tmp_path / "out", teacher=[tmp_path / "odd.pt"])
    assert not (tmp_path / "out").exists()


def test_an_output_folder_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="can't write"):
        run("at", tmp_path / "file" / "zoo")


def test_batches_cover_the_split_once_in_an_order_of_their_own():
    split = load("digits").train
    seen = [
        torch.cat([y for _, y in batches(split, 100, "none", torch.Generator().manual_seed(s))]) for s in (0, 0, 1)
    ]
    assert torch.equal(seen[0], seen[1])
    assert not torch.equal(seen[0], seen[2])
    assert torch.equal(seen[0].sort().values, split.labels.sort().values)


@pytest.mark.parametrize(("kind", "border"), [("shift", 0.0), ("crop-flip", 0.0), ("reflect-crop-flip", None)])
def test_augmented_images_are_windows_of_padded_ones(kind, border):
    x = torch.rand((64, 3, 16, 16), generator=torch.Generator().manual_seed(1)) * 0.9 + 0.1
    seen = augment(x, kind, torch.Generator().manual_seed(2))
    assert seen.shape == x.shape
    padded = torch.nn.functional.pad(x, (2, 2, 2, 2), mode="constant" if border == 0.0 else "reflect")
    windows = [padded[:, :, i : i + 16, j : j + 16] for i in range(5) for j in range(5)]
    candidates = torch.stack([*windows, *([w.flip(3) for w in windows] if kind != "shift" else [])])
    matches = (candidates == seen).flatten(2).all(2)
    assert matches.any(0).all()
    assert len(matches.float().argmax(0).unique()) > 10


def test_augmentation_none_changes_nothing():
    x = torch.rand(4, 1, 8, 8)
    assert augment(x, "none", torch.Generator()) is x


def test_lines_per_epoch(tmp_path, capsys):
    run("mat", tmp_path, progress=None)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "2/2" in lines[-1]
    assert "h1" in lines[-1]
    assert "images/s" in lines[-1]


def test_history_is_plain(tmp_path):
    checkpoint = load_checkpoint(run("natural", tmp_path)[0])
    assert json.loads(json.dumps(checkpoint.history)) == checkpoint.history


def test_bfloat16_goes_without_saying(caplog):
    with caplog.at_level("INFO"):
        make_fabric(torch.device("cpu"), "bf16")
    assert "bfloat16" not in caplog.text
