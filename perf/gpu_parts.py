"""What `gpu.py` measures, part by part: each yields lines of a table as soon as they are known."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import attacks
import torch
import training
from launches import counted, per_step
from measure import compare, timed
from overhead import bare_step, flops_per_image, matmul_rate
from torch import Tensor

import benchmark
from benchmark.arithmetic import arithmetic, tuned_convolutions, tunes
from benchmark.attacks import PreparedClassifier, make_attack
from benchmark.attacks.objectives import is_wrong
from benchmark.hardware import describe, has_bf16, has_tf32, resolve_device
from benchmark.noise import ExampleNoise
from benchmark.threats import Threat

Line = dict[str, Any]

#: The recipe that is measured, and the data that it is for.
RECIPE, CIFAR, EPOCHS = "gpu-30", 50_000, 30


@dataclass(frozen=True)
class Sizes:
    """How much of everything.

    Attributes:
        device: to compute on.
        arch: of the networks, for 32×32 in colours.
        batches: numbers of images of PGD.
        steps: of PGD.
        batch: of a training step.
        epoch: images of a training epoch.
        images: that the suite is run on.
        suite, preset: which.
        few: images of AutoAttack.
        repeats: pairs.
    """

    device: torch.device
    arch: str = "resnet18"
    batches: tuple[int, ...] = (100, 250, 1000)
    steps: int = 40
    batch: int = 128
    epoch: int = CIFAR
    images: int = 1000
    suite: str = "multi-perturbation"
    preset: str = "quick"
    few: int = 64
    repeats: int = 3

    @classmethod
    def full(cls, device: str) -> Sizes:
        return cls(resolve_device(device))

    @classmethod
    def tiny(cls, device: str) -> Sizes:
        few = {"batches": (4,), "steps": 10, "batch": 4, "epoch": 40, "images": 2, "suite": "smoke", "few": 1}
        return cls(resolve_device(device), "small-cnn", repeats=1, **few)  # type: ignore[arg-type]

    @property
    def hardware(self) -> str:
        return describe(self.device)

    @property
    def precisions(self) -> list[str]:
        has = {"bf16": has_bf16(self.device), "tf32": self.device.type == "cuda" and has_tf32(self.device)}
        return [*(name for name, there in has.items() if there), "fp32"]

    def asked(self, **more: object) -> argparse.Namespace:
        """As the other scripts' options, a network with random weights."""
        told = {"checkpoint": None, "images": max(self.batches), "arch": self.arch, "device": str(self.device)}
        return argparse.Namespace(**{**told, "autoattack_images": self.few, "precision": "auto", **more})


def machine(sizes: Sizes) -> Iterator[Line]:
    """What the device does at best, and what it costs to ask it for something."""
    for precision in sizes.precisions:
        with arithmetic(precision):
            rate = matmul_rate(sizes.device, precision == "bf16")
        yield {"what": f"large matrix product, {precision}", "value": rate / 1e12, "unit": "TFLOP/s"}
    one = torch.zeros(64, device=sizes.device)

    def launch() -> None:
        for _ in range(1000):
            one.add_(1)

    launch()
    yield {"what": "a small operation, one after the other", "value": 1e3 * timed(launch)[0], "unit": "µs"}
    asked = timed(lambda: [one[0].item() for _ in range(100)])[0]
    yield {"what": "a number that is asked for", "value": 1e4 * asked, "unit": "µs"}


