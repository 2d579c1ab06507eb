"""How much of a training lies behind, for what goes by that; whether anything did is noted."""

from __future__ import annotations


class Progress:
    """The part of a training that lies behind, in [0, 1).

    Who asks for it goes by the number of epochs: the same epochs of a longer training would be others. So it is
    noted, and nobody has to declare it.

    Args:
        value: the part.

    Attributes:
        asked: whether anybody wanted to know it.
    """

    def __init__(self, value: float = 0.0) -> None:
        self._value, self.asked = value, False

    def set(self, value: float) -> None:
        """So much lies behind by now."""
        self._value = value

    @property
    def value(self) -> float:
        """The part itself."""
        self.asked = True
        return self._value

    def before(self, part: float) -> bool:
        """Whether less than `part` lies behind; of 0 and of 1 that is known without asking."""
        return self.value < part if 0 < part < 1 else part >= 1
