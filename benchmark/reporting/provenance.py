"""What a network was made of beside its data set: other weights to begin with, extra images, averaged weights.

Cards are untrusted: what has not the form that training writes says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmark.reporting.text import count


def begun_from(card: Mapping[str, Any]) -> str:
    """The network whose weights training began with, and whether its last layer was a new one; "" for random ones."""
    init = _told(card, "init")
    if not init:
        return ""
    head = ", with a new last layer" if _recipe(card).get("init_head") == "new" else ""
    return f"{init.get('source', '')} ({str(init.get('digest', ''))[:16]}){head}"


def extra_data(card: Mapping[str, Any]) -> str:
    """What was trained on beside the data set, its share of each batch, and what of the test images was among it."""
    found = _told(card, "extra_data")
    if not found:
        return ""
    images, share = found.get("images"), found.get("share")
    told = [f"{found.get('name', '')}: {count(images) if isinstance(images, int) else '?'} images"]
    told += [f"{100 * share:g}% of each batch"] if isinstance(share, int | float) else []
    told += [f"{found['test_images']} of them test images"] if found.get("test_images") else []
    told += [f"{found['validation_images']} of them held-out images"] if found.get("validation_images") else []
    return ", ".join(told)


def weights(card: Mapping[str, Any]) -> str:
    """Which weights these are: "averaged, ema 0.999", or "as trained"; "" where the card tells of no training."""
    recipe = _recipe(card)
    if not recipe.get("name"):
        return ""
    return f"averaged, ema {recipe['ema']}" if recipe.get("ema") else "as trained"


def _recipe(card: Mapping[str, Any]) -> Mapping[str, Any]:
    found = card.get("recipe")
    return found if isinstance(found, Mapping) else {}


def _told(card: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    extra = card.get("extra")
    found = extra.get(name) if isinstance(extra, Mapping) else None
    return found if isinstance(found, Mapping) else {}
