"""The network as attacks see it: frozen, fused, in the fastest layout and precision, every pass counted."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from benchmark.attacks.objectives import clearly_wrong


class PreparedClassifier:
    """A network prepared once for being attacked many times.

    The search may use any trick that keeps the network the same function up to rounding: parameters are
    frozen (gradients are taken with respect to the input only), convolution and batch norm are fused,
    the layout is channels-last, and with `precision="bf16"` the passes run under bfloat16 autocast.
    None of this touches the verdict, which belongs to a float32 pass of the original network.

    Args:
        model: maps N×C×H×W images in [0, 1] to N×K logits; it is copied, never changed.
        num_classes: K.
        device: where to compute.
        precision: "fp32" or "bf16".
        probe: a few images on the device; where the fused network answers them otherwise, it stays unfused.

    Attributes:
        network: the prepared network itself; its passes are not counted.
        forwards, backwards: passes so far, counted in examples.
        dead_gradients: how many of the counted backward passes gave an exactly zero or non-finite gradient.
    """

    def __init__(
        self,
        model: nn.Module,
        num_classes: int,
        device: torch.device | str = "cpu",
        precision: str = "fp32",
        probe: Tensor | None = None,
    ) -> None:
        self.num_classes = num_classes
        self.device = torch.device(device)
        self.precision = precision
        with torch.no_grad():  # else a scripted module's copied parameters would be results of the old ones
            prepared = freeze(copy.deepcopy(model).to(self.device).float().eval())
        self.network = _fuse(prepared, probe).to(memory_format=torch.channels_last)
        self.forwards = 0
        self.backwards = 0
        self._dead = torch.zeros((), dtype=torch.int64, device=self.device)

    @property
    def dead_gradients(self) -> int:
        return int(self._dead)

    def __call__(self, x: Tensor) -> Tensor:
        """Logits (N×K, float32) of `x`, in the precision of the search."""
        return self._logits(x, self.precision)

    def confirm(self, x: Tensor, y: Tensor, broken: Tensor) -> Tensor:
        """The rows of `broken` that stay misclassified in float32, by more than rounding.

        bfloat16 flips a few predictions near the boundary; an example that left the search on such a
        belief would be lost to it, so a claim made in bfloat16 is confirmed before it is acted on.
        """
        if self.precision == "fp32" or not bool(broken.any()):
            return broken
        broken = broken.clone()
        with torch.no_grad():
            broken[broken.clone()] = clearly_wrong(self._logits(x[broken], "fp32"), y[broken])
        return broken

    @contextmanager
    def exact(self) -> Iterator[PreparedClassifier]:
        """Within this context every pass runs in float32."""
        precision, self.precision = self.precision, "fp32"
        try:
            yield self
        finally:
            self.precision = precision

    def _logits(self, x: Tensor, precision: str) -> Tensor:
        self.forwards += len(x)
        if x.requires_grad:
            # A view carries the hook, so that the caller's own tensor is left without one.
            x = x.view_as(x)
            x.register_hook(self._count_backward)
        x = x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x
        with torch.autocast(self.device.type, torch.bfloat16, enabled=precision == "bf16"):
            logits: Tensor = self.network(x)
        return logits.float()

    def _count_backward(self, gradient: Tensor) -> None:
        self.backwards += len(gradient)
        size = gradient.detach().flatten(1).abs().amax(1)
        self._dead += ((size == 0) | ~torch.isfinite(size)).sum()


def freeze(model: nn.Module) -> nn.Module:
    """`model`, from now on without gradients of its parameters; scripted modules are taken, too."""
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    return model


@contextmanager
def frozen(model: nn.Module) -> Iterator[nn.Module]:
    """Within this context no gradient flows to the parameters; afterwards their flags are as found."""
    flags = [(parameter, parameter.requires_grad) for parameter in model.parameters()]
    model.requires_grad_(False)
    try:
        yield model
    finally:
        for parameter, flag in flags:
            parameter.requires_grad_(flag)


#: Largest difference between a network and its fused form, relative to the largest logit; rounding stays below.
_ROUNDING = 1e-2


@torch.no_grad()
def _fuse(model: nn.Module, probe: Tensor | None) -> nn.Module:
    """The same network with every batch norm folded into the convolution before it, where it can be traced.

    Tracing loses hooks, and a layer that is used twice is folded twice: what the `probe` tells apart is not fused.
    """
    from torch.fx.experimental.optimization import fuse

    if not any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in model.modules()):
        return model
    try:
        fused = fuse(model)
        if probe is not None:
            asked = model(probe.clone())  # cloned, as there are networks that write into their input
            allowed = _ROUNDING * (1 + float(asked.abs().max()))
            if not float((fused(probe.clone()) - asked).abs().max()) <= allowed:
                return model
        return fused
    except Exception:  # whatever a foreign network's code makes the tracer raise, the unfused network is right
        return model
