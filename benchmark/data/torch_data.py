"""Images out of a `torch.utils.data.Dataset`: only as many of its items are read as are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils import data as torch_data

from benchmark.data.arrays import MOST_CLASSES, check_range, doubt_darkness, tensor_of
from benchmark.data.orders import balanced_order, permutation
from benchmark.errors import BadInput, reason, short

#: How mappings call an image and its label.
IMAGE_KEYS, LABEL_KEYS = ("image", "img", "pixel_values", "images"), ("label", "labels", "target", "fine_label")

#: How many items are read twice, to see whether they stay the same: a flip of every other image leaves two of them as
#: they were once in four times, sixteen once in sixty thousand.
TWICE = 16


def is_torch_data(thing: object) -> bool:
    """Whether it is a dataset of torch's."""
    return isinstance(thing, torch_data.Dataset)


def read_items(data: Any, images: int | None = None) -> tuple[Tensor, Tensor, tuple[str, ...] | int | None]:
    """Images N×C×H×W, their labels N, and the names of the classes if `data` says them, or their number.

    Args:
        data: a dataset of torch's, map-style or iterable, or anything with a length and items.
        images: read so many items at most.

    Raises:
        BadInput: an item can't be read, is no image with a label, differs in size from the first one, or is another
            one when it is read again.
    """
    if not (is_torch_data(data) or (hasattr(data, "__getitem__") and hasattr(data, "__len__"))):
        raise BadInput(f"a {type(data).__name__} is no dataset; give a torch.utils.data.Dataset of (image, label)")
    name = type(data).__name__
    pixels: Tensor | None = None
    labels: list[int] = []
    count = images
    if not isinstance(data, torch_data.IterableDataset):
        count = min(len(data), len(data) if images is None else images)
    parts: list[Tensor] = []
    places: list[int] = []
    for number, (place, item) in enumerate(_items(data, name, count)):
        image, label = _read(item, f"{name}[{place}]")
        first = parts[0] if pixels is None and parts else image if pixels is None else pixels[0]
        if (image.shape, image.dtype) != (first.shape, first.dtype):
            raise BadInput(
                f"{name}[{place}] is {_told(image)} but the first image {_told(first)}; bring all images to one size "
                "and type in its transform"
            )
        if number < TWICE and not isinstance(data, torch_data.IterableDataset):
            _check_same(data, place, name, image, label)
        if pixels is None and count is not None:
            pixels = torch.empty((count, *image.shape), dtype=image.dtype)
        if pixels is not None:
            pixels[number] = image
        else:
            parts.append(image)
        labels.append(label)
        places.append(place)
    if not labels:
        raise BadInput(f"{name} has no items; give one with images")
    found = torch.stack(parts) if pixels is None else pixels[: len(labels)]
    if found.is_floating_point():
        check_range(found, name)
    doubt_darkness(found, name)
    if _are_others(data, places, labels):  # than its items have, as where a transform makes few classes of many
        return found, torch.tensor(labels, dtype=torch.int64), None
    return found, torch.tensor(labels, dtype=torch.int64), _classes(data, max(labels)) or _numbered(data)


def _items(data: Any, name: str, count: int | None) -> Iterator[tuple[int, Any]]:
    """The items in the order in which they are taken, each with its place."""
    iterable = isinstance(data, torch_data.IterableDataset)
    try:
        if iterable:
            yield from islice(enumerate(data), count)
            return
        for place in order_of(data)[:count].tolist():
            yield place, data[place]
    except BadInput:
        raise
    except Exception as error:  # a dataset may be anybody's code
        raise BadInput(f"{name}: its items can't be read: {reason(error)}") from error


def order_of(data: Any) -> Tensor:
    """The order in which the items of a map-style dataset are taken; balanced where their labels are known."""
    labels = labels_known(data)
    return permutation(len(data)) if labels is None else balanced_order(labels)


def labels_known(data: Any) -> Tensor | None:
    """The labels N of a dataset that tells them without reading its images; None where it doesn't."""
    if isinstance(data, torch_data.Subset):
        inner = labels_known(data.dataset)
        return None if inner is None else inner[torch.as_tensor(np.asarray(data.indices, dtype=np.int64))]
    if isinstance(data, torch_data.ConcatDataset):
        each = [labels_known(part) for part in data.datasets]
        return None if any(part is None for part in each) else torch.cat([part for part in each if part is not None])
    if isinstance(data, torch_data.TensorDataset):
        found: Any = data.tensors[1] if len(data.tensors) > 1 else None
    else:
        found = next(
            (value for name in ("targets", "labels") if (value := getattr(data, name, None)) is not None), None
        )
    try:
        array = np.asarray(found)
    except Exception:  # whatever a dataset keeps under that name
        return None
    known = array.dtype.kind in "iu" and array.shape == (len(data),)
    return torch.from_numpy(array.astype(np.int64)) if known else None


