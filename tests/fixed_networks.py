"""Small networks that know the digits, the same to the last bit on every processor.

A network that a test trains comes out otherwise on another processor: sums are taken in another order, and training
blows up what they round. A figure that holds for one such network need not hold for the next. So what tests attack
lies in `networks/`, made once by `make_networks.py`: weights are whole numbers from −127 to 127 times a power of two
for each row, a product that no processor rounds.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from attack_toys import Net
from safetensors.torch import load_file, save_file
from torch import Tensor

from benchmark import data, models

FOLDER = Path(__file__).parent / "networks"

#: What is added to a weight's name where its rows' powers of two are kept.
STEP = ":step"


def write(name: str, state: dict[str, Tensor]) -> Path:
    """Round the weights of two or more dimensions, and keep the state under `name`."""
    kept: dict[str, Tensor] = {}
    for key, tensor in state.items():
        if tensor.dim() < 2:
            kept[key] = tensor.clone()
            continue
        rows = tensor.double().flatten(1).numpy()
        step = np.exp2(np.ceil(np.log2(np.abs(rows).max(1) / 127)))
        kept[key] = torch.from_numpy((rows / step[:, None]).round().astype(np.int8)).view(tensor.shape)
        kept[key + STEP] = torch.from_numpy(step.astype(np.float32))
    path = FOLDER / f"{name}.safetensors"
    save_file(kept, path)
    return path


def read(name: str) -> dict[str, Tensor]:
    """The state that was kept under `name`, as `nn.Module.load_state_dict` takes it."""
    kept = load_file(FOLDER / f"{name}.safetensors")
    state = {key: tensor for key, tensor in kept.items() if not key.endswith(STEP)}
    for key in [key for key in state if key + STEP in kept]:
        step = kept[key + STEP].view(-1, *[1] * (state[key].dim() - 1))
        state[key] = state[key].float() * step
    return state


@lru_cache
def fixed(name: str) -> models.Checkpoint:
    """A small-cnn: "natural" is right on 93% of the digits, 42% within linf 0.12, "at" on 99 and 83%."""
    return models.Checkpoint(
        name=name,
        state=read(name),
        architecture="small-cnn",
        num_classes=10,
        shape=(1, 8, 8),
        mean=(0.305,),
        std=(0.376,),
        dataset="digits",
        scale="digits",
        method=name,
        network="model",
        recipe={},
        seed=0,
    )


def tiny(name: str) -> Net:
    """A convolution and a linear layer, so that every attack is soon over: "tiny-natural" or "tiny-at"."""
    net = Net((1, 8, 8), 10)
    net.load_state_dict(read(name))
    return net.requires_grad_(False)


def digits_right(net: torch.nn.Module, count: int) -> tuple[Tensor, Tensor]:
    """The first `count` test digits that `net` gets right, and their labels."""
    x, y = data.load("digits").test.batch(slice(0, 2 * count))
    with torch.no_grad():
        right = net(x).argmax(1) == y
    return x[right][:count], y[right][:count]
