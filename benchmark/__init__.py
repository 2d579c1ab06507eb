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
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from benchmark import moved

if TYPE_CHECKING:  # what type checkers and editors see of what is looked up on first use
    from benchmark import results as results
    from benchmark.catalogue.rows import catalogue as list
    from benchmark.catalogue.show import show as show
    from benchmark.checkup import doctor as doctor
    from benchmark.data.dataset import Dataset as Dataset
    from benchmark.errors import BadInput as BadInput
    from benchmark.errors import PartlyFailed as PartlyFailed
    from benchmark.evaluation.attack import attack as attack
    from benchmark.evaluation.evaluate import evaluate as evaluate
    from benchmark.evaluation.transfer import transfer as transfer
    from benchmark.evaluation.verification import verify as verify
    from benchmark.experiments.sweep import sweep as sweep
    from benchmark.importing.exporting import export_checkpoint as export_checkpoint
    from benchmark.importing.importing import import_checkpoint as import_checkpoint
    from benchmark.ledger.merge import merge as merge
    from benchmark.methods.perturb import perturb as perturb
    from benchmark.models.loading import load_model as load_model
    from benchmark.models.straight_through import straight_through as straight_through
    from benchmark.papers.paper import paper as paper
    from benchmark.quickstart import demo as demo
    from benchmark.registering import register_architecture as register_architecture
    from benchmark.registering import register_attack as register_attack
    from benchmark.registering import register_dataset as register_dataset
    from benchmark.registering import register_loss as register_loss
    from benchmark.registering import register_method as register_method
    from benchmark.registering import register_objective as register_objective
    from benchmark.reporting.compare import compare as compare
    from benchmark.reporting.report import report as report
    from benchmark.sequential.decide import decide as decide
    from benchmark.sequential.estimate import estimate as estimate
    from benchmark.sharing.bundle import bundle as bundle
    from benchmark.sharing.publish import publish as publish
    from benchmark.sharing.verify import verify_bundle as verify_bundle
    from benchmark.training import train as train
    from benchmark.training.own_loop import new_model as new_model
    from benchmark.training.own_loop import save as save
    from benchmark.training.several import train_several as train_several
    from benchmark.version import VERSION as __version__

moved.install()

#: Public name -> where it lives, as "module:attribute", or as "module" where it is one.
_DOORS = {
    "__version__": "benchmark.version:VERSION",
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


if not TYPE_CHECKING:  # which would take it for a yes to any name, misspelt ones included

    def __getattr__(name: str) -> Any:
        if name not in _DOORS:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module, _, attribute = _DOORS[name].partition(":")
        found = importlib.import_module(module)
        return getattr(found, attribute) if attribute else found


def __dir__() -> Iterable[str]:
    return sorted({*globals(), *_DOORS})
