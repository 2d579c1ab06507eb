"""BPDA: the forward pass as it is, a stand-in's gradient, and what that does to a defence that breaks gradients."""

from __future__ import annotations

import pickle

import pytest
import torch
from evaluation_toys import write_suite

import benchmark
from benchmark.analysis import aggregate
from benchmark.errors import BadInput
from benchmark.models import network_of

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


def test_what_is_seen_through_and_what_stands_in_for_it_are_part_of_the_networks_digest():
    """Else the results of one stand-in would be taken for those of another, which answers the same."""

    def network(**given):
        module = torch.nn.Sequential(torch.nn.Flatten())
        module.change = benchmark.straight_through(**given)
        return network_of(module).digest

    made = [
        network(function=lambda x: (x * 7).round() / 7),
        network(function=lambda x: (x * 15).round() / 15),
        network(function=lambda x: (x * 7).round() / 7, backward=lambda x: x * 2),
        network(function=lambda x: (x * 7).round() / 7, backward=lambda x: x * 3),
    ]
    assert len(set(made)) == len(made)


def test_it_can_be_sent_to_another_process():
    squeeze = pickle.loads(pickle.dumps(benchmark.straight_through(torch.round, backward=torch.square)))
    assert torch.equal(squeeze(x=torch.tensor([0.2, 0.7])), torch.tensor([0.0, 1.0]))


def test_a_stand_ins_gradient_can_be_followed_back_itself():
    x = torch.rand(2, 5, dtype=torch.float64, requires_grad=True)
    cube = benchmark.straight_through(torch.round, backward=lambda x: x**3)
    (gradient,) = torch.autograd.grad(cube(x).sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(gradient.sum(), x)
    assert torch.allclose(second, 6 * x.detach())


def test_a_function_that_writes_into_its_input_changes_nothing_but_its_output():
    x = torch.full((3,), 2.0, requires_grad=True)
    made = benchmark.straight_through(lambda x: x.mul_(5), backward=torch.square)(x)
    made.sum().backward()
    assert torch.equal(x.detach(), torch.full((3,), 2.0))
    assert torch.equal(made.detach(), torch.full((3,), 10.0))
    assert torch.equal(x.grad, torch.full((3,), 4.0))


def test_what_can_not_be_called_or_makes_no_tensor_is_refused():
    with pytest.raises(BadInput, match="function is a int, which can't be called"):
        benchmark.straight_through(3)
    with pytest.raises(BadInput, match="backward is a str"):
        benchmark.straight_through(torch.round, backward="identity")
    with pytest.raises(ValueError, match="makes a ndarray"):
        benchmark.straight_through(lambda x: x.numpy())(torch.rand(2, 5))
