"""Experiments: runs that differ in one thing, measured alike and put beside each other."""

from benchmark.experiments.sweep import Sweep, sweep

__all__ = ["Sweep", "sweep"]
