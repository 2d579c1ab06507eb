"""Files of each kind that people have become checkpoints that compute the same: logits are equal on both sides."""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from foreign_models.cifar import MobileNetV2, PreAct, ResNet
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


#: Whose definition -> what makes it, the architecture, and what its keys are called after.
DEFINITIONS = {
    "kuangliu resnet": (ResNet, "resnet18", "kuangliu"),
    "kuangliu preact": (lambda: ResNet(PreAct), "preact-resnet18", "kuangliu"),
    "kuangliu mobilenet": (MobileNetV2, "mobilenet-v2", "kuangliu"),
    "trades wide": (lambda: WideResNet(28, 4), "wrn-28-4", "trades"),
    "torchvision resnet": (torchvision_resnet, "resnet18", "torchvision"),
}


@pytest.fixture(scope="module")
def made() -> dict[str, nn.Module]:
    torch.manual_seed(0)
    return {name: stirred(make()) for name, (make, _, _) in DEFINITIONS.items()}


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


@pytest.mark.parametrize("name", DEFINITIONS)
def test_weights_of_a_public_definition_compute_the_same(made, name):
    network, architecture = made[name], DEFINITIONS[name][1]
    torch.save(network.state_dict(), "weights.pth")
    found = import_checkpoint("weights.pth", dataset="cifar10", normalization="none")
    assert found.checkpoint.architecture == architecture
    assert found.path == Path("zoo/weights.pt")
    assert_same(found.path, network)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_what_is_exported_loads_into_the_public_definition(made, name):
    make, architecture, keys = DEFINITIONS[name]
    torch.save(made[name].state_dict(), "weights.pth")
    ours = import_checkpoint("weights.pth", arch=architecture, dataset="cifar10", normalization="none")
    exported = export_checkpoint(ours.path, keys=keys)
    network = make().eval()
    network.load_state_dict(torch.load(exported.path, weights_only=True), strict=True)
    assert_same(ours.path, network)


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
def test_every_way_to_save_weights_is_read(made, way):
    network = made["kuangliu preact"]
    state = dict(network.state_dict())
    if way == "half":
        state = {key: value.half().to(value.dtype) for key, value in state.items()}
    SAVED[way](state, "a")
    path = next(Path().glob("a*"))
    found = import_checkpoint(path, dataset="cifar10", mean=MEAN, std=STD)
    expected = Normalized(network)
    if way == "half":
        expected = Normalized(ResNet(PreAct).eval())
        expected.model.load_state_dict(state)
    assert_same(found.path, expected.eval())
    assert found.checkpoint.name == "a"


def test_half_precision_is_said(made):
    torch.save(
        {
            key: value.half() if value.is_floating_point() else value
            for key, value in made["kuangliu preact"].state_dict().items()
        },
        "a.pt",
    )
    found = import_checkpoint("a.pt", dataset="cifar10", normalization="none")
    assert "weights in float16 were made float32" in found.said


def test_a_whole_network_gives_its_weights_and_runs_nothing(made):
    torch.save({"net": made["kuangliu preact"], "acc": np.float32(1)}, "whole.pth")
    assert_same(import_checkpoint("whole.pth", dataset="cifar10", normalization="none").path, made["kuangliu preact"])


@pytest.mark.parametrize("names", [("mu", "sigma"), ("mean", "std"), ("_mean", "_std")])
def test_normalisation_inside_the_file_is_found(made, names):
    network = Normalized(made["kuangliu resnet"], names).eval()
    torch.save(network.state_dict(), "a.pt")
    found = import_checkpoint("a.pt", dataset="cifar10")
    assert (found.checkpoint.mean, found.checkpoint.std) == (MEAN, STD)
    assert any("normalisation inside the file" in sentence for sentence in found.said)
    assert_same(found.path, network)
    with pytest.raises(BadInput, match="of its own"):
        import_checkpoint("a.pt", dataset="cifar10", normalization="none")


def test_robustness_files_are_read(made):
    network = AttackerModel(made["kuangliu resnet"]).eval()
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


def test_an_own_state_comes_back(made, tmp_path):
    torch.save(made["kuangliu preact"].state_dict(), "a.pt")
    first = import_checkpoint("a.pt", dataset="cifar10", normalization="none")
    exported = export_checkpoint(first.path, keys="benchmark", out=tmp_path / "b.safetensors")
    second = import_checkpoint(exported.path, dataset="cifar10", normalization="none")
    assert second.checkpoint.digest == first.checkpoint.digest


def test_warnings_of_libraries_stay_away(made):
    torch.save(made["kuangliu preact"].state_dict(), "a.pt")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        import_checkpoint("a.pt", dataset="cifar10", normalization="none")
