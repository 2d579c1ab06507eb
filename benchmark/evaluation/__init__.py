"""Suites of attacks run on networks, verified, and kept per example: suite → plan → jobs → judge → ledger."""

from __future__ import annotations

from benchmark.evaluation.evaluate import evaluate
from benchmark.evaluation.suite import Suite, SuiteItem, load_suite
from benchmark.evaluation.transfer import transfer

__all__ = ["Suite", "SuiteItem", "evaluate", "load_suite", "transfer"]
