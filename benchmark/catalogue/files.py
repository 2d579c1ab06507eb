"""What a file says about itself: a checkpoint, a record of the ledger, an evaluation's manifest."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from benchmark.cache import at_home
from benchmark.catalogue.rows import FILES, Row
from benchmark.damage import Damaged
from benchmark.documents import parse_yaml
from benchmark.errors import BadInput
from benchmark.limits import DOCUMENT
from benchmark.storage import digest, read_text


def show_file(source: str, download: bool, trust_remote_code: bool) -> Row:
    """The card of a network, or what a file of the ledger holds.

    Raises:
        BadInput: the file is absent, damaged, or none of these.
    """
    path = Path(source)
    if path.suffix == ".json":
        return _evaluation(path)
    above = [folder.name for folder in path.absolute().parents]
    if above[1:2] == ["packs"]:
        return _pack(path.absolute())
    if above[1:2] == ["records"] or above[2:3] == ["blocks"]:
        return _record(path.absolute())
    return _network(source, download, trust_remote_code)


def kind_of(path: str) -> str:
    """What a YAML file is, "suites", "recipes", "papers" or "experiments", by the key that only such files have.

    Raises:
        BadInput: the file can't be read, or has none of these keys or several.
    """
    try:
        content, _ = parse_yaml(read_text(at_home(path), DOCUMENT), Path(path).name)
    except FileNotFoundError as error:
        raise BadInput(f"can't read {path}: there is no such file") from error
    found = [kind for kind, (_, key) in FILES.items() if isinstance(content, dict) and key in content]
    if len(found) != 1:
        known = ", ".join(f"{kind} have {key}" for kind, (_, key) in FILES.items())
        raise BadInput(f"{path}: say with --kind what this file is meant to be; of the keys at its top {known}")
    return found[0]


def in_short(card: Row) -> Row:
    """`card` for people: of flags that are packed into hexadecimal digits how many are set, and a digest of them."""
    extra = card.get("extra")
    if not isinstance(extra, dict) or not isinstance(extra.get("held_out"), dict):
        return card
    kept = extra["held_out"]
    told = {
        name: ", ".join(_flags(each, kept.get("images")) for each in (flags if isinstance(flags, list) else [flags]))
        for name, flags in kept.items()
        if name != "images"
    }
    return {**card, "extra": {**extra, "held_out": {"images": kept.get("images"), **told}}}


def _flags(packed: Any, images: Any) -> str:
    """ "312 of 500 (digest 1a2b3c4d)"; of what is no such thing only the digest."""
    name = f"digest {digest(packed)[:8]}"
    try:
        count = sum(byte.bit_count() for byte in bytes.fromhex(packed))
    except (TypeError, ValueError):
        return name
    return f"{count} of {images} ({name})"


def _network(source: str, download: bool, trust_remote_code: bool) -> Row:
    from benchmark.evaluation.network_card import card
    from benchmark.models import load_model

    return card(load_model(source, download=download, trust_remote_code=trust_remote_code))


def _record(path: Path) -> Row:
    """What a record says: the one at `path`, or the one that was there before it was packed with others."""
    from benchmark.ledger.packs import packed_record
    from benchmark.ledger.record import read_record

    problems: list[str] = []
    try:
        record = read_record(path)
    except FileNotFoundError as error:
        packed = packed_record(path.parent.parent.parent, path.parent.name, path.stem, problems.append)
        if packed is None:
            raise BadInput(
                "; ".join([f"there is no record {path}", *problems, "a report names the records behind its numbers"])
            ) from error
        record = packed
    except Damaged as error:
        raise BadInput(f"{error}; evaluate again to make it anew") from error
    per_image = {name: getattr(record, name).tolist() for name in ("clean_errors", "evaluated", "broken")}
    distances = [distance if math.isfinite(distance) else None for distance in record.distance.tolist()]
    classes = {"clean_class": record.clean_class, "adversarial_class": record.adversarial_class}
    told = {name: _known(own.tolist()) for name, own in classes.items() if own is not None}
    return {"record": record.digest, **record.key, **record.info, **per_image, "distance": distances, **told}


def _pack(path: Path) -> Row:
    """What a pack holds: of each record its name, which `show` takes as the path of a file in records/."""
    from benchmark.ledger.pack import read_whole

    try:
        pack = read_whole(path)
    except FileNotFoundError as error:
        raise BadInput(f"can't read {path}: there is no such file") from error
    except Damaged as error:
        raise BadInput(f"{error}; bench doctor --mend saves the records that are whole") from error
    keys = {name: pack.read(name).key for name in pack.names}
    records = [
        {"record": name, "attack": key["attack"], "start": key["data"]["start"], "stop": key["data"]["stop"]}
        for name, key in keys.items()
    ]
    return {"pack": path.stem, "network": next(iter(keys.values()))["network"], "records": records}


def _known(classes: list[int]) -> list[int | str | None]:
    """Class indices, "none" for no answer and None where nothing is known."""
    from benchmark.ledger.classes import NO_ANSWER, NONE
    from benchmark.ledger.predictions import UNKNOWN

    return [{NONE: NO_ANSWER, UNKNOWN: None}.get(place, place) for place in classes]


def _evaluation(path: Path) -> Row:
    from benchmark.ledger.manifests import read_manifest

    try:
        return read_manifest(path)
    except FileNotFoundError as error:
        raise BadInput(f"can't read {path}: there is no such file") from error
    except Damaged as error:
        raise BadInput(f"{error}; evaluations lie in the folder evaluations/ of the results") from error
