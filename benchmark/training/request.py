"""Everything about a run that can be wrong is decided, checked and named here, before anything is computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmark.data import Dataset, load
from benchmark.data.extra import load_extra
from benchmark.documents import in_words
from benchmark.errors import BadInput
from benchmark.hardware import resolve_device, resolve_precision
from benchmark.methods.method import BoundMethod
from benchmark.methods.table import METHODS
from benchmark.models import Checkpoint, Given
from benchmark.models.architectures import canonical
from benchmark.noise import seed_problem
from benchmark.own import files
from benchmark.recipes.recipe import Recipe
from benchmark.run_names import Asked, checked_name
from benchmark.scales import Epsilon, read_radii
from benchmark.training.augmentation import number_of_extra
from benchmark.training.decision import decide, registered_name, usual_architecture
from benchmark.training.division import divided
from benchmark.training.initial import InitialNetwork, fitted, for_members, load_initial
from benchmark.training.plan import Plan
from benchmark.training.settings import parse_settings
from benchmark.training.teachers import load_teachers

#: The share of extra data in each batch where nobody says another: that of Rebuffi et al. 2021 and Wang et al. 2023.
EXTRA_SHARE = 0.7


def make_plan(
    method: str,
    *,
    dataset: str | Dataset,
    arch: str | None,
    recipe: str | Path,
    set: Mapping[str, Any] | Sequence[str] | None,
    teacher: Sequence[Given] | Given = (),
    inner: str | None = None,
    outer: str | None = None,
    seed: int,
    device: str,
    precision: str,
    scale: str | None = None,
    epsilon: Epsilon | None = None,
    download: bool = False,
    data_dir: str | Path | None = None,
    name: str | None,
    trust_remote_code: bool = False,
    init: Sequence[Given] | Given = (),
    extra_data: str | Path | None = None,
) -> Plan:
    """The run that the arguments of `benchmark.train` describe.

    Raises:
        BadInput: whatever is wrong with them.
    """
    METHODS.get(method)
    check_seed(seed)
    recipe = in_words(recipe)
    settings = parse_settings(set)
    radii = read_radii(scale, epsilon)
    data = load(dataset, data_dir=data_dir, download=download)
    if not data.can_train:
        raise BadInput(f"{data.name} has no training images, only some to evaluate on; train on other data")
    arch = canonical(arch) if arch else None
    inits = load_initial(init, data, arch, download=download, trust_remote_code=trust_remote_code)
    architecture = arch or (inits[0].architecture if inits else usual_architecture(data))
    resolved, bound = decide(method, data, architecture, recipe, settings, inner, outer, radii)
    data = divided(data, resolved.validation)
    initial = initial_networks(inits, method, bound, resolved, data)
    resolved = with_extra_share(resolved, extra_data is not None)
    extra = None if extra_data is None else load_extra(extra_data, data)
    chosen = resolve_device(device)
    teachers = load_teachers(
        method, bound.cohort.teachers, teacher, data, download=download, trust_remote_code=trust_remote_code
    )
    named = [each.name for each in teachers]
    called = [files.shown(each) for each in (method, architecture)]
    parts = [files.shown(each) if each else each for each in (inner, outer)]
    asked = Asked(called[0], data.name, called[1], recipe, settings, radii, parts[0], parts[1], seed, named)
    asked = replace(asked, inits=[network.name for network in inits], extra_data=extra.name if extra else None)
    return Plan(
        name=asked.name if name is None else checked_name(name),
        method=registered_name(method),
        bound=bound,
        dataset=data,
        architecture=architecture,
        recipe=resolved,
        recipe_name=recipe,
        teachers=teachers,
        seed=seed,
        device=chosen,
        precision=resolve_precision(precision if precision != "auto" else resolved.precision, chosen),
        inner=inner,
        outer=outer,
        radii=radii.of(data),
        former=asked.former_name if name is None and not (inits or extra) else None,
        initial=initial,
        inits=inits,
        extra_data=extra,
    )


def initial_networks(
    inits: Sequence[Checkpoint], method: str, bound: BoundMethod, recipe: Recipe, data: Dataset
) -> tuple[InitialNetwork, ...]:
    """For each network of the method what it begins with; () for random weights.

    Raises:
        BadInput: they are not as many as the method's, do not fit the data, or a new last layer is asked of none.
    """
    if recipe.init_head == "new" and not inits:
        raise BadInput("init_head=new is the last layer of a network that --init names; name one, or leave it out")
    begun = [fitted(network, data, recipe.init_head == "new") for network in inits]
    return for_members(begun, [member.kept for member in bound.cohort.members], method)


def with_extra_share(recipe: Recipe, has_extra: bool) -> Recipe:
    """The recipe with the share of the extra data in each batch: `EXTRA_SHARE` if it says none.

    Raises:
        BadInput: it says one and there are no such data, or the share of a batch is no image.
    """
    if not has_extra:
        if recipe.extra_share is not None:
            raise BadInput(
                f"extra_share={recipe.extra_share:g} is the share of extra data in each batch, and there are none; "
                "name them, --extra-data npz:FILE, or say --set extra_share=null"
            )
        return recipe
    share = EXTRA_SHARE if recipe.extra_share is None else recipe.extra_share
    if not number_of_extra(recipe.batch_size, share):
        raise BadInput(f"extra_share={share:g} of a batch of {recipe.batch_size} is less than one image")
    return recipe.model_copy(update={"extra_share": share})


def check_seed(seed: int) -> None:
    """Raise `BadInput` unless `seed` is one, in the words of `benchmark.evaluate`."""
    if problem := seed_problem(seed):
        raise BadInput(problem)
