"""Networks built to hide their gradients raise the right flags, end to end; an honest one raises none."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import torch
from evaluation_toys import save, trained, with_last_layer, write_suite
from torch import nn

from benchmark import data
from benchmark.analysis.masking import masking_flags
from benchmark.attacks import PreparedClassifier
from benchmark.errors import BadInput
from benchmark.evaluation import evaluate
from benchmark.evaluation.probe import _look
from benchmark.noise import ExampleNoise
from benchmark.threats import Threat

BATTERY = """\
  - {attack: fgsm, norm: linf}
  - {attack: pgd, norm: linf, parameters: {steps: 10, relative_step_size: 0.25}}
  - {attack: square, norm: linf, parameters: {queries: 300}}
  - {attack: ddn, norm: l2, parameters: {steps: 40}}
"""


class Quantised(nn.Module):
    """Rounds images to four grey levels first: the gradient is zero almost everywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.network = trained().model()

    def forward(self, x):
        return self.network((x * 4).round() / 4)


class Detached(Quantised):
    """Cuts the way back to the image."""

    def forward(self, x):
        return self.network(x.detach())


class Noisy(Quantised):
    """Adds noise of its own, drawn anew at every call."""

    def forward(self, x):
        return self.network(x + 0.3 * torch.randn_like(x))


@pytest.fixture
def flags(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "masked_networks", sys.modules[__name__])

    def run(source) -> set[str]:
        (evaluation,) = evaluate(
            source,
            suite=write_suite(tmp_path, BATTERY, images=100),
            results=tmp_path / "results",
            dataset="digits",
            trust_remote_code=True,
            precision="fp32",
            progress=False,
        )
        assert not evaluation.failures
        return {flag.name for flag in masking_flags(evaluation)}

    return run


def test_an_honest_network_raises_none(flags, tmp_path):
    assert flags(save(tmp_path)) == set()


def test_a_quantiser_kills_gradients_and_is_beaten_without_them(flags):
    found = flags("python:masked_networks:Quantised")
    assert {"zero or non-finite gradients", "gradient-free attack beats gradient-based attacks"} <= found


def test_a_network_that_passes_no_gradient_is_flagged(flags):
    assert {"no gradients", "gradient-free attack beats gradient-based attacks"} <= flags(
        "python:masked_networks:Detached"
    )


def test_saturated_logits_are_flagged(flags, tmp_path):
    assert "zero or non-finite gradients" in flags(save(tmp_path, with_last_layer("saturated", 1e5, 1e5)))


def test_a_random_network_is_refused_with_the_reason(flags):
    with pytest.raises(BadInput, match="different logits in a repeated call"):
        flags("python:masked_networks:Noisy")


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_the_look_at_the_gradients_takes_as_many_passes_as_the_page_says(norm):
    page = (Path(__file__).parent.parent / "docs" / "masking.md").read_text(encoding="utf-8")
    network = trained().model().eval()
    x, y = data.load("digits").test.batch(slice(0, 8))
    classifier = PreparedClassifier(network, 10, "cpu", "fp32", x)
    _look(classifier, x, y, Threat(norm, 0.1), ExampleNoise(0, range(8)))
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    told = re.search(r"(\w+) backward and (\w+) forward passes of each", page)
    assert [words.index(word) for word in told.groups()] == [classifier.backwards / 8, classifier.forwards / 8]
