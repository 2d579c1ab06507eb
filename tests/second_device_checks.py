"""What runs on the CPU runs on another device, and finds the same: the tests that `test_device.py` runs apart."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import second_device
import torch
from attack_toys import CHEAP, EVERY, Net, cheap, images
from fixed_networks import fixed
from second_device_toys import found, trained

import benchmark
from benchmark.arithmetic import deterministic
from benchmark.attacks import PreparedClassifier, make_attack
from benchmark.attacks.footprint import images_per_pass
from benchmark.evaluation.target import forget
from benchmark.memory import UNTOLD
from benchmark.models import save_checkpoint
from benchmark.noise import ExampleNoise
from benchmark.projections import onto_l1, running_sum
from benchmark.threats import Threat
from benchmark.training import METHODS
from benchmark.training.report import Reporter

ELSEWHERE = [
    ("foolbox.attacks:LinfPGD", {"steps": 2}, "linf"),
    ("foolbox.attacks:L2CarliniWagnerAttack", {"steps": 2, "binary_search_steps": 2}, "l2"),
    ("foolbox.attacks:LInfFMNAttack", {"steps": 2}, "linf"),
]
CORRUPTIONS = ("gaussian-noise", "shot-noise", "defocus-blur", "glass-blur", "motion-blur", "zoom-blur", "snow")
MORE_CORRUPTIONS = ("impulse-noise", "frost", "fog", "brightness", "contrast", "elastic", "pixelate", "jpeg")


@pytest.mark.parametrize(("name", "norm"), EVERY)
def test_an_attack_finds_what_it_finds_on_the_cpu(name, norm):
    torch.testing.assert_close(found(cheap(name), norm, "second"), found(cheap(name), norm, "cpu"))


@pytest.mark.parametrize(
    "name", [name for name, norm in EVERY if norm in ("jpeg", "snow", "fog", "gabor", "elastic")]
)
def test_an_attack_on_colours_finds_what_it_finds_on_the_cpu(name):
    attack = cheap(name)
    (norm,) = attack.norms
    torch.testing.assert_close(found(attack, norm, "second", (3, 16, 16)), found(attack, norm, "cpu", (3, 16, 16)))


@pytest.mark.parametrize("kind", CORRUPTIONS + MORE_CORRUPTIONS)
def test_a_corruption_is_the_same(kind):
    attack = make_attack("corruption", {"corruption": kind})
    first, second = (found(attack, "corruption", device, (3, 16, 16)) for device in ("cpu", "second"))
    torch.testing.assert_close(second, first)


@pytest.mark.parametrize(("path", "parameters", "norm"), ELSEWHERE)
def test_a_librarys_attack_finds_what_it_finds_on_the_cpu(path, parameters, norm):
    attack = make_attack(path, parameters)
    torch.testing.assert_close(found(attack, norm, "second"), found(attack, norm, "cpu"))


def test_autoattack_for_random_networks_finds_what_it_finds_on_the_cpu():
    attack = make_attack("autoattack", {"variant": "rand", "steps": 2})
    torch.testing.assert_close(found(attack, "linf", "second"), found(attack, "linf", "cpu"))


@pytest.mark.parametrize(
    ("name", "norm"), [("pgd", "linf"), ("fmn", "linf"), ("deepfool", "l2"), ("cw", "l2"), ("ddn", "l2")]
)
def test_float32_is_float32_forwards_and_backwards_where_the_device_would_round(name, norm):
    with second_device.on_tensor_cores():
        rounded = found(cheap(name), norm, "second")
    assert torch.equal(rounded, found(cheap(name), norm, "second"))


def test_a_search_in_tf32_is_rounded_and_float32_confirms_what_it_claims():
    with second_device.on_tensor_cores():
        rounded = found(make_attack("pgd", {"steps": 3, "success": "last"}), "l2", "second", precision="tf32")
        x = images(64).round(decimals=3)
        net = Net((1, 8, 8), 5)
        classifier = PreparedClassifier(net, 5, "second", "tf32", x[:2].to("second"))
        with torch.no_grad():
            low = classifier(x.to("second")).cpu()
            with classifier.exact():
                exact = classifier(x.to("second")).cpu()
        top = exact.argmax(1)
        claimed = torch.ones(64, dtype=torch.bool, device="second")
        confirmed = classifier.confirm(x.to("second"), top.to("second"), claimed)
    assert not torch.equal(rounded, found(make_attack("pgd", {"steps": 3, "success": "last"}), "l2", "second"))
    assert 1e-5 < (low - exact).abs().max() < 0.1
    torch.testing.assert_close(exact, net(x).detach(), rtol=1e-5, atol=1e-5)
    assert not confirmed.any().cpu()
    assert classifier.disagreements == 64


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_no_step_of_an_ascent_makes_the_host_wait(norm):
    counts = []
    for steps in (2, 12):
        with second_device.counted() as waits:
            found(make_attack("pgd", {"steps": steps, "success": "last"}), norm, "second")
        counts.append(dict(waits))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_an_ascent_that_lets_images_leave_waits_at_every_eighth_step_only(norm):
    counts = []
    for steps in (8, 16):
        with second_device.counted() as waits:
            found(make_attack("pgd", {"steps": steps, "relative_step_size": 1e-6, "start": "zero"}), norm, "second")
        counts.append(waits.total())
    assert counts[1] - counts[0] <= 2


def test_noise_is_drawn_on_the_device_without_the_host_and_is_that_of_the_cpu():
    here, indices = ExampleNoise(3, range(50), 1), torch.arange(50, device="second")
    with second_device.counted() as waits:
        there = ExampleNoise(3, indices, 1, "second")
        chosen = there.fork().select(indices[5:9])
        numbers = there.normal(3, 9, 9), there.uniform(700), there.integers(2, 9, 5), chosen.normal(2)
    assert not waits
    few = here.fork().select(torch.arange(5, 9))
    for ours, theirs in zip(
        numbers, (here.normal(3, 9, 9), here.uniform(700), here.integers(2, 9, 5), few.normal(2)), strict=True
    ):
        assert ours.device == second_device.DEVICE
        assert torch.equal(ours.cpu(), theirs)


@pytest.mark.parametrize("share", [1e-6, 0.01, 0.3, 0.9, 0.999999])
def test_the_l1_projection_that_asks_nothing_finds_what_the_other_finds(share):
    x, x_adv = images(20, (3, 9, 9)), 3 * images(20, (3, 9, 9)) - 1
    radius = float((x_adv.clamp(0, 1) - x).abs().flatten(1).sum(1).min()) * share
    there = onto_l1(x.to("second"), x_adv.to("second"), radius).cpu()
    torch.testing.assert_close(there, onto_l1(x, x_adv, radius), rtol=0, atol=1e-6)
    assert Threat("l1", radius).contains(x, there).all()


def test_sums_that_repeat_are_the_same_sums():
    values = images(3, (1, 7, 11)).flatten(1).double()
    with deterministic():
        torch.testing.assert_close(running_sum(values.to("second")).cpu(), values.cumsum(1))


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    """The paths of a natural and a robust checkpoint."""
    folder = tmp_path_factory.mktemp("zoo")
    return {name: save_checkpoint(folder / f"{name}.pt", fixed(name)) for name in ("natural", "at")}


#: In the quick tests mat stands in for their networks, and at-avg, at-max and at-msd for what they are trained on.
LONG = ("mat-avg", "mat-max", "mat-msd")


@pytest.mark.parametrize(
    "method", [pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in METHODS.names()]
)
def test_a_method_trains_as_on_the_cpu(method, zoo, tmp_path):
    states = []
    for device in ("cpu", "second"):
        trainer, plan = trained(method, zoo, device, steps=2)
        assert trainer.steps == 2
        with Reporter(plan.name, 1, trainer.steps, False, None) as report:
            trainer.fit(tmp_path / device, None, report)
        states.append([{key: value.cpu() for key, value in each.state_dict().items()} for each in trainer.members])
    for ours, theirs in zip(*states, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0.01, atol=0.01)  # sums may be taken in another order


def test_images_in_memory_are_attacked_where_they_are():
    data = benchmark.data.load("digits").test
    x, y = data.batch(slice(0, 8))
    net = fixed("at").model()
    results = [
        benchmark.attack(net, x.to(device), y.to(device), "pgd", norm="linf", epsilon=0.1, steps=2, device=device)
        for device in ("cpu", "second")
    ]
    assert results[1].images.device == second_device.DEVICE
    torch.testing.assert_close(results[1].images.cpu(), results[0].images)
    assert torch.equal(results[1].success.cpu(), results[0].success)


@pytest.mark.parametrize("name", ["fmn", "ddn", "cw"])
def test_a_search_in_less_asks_once_a_step_what_float32_has_to_confirm(name):
    counts = []
    for steps in (8, 16):
        with second_device.counted() as waits:
            found(make_attack(name, {**CHEAP[name], "steps": steps}), "l2", "second", precision="bf16")
        counts.append(waits.total())
    assert counts[1] - counts[0] <= 9


def test_whatever_accelerator_there_is_gets_its_memory_back(monkeypatch):
    emptied = []
    monkeypatch.setattr(torch.get_device_module("second"), "empty_cache", lambda: emptied.append(True))
    forget()
    assert emptied


def test_a_pass_takes_what_fits_the_memory_of_whatever_accelerator_there_is(monkeypatch):
    network, image = Net((3, 32, 32), 10), images(1, (3, 32, 32))
    on_processor, untold = images_per_pass(network, image), images_per_pass(network.to("second"), image.to("second"))
    assert untold == 8 * on_processor
    properties = SimpleNamespace(total_memory=UNTOLD * 4)
    monkeypatch.setattr(torch.get_device_module("second"), "get_device_properties", lambda _: properties, False)
    assert images_per_pass(network, image.to("second")) == 4 * untold
    monkeypatch.setattr(torch.get_device_module("second"), "get_per_process_memory_fraction", lambda _: 0.25, False)
    assert images_per_pass(network, image.to("second")) == untold  # of four workers on one


def test_a_training_puts_back_the_generator_of_whatever_accelerator_there_is(zoo, monkeypatch):
    put_back = []
    monkeypatch.setattr(
        torch.get_device_module("second"), "set_rng_state", lambda state, device: put_back.append(device)
    )
    trainer, _ = trained("natural", zoo, "second", steps=2)
    put_back.clear()
    with trainer._fixed_randomness():
        pass
    assert put_back == [second_device.DEVICE]


def test_the_table_of_waits_can_be_made_anew(zoo, monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "perf")
    import waits

    line = waits.of_method("natural", zoo)
    assert (line.kind, line.name, line.inner, line.whole) == ("method", "natural", 0.0, 0)
    assert waits.of_attack("fgsm", "linf").whole > 0
