"""A network that was not trained here, made to behave like a checkpoint of ours."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from benchmark.errors import BadInput, first_line
from benchmark.models.fit import ImageProblem, Shape, check_fits
from benchmark.storage import digest, tensor_digest


@dataclass
class ExternalModel:
    """A network and what its source says about it.

    Attributes:
        name: the source as it was asked for, e.g. "torchvision:resnet50".
        network: maps images N×C×H×W in [0, 1] to logits.
        num_classes, shape: what it was made for; None where the source doesn't say.
        dataset, scale: the dataset it was trained on and its row of radii; "" where the source doesn't say.
        code: digest of the code it was made by, where that is not fixed by its name.

    Raises:
        BadInput: the network can't be brought to the CPU, to float32 and into eval mode.
    """

    name: str
    network: nn.Module
    num_classes: int | None = None
    shape: Shape | None = None
    dataset: str = ""
    scale: str = ""
    code: str = ""

    def __post_init__(self) -> None:
        try:
            self.network = _plain(self.network)
        except Exception as error:  # whatever kinds of modules there are
            raise BadInput(
                f"{self.name} can't be put on the CPU in float32 and eval mode: {first_line(error)}; "
                "give the network itself, with its weights loaded"
            ) from error

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of the source's name, its code, and all weights and buffers, saved with it or not."""
        buffers = {f"buffer {name}": value for name, value in self.network.named_buffers()}
        state = {key: value for name, found in self.network.state_dict().items() for key, value in _flat(name, found)}
        return digest([self.name, *([self.code] if self.code else []), tensor_digest({**buffers, **state})])

    def model(self) -> nn.Module:
        """The network, in float32 on the CPU and in eval mode."""
        return self.network

    def check_fits(self, dataset: ImageProblem) -> None:
        """Refuse a dataset of other classes or image shape, as far as they are known.

        Raises:
            BadInput: it doesn't fit.
        """
        check_fits(self.name, self.num_classes, self.shape, dataset)


def _plain(network: nn.Module) -> nn.Module:
    """The network itself, without wrappers for several GPUs or compilation, float32, on the CPU, in eval mode."""
    if isinstance(network, nn.DataParallel | nn.parallel.DistributedDataParallel):
        network = network.module
    network = getattr(network, "_orig_mod", network)
    if any(map(is_lazy, network.parameters())):
        raise ValueError("it has lazy layers, which get their size from the first image they see")
    if any(parameter.is_inference() for parameter in network.parameters()):
        network = copy.deepcopy(network)  # which may be followed back to the image, as its original may not
    network = network.to(torch.device("cpu")).float().eval()
    for module in network.modules():
        for name, value in vars(module).items():
            # Computed from the weights before each pass, as the older weight norm does; it could not be copied.
            if isinstance(value, Tensor) and not value.is_leaf:
                setattr(module, name, value.detach())
    return network


def _flat(name: str, value: Any) -> Iterator[tuple[str, Tensor]]:
    """The tensors in an entry of a state: itself, or what quantised layers pack their weights into."""
    if isinstance(value, Tensor):
        yield name, value.dequantize() if value.is_quantized else value
    elif isinstance(value, list | tuple):
        for position, item in enumerate(value):
            yield from _flat(f"{name}.{position}", item)
