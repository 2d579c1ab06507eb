"""Networks have the published numbers of parameters and take every image size."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from benchmark.errors import BadInput
from benchmark.models import ARCHITECTURES, Checkpoint, build, load_checkpoint, save_checkpoint
from benchmark.models.architectures import canonical
from benchmark.models.foreign import names_in
from benchmark.models.normalize import Normalize
from benchmark.training.snapshot import snapshots

PUBLISHED = {
    "resnet18": 11_173_962,
    "preact-resnet18": 11_171_146,
    "wrn-28-10": 36_479_194,
    "wrn-34-10": 46_160_474,
    "wrn-34-20": 184_531_674,
    "wrn-70-16": 266_796_506,
    "mobilenet-v2": 2_296_922,
    "resnet20": 269_722,
    "resnet56": 853_018,
    "preact-resnet18-raw-shortcut": 11_171_146,
    "preact-resnet18-last-norm": 11_172_170,
    "preact-resnet18-softplus": 11_172_170,
    "preact-resnet34": 21_279_306,
    "wrn-16-8": 10_961_370,
    "wrn-28-4": 5_849_050,
    "wrn-28-10-silu": 36_479_194,
    "wrn-70-16-silu": 266_796_506,
    "vgg16-bn": 14_728_266,
}
SMALL = {"small-cnn": 62_970, "small-cnn-x2": 245_738, "small-cnn-x3": 548_314, "small-cnn-x4": 970_698}
SMALL |= {"resnet10-slim": 308_826, "resnet10-slim-x2": 1_229_482}


def make(name: str, shape=(3, 32, 32), num_classes: int = 10) -> torch.nn.Module:
    channels = shape[0]
    return build(name, num_classes=num_classes, shape=shape, mean=[0.4] * channels, std=[0.2] * channels)


@pytest.mark.parametrize(("name", "parameters"), PUBLISHED.items())
def test_parameters_are_as_many_as_published(name, parameters):
    with torch.device("meta"):
        network = make(name)
    assert sum(parameter.numel() for parameter in network.parameters()) == parameters


def test_the_network_of_robust_union_for_mnist_has_its_parameters():
    with torch.device("meta"):  # 5·5·32+32, 5·5·32·64+64, 7·7·64·1024+1024, 1024·10+10
        network = make("mnist-cnn", (1, 28, 28))
    assert sum(parameter.numel() for parameter in network.parameters()) == 3_274_634


#: Made for ImageNet, and counted for its 1,000 classes of 224×224 images.
LARGE = {"vit-tiny": 5_717_416, "convnext-tiny": 28_589_128}


@pytest.mark.parametrize(("name", "parameters"), LARGE.items())
def test_parameters_for_imagenet_are_as_many_as_published(name, parameters):
    with torch.device("meta"):
        network = make(name, (3, 224, 224), 1000).eval()
        assert network(torch.empty(2, 3, 224, 224)).shape == (2, 1000)
        assert make(name, (1, 64, 64), 7).eval()(torch.empty(2, 1, 64, 64)).shape == (2, 7)
    assert sum(parameter.numel() for parameter in network.parameters()) == parameters


@pytest.mark.parametrize(
    ("name", "shape"), [("vit-tiny", (1, 9, 13)), ("vit-tiny", (3, 225, 225)), ("convnext-tiny", (1, 28, 28))]
)
def test_images_that_an_architecture_can_not_take_are_named(name, shape):
    with pytest.raises(BadInput, match=f"{shape[1]}×{shape[2]}"), torch.device("meta"):
        make(name, shape)


def test_every_architecture_is_listed():
    expected = [*SMALL, *PUBLISHED, *LARGE, "mnist-cnn"]
    assert sorted(expected) == sorted(ARCHITECTURES.names())


@pytest.mark.parametrize("name", [*SMALL, *PUBLISHED])
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32), (3, 224, 224), (1, 9, 13)])
def test_every_image_size_gives_logits(name, shape):
    with torch.device("meta"):  # shapes only: the widest networks need minutes for one such image
        network = make(name, shape, num_classes=7).eval()
        assert network(torch.empty(2, *shape)).shape == (2, 7)


@pytest.mark.parametrize("name", [*SMALL, "resnet18", "preact-resnet18", "mobilenet-v2", "resnet20", "vgg16-bn"])
def test_smallest_images_train(name):
    torch.manual_seed(0)
    network = make(name, (1, 8, 8))
    network(torch.rand(4, 1, 8, 8)).logsumexp(1).sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_normalisation_comes_first_and_is_no_part_of_the_state():
    network = make("small-cnn", (1, 8, 8))
    assert isinstance(network[0], Normalize)
    torch.testing.assert_close(network[0](torch.full((1, 1, 2, 2), 0.6)), torch.ones(1, 1, 2, 2))
    assert not [key for key in network.state_dict() if key.startswith("normalize")]


@pytest.mark.parametrize(("name", "parameters"), SMALL.items())
def test_own_networks_are_small_and_grow(name, parameters):
    with torch.device("meta"):
        network = make(name, (1, 8, 8))
    assert sum(parameter.numel() for parameter in network.parameters()) == parameters


def test_wide_networks_start_from_he_weights():
    torch.manual_seed(0)
    network = ARCHITECTURES.get("wrn-28-10")(num_classes=10, shape=(3, 32, 32))
    deep = next(m for m in network.modules() if isinstance(m, torch.nn.Conv2d) and m.in_channels == 160)
    fan_out = deep.out_channels * 9
    assert float(deep.weight.detach().std()) == pytest.approx((2 / fan_out) ** 0.5, rel=0.02)


def test_unknown_architectures_get_the_nearest():
    with pytest.raises(BadInput, match=r"did you mean .*wrn-34-10"):
        make("wrn-34-1")


WITH_ACTIVATION = ["resnet18", "resnet20", "preact-resnet18", "preact-resnet18-last-norm", "wrn-16-8"]


@pytest.mark.parametrize("name", WITH_ACTIVATION)
def test_silu_is_an_option_with_the_same_weights(name):
    relu, silu = make(name), make(f"{name}?activation=silu")
    silu.load_state_dict(relu.state_dict())
    kinds = {type(module) for module in silu.modules()}
    assert torch.nn.ReLU not in kinds
    x = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert not torch.allclose(relu.eval()(x), silu.eval()(x))
    assert torch.equal(relu(x), make_like(relu, f"{name}?activation=relu")(x))
    assert (canonical(f"{name}?activation=relu"), canonical(f"{name}?activation=silu")) == (
        name,
        f"{name}?activation=silu",
    )


def make_like(network, name):
    other = make(name).eval()
    other.load_state_dict(network.state_dict())
    return other


def test_a_block_with_silu_is_the_formula_with_silu():
    from torch.nn.functional import silu

    from benchmark.models.resnet import BasicBlock, PreActBlock
    from benchmark.models.wide_resnet import WideBlock

    x = torch.rand(2, 4, 8, 8, generator=torch.Generator().manual_seed(0)) - 0.5
    for kind in (PreActBlock, WideBlock):
        block = kind(4, 4, 1, activation="silu").eval()
        torch.testing.assert_close(
            block(x), block.conv2(silu(block.bn2(block.conv1(silu(block.bn1(x)))))) + x, msg=kind.__name__
        )
    block = BasicBlock(4, 4, 1, activation="silu").eval()
    torch.testing.assert_close(block(x), silu(block.bn2(block.conv2(silu(block.bn1(block.conv1(x))))) + x))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("resnet18?activation=gelu", "activation is relu or silu"),
        ("resnet18?activaton=silu", "did you mean 'activation'|activation"),
        ("vgg16-bn?activation=silu", "vgg16-bn has no options"),
        ("resnet18?silu", "no argument"),
        ("resnet1?activation=silu", "did you mean .*resnet18"),
    ],
)
def test_other_options_are_refused(name, told):
    with pytest.raises(BadInput, match=told):
        make(name)


def test_silu_goes_through_a_file_and_into_foreign_names(tmp_path):
    name = "resnet20?activation=silu"
    network = make(name)
    checkpoint = Checkpoint(
        "mine",
        network.state_dict(),
        name,
        10,
        (3, 32, 32),
        (0.4,) * 3,
        (0.2,) * 3,
        "cifar10",
        "cifar10",
        "at",
        "",
        {},
        0,
    )
    read = load_checkpoint(save_checkpoint(tmp_path / "mine.pt", checkpoint))
    x = torch.rand(2, 3, 32, 32)
    assert torch.equal(read.model()(x), network.eval()(x))
    assert read.digest != replace(read, architecture="resnet20").digest
    assert names_in(name, "kuangliu") == names_in("resnet20", "kuangliu")


def test_networks_with_silu_train_and_their_snapshots_follow():
    torch.manual_seed(0)
    network = make("resnet20?activation=silu")
    found = snapshots([network], torch.rand(2, 3, 32, 32), low=False)
    assert found is not None
