"""Passes in train mode that some authors' code makes beside those of its loss: they move the running statistics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

#: "clean" or "adversarial" images, with the weights of the loss; "clean-after", with those after the update. Of all
#: trained networks, or of one: "h1:clean".
Pass = Annotated[str, Field(pattern=r"^([A-Za-z0-9-]+:)?(clean|adversarial|clean-after)$")]


@dataclass(frozen=True)
class Passes:
    """Further passes of the trained networks in each step, without a gradient.

    Attributes:
        extra_passes: what passes through once more, and through which network.
    """

    extra_passes: tuple[Pass, ...] = ()

    def of(self, member: str, after: bool) -> list[str]:
        """Whether clean or adversarial images pass through the network of that name once more, in order.

        Args:
            member: the network's name in its cohort.
            after: those after the update, instead of those before.
        """
        found = [said.rpartition(":") for said in self.extra_passes]
        chosen = [what for name, _, what in found if not name or name == member]
        return [what.removesuffix("-after") for what in chosen if what.endswith("-after") == after]
