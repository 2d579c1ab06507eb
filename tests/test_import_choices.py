"""What an import can't know it asks for, naming the command that goes on; what it finds it says."""

from __future__ import annotations

import re
import shlex
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from fixed_networks import fixed
from torch import Tensor, nn

from benchmark import cli, import_checkpoint
from benchmark.errors import BadInput
from benchmark.importing.normalization import Normalization, significantly_better
from benchmark.models import ARCHITECTURES, load_checkpoint, load_model

pytestmark = pytest.mark.usefixtures("one_thread")

#: What the network of `fixed` was trained with.
MEAN, STD = (0.305,), (0.376,)


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def state(name: str = "natural") -> dict[str, Tensor]:
    return dict(fixed(name).state)


def refused(*args, **options) -> str:
    with pytest.raises(BadInput) as caught:
        import_checkpoint(*args, **options)
    assert not Path("zoo").exists()
    return str(caught.value)


def run(command: str) -> int:
    """The exit code of a command line that was told."""
    words = shlex.split(command)
    assert words[0] == "bench"
    with pytest.raises(SystemExit) as caught:
        cli.main(words[1:])
    return int(caught.value.code or 0)


def told_commands(message: str) -> list[str]:
    return re.findall(r"bench import .*?(?=  \(| \(or|$|\n)", message, re.MULTILINE)


def test_what_evaluate_tells_leads_to_a_checkpoint(capsys):
    torch.save({"net": state(), "acc": 1.0}, "a b.pth")
    with pytest.raises(BadInput) as caught:
        load_model("a b.pth")
    (command,) = told_commands(str(caught.value))
    assert command == "bench import 'a b.pth' --arch small-cnn --dataset digits"
    assert run(command) == 2
    offered = told_commands(capsys.readouterr().err)
    assert len(offered) >= 4
    assert all("--name" not in command for command in offered)
    chosen = next(command for command in offered if "--mean 0.3049" in command)
    assert run(chosen) == 0
    (path,) = Path("zoo").iterdir()
    assert f"bench evaluate {path}" in capsys.readouterr().out
    assert (load_checkpoint(path).name, load_checkpoint(path).mean) == ("a b", (0.3049,))


def test_what_else_was_said_is_in_the_commands_that_go_on():
    torch.save(state(), "a.pth")
    (command, *_) = told_commands(refused("a.pth", dataset="digits", name="my net", zoo="elsewhere"))
    assert command == (
        "bench import a.pth --arch small-cnn --dataset digits --name 'my net' --zoo elsewhere --normalization none"
    )
    assert run(command) == 0
    assert [load_checkpoint(path).name for path in Path("elsewhere").iterdir()] == ["my net"]


def test_without_a_data_set_the_likely_ones_are_told():
    torch.save(state(), "a.pth")
    assert "10 outputs for images of 1 channel, like digits or mnist" in refused("a.pth")


def test_the_normalisation_is_measured_where_it_can_be_told():
    """A network whose stem is so scaled that only images from 0 to 255 make sense to it."""
    scaled = state()
    scaled["network.0.weight"] = scaled["network.0.weight"] / 255
    torch.save(scaled, "a.pth")
    found = import_checkpoint("a.pth", dataset="digits")
    assert found.checkpoint.std == pytest.approx((1 / 255,))
    assert found.checkpoint.extra["imported"]["normalization"] == "measured"
    assert any("measured" in sentence for sentence in found.said)


class Flipped(nn.Module):
    """In the place of an activation: with the same weights that is another network."""

    def forward(self, x: Tensor) -> Tensor:
        return -x


def test_the_images_decide_between_architectures_that_share_their_weights(monkeypatch):
    def flipped(num_classes: int, shape: tuple[int, int, int]) -> nn.Module:
        network = ARCHITECTURES.get("small-cnn")(num_classes=num_classes, shape=shape)
        network[2] = Flipped()
        return network

    monkeypatch.setitem(ARCHITECTURES._own, "small-cnn-flipped", flipped)
    torch.save(state(), "a.pth")
    found = import_checkpoint("a.pth", dataset="digits", mean=MEAN, std=STD)
    assert found.checkpoint.architecture == "small-cnn"
    assert any("architecture measured: the weights fit small-cnn-flipped as well" in each for each in found.said)


