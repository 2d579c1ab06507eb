"""Networks asked for their answers to a few images, before anything is attacked."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from torch import Tensor

from benchmark.errors import BadInput, UnfitNetwork
from benchmark.evaluation import target as targets
from benchmark.evaluation.complaints import Complaints
from benchmark.evaluation.judge import asked
from benchmark.evaluation.plan import Plan
from benchmark.ledger.record import SHARD
from benchmark.models import (
    check_model,
    order_doubts,
    outputs_for,
    range_doubts,
)


def checked(plans: Sequence[Plan]) -> tuple[list[Plan], list[str]]:
    """The plans of networks that can be evaluated, with notes on what is odd about them; and why others can't."""
    complaints, result = Complaints(), []
    for plan in plans:
        with complaints.noted(plan.target.source):
            notes = (*plan.notes, *_oddities(plan))
            classes = targets.loaded(plan.target).classes(plan.suite.images, SHARD)
            result.append(dataclasses.replace(plan, notes=notes, classes=classes))
    complaints.raise_all()
    return result, complaints.unfit


def _oddities(plan: Plan) -> list[str]:
    """What is odd about the network, asked for its answers to the first shard.

    Raises:
        UnfitNetwork: it can't be evaluated.
    """
    target = plan.target
    network = targets.loaded(target)
    classes = network.classifier.num_classes
    try:
        x, y = network.images(0, min(plan.suite.images, SHARD))
        searched = network.classifier if target.last_layer else None
        with network.classifier.exact():
            odd = check_model(network.model, x, classes, target.last_layer, searched, target.judging.is_random)
    except BadInput as error:
        raise UnfitNetwork(f"{target.source}: {error}") from error

    def right(images: Tensor) -> Tensor:
        return asked(network.model, images, y, target.judging.verdict_passes).wrong_share < 0.5

    names = targets.images_of(target).class_names
    answers = asked(network.model, x, y, target.judging.verdict_passes)
    doubts = order_doubts(answers.logits, y, names, target.outputs)
    if doubts and _says_itself(plan, names):  # which reads the network once more
        doubts = order_doubts(answers.logits, y, names, target.outputs, settled=True)
    return odd + (doubts or range_doubts(right, x, y, classes))


def _says_itself(plan: Plan, class_names: Sequence[str]) -> bool:
    """Whether it is the network that says what its outputs stand for, as `outputs_for` sees it."""
    if plan.card["method"] == "external":
        return False
    network = targets.open_network(plan.target.source, trust_remote_code=plan.target.trust_remote_code)
    try:
        return bool(outputs_for(network, class_names, plan.target.dataset))
    except UnfitNetwork:  # its classes are called otherwise, and somebody said what they are
        return False
