"""What other programs put around a network: normalisation, an attacker, a second copy of it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.201)


class Normalized(nn.Module):
    """As RobustBench keeps it, in buffers beside the network or before it: `mu` and `sigma`, `mean` and `std`."""

    def __init__(self, network: nn.Module, names: tuple[str, str] = ("mu", "sigma")) -> None:
        super().__init__()
        self.model, self.names = network, names
        for name, numbers in zip(names, (MEAN, STD), strict=True):
            self.register_buffer(name, torch.tensor(numbers).view(1, 3, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        mean, std = (getattr(self, name) for name in self.names)
        return self.model((x - mean) / std)


class InputNormalize(nn.Module):
    """As robustness has it."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("new_mean", torch.tensor(MEAN)[..., None, None])
        self.register_buffer("new_std", torch.tensor(STD)[..., None, None])


class Attacker(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.normalize, self.model = InputNormalize(), model


class AttackerModel(nn.Module):
    """Of MadryLab/robustness: the network is there twice, the second time within what attacks it."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.normalizer, self.model, self.attacker = InputNormalize(), model, Attacker(model)

    def forward(self, x: Tensor) -> Tensor:
        return self.model((x - self.normalizer.new_mean) / self.normalizer.new_std)