def _read(item: Any, where: str) -> tuple[Tensor, int]:
    """An item's image C×H×W and its label.

    Raises:
        BadInput: it has none.
    """
    if isinstance(item, Mapping):
        image, label = (next((item[key] for key in keys if key in item), None) for keys in (IMAGE_KEYS, LABEL_KEYS))
        if image is None or label is None:
            raise BadInput(f"{where} has {short(', '.join(map(str, item)))}, not an image and a label")
    elif isinstance(item, Sequence) and not isinstance(item, str) and len(item) >= 2:
        image, label = item[0], item[1]
    else:
        raise BadInput(f"{where} is a {type(item).__name__}, not an image with its label")
    return image_of(image, where), label_of(label, where)


def image_of(image: Any, where: str) -> Tensor:
    """One image as C×H×W: bytes as they are, numbers as float32.

    Raises:
        BadInput: it is none.
    """
    if isinstance(image, Tensor):
        found, last = tensor_of(image, where).cpu(), False
    elif isinstance(image, np.ndarray):
        found, last = tensor_of(image, where), True
    elif hasattr(image, "getbands"):  # Pillow's
        if image.mode not in ("L", "RGB"):
            raise BadInput(f"{where} is an image of mode {image.mode}; convert it to L or RGB in its transform")
        found, last = torch.from_numpy(np.array(image)), True
    else:
        raise BadInput(f"{where}: its image is a {type(image).__name__}; give a tensor, an array or a PIL image")
    if found.dim() == 2:
        found = found[None]
    elif found.dim() == 3 and last:
        found = found.permute(2, 0, 1)
    if found.dim() != 3:
        raise BadInput(f"{where}: its image has the shape {tuple(found.shape)}; give channels × height × width")
    if found.dtype != torch.uint8 and not found.is_floating_point():
        raise BadInput(f"{where}: its image is {found.dtype}; give uint8 in 0..255, or numbers in [0, 1]")
    return found.contiguous() if found.dtype == torch.uint8 else found.float().contiguous()


def label_of(label: Any, where: str) -> int:
    """A label as a whole number.

    Raises:
        BadInput: it is none.
    """
    single = (
        label.item()
        if isinstance(label, Tensor | np.ndarray | np.generic) and label.size != 0 and _one(label)
        else label
    )
    if isinstance(single, bool) or not isinstance(single, int) or single < 0:
        raise BadInput(f"{where}: its label is {short(single)}, not the place of a class, from 0 on")
    return single


def _one(array: Any) -> bool:
    return bool(np.prod(tuple(array.shape)) == 1)


def _check_same(data: Any, place: int, name: str, image: Tensor, label: int) -> None:
    again, known = _read(data[place], f"{name}[{place}]")
    if known != label:
        raise BadInput(
            f"{name}[{place}] has the label {label}, and {known} when it is read again; give each item one label"
        )
    if again.shape != image.shape or not torch.equal(again.nan_to_num(2), image.nan_to_num(2)):
        raise BadInput(
            f"{name}[{place}] is another image when it is read again; leave random changes out of its transform"
        )


def _classes(data: Any, largest: int) -> tuple[str, ...] | None:
    """The names of the classes, if the dataset, or the one that it is a part of, has one for each label."""
    found = getattr(data, "classes", None)
    if found is None and isinstance(data, torch_data.Subset):
        return _classes(data.dataset, largest)
    if isinstance(found, list | tuple) and len(found) > largest and len(set(map(str, found))) == len(found):
        return tuple(map(str, found))
    return None


def _are_others(data: Any, places: Sequence[int], labels: Sequence[int]) -> bool:
    """Whether the labels that the dataset tells of are none that its items had, so that neither are its classes."""
    known = None if isinstance(data, torch_data.IterableDataset) else labels_known(data)
    return known is not None and known[list(places)].tolist() != list(labels)


def _numbered(data: Any) -> int | None:
    """As many classes as the labels tell of, where they are known without reading the items."""
    labels = None if isinstance(data, torch_data.IterableDataset) else labels_known(data)
    if labels is None or not len(labels) or int(labels.min()) < 0 or int(labels.max()) >= MOST_CLASSES:
        return None
    return max(2, int(labels.max()) + 1)


def _told(image: Tensor) -> str:
    return f"{str(image.dtype).removeprefix('torch.')} {'×'.join(map(str, image.shape))}"
