"""Is this network fit to be evaluated? Asked once when it is loaded, so that no attack is misled later."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from benchmark.errors import BadInput, first_line

#: How many of the given images are looked at.
IMAGES = 8

#: Largest difference between two float32 evaluations of one image, relative to the largest logit.
TOLERANCE = 1e-3


def check_model(model: Callable[[Tensor], Tensor], x: Tensor, num_classes: int) -> list[str]:
    """Try `model` on a few images, their negatives beside them; a module is put into eval mode first.

    Args:
        model: what will be attacked: images N×C×H×W in [0, 1] → N×K logits.
        x: some images, on the model's device.
        num_classes: K.

    Returns:
        What is odd but no obstacle, a sentence each: it was in training mode; it returns probabilities;
        it gives the same logits for every image; it passes no gradient back to the image.

    Raises:
        BadInput: it can't be called, fails, returns something else than N×K finite logits, changes the images,
            or its answer for an image changes from call to call or with the images beside it.
    """
    if not callable(model):
        raise BadInput(f"the model is a {type(model).__name__}, which can't be called; give a torch.nn.Module")
    if not (float(x.min()) >= 0 and float(x.max()) <= 1):
        raise BadInput(f"the images must lie in [0, 1] but run from {float(x.min()):g} to {float(x.max()):g}")
    warnings = []
    if isinstance(model, nn.Module) and model.training:
        model.eval()
        warnings.append("the network was in training mode; it was put into eval mode")
    batch = torch.cat([x[:IMAGES], 1 - x[:IMAGES]])
    handed = batch.clone()
    logits = _logits(model, batch, num_classes)
    if not torch.equal(batch, handed):
        raise BadInput("the network changes the images it is given; compute x = x - mean instead of x -= mean")
    allowed = TOLERANCE * (1 + float(logits.abs().max()))
    if _differ(logits, _logits(model, batch, num_classes), allowed):
        raise BadInput(
            "the network gives other logits when it is asked again; "
            "switch its randomness (dropout, noise, random resizing) off"
        )
    alone = torch.cat([_logits(model, row[None], num_classes) for row in batch[:2]])
    if _differ(logits[:2], alone, allowed):
        raise BadInput(
            "the network's logits for an image depend on the other images of the batch; "
            "put it into eval mode, give its batch norm running statistics, and don't quantise it dynamically"
        )
    return warnings + _oddities(model, batch, logits)


def _logits(model: Callable[[Tensor], Tensor], x: Tensor, num_classes: int) -> Tensor:
    shape = " × ".join(map(str, x.shape))
    try:
        with torch.no_grad():
            logits = model(x)
    except Exception as error:  # a foreign network may raise anything
        raise BadInput(
            f"the network fails on float32 images {shape} on {x.device}: {first_line(error)}; "
            "check its image size, channels, precision and device"
        ) from error
    if not isinstance(logits, Tensor):
        raise BadInput(
            f"the network returns a {type(logits).__name__}, not a tensor; wrap it so that only logits come back"
        )
    if tuple(logits.shape) != (len(x), num_classes):
        found = " × ".join(map(str, logits.shape)) or "a single number"
        raise BadInput(
            f"the network returns {found} for {len(x)} images of {num_classes} classes, "
            f"not {len(x)} × {num_classes} logits; was it made for another dataset?"
        )
    if not logits.is_floating_point():
        raise BadInput(f"the network returns {logits.dtype}, not logits; leave its argmax out")
    if not bool(torch.isfinite(logits).all()):
        raise BadInput("the network returns NaN or infinite logits; its weights are damaged or overflow")
    return logits.float()


def _differ(first: Tensor, second: Tensor, allowed: float) -> bool:
    return float((first - second).abs().max()) > allowed


def _oddities(model: Callable[[Tensor], Tensor], batch: Tensor, logits: Tensor) -> list[str]:
    found = []
    if bool((logits >= 0).all()) and bool(((logits.sum(1) - 1).abs() < 1e-4).all()):
        found.append(
            "the network returns probabilities, whose gradients vanish where it is sure; leave its softmax out"
        )
    if float(logits.max(0).values.sub(logits.min(0).values).max()) == 0:
        found.append("the network gives the same logits for every image")
    if not _has_gradient(model, batch[:2]):
        found.append("the network passes no gradient back to the image: attacks that follow gradients see nothing")
    return found


def _has_gradient(model: Callable[[Tensor], Tensor], x: Tensor) -> bool:
    x = x.detach().clone().requires_grad_()
    try:
        with torch.enable_grad():
            (gradient,) = torch.autograd.grad(model(x).float().logsumexp(1).sum(), x)
    except RuntimeError:  # its output doesn't depend differentiably on x
        return False
    return bool((gradient != 0).any())
