"""What attacks climb: per-example losses of logits. Larger is worse for the network."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmark.errors import BadInput
from benchmark.own.functions import OwnFunction

#: (logits N×K, labels N, the images N×C×H×W that gave the logits) → N losses.
Objective = Callable[[Tensor, Tensor, Tensor], Tensor]


def cross_entropy(logits: Tensor, y: Tensor, x: Tensor | None = None) -> Tensor:
    """−log p_y, in float32 at least.

    Args:
        logits: N×K.
        y: N labels, int64.
        x: not used; there so that all objectives are called alike.

    Returns:
        N losses.
    """
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    return F.cross_entropy(logits, y, reduction="none")


def margin(logits: Tensor, y: Tensor, x: Tensor | None = None) -> Tensor:
    """max_{k≠y} z_k − z_y: positive exactly where misclassified (Carlini & Wagner 2017, f₆ without its clamp).

    Args:
        logits: N×K.
        y: N labels, int64.
        x: not used; there so that all objectives are called alike.

    Returns:
        N losses, in the unit of the logits.
    """
    return best_other(logits, y) - logits.gather(1, y[:, None]).squeeze(1)


def best_other(logits: Tensor, y: Tensor) -> Tensor:
    """max_{k≠y} z_k for each row."""
    return logits.scatter(1, y[:, None], -torch.inf).amax(1)


def has_answer(logits: Tensor) -> Tensor:
    """Which rows are an answer (N bools): all their logits are finite. NaN and infinity classify nothing."""
    return torch.isfinite(logits).all(1)


def own_logits(returned: object, images: int, num_classes: int | None = None) -> Tensor:
    """What a network returned for so many images as N×K float32 of one's own, which its next call can't overwrite.

    Args:
        returned: anything; for clean images it was logits when the network was tried.
        images: N.
        num_classes: K, if it is to be looked at.

    Raises:
        NoLogits: it is not N×K numbers. Fewer rows would be compared with all labels, as if each were every image's.
    """
    if not isinstance(returned, Tensor):
        kind = type(returned).__name__
        raise NoLogits(f"the network returned a {kind} for {images} images, not a tensor of logits")
    classes = returned.shape[-1] if num_classes is None and returned.dim() else num_classes
    if tuple(returned.shape) != (images, classes):
        found = " × ".join(map(str, returned.shape)) or "a single number"
        asked = f"{images} × {num_classes or 'K'}"
        raise NoLogits(f"the network returned {found} for {images} images, not {asked} logits")
    return returned.to(torch.float32, copy=True)


class NoLogits(RuntimeError):
    """A network returned something else than logits for images that an attack made."""


def is_wrong(logits: Tensor, y: Tensor) -> Tensor:
    """Which rows are not classified as `y`: another class is the likeliest, or there is no finite answer.

    Args:
        logits: N×K.
        y: N labels, int64.

    Returns:
        N bools.
    """
    return (logits.argmax(1) != y) | ~has_answer(logits)


def clearly_wrong(logits: Tensor, y: Tensor) -> Tensor:
    """Which rows are misclassified by more than rounding: what searches along the boundary have to ask.

    Their points end up so close to it that the same network, computed in another order, may see them on the
    other side, and a verdict that another pass overturns is worth nothing.
    """
    return (margin(logits, y) > 1e-5 * logits.abs().amax(1)) | ~has_answer(logits)


def losses(objective: Objective, logits: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """`objective` of each row, infinite where there is no answer, since nothing is worse for the network."""
    return torch.where(has_answer(logits), objective(logits, y, x), torch.inf)


OBJECTIVES: dict[str, Objective] = {"ce": cross_entropy, "margin": margin}


def objective_of(loss: str | Callable[..., Tensor]) -> Objective:
    """The objective that `loss` names, or that a function of one's own is, of (logits, y) or (logits, y, x)."""
    if isinstance(loss, str) and not isinstance(loss, OwnFunction):
        return OBJECTIVES[loss]
    return _Own(loss.function if isinstance(loss, OwnFunction) else loss)


class _Own:
    """A per-example loss of one's own."""

    def __init__(self, function: Callable[..., Tensor]) -> None:
        self._function = function
        self._takes = _asked(function)

    def __call__(self, logits: Tensor, y: Tensor, x: Tensor) -> Tensor:
        loss = self._function(*(logits, y, x)[: self._takes])
        if not isinstance(loss, Tensor) or loss.shape != y.shape:
            what = f"shape {[*loss.shape]}" if isinstance(loss, Tensor) else f"type {type(loss).__name__}"
            name = getattr(self._function, "__name__", "the loss")
            raise BadInput(
                f"the loss {name} returned something of {what} for {len(y)} images; it has to return one number for "
                "each, as with reduction='none'"
            )
        return loss


def _asked(function: Callable[..., Tensor]) -> int:
    """How many of (logits, y, x) a function can't do without; a third one with a default is no image."""
    try:
        given = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # one that tells nothing about itself
        return 2
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    needed = [each for each in given if each.kind in positional and each.default is inspect.Parameter.empty]
    return 3 if len(needed) > 2 else 2
