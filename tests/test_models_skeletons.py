"""Networks of a library with random weights, by which a dry run measures the speed of what it would download."""

from __future__ import annotations

import pytest
import torch

from benchmark.models.skeletons import skeleton


@pytest.mark.parametrize("source", ["torchvision:squeezenet1_1", "torchvision:squeezenet1_1?weights=IMAGENET1K_V1"])
def test_a_networks_skeleton_answers_as_it_does(source):
    network = skeleton(source)
    with torch.no_grad():
        assert network.eval()(torch.rand(1, 3, 64, 64)).shape == (1, 1000)


def test_timms_networks_are_known_by_their_names():
    pytest.importorskip("timm")
    assert skeleton("timm:resnet10t").get_classifier().out_features == 1000
    assert skeleton("timm:no-such-network") is None


@pytest.mark.parametrize(
    "source", ["torchvision:no-such-network", "robustbench:no-such-network", "python:mine:network", "zoo/at.pt"]
)
def test_what_only_a_file_of_weights_tells_has_none(source):
    assert skeleton(source) is None
