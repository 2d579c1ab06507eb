"""From evaluations to what they mean: accuracies, intervals, tests. Pure functions of the ledger's content."""

from __future__ import annotations
