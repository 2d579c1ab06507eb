"""Attacks that see the network's decision only: boundary and pointwise through Foolbox, HopSkipJump here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from benchmark import threats
from benchmark.attacks.base import Classifier
from benchmark.attacks.libraries import LibraryModel, seeded
from benchmark.attacks.minimal import Closest, MinimalAttack
from benchmark.attacks.objectives import clearly_wrong
from benchmark.attacks.random_noise import SaltAndPepper
from benchmark.attacks.starts import on_the_boundary
from benchmark.noise import Noise


@dataclass(frozen=True)
class Boundary(MinimalAttack):
    """The boundary attack (Brendel et al. 2018), as Foolbox 3 implements it: a random walk along the boundary.

    Foolbox stops with an error when one image has no misclassified start; here starts are found beforehand
    (see `starts`), and an image without one is left as it is. Foolbox draws one direction for the whole
    batch, so results depend on the batch.

    Attributes:
        steps: proposals per image; Foolbox's default is 25000, robust_union's 5000.
    """

    steps: int = 5000

    name: ClassVar[str] = "boundary"
    norms: ClassVar[tuple[str, ...]] = ("l2",)
    source: ClassVar[str] = "foolbox"
    paper: ClassVar[str] = "Brendel et al. 2018, arXiv:1712.04248"
    random: ClassVar[bool] = True
    gradient_free: ClassVar[bool] = True
    batch_independent: ClassVar[bool] = False

    def __post_init__(self) -> None:
        self.require_positive("steps")

    def search(self, classifier: Classifier, x: Tensor, y: Tensor, norm: str, noise: Noise) -> Tensor:
        from foolbox.attacks import BoundaryAttack

        with classifier.exact():
            closest = on_the_boundary(classifier, x, y, norm, noise)
            _improve(BoundaryAttack(steps=self.steps), classifier, x, y, closest, noise.seed())
        return closest.x_adv


@dataclass(frozen=True)
class Pointwise(MinimalAttack):
    """The pointwise attack (Schott et al. 2019), as Foolbox 3 implements it: undo changes one value at a time.

    It begins at the closest salt-and-pepper noise that fools the network, else at another image or uniform noise (see
    `starts`); an image without a start is left as it is. In l2 each remaining value is then bisected.
    Foolbox's random order of values is shared by the batch, so results depend on the batch.

    Attributes:
        noise_steps: salt-and-pepper images tried for the start.
    """

    noise_steps: int = 1000

    name: ClassVar[str] = "pointwise"
    norms: ClassVar[tuple[str, ...]] = ("l1", "l2", "l0")
    source: ClassVar[str] = "foolbox"
    paper: ClassVar[str] = "Schott et al. 2019, arXiv:1805.09190"
    random: ClassVar[bool] = True
    gradient_free: ClassVar[bool] = True
    batch_independent: ClassVar[bool] = False

    def __post_init__(self) -> None:
        self.require_positive("noise_steps")

    def search(self, classifier: Classifier, x: Tensor, y: Tensor, norm: str, noise: Noise) -> Tensor:
        from foolbox.attacks import PointwiseAttack

        with classifier.exact():
            closest = Closest(classifier, x, y, norm)
            sparse = SaltAndPepper(self.noise_steps).search(classifier, x, y, norm, noise)
            with torch.no_grad():
                closest.offer(sparse, clearly_wrong(classifier(sparse), y))
            missing = closest.distance.isinf()
            if bool(missing.any()):
                other = on_the_boundary(classifier, x, y, norm, noise)
                closest.offer(other.x_adv, missing & other.distance.isfinite())
            attack = PointwiseAttack(l2_binary_search=norm == "l2")
            _improve(attack, classifier, x, y, closest, noise.seed())
        return closest.x_adv


def _improve(attack: Any, classifier: Classifier, x: Tensor, y: Tensor, closest: Closest, seed: int) -> None:
    """Run a Foolbox attack from the images in `closest`, where there are any, and keep what is closer."""
    import foolbox

    class Misclassified(foolbox.criteria.Criterion):
        def __repr__(self) -> str:
            return "Misclassified()"

        def __call__(self, perturbed: Any, outputs: Any) -> Any:
            import eagerpy

            return eagerpy.astensor(clearly_wrong(eagerpy.astensor(outputs).raw, labels))

    started = closest.distance.isfinite()
    if not bool(started.any()):
        return
    labels = y[started]
    model = foolbox.PyTorchModel(LibraryModel(classifier, x.device), bounds=(0, 1), device=x.device)
    with seeded(seed), torch.no_grad():
        x_adv = attack.run(model, x[started], Misclassified(), starting_points=closest.x_adv[started])
        wrong = clearly_wrong(classifier(x_adv), labels) & threats.in_box(x_adv)
    closest.offer(x_adv, wrong, started.nonzero().squeeze(1))
