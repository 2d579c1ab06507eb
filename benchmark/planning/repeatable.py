"""Under --deterministic: saying which networks and results were made without it, and are used as they are."""

from __future__ import annotations

from collections.abc import Iterable

from benchmark.errors import notice
from benchmark.ledger import Evaluation
from benchmark.models import load_checkpoint
from benchmark.planning.networks import PlannedNetwork
from benchmark.planning.runs import Zoo


def tell_of_earlier(
    networks: Iterable[PlannedNetwork], zoo: Zoo | None, evaluations: Iterable[Evaluation] = ()
) -> None:
    """Say what a repeat may not give to the last bit.

    Args:
        networks: whose checkpoints are used, with those of their teachers.
        zoo: where they are.
        evaluations: whose numbers are used.
    """
    found = {zoo.find(each) for network in networks for each in network.lineage()} if zoo else set()
    paths = [path for path in found if path is not None]
    trained = sorted(str(path) for path in paths if not load_checkpoint(path).extra.get("deterministic"))
    if trained:
        notice(
            f"{', '.join(trained)}: trained, or begun, earlier without --deterministic, and used as found; in "
            "another --zoo all of them are trained so"
        )
    attacked = list(dict.fromkeys(each.name for each in evaluations if not each.deterministic))
    if attacked:
        notice(
            f"{', '.join(attacked)}: some results were made earlier without --deterministic and are used as they "
            "are; in another --results all of them are made so"
        )
