"""Bring your own: every way to hand over a network, data, an attack or a defence, one cell each.

Open it as a notebook (Jupyter, VS Code, PyCharm) or run it in an empty folder: python journeys.py. Nothing is
downloaded. The networks have random weights and are made on the spot: the numbers mean nothing, the calls are those
for yours.
"""

# %% Six digits, and a suite of one short attack, so that each cell takes a moment.

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torchvision
from safetensors.torch import save_file
from torch import Tensor, nn

import benchmark
from benchmark.api import Attack, Classifier, Noise, Threat
from benchmark.data import load

torch.manual_seed(0)
digits = load("digits")
x, y = digits.test.batch(slice(0, 6))
suite = {
    "name": "short",
    "version": 1,
    "images": 6,
    "epsilons": {"digits": {"linf": 0.15}},
    "attacks": [{"attack": "pgd", "norm": "linf", "parameters": {"steps": 2}}],
}


def evaluate(*networks, **options):
    """As you would call it, on few images."""
    options = {"dataset": "digits", "suite": suite, "precision": "fp32", "progress": False, **options}
    return benchmark.evaluate(list(networks), **options)


# %% [markdown]
# ## Checkpoints of other programs
# `import_checkpoint` (on the command line `bench import FILE`) reads the weights without running anything in the
# file, finds the architecture by names and shapes, and writes `zoo/NAME.pt`. Each program has names and wrappers of
# its own. These files are written as those programs write them; `export_checkpoint` gives weights their names.


# %% What stands in for your files.
def weights(arch: str, keys: str) -> dict[str, Tensor]:
    """A network with random weights, under the names that other programs give them."""
    ours = f"made/{arch}.pt"
    model = benchmark.new_model(arch, dataset="digits")
    benchmark.save(model, ours, dataset="digits", arch=arch, method="made", overwrite=True)
    path = benchmark.export_checkpoint(ours, keys=keys, out=f"made/{arch}-{keys}.pth").path
    return torch.load(path, weights_only=True)


