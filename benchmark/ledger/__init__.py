"""The results folder: records of what attacks found, and the evaluations made of them. Nothing here needs torch."""

from __future__ import annotations

from benchmark.ledger.evaluation import Evaluation, Outcome
from benchmark.ledger.ledger import Ledger, load_results
from benchmark.ledger.record import Record, read_record

__all__ = ["Evaluation", "Ledger", "Outcome", "Record", "load_results", "read_record"]
