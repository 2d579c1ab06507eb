"""Gradients through what has none: the forward pass as it is, a gradient that stands for its own on the way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

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
        ValueError: when called: without `backward`, the output has not the shape of the input.
    """

    class Through(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            ctx.save_for_backward(x)
            with torch.no_grad():
                result = function(x)
            if backward is None and result.shape != x.shape:
                made = f"{list(result.shape)} of {list(x.shape)}"
                raise ValueError(f"the function makes {made}; give a backward= whose gradient to take")
            return result.clone() if result is x else result

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> Tensor:
            if backward is None:
                return gradient
            (x,) = ctx.saved_tensors
            with torch.enable_grad():
                at = x.detach().requires_grad_()
                (found,) = torch.autograd.grad(backward(at), at, gradient)
            return found

    def through(x: Tensor) -> Tensor:
        result: Tensor = Through.apply(x)
        return result

    return through
