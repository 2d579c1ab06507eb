"""A network that was not trained here, made to behave like a checkpoint of ours."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

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
    """

    name: str
    network: nn.Module
    num_classes: int | None = None
    shape: Shape | None = None
    dataset: str = ""
    scale: str = ""

    def __post_init__(self) -> None:
        self.network = _plain(self.network)

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of the source's name and of all weights and buffers."""
        state = {key: value for key, value in self.network.state_dict().items() if isinstance(value, Tensor)}
        return digest([self.name, tensor_digest(state)])

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
    return network.to(torch.device("cpu")).float().eval()
