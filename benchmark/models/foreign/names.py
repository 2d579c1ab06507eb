"""What the layers of our architectures are called in the code that others published.

A row is checked by loading weights of a network written from the public definition, and back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

import torch

from benchmark.models.architectures import ARCHITECTURES, base_name
from benchmark.models.foreign.naming import Naming, Renaming
from benchmark.models.vgg import LAYERS as VGG_LAYERS

#: What files call their keys after, and where these names come from.
KEYS = {
    "kuangliu": "kuangliu/pytorch-cifar, and after it TRADES, MART, AWP, robust_union, RobustBench and robustness",
    "trades": "the WideResNet of TRADES; also in MART, AWP and RobustBench",
    "torchvision": "torchvision",
    "timm": "timm",
    "deepmind": "deepmind-research/adversarial_robustness, and after it RobustBench",
    "robust_union": "the MNIST network of robust_union",
    "benchmark": "this benchmark, the bare weights",
    "own": "the architecture's own code",
}


def _vgg_layers() -> Iterator[str]:
    """The names of VGG's layers with weights but the last, which counts those without weights, too."""
    at = 0
    for width in VGG_LAYERS:
        if width:
            yield from (f"features.{at}", f"features.{at + 1}")
        at += 3 if width else 1


_RESNET = Naming(("conv1", "bn1", "linear"), "layer{stage}.{number}")
_TORCHVISION_RESNET = Naming(("conv1", "bn1", "fc"), "layer{stage}.{number}", {"shortcut": "downsample"})
_PREACT = Naming(("conv1", "linear"), "layer{stage}.{number}", {"shortcut": "shortcut.0"})
_WIDE = Naming(
    ("conv1", "bn1", "fc"),
    "block{stage}.layer.{number}",
    {"shortcut": "convShortcut"},
    equal=3,
    unused=("sub_block1.",),  # a copy of the first blocks that its code makes and never calls
)
_MOBILENET = Naming(
    ("conv1", "bn1", "conv2", "bn2", "linear"),
    "layers.{index}",
    {
        **{
            f"{layer}.{place}": f"{kind}{number}"
            for number, layer in enumerate(("expand", "filter", "project"), 1)
            for place, kind in enumerate(("conv", "bn"))
        },
    },
    equal=1,
)

_DEEPMIND = Naming(
    ("init_conv", "batchnorm", "logits"),
    "layer.{stage0}.block.{number}",
    {"bn1": "batchnorm_0", "conv1": "conv_0", "bn2": "batchnorm_1", "conv2": "conv_1"},
    equal=3,
)
_VGG = Naming((*_vgg_layers(), "classifier"))
_TIMM_VIT = Renaming(
    (
        ("class_token", "cls_token"),
        ("encoder.pos_embedding", "pos_embed"),
        ("conv_proj.", "patch_embed.proj."),
        ("encoder.layers.encoder_layer_", "blocks."),
        ("encoder.ln.", "norm."),
        ("heads.head.", "head."),
        (".ln_", ".norm"),
        (".self_attention.in_proj_", ".attn.qkv."),
        (".self_attention.out_proj.", ".attn.proj."),
        (".mlp.0.", ".mlp.fc1."),
        (".mlp.3.", ".mlp.fc2."),
    )
)

#: By architecture, its names elsewhere, by what the keys are called after.
NAMINGS: dict[str, dict[str, Naming | Renaming]] = {
    "resnet18": {"kuangliu": _RESNET, "torchvision": _TORCHVISION_RESNET},
    "resnet20": {"kuangliu": replace(_RESNET, equal=3)},
    "resnet56": {"kuangliu": replace(_RESNET, equal=3)},
    "preact-resnet18": {"kuangliu": _PREACT},
    "preact-resnet18-raw-shortcut": {"kuangliu": _PREACT},
    "preact-resnet18-last-norm": {"kuangliu": replace(_PREACT, outer=("conv1", "bn", "linear"))},
    "preact-resnet18-softplus": {"kuangliu": replace(_PREACT, outer=("conv1", "bn", "linear"))},
    "preact-resnet34": {"kuangliu": replace(_PREACT, stages=(3, 4, 6, 3))},
    **{f"wrn-{size}-silu": {"deepmind": _DEEPMIND} for size in ("28-10", "70-16")},
    "vgg16-bn": {"kuangliu": _VGG},
    "vit-tiny": {"torchvision": Renaming(), "timm": _TIMM_VIT},
    "convnext-tiny": {"torchvision": Renaming()},
    **{f"wrn-{size}": {"trades": _WIDE} for size in ("16-8", "28-4", "28-10", "34-10", "34-20", "70-16")},
    "mobilenet-v2": {"kuangliu": _MOBILENET},
    "mnist-cnn": {"robust_union": Renaming()},
}


@lru_cache
def names_in(architecture: str, keys: str) -> dict[str, str]:
    """The name in another program of each weight of an architecture, by its name here, without our own "network.".

    Args:
        architecture: a name in `ARCHITECTURES`.
        keys: a name in `keys_of(architecture)`.
    """
    with torch.device("meta"):
        network = ARCHITECTURES.get(architecture)(num_classes=10, shape=(3, 32, 32))
    if keys == "own":
        return {key: key for key in network.state_dict()}
    if keys == "benchmark":
        return {key: f"network.{key}" for key in network.state_dict()}
    return NAMINGS[base_name(architecture)][keys].of(network)


def keys_of(architecture: str) -> tuple[str, ...]:
    """What the keys of a file with the weights of this architecture may be called after."""
    own = ("own",) if ARCHITECTURES.is_own(architecture) or ARCHITECTURES.is_plug_in(architecture) else ()
    return (*NAMINGS.get(base_name(architecture), {}), *own, "benchmark")


def unused(architecture: str, keys: str) -> tuple[str, ...]:
    """Beginnings of names that such files may have beside the weights that are computed with."""
    naming = NAMINGS.get(base_name(architecture), {}).get(keys)
    return naming.unused if naming else ()
