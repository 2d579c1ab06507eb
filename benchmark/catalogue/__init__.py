"""What there is to choose from, and what is known about each thing: `bench list` and `bench show`."""

from __future__ import annotations

from benchmark.catalogue.rows import Row, catalogue
from benchmark.catalogue.show import show

__all__ = ["Row", "catalogue", "show"]
