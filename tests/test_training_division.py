"""What is held out of training is what validation uses; inputs, decay and rates as a recipe says."""

from __future__ import annotations

import pytest
import torch
from synthetic_training import run

from benchmark.data import Dataset, Split, load
from benchmark.errors import BadInput
from benchmark.experiments import sweep
from benchmark.models import load_checkpoint, load_model
from benchmark.recipes.recipe import load_recipe
from benchmark.recipes.validation import Validation
from benchmark.training.division import divided
from benchmark.training.optimizer import make_optimizer
from benchmark.training.parallel import make_fabric
from benchmark.training.request import make_plan
from benchmark.training.trainer import Trainer


@pytest.fixture(scope="module")
def digits():
    return load("digits")


def many(n=50_000, classes=10) -> Dataset:
    """Data as large as CIFAR-10, of which each image is another one; 2,000 are held out."""
    labels = torch.arange(n) % classes
    images = torch.arange(n).view(n, 1, 1, 1).bitwise_and(255).to(torch.uint8).expand(n, 1, 8, 8)
    return Dataset.from_arrays(images[:10], labels[:10], train=(images, labels), classes=classes)


def test_as_many_are_held_out_as_validation_uses():
    data = many()
    assert (len(data.train), len(data.validation)) == (48_000, 2_000)
    for validation, train, held_out in (
        (Validation(), 49_000, 1_000),
        (Validation(images=2000), 48_000, 2_000),
        (Validation(images=0), 50_000, 0),
        (Validation(images=0, held_out=500), 50_000, 0),
        (Validation(images=0.2), 40_000, 10_000),
        (Validation(images=500, held_out=0.2), 40_000, 10_000),
    ):
        found = divided(data, validation)
        assert (len(found.train), len(found.validation)) == (train, held_out)
        assert found.digest == data.digest


def test_a_number_asks_for_no_more_than_the_data_holds_out(digits):
    assert len(divided(digits, Validation(images=1000)).validation) == 136


def test_nothing_is_lost_or_seen_twice(digits):
    def rows(*splits):
        return sorted(tuple(image.flatten().tolist()) for split in splits for image in split.images)

    everything = rows(digits.train, digits.validation)
    for images in (0, 20, 134, 0.2, 0.5):
        found = divided(digits, Validation(images=images))
        assert rows(found.train, found.validation) == everything
    fifth = divided(digits, Validation(images=0.2))
    counts = fifth.validation.labels.bincount(minlength=10)
    assert counts.sum() == round(0.2 * 1347)
    assert counts.max() - counts.min() <= 2
    again = divided(digits, Validation(images=0.2))
    assert torch.equal(again.validation.images, fifth.validation.images)


def test_the_same_images_decide_whatever_else_is_held_out(digits):
    first = divided(digits, Validation(images=50)).validation
    assert torch.equal(first.images, digits.validation.images[:50])
    assert torch.equal(divided(digits, Validation(images=0.3)).validation.images[:136], digits.validation.images)


def test_too_little_to_train_on_is_refused():
    images, labels = torch.zeros(6, 1, 8, 8), torch.tensor([0, 1, 0, 1, 0, 1])
    data = Dataset.from_arrays(images, labels, train=(images, labels))
    with pytest.raises(BadInput, match="6 images to train on, and 5 of them would be held out"):
        divided(data, Validation(images=0.9))


def test_quick_trains_on_what_it_always_did(digits):
    validation = plan_of("at").recipe.validation
    found = divided(digits, validation)
    assert (len(found.train), validation.measured(1347, len(found.validation))) == (1211, 134)
    assert torch.equal(found.train.images, digits.train.images)


def plan_of(method, **settings):
    return make_plan(
        method,
        dataset="digits",
        arch=None,
        recipe="quick",
        set={"epochs": 1, **settings},
        seed=0,
        device="cpu",
        precision="fp32",
        name=None,
    )


def trainer_of(method, **settings):
    plan = plan_of(method, **settings)
    return Trainer(plan, make_fabric(plan.device, plan.precision))


