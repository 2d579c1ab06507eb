"""How robust is this image classifier, and is one defence significantly better than another?

    >>> import benchmark
    >>> (checkpoint,) = benchmark.train("at", dataset="digits")
    >>> benchmark.evaluate([checkpoint], suite="multi-perturbation", preset="quick")
    >>> benchmark.report()

Each name in `__all__` is also a verb of the command line, or what a verb is made of. They are looked up on first
use, so that importing the package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import Any

from benchmark import moved

__version__ = "0.1.0"

moved.install()

#: Public name -> where it lives, as "module:attribute", or as "module" where it is one.
_DOORS = {
    "train": "benchmark.training:train",
    "train_several": "benchmark.training.several:train_several",
    "evaluate": "benchmark.evaluation:evaluate",
    "attack": "benchmark.evaluation.attack:attack",
    "perturb": "benchmark.methods.perturb:perturb",
    "new_model": "benchmark.training.own_loop:new_model",
    "register_attack": "benchmark.registering:register_attack",
    "register_method": "benchmark.registering:register_method",
    "register_loss": "benchmark.registering:register_loss",
    "register_objective": "benchmark.registering:register_objective",
    "register_architecture": "benchmark.registering:register_architecture",
    "register_dataset": "benchmark.registering:register_dataset",
    "save": "benchmark.training.own_loop:save",
    "transfer": "benchmark.evaluation:transfer",
    "verify": "benchmark.evaluation.verification:verify",
    "report": "benchmark.reporting:report",
    "results": "benchmark.results",
    "compare": "benchmark.reporting:compare",
    "decide": "benchmark.sequential:decide",
    "estimate": "benchmark.sequential:estimate",
    "paper": "benchmark.papers:paper",
    "sweep": "benchmark.experiments:sweep",
    "list": "benchmark.catalogue:catalogue",
    "show": "benchmark.catalogue:show",
    "merge": "benchmark.ledger.merge:merge",
    "bundle": "benchmark.sharing.bundle:bundle",
    "verify_bundle": "benchmark.sharing.verify:verify_bundle",
    "publish": "benchmark.sharing.publish:publish",
    "doctor": "benchmark.checkup:doctor",
    "demo": "benchmark.quickstart:demo",
    "import_checkpoint": "benchmark.importing:import_checkpoint",
    "export_checkpoint": "benchmark.importing:export_checkpoint",
    "load_model": "benchmark.models:load_model",
    "Dataset": "benchmark.data:Dataset",
    "straight_through": "benchmark.models.straight_through:straight_through",
    "BadInput": "benchmark.errors:BadInput",
    "PartlyFailed": "benchmark.errors:PartlyFailed",
}

__all__ = [
    "BadInput",
    "Dataset",
    "PartlyFailed",
    "__version__",
    "attack",
    "bundle",
    "compare",
    "decide",
    "demo",
    "doctor",
    "estimate",
    "evaluate",
    "export_checkpoint",
    "import_checkpoint",
    "list",
    "load_model",
    "merge",
    "new_model",
    "paper",
    "perturb",
    "publish",
    "register_architecture",
    "register_attack",
    "register_dataset",
    "register_loss",
    "register_method",
    "register_objective",
    "report",
    "results",
    "save",
    "show",
    "straight_through",
    "sweep",
    "train",
    "train_several",
    "transfer",
    "verify",
    "verify_bundle",
]


def __getattr__(name: str) -> Any:
    if name not in _DOORS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = _DOORS[name].partition(":")
    found = importlib.import_module(module)
    return getattr(found, attribute) if attribute else found


def __dir__() -> list[str]:
    return sorted({*globals(), *_DOORS})
