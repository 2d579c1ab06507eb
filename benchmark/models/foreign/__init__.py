"""Weights that other programs saved: read without running anything, and told apart by names and shapes."""

from __future__ import annotations

from benchmark.models.foreign.match import COUNTER, SIDES, UNREAD, Fit, candidates, fits, misfit_report
from benchmark.models.foreign.names import KEYS, keys_of, names_in
from benchmark.models.foreign.reading import read_foreign, read_states
from benchmark.models.foreign.states import find_states

__all__ = [
    "COUNTER",
    "KEYS",
    "SIDES",
    "UNREAD",
    "Fit",
    "candidates",
    "find_states",
    "fits",
    "keys_of",
    "misfit_report",
    "names_in",
    "read_foreign",
    "read_states",
]
