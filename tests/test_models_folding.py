"""Folding has one home, and what it gives is the same function or is refused."""

from __future__ import annotations

import ast
import copy
from pathlib import Path

import pytest
import torch
from evaluation_toys import trained
from torch import nn

import benchmark
from benchmark.data import load
from benchmark.models.folding import (
    Unfoldable,
    answers_alike,
    cast_weights,
    fold,
    fold_away,
    folded_weights,
    leads_alike,
)
from benchmark.training.snapshot import snapshots

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


class Rounding(nn.Module):
    """Rounds images and passes their gradient on, by what counts as a constant: said in one way or another."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.inner, self.way = layered(), way

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.way == "no_grad":
            with torch.no_grad():
                change = (x * 8).round() / 8 - x
        else:
            change = ((x * 8).round() / 8 - x).detach()
        return self.inner(x + change)


def test_a_network_whose_gradient_is_lost_in_tracing_is_not_folded():
    x = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    detached, silent = Rounding("detach").eval(), Rounding("no_grad").eval()
    assert leads_alike(fold(detached, x), detached, x)
    assert answers_alike(fold(silent), silent, x)  # so that its answers do not tell
    assert not leads_alike(fold(silent), silent, x)
    with pytest.raises(Unfoldable, match="another function once it is folded"):
        fold(silent, x)
    assert snapshots([detached], x, low=False) is not None
    assert snapshots([silent], x, low=False) is None


@pytest.mark.parametrize("decorator", [torch.no_grad, torch.inference_mode])
def test_a_network_without_a_gradient_is_folded_which_only_helps(decorator):
    class Closed(Rounding):
        @decorator()
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.inner(x)

    x = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    closed = Closed("")
    assert fold(closed.eval(), x) is not closed


def test_attacks_follow_what_a_network_passes_on_however_it_says_so():
    x, y = load("digits").test.batch(slice(0, 12))
    found = []
    for way in ("detach", "no_grad"):
        net = Rounding(way)
        net.inner = trained().model()
        found.append(benchmark.attack(net, x, y, "pgd", norm="linf", epsilon=0.3, steps=5).success)
    assert found[0].sum() > 6
    assert torch.equal(*found)
