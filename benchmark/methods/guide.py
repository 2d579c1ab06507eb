"""The page docs/methods.md, written from the methods' own words."""

from __future__ import annotations

import inspect
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from benchmark.methods.differences import DIFFERENCES
from benchmark.methods.formulas import formula_of
from benchmark.methods.method import Method
from benchmark.methods.table import METHODS
from benchmark.parameters import parameters, plain
from benchmark.storage import canonical_json

_HEAD = """# The methods

Written by `python -m benchmark.methods.guide > docs/methods.md` from the methods themselves; `bench list methods`
prints the table.

A method is a *cohort* (networks that are trained, teachers that are frozen), an *inner* objective that adversarial
examples climb, and an *outer* loss that the trained networks minimise. Inner and outer can be exchanged:

* `--inner mmard` crafts examples as that method does, by its whole attack: objective, norms and how they are
  combined, start, kind of ascent, what is kept, mode of the batch norms. The name of an objective alone, `ce`, `bce`,
  `margin` or `least-likely`, replaces nothing else. Where a name is both, the method is meant.
* `--outer rslad` minimises the loss of that method, with that loss's values. Loss names that are no method's:
  `kl`, `mat-offline` and `mat-nat-rob`. Networks, teachers and the perturbation of weights stay the trained method's.
* `--teacher` takes any network, and every hyper-parameter listed here is a `--set name=value`, which goes first.

Radii, steps, rates and epochs are not the method's but the recipe's. A checkpoint's card says under `attack` and
`minimises` what was used.

How to read the formulas: x is the image, x' the adversarial example, h(x) a network's prediction; h, f and S are
trained, T and N (robust and natural) frozen; D(a‖b) is the Kullback-Leibler divergence with a as the target, summed
over classes; BCE is the boosted cross-entropy −log p_y − log(1 − max_{k≠y} p_k), never the binary one; τ is a
temperature. All losses are means over the batch unless they say otherwise.

Three rules hold for every method. Where paper and official code disagree, the default follows the formula of the
paper and what the code does has a name. While examples are crafted, batch norms are in eval mode unless `bn=train`.
Where the authors choose a checkpoint on the test images, held-out training images decide here.

An equation, a section or a table is named where its text was at hand; elsewhere the formula is that of the authors'
code, named in the method's section. DD's is an independent reproduction, ALP's the one that CAT's authors train.
"""


_USUAL = """
Every method that crafts examples has the options below, most methods with these values. A method's own section
names its other options, and those of these that it has otherwise.
"""

#: By part, what its options are and how their values are written.
Options = Mapping[str, Mapping[str, str]]


def methods_page() -> str:
    """The methods of this package as Markdown, docs/methods.md: a table, then each one's parts and parameters."""
    own = {name: METHODS.get(name) for name in DIFFERENCES}
    usual = _usual(own)
    columns = ("Name", "Trained", "Frozen", "Climbs", "Minimises", "Paper", "Equation")
    lines = [_HEAD, _row(columns), _row(["---"] * len(columns))]
    for name, method in own.items():
        bound = method.bind({}, name)
        trained = ", ".join(member.name or "one" for member in bound.cohort.members)
        frozen = ", ".join(bound.cohort.teachers) or "none"
        own_inner = any(member.objective for member in bound.cohort.members)
        inner = "each its own" if own_inner else _code(formula_of(bound.inner.objective))
        outer = _code(formula_of(bound.outer))
        lines.append(_row([f"[`{name}`](#{name})", trained, frozen, inner, outer, method.paper, method.equation]))
    lines += [_USUAL, *(line for part, values in usual.items() for line in _bullet(part, values))]
    for name, method in own.items():
        lines += ["", f"## {name}", *_section(name, method, usual)]
    return "\n".join(lines) + "\n"


def _section(name: str, method: Method, usual: Options) -> Iterator[str]:
    bound = method.bind({}, name)
    yield from ("", f"{method.title}{f' ({method.source})' if method.source else ''}.", "")
    if method.code:
        repository, _, commit = method.code.partition("@")
        yield f"* Code: [{repository}](https://github.com/{repository}) at {commit}."
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
    yield f"* Minimises {_minimised(name, method)}"
    for part, values in _options(name, method).items():
        expected = usual.get(part, {})
        yield from _bullet(part, {key: value for key, value in values.items() if expected.get(key) != value})
    yield from ("", _difference(name))


def _minimised(name: str, method: Method) -> str:
    """The outer loss; what is remarked on it is said where the first method has it."""
    first = next(other for other in DIFFERENCES if _origin(METHODS.get(other).outer) is _origin(method.outer))
    outer = method.bind({}, name).outer
    return (
        f"{_code(formula_of(outer))}, see [`{first}`](#{first})."
        if name != first and _remarks(outer)
        else _told(outer)
    )


def _difference(name: str) -> str:
    """Where paper and code part ways; what another section says already is only referred to."""
    told = DIFFERENCES[name]
    for other, before in DIFFERENCES.items():
        if other == name:
            break
        if told.startswith(before):
            return f"As for [`{other}`](#{other}).{told.removeprefix(before)}"
    return told


def _options(name: str, method: Method) -> Options:
    """The options of a method's parts, with their values."""
    inner = method.bind({}, name).inner
    parts = {
        "cohort": method.cohort,
        "attack": method.inner if inner.objective else None,
        "objective": inner.objective,
        "loss": method.outer,
        "weights": method.awp if inner.objective else None,
        "merging": method.merge,
    }
    return {
        part: {key: _value(value) for key, value in parameters(function).items() if key != "objective"}
        for part, function in parts.items()
        if function
    }


def _usual(methods: Mapping[str, Method]) -> Options:
    """The options that all methods have which craft examples, with the commonest values."""
    found: dict[str, dict[str, Counter[str]]] = {part: defaultdict(Counter) for part in ("attack", "weights")}
    for name, method in methods.items():
        for part, values in _options(name, method).items():
            for key, value in values.items() if part in found else ():
                found[part][key][value] += 1
    return {
        part: {key: values.most_common(1)[0][0] for key, values in counts.items()} for part, counts in found.items()
    }


def _bullet(part: str, values: Mapping[str, str]) -> Iterator[str]:
    if values:
        yield f"* Of the {part}: {', '.join(f'`{key}={value}`' for key, value in values.items())}."


def _network(name: str, attacked: bool, norm: str | None, kept: bool) -> str:
    notes = [f"in {norm} only"] if norm else []
    notes += [] if attacked else ["on clean images"]
    notes += [] if kept else ["thrown away"]
    return f"{name} ({', '.join(notes)})" if notes else name


def _told(function: Callable[..., Any]) -> str:
    """The formula, and what its docstring says beside it."""
    return f"{_code(formula_of(function))}. {_remarks(function)}".strip()


def _remarks(function: Callable[..., Any]) -> str:
    return re.sub(r"\s+", " ", inspect.getdoc(_origin(function)) or "").strip()


def _origin(function: Callable[..., Any]) -> Callable[..., Any]:
    while isinstance(function, partial):
        function = function.func
    return function


def _code(text: str) -> str:
    return "none" if text == "none" else f"`{text}`"


def _value(value: Any) -> str:
    shown = plain(value)
    return shown if isinstance(shown, str) else canonical_json(shown)


def _row(cells: Any) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    print(methods_page(), end="")
