"""Images and labels that a caller has in memory, as the tensors that everything here works on."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmark.errors import BadInput, notice, short

Array = Tensor | NDArray[Any]

LAYOUTS = ("NCHW", "NHWC")

#: By so much values leave [0, 1] where somebody computed them, and meant no other range.
_ROUNDING = 1e-3

#: No brighter than one grey level of 255, and rounded.
_DARK = 1.001 / 255

#: No image has more channels or shorter sides, where its layout is to be told from its shape.
MOST_CHANNELS, LEAST_SIDE = 4, 8

#: Labels beyond are no places of classes.
MOST_CLASSES = 100_000

#: Kinds of whole numbers that torch holds and does not compute with.
UNSIGNED = (torch.uint16, torch.uint32, torch.uint64)


class UnclearLayout(BadInput):
    """Whether images are N×C×H×W or N×H×W×C can't be told from their shape.

    Attributes:
        what: the sentence without what to do.
    """

    def __init__(self, what: str, way: str = "say layout='NCHW' or layout='NHWC'") -> None:
        super().__init__(f"{what}; {way}")
        self.what = what


def images_of(x: Array, where: str = "x", layout: str | None = "NCHW") -> Tensor:
    """`x` as images N×C×H×W on its device: uint8 in 0..255 as it is, floating-point numbers as float32 in [0, 1].

    Args:
        x: N×C×H×W, or N×H×W×C; N×H×W are grey images where the layout is to be found out.
        where: what to call it in messages.
        layout: "NCHW" or "NHWC"; None to tell it from the shape, where it can be told.

    Raises:
        BadInput: it is no such array, its layout can't be told, or a value is outside the range.
    """
    images = tensor_of(x, where)
    images = _laid_out(images, where, layout)
    if not images.numel():
        raise BadInput(f"{where} has no images: its shape is {_told(images)}")
    if images.dtype == torch.uint8:
        doubt_darkness(images, where)
        return images.contiguous()
    if not images.is_floating_point():
        raise BadInput(
            f"{where} is {_kind(images)}; give uint8 in 0..255, or floating-point numbers in [0, 1], such as "
            f"x / {_white(images)}"
        )
    images = images.to(torch.float32).contiguous()
    check_range(images, where)
    doubt_darkness(images, where)
    return images


def labels_of(y: Array, images: int, where: str = "y") -> Tensor:
    """`y` as N int64 labels on its device; a column N×1 is taken, too.

    Raises:
        BadInput: they are no whole numbers from 0 on, or not one for each of so many `images`.
    """
    labels = tensor_of(y, where)
    if labels.dim() == 2 and labels.shape[1] == 1:
        labels = labels.squeeze(1)
    if labels.dim() != 1:
        hint = "; of one-hot rows give the place of the one, argmax(1)" if labels.dim() == 2 else ""
        raise BadInput(f"{where} must be one label per image, not {_told(labels)}{hint}")
    if labels.dtype == torch.bool or labels.is_floating_point() or labels.is_complex():
        raise BadInput(f"{where} is {_kind(labels)}; labels are whole numbers: the classes' places, from 0 on")
    if len(labels) != images:
        raise BadInput(f"{where}: {len(labels)} labels for {images} images; give each image one label")
    if labels.dtype in UNSIGNED:  # which torch can neither compare nor sort
        labels = labels.to(torch.int64)
    if int(labels.min()) < 0:
        raise BadInput(
            f"{where}: the label {int(labels.min())} is negative; labels are the classes' places, from 0 on"
        )
    if int(labels.max()) >= MOST_CLASSES:
        raise BadInput(f"{where}: the label {int(labels.max())} is no place of a class, from 0 to K - 1")
    return labels.to(torch.int64)


def check_range(images: Tensor, where: str) -> None:
    """Refuse floating-point images outside [0, 1].

    Raises:
        BadInput: some are; the message says what they may be.
    """
    least, most = float(images.min()), float(images.max())
    if least >= 0 and most <= 1:
        return
    if not torch.isfinite(images).all():
        raise BadInput(f"{where}: images have values that are NaN or infinite; they must lie in [0, 1]")
    if least >= -_ROUNDING and most <= 1 + _ROUNDING:
        way = "that looks like rounding: clip them"
    elif least >= 0 and most <= 255:
        way = "divide them by 255, or give uint8"
    else:
        way = "undo their normalisation, and leave it to the model's first layer"
    raise BadInput(f"{where}: images must lie in [0, 1] but run from {least:.8g} to {most:.8g}; {way}")


def doubt_darkness(images: Tensor, where: str) -> None:
    """Say that images are all but black, as zeros and ones in bytes are, and what was divided by 255 twice."""
    most = float(images.max())
    if images.dtype == torch.uint8 and most == 1:
        notice(
            f"{where}: images are uint8, and none has a value beyond 1 of 255, so that all are nearly black; "
            "if 1 is meant to be white, give them as float32"
        )
    if images.is_floating_point() and 0 < most <= _DARK:
        notice(
            f"{where}: images run from {float(images.min()):.3g} to {most:.3g} and are nearly black, "
            "white being 1; if they were divided by 255 twice, do so once"
        )


def tensor_of(thing: Any, where: str) -> Tensor:
    """A tensor or array as a dense tensor without a history.

    Raises:
        BadInput: it is something else, or holds no numbers.
    """
    if isinstance(thing, np.ma.MaskedArray):
        raise BadInput(f"{where} is a masked array; fill in what is masked, or leave it out")
    if isinstance(thing, np.ndarray):
        if thing.dtype.kind not in "biuf":
            raise BadInput(f"{where} is an array of {short(str(thing.dtype))}, not of numbers")
        plain = np.ascontiguousarray(thing, dtype=thing.dtype.newbyteorder("="))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an array that can't be written is only read here
            try:
                return torch.from_numpy(plain.reshape(thing.shape))
            except TypeError as error:  # such as long doubles
                raise BadInput(f"{where} is {thing.dtype}, which torch has no numbers for; give float32") from error
    if not isinstance(thing, Tensor):
        raise BadInput(f"{where} is a {type(thing).__name__}; give a torch.Tensor or a NumPy array")
    if thing.layout != torch.strided or thing.is_quantized or thing.is_meta or thing.is_nested:
        raise BadInput(f"{where} is no dense tensor of numbers; give one, such as x.to_dense()")
    # Cloned where it came from inference mode, since nothing could be followed back through it.
    return thing.detach().clone() if thing.is_inference() else thing.detach()


def _laid_out(images: Tensor, where: str, layout: str | None) -> Tensor:
    if layout not in (*LAYOUTS, None):
        raise BadInput(f"layout must be NCHW or NHWC, not {short(layout)}")
    if images.dim() == 3 and layout is None:
        return images[:, None]
    if images.dim() != 4:
        hint = "; of one image make a batch, x[None]" if images.dim() == 3 else ""
        raise BadInput(
            f"{where} must be images {' or '.join(LAYOUTS) if layout is None else layout}, not of shape "
            f"{_told(images)}{hint}"
        )
    if layout is None:
        layout = _layout(images, where)
    return images.permute(0, 3, 1, 2) if layout == "NHWC" else images


def _layout(images: Tensor, where: str) -> str:
    """Which of the layouts the shape allows, sides being long and channels few.

    Raises:
        BadInput: none, by sides that are too short, or by channels that may be meant all the same.
    """
    _, second, third, last = images.shape
    readings = [("NCHW", second, min(third, last)), ("NHWC", last, min(second, third))]
    if all(side < LEAST_SIDE for _, _, side in readings):
        raise BadInput(
            f"{where} has the shape {_told(images)}, whose sides are too short, whether it is "
            "images×channels×height×width or images×height×width×channels; "
            f"resize the images so that each side has {LEAST_SIDE} pixels or more"
        )
    possible = [name for name, channels, side in readings if channels <= MOST_CHANNELS and side >= LEAST_SIDE]
    if len(possible) != 1:
        raise UnclearLayout(
            f"{where} has the shape {_told(images)}, which may be images×channels×height×width or "
            "images×height×width×channels"
        )
    if possible == ["NHWC"]:
        notice(f"{where}: images of shape {_told(images)} are read as images×height×width×channels")
    return possible[0]


def _white(images: Tensor) -> int:
    """What whole numbers as these most likely call white: 1, 255 or 65535."""
    if images.is_complex():
        return 255
    most = int(images.to(torch.int64).max())
    return next((white for white in (1, 255, 65535) if most <= white), most)


def _told(tensor: Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "a single number"


def _kind(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
