"""Answers before all images are attacked: which network is better, and how robust one is, as soon as it is known."""

from __future__ import annotations

from benchmark.sequential.decide import decide
from benchmark.sequential.estimate import estimate

__all__ = ["decide", "estimate"]
