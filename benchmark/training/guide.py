"""The page docs/methods.md, written from the methods' own words."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from benchmark.storage import canonical_json
from benchmark.training.differences import DIFFERENCES
from benchmark.training.method import Method, formula
from benchmark.training.methods import METHODS
from benchmark.training.parameters import parameters, plain

_HEAD = """# The methods

Written by `python -m benchmark.training.guide > docs/methods.md` from the methods themselves; `bench list methods`
prints the table.

A method is a *cohort* (networks that are trained, teachers that are frozen), an *inner* objective that adversarial
examples climb, and an *outer* loss that the trained networks minimise. All three can be exchanged: `--inner mmard`
and `--outer rslad` take those of another method, `--teacher` any network, and every hyper-parameter listed here is a
`--set name=value`. Radii, steps, rates and epochs are not the method's but the recipe's.

How to read the formulas: x is the image, x' the adversarial example, h(x) a network's prediction; h, f and S are
trained, T and N (robust and natural) frozen; D(a‖b) is the Kullback-Leibler divergence with a as the target, summed
over classes; BCE is the boosted cross-entropy −log p_y − log(1 − max_{k≠y} p_k), never the binary one; τ is a
temperature. All losses are means over the batch unless they say otherwise.

Three rules hold for every method. Where paper and official code disagree, the default follows the formula of the
paper and what the code does has a name. While examples are crafted, batch norms are in eval mode unless `bn=train`.
Where the authors choose a checkpoint on the test images, held-out training images decide here.

An equation's number is given where the paper's text was at hand.
"""


def methods_page() -> str:
    """The methods of this package as Markdown, docs/methods.md: a table, then each one's parts and parameters."""
    own = {name: METHODS.get(name) for name in DIFFERENCES}
    columns = ("Name", "Trained", "Frozen", "Climbs", "Minimises", "Paper", "Equation")
    lines = [_HEAD, _row(columns), _row(["---"] * len(columns))]
    for name, method in own.items():
        bound = method.bind({}, name)
        trained = ", ".join(member.name or "one" for member in bound.cohort.members)
        frozen = ", ".join(bound.cohort.teachers) or "none"
        own_inner = any(member.objective for member in bound.cohort.members)
        inner = "each its own" if own_inner else _code(formula(bound.inner.objective))
        outer = _code(formula(bound.outer))
        lines.append(_row([f"[`{name}`](#{name})", trained, frozen, inner, outer, method.paper, method.equation]))
    for name, method in own.items():
        lines += ["", f"## {name}", *_section(name, method)]
    return "\n".join(lines) + "\n"


def _section(name: str, method: Method) -> Iterator[str]:
    bound = method.bind({}, name)
    yield from ("", f"{method.title}{f' ({method.source})' if method.source else ''}.", "")
    trained = ", ".join(_network(m.name or "one", m.attacked, m.norm, m.kept) for m in bound.cohort.members)
    frozen = ", ".join(bound.cohort.teachers)
    yield f"* Networks: {trained} trained; {f'{frozen} frozen' if frozen else 'none frozen'}."
    inner = bound.inner
    if inner.objective is None:
        yield "* Crafts nothing."
    else:
        own = {member.objective for member in bound.cohort.members if member.objective}
        which = f"each network its own objective, {' and '.join(sorted(own))}." if own else _told(inner.objective)
        yield f"* Climbs in {', '.join(inner.norms)}: {which}"
    yield f"* Minimises {_told(bound.outer)}"
    yield from _parameters(name, method)
    yield from ("", DIFFERENCES[name])


def _parameters(name: str, method: Method) -> Iterator[str]:
    inner = method.bind({}, name).inner
    for part, function in (
        ("cohort", method.cohort),
        ("attack", method.inner if inner.objective else None),
        ("objective", inner.objective),
        ("loss", method.outer),
        ("weights", method.awp if inner.objective else None),
        ("merging", method.merge),
    ):
        values = parameters(function) if function else {}
        told = [f"`{key}={_value(value)}`" for key, value in values.items() if key != "objective"]
        if told:
            yield f"* Of the {part}: {', '.join(told)}."


def _network(name: str, attacked: bool, norm: str | None, kept: bool) -> str:
    notes = [f"in {norm} only"] if norm else []
    notes += [] if attacked else ["on clean images"]
    notes += [] if kept else ["thrown away"]
    return f"{name} ({', '.join(notes)})" if notes else name


def _told(function: Callable[..., Any]) -> str:
    """The formula, and what its docstring says beside it."""
    while isinstance(function, partial):
        function = function.func
    rest = (inspect.getdoc(function) or "").partition("\n")[2]
    return " ".join([_code(formula(function)) + ".", re.sub(r"\s+", " ", rest).strip()]).strip()


def _code(text: str) -> str:
    return "none" if text == "none" else f"`{text}`"


def _value(value: Any) -> str:
    shown = plain(value)
    return shown if isinstance(shown, str) else canonical_json(shown)


def _row(cells: Any) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    print(methods_page(), end="")
