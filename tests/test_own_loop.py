"""A training loop of one's own: the inner maximisation in one call, and its checkpoint filed in one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import benchmark
from benchmark.errors import BadInput
from benchmark.models.normalize import Normalize
from benchmark.threats import Threat


@pytest.fixture
def model() -> nn.Module:
    torch.manual_seed(0)
    layers = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5), nn.Flatten(), nn.Linear(4 * 36, 3)
    return nn.Sequential(*layers)


@pytest.fixture
def batch() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.rand(6, 1, 8, 8, generator=generator), torch.arange(6) % 3


@pytest.mark.parametrize(("norm", "epsilon"), [("linf", 0.1), ("l2", 0.5), ("l1", 2.0)])
@pytest.mark.parametrize("loss", ["ce", "kl", "margin", lambda z, y: cross_entropy(z, y, reduction="none")])
def test_images_lie_in_the_ball_and_the_model_stays_as_it_was(
    model: nn.Module, batch: tuple[Tensor, Tensor], norm: Any, epsilon: float, loss: Any
) -> None:
    x, y = batch
    model.train()
    model[1].eval()
    model[0].weight.requires_grad_(False)
    cross_entropy(model(x), y).backward()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    grads = [None if p.grad is None else p.grad.clone() for p in model.parameters()]
    flags = [p.requires_grad for p in model.parameters()]
    found = benchmark.perturb(model, x, y, norm=norm, epsilon=epsilon, steps=4, loss=loss)
    assert not found.requires_grad
    assert float(Threat(norm, epsilon).distance(found - x).max()) <= epsilon * (1 + 1e-5)
    assert 0 <= float(found.min()) <= float(found.max()) <= 1
    assert [module.training for module in model] == [True, False, True, True, True, True]
    assert [p.requires_grad for p in model.parameters()] == flags
    for parameter, grad in zip(model.parameters(), grads, strict=True):
        assert parameter.grad is grad or torch.equal(parameter.grad, grad)  # type: ignore[arg-type]
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_running_statistics_move_in_train_mode_alone(model: nn.Module, batch: tuple[Tensor, Tensor]) -> None:
    before = model.train()[1].running_mean.clone()  # type: ignore[operator, union-attr]
    benchmark.perturb(model, *batch, epsilon=0.1, steps=1)
    assert torch.equal(model[1].running_mean, before)  # type: ignore[index, arg-type]
    benchmark.perturb(model, *batch, epsilon=0.1, steps=1, bn="train")
    assert not torch.equal(model[1].running_mean, before)  # type: ignore[index, arg-type]
    assert model.training


def test_it_climbs_and_repeats(model: nn.Module, batch: tuple[Tensor, Tensor]) -> None:
    x, y = batch
    torch.manual_seed(3)
    one = benchmark.perturb(model, x, y, epsilon="8/255", steps=5)
    torch.manual_seed(3)
    assert torch.equal(one, benchmark.perturb(model, x, y, epsilon=8 / 255, steps=5))
    model.eval()
    with torch.no_grad():
        assert float(cross_entropy(model(one), y)) > float(cross_entropy(model(x), y))
    assert benchmark.perturb(model, x.double().to(torch.bfloat16), y, epsilon=0.1, steps=1).dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"x": torch.rand(6, 8, 8)}, "images N×C×H×W"),
        ({"x": torch.randn(6, 1, 8, 8)}, r"beyond \[0, 1\]"),
        ({"y": torch.arange(5)}, "6 whole numbers"),
        ({"y": torch.rand(6)}, "6 whole numbers"),
        ({"steps": 0}, "steps"),
        ({"steps": True}, "steps"),
        ({"epsilon": -1}, "epsilon|radius"),
        ({"epsilon": 2.0}, "holds every image"),
        ({"step_size": "far"}, "step_size"),
        ({"norm": "l7"}, "l7"),
        ({"start": "nowhere"}, "start"),
        ({"loss": "cee"}, "unknown inner objective"),
        ({"loss": "rslad"}, "teacher"),
        ({"loss": 3}, "neither a name"),
        ({"loss": cross_entropy}, "one number for each"),
    ],
)
def test_one_error_says_what_does_not_fit(
    model: nn.Module, batch: tuple[Tensor, Tensor], change: dict[str, Any], told: str
) -> None:
    x, y = change.pop("x", batch[0]), change.pop("y", batch[1])
    model.train()
    with pytest.raises(BadInput, match=told):
        benchmark.perturb(model, x, y, **{"epsilon": 0.1, "steps": 2, **change})
    assert model.training
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_a_loop_of_ones_own_is_filed_evaluated_and_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    net = benchmark.new_model("small-cnn", seed=1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
    x, y = torch.rand(8, 1, 8, 8), torch.arange(8)
    net.train()
    cross_entropy(net(benchmark.perturb(net, x, y, epsilon=0.1, steps=2)), y).backward()
    optimizer.step()
    path = benchmark.save(net, "zoo/mine.pt", dataset="digits", arch="small-cnn", method="mine", title="My loop")
    assert net.training
    with pytest.raises(BadInput, match="is there already"):
        benchmark.save(net, path, dataset="digits", arch="small-cnn", method="mine")
    (done,) = benchmark.evaluate(path, suite="smoke", preset="quick", n=4, device="cpu", progress=False)
    assert done.model["method"] == "mine"
    assert "My loop" in benchmark.report().parent.joinpath("models/mine.html").read_text()


def test_what_is_filed_answers_as_the_model_does(tmp_path: Path) -> None:
    net = benchmark.new_model("small-cnn")
    bare = net.network
    ask: dict[str, Any] = {"dataset": "digits", "arch": "small-cnn", "method": "mine"}
    with pytest.raises(BadInput, match="mean="):
        benchmark.save(bare, tmp_path / "a.pt", **ask)  # type: ignore[arg-type]
    path = benchmark.save(bare, tmp_path / "a.pt", mean=0.5, std=0.25, **ask)  # type: ignore[arg-type]
    x = torch.rand(4, 1, 8, 8)
    loaded = benchmark.load_model(path).model()
    assert torch.allclose(loaded(x), nn.Sequential(Normalize([0.5], [0.25]), bare).eval()(x), atol=1e-5)  # type: ignore[arg-type]
    for change, told in (
        ({"arch": "resnet18"}, "is not a resnet18"),
        ({"method": "at"}, "is a method of this benchmark"),
        ({"method": "at-linf"}, "is a method of this benchmark"),
        ({"method": " "}, "name"),
        ({"mean": 0.5}, "leave mean and std out"),
    ):
        with pytest.raises(BadInput, match=told):
            benchmark.save(net, tmp_path / "b.pt", **{**ask, **change})
    net.network.forward = lambda z: -type(net.network).forward(net.network, z)  # type: ignore[union-attr, operator, method-assign, assignment]
    with pytest.raises(BadInput, match="answers otherwise"):
        benchmark.save(net, tmp_path / "b.pt", **ask)
    with pytest.raises(BadInput, match=r"\.pt or \.safetensors"):
        benchmark.save(net, tmp_path / "b", **ask)
    assert [each.name for each in tmp_path.iterdir()] == ["a.pt"]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_of_another_precision_are_filed_in_float32_and_stay_as_they_are(
    tmp_path: Path, dtype: torch.dtype
) -> None:
    net = benchmark.new_model("small-cnn").to(dtype)
    path = benchmark.save(net, tmp_path / "a.pt", dataset="digits", arch="small-cnn", method="mine")
    filed, own = benchmark.load_model(path).state, net.state_dict()  # type: ignore[union-attr]
    assert all(torch.equal(value, own[name].to(value.dtype)) for name, value in filed.items())
    assert {value.dtype for value in own.values() if value.is_floating_point()} == {dtype}
    assert {value.dtype for value in filed.values() if value.is_floating_point()} == {torch.float32}
    if dtype != torch.float64:
        with pytest.raises(BadInput, match="float32"):
            benchmark.perturb(net, torch.rand(2, 1, 8, 8), torch.arange(2), epsilon=0.1, steps=1)
