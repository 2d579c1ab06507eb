"""Folding has one home, and what it gives is the same function or is refused."""

from __future__ import annotations

import ast
import copy
from pathlib import Path

import pytest
import torch
from torch import nn

from benchmark.models.folding import Unfoldable, answers_alike, cast_weights, fold, fold_away, folded_weights

PACKAGE = Path(__file__).parent.parent / "benchmark"


def layered() -> nn.Sequential:
    """A convolution, a linear layer and a batch norm behind each, with moments that are not those of fresh ones."""
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3, bias=False),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(144, 5),
        nn.BatchNorm1d(5),
    )
    for layer in (net[1], net[5]):
        layer.running_mean.normal_()
        layer.running_var.uniform_(0.5, 2)
    return net.eval()


def test_pairs_are_what_torch_folds_and_give_its_weights():
    net = layered()
    folded, (found, alike) = fold(net), fold_away(copy.deepcopy(net))
    assert alike.state_dict().keys() == folded.state_dict().keys()
    assert all(torch.equal(value, folded.state_dict()[name]) for name, value in alike.state_dict().items())
    assert alike.code == folded.code
    assert [(pair.layer, pair.norm) for pair in found] == [("0", "1"), ("4", "5")]
    source = dict(net.named_parameters()) | dict(net.named_buffers())
    for pair in found:
        weight, bias = folded_weights(source, pair, linear=pair.layer == "4")
        layer = folded.get_submodule(pair.layer)
        assert torch.equal(layer.weight, weight)
        assert torch.equal(layer.bias, bias)


def test_a_folded_network_answers_alike_and_a_changed_one_does_not():
    net, x = layered(), torch.rand(3, 1, 8, 8)
    folded = fold(net, x)
    assert answers_alike(folded, net, x)
    net[1].running_mean.add_(1)
    assert not answers_alike(folded, net, x)
    net[1].running_mean.fill_(torch.nan)
    assert not answers_alike(net, net, x)


def test_without_a_batch_norm_a_network_is_itself():
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 5))
    assert fold(net) is net
    assert fold_away(net) == ([], net)


def test_a_layer_that_is_used_twice_is_refused():
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm = nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.norm(self.conv(self.norm(self.conv(x))))

    net = Twice().eval()
    net.norm.running_mean.fill_(1.0)
    net.norm.running_var.fill_(2.0)
    with pytest.raises(Unfoldable, match="Twice uses a layer before a batch norm more than once"):
        fold_away(copy.deepcopy(net))
    with pytest.raises(Unfoldable, match="Twice is another function once it is folded"):
        fold(net, torch.rand(2, 1, 8, 8))


def test_casting_leaves_the_network_alone():
    net = layered()
    cast = cast_weights(net)
    assert {layer.weight.dtype for layer in (cast[0], cast[4])} == {torch.bfloat16}
    assert {layer.weight.dtype for layer in (net[0], net[4], cast[1], cast[5])} == {torch.float32}


def test_torch_folds_in_this_one_module_only():
    having = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith(("torch.fx.experimental", "torch.nn.utils.fusion"))
    }
    assert having == {"models/folding.py"}
