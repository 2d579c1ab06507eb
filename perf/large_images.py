"""Time and memory for a network of 224×224 images and 1,000 classes, stage by stage: decoding, checks, attacks, page.

    OMP_NUM_THREADS=1 python perf/large_images.py --network resnet50
    python perf/large_images.py --network mobilenet_v3_small --images 10 --json

The network is torchvision's with random weights and a last layer that is right on all the images; the radii are so
small that no image leaves an attack early, which is what robust images cost. The pictures are JPEGs of 500×375 pixels
in 1,000 folders, of which only as many are decoded as are used. Run it once per network: the memory is the process's.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
import torchvision
from PIL import Image
from torch import Tensor, nn

import benchmark
from benchmark import data
from benchmark.hardware import describe, resolve_device, resolve_precision

CLASSES = 1000

#: One step, and five in two norms: 11 gradients of each image.
SUITE = {
    "name": "large-images",
    "version": 1,
    "images": 100,
    "epsilons": {"imagenet": {"linf": 1e-6, "l2": 1e-4}},
    "attacks": [
        {"attack": "fgsm", "norm": "linf"},
        {"attack": "pgd", "norm": "linf", "parameters": {"steps": 5}},
        {"attack": "pgd", "norm": "l2", "parameters": {"steps": 5}},
    ],
}


def pictures(folder: Path) -> None:
    """A picture in each of 1,000 folders: a coarse pattern, enlarged, which compresses as a photograph does."""
    generator = np.random.default_rng(0)
    for number in range(CLASSES):
        place = folder / "test" / f"class-{number:04}"
        place.mkdir(parents=True)
        coarse = generator.integers(0, 256, (48, 64, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((500, 375), Image.Resampling.BICUBIC).save(place / "0.jpg")


def right_on(name: str, x: Tensor, y: Tensor) -> nn.Module:
    """The network with a last layer that names each image's own class: the nearest one's features decide."""
    torch.manual_seed(0)
    network = getattr(torchvision.models, name)(weights=None, num_classes=CLASSES).eval()
    last = [module for module in network.modules() if isinstance(module, nn.Linear)][-1]
    seen: list[Tensor] = []
    hook = last.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
    with torch.no_grad():
        for part in x.split(10):
            network(part)
        hook.remove()
        features = torch.cat(seen).double()
        middle = features.mean(0)
        apart = (features - middle) / (features - middle).norm(dim=1).mean() * 10
        scale = 10 / (features - middle).norm(dim=1).mean()
        weight = torch.zeros(CLASSES, len(middle), dtype=torch.float64)
        bias = torch.full((CLASSES,), -1e4, dtype=torch.float64)
        weight[y] = apart * scale
        bias[y] = -(apart * scale) @ middle - apart.square().sum(1) / 2
        last.weight.copy_(weight)
        last.bias.copy_(bias)
    return network


def measure(name: str, images: int, device: str, precision: str) -> dict[str, object]:
    seconds: dict[str, float] = {}

    @contextmanager
    def stage(what: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        seconds[what] = time.perf_counter() - began

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        pictures(folder / "pictures")
        called = f"folder:{folder / 'pictures'}?resize=256&crop=224"
        with stage("list and decode"):
            x, y = data.load(called).test.batch(slice(0, images))
        network = right_on(name, x, y)
        del x
        with stage("evaluate"):
            (found,) = benchmark.evaluate(
                network,
                name=name,
                dataset=called,
                scale="imagenet",
                suite=SUITE,
                n=images,
                device=device,
                precision=precision,
                results=folder / "results",
                progress=False,
            )
        with stage("page"):
            benchmark.report(results=folder / "results", out=folder / "reports")
    attacks = {outcome.label: outcome.costs["seconds"] for outcome in found.outcomes}
    place_of = resolve_device(device)
    return {
        "name": name,
        "images": images,
        "list_and_decode_s": seconds["list and decode"],
        "attacks_s": attacks,
        "checks_s": seconds["evaluate"] - sum(attacks.values()),
        "page_s": seconds["page"],
        "right": 1 - float(np.mean(found.clean_errors)),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "threads": torch.get_num_threads(),
        "hardware": f"{describe(place_of)}, {resolve_precision(precision, place_of)}",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default="mobilenet_v3_small", help="a name in torchvision.models")
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    line = measure(options.network, options.images, options.device, options.precision)
    if options.json:
        print(json.dumps(line))
        return
    for what, value in line.items():
        print(f"{what:18} {value}")


if __name__ == "__main__":
    main()
