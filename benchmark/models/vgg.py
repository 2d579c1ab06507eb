"""VGG with batch norm as used on CIFAR (Simonyan & Zisserman 2015): one linear layer behind the convolutions."""

from __future__ import annotations

from torch import nn

#: Channels of the convolutions; each 0 halves the image.
LAYERS = (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0)


def vgg16_bn(num_classes: int, shape: tuple[int, int, int]) -> nn.Module:
    """VGG-16 for CIFAR; 14,728,266 parameters for 10 classes of RGB images.

    Sides that can't be halved are rounded up, so that there is something left of small images.
    """
    layers: list[nn.Module] = []
    channels = shape[0]
    for width in LAYERS:
        if width:
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
            channels = width
        else:
            layers.append(nn.MaxPool2d(2, ceil_mode=True))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes))
