"""Formulas of statistics on plain arrays: no ledger, no torch."""
