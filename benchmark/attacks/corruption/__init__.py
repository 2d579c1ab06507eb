"""Common corruptions (Hendrycks & Dietterich 2019, arXiv:1903.12261), computed here, nothing downloaded.

Strengths are those of CIFAR-10-C; lengths in pixels grow with the side of images larger than 32. Where the
original uses what is not at hand (ImageMagick, photographs of frost), the function says what it does instead,
so numbers are close to those of the published files and not the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar

from torch import Tensor

from benchmark.attacks.base import Attack, Classifier
from benchmark.attacks.corruption import blur, digital, noises, weather
from benchmark.errors import BadInput
from benchmark.noise import Noise
from benchmark.parameters import one_of
from benchmark.threats import Threat

#: (images, severity from 0 for the mildest to 4, noise) → corrupted images, not yet clamped to the box.
CORRUPTIONS: dict[str, Callable[[Tensor, int, Noise], Tensor]] = {
    "gaussian-noise": noises.gaussian,
    "shot-noise": noises.shot,
    "impulse-noise": noises.impulse,
    "defocus-blur": blur.defocus,
    "glass-blur": blur.glass,
    "motion-blur": blur.motion,
    "zoom-blur": blur.zoom,
    "snow": weather.snow,
    "frost": weather.frost,
    "fog": weather.fog,
    "brightness": weather.brightness,
    "contrast": digital.contrast,
    "elastic": digital.elastic,
    "pixelate": digital.pixelate,
    "jpeg": digital.jpeg,
}
#: Those that do the same to an image each time.
_FIXED = ("defocus-blur", "zoom-blur", "brightness", "contrast", "pixelate", "jpeg")


@dataclass(frozen=True)
class Corruption(Attack):
    """One kind of corruption at severity ε, from 1 to 5. It asks the network nothing.

    Strengths are those of CIFAR-10-C; lengths in pixels grow with the side of images larger than 32.

    Attributes:
        corruption: which kind.
    """

    corruption: Annotated[str, one_of(CORRUPTIONS)] = "gaussian-noise"

    name: ClassVar[str] = "corruption"
    kind: ClassVar[str] = "fixed-budget"
    norms: ClassVar[tuple[str, ...]] = ("corruption",)
    paper: ClassVar[str] = "Hendrycks & Dietterich 2019, arXiv:1903.12261"
    random: ClassVar[bool] = True
    gradient_free: ClassVar[bool] = True

    def uses_noise(self, norm: str) -> bool:
        return self.corruption not in _FIXED

    def check(self, threat: Threat, where: str = "") -> None:
        """Raises BadInput unless the threat is a corruption of severity 1, 2, 3, 4 or 5."""
        super().check(threat, where)
        if threat.epsilon not in range(1, 6):
            place = f"{where}: " if where else ""
            raise BadInput(f"{place}epsilon of a corruption is its severity, 1 to 5, not {threat.epsilon:g}")

    def __call__(self, classifier: Classifier, x: Tensor, y: Tensor, threat: Threat, noise: Noise) -> Tensor:
        self.check(threat)
        return CORRUPTIONS[self.corruption](x, int(threat.epsilon) - 1, noise).clamp(0, 1)
