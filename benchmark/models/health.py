"""Is this network fit to be evaluated? Asked once when it is loaded, so that no attack is misled later."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from benchmark.arithmetic import full_precision
from benchmark.errors import FOREIGN, BadInput, first_line, reason
from benchmark.generators import OwnGenerators
from benchmark.memory import halve_on_out_of_memory, is_out_of_memory
from benchmark.models.adapting import Adapted

#: How many of the given images are looked at with their negatives, and alone.
IMAGES = 8

#: How often the same few images are shown in all: networks that count their calls have changed at the tenth, say.
ASKED = 20

#: Largest difference between two float32 evaluations of one image, relative to what tells its classes apart, and how
#: much of a logit's size may be lost in roundings: 2^-18 are 64 of the last ones.
TOLERANCE, ROUNDINGS = 1e-3, 2.0**-18

_NEIGHBOURS = (
    "the network's logits for an image depend on the other images of the batch{}; "
    "put it into eval mode, give its batch norm running statistics, and don't quantise it dynamically"
)


def check_model(
    model: Callable[[Tensor], Tensor],
    x: Tensor,
    num_classes: int,
    last_layer: str = "",
    searched: Callable[[Tensor], Tensor] | None = None,
    is_random: bool = False,
) -> list[str]:
    """Try `model` on a few images, their negatives beside them; a module is put into eval mode first.

    Then all the images are shown at once, and again in another order among others: as many should be given as will
    be judged at once.

    Args:
        model: what will be attacked: images N×C×H×W in [0, 1] → N×K logits.
        x: some images, on the model's device.
        num_classes: K.
        last_layer: the layer at its end that attacks do without; "" for none.
        searched: what attacks follow back to the image, where that is not `model`.
        is_random: whether it is said to draw random numbers, so that its answers may change from call to call.

    Returns:
        What is odd but no obstacle, a sentence each: it was in training mode; it returns probabilities, or what may
        be some; it gives the same logits for every image; it passes no gradient back to the image; it has no answer
        for some.

    Raises:
        BadInput: it can't be called, fails, returns something else than N×K logits or finite ones for no image,
            changes the images or goes into training mode, or its answer for an image changes from call to call or
            with the images beside it.
    """
    if not callable(model):
        raise BadInput(f"the model is a {type(model).__name__}, which can't be called; give a torch.nn.Module")
    if not (float(x.min()) >= 0 and float(x.max()) <= 1):
        raise BadInput(f"the images must lie in [0, 1] but run from {float(x.min()):.8g} to {float(x.max()):.8g}")
    try:
        with OwnGenerators(device=x.device), full_precision():
            return _tried(model, x, num_classes, last_layer, searched or model, is_random)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise BadInput(f"{x.device} has too little memory for the network and {2 * IMAGES} images at once") from error


def differing(first: Tensor, second: Tensor, tolerance: float = TOLERANCE) -> Tensor:
    """Which rows of two N×K logits are not the same answer (N bools).

    They are not where one is no answer, or where they lie apart by more than `tolerance` of what tells an image's
    classes apart: the largest distance of a logit from the middle of its row's. Large logits that are all alike may
    differ by as much as they are rounded; an offset, or a scale, hides nothing.
    """
    answered = torch.isfinite(first).all(1), torch.isfinite(second).all(1)
    both = answered[0] & answered[1]
    known = first[answered[0]]
    spread = (known.amax(1) - known.amin(1)).max() / 2 if len(known) else first.new_zeros(())
    size = known.abs().max() if len(known) else spread
    apart = (first - second).abs().amax(1)
    return (answered[0] != answered[1]) | (both & (apart > tolerance * spread + ROUNDINGS * size))


def _tried(
    model: Callable[[Tensor], Tensor],
    x: Tensor,
    num_classes: int,
    last_layer: str,
    searched: Callable[[Tensor], Tensor],
    is_random: bool,
) -> list[str]:
    warnings: list[str] = []
    if isinstance(model, nn.Module) and model.training:
        model.eval()
        warnings.append("the network was in training mode; it was put into eval mode")
    batch = torch.cat([x[:IMAGES], 1 - x[:IMAGES]])
    handed = batch.clone()
    logits = _logits(model, batch, num_classes)
    if not torch.equal(batch, handed):
        raise BadInput("the network changes the images it is given; compute x = x - mean instead of x -= mean")
    changes = bool(differing(logits, _logits(model, batch, num_classes)).any())
    if changes and not is_random:
        raise BadInput(
            "the network returns different logits in a repeated call; switch its randomness (dropout, noise, random "
            "resizing) off, or have it evaluated as random: bench evaluate --stochastic 20, in Python stochastic=20"
        )
    alone = torch.cat([_logits(model, row[None], num_classes) for row in batch[:2]])
    if not changes and bool(differing(logits[:2], alone).any()):
        raise BadInput(_NEIGHBOURS.format(""))
    crowd = _crowd(model, x, num_classes)
    if not bool(torch.isfinite(crowd).all(1).any()):
        raise BadInput(
            "the network returns NaN or infinite logits for every image; its weights are damaged or overflow"
        )
    if not changes:
        _refuse_other_answers_in_a_crowd(model, x, crowd, num_classes)
    for _ in range(ASKED - 2):
        again = _logits(model, batch[:2], num_classes)
    if ASKED > 2 and not is_random and bool(differing(logits[:2], again).any()):
        raise BadInput(
            f"the network gives other logits after {ASKED} calls; it must not keep anything from one call to the next"
        )
    if isinstance(model, nn.Module) and any(module.training for module in model.modules()):
        raise BadInput("the network goes into training mode when it is called; let it stay in eval mode")
    warnings += _adapted(model)
    if is_random and not changes:
        warnings.append("the network was said to draw random numbers, and gave the same answers in a repeated call")
    found = _probabilities(torch.cat([logits, crowd]), last_layer)
    return warnings + found + _oddities(searched, batch, logits, crowd)


def _adapted(model: Callable[[Tensor], Tensor]) -> list[str]:
    """Which of several things that the network returns are taken for its logits."""
    parts = model.modules() if isinstance(model, nn.Module) else ()
    taken = [part.taken for part in parts if isinstance(part, Adapted) and part.taken]
    return [f"the network returns several things, of which {place} is taken for its logits" for place in taken]


def _refuse_other_answers_in_a_crowd(
    model: Callable[[Tensor], Tensor], x: Tensor, logits: Tensor, num_classes: int
) -> None:
    """Show all images again, the last ones first, and every other one between the negatives of its neighbours."""
    backwards = _crowd(model, x.flip(0), num_classes).flip(0)
    mixed = x.clone()
    mixed[1::2] = 1 - x[1::2]
    among_others = _crowd(model, mixed, num_classes)
    if bool(differing(logits, backwards).any()) or bool(differing(logits[::2], among_others[::2]).any()):
        raise BadInput(_NEIGHBOURS.format(f" when there are {len(x)}"))


def _crowd(model: Callable[[Tensor], Tensor], x: Tensor, num_classes: int) -> Tensor:
    return halve_on_out_of_memory(lambda rows: _logits(model, x[rows], num_classes), len(x))


def _logits(model: Callable[[Tensor], Tensor], x: Tensor, num_classes: int) -> Tensor:
    shape = " × ".join(map(str, x.shape))
    try:
        with torch.no_grad():
            logits = model(x)
    except FOREIGN as error:  # a foreign network may raise anything
        if is_out_of_memory(error) and len(x) > 1:
            raise
        told = first_line(error) if isinstance(error, Exception) else reason(error)  # of sys.exit(3) all it says is 3
        raise BadInput(
            f"the network fails on float32 images {shape} on {x.device}: {told}; "
            "check its image size, channels, precision and device"
        ) from error
    if not isinstance(logits, Tensor):
        raise BadInput(
            f"the network returns a {type(logits).__name__}, not a tensor; wrap it so that only logits come back"
        )
    if logits.is_nested or logits.is_meta or logits.layout != torch.strided:
        raise BadInput("the network returns no dense tensor of numbers; return one, such as logits.to_dense()")
    if tuple(logits.shape) != (len(x), num_classes):
        found = " × ".join(map(str, logits.shape)) or "a single number"
        raise BadInput(
            f"the network returns {found} for {len(x)} images of {num_classes} classes, "
            f"not {len(x)} × {num_classes} logits; was it made for another dataset?"
        )
    if not logits.is_floating_point():
        raise BadInput(f"the network returns {logits.dtype}, not logits; leave its argmax out")
    return logits.float().clone()  # a network may write its next logits where it wrote these


def _oddities(searched: Callable[[Tensor], Tensor], batch: Tensor, logits: Tensor, crowd: Tensor) -> list[str]:
    found = []
    silent = int((~torch.isfinite(crowd).all(1)).sum())
    if silent:
        found.append(
            f"the network returns NaN or infinite logits for {silent} of the first {len(crowd)} images; "
            "they count as misclassified"
        )
    if float(logits.max(0).values.sub(logits.min(0).values).max()) == 0:
        found.append("the network gives the same logits for every image")
    if not _has_gradient(searched, batch[:2]):
        found.append("the network passes no gradient back to the image: gradient-based attacks will fail")
    return found


def _probabilities(outputs: Tensor, last_layer: str) -> list[str]:
    """Whether what it returns for all images, N×K, may be probabilities, and what becomes of its gradients."""
    answers = outputs[torch.isfinite(outputs).all(1)]
    if not bool(((answers >= 0) & (answers <= 1)).all()) or bool((answers == answers[0]).all()):
        return []
    if last_layer:
        return [
            f"the network returns probabilities: attacks search on the logits before its last layer, a {last_layer}; "
            "verdicts are of the whole network"
        ]
    if bool(((answers.sum(1) - 1).abs() < 1e-4).all()):
        return [
            "the network returns probabilities, whose gradients vanish where it is confident; leave its softmax out"
        ]
    return [
        "all that the network returns lies in [0, 1], like the probabilities of a sigmoid, whose gradients vanish "
        "where it is sure; if there is one at its end, leave it out"
    ]


def _has_gradient(model: Callable[[Tensor], Tensor], x: Tensor) -> bool:
    x = x.detach().clone().requires_grad_()
    try:
        with torch.enable_grad():
            (gradient,) = torch.autograd.grad(model(x).float().logsumexp(1).sum(), x)
    except FOREIGN as error:  # its output doesn't depend differentiably on x, or it refuses to be followed back
        if is_out_of_memory(error):
            raise
        return False
    return bool((gradient != 0).any())
