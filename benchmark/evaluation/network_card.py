"""What reports tell about a network that is evaluated."""

from __future__ import annotations

from typing import Any

from benchmark.models import Arranged, Checkpoint, ExternalModel


def card(network: Checkpoint | ExternalModel | Arranged) -> dict[str, Any]:
    """What reports tell about a network: everything about it except its weights, as plain JSON values.

    Where its outputs were put into another order, the order is there as `outputs`, and as `unordered` the digest of
    the network as it was loaded.
    """
    if isinstance(network, Arranged):
        told = card(network.network)
        return told | {"digest": network.digest, "outputs": [*network.outputs], "unordered": told["digest"]}
    if isinstance(network, Checkpoint):
        told = network.card()
        numbers = sum(tensor.numel() for tensor in network.state.values() if tensor.is_floating_point())
    else:
        told = {"name": network.name, "method": "external", "network": "", "dataset": network.dataset}
        told |= {"architecture": type(network.network).__name__, "history": [], "recipe": {}}
        told |= {"is_object": True} if network.is_object else {}
        numbers = sum(parameter.numel() for parameter in network.network.parameters())
    return told | {"digest": network.digest, "numbers": numbers}
