"""How each peer library runs an attack, as its documentation shows it: a plain network in, images out.

Nothing is held back from a peer and nothing is added to it: the network is in eval mode and on the right
device, as every user has it. Each function returns candidate images, judged afterwards like ours.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmark.threats import Threat


def foolbox(
    model: nn.Module, x: Tensor, y: Tensor, attack: str, threat: Threat | None, **parameters: object
) -> Tensor:
    """Foolbox's `attack` (a class of foolbox.attacks); minimal attacks get no threat."""
    import foolbox as fb

    wrapped = fb.PyTorchModel(model, bounds=(0, 1), device=x.device)
    made = getattr(fb.attacks, attack)(**parameters)
    epsilons = None if threat is None else threat.epsilon
    raw, clipped, found = made(wrapped, x, fb.criteria.Misclassification(y), epsilons=epsilons)
    # Some of its minimal attacks return a black image where they found nothing.
    return torch.where(found.view(-1, 1, 1, 1), raw, x) if threat is None else clipped


def torchattacks(model: nn.Module, x: Tensor, y: Tensor, attack: str, **parameters: object) -> Tensor:
    """torchattacks' `attack` (a class of the package)."""
    import torchattacks as ta

    result: Tensor = getattr(ta, attack)(model, **parameters)(x, y)
    return result


def advlib(model: nn.Module, x: Tensor, y: Tensor, attack: str, **parameters: object) -> Tensor:
    """adv-lib's `attack` (a function of adv_lib.attacks)."""
    import adv_lib.attacks

    result: Tensor = getattr(adv_lib.attacks, attack)(model=model, inputs=x, labels=y, **parameters)
    return result


def autoattack(model: nn.Module, x: Tensor, y: Tensor, threat: Threat, batch_size: int) -> Tensor:
    """AutoAttack's standard version as published on the package index."""
    from pyautoattack import AutoAttack

    norm = {"linf": "Linf", "l2": "L2", "l1": "L1"}[threat.norm]
    adversary = AutoAttack(model, norm=norm, eps=threat.epsilon, version="standard", seed=0, device=str(x.device))
    result: Tensor = adversary.run_standard_evaluation(x, y, batch_size=batch_size)[0]
    return result