def test_without_validation_the_last_weights_are_selected(tmp_path):
    (path,) = run("natural", tmp_path, {"validation.images": 0})
    selected, last = load_checkpoint(path), load_checkpoint(tmp_path / "last" / path.name)
    assert (selected.selection, selected.selected_epoch) == ("last", 2)
    assert all(torch.equal(selected.state[key], last.state[key]) for key in last.state)
    assert "clean" not in selected.history[-1]
    assert load_model(path).name == "mine"


def test_a_sweep_has_nothing_to_select_by_where_nothing_is_held_out(tmp_path):
    settings = ["lr=0.1,0.2", "validation.images=0"]
    with pytest.raises(BadInput, match=r"validation\.images=0 holds nothing out of training"):
        sweep(method="natural", set=settings, zoo=tmp_path, out=tmp_path / "sweep")


def test_a_choice_by_the_attack_of_trades():
    """PGD_T: 20 steps of 0.003, from Gaussian noise of deviation 0.001 (MMARD, experimental setup)."""
    recipe, _ = load_recipe("paper").resolve("mmard", "resnet18", "cifar10", "cifar10", {}, "paper")
    validation, epsilon = recipe.validation, recipe.threats["linf"].epsilon
    assert (validation.steps, validation.start) == (20, "gaussian")
    assert validation.step * epsilon == pytest.approx(0.003)
    recipe, _ = load_recipe("paper").resolve("mat", "resnet18", "cifar10", "cifar10", {}, "paper")
    assert recipe.validation.images == 0  # MAT, section 3.2.6: trained again on all images


def test_validation_climbs_as_it_says():
    """One step of a hundredth of the radius from x breaks nothing that is right by a margin; a usual one does."""
    trainer = trainer_of("natural", **{"validation.steps": 1, "validation.start": "zero", "validation.step": 1e-6})
    row = trainer._validate()
    assert row["robust"] == row["clean"]
    trainer = trainer_of("natural", **{"validation.steps": 20, "validation.start": "gaussian"})
    row = trainer._validate()
    assert row["robust"] <= row["clean"]


def test_norms_and_biases_may_be_exempt_from_decay_and_schedule():
    trainer = trainer_of("natural", weight_decay_of="weights", lr_exempt=1.0)
    weights, exempt = trainer.optimizer.param_groups
    assert all(p.dim() > 1 for p in weights["params"])
    assert all(p.dim() < 2 for p in exempt["params"])
    assert len(weights["params"]) + len(exempt["params"]) == len([*trainer.members[0].parameters()])
    trainer._set_learning_rate(0.5)
    assert (weights["weight_decay"], exempt["weight_decay"]) == (5e-4, 0)
    assert (weights["lr"], exempt["lr"]) == (trainer.recipe.lr_at(0.5), 1.0)
    both = make_optimizer(trainer.members, plan_of("natural", weight_decay_of="weights").recipe).param_groups
    assert both[0]["lr"] == both[1]["lr"]
    (alone,) = make_optimizer(trainer.members, plan_of("natural").recipe).param_groups
    assert alone["weight_decay"] == 5e-4


def test_networks_may_take_their_images_as_they_are(tmp_path):
    (path,) = run("natural", tmp_path, {"normalisation": "none"})
    found = load_checkpoint(path)
    assert (found.mean, found.std) == ((0.0,), (1.0,))
    (path,) = run("natural", tmp_path, name="usual")
    assert load_checkpoint(path).mean[0] == pytest.approx(0.305, abs=0.001)
    assert isinstance(load("digits").train, Split)


#: The run `at` of the recipe `quick` as the version before these options named it.
BEFORE = "73e1797199bdce90b3cf9f1e91c4601a03289824432d919c6e9d3734eb34af78"


def test_a_run_without_these_options_is_the_run_that_it_was():
    assert plan_of("at", epochs=20).digest == BEFORE
    others = {"normalisation": "none", "passes": 2, "extra_passes": ["clean"], "threats.linf.restarts": 1}
    digests = {plan_of("at", epochs=20, **{name: value}).digest for name, value in others.items()}
    assert len(digests | {BEFORE}) == 1 + len(others)


def test_what_is_held_out_is_part_of_the_run():
    assert plan_of("at", epochs=20, **{"validation.images": 0.2}).digest != BEFORE
    assert plan_of("at", epochs=20, **{"validation.held_out": 0}).digest != BEFORE  # 134 of the digits
