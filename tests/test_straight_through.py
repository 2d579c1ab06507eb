"""BPDA: the forward pass as it is, a stand-in's gradient, and what that does to a defence that breaks gradients."""

from __future__ import annotations

import pytest
import torch
from evaluation_toys import write_suite

import benchmark
from benchmark.analysis import aggregate

pytestmark = pytest.mark.usefixtures("one_thread")

PGD = "  - {attack: pgd, norm: linf, parameters: {steps: 10, relative_step_size: 0.25}}\n"


def test_the_forward_pass_is_exact_and_the_gradient_that_of_the_identity():
    x = torch.rand(3, 1, 4, 4, requires_grad=True)
    made = benchmark.straight_through(torch.round)(x)
    assert torch.equal(made, x.round())
    weights = torch.rand_like(x)
    (made * weights).sum().backward()
    assert torch.equal(x.grad, weights)


def test_another_functions_gradient_can_be_taken():
    x = torch.rand(2, 5, requires_grad=True)
    benchmark.straight_through(torch.round, backward=torch.square)(x).sum().backward()
    assert torch.allclose(x.grad, 2 * x.detach())


def test_an_output_of_another_shape_needs_a_stand_in():
    with pytest.raises(ValueError, match="give a backward="):
        benchmark.straight_through(lambda x: x.mean(1))(torch.rand(2, 5))
    x = torch.rand(2, 5, requires_grad=True)
    benchmark.straight_through(lambda x: x.round().mean(1), backward=lambda x: x.mean(1))(x).sum().backward()
    assert torch.allclose(x.grad, torch.full_like(x, 0.2))


def test_a_quantiser_falls_to_the_networks_own_robustness(tmp_path):
    """PGD can't see through rounding; with the stand-in's gradient it breaks all that a network without it loses."""

    def robust(name):
        (found,) = benchmark.evaluate(
            f"python:random_networks:{name}",
            suite=write_suite(tmp_path, PGD, images=60),
            results=tmp_path / "results",
            dataset="digits",
            trust_remote_code=True,
            precision="fp32",
            device="cpu",
            progress=False,
        )
        return aggregate.r_worst(found)

    hidden, seen, undefended = (robust(name) for name in ("squeezed", "squeezed_through", "undefended"))
    assert hidden > 0.4
    assert seen < undefended + 0.1 < hidden
