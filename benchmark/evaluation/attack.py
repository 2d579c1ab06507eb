"""One attack on images in memory: two lines, with the verdicts of an evaluation and nothing written."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmark.arguments import checked_arguments
from benchmark.attacks import Attack, freeze, make_attack
from benchmark.attacks.objectives import NoLogits, own_logits
from benchmark.data import Split
from benchmark.data.arrays import images_of, labels_of
from benchmark.errors import FOREIGN, BadInput, UnfitNetwork, first_line, notice
from benchmark.evaluation.attack_run import Trial
from benchmark.evaluation.judging import Judging, read_judging
from benchmark.evaluation.meter import metered
from benchmark.evaluation.suite import SuiteItem
from benchmark.evaluation.target import LoadedTarget, Target
from benchmark.hardware import resolve_device, resolve_precision
from benchmark.ledger.record import SHARD
from benchmark.models import Checkpoint, ExternalModel, Given, check_model, load_model
from benchmark.noise import seed_problem
from benchmark.own.trust import trusts
from benchmark.radii import too_large
from benchmark.threats import Threat

#: Radii for attacks that look for the smallest perturbation, whatever the radius, where none is given.
_ANY = {"linf": 0.5}


class _Success(NamedTuple):
    """What two lines of code take apart: `images, success, distance = benchmark.attack(...)`."""

    images: Tensor
    success: Tensor
    distance: Tensor


class AttackResult(_Success):
    """What an attack achieved, verified by a float32 pass of the network itself, inside the ball and [0, 1].

    It is the triple of `images`, `success` and `distance`; the predicted classes are attributes alone.

    Attributes:
        images: N×C×H×W float32, on the device of the given images: the adversarial image where there is one, else the
            image as it was given, as where it is misclassified without a change.
        success: N bools, whether the network misclassifies `images`, or has no finite answer to it.
        distance: N float32, the norm of the change where it succeeded (0 where none was needed), else infinity; for a
            threat without a ball the largest change of a value.
        clean_class, adversarial_class: N int64 each, what the network takes the given images for, and `images`, in
            the pass that decides; -1 where it has no finite answer. Of a network that draws random numbers the most
            frequent answer that agrees with `success`.
    """

    clean_class: Tensor
    adversarial_class: Tensor

    def __new__(
        cls, images: Tensor, success: Tensor, distance: Tensor, clean_class: Tensor, adversarial_class: Tensor
    ) -> AttackResult:
        self = super().__new__(cls, images, success, distance)
        self.clean_class, self.adversarial_class = clean_class, adversarial_class
        return self

    def __getnewargs__(self) -> tuple[Tensor, ...]:
        return (*self, self.clean_class, self.adversarial_class)


@dataclass(frozen=True)
class _Images:
    """Images and labels as an evaluation's data."""

    test: Split
    num_classes: int

    @property
    def class_names(self) -> tuple[str, ...]:
        return tuple(map(str, range(self.num_classes)))


@trusts
@checked_arguments
def attack(
    model: Given,
    x: Tensor | NDArray[Any],
    y: Tensor | NDArray[Any],
    attack: str | Attack = "pgd",
    *,
    norm: str | None = None,
    epsilon: float | str | None = None,
    restarts: int = 1,
    seed: int = 0,
    device: str | None = None,
    precision: str = "fp32",
    stochastic: int | None = None,
    verdict_passes: int | None = None,
    eight_bit: bool = False,
    trust_remote_code: bool = False,
    **parameters: Any,
) -> AttackResult:
    """Attack images: `benchmark.attack(model, x, y, "pgd", norm="linf", epsilon=8/255, steps=20)`.

    The attack only proposes; what counts is decided as in an evaluation. The caller's model and images stay as they
    are: a copy of the model is attacked, in eval mode and float32.

    Args:
        model: images N×C×H×W in [0, 1] → N×K logits, with its normalisation inside; or as `benchmark.load_model`
            takes it.
        x: images N×C×H×W, floating-point in [0, 1], or uint8 in 0..255.
        y: N labels, whole numbers from 0 to K - 1.
        attack: a name of `bench list attacks`, an import path such as "foolbox.attacks:LinfPGD", one of your own as
            "FILE.py:NAME", or an attack.
        norm: of the ball: "linf", "l2", "l1" or "l0", or the attack's own kind of change, such as "fog"; None where
            the attack has only one.
        epsilon: the radius in units of [0, 1], such as 8/255, or the strength of that change. None for attacks that
            look for the smallest change: any success then counts.
        restarts: runs with other noise, of which the best counts; attacks without randomness make one.
        seed: of all noise.
        device: where to compute; None for where the model is.
        precision: of the search, "fp32", "tf32", "bf16" or "auto"; verdicts are always float32.
        stochastic: over how many passes gradients of a network that draws random numbers are averaged; None for one
            that draws none. See docs/defences.md.
        verdict_passes: how many passes of such a network vote on each image.
        eight_bit: whether adversarial images are rounded to what an image file can hold before the verdict.
        trust_remote_code: whether the code of such a file, or that which makes the model, may be run.
        parameters: of the attack; see `bench show ATTACK`.

    Returns:
        The images, success and distance, to be unpacked as three; see `AttackResult`.

    Raises:
        BadInput: something about the arguments, or a model that is not fit to be attacked.
    """
    chosen = _attack_of(attack, parameters)
    threat = _threat_of(chosen, norm, epsilon)
    if not isinstance(restarts, int) or isinstance(restarts, bool) or restarts < 1:
        raise BadInput(f"restarts must be a whole number from 1 on, not {restarts!r}")
    if problem := seed_problem(seed):
        raise BadInput(problem)
    judging = read_judging(stochastic, verdict_passes, eight_bit)
    with torch.inference_mode(False):
        images = images_of(x)
        labels, home = labels_of(y, len(images)), images.device
        images = images.float().div_(255) if images.dtype == torch.uint8 else images
        if epsilon is not None and (problem := too_large(threat.norm, threat.epsilon, tuple(images.shape[1:]))):
            raise BadInput(f"epsilon={epsilon}: {problem}")
        network = load_model(model)
        where = resolve_device(str(_device_of(model, home) if device is None else device))
        loaded = _loaded(network, images, labels, where, resolve_precision(precision, where), judging)
        item = SuiteItem(chosen.name, chosen, threat, restarts if chosen.random else 1)
        parts = [
            _run(loaded, item, start, min(start + SHARD, len(images)), seed, epsilon is None)
            for start in range(0, len(images), SHARD)
        ]
        return AttackResult(*(torch.cat(each).to(home) for each in zip(*parts, strict=True)))