def test_what_is_given_is_taken_and_doubted_where_another_is_better():
    scaled = state()
    scaled["network.0.weight"] = scaled["network.0.weight"] / 255
    torch.save(scaled, "a.pth")
    found = import_checkpoint("a.pth", dataset="digits", mean=[0.305], std="0.376")
    assert found.checkpoint.mean == MEAN
    assert any("with another normalisation it would be" in sentence for sentence in found.said)


def test_a_network_that_is_right_by_chance_is_not_imported_unless_all_is_said():
    torch.save({**state(), "network.14.weight": torch.zeros_like(state()["network.14.weight"])}, "a.pth")
    assert "no better than chance with any" in refused("a.pth", dataset="digits")
    found = import_checkpoint("a.pth", dataset="digits", normalization="none")
    assert any("no better than chance" in sentence for sentence in found.said)


def test_data_without_training_images_offer_no_statistics(recwarn):
    torch.save({**state(), "network.14.weight": torch.zeros_like(state()["network.14.weight"])}, "a.pth")
    np.savez("own.npz", images=np.zeros((12, 1, 8, 8), np.uint8), labels=np.arange(12) % 10)
    message = refused("a.pth", dataset="npz:own.npz")
    assert "--normalization none" in message
    assert "statistics" not in message
    assert "nan" not in message
    assert not [warning for warning in recwarn if warning.category is RuntimeWarning]


