"""What an evaluation is called: a digest of what tells it from all others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmark.ledger.record import RULES
from benchmark.storage import digest


def evaluation_id(
    card: Mapping[str, Any],
    data: str,
    suite: str,
    mode: str,
    seed: int,
    precision: str,
    judging: Mapping[str, Any] | None,
    crafted_on: Mapping[str, Any] | None,
) -> str:
    """The id of an evaluation that is made by today's rules.

    Args:
        card: of the network, with the digest that its results are filed under.
        data, suite: the digests of images and attacks.
        mode, seed, precision: of the search.
        judging: how verdicts are made, where not by one pass of each candidate as it is.
        crafted_on: the card of the network that adversarial images are crafted on, where it is another one.
    """
    identity: dict[str, Any] = {
        "name": card["name"],
        "network": card["digest"],
        "data": data,
        "suite": suite,
        "mode": "full" if mode == "complete" else mode,  # as it was called when the first were filed
        "seed": seed,
        "precision": precision,
        "rules": RULES,
    }
    if card.get("last_layer"):
        identity["last_layer"] = card["last_layer"]
    if judging:
        identity["judging"] = judging
    if crafted_on is not None:
        identity["crafted_on"] = {key: crafted_on[key] for key in ("name", "digest")}
    return digest(identity)
