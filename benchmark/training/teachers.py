"""Frozen teachers: checkpoints of the zoo, or networks from anywhere that `benchmark.load_model` knows."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pydantic import JsonValue

from benchmark.data import Dataset
from benchmark.errors import BadInput, UnfitNetwork
from benchmark.models import (
    Arranged,
    Checkpoint,
    ExternalModel,
    Given,
    arranged,
    check_model,
    listed,
    load_model,
    outputs_for,
)

Teacher = Checkpoint | ExternalModel | Arranged

#: How many training images a network from elsewhere is tried on.
TRIED = 8


def load_teachers(
    method: str,
    roles: Sequence[str],
    sources: Sequence[Given] | Given,
    dataset: Dataset,
    *,
    download: bool = False,
    trust_remote_code: bool = False,
) -> tuple[Teacher, ...]:
    """One teacher for each of the `roles`, in their order, every one tried on images of the dataset if need be.

    Args:
        method: who asks, for messages.
        roles: what the method calls them.
        sources: as `benchmark.load_model` takes them.
        dataset: what is trained on.
        download, trust_remote_code: as for `benchmark.load_model`.

    Raises:
        BadInput: too few or too many; one can't be loaded, or was made for other classes or image sizes.
    """
    given = listed(sources)
    if len(given) != len(roles):
        raise wrong_number_of_teachers(method, roles, len(given))
    loaded = [load_model(source, download=download, trust_remote_code=trust_remote_code) for source in given]
    for teacher in loaded:
        teacher.check_fits(dataset)
        if isinstance(teacher, ExternalModel):  # its source may not say what it was made for
            images, _ = dataset.train.batch(slice(0, TRIED))
            try:
                check_model(teacher.model(), images, dataset.num_classes)
            except BadInput as error:
                raise BadInput(f"teacher {teacher.name} does not fit {dataset.name}: {error}") from error
    return tuple(arranged(teacher, _outputs(teacher, dataset)) for teacher in loaded)


def _outputs(teacher: Checkpoint | ExternalModel, dataset: Dataset) -> tuple[int, ...]:
    """Which output stands for which class, by the names that the teacher was trained with.

    Raises:
        BadInput: it was trained on other classes.
    """
    try:
        return outputs_for(teacher, dataset.class_names, dataset.name)
    except UnfitNetwork as error:
        told = str(error).partition("; if they are the same")[0]
        raise BadInput(f"teacher {told}; choose one that was trained on these classes") from error


def wrong_number_of_teachers(method: str, roles: Sequence[str], given: int) -> BadInput:
    """The error for a method that calls its teachers `roles`, and is given so many."""
    were = f"{given or 'none'} {'was' if given == 1 else 'were'} given with --teacher"
    if not roles:
        return BadInput(f"method {method} takes no teacher, but {were}; leave it out, or train a method that has one")
    names = ", ".join(roles)
    asked = f"1 teacher ({names})" if len(roles) == 1 else f"{len(roles)} teachers ({names}, in this order)"
    return BadInput(f"method {method} asks for {asked}, but {were}")


@contextmanager
def code_within_reach() -> Iterator[None]:
    """Within this context processes that are started find the modules of `python:` teachers in the working folder."""
    before = [*sys.path]
    sys.path.append(os.getcwd())
    try:
        yield
    finally:
        sys.path[:] = before


def lineage(roles: Sequence[str], teachers: Sequence[Teacher]) -> list[JsonValue]:
    """Who taught, as plain values: the role, the checkpoint's name or the source, and the SHA-256 of the network."""
    return [
        {"role": role, "source": teacher.name, "digest": teacher.digest}
        for role, teacher in zip(roles, teachers, strict=True)
    ]
