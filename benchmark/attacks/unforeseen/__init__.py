"""Changes that no norm describes: fog, Gabor noise, warping, snow, JPEG (Kang et al. 2019, arXiv:1908.08016).

Each makes an image from latent variables in [0, 1], differentiably and for every size from 8 pixels on,
and climbs over these variables with the one ascent loop. The radii are in the paper's own units.
"""

from __future__ import annotations

from benchmark.attacks.unforeseen.elastic import Elastic
from benchmark.attacks.unforeseen.fog import Fog
from benchmark.attacks.unforeseen.gabor import Gabor
from benchmark.attacks.unforeseen.jpeg import JPEG
from benchmark.attacks.unforeseen.snow import Snow

__all__ = ["JPEG", "Elastic", "Fog", "Gabor", "Snow"]
