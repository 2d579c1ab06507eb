"""The card of a data set: its images, classes and splits, how networks normalise it, where it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from benchmark.catalogue.published import PUBLISHED, Facts
from benchmark.catalogue.rows import Row
from benchmark.errors import BadInput

if TYPE_CHECKING:
    from benchmark.data import Dataset

#: How networks are given the images, and how the splits are made: the same for all data sets.
NORMALISATION = (
    "inside each network: (x − mean) / std for each channel; attacks and radii are in [0, 1], before it. Training "
    "takes mean and std over the training split, without the images held out, and stores them in the checkpoint"
)
HELD_OUT = (
    "stratified by class, seeded, from the published training images: a tenth, at most 2,000; what a recipe does not "
    "validate on is trained on"
)


#: What can be said of sources of images without one of them, by their names.
_TO_EVALUATE: dict[str, Row] = {
    "imagenet": {
        "images": "RGB, of many sizes: --resize and --crop, or what the network's weights were made for",
        "classes": 1000,
        "splits": "50,000 validation images, to evaluate on; no training images",
        "radii": "of the scale imagenet",
        "paper": "Russakovsky et al. 2015",
        "source": "https://www.image-net.org/challenges/LSVRC/2012/",
        "download": "none: they are to be had from there, under its terms",
    },
    "npz": {
        "splits": "test images; training images where the file has some",
        "radii": "none of its own: give --scale or --epsilon",
    },
    "hf": {
        "splits": "the test split, or the validation split where there is none; no training images",
        "radii": "none of its own: give --scale or --epsilon",
        "download": "with --download, by the library datasets",
    },
}


def dataset_card(row: Row) -> Row:
    """A data set: from what is known of it or, where nothing is, from its files if they are here."""
    if row["name"] in PUBLISHED:
        return {**row, **_published(PUBLISHED[row["name"]])}
    if "folder" in row["name"].partition(":")[0] and ":" not in row["name"]:
        return {**row, "splits": f"train/ and test/ of the folder; validation {HELD_OUT}", **_common()}
    if row["name"] in _TO_EVALUATE:
        return {**row, **_TO_EVALUATE[row["name"]], "normalisation": NORMALISATION}
    try:
        return {**row, **loaded(row["name"])}
    except BadInput as error:
        return {**row, **_common(), "not loaded": str(error)}


def loaded(name: str) -> Row:
    """What the files of a data set tell, as `benchmark.data.load` reads them; nothing is fetched.

    Raises:
        BadInput: it can't be read.
    """
    from benchmark.data import load

    data: Dataset = load(name)
    splits = {part: len(getattr(data, part)) for part in ("train", "validation", "test")}
    return {
        **_images(data.shape, data.class_names),
        "splits": splits,
        **(_of_training(data) if data.can_train else {"normalisation": NORMALISATION}),
        "radii": data.scale or "none of its own: give --scale or --epsilon",
        "memory": f"{data.nbytes:,} bytes",
        "notes": list(data.notes),
    }


def _of_training(data: Dataset) -> Row:
    return {
        **_common(),
        "mean": [round(value, 4) for value in data.mean],
        "std": [round(value, 4) for value in data.std],
        "mean and std of": "the training split",
    }


def _published(facts: Facts) -> Row:
    own = not facts.download
    return {
        **_images(facts.shape, facts.classes),
        "splits": {"train": facts.train - facts.held_out, "validation": facts.held_out, "test": facts.test},
        "test": "a stratified quarter in class-balanced order: none is published" if own else "as published",
        **_common(),
        "mean": list(facts.mean),
        "std": list(facts.std),
        "mean and std of": "the training split" if own else "all published training images, to compare with",
        "radii": f"of the scale {facts.scale}",
        "paper": facts.paper,
        "source": facts.source,
        "licence": facts.licence,
        "download": f"{facts.download / 1e6:.0f} MB with --download" if facts.download else "none",
    }


def _images(shape: Sequence[int], classes: Sequence[str] | int) -> Row:
    channels, height, width = shape
    named = [] if isinstance(classes, int) else [*classes]
    return {
        "images": f"{'grey' if channels == 1 else 'RGB' if channels == 3 else f'{channels} channels'}, "
        f"{height}×{width} pixels",
        "shape": [*shape],
        "classes": classes if isinstance(classes, int) else len(classes),
        "class names": named,
    }


def _common() -> Row:
    return {"validation": HELD_OUT, "normalisation": NORMALISATION}
