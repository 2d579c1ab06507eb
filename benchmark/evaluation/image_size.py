"""Which view of pictures a network is tried on: the caller's, the network's own, or none."""

from __future__ import annotations

from benchmark.data.view import View, split_view, with_view
from benchmark.errors import BadInput, short
from benchmark.evaluation import objects
from benchmark.held_out_names import split_holdout, with_holdout
from benchmark.models import Checkpoint, ExternalModel

#: What `resize` may say instead of a number: as the network's weights ask for.
NETWORK = "network"


def viewed(
    name: str, resize: int | str | None, crop: int | None, network: Checkpoint | ExternalModel
) -> tuple[str, str]:
    """The name of the data with its view, and what to say of it; "" where the caller knows.

    Args:
        name: of the data, perhaps with a view of its own.
        resize: pixels of the shorter side, or "network"; None if the caller does not say.
        crop: side of the square that is cut out; None if the caller does not say.
        network: what is tried on it; the images of imagenet are seen as it says, where the caller says nothing.

    Raises:
        BadInput: there are two views, the data has none, or the network does not say its own.
    """
    whole, share = split_holdout(name)
    if share is not None:
        seen, said = viewed(whole, resize, crop, network)
        return with_holdout(seen, share), said
    plain, view = split_view(name)
    given = resize is not None or crop is not None
    if given and objects.dataset_is_held(name):
        raise BadInput(f"--resize and --crop are for data that is read by its name; {name} was handed over as is")
    if given and view is not None:
        raise BadInput(f"{name} says itself how its images are resized; leave --resize and --crop out")
    if isinstance(resize, str) and resize.isascii() and resize.isdigit() and len(resize) < 9:
        resize = int(resize)
    if isinstance(resize, str) and resize != NETWORK and "x" not in resize:
        raise BadInput(
            f"--resize {short(resize)}: give the pixels of the shorter side, both sides as 256x256, or the word "
            f"{NETWORK}"
        )
    own = getattr(network, "view", "")
    wanted = resize == NETWORK or (plain.partition(":")[0] == "imagenet" and not given and view is None and own)
    if not wanted:
        return (with_view(plain, View(resize, crop)) if given else name), ""
    if crop is not None:
        raise BadInput(
            f"--resize {NETWORK} takes the network's own crop, too; leave --crop out, or give both numbers"
        )
    if not own:
        raise BadInput(
            f"{network.name} does not say how its images are resized, or in a way that is not among "
            "docs/pictures.md's; give --resize and --crop as numbers"
        )
    _, view = split_view(f"{plain}?{own}")
    return with_view(plain, view), f"the images are resized and cropped as the network's weights ask for: {own}"
