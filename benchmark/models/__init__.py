"""Networks: the architectures, the files they are kept in, and where else they may come from."""

from __future__ import annotations

from benchmark.models.architectures import ARCHITECTURES, build
from benchmark.models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from benchmark.models.class_order import Arranged, arranged, outputs_for, read_classes, storable
from benchmark.models.external import ExternalModel
from benchmark.models.health import check_model, differing
from benchmark.models.input_range import range_doubts
from benchmark.models.loading import load_model
from benchmark.models.objects import Given, is_network, listed, network_of
from benchmark.models.order_doubts import order_doubts
from benchmark.models.sources import SOURCES

__all__ = [
    "ARCHITECTURES",
    "SOURCES",
    "Arranged",
    "Checkpoint",
    "ExternalModel",
    "Given",
    "arranged",
    "build",
    "check_model",
    "differing",
    "is_network",
    "listed",
    "load_checkpoint",
    "load_model",
    "network_of",
    "order_doubts",
    "outputs_for",
    "range_doubts",
    "read_classes",
    "save_checkpoint",
    "storable",
]
