"""Formulas: arrays in, arrays out, nothing known of networks or files. docs/statistics.md explains each of them."""

from __future__ import annotations
