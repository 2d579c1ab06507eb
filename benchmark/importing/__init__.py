"""Networks to and from other programs: their weights as a checkpoint of ours, and ours under their names."""

from __future__ import annotations

from benchmark.importing.exporting import export_checkpoint
from benchmark.importing.importing import Imported, import_checkpoint

__all__ = ["Imported", "export_checkpoint", "import_checkpoint"]
