"""Suites of attacks run on networks, verified, and kept per example: suite → plan → jobs → verify → ledger."""

from __future__ import annotations

from benchmark.evaluation.evaluate import evaluate
from benchmark.evaluation.ledger import Ledger, load_results
from benchmark.evaluation.outcomes import Evaluation, Outcome
from benchmark.evaluation.record import Record, read_record
from benchmark.evaluation.suite import SUITES, Suite, SuiteItem, load_suite
from benchmark.evaluation.transfer import transfer

__all__ = [
    "SUITES",
    "Evaluation",
    "Ledger",
    "Outcome",
    "Record",
    "Suite",
    "SuiteItem",
    "evaluate",
    "load_results",
    "load_suite",
    "read_record",
    "transfer",
]
