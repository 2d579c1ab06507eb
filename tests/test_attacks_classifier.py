"""The network as attacks see it: the same function, left alone, its passes counted and cut to size."""

from __future__ import annotations

import pytest
import torch
from attack_toys import small_net
from torch import Tensor

from benchmark.attacks import PreparedClassifier, footprint, frozen
from benchmark.attacks.ascent import input_gradient
from benchmark.attacks.footprint import activation_bytes
from benchmark.attacks.objectives import cross_entropy
from benchmark.errors import BadInput


def test_the_prepared_classifier_is_the_same_function_and_leaves_the_network_alone():
    net = small_net()
    net[1].running_mean.normal_()
    net[1].running_var.uniform_(0.5, 2)
    net.train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    classifier = PreparedClassifier(net, 5)
    x = torch.rand(6, 1, 8, 8, requires_grad=True)
    logits = classifier(x)
    logits.sum().backward()
    assert net.training
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert all(p.grad is None and p.requires_grad for p in net.parameters())
    torch.testing.assert_close(logits.detach(), net.eval()(x).detach(), atol=1e-5, rtol=1e-5)
    assert (classifier.forwards, classifier.backwards) == (6, 6)


def test_frozen_restores_every_flag():
    net = small_net()
    net[0].bias.requires_grad_(False)
    with frozen(net):
        assert not any(p.requires_grad for p in net.parameters())
    assert [p.requires_grad for p in net[0].parameters()] == [True, False]
    assert net[4].weight.requires_grad


def test_passes_are_cut_so_that_their_activations_stay_small(monkeypatch):
    network = small_net()
    x = torch.rand(24, 1, 8, 8)
    whole = PreparedClassifier(network, 5, precision="bf16")
    each = activation_bytes(whole.networks["fp32"], x[:1])
    assert each == 4 * (8 * 36 + 8 * 36 + 8 * 36 + 5)  # the convolution with its batch norm, ReLU, Flatten, Linear
    monkeypatch.setattr(footprint, "PROCESSOR_BYTES", 9 * each)
    cut = PreparedClassifier(network, 5, precision="bf16", probe=x[:2])
    sizes = []
    inner = cut.networks["bf16"]
    cut.networks["bf16"] = lambda part: sizes.append(len(part)) or inner(part)
    for one, other in zip(
        input_gradient(cut, x, torch.zeros(24, dtype=torch.long), cross_entropy),
        input_gradient(whole, x, torch.zeros(24, dtype=torch.long), cross_entropy),
        strict=True,
    ):
        torch.testing.assert_close(one, other)
    assert sizes == [8, 8, 8]
    assert (cut.forwards, cut.backwards) == (24, 24)


def test_a_compiled_network_is_the_same_function(monkeypatch):
    """Without its code generator, which takes a compiler and minutes; what is asked here is the wiring."""
    compiled = []
    monkeypatch.setattr(torch, "compile", lambda network, dynamic: compiled.append(dynamic) or network)
    network, x = small_net(), torch.rand(4, 1, 8, 8)
    torch.testing.assert_close(PreparedClassifier(network, 5, compile=True)(x), network(x), rtol=1e-4, atol=1e-4)
    assert compiled == [True]


def test_a_network_for_bfloat16_is_tried_as_it_will_be_used_when_it_is_compiled(monkeypatch):
    """Its weights are in bfloat16, so that it takes float32 images within autocast only."""
    monkeypatch.setattr(torch, "compile", lambda network, dynamic: network)
    network, x = small_net(), torch.rand(2, 1, 8, 8)
    prepared = PreparedClassifier(network, 5, precision="bf16", compile=True, probe=x)
    torch.testing.assert_close(prepared(x), network(x), rtol=0.1, atol=0.1)


def test_a_network_that_cannot_be_compiled_is_refused(monkeypatch):
    def fails(x: Tensor) -> Tensor:
        raise RuntimeError("no compiler\nand a long trace")

    monkeypatch.setattr(torch, "compile", lambda network, dynamic: fails)
    with pytest.raises(BadInput, match=r"can't be compiled here \(no compiler\); evaluate it without compile"):
        PreparedClassifier(small_net(), 5, compile=True, probe=torch.rand(2, 1, 8, 8))
