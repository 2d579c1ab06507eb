"""What is done to pictures so that all have one size: they are resized, then the middle is cut out.

The numbers are written behind the name of the data, `imagenet?resize=256&crop=224`, and so stand in every record.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmark.errors import BadInput, short, unknown

if TYPE_CHECKING:
    from PIL.Image import Image

#: Sides that may be asked for, in pixels.
SMALLEST, LARGEST = 8, 1024

#: How many times longer than the other one a side may be.
LARGEST_RATIO = 50

INTERPOLATIONS = ("bilinear", "bicubic", "lanczos", "box", "nearest")

_NUMBER = re.compile("[0-9]{1,4}")
_QUERY = re.compile(r"(?P<name>[^?]*(?:\?[^?=]*)*)\?(?P<query>\w+=[^?&=]*(?:&\w+=[^?&=]*)*)")


@dataclass(frozen=True)
class View:
    """How a picture becomes an image.

    Attributes:
        resize: its shorter side gets so many pixels, the other one in proportion; or both sides, "256x256" (height
            and width), whatever they were; None to leave its size.
        crop: a square of that side is cut out of its middle; None for all of it.
        interpolation: as Pillow calls it.

    Raises:
        BadInput: a side out of range, or an unknown interpolation.
    """

    resize: int | str | None = None
    crop: int | None = None
    interpolation: str = "bilinear"

    def __post_init__(self) -> None:
        for name in ("resize", "crop"):
            side = getattr(self, name)
            sides = self.sides if name == "resize" and isinstance(side, str) else (side,)
            if side is not None and not all(type(each) is int and SMALLEST <= each <= LARGEST for each in sides):
                raise BadInput(
                    f"{name} must be a number of pixels from {SMALLEST} to {LARGEST}"
                    f"{', or two of them, 256x256' if name == 'resize' else ''}, not {short(side)}"
                )
        if len(self.sides) == 2:  # spelt in one way
            object.__setattr__(self, "resize", "x".join(map(str, self.sides)))
        if self.interpolation not in INTERPOLATIONS:
            raise unknown("interpolation", self.interpolation, INTERPOLATIONS)
        if self.sides and self.crop is not None and self.crop > min(filter(None, self.sides)):
            raise BadInput(f"crop={self.crop} is more than the shorter side, resize={self.resize}; crop less")

    @property
    def sides(self) -> tuple[int | None, ...]:
        """What `resize` says: nothing, the shorter side, or height and width; None for what is no number."""
        if not isinstance(self.resize, str):
            return () if self.resize is None else (self.resize,)
        words = self.resize.split("x")
        return tuple(int(word) if _NUMBER.fullmatch(word) else None for word in words) if len(words) == 2 else (None,)

    def __str__(self) -> str:
        words = [f"{name}={side}" for name in ("resize", "crop") if (side := getattr(self, name)) is not None]
        if self.resize is not None and self.interpolation != "bilinear":
            words.append(f"interpolation={self.interpolation}")
        return "&".join(words)

    def of(self, picture: Image, name: object) -> Image:
        """`picture` resized and cropped; `name` stands for it in messages.

        Raises:
            BadInput: it is smaller than what is to be cut out.
        """
        from PIL.Image import Resampling

        width, height = picture.size
        if len(self.sides) == 2:
            height, width = (side or 0 for side in self.sides)
            if picture.size != (width, height):
                picture = picture.resize((width, height), Resampling[self.interpolation.upper()])
        elif isinstance(self.resize, int) and min(width, height) != self.resize:
            # The longer side is rounded down, as torchvision does it.
            width, height = (
                (self.resize, int(self.resize * height / width))
                if width <= height
                else (int(self.resize * width / height), self.resize)
            )
            if max(width, height) > LARGEST_RATIO * self.resize:
                raise BadInput(f"{name} is too long and narrow to be resized; cut it to a part of it")
            picture = picture.resize((width, height), Resampling[self.interpolation.upper()])
        if self.crop is None:
            return picture
        if min(width, height) < self.crop:
            raise BadInput(f"{name} has {width}×{height} pixels, too few to crop {self.crop}; resize it, too")
        left, top = (round((side - self.crop) / 2.0) for side in (width, height))
        return picture.crop((left, top, left + self.crop, top + self.crop))


def split_view(name: str) -> tuple[str, View | None]:
    """The name of the data without its view, and the view; None where there is none.

    Raises:
        BadInput: the view has other keys or values.
    """
    found = _QUERY.fullmatch(name)
    if found is None:
        return name, None
    values: dict[str, Any] = {}
    for pair in found["query"].split("&"):
        key, _, value = pair.partition("=")
        if key not in ("resize", "crop", "interpolation"):
            raise unknown("setting of the data", key, ("resize", "crop", "interpolation"), name)
        if key in values:
            raise BadInput(f"{name}: {key} is given twice")
        values[key] = int(value) if value.isascii() and value.isdigit() and len(value) < 9 else value
    return found["name"], View(**values)


def with_view(name: str, view: View | None) -> str:
    """The name of the data with that view."""
    return f"{name}?{view}" if view is not None and str(view) else name
