"""One picture file as pixels: upright, opaque, eight bits, grey or in colour; nothing is lost on the way unsaid."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmark.data.view import View
from benchmark.errors import BadInput, first_line

if TYPE_CHECKING:
    from PIL.Image import Image

Pixels = NDArray[np.uint8]

#: Pillow modes of more than 8 bits, which a conversion would cut off without a word.
DEEP_MODES = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")
#: How Pillow calls what it has cut off already when the mode says 8 bits.
_CUT = re.compile(r";16[BLNS]$")

#: Modes that hold no colour, those that do, and those whose palette tells.
GREY, COLOUR, PALETTE = ("1", "L", "LA"), ("RGB", "RGBA", "YCbCr", "CMYK"), ("P", "PA")

#: Formats whose further images are previews or other views of the first one.
_FIRST_ALONE = ("MPO",)


class Size(NamedTuple):
    """Width and height that all pictures have, and what the first one is called, for messages."""

    width: int
    height: int
    first: object

    def refuse(self, path: object, found: tuple[int, int]) -> BadInput:
        """The error for the picture at `path`, whose (width, height) is another one."""
        return BadInput(
            f"{path} has {found[0]}×{found[1]} pixels but {self.first} has {self.width}×{self.height}; "
            "resize all images to one size, or have it done: --resize 256 --crop 224"
        )


@dataclass(frozen=True)
class Picture:
    """What is in a file.

    Attributes:
        pixels: H×W×3, red, green and blue; equal where it is grey.
        is_grey: whether it can hold no colour.
        from_cmyk: whether it was made for print; its colours were turned to red, green and blue without a profile.
    """

    pixels: Pixels
    is_grey: bool
    from_cmyk: bool


def read_picture(
    path: Path, background: int | None = None, size: Size | None = None, view: View | None = None
) -> Picture:
    """The picture in the file at `path`, turned as its EXIF data says, then seen through the `view`, if any.

    Args:
        path: of the file.
        background: grey level behind what is not opaque, 0 (black) to 255 (white); None refuses what is not opaque.
        size: that it has to have. What has it neither upright nor lying is not decoded, unless it is resized.
        view: what is done to it.

    Raises:
        BadInput: it can't be read or is of another size, has more than 8 bits per channel, several frames, a colour
            space that is none of grey, RGB, YCbCr and CMYK, or pixels that are not opaque and no background.
    """
    from PIL import Image

    try:
        with Image.open(path) as picture:
            return picture_of(picture, path, background, size, view)
    except BadInput:
        raise
    except Exception as error:  # Pillow's decoders raise errors of many types for damaged files
        raise unreadable(path, error) from error


def picture_of(
    picture: Image, path: object, background: int | None = None, size: Size | None = None, view: View | None = None
) -> Picture:
    """What Pillow has opened, as `read_picture` gives it; `path` stands for it in messages."""
    if view is None and size and sorted(picture.size) != sorted(size[:2]):
        raise size.refuse(path, picture.size)
    if problem := _unwanted(picture):
        raise BadInput(f"{path} {problem}")
    picture.load()
    if picture.format != "TIFF":  # which Pillow has turned on loading
        _turn(path, picture)
    if view is None and size and picture.size != size[:2]:
        raise size.refuse(path, picture.size)
    found = _picture(path, picture, background)
    return found if view is None else _seen(path, found, view, size)


def _seen(path: object, picture: Picture, view: View, size: Size | None) -> Picture:
    """The picture through the view.

    Raises:
        BadInput: it has not that size then.
    """
    from PIL import Image

    seen = view.of(Image.fromarray(picture.pixels), path)
    if size and seen.size != size[:2]:
        raise size.refuse(path, seen.size)
    return replace(picture, pixels=np.asarray(seen))


def unreadable(path: Path, error: Exception) -> BadInput:
    """The error for a file that is damaged or no picture."""
    return BadInput(f"{path} can't be read as an image ({error}); replace or remove it")


def _unwanted(picture: Image) -> str:
    """Why a picture can't be had without loss, as its header says it; "" if it can."""
    frames = getattr(picture, "n_frames", 1)
    if frames > 1 and picture.format not in _FIRST_ALONE:
        return f"has {frames} frames; save the one that is meant as a picture of its own"
    if picture.mode in DEEP_MODES or _is_cut(picture):
        return f"has more than 8 bits per channel (mode {picture.mode}); convert it to 8 bits"
    if picture.mode not in (*GREY, *COLOUR, *PALETTE):
        return f"has colours of the kind {picture.mode}; convert it to RGB with its colour profile"
    return ""


def _is_cut(picture: Image) -> bool:
    """Whether its file has more than 8 bits per channel, though its mode does not."""
    for decoder, _, _, details in getattr(picture, "tile", ()):
        words: tuple[Any, ...] = tuple(details) if isinstance(details, tuple | list) else (details,)
        if any(isinstance(word, str) and _CUT.search(word) for word in words):
            return True
        if decoder.startswith("ppm") and any(isinstance(word, int) and word > 255 for word in words):
            return True
    return False


def _turn(path: object, picture: Image) -> None:
    """Turn it upright, as cameras mean it."""
    from PIL import ImageOps

    try:
        ImageOps.exif_transpose(picture, in_place=True)
    except Exception as error:  # as above
        raise BadInput(
            f"{path}: which way up it is can't be read from its EXIF data ({first_line(error)}); "
            "mend them or take them out"
        ) from error


def _picture(path: object, picture: Image, background: int | None) -> Picture:
    if "A" in picture.mode or "transparency" in picture.info:
        layers = np.asarray(picture.convert("RGBA"))
        pixels, alpha = layers[..., :3], layers[..., 3:]
        pixels = _on(path, pixels, alpha, background) if int(alpha.min()) < 255 else pixels
    else:
        pixels = np.asarray(picture.convert("RGB"))
    equal = picture.mode in PALETTE and bool((pixels == pixels[..., :1]).all())
    return Picture(pixels, picture.mode in GREY or equal, picture.mode == "CMYK")


def _on(path: object, pixels: Pixels, alpha: Pixels, background: int | None) -> Pixels:
    """H×W×3 `pixels` with their opacity `alpha`, H×W×1, over `background`.

    Raises:
        BadInput: there is none.
    """
    if background is None:
        clear = int((alpha < 255).sum())
        raise BadInput(
            f"{path} is not opaque ({clear:,} of its {alpha.size:,} pixels have an alpha below 255), and nothing "
            "says what is behind it; name the data folder-on-white:PATH or folder-on-black:PATH, or save all "
            "pictures without an alpha channel"
        )
    weight = alpha.astype(np.uint32)
    return ((pixels * weight + background * (255 - weight) + 127) // 255).astype(np.uint8)
