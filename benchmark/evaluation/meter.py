"""What a piece of searching cost, what it warned of, and why it failed."""

from __future__ import annotations

import datetime
import logging
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch

import benchmark
from benchmark.attacks import PreparedClassifier
from benchmark.errors import reason
from benchmark.hardware import describe
from benchmark.limits import MESSAGE, MESSAGES


@dataclass
class Meter:
    """The bill of one attack on one shard.

    Attributes:
        error: why the attack failed, if it did.
        warnings: what it logged as a warning, each thing once.
        spent: seconds; forward and backward passes, dead gradients and disagreements, counted in examples.
        hardware: where it ran.
        deterministic: whether a repeat there gives the same bits.
        tuned: whether cuDNN chose by timing how convolutions are computed.
    """

    error: str | None = None
    warnings: list[str] = field(default_factory=list)
    spent: dict[str, float] = field(default_factory=dict)
    hardware: str = ""
    deterministic: bool = False
    tuned: bool = False

    def info(self) -> dict[str, Any]:
        """As records keep it, with versions and date."""
        told = list(dict.fromkeys(map(_kept, self.warnings[:MESSAGES])))
        if len(self.warnings) > MESSAGES:
            told.append("there were more warnings than these, which are not kept")
        return {
            "error": None if self.error is None else _kept(self.error),
            "warnings": told,
            **self.spent,
            "hardware": self.hardware,
            **({"deterministic": True} if self.deterministic else {}),
            **({"cudnn_benchmark": True} if self.tuned else {}),
            "versions": versions(),
            "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        }


@contextmanager
def metered(classifier: PreparedClassifier) -> Iterator[Meter]:
    """Meter what happens within this context; an exception ends it and becomes the meter's `error`.

    An attack may be anybody's code, so that its failure is a result and not ours.
    """
    repeats = torch.are_deterministic_algorithms_enabled()
    meter = Meter(hardware=describe(classifier.device), deterministic=repeats, tuned=classifier.tuned)
    before, began = _counts(classifier), time.perf_counter()
    listener, attacks = _Listener(meter.warnings), logging.getLogger("benchmark.attacks")
    attacks.addHandler(listener)
    try:
        yield meter
    except KeyboardInterrupt:
        raise
    except BaseException as problem:  # SystemExit, too: an attack may be anybody's code, and end only itself
        meter.error = reason(problem)
    finally:
        classifier.settle()
        attacks.removeHandler(listener)
        after = _counts(classifier)
        meter.spent = {"seconds": time.perf_counter() - began, **{key: after[key] - before[key] for key in after}}


def versions() -> dict[str, str]:
    """The versions of what computes: this package, Python, torch."""
    return {"benchmark": benchmark.__version__, "python": platform.python_version(), "torch": torch.__version__}


class _Listener(logging.Handler):
    def __init__(self, heard: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._heard = heard

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()[: MESSAGE + 1]
        if text not in self._heard and len(self._heard) <= MESSAGES:
            self._heard.append(text)


def _kept(text: str) -> str:
    """As much of a message as records keep, in letters that can be written."""
    text = text[: MESSAGE + 1].encode(errors="backslashreplace").decode()
    return text if len(text) <= MESSAGE else f"{text[: MESSAGE - 3]}..."


def _counts(classifier: PreparedClassifier) -> dict[str, int]:
    return {
        "forwards": classifier.forwards,
        "backwards": classifier.backwards,
        "dead_gradients": classifier.dead_gradients,
        "disagreements": classifier.disagreements,
    }
