"""Files of each kind that people have become checkpoints that compute the same: logits are equal on both sides."""

from __future__ import annotations

import argparse
import warnings
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from foreign_models import deepmind
from foreign_models.cifar import VGG, MobileNetV2, Narrow, PreAct, RawPreAct, ResNet, SoftPreAct
from foreign_models.trades import WideResNet
from foreign_models.wrappers import MEAN, STD, AttackerModel, Normalized
from safetensors.torch import save_file
from torch import Tensor, nn

from benchmark import export_checkpoint, import_checkpoint
from benchmark.errors import BadInput
from benchmark.models import load_model

pytestmark = pytest.mark.usefixtures("one_thread")

#: In double precision a network of some hundred layers loses less than a thousand roundings of 1e-16 in each of a few
#: thousand sums; one with two layers exchanged differs in the first digit.
TOLERANCE = 1e-9


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCHMARK_DATA", str(tmp_path / "no data"))
    return tmp_path


def stirred(network: nn.Module) -> nn.Module:
    """With random statistics and scales in its norms, so that each of them matters."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.running_mean, module.bias.data):
                tensor.normal_(0, 0.3)
            for tensor in (module.running_var, module.weight.data):
                tensor.uniform_(0.5, 1.5)
    return network.eval()


def torchvision_resnet() -> nn.Module:
    network = torchvision.models.resnet18(num_classes=10)
    network.conv1, network.maxpool = nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.Identity()
    return network


def torchvision_vit() -> nn.Module:
    sizes = {"image_size": 32, "patch_size": 4, "num_layers": 12, "num_heads": 3, "hidden_dim": 192, "mlp_dim": 768}
    network = torchvision.models.VisionTransformer(**sizes, num_classes=10)
    nn.init.normal_(network.heads.head.weight, std=0.1)  # zero at first
    return network


def timm_vit() -> nn.Module:
    timm = pytest.importorskip("timm")
    return timm.create_model("vit_tiny_patch16_224", img_size=32, patch_size=4, num_classes=10)


#: Whose definition -> what makes it, the architecture, and what its keys are called after.
DEFINITIONS = {
    "kuangliu resnet": (ResNet, "resnet18", "kuangliu"),
    "kuangliu preact": (lambda: ResNet(PreAct), "preact-resnet18", "kuangliu"),
    "kuangliu mobilenet": (MobileNetV2, "mobilenet-v2", "kuangliu"),
    "trades wide": (lambda: WideResNet(28, 4), "wrn-28-4", "trades"),
    "torchvision resnet": (torchvision_resnet, "resnet18", "torchvision"),
    "narrow": (Narrow, "resnet20", "kuangliu"),
    "deep narrow": (lambda: Narrow(9), "resnet56", "kuangliu"),
    "fast preact": (lambda: ResNet(RawPreAct), "preact-resnet18-raw-shortcut", "kuangliu"),
    "overfitting preact": (lambda: ResNet(PreAct, bn=True), "preact-resnet18-last-norm", "kuangliu"),
    "e-at preact": (lambda: ResNet(SoftPreAct, bn=True), "preact-resnet18-softplus", "kuangliu"),
    "kuangliu preact 34": (lambda: ResNet(PreAct, (3, 4, 6, 3)), "preact-resnet34", "kuangliu"),
    "kuangliu vgg": (VGG, "vgg16-bn", "kuangliu"),
    "deepmind wide": (lambda: deepmind.WideResNet(28, 10), "wrn-28-10-silu", "deepmind"),
    "torchvision vit": (torchvision_vit, "vit-tiny", "torchvision"),
    "timm vit": (timm_vit, "vit-tiny", "timm"),
    "torchvision convnext": (
        lambda: torchvision.models.convnext_tiny(num_classes=10),
        "convnext-tiny",
        "torchvision",
    ),
}
#: What the weights alone do not tell apart: the two compute different things with them.
ALIKE = ["preact-resnet18", "preact-resnet18-raw-shortcut"]
ALIKE_TOO = ["preact-resnet18-last-norm", "preact-resnet18-softplus"]


@lru_cache(maxsize=2)
def made(name: str) -> nn.Module:
    """The network of a definition, with random weights."""
    torch.manual_seed(0)
    return stirred(DEFINITIONS[name][0]())


def logits(network: nn.Module, x: Tensor) -> Tensor:
    with torch.no_grad():
        return network.double()(x.double())


def assert_same(path: Path, original: nn.Module) -> None:
    x = torch.rand(2, 3, 32, 32)
    expected = logits(original, x)
    found = logits(load_model(path).model(), x)
    original.float()
    assert float((found - expected).abs().max()) <= TOLERANCE * float(expected.abs().max())
    assert float(expected.std()) > 1e-3


#: Of more than twenty million weights.
LARGE = ("deepmind wide", "torchvision convnext", "kuangliu preact 34")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in LARGE else name for name in DEFINITIONS]
)
def test_weights_of_a_public_definition_compute_the_same_and_go_back(name):
    _, architecture, keys = DEFINITIONS[name]
    network = made(name)
    torch.save(network.state_dict(), "weights.pth")
    named = {"arch": architecture} if architecture in [*ALIKE, *ALIKE_TOO] else {}
    found = import_checkpoint("weights.pth", dataset="cifar10", normalization="none", **named)
    assert found.checkpoint.architecture == architecture
    assert found.path == Path("zoo/weights.pt")
    assert_same(found.path, network)
    exported = torch.load(export_checkpoint(found.path, keys=keys).path, weights_only=True)
    network.load_state_dict(exported, strict=True)
    assert all(torch.equal(exported[key], value) for key, value in torch.load("weights.pth").items())


@pytest.mark.parametrize(("definition", "alike"), [("kuangliu preact", ALIKE), ("overfitting preact", ALIKE_TOO)])
def test_what_the_weights_do_not_tell_is_asked(definition, alike):
    torch.save(made(definition).state_dict(), "a.pth")
    with pytest.raises(BadInput) as caught:
        import_checkpoint("a.pth", dataset="cifar10", normalization="none")
    told = str(caught.value)
    assert all(f"bench import a.pth --arch {name} --dataset cifar10" in told for name in alike)
    x = torch.rand(2, 3, 32, 32)
    paths = [
        import_checkpoint("a.pth", arch=name, dataset="cifar10", normalization="none", name=name).path
        for name in alike
    ]
    plain, raw = (logits(load_model(path).model(), x) for path in paths)
    assert float((plain - raw).abs().max()) > 1e-3


def nested(state: dict[str, Tensor]) -> dict:
    optimiser = torch.optim.SGD([nn.Parameter(torch.ones(3))], lr=0.1, momentum=0.9)
    optimiser.param_groups[0]["params"][0].sum().backward()
    optimiser.step()
    return {"epoch": 3, "state_dict": state, "optimizer": optimiser.state_dict(), "best": True}


class Configuration(dict):
    """A kind of dictionary that is defined in a training's own code."""


