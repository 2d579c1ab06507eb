"""What data is called that has a part of its training images in place of its test images: `cifar10?holdout=0.2`."""

from __future__ import annotations

import re

from benchmark.errors import BadInput, short

_NAME = re.compile(r"(?P<name>.+)[?&]holdout=(?P<share>[^?&=]*)")


def with_holdout(name: str, share: float) -> str:
    """What the data called `name` is called with `share` of its training images in place of the test images."""
    return f"{name}{'&' if re.search(r'[?][^?=]+=', name) else '?'}holdout={share:g}"


def split_holdout(name: str) -> tuple[str, float | None]:
    """The name of the data without its share, and the share; None where there is none.

    Raises:
        BadInput: the share is not between 0 and 1.
    """
    found = _NAME.fullmatch(name)
    if found is None:
        return name, None
    try:
        share = float(found["share"])
    except ValueError:
        share = 0.0
    if not 0 < share < 1:
        raise BadInput(f"{name}: holdout must be a share between 0 and 1, such as 0.2, not {short(found['share'])}")
    return found["name"], share


def images_of(name: str) -> str:
    """Which images of the data of that name are attacked, in words."""
    return "held-out training images" if _NAME.fullmatch(name) else "test images"
