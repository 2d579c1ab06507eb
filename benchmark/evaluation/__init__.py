"""Suites of attacks run on networks, verified, and kept per example: suite → plan → jobs → judge → ledger."""

from __future__ import annotations

from benchmark.evaluation.evaluate import evaluate
from benchmark.evaluation.suite import Suite, SuiteItem, load_suite
from benchmark.evaluation.transfer import transfer
from benchmark.moved import look_up

__all__ = ["Suite", "SuiteItem", "evaluate", "load_suite", "transfer"]


def __getattr__(name: str) -> object:
    return look_up(__name__, name)