#: Ways to save a state, by a name that says whose habit it is.
SAVED = {
    "bare": torch.save,
    "legacy": lambda state, path: torch.save(state, path, _use_new_zipfile_serialization=False),
    "legacy nested": lambda state, path: torch.save(nested(state), path, _use_new_zipfile_serialization=False),
    "state_dict": lambda state, path: torch.save(nested(state), path),
    "net": lambda state, path: torch.save({"net": state, "acc": 93.1, "epoch": 7}, path),
    "model_state_dict": lambda state, path: torch.save({"model_state_dict": state}, path),
    "model": lambda state, path: torch.save({"model": {"state_dict": state}}, path),
    "module.": lambda state, path: torch.save({f"module.{key}": value for key, value in state.items()}, path),
    "_orig_mod.": lambda state, path: torch.save(
        {"ema": {f"module._orig_mod.{key}": value for key, value in state.items()}}, path
    ),
    "numpy scalar": lambda state, path: torch.save({"state_dict": state, "acc": np.float64(0.5)}, path),
    "numpy array": lambda state, path: torch.save({"acc": np.arange(3.0), "net": state}, path),
    "namespace": lambda state, path: torch.save({"args": argparse.Namespace(lr=0.1), "net": state}, path),
    "namespace legacy": lambda state, path: torch.save(
        {"args": argparse.Namespace(lr=0.1, a={1, 2}), "net": state}, path, _use_new_zipfile_serialization=False
    ),
    "own class": lambda state, path: torch.save({"cfg": Configuration(a=1), "net": Configuration(state)}, path),
    "protocol 4": lambda state, path: torch.save(
        {"args": argparse.Namespace(a=b"b"), "net": state}, path, pickle_protocol=4
    ),
    "parameters": lambda state, path: torch.save(
        {key: nn.Parameter(value, False) for key, value in state.items()}, path
    ),
    "half": lambda state, path: torch.save({key: value.half().float() for key, value in state.items()}, path),
    "no counters": lambda state, path: torch.save(
        {key: value for key, value in state.items() if "num_batches" not in key}, path
    ),
    "safetensors": lambda state, path: save_file(state, f"{path}.safetensors"),
}


