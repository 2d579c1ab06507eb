"""A network that was not trained here, made to behave like a checkpoint of ours."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from benchmark.errors import UnfitNetwork, first_line, reason
from benchmark.models.adapting import Adapted
from benchmark.models.copying import copied
from benchmark.models.fit import ImageProblem, Shape, check_fits
from benchmark.models.reach import Reach
from benchmark.storage import digest


@dataclass
class ExternalModel:
    """A network and what its source says about it.

    Attributes:
        name: the source as it was asked for, e.g. "torchvision:resnet50".
        network: maps images N×C×H×W in [0, 1] to logits.
        num_classes, shape: what it was made for; None where the source doesn't say.
        dataset, scale: the dataset it was trained on and its row of radii; "" where the source doesn't say.
        code: digest of the code it was made by, where that is not fixed by its name.
        view: how the pictures it takes are resized and cropped, "resize=256&crop=224", see `benchmark.data.view`; ""
            where the source doesn't say.
        is_object: whether a caller handed it over, and calls it whatever they like.
        digest: SHA-256 (hex) of the name (not of an object's), the code, and everything that can be reached from the
            network; see `benchmark.models.reach`.

    Raises:
        UnfitNetwork: the network can't be brought to the CPU, to float32 and into eval mode.
    """

    name: str
    network: nn.Module
    num_classes: int | None = None
    shape: Shape | None = None
    dataset: str = ""
    scale: str = ""
    code: str = ""
    view: str = ""
    is_object: bool = False
    digest: str = field(init=False, repr=False)
    _classes: int | None = field(init=False, repr=False, default=None)

    def __post_init__(self) -> None:
        try:
            self.network = _plain(self.network)
        except Exception as error:  # whatever kinds of modules there are
            raise UnfitNetwork(
                f"{self.name} can't be put on the CPU in float32 and eval mode: {first_line(error)}; "
                "give the network itself, with its weights loaded"
            ) from error
        try:
            # At once, before it is asked anything: some networks keep what they computed last.
            name = [] if self.is_object else [self.name]
            self.digest = digest([*name, self.code, Reach(self.network).digest()])
        except Exception as error:  # whatever things may be in it
            raise UnfitNetwork(
                f"{self.name} can't be told apart from others, as it holds something odd: {reason(error)}; "
                "leave out of it what it does not compute with"
            ) from error

    def model(self) -> nn.Module:
        """The network, in float32 on the CPU and in eval mode; of what it returns only the logits come back."""
        return Adapted(self.network, self.num_classes or self._classes).eval()

    def check_fits(self, dataset: ImageProblem) -> None:
        """Refuse a dataset of other classes or image shape, as far as they are known.

        Raises:
            UnfitNetwork: it doesn't fit.
        """
        check_fits(self.name, self.num_classes, self.shape, dataset)
        self._classes = dataset.num_classes


def _plain(network: nn.Module) -> nn.Module:
    """The network itself, without wrappers for several GPUs or compilation, float32, on the CPU, in eval mode."""
    if isinstance(network, nn.DataParallel | nn.parallel.DistributedDataParallel):
        network = network.module
    network = getattr(network, "_orig_mod", network)
    if any(map(is_lazy, network.parameters())):
        raise ValueError("it has lazy layers, which get their size from the first image they see")
    if any(parameter.is_inference() for parameter in network.parameters()):
        network = copied(network)  # which may be followed back to the image, as its original may not
    network = network.to(torch.device("cpu")).float().eval()
    for module in network.modules():
        for name, value in vars(module).items():
            # Computed from the weights before each pass, as the older weight norm does; it could not be copied.
            if isinstance(value, Tensor) and not value.is_leaf:
                setattr(module, name, value.detach())
    return network
