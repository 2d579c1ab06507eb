"""Where success is decided, and nowhere else: a fresh float32 pass of the original network on each candidate."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor, nn

from benchmark.arithmetic import full_precision, repeatable_convolutions
from benchmark.attacks.eight_bit import eight_bit
from benchmark.attacks.objectives import has_answer, own_logits
from benchmark.evaluation.judging import SINGLE, Judging
from benchmark.evaluation.votes import Votes
from benchmark.generators import OwnGenerators, generators_of
from benchmark.memory import halve_on_out_of_memory
from benchmark.threats import Threat, column, in_box


class AttackFault(Exception):
    """An attack returned something that is no candidate at all; the message says what."""


@dataclass(frozen=True)
class Verdict:
    """What verification found out about N candidates.

    Attributes:
        wrong: N bools, the candidate is admissible and the network misclassifies it or has no answer.
        broken: N bools, `wrong` and within ε.
        no_answer: N bools, `broken` by logits that are not finite.
        distance: N float32, ‖x_adv − x‖ in the threat's norm where `wrong`, else inf.
        judged: N×C×H×W, the images that the network was shown: the candidates, or the clean image where one was not
            handed over or not admissible.
        logits: N×K, what it answered to them; over several passes their mean.
        wrong_share: N float32, in which share of the passes it misclassified them or had no answer.
        classes: N class indices, what it took them for in these passes, see `votes.Votes.classes`.
        faults: why candidates were rejected → how many.
    """

    wrong: Tensor
    broken: Tensor
    no_answer: Tensor
    distance: Tensor
    judged: Tensor
    logits: Tensor
    wrong_share: Tensor
    classes: Tensor
    faults: dict[str, int] = field(default_factory=dict)


class Asked(NamedTuple):
    """Of N images: logits N×K, the mean over the passes; in which share of them it was wrong; and the classes."""

    logits: Tensor
    wrong_share: Tensor
    classes: Tensor


def verify(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    x_adv: Tensor,
    handed: Tensor,
    threat: Threat,
    kind: str,
    judging: Judging = SINGLE,
    seed: int | None = None,
) -> Verdict:
    """Judge the candidates of one attack.

    All N rows are passed through the network, also those that were not attacked: an example thus always stands
    at the same place of the same batch, and its verdict can't depend on which others were attacked.

    Args:
        model: the original network in float32 and eval mode.
        x, y: clean images N×C×H×W in [0, 1] and labels N.
        x_adv: candidates, like `x`.
        handed: N bools, which rows the attack was given; the others are never broken.
        threat: norm and ε.
        kind: "fixed-budget" (a candidate outside the ball is a fault) or "minimum-norm" (it is merely too far away).
        judging: how many passes vote, and whether candidates are rounded to eight bits.
        seed: of what a random network draws; None to let its own stream go on.

    Raises:
        AttackFault: `x_adv` has not the shape and type of `x`.
    """
    check_candidates(x_adv, x)
    x_adv = torch.where(handed.view(-1, *[1] * (x.dim() - 1)), x_adv.detach(), x)
    finite = torch.isfinite(x_adv.flatten(1)).all(1)
    if judging.eight_bit:
        x_adv = torch.where(handed.view(-1, *[1] * (x.dim() - 1)), rounded(x, x_adv, threat, kind), x_adv)
    boxed, inside = in_box(x_adv), threat.contains(x, x_adv)
    admissible = handed & (inside if kind == "fixed-budget" else boxed)
    faults = {
        "not finite": handed & ~finite,
        "outside the box [0, 1]": handed & finite & ~boxed,
        f"outside the ball {threat}": handed & boxed & ~inside & (kind == "fixed-budget"),
    }
    judged = torch.where(admissible.view(-1, *[1] * (x.dim() - 1)), x_adv, x)
    logits, wrong_share, classes = asked(model, judged, y, judging.verdict_passes, seed)
    wrong = admissible & (wrong_share >= 0.5)
    distance = threat.distance(judged - x).float()
    return Verdict(
        wrong=wrong,
        broken=wrong & inside,
        no_answer=wrong & inside & ~has_answer(logits),
        distance=torch.where(wrong, distance, torch.full_like(distance, torch.inf)),
        judged=judged,
        logits=logits,
        wrong_share=wrong_share,
        classes=classes,
        faults={reason: int(rows.sum()) for reason, rows in faults.items() if bool(rows.any())},
    )


def rounded(x: Tensor, x_adv: Tensor, threat: Threat, kind: str) -> Tensor:
    """The candidates `x_adv` in eight bits; what is none stays what it is, to be refused as such."""
    within = kind == "fixed-budget"
    fine = threat.contains(x, x_adv) if within else in_box(x_adv)
    return torch.where(column(fine, x), eight_bit(x, x_adv, threat, within), x_adv)


def asked(model: nn.Module, x: Tensor, y: Tensor, passes: int = 1, seed: int | None = None) -> Asked:
    """What the network says of the images `x` in so many float32 passes.

    Args:
        seed: of what the network draws from the global generators; None to let its own stream go on.

    Raises:
        NoLogits: it returns something else than a row of logits for each image.
    """
    draws = None if seed is None else OwnGenerators(seed % 2**32, x.device)
    total, votes = torch.zeros(()), Votes(y)
    for count in range(passes):
        logits = exact_logits(model, x, draws)
        total = logits if count == 0 else total + logits
        votes.add(logits)
    return Asked(total if passes == 1 else total / passes, votes.wrong_share, votes.classes())


def check_candidates(x_adv: object, x: Tensor) -> None:
    """Refuse what can't be candidates for the images `x`.

    Raises:
        AttackFault: not a tensor, or of another shape or type.
    """
    if not isinstance(x_adv, Tensor):
        raise AttackFault(f"returned {type(x_adv).__name__} instead of a tensor of images")
    if x_adv.shape != x.shape:
        raise AttackFault(f"returned images of shape {list(x_adv.shape)} instead of {list(x.shape)}")
    if x_adv.dtype != x.dtype:
        raise AttackFault(f"returned images of type {x_adv.dtype} instead of {x.dtype}")
    if x_adv.device != x.device or x_adv.layout != x.layout:
        found, asked = (f"{tensor.layout} on {tensor.device}".removeprefix("torch.") for tensor in (x_adv, x))
        raise AttackFault(f"returned images that are {found} instead of {asked}")


def exact_logits(model: nn.Module, x: Tensor, draws: OwnGenerators | None = None) -> Tensor:
    """Logits N×K of a float32 pass: eval mode, no autocast, no TF32, no gradients.

    The network gets images and generators of its own, or `draws`, so that it can change neither `x` nor what
    anybody else draws.

    Raises:
        NoLogits: it returns something else than a row of logits for each image.
    """
    model.eval()
    own = draws or generators_of(model, x.device)
    exact = full_precision(), repeatable_convolutions()
    with torch.no_grad(), torch.autocast(x.device.type, enabled=False), exact[0], exact[1], own:
        return halve_on_out_of_memory(lambda rows: own_logits(model(x[rows].clone()), len(x[rows])), len(x))