def prefixed(prefix: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {prefix + name: tensor for name, tensor in state.items()}


Path("made").mkdir(exist_ok=True)
mean, std = torch.full((1, 1, 1), 0.3), torch.full((1, 1, 1), 0.4)
resnet = weights("resnet20", "kuangliu")

# kuangliu/pytorch-cifar: below "net", saved from several GPUs, beside an accuracy that is a NumPy scalar.
torch.save({"net": prefixed("module.", resnet), "acc": np.float64(93.1), "epoch": 7}, "kuangliu.pth")

# TRADES: the WideResNet's bare weights.
torch.save(weights("wrn-16-8", "trades"), "trades.pt")

# MART and AWP: a training's file with its optimiser.
torch.save({"state_dict": prefixed("module.", resnet), "opt": {}, "epoch": 120}, "awp.pth")

# robust_union: a pre-activation ResNet, bare.
torch.save(weights("preact-resnet18", "kuangliu"), "robust_union.pt")

# RobustBench: the network's normalisation lies beside its weights.
torch.save({"mu": mean[None], "sigma": std[None], **prefixed("model.", resnet)}, "robustbench.pt")

# MadryLab's robustness: everything twice, with a normaliser each.
twice = {}
for place in ("module.", "module.attacker."):
    normalizer = "normalizer." if place == "module." else "normalize."
    twice |= {f"{place}{normalizer}new_mean": mean, f"{place}{normalizer}new_std": std}
    twice |= prefixed(f"{place}model.", resnet)
torch.save({"model": twice, "optimizer": {}, "epoch": 150}, "madrylab.pt")

# torchvision: its ResNet with the small stem of those who train it on small images.
network = torchvision.models.resnet18(num_classes=10)
network.conv1, network.maxpool = nn.Conv2d(1, 64, 3, padding=1, bias=False), nn.Identity()
torch.save(network.state_dict(), "torchvision.pth")

# safetensors, of whatever names.
save_file(resnet, "names.safetensors")

# %% Import: what goes in before the network is said here; without it, it is measured or asked.
imported = [
    benchmark.import_checkpoint("kuangliu.pth", dataset="digits", mean=0.3, std=0.4),
    benchmark.import_checkpoint("trades.pt", dataset="digits", normalization="none"),
    benchmark.import_checkpoint("awp.pth", dataset="digits", normalization="none"),
    # Its names fit two architectures, which compute different things: one has to be chosen.
    benchmark.import_checkpoint("robust_union.pt", dataset="digits", arch="preact-resnet18", mean=0.3, std=0.4),
    benchmark.import_checkpoint("robustbench.pt", dataset="digits"),
    benchmark.import_checkpoint("madrylab.pt", dataset="digits"),
    benchmark.import_checkpoint("torchvision.pth", dataset="digits", mean="0.3", std="0.4"),
    benchmark.import_checkpoint("names.safetensors", dataset="digits", normalization="none"),
]
for each in imported:
    print(each.path, *each.said, sep="\n  ")

# %% Evaluate them, and write the pages: reports/index.html.
evaluate(*[each.path for each in imported])
benchmark.report()

# %% TorchScript is a program, so it asks for trust.
small = benchmark.new_model("small-cnn", dataset="digits").eval()
torch.jit.trace(small, x).save("scripted.pt")
evaluate("torchscript:scripted.pt", trust_remote_code=True)

# %% A classifier of transformers in a local folder, with its processor's mean, standard deviation and size.
if importlib.util.find_spec("transformers"):
    import transformers

    sizes = {"image_size": 8, "patch_size": 4, "num_channels": 1, "hidden_size": 8, "num_labels": 10}
    shape = transformers.ViTConfig(num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, **sizes)
    transformers.ViTForImageClassification(shape).save_pretrained("vit")
    processor = {"size": {"height": 8, "width": 8}, "image_mean": [0.5], "image_std": [0.5]}
    transformers.ViTImageProcessor(**processor).save_pretrained("vit")
    evaluate("hf:vit")
else:
    print("hf: is skipped, as transformers is not installed: pip install transformers")

# %% [markdown]
# ## Objects

# %% A module: it takes images in [0, 1], with its normalisation inside. Yours stays as it is.
model = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
evaluate(model, name="my-network")

# %% Arrays of your own, in either layout.
mine = benchmark.Dataset.from_arrays(x.numpy(), y.numpy(), name="mine", classes=10, scale="digits")
evaluate(model, name="my-network", dataset=mine)

# %% The two-line attack. Which images broke, and how far they were moved, is verified apart from the attack.
adversarial, success, distance = benchmark.attack(model, x, y, "pgd", norm="linf", epsilon=8 / 255, steps=20)
print(f"{int(success.sum())} of {len(x)} images broke; distances of all:", distance)

# %% [markdown]
# ## Attacks of your own

# %% In a file, named as FILE.py:NAME, and run only if you trust it.
Path("brighten.py").write_text(
    '''
from dataclasses import dataclass
from typing import ClassVar
from benchmark.api import Attack

@dataclass(frozen=True)
class Brighten(Attack):
    """Moves every pixel towards white."""

    name: ClassVar[str] = "brighten"
    kind: ClassVar[str] = "fixed-budget"
    norms: ClassVar[tuple[str, ...]] = ("linf",)
    gradient_free: ClassVar[bool] = True

    def __call__(self, classifier, x, y, threat, noise):
        return threat.project(x, x + threat.epsilon)
'''
)
own = {**suite, "name": "brighten", "attacks": [{"attack": "brighten.py:Brighten", "norm": "linf"}]}
evaluate(model, name="my-network", suite=own, trust_remote_code=True)


# %% In the notebook itself; the cell may be run again.
@benchmark.register_attack("darken")
@dataclass(frozen=True)
class Darken(Attack):
    """Moves every pixel towards black."""

    name = "darken"
    kind = "fixed-budget"
    norms = ("linf",)
    gradient_free = True

    def __call__(self, classifier: Classifier, x: Tensor, y: Tensor, threat: Threat, noise: Noise) -> Tensor:
        return threat.project(x, x - threat.epsilon)


evaluate(
    model, name="my-network", suite={**suite, "name": "darken", "attacks": [{"attack": "darken", "norm": "linf"}]}
)

# %% [markdown]
# ## Training

# %% A loop of your own: our inner maximisation in one call, and a checkpoint filed in another.
model = benchmark.new_model("small-cnn", dataset="digits")
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for _ in range(3):
    near = benchmark.perturb(model, x, y, norm="linf", epsilon=0.15, steps=3)
    optimizer.zero_grad()
    nn.functional.cross_entropy(model(near), y).backward()
    optimizer.step()
trained = benchmark.save(
    model, "zoo/own-loop.pt", dataset="digits", arch="small-cnn", method="mine", title="My defence"
)
evaluate(trained)

# %% Adversarial training that begins with an imported checkpoint, beside generated images, with averaged weights:
# bench train --method at --init zoo/kuangliu.pt --extra-data npz:generated.npz --set ema=0.9 epochs=1
np.savez(
    "generated.npz",
    image=np.random.default_rng(0).integers(0, 256, (64, 8, 8, 1), np.uint8),
    label=np.arange(64) % 10,
)
tuned = benchmark.train(
    "at",
    init=imported[0].path,
    extra_data="npz:generated.npz",
    set={"epochs": 1, "batch_size": 512, "ema": 0.9, "threats.linf.steps": 1},
    name="kuangliu-at",
    progress=False,
)
evaluate(*tuned)

# %% [markdown]
# ## A defence that draws random numbers


# %% Gradients are averaged over passes, and verdicts are by vote; its results have a table of their own.
class Noisy(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x + 0.1 * torch.randn_like(x))


evaluate(Noisy(model), name="noisy", stochastic=4)

# %% All pages: a leaderboard for each suite and data set, and what each network is and was.
print("open", benchmark.report())
