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
