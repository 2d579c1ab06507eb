"""Which radii to take: a row of published ones by its name, radii of one's own, or both; what nobody said, never."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from benchmark.errors import BadInput, short, unknown
from benchmark.radii import NORMS, PARAMETRIC, format_radius, read_radius

#: Radii of one's own as a caller gives them: by norm, or in words, "linf=4/255,l2=2".
Epsilon = Mapping[str, float | str] | str


class Named(Protocol):
    """What is asked about a dataset: its name, its own row of radii ("" for none), and (C, H, W) of its images."""

    @property
    def name(self) -> str: ...
    @property
    def scale(self) -> str: ...
    @property
    def shape(self) -> tuple[int, int, int]: ...


@dataclass(frozen=True)
class Radii:
    """Which radii an evaluation or a training takes.

    Attributes:
        scale: the row of published radii in suites and recipes; "" for none.
        own: (norm, radius) of those that the caller gave, which go before the row's.
        named: whether the caller named the scale; else it is the data's own.
        data: which images they are for, for messages.
    """

    scale: str = ""
    own: tuple[tuple[str, float], ...] = ()
    named: bool = False
    data: str = field(default="the data", compare=False)

    def of(self, data: Named) -> Radii:
        """The same for these images: where no scale was named, the one that they have of their own."""
        channels, height, width = data.shape
        kind = "grey" if channels == 1 else "colour" if channels == 3 else f"{channels} channels"
        about = f"{data.name} ({width}×{height} pixels, {kind})"
        return dataclasses.replace(self, scale=self.scale or data.scale, data=about)

    def given(self, norm: str) -> float | None:
        """The caller's radius in `norm`, if there is one."""
        return dict(self.own).get(norm)

    def only(self, norms: Iterable[str]) -> Radii:
        """The same with the caller's radii in `norms` alone."""
        wanted = set(norms)
        return dataclasses.replace(self, own=tuple(pair for pair in self.own if pair[0] in wanted))

    def said(self) -> dict[str, Any]:
        """What the caller said, as plain JSON values; empty if nothing, so that all is the data's own."""
        said: dict[str, Any] = {"scale": self.scale} if self.named else {}
        return said | ({"epsilon": dict(self.own)} if self.own else {})

    def told(self) -> str:
        """What the caller said, in words: "those of the scale imagenet, but l2 3 as given"; "" if nothing."""
        own = ", ".join(f"{norm} {format_radius(norm, radius)}" for norm, radius in self.own)
        row = f"those of the scale {self.scale}" if self.named else "the data’s own" if self.scale else ""
        if not self.own:
            return row if self.named else ""
        return f"{row}, but {own} as given" if row else f"{own} as given"

    def options(self) -> list[str]:
        """The words of a command line that say the same: ["--scale", "imagenet", "--epsilon", "l2=3"]."""
        words = ["--scale", self.scale] if self.named else []
        own = ",".join(f"{norm}={_exact(norm, radius)}" for norm, radius in self.own)
        return words + (["--epsilon", own] if own else [])

    def missing(self, norms: Iterable[str], rows: Mapping[str, Iterable[str]], where: str) -> BadInput:
        """The error where radii in `norms` are needed and neither the caller nor the scale has them.

        Args:
            norms: in which there is none.
            rows: the norms in which each scale has a radius, where it is needed.
            where: what needs them, e.g. "suite pgd-linf".
        """
        needed = list(dict.fromkeys(norms))
        listed = ", ".join(needed)
        example = ",".join(f"{norm}=R" for norm in dict.fromkeys([*dict(self.own), *needed]))
        whole = [name for name, has in rows.items() if set(needed) <= set(has)]
        named = f"name whose published radii to take, --scale NAME ({', '.join(whole)}), or " if whole else ""
        give = f"give radii R of your own, --epsilon {example}, as numbers or fractions like 4/255"
        ways = "in Python scale=... and epsilon=..."
        if not self.scale:
            reason = f"nothing says which radii suit {self.data}, and {where} needs one for {listed}"
        elif self.scale in rows:
            reason = f"{where} has no radius for {listed} at the scale {self.scale!r}"
        else:
            reason = f"{unknown('dataset scale', self.scale, rows, where)}, and it needs a radius for {listed}"
        return BadInput(f"{reason}; {named}{give} ({ways})")


