"""The network of robust_union for MNIST: two 5×5 convolutions, each halved by pooling, and two linear layers."""

from __future__ import annotations

from torch import nn

from benchmark.errors import BadInput


def mnist_cnn(num_classes: int, shape: tuple[int, int, int]) -> nn.Module:
    """32 and 64 channels, 1,024 hidden units; 3,274,634 parameters for MNIST (Maini et al. 2020, its MNIST/train.py).

    Raises:
        BadInput: a side of the images is not a multiple of 4, so that pooling would leave out its edge.
    """
    channels, height, width = shape
    if height % 4 or width % 4:
        raise BadInput(f"mnist-cnn halves images twice; {height}×{width} pixels are no multiples of 4")
    return nn.Sequential(
        nn.Conv2d(channels, 32, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(64 * (height // 4) * (width // 4), 1024),
        nn.ReLU(),
        nn.Linear(1024, num_classes),
    )