def _run(
    network: LoadedTarget, item: SuiteItem, start: int, stop: int, seed: int, any_counts: bool
) -> tuple[Tensor, ...]:
    """What came of the images start, ..., stop − 1, as `AttackResult`; where `any_counts`, successes at any distance.

    Raises:
        BadInput: the attack broke down.
    """
    trial = Trial(network, item, start, stop, None)
    with metered(network.classifier) as meter:
        trial.run(seed)
    if meter.error:
        raise BadInput(f"attack {item.attack.name!r} failed: {meter.error}")
    for warning in meter.warnings:
        notice(f"attack {item.attack.name!r}: {warning}")
    success = torch.isfinite(trial.distance) if any_counts else trial.broken
    rows = success.view(-1, *[1] * (trial.x.dim() - 1))
    return (
        torch.where(rows, trial.closest, trial.x),
        success,
        torch.where(success, trial.distance, torch.inf),
        trial.clean_class,
        torch.where(success, trial.adversarial_class, trial.clean_class),
    )


def _loaded(
    network: Checkpoint | ExternalModel,
    images: Tensor,
    labels: Tensor,
    device: torch.device,
    precision: str,
    judging: Judging,
) -> LoadedTarget:
    """The network with these images as its test images, once it was looked at.

    Raises:
        UnfitNetwork: it can't be attacked.
    """
    model, few = freeze(network.model().to(device).float()), images[:SHARD].to(device)
    try:
        classes = _num_classes(model, few[:1])
        if int(labels.max()) >= classes:
            raise BadInput(f"y: the label {int(labels.max())} is none of the network's {classes} classes, 0 to K - 1")
        odd = check_model(model, few, classes, is_random=judging.is_random)
    except UnfitNetwork as error:
        raise UnfitNetwork(f"{network.name}: {error}") from error
    for oddity in odd:
        notice(f"{network.name}: {oddity}")
    target = Target(network.name, "", "", None, "", str(device), precision, judging=judging)
    return LoadedTarget(model, _Images(Split(images, labels), classes), target)


def _num_classes(model: nn.Module, image: Tensor) -> int:
    """How many logits the network gives.

    Raises:
        UnfitNetwork: it fails, or gives something else.
    """
    try:
        with torch.no_grad():
            classes = own_logits(model(image.clone()), 1).shape[1]
    except NoLogits as error:
        raise UnfitNetwork(f"{error}; wrap it so that only logits come back") from error
    except FOREIGN as error:  # a foreign network may raise anything
        shape = " × ".join(map(str, image.shape))
        raise UnfitNetwork(
            f"the network fails on float32 images {shape}: {first_line(error)}; check their size and channels"
        ) from error
    if classes < 2:
        raise UnfitNetwork(
            "the network gives one number for each image, and no attack can change which is the largest; of two "
            "classes with one logit z make torch.cat([-z, z], 1)"
        )
    return classes


def _attack_of(attack: str | Attack, parameters: dict[str, Any]) -> Attack:
    if isinstance(attack, Attack):
        return dataclasses.replace(attack, **parameters) if parameters else attack
    if not isinstance(attack, str):
        raise BadInput(f"attack: a {type(attack).__name__} is neither a name, such as 'pgd', nor an attack")
    return make_attack(attack, parameters)


def _threat_of(attack: Attack, norm: str | None, epsilon: float | str | None) -> Threat:
    """What the attack may do.

    Raises:
        BadInput: nobody says which norm or radius, or it is none of the attack's.
    """
    norms = tuple(attack.norms)
    if norm is None and len(norms) > 1:
        raise BadInput(f"attack {attack.name!r} works in {', '.join(norms)}; say in which, such as norm={norms[0]!r}")
    norm = norms[0] if norm is None else str(norm).lower()
    if norm not in norms:
        raise BadInput(f"attack {attack.name!r} does not support norm={norm!r}; it supports {', '.join(norms)}")
    if epsilon is None and attack.kind == "fixed-budget":
        raise BadInput(f"attack {attack.name!r} needs a radius: epsilon=..., in units of [0, 1], such as 8/255")
    return Threat(norm, _ANY.get(norm, 1) if epsilon is None else epsilon)  # type: ignore[arg-type]


def _device_of(model: object, otherwise: torch.device) -> torch.device:
    """Where a module's numbers lie, those of one without any being anywhere."""
    if isinstance(model, nn.Module):
        for tensor in (*model.parameters(), *model.buffers()):
            return tensor.device
    return otherwise