@pytest.mark.parametrize("way", SAVED)
def test_every_way_to_save_weights_is_read(way):
    network = made("narrow")
    state = dict(network.state_dict())
    if way == "half":
        state = {key: value.half().to(value.dtype) for key, value in state.items()}
    SAVED[way](state, "a")
    path = next(Path().glob("a*"))
    found = import_checkpoint(path, dataset="cifar10", mean=MEAN, std=STD)
    expected = Normalized(network)
    if way == "half":
        expected = Normalized(Narrow().eval())
        expected.model.load_state_dict(state)
    assert_same(found.path, expected.eval())
    assert found.checkpoint.name == "a"


def test_half_precision_is_said():
    torch.save(
        {
            key: value.half() if value.is_floating_point() else value
            for key, value in made("narrow").state_dict().items()
        },
        "a.pt",
    )
    found = import_checkpoint("a.pt", dataset="cifar10", normalization="none")
    assert "weights in float16 were made float32" in found.said


def test_a_whole_network_gives_its_weights_and_runs_nothing():
    torch.save({"net": made("narrow"), "acc": np.float32(1)}, "whole.pth")
    assert_same(import_checkpoint("whole.pth", dataset="cifar10", normalization="none").path, made("narrow"))


@pytest.mark.parametrize("names", [("mu", "sigma"), ("mean", "std"), ("_mean", "_std")])
def test_normalisation_inside_the_file_is_found(names):
    network = Normalized(made("narrow"), names).eval()
    torch.save(network.state_dict(), "a.pt")
    found = import_checkpoint("a.pt", dataset="cifar10")
    assert (found.checkpoint.mean, found.checkpoint.std) == (MEAN, STD)
    assert any("normalisation inside the file" in sentence for sentence in found.said)
    assert_same(found.path, network)
    with pytest.raises(BadInput, match="of its own"):
        import_checkpoint("a.pt", dataset="cifar10", normalization="none")


def test_robustness_files_are_read():
    network = AttackerModel(made("narrow")).eval()
    state = {f"module.{key}": value for key, value in network.state_dict().items()}
    torch.save({"model": state, "optimizer": {}, "schedule": None, "epoch": 150}, "best.pt")
    found = import_checkpoint("best.pt", dataset="cifar10")
    assert any("twice" in sentence for sentence in found.said)
    assert found.checkpoint.mean == MEAN
    assert_same(found.path, network)


def test_the_unused_part_of_trades_is_left_out_and_said():
    torch.manual_seed(0)
    network = stirred(WideResNet(28, 4, sub_block1=True))
    torch.save(network.state_dict(), "a.pt")
    found = import_checkpoint("a.pt", dataset="cifar10", normalization="none")
    assert any("sub_block1" in sentence for sentence in found.said)
    assert_same(found.path, network)


def test_an_own_state_comes_back(tmp_path):
    torch.save(made("narrow").state_dict(), "a.pt")
    first = import_checkpoint("a.pt", dataset="cifar10", normalization="none")
    exported = export_checkpoint(first.path, keys="benchmark", out=tmp_path / "b.safetensors")
    second = import_checkpoint(exported.path, dataset="cifar10", normalization="none")
    assert second.checkpoint.digest == first.checkpoint.digest


def test_warnings_of_libraries_stay_away():
    torch.save(made("narrow").state_dict(), "a.pt")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        import_checkpoint("a.pt", dataset="cifar10", normalization="none")
