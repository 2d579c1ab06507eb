"""The inner maximisation of a training loop of one's own, in one call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

import torch
from pydantic import ValidationError
from torch import Tensor, nn

from benchmark.arguments import checked_values
from benchmark.attacks import frozen
from benchmark.attacks.objectives import objective_of
from benchmark.errors import BadInput
from benchmark.methods.batch import Mismatch
from benchmark.methods.inner import Inner, craft
from benchmark.methods.objectives import OBJECTIVES, MakeObjective, Target
from benchmark.noise import BatchNoise
from benchmark.parameters import describe, read
from benchmark.radii import read_number, too_large
from benchmark.recipes.recipe import Radius
from benchmark.threats import Threat

#: Words for objectives that are called after a method here.
_ALSO = {"kl": "trades"}


@checked_values
def perturb(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    *,
    norm: Literal["linf", "l2", "l1"] = "linf",
    epsilon: float | str,
    steps: int = 10,
    step_size: float | str | None = None,
    loss: str | Callable[..., Tensor] = "ce",
    start: Literal["uniform", "gaussian", "zero"] = "uniform",
    keep: Literal["last", "best"] = "last",
    restarts: int = 0,
    bn: Literal["eval", "train"] = "eval",
    k: tuple[int, int] = (5, 20),
    generator: torch.Generator | None = None,
) -> Tensor:
    """Adversarial images to train on: `benchmark.perturb(model, x, y, epsilon=8/255, steps=10)`.

    It is the ascent that `benchmark.train` climbs, on the model itself. The model's mode, that of each of its layers,
    its parameters' flags and gradients are afterwards as they were.

    Args:
        model: images N×C×H×W in [0, 1] → N×K logits, its normalisation inside.
        x: images N×C×H×W, floating-point in [0, 1], on the model's device.
        y: N labels, whole numbers.
        norm: of the ball.
        epsilon: its radius in units of pixels in [0, 1]; a fraction may be a word, "8/255".
        steps: gradient steps.
        step_size: length of one, in the norm's unit; None for 2.5 ε / steps.
        loss: what is climbed: "ce", "kl" (from the clean prediction, as TRADES does), "bce", "margin",
            "least-likely", or a function of (logits, y) or (logits, y, x) that returns one number for each image.
        start: uniformly in the ball, at x plus Gaussian noise of deviation 0.001, or at x.
        keep: the end point, or the point of highest loss.
        restarts: further ascents from points drawn uniformly in the ball, each kept where it ends misclassified.
        bn: mode of the model during the ascent; in "train" mode each pass also moves its running statistics.
        k: l1 only: how many coordinates share a step, drawn from this range.
        generator: of all noise, on the images' device; None to draw its seed from torch's global generator.

    Returns:
        Images like x, detached, inside the ball and [0, 1].

    Raises:
        BadInput: something about the arguments.
    """
    _check_weights(model)
    radius = _checked(x, y, norm, epsilon, steps, step_size, k)
    problems: list[str] = []
    chosen = {"norms": (norm,), "start": start, "keep": keep, "restarts": restarts, "bn": bn}
    told = read(Inner, chosen, problems)
    if problems:
        raise BadInput(f"perturb: {'; '.join(problems)}")
    make = _objective(loss)
    if generator is None:
        seed = int(torch.randint(2**62, ()))
        generator = torch.Generator(x.device).manual_seed(seed)
    with _attacked(model, bn == "train"), torch.inference_mode(False):
        clean, labels = x.detach().clone(), y.detach().clone()
        target = Target(model, clean, labels)
        try:
            objective = make(target)
        except Mismatch as error:
            raise BadInput(f"perturb: loss={loss!r}: {error}") from error
        noise = BatchNoise(len(x), generator)
        (images,) = craft(Inner(make, **told), objective, target, (norm,), {norm: radius}, noise).images
    return images.detach().to(x.dtype)


def _check_weights(model: nn.Module) -> None:
    """Refuse weights of half precision: the ascent and its noise are float32, which such layers do not take."""
    for parameter in model.parameters():
        if parameter.dtype in (torch.float16, torch.bfloat16):
            kind = str(parameter.dtype).removeprefix("torch.")
            raise BadInput(
                f"perturb: the model's weights are {kind}, and images are climbed in float32; keep the weights in "
                "float32, and compute faster within torch.autocast"
            )


def _objective(loss: str | Callable[..., Tensor]) -> MakeObjective:
    if isinstance(loss, str):
        return OBJECTIVES.get(_ALSO.get(loss, loss))
    if not callable(loss):
        raise BadInput(f"perturb: loss: a {type(loss).__name__} is neither a name, such as 'ce', nor a function")
    own = objective_of(loss)
    return lambda target: own


def _checked(
    x: Tensor,
    y: Tensor,
    norm: str,
    epsilon: float | str,
    steps: int,
    step_size: float | str | None,
    k: tuple[int, int],
) -> Radius:
    """The ball and the steps in it.

    Raises:
        BadInput: they are none, or the images or labels are no images or labels.
    """
    if not isinstance(x, Tensor) or x.dim() != 4 or not x.is_floating_point():
        raise BadInput("perturb: x must be a tensor of images N×C×H×W, floating-point in [0, 1]")
    if not isinstance(y, Tensor) or y.shape != x.shape[:1] or y.is_floating_point():
        raise BadInput(f"perturb: y must be a tensor of {len(x)} whole numbers, a label for each image")
    if len(x) and not bool(((x >= 0) & (x <= 1)).all()):
        raise BadInput(
            "perturb: x goes beyond [0, 1]; give images as they are before they are normalised, and the model with "
            "its normalisation inside"
        )
    threat = Threat(norm, epsilon)  # type: ignore[arg-type]
    if problem := too_large(norm, threat.epsilon, tuple(x.shape[1:])):
        raise BadInput(f"perturb: epsilon={epsilon}: {problem}")
    if not isinstance(steps, int) or isinstance(steps, bool) or steps < 1:
        raise BadInput(f"perturb: steps must be a whole number from 1 on, not {steps!r}")
    length = 2.5 * float(threat.epsilon) / steps if step_size is None else read_number(step_size)
    shared = k if norm == "l1" else (1, 1)
    try:
        return Radius(epsilon=float(threat.epsilon), step_size=length, steps=steps, k=shared)
    except ValidationError as error:
        raise BadInput(f"perturb: {error.errors()[0]['loc'][0]}: {describe(error)}") from error


@contextmanager
def _attacked(model: nn.Module, train: bool) -> Iterator[None]:
    """Within this context the model is in one mode, with constant parameters; then as it was, layer by layer."""
    modes = [(module, module.training) for module in model.modules()]
    model.train(train)
    try:
        with frozen(model):
            yield
    finally:
        for module, mode in modes:
            module.training = mode