def pgd(sizes: Sizes) -> Iterator[Line]:
    """PGD: speed, launches and waits per step, and which share of the machine's rate that is."""
    model, x, y = attacks.problem(sizes.asked(), sizes.device, sizes.arch)
    threat = Threat("linf", 1e-6)
    for precision in sizes.precisions:
        with arithmetic(precision):
            rate = matmul_rate(sizes.device, precision == "bf16")
        classifier = PreparedClassifier(model, 10, sizes.device, precision, x[:2])
        flops = flops_per_image(classifier.networks["fp32"], x, y)
        for images in sizes.batches:
            own, labels = x[:images], y[:images]

            def run(steps: int, own: Tensor = own, labels: Tensor = labels, c: Any = classifier) -> Tensor:
                noise = ExampleNoise(0, range(len(own)), device=sizes.device)
                with c.searching():
                    return make_attack("pgd", {"steps": steps})(c, own, labels, threat, noise)

            def bare(own: Tensor = own, labels: Tensor = labels, c: Any = classifier, p: str = precision) -> None:
                with c.searching(), arithmetic(p):
                    for _ in range(sizes.steps):
                        bare_step(c.networks[p], own, labels, p == "bf16")

            run(sizes.steps), bare()
            seconds = min(timed(lambda run=run: run(sizes.steps))[0] for _ in range(sizes.repeats))
            passes = min(timed(bare)[0] for _ in range(sizes.repeats))
            launches, waits = per_step(run, 8, 16, sizes.device)
            work = flops * images * sizes.steps
            yield {
                "what": f"pgd-{sizes.steps} linf",
                "network": sizes.arch,
                "precision": precision,
                "images": images,
                "seconds": seconds,
                "images_per_second": images / seconds,
                "launches_per_step": launches,
                "waits_per_step": waits,
                "share_of_matmul": work / seconds / rate,
                "bare_share_of_matmul": work / passes / rate,
                "tuned": classifier.tuned,
            }


def steps(sizes: Sizes) -> Iterator[Line]:
    """Steps of AT and MAT beside the plain loop, with convolutions tuned and not."""
    x = torch.rand(sizes.batch, 3, 32, 32, generator=torch.Generator().manual_seed(0)).to(sizes.device)
    y = torch.arange(sizes.batch, device=sizes.device) % 10
    precision = sizes.precisions[0]
    for method, size in (("at", 1), ("mat", 2)):

        def networks(size: int = size) -> list[torch.nn.Module]:
            return [training.network(sizes.arch, sizes.device, seed) for seed in range(size)]

        ours = training.ours(method, networks(), x, y, precision)
        plain = training.plain(method, networks(), x, y)
        told = {"what": method, "network": sizes.arch, "precision": precision, "batch": sizes.batch}
        for tuned in (False, True) if tunes(sizes.device) else (False,):
            with arithmetic(precision), tuned_convolutions(sizes.device, tuned):
                line = compare(method, ours, plain, repeats=sizes.repeats, hardware=sizes.hardware)
            counts = counted(ours, sizes.device)
            yield {
                **told,
                "cudnn_benchmark": tuned,
                "seconds": line.seconds,
                "plain_seconds": line.peer_seconds,
                "ratio": line.ratio,
                "images_per_second": sizes.batch / line.seconds,
                "launches_per_step": counts.launches,
                "waits_per_step": counts.waits,
            }


