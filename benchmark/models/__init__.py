"""Networks: the architectures, the files they are kept in, and where else they may come from."""

from __future__ import annotations

from benchmark.models.architectures import ARCHITECTURES, build
from benchmark.models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint

__all__ = ["ARCHITECTURES", "Checkpoint", "build", "load_checkpoint", "save_checkpoint"]
