"""What a step of a method costs, in words: the passes that the dry runs count, network by network."""

from __future__ import annotations

from functools import lru_cache

from benchmark.errors import reason
from benchmark.methods.method import BoundMethod
from benchmark.recipes.radius import Radius
from benchmark.recipes.recipe import Recipe, load_recipe
from benchmark.training.passes import Passes, TrainingPasses, passes_of_step

#: Numbers of steps of an attack at which passes are counted: between them they grow in proportion.
FEW, MANY = 2, 4


def cost_in_words(bound: BoundMethod) -> str:
    """Passes per image and epoch of each network that learns and of each teacher, K being the steps of the attack."""
    try:
        few, many = (passes_of_step(bound, _recipe(steps)) for steps in (FEW, MANY))
    except Exception as error:  # a loss or a cohort of one's own meets its mistakes when it is used
        return f"not known, since a step of it fails: {reason(error)}"
    names = [member.name for member in bound.cohort.members]
    told = _group(names, _counts(few, many, "members"))
    teachers = [name if name == "teacher" else f"teacher {name}" for name in bound.cohort.teachers]
    told += _group(teachers, _counts(few, many, "teachers"))
    words = "; ".join(told)
    with_steps = ", with K steps of the attack" if few != many else ""
    return f"for each image in an epoch{with_steps}: {words}"


def _counts(few: TrainingPasses, many: TrainingPasses, who: str) -> list[str]:
    return [_in_words(*pair) for pair in zip(getattr(few, who), getattr(many, who), strict=True)]


def _in_words(few: Passes, many: Passes) -> str:
    """ "K + 1 gradients and 1 forward pass": a gradient is a forward pass with the way back."""
    gradients, forwards = (
        _formula(count(few), count(many))
        for count in (
            lambda each: each.backwards + each.learning_backwards,
            lambda each: each.forwards + each.learning_forwards - each.backwards - each.learning_backwards,
        )
    )
    parts = [
        f"{number} {what if number == '1' else plural}"
        for number, what, plural in (
            (gradients, "gradient", "gradients"),
            (forwards, "forward pass", "forward passes"),
        )
        if number != "0"
    ]
    return " and ".join(parts) or "none"


def _formula(few: float, many: float) -> str:
    """The line through both numbers: "2K + 1"."""
    slope = (many - few) / (MANY - FEW)
    rest = few - FEW * slope
    steps = "" if abs(slope) < 1e-9 else "K" if abs(slope - 1) < 1e-9 else f"{slope:.3g}K"
    if abs(rest) < 1e-9:
        return steps or "0"
    return f"{steps} {'+' if rest > 0 else '−'} {abs(rest):.3g}" if steps else f"{rest:.3g}"


def _group(names: list[str], counts: list[str]) -> list[str]:
    """ "h1 and h2 K + 1 gradients each": who takes as much is named together; the only network is not named."""
    told = []
    for count in dict.fromkeys(counts):
        same = [name for name, own in zip(names, counts, strict=True) if own == count]
        who = ", ".join(filter(None, same))
        told.append(f"{who}: {count}{' each' if len(same) > 1 else ''}" if who else count)
    return told


@lru_cache(maxsize=2)
def _recipe(steps: int) -> Recipe:
    """A recipe with as many steps of the attack in each norm."""
    recipe, _ = load_recipe("quick").resolve("natural", "small-cnn", "digits", "digits", {}, "quick")
    radius = Radius(epsilon=0.1, step_size=0.1, steps=steps)
    return recipe.model_copy(update={"threats": dict.fromkeys(("linf", "l2", "l1"), radius)})
