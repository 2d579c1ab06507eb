"""What a run is called: its method, and whatever is not as usual; that is for people, its digest is what it is."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmark.documents import is_path
from benchmark.errors import BadInput, short
from benchmark.radii import format_radius
from benchmark.scales import UNSAID, Radii
from benchmark.storage import canonical_json, digest, safe_name

#: What goes unsaid.
USUAL_DATASET, USUAL_RECIPE = "digits", "quick"
#: Of a file's name without its ending: the usual name of a run, and that of a network behind it.
LONGEST = 80 + 20
_SMALL_AND_GREY = ("digits", "mnist", "fashion-mnist")


def run_name(
    method: str,
    *,
    dataset: str,
    architecture: str,
    recipe: str,
    settings: Mapping[str, Any],
    radii: Radii = UNSAID,
    inner: str | None = None,
    outer: str | None = None,
    seed: int = 0,
    teachers: Sequence[str] = (),
) -> str:
    """The name of a run: "cifar10-trades-gpu-30-beta-3-seed-1", "ard-from-trades".

    Args:
        method, dataset, architecture, recipe, settings, inner, outer, seed: as `benchmark.train` takes them.
        radii: what is said about them.
        teachers: their names.
    """
    kind, colon, _ = dataset.partition(":")
    parts = [] if dataset == USUAL_DATASET else [f"{kind}-{digest(dataset)[:8]}" if colon else kind]
    parts.append(method)
    parts += [] if architecture == _usual_architecture(kind) else [architecture]
    parts += [f"inner-{inner}"] if inner else []
    parts += [f"outer-{outer}"] if outer else []
    parts += [] if recipe == USUAL_RECIPE else [Path(recipe).stem if is_path(recipe) else recipe]
    parts += [f"scale-{radii.scale}"] if radii.named else []
    parts += [f"epsilon-{norm}-{format_radius(norm, radius)}".replace("/", "-") for norm, radius in radii.own]
    parts += [f"{key}-{_spelt(value)}" for key, value in sorted(settings.items())]
    parts += [f"seed-{seed}"] if seed else []
    parts += [f"from-{'-and-'.join(teachers)}"] if teachers else []
    return safe_name("-".join(parts))


def checked_name(name: str) -> str:
    """A name that a person chose, in whatever letters; of several ways to write the same letters always one (NFC).

    Raises:
        BadInput: it is empty, or has something that can't be seen, as a line end or a space at its end.
    """
    if not name.isprintable() or not name or name != name.strip():
        raise BadInput(
            f"--name {short(name)} is empty or has something that can't be seen; choose letters, digits and signs"
        )
    return unicodedata.normalize("NFC", name)


def file_stem(name: str) -> str:
    """What the file of a network called `name` is called: the same, as far as every file system takes it."""
    return safe_name(name, LONGEST)


def name_beside(name: str, run: str) -> str:
    """Another name for the run with that digest, where something else is called `name` already."""
    return f"{safe_name(name, 80 - 9)}-{run[:8]}"


def _spelt(value: Any) -> str:
    return value if isinstance(value, str) else canonical_json(value)


def _usual_architecture(kind: str) -> str:
    return "small-cnn" if kind in _SMALL_AND_GREY else "resnet18"
