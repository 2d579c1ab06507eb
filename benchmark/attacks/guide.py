"""The page docs/attacks.md, written from the attacks' own words."""

from __future__ import annotations

import dataclasses
import inspect
import re

from benchmark.attacks import ATTACKS

_HEAD = """# The attacks

Written by `python -m benchmark.attacks.guide > docs/attacks.md` from the attacks themselves; `bench list attacks`
prints the table.

A *budget* attack looks for a misclassified point inside the ball, a *minimal* one for the closest misclassified
point, whatever the radius. The code is our own, so that the prepared network and saved passes count and an example's
result does not depend on its batch; it is an adapter where the library's version is the one that others report:
pyautoattack for AutoAttack and its members. Whoever proposes an image, the same float32 pass decides whether it
counts.

Any attack of Foolbox, torchattacks or adv-lib can be named in a suite by its import path, such as
`foolbox.attacks:LinfPGD`; other packages add theirs through the entry point group `benchmark.attacks`.

## Where a ball ends

A point of the ball's surface counts as float32 writes it. A value in [0, 1] is rounded by up to 2⁻²⁵ = 3e-8, in the
image and in the candidate, so that 6e-8 of a difference may be rounding. The verdict computes ‖x' − x‖ in float64 and
lets it exceed ε by 1e-6·ε, since attacks compute δ in float32, and by what the roundings of the n values that differ
can add up to: 6e-8 in linf, 6e-8·√n in l2 and 6e-8·n in l1, in l2 and l1 never by more than a hundredth of ε. The
count of l0 and the box [0, 1] are exact.

| Ball | at | may exceed ε by |
| --- | --- | ---: |
| linf 8/255 | any size | 0.0003 % |
| l2 0.5 | 3×32×32 | 0.0008 % |
| l1 12 | 3×32×32 | 0.0016 % |
| l2 0.8 | 1×8×8 | 0.0002 % |
| l1 2 | 1×8×8 | 0.0003 % |
| l1 0.01 | 3×32×32 | 1 % |

Our own attacks don't need it in l2, l1 and l0: their projection ends inside.

## The table
"""


def attacks_page() -> str:
    """The attacks of this package as Markdown, docs/attacks.md: a table, then each one's text and parameters."""
    own = {name: attack for name, attack in ATTACKS if attack.__module__.startswith("benchmark.")}
    lines = [
        _HEAD,
        "| Name | Norms | Kind | Gradients | Code | Published |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, attack in own.items():
        cells = (
            f"[`{name}`](#{name})",
            " ".join(attack.norms),
            attack.kind,
            "no" if attack.gradient_free else "yes",
            attack.source,
            attack.paper,
        )
        lines.append(f"| {' | '.join(cells)} |")
    for name, attack in own.items():
        text, _, attributes = (inspect.getdoc(attack) or "").partition("\n\nAttributes:\n")
        lines += ["", f"## {name}", "", text]
        fields = [f"`{field.name}: {field.default}`" for field in dataclasses.fields(attack)]
        if fields:
            lines += ["", f"Parameters and what they are if left out: {', '.join(fields)}."]
        if attributes:
            lines += ["", *_bullets(attributes)]
    return "\n".join(lines) + "\n"


def _bullets(attributes: str) -> list[str]:
    """The Attributes section of a docstring as a Markdown list."""
    lines = [line.removeprefix("    ") for line in attributes.splitlines() if line.strip()]
    return [line if line.startswith(" ") else "* " + re.sub(r"^([\w, ]+):", r"`\1`:", line) for line in lines]


if __name__ == "__main__":
    print(attacks_page(), end="")
