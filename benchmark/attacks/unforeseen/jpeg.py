"""JPEG: rounding errors of a JPEG file, chosen by an adversary."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmark.attacks.ascent import Decode
from benchmark.attacks.unforeseen.latent import LatentAttack, in_byte_units
from benchmark.noise import Noise
from benchmark.parameters import Positive

#: The quantisation tables of the JPEG standard (ITU T.81, annex K), quality 50; rows are vertical frequencies.
LUMA = (
    *(16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55),
    *(14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62),
    *(18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92),
    *(49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99),
)
CHROMA = (
    *(17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99),
    *(24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99),
    *(99,) * 32,
)
_TO_RGB = ((1.0, 0.0, 1.402), (1.0, -0.344136, -0.714136), (1.0, 1.772, 0.0))
_BLOCK = 8


@dataclass(frozen=True)
class JPEG(LatentAttack):
    """Every quantised DCT coefficient of the image moves by up to ε/2: with ε = 1 as far as rounding may move it.

    Brightness in blocks of 8×8 pixels, the two colours in blocks of 16×16, in steps of the standard's
    tables at quality 50 (the calibration has ε from 0.03125 to 1 for CIFAR-10). Everything but the final clamp is
    linear, so the change is added to the image, whose own colours keep their full resolution; the published
    code halves it. Images with other than three channels have each treated as brightness.
    """

    step_size: Positive = 1 / (2 * math.sqrt(200))

    name: ClassVar[str] = "jpeg"
    norms: ClassVar[tuple[str, ...]] = ("jpeg",)

    def latent(self, x: Tensor, epsilon: float, noise: Noise) -> tuple[Tensor, Decode]:
        channels, height, width = x.shape[1:]
        colour = channels == 3
        side = 2 * _BLOCK if colour else _BLOCK
        down, across = side * -(-height // side), side * -(-width // side)
        luma = (1 if colour else channels, down, across)
        chroma = (2, down // 2, across // 2)
        strength = in_byte_units(epsilon) / 2
        to_rgb = torch.tensor(_TO_RGB, device=x.device)
        basis, steps = _cosines(x), {table: _steps(table, x) for table in (LUMA, CHROMA)}

        def decode(z: Tensor, rows: Tensor) -> Tensor:
            moved = strength * (2 * z - 1)
            change = _from_coefficients(moved[:, : math.prod(luma)].view(-1, *luma), steps[LUMA], basis)
            if colour:
                colours = _from_coefficients(moved[:, math.prod(luma) :].view(-1, *chroma), steps[CHROMA], basis)
                ycc = torch.cat([change, F.interpolate(colours, scale_factor=2, mode="nearest")], dim=1)
                change = torch.einsum("ck,nkhw->nchw", to_rgb, ycc)
            return (x[rows] + change[:, :, :height, :width]).clamp(0, 1)

        return noise.uniform(math.prod(luma) + (math.prod(chroma) if colour else 0)), decode


def _from_coefficients(coefficients: Tensor, steps: Tensor, basis: Tensor) -> Tensor:
    """Pixels N×C×H×W of quantised DCT coefficients that lie where their block's pixels will."""
    n, c, height, width = coefficients.shape
    blocks = coefficients.view(n, c, height // _BLOCK, _BLOCK, width // _BLOCK, _BLOCK)
    return torch.einsum("ncaubv,uy,vx->ncaybx", blocks * steps, basis, basis).reshape(n, c, height, width)


def _steps(table: tuple[int, ...], like: Tensor) -> Tensor:
    """A table's steps as they lie beside a block's coefficients."""
    return torch.tensor(table, dtype=like.dtype, device=like.device).view(_BLOCK, 1, _BLOCK)


def _cosines(like: Tensor) -> Tensor:
    """The orthonormal DCT-II basis: row u holds frequency u at the eight positions."""
    position = torch.arange(_BLOCK, dtype=like.dtype, device=like.device)
    basis = torch.cos(math.pi / _BLOCK * (position + 0.5) * position[:, None]) / 2
    basis[0] /= math.sqrt(2)
    return basis
