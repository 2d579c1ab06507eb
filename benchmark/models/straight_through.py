"""Gradients through what has none: the forward pass as it is, a gradient that stands for its own on the way back."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from benchmark.errors import BadInput

Function = Callable[[Tensor], Tensor]


def straight_through(function: Function, backward: Function | None = None) -> Function:
    """`function` with a gradient that attacks can follow (BPDA, Athalye et al. 2018, arXiv:1802.00420).

    A defence that quantises, compresses or otherwise breaks gradients looks robust to gradient attacks because they
    can't see through it. Wrap the part that breaks them and build the network that is evaluated with it:

        squeeze = benchmark.straight_through(lambda x: (x * 7).round() / 7)
        network = torch.nn.Sequential(Wrapped(squeeze), classifier)

    Args:
        function: computed exactly in the forward pass; maps images to images, N×... to N×... of the same shape unless
            there is a `backward`.
        backward: a differentiable function of the same input whose gradient is taken in its place, such as a smooth
            approximation; None for the identity.

    Returns:
        A function of the same values. Verdicts are the same with and without it.

    Raises:
        BadInput: one of them can't be called.
        ValueError: when called: the output is no tensor, or without `backward` has not the shape of the input.
    """

    for role, given in (("function", function), ("backward", backward)):
        if not callable(given) and not (role == "backward" and given is None):
            raise BadInput(f"straight_through: {role} is a {type(given).__name__}, which can't be called")
    # Not a closure: what a partial holds is part of the network's digest, and can be sent to workers.
    return partial(_through, function, backward)


def _through(function: Function, backward: Function | None, x: Tensor) -> Tensor:
    result: Tensor = _Through.apply(x, function, backward)
    return result


class _Through(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, function: Function, backward: Function | None) -> Tensor:
        ctx.save_for_backward(x)
        ctx.stand_in = backward
        with torch.no_grad():
            result: object = function(
                x.detach().clone()
            )  # a copy, as there are functions that write into their input
        if not isinstance(result, Tensor):
            raise ValueError(
                f"the function makes a {type(result).__name__} of a tensor of images; let it make a tensor"
            )
        if backward is None and result.shape != x.shape:
            made = f"{list(result.shape)} of {list(x.shape)}"
            raise ValueError(f"the function makes {made}; give a backward= whose gradient to take")
        return result

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        if ctx.stand_in is None:
            return gradient, None, None
        (x,) = ctx.saved_tensors
        again = torch.is_grad_enabled()  # whether the gradient itself will be followed back
        with torch.enable_grad():
            at = x if again else x.detach().requires_grad_()
            (found,) = torch.autograd.grad(ctx.stand_in(at), at, gradient, create_graph=again)
        return found, None, None
