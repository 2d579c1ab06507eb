"""How far it is, and how long it would take at most."""

from __future__ import annotations

import time

from benchmark.reporting.text import duration


class Pace:
    """Measures how long blocks take.

    Args:
        images: how many there are in all.
    """

    def __init__(self, images: int) -> None:
        self.images, self._began = images, time.monotonic()
        self._used, self._last = 0, self._began

    def after(self, used: int) -> str:
        """A line's beginning: "64 of 450 images in 12 s, the others would take at most 1 min 24 s".

        At most, since larger blocks take less time for each image, and networks may leave.
        """
        now = time.monotonic()
        left = (now - self._last) / max(used - self._used, 1) * (self.images - used)
        self._used, self._last = used, now
        spent = duration(now - self._began)
        if not left:
            return f"all {self.images} images in {spent}"
        return f"{used} of {self.images} images in {spent}, the others would take at most about {duration(left)}"
