"""Image classifiers of transformers: a folder that `save_pretrained` wrote, or a name on the Hugging Face hub.

The library's own classes make the network of the folder's configuration; code that a folder may hold is never run,
and weights are read as safetensors, or by torch as weights alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from benchmark.errors import BadInput, UnfitNetwork, first_line
from benchmark.models.external import ExternalModel
from benchmark.models.fetching import needs, not_here, weights_only
from benchmark.models.normalize import Normalize
from benchmark.models.queries import check_arguments, split_query


def from_hugging_face(name: str, download: bool, trust_remote_code: bool) -> ExternalModel:
    """An image classifier of transformers: a folder, or NAME on the hub; its processor's mean, std and size count."""
    place, given = split_query(name)
    source = f"hf:{name}"
    check_arguments(source, given, ("revision",))
    if not place:
        raise BadInput("hf: names no network; write hf:FOLDER or hf:OWNER/NAME")
    with needs("transformers", "pip install transformers"):
        from transformers import AutoImageProcessor, AutoModelForImageClassification
    folder = Path(place).is_dir()
    options = {"local_files_only": folder or not download, "trust_remote_code": False, **given}
    with weights_only(source):
        try:
            settings = _settings(AutoImageProcessor.from_pretrained(place, **options))
            network, report = AutoModelForImageClassification.from_pretrained(
                place, output_loading_info=True, **options
            )
        except OSError as error:
            if folder or download:
                raise UnfitNetwork(f"{source} can't be loaded: {first_line(error)}") from error
            raise not_here(source, "the Hugging Face cache, nor is there such a folder") from error
    lacking = [*report["missing_keys"], *report["mismatched_keys"]]
    if lacking:  # which the library would draw at random
        raise UnfitNetwork(f"{source} lacks weights, such as {lacking[0]}: it is no whole image classifier")
    mean, std, shape = _images(source, settings, getattr(network.config, "num_channels", 3) or 3)
    imagenet = "imagenet" if network.config.num_labels == 1000 else ""
    return ExternalModel(
        source,
        nn.Sequential(Normalize(mean, std), network),
        network.config.num_labels,
        shape,
        imagenet,
        imagenet,
        view=_view(settings),
    )


def _settings(processor: Any) -> dict[str, Any]:
    """What the processor does to pictures, by name."""
    return dict(processor.to_dict())


#: From this size on, processors that have a `crop_pct` squeeze the whole picture.
_SQUEEZED = 384

#: How processors call ways to resize, by Pillow's numbers.
_RESAMPLE = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic", 4: "box"}


def _view(settings: dict[str, Any]) -> str:
    """How the processor resizes and crops pictures, as `ExternalModel.view` says it; "" where no view does that.

    A size with height and width (DeiT, ViT) is what the whole picture is squeezed to, whatever its sides.
    """
    sides, crop = (each if isinstance(each, dict) else {} for each in map(settings.get, ("size", "crop_size")))
    edge, squeezed = sides.get("shortest_edge"), sides.get("height") and sides.get("width")
    way = _RESAMPLE.get(settings.get("resample", 2))
    is_cut = bool(settings.get("do_center_crop"))
    cuts = crop.get("height") if is_cut and crop.get("height") == crop.get("width") else None
    share = settings.get("crop_pct")
    if edge and share and edge < _SQUEEZED:  # ConvNeXT, ResNet and others: what is cut out is `size`
        edge, cuts = int(edge / share), edge
    elif edge and share:
        edge, squeezed, sides = None, True, {"height": edge, "width": edge}
    resized = f"{sides['height']}x{sides['width']}" if squeezed and not edge else edge
    if not (settings.get("do_resize") and resized and way) or (cuts is None and (is_cut or not squeezed)):
        return ""
    told = f"resize={resized}" + ("" if cuts is None else f"&crop={cuts}")
    return told + ("" if way == "bilinear" else f"&interpolation={way}")


def _images(
    source: str, settings: dict[str, Any], channels: int
) -> tuple[tuple[float, ...], tuple[float, ...], tuple[int, int, int]]:
    """Mean and standard deviation for images in [0, 1], and the shape (C, H, W) of images.

    Raises:
        UnfitNetwork: the processor says no size, or does something else to the numbers.
    """
    mean, std = (0.0,) * channels, (1.0,) * channels
    if settings.get("do_normalize"):
        mean, std = (tuple(map(float, settings[key])) for key in ("image_mean", "image_std"))
    # Pixels from 0 to 255 are multiplied by this before; images in [0, 1] are pixels divided by 255.
    factor = 255 * float(settings.get("rescale_factor") or 1 / 255) if settings.get("do_rescale", True) else 255.0
    if abs(factor - 1) > 1e-3:
        mean, std = (tuple(number / factor for number in numbers) for numbers in (mean, std))
    size = settings.get("crop_size") if settings.get("do_center_crop") else settings.get("size")
    size = dict(size) if size is not None and not isinstance(size, int) else {"shortest_edge": size}
    edge = size.get("shortest_edge")
    height, width = size.get("height") or edge, size.get("width") or edge
    if len(mean) != channels or not (height and width):
        raise UnfitNetwork(
            f"{source}: its image processor says no size or statistics of images of {channels} channels"
        )
    return mean, std, (channels, int(height), int(width))
