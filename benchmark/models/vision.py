"""Architectures made for ImageNet, as torchvision makes them: a small vision transformer and a small ConvNeXt."""

from __future__ import annotations

from torch import nn

from benchmark.errors import BadInput

#: Sides of a patch: of large images, and of those with sides below `LARGE`.
PATCH, SMALL_PATCH, LARGE = 16, 4, 128


def vit_tiny(num_classes: int, shape: tuple[int, int, int]) -> nn.Module:
    """ViT-Ti, the architecture of DeiT-Ti (Touvron et al. 2021): 12 layers of 192 channels and 3 heads.

    5,717,416 parameters for 1,000 classes of 224×224 images in patches of 16×16; small images have patches of 4×4, as
    is usual on CIFAR.

    Raises:
        BadInput: the images can't be cut into such patches.
    """
    from torchvision.models import VisionTransformer

    channels, height, width = shape
    patch = PATCH if height >= LARGE else SMALL_PATCH
    if height != width or height % patch:
        raise BadInput(f"vit-tiny takes square images whose sides are multiples of {patch}, not {height}×{width}")
    network: nn.Module = VisionTransformer(
        image_size=height,
        patch_size=patch,
        num_layers=12,
        num_heads=3,
        hidden_dim=192,
        mlp_dim=768,
        num_classes=num_classes,
    )
    if channels != 3:
        network.conv_proj = nn.Conv2d(channels, 192, patch, patch)
    return network


def convnext_tiny(num_classes: int, shape: tuple[int, int, int]) -> nn.Module:
    """ConvNeXt-T (Liu et al. 2022); 28,589,128 parameters for 1,000 classes of RGB images.

    Raises:
        BadInput: the images are smaller than 32×32, of which its strides leave nothing.
    """
    from torchvision.models import convnext_tiny as make

    channels, height, width = shape
    if min(height, width) < 32:
        raise BadInput(f"convnext-tiny takes images of 32×32 and more, not {height}×{width}")
    network: nn.Module = make(weights=None, num_classes=num_classes)
    if channels != 3:
        network.get_submodule("features.0")[0] = nn.Conv2d(channels, 96, 4, 4)  # type: ignore[operator]
    return network
