"""Networks of a training compiled: code made for them, and on a GPU the ascent's passes captured as CUDA graphs.

The ascent makes the same passes of one shape over and over, but for the last batch of an epoch, on a snapshot whose
weights change in place: what a graph can replay without the host. Whether it does so rightly is tried before the
training begins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

import torch
from torch import Tensor, nn

from benchmark.errors import BadInput, first_line
from benchmark.training.snapshot import FoldedNetwork

#: How often a compiled network is asked before it is believed: it is captured at the second time, then replayed.
TRIES = 3

#: How far its input gradients may be from those of the network as it is, as a part of the largest. A graph that was
#: replayed wrongly gives those of other images.
APART = 0.05


def compile_all(
    modules: Sequence[nn.Module],
    snapshots: Sequence[FoldedNetwork] | None,
    images: Tensor,
    autocast: Callable[[], AbstractContextManager[object]],
) -> None:
    """Let torch.compile make code for the networks that learn and teach, and for the snapshots that are attacked.

    To be called with the settings of the training, its arithmetic above all: of others torch makes other code, and
    what is tried here would not be what is trained with.

    Args:
        modules: the networks themselves, whose passes are of several shapes; those that learn first.
        snapshots: of those that learn, if there are any; what they compute is tried. Without them the first network
            is asked once, so that it is known before the training begins whether there is a compiler.
        images: as many as the ascent takes at a time, on the device.
        autocast: makes the context in which networks compute.

    Raises:
        BadInput: they can't be compiled here, or compute something else when they are.
    """
    for module in modules:
        module.compile()
    for snapshot in snapshots or ():
        with torch.no_grad():
            snapshot.refresh()
        _compile(snapshot.network, images, autocast)
    if not snapshots:
        with _refused(), torch.no_grad(), autocast():
            is_training = modules[0].training
            modules[0].eval()(images.contiguous(memory_format=torch.channels_last))
            modules[0].train(is_training)


@contextmanager
def _refused() -> Iterator[None]:
    """Within this context whatever compilers raise is told in a sentence."""
    try:
        yield
    except Exception as error:
        raise BadInput(
            f"the networks can't be compiled here ({first_line(error)}); train without --compile"
        ) from error


def is_compiled(module: nn.Module) -> bool:
    """Whether torch.compile makes its passes."""
    return getattr(module, "_compiled_call_impl", None) is not None


def _compile(network: nn.Module, images: Tensor, autocast: Callable[[], AbstractContextManager[object]]) -> None:
    mode = "reduce-overhead" if images.device.type == "cuda" else None
    x = images.contiguous(memory_format=torch.channels_last)
    plain, expected = _passed(network, x, autocast)
    network.compile(mode=mode, dynamic=False)
    with _refused():
        passed = [_passed(network, x, autocast) for _ in range(TRIES)]
    size = APART * expected.abs().amax()
    if any(bool(((gradient - expected).abs() > size).float().mean() > APART) for _, gradient in passed) or any(
        not torch.allclose(logits, plain, rtol=APART, atol=float(APART * plain.abs().amax())) for logits, _ in passed
    ):
        raise BadInput("compiled here, the networks compute something else; train without --compile")


def _passed(
    network: nn.Module, images: Tensor, autocast: Callable[[], AbstractContextManager[object]]
) -> tuple[Tensor, Tensor]:
    """Logits, and the gradient of their logarithmic sums with respect to the images: tensors of one's own."""
    with torch.enable_grad():
        x = images.detach().clone().requires_grad_()
        with autocast():
            logits: Tensor = network(x)
        (gradient,) = torch.autograd.grad(logits.float().logsumexp(1).sum(), x)
    return logits.detach().float().clone(), gradient.clone()
