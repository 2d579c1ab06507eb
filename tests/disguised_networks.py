"""The trained digits network as people have theirs lying about, for `python:disguised_networks:NAME`.

Each takes nothing and returns what computes the same, so that it must get the same numbers.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
import torch.nn.functional as F
from evaluation_toys import trained
from torch import Tensor, nn

#: Name → what makes the network.
SAME: dict[str, Callable[[], object]] = {}


class Around(nn.Module):
    """The trained network with something done to the images before and to the logits after."""

    def __init__(self, after: Callable = lambda logits: logits, before: Callable = lambda x: x) -> None:
        super().__init__()
        self.inner = trained().model()
        self.before, self.after = before, after

    def forward(self, x: Tensor) -> object:
        return self.after(self.inner(self.before(x)))


def plain() -> nn.Sequential:
    """The trained network, its layers in one row."""
    network = trained().model()
    return nn.Sequential(network.normalize, *network.network)


def same(make: Callable[[], object]) -> Callable[[], object]:
    SAME[make.__name__] = make
    return make


@same
def in_training_mode():
    return trained().model().train()


@same
def its_batch_norm_in_training_mode():
    network = trained().model()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.train()
    return network


@same
def with_dropout_left_on():
    return Around(after=nn.Dropout(0.5)).train()


@same
def with_gradients_switched_off():
    return trained().model().requires_grad_(False)


@same
def in_double_precision():
    return trained().model().double()


@same
def in_channels_last():
    return trained().model().to(memory_format=torch.channels_last)


@same
def data_parallel():
    return nn.DataParallel(trained().model())


@same
def data_parallel_inside():
    return nn.Sequential(nn.DataParallel(trained().model()))


class Scriptable(nn.Module):
    """The trained network without the annotations that TorchScript does not understand."""

    def __init__(self) -> None:
        super().__init__()
        normalize, *layers = plain()
        self.mean, self.std = nn.Buffer(normalize.mean), nn.Buffer(normalize.std)
        self.layers = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor):
        return self.layers((x - self.mean) / self.std)


@same
def scripted():
    return torch.jit.script(Scriptable().eval())


@same
def traced():
    return torch.jit.trace(trained().model(), torch.rand(2, 1, 8, 8))


@same
def traced_by_fx():
    return torch.fx.symbolic_trace(trained().model())


@same
def compiled():
    return torch.compile(trained().model(), backend="eager")


@same
def compiled_in_place():
    network = trained().model()
    network.compile(backend="eager")
    return network


@same
def compiled_inside():
    return nn.Sequential(torch.compile(trained().model(), backend="eager"))


@same
def with_hooks_that_only_look():
    network = trained().model()
    seen: list[object] = []
    for module in network.modules():
        module.register_forward_hook(lambda module, inputs, output: seen.append(tuple(output.shape)))
    return network


@same
def with_a_hook_that_counts():
    """Half of what it computes happens in hooks: the network itself computes the negative."""
    network = plain()
    last = network[-1]
    with torch.no_grad():
        last.weight.neg_()
        last.bias.neg_()
    network.register_forward_hook(lambda module, inputs, output: -output)
    return network


@same
def with_a_hook_on_its_batch_norm():
    network = plain()
    norm = network[2]
    with torch.no_grad():
        norm.weight.neg_()
        norm.bias.neg_()
    norm.register_forward_hook(lambda module, inputs, output: -output)
    return network


class Twice(nn.Module):
    """One convolution that two batch norms follow, in turn."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = plain()
        self.other = copy.deepcopy(self.layers[2])
        with torch.no_grad():
            self.other.weight.mul_(0.5)

    def forward(self, x: Tensor) -> Tensor:
        normalize, conv, norm, *rest = self.layers
        x = normalize(x)
        # What the second one adds is taken away again.
        x = (
            norm(conv(x))
            + self.other(conv(x))
            - F.batch_norm(
                conv(x), self.other.running_mean, self.other.running_var, self.other.weight, self.other.bias
            )
        )
        for layer in rest:
            x = layer(x)
        return x


@same
def with_a_shared_convolution():
    return Twice()


class Tied(nn.Module):
    """Two layers that are one, each used for half of the answer."""

    def __init__(self) -> None:
        super().__init__()
        self.first = self.second = trained().model()

    def forward(self, x: Tensor) -> Tensor:
        return 0.5 * self.first(x) + 0.5 * self.second(x)


@same
def with_shared_weights():
    return Tied()


@same
def with_buffers_that_are_not_saved():
    network = trained().model()
    network.register_buffer("shift", torch.zeros(10), persistent=False)
    network.register_forward_hook(lambda module, inputs, output: output + module.shift)
    return network


@same
def with_weight_norm():
    network = plain()
    nn.utils.parametrizations.weight_norm(network[-1])
    nn.utils.parametrizations.weight_norm(network[1])
    return network


@same
def with_weight_norm_of_old():
    network = plain()
    nn.utils.weight_norm(network[-1])
    return network


class Branching(nn.Module):
    """Goes another way for one image than for several, to the same end."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = trained().model()

    def forward(self, x: Tensor) -> Tensor:
        if len(x) == 1 or float(x.mean()) > 2:
            return self.inner(x.repeat(2, 1, 1, 1))[:1]
        return self.inner(x)


@same
def with_control_flow():
    return Branching()


@same
def with_logits_in_double_precision():
    return Around(after=lambda logits: logits.double())


@same
def with_logits_that_are_a_view():
    return Around(after=lambda logits: torch.cat([logits, logits], 1)[:, :10])


class ByHand(nn.Module):
    """Is called by its own __call__."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = trained().model()

    def __call__(self, x: Tensor) -> Tensor:
        return self.inner(x)


@same
def with_its_own_call():
    return ByHand()


@same
def under_inference_mode():
    with torch.inference_mode():
        return copy.deepcopy(trained()).model()


class Autocast(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = trained().model()

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast("cpu", enabled=False):
            return self.inner(x)


@same
def with_its_own_autocast():
    return Autocast()