def test_luck_decides_nothing():
    right = torch.zeros(200, dtype=torch.bool)
    slightly, clearly = right.clone(), right.clone()
    slightly[:5], clearly[:20] = True, True
    worse, better, best = (Normalization("", (0.0,), (1.0,), flags) for flags in (right, slightly, clearly))
    assert not significantly_better(better, worse)
    assert significantly_better(best, worse)
    assert not significantly_better(worse, worse)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"mean": [0.3]}, "give --mean and --std together"),
        ({"mean": [0.3], "std": [0.3], "normalization": "none"}, "contradict"),
        ({"normalization": "imagenet"}, "say none or inside"),
        ({"normalization": "inside"}, "holds no mean and standard deviation"),
        ({"mean": [0.3, 0.3], "std": [0.3]}, "has 2 numbers, the images have 1 channels"),
        ({"mean": "x", "std": "1"}, "give numbers separated by commas"),
        ({"mean": "nan", "std": "1"}, "finite"),
        ({"mean": [0.3], "std": [0]}, "positive"),
        ({"mean": [77.8], "std": [95.9]}, "on the scale of pixels from 0 to 255; here [0, 1] counts: 0.3051"),
        ({"normalization": "none", "n": 0}, "at least one test image"),
        ({"arch": "small-cn"}, "did you mean small-cnn"),
        ({"arch": "resnet18"}, "have not the names of a resnet18"),
        ({"dataset": "digit"}, "did you mean digits"),
        ({"dataset": "cifar10"}, "was made for 10 classes and images of 1 channels, but cifar10 has"),
        ({"entry": "model"}, "have not the names"),
        ({"name": ""}, "name is empty"),
        ({"normalization": "none", "classes": ["a", "b"]}, "classes must be 10 different names"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(options, said):
    torch.save(state(), "a.pth")
    assert said in refused("a.pth", **{"dataset": "digits", "normalization": None, **options})


def test_what_is_missing_left_over_or_of_another_shape_is_named():
    short = state()
    del short["network.14.bias"]
    torch.save(short, "short.pth")
    assert "it lacks 'network.14.bias'" in refused("short.pth", dataset="digits")
    torch.save({**state(), "network.20.weight": torch.ones(3), "rotation.weight": torch.ones(4, 64)}, "long.pth")
    told = refused("long.pth", dataset="digits")
    assert "has no place for 'network.20.weight', 'rotation.weight'" in told
    (command,) = told_commands(told)
    assert run(f"{command} --normalization none") == 0
    other = {**state(), "network.4.bias": torch.ones(5)}
    torch.save(other, "other.pth")
    with pytest.raises(BadInput, match=r"network.4.bias is \[5\], not \[32\]"):
        import_checkpoint("other.pth", dataset="digits")


def test_several_networks_in_a_file_are_told_apart():
    torch.save({"state_dict": state(), "state_dict_ema": state("at"), "again": state()}, "a.pth")
    told = refused("a.pth", dataset="digits", normalization="none")
    commands = told_commands(told)
    assert [shlex.split(command)[-1] for command in commands] == ["state_dict", "state_dict_ema"]
    found = import_checkpoint("a.pth", dataset="digits", normalization="none", entry="state_dict_ema")
    assert torch.equal(found.checkpoint.state["network.0.weight"], state("at")["network.0.weight"])


def test_a_checkpoint_of_ours_and_a_missing_file_are_said(place):
    torch.save(state(), "a.pth")
    path = import_checkpoint("a.pth", dataset="digits", normalization="none").path
    with pytest.raises(BadInput, match="a checkpoint of this benchmark already"):
        import_checkpoint(path, dataset="digits")
    with pytest.raises(BadInput, match="there is no"):
        import_checkpoint("b.pth", dataset="digits")


def test_another_network_is_not_overwritten():
    torch.save(state(), "a.pth")
    torch.save(state("at"), "b.pth")
    first = import_checkpoint("a.pth", dataset="digits", normalization="none", name="x")
    content = first.path.read_bytes()
    import_checkpoint("a.pth", dataset="digits", normalization="none", name="x")
    with pytest.raises(BadInput, match="another --name"):
        import_checkpoint("b.pth", dataset="digits", normalization="none", name="x")
    assert first.path.read_bytes() == content


def test_weights_that_are_no_numbers_are_refused():
    torch.save({**state(), "network.14.bias": torch.full((10,), torch.nan)}, "a.pth")
    assert "not finite" in refused("a.pth", dataset="digits", normalization="none")


def test_the_classes_of_the_outputs_can_be_said():
    torch.save(state(), "a.pth")
    names = [str(digit) for digit in range(10)]
    found = import_checkpoint("a.pth", dataset="digits", normalization="none", classes=names)
    assert found.checkpoint.classes == tuple(names)


def test_torchscript_is_named(place):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(nn.Linear(2, 2)), "a.pt")
    assert "TorchScript" in refused("a.pt", dataset="digits")


def test_one_beginning_to_drop_is_no_list_of_letters():
    torch.save(state() | {"rot.weight": torch.ones(4, 10), "other": torch.ones(3)}, "a.pth")
    usual = {"dataset": "digits", "mean": MEAN, "std": STD}
    assert "'other'" in refused("a.pth", drop="rot", **usual)
    assert "every tensor that has no place" in refused("a.pth", drop=[""], **usual)


def test_a_standard_deviation_that_float32_takes_for_zero_is_refused():
    torch.save(state(), "a.pth")
    for std in ("1e-50", "1e-6", [1e-320]):
        assert "standard deviation" in refused("a.pth", dataset="digits", mean=MEAN, std=std)


@pytest.mark.parametrize("n", ["many", 1.5, True, 0])
def test_how_many_images_is_a_whole_number(n):
    torch.save(state(), "a.pth")
    assert re.match(r"-*n (is|must be a whole number)", refused("a.pth", dataset="digits", n=n))


def test_the_command_for_a_file_that_begins_like_an_option_runs():
    torch.save(state(), "-a.pth")
    (command,) = told_commands(refused("-a.pth"))
    assert run(f"{command} --mean 0.305 --std 0.376") == 0
