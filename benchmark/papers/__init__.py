"""Papers: their tables and figures regenerated end to end, beside the numbers they print."""

from __future__ import annotations

from benchmark.papers.files import PAPERS, load_paper
from benchmark.papers.paper import Result, paper

__all__ = ["PAPERS", "Result", "load_paper", "paper"]