#: Where the caller says nothing: all is the data's own.
UNSAID = Radii()


def read_radii(scale: str | None = None, epsilon: Epsilon | None = None) -> Radii:
    """What the caller says about radii.

    Args:
        scale: a row of published radii.
        epsilon: radii by norm, in the norm's units of pixels in [0, 1], or the same in words: "linf=4/255,l2=2".

    Raises:
        BadInput: a norm that there is not or that is given twice, or no radius.
    """
    if scale is not None and not isinstance(scale, str):
        raise BadInput(f"--scale: {short(scale)} is no name of a scale, such as 'imagenet'")
    own: dict[str, float] = {}
    for norm, radius in _pairs(epsilon):
        if norm not in (*NORMS, *PARAMETRIC):
            raise unknown("norm", norm, (*NORMS, *PARAMETRIC), "--epsilon")
        if norm in own:
            raise BadInput(f"--epsilon: {norm} is given twice; say one radius for each norm")
        try:
            own[norm] = float(read_radius(norm, _number(radius)))
        except (BadInput, OverflowError) as error:  # the latter of a whole number of hundreds of digits
            raise BadInput(f"--epsilon {norm}: {error}") from None
    return Radii(scale or "", tuple(own.items()), named=bool(scale))


def as_radii(scale: str | Radii) -> Radii:
    """The scale of that name, as the data's own, or what already is `Radii`."""
    return Radii(scale) if isinstance(scale, str) else scale


def radii_said(scale: str, said: Any) -> Radii:
    """The radii that a record, which may be anybody's, tells of: its `scale`, and what its caller said."""
    said = said if isinstance(said, Mapping) else {}
    own = said.get("epsilon")
    pairs = own.items() if isinstance(own, Mapping) else ()
    radii = tuple((norm, float(radius)) for norm, radius in pairs if _is_radius(radius))
    return Radii(scale, radii, named="scale" in said)


def radii_again(scale: str, said: Any, dataset: str) -> Radii:
    """The radii to ask for again; pictures from a path have none of their own, so that theirs have to be named."""
    radii = radii_said(scale, said)
    return dataclasses.replace(radii, named=radii.named or (":" in dataset and bool(scale)))


def own_scale(scale: str, said: Any) -> str:
    """The scale that the data has of its own, from what a record tells: its `scale`, and what its caller said."""
    return "" if radii_said(scale, said).named else scale


def _is_radius(value: Any) -> bool:
    return isinstance(value, int | float) and 0 < value < 1e300


def _pairs(epsilon: Epsilon | None) -> list[tuple[str, Any]]:
    if isinstance(epsilon, Mapping):
        return [(str(norm), radius) for norm, radius in epsilon.items()]
    if epsilon is None:
        return []
    if not isinstance(epsilon, str):
        raise BadInput(
            f"epsilon: {short(epsilon)} says not in which norm; write linf=4/255, in Python {{'linf': 4/255}}"
        )
    pairs = []
    for part in epsilon.split(","):
        norm, equals, radius = (word.strip() for word in part.partition("="))
        if not (norm and equals and radius):
            raise BadInput(f"--epsilon {short(epsilon)}: write it as norm=radius, e.g. linf=4/255,l2=2")
        pairs.append((norm, radius))
    return pairs


def _number(radius: Any) -> Any:
    """Words that are a plain number as that number; fractions are read where all radii are."""
    try:
        return float(radius) if isinstance(radius, str) else radius
    except ValueError:
        return radius


def _exact(norm: str, radius: float) -> str:
    """`radius` as people write it, where that is the very same number."""
    words = format_radius(norm, radius)
    above, _, below = words.partition("/")
    return words if float(above) / float(below or 1) == radius else repr(radius)