def epoch(sizes: Sizes) -> Iterator[Line]:
    """An epoch of `gpu-30` by `benchmark.train`, compiled and not; the whole recipe by multiplication."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (sizes.epoch, 3, 32, 32), generator=generator, dtype=torch.uint8).numpy()
    labels = (torch.arange(sizes.epoch) % 10).numpy()
    few = images[: min(100, sizes.epoch)], labels[: min(100, sizes.epoch)]
    data = benchmark.Dataset.from_arrays(*few, name="noise", scale="cifar10", train=(images, labels))
    told: dict[str, Any] = {"recipe": RECIPE, "set": {"epochs": 1}, "arch": sizes.arch, "progress": False}
    if sizes.arch != "resnet18":
        told["set"] |= {"batch_size": 8, "validation.images": 4, "validation.steps": 1}
    for method in ("at", "mat"):
        for compiled in (False, True) if sizes.device.type == "cuda" else (False,):
            with tempfile.TemporaryDirectory() as folder:
                means = {"out": folder, "device": str(sizes.device), "compile": compiled}
                seconds, paths = timed(lambda m=method, t=told, o=means: benchmark.train(m, dataset=data, **t, **o))
                row = benchmark.models.load_checkpoint(paths[0]).extra
            yield {
                "what": f"{method}, one epoch of {RECIPE}",
                "network": sizes.arch,
                "images": sizes.epoch,
                "compiled": compiled,
                "seconds_in_all": seconds,
                "seconds": row["seconds"],
                "images_per_second": sizes.epoch / row["seconds"],
                "minutes_of_the_recipe_on_cifar10": row["seconds"] * CIFAR / sizes.epoch * EPOCHS / 60,
            }


def _beside(sizes: Sizes, chosen: Callable[[str], bool]) -> Iterator[Line]:
    for precision in dict.fromkeys((sizes.precisions[0], "fp32")[: max(sizes.few, 1)]):
        bench = attacks.Bench(sizes.asked(precision=precision))
        for name, peer, images, ours, theirs in bench.lines():
            if not chosen(name):
                continue
            if find_spec(peer) is None:
                yield {"what": name, "precision": precision, "images": images, "said": f"{peer} is not installed"}
                continue
            y = bench.y[:images]

            def robust(found: Tensor, y: Tensor = y, model: Any = bench.model) -> float:
                with torch.no_grad():
                    return float((~is_wrong(model(found.float()), y)).float().mean())

            once = "autoattack" in name
            line = compare(
                name,
                ours,
                theirs,
                repeats=1 if once else sizes.repeats,
                hardware=bench.hardware,
                score=robust,
                warm_up=not once,
            )
            yield {
                "what": name,
                "network": bench.network,
                "precision": precision,
                "images": images,
                "seconds": line.seconds,
                "peer_seconds": line.peer_seconds,
                "ratio": line.ratio,
                "lowest": line.spread[0],
                "highest": line.spread[1],
                "robust": line.accuracy,
                "peer_robust": line.peer_accuracy,
            }


def libraries(sizes: Sizes) -> Iterator[Line]:
    """PGD beside Foolbox, torchattacks and adv-lib, as far as they are installed."""
    yield from _beside(sizes, lambda name: name.startswith("pgd"))


def autoattack(sizes: Sizes) -> Iterator[Line]:
    """AutoAttack beside pyautoattack."""
    yield from _beside(sizes, lambda name: "autoattack" in name)


def suite(sizes: Sizes) -> Iterator[Line]:
    """A suite by `benchmark.evaluate`, checks, verdicts and records included."""
    model, x, y = attacks.problem(sizes.asked(images=sizes.images), sizes.device, sizes.arch)
    data = benchmark.Dataset.from_arrays(x.cpu().numpy(), y.cpu().numpy(), name="noise", scale="cifar10", classes=10)
    with tempfile.TemporaryDirectory() as folder:
        told = {"suite": sizes.suite, "preset": sizes.preset, "results": folder, "progress": False}
        means = {"device": str(sizes.device), "mode": "worst-case"}
        seconds, (found,) = timed(
            lambda: benchmark.evaluate(model.cpu(), name="random", dataset=data, **told, **means)
        )
    for outcome in found.outcomes:
        yield {
            "what": outcome.label,
            "network": sizes.arch,
            "images": sizes.images,
            "preset": sizes.preset,
            "seconds": outcome.costs["seconds"],
            "forwards": outcome.costs["forwards"],
            "backwards": outcome.costs["backwards"],
        }
    yield {"what": "the whole evaluation", "network": sizes.arch, "images": sizes.images, "seconds": seconds}


PARTS: dict[str, Callable[[Sizes], Iterator[Line]]] = {
    "machine": machine,
    "attacks": pgd,
    "training": steps,
    "epoch": epoch,
    "peers": libraries,
    "autoattack": autoattack,
    "suite": suite,
}
