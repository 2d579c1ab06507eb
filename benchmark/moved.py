"""Where the modules of version 0.1.0 are now: their old names still lead there, with a warning, until version 0.3.

Nothing in this package uses an old name. Code that was written for 0.1.0 finds what it asks for.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

_PACKAGE = __name__.partition(".")[0]

#: Old name -> new name, both without the package's.
MOVED = {
    "analysis.intervals": "statistics.wilson",
    "attacks.autoattack": "attacks.adapters.autoattack",
    "attacks.boundary": "attacks.black_box.boundary",
    "attacks.classifier": "attacks.prepared",
    "attacks.cw": "attacks.white_box.cw",
    "attacks.ddn": "attacks.white_box.ddn",
    "attacks.deepfool": "attacks.white_box.deepfool",
    "attacks.fmn": "attacks.white_box.fmn",
    "attacks.foreign": "attacks.adapters.third_party",
    "attacks.gradient": "attacks.white_box.gradient",
    "attacks.hopskipjump": "attacks.black_box.hopskipjump",
    "attacks.libraries": "attacks.adapters.libraries",
    "attacks.pace": "attacks.apgd_steps",
    "attacks.pointwise": "attacks.black_box.pointwise",
    "attacks.random_noise": "attacks.black_box.random_noise",
    "attacks.spatial": "attacks.black_box.spatial",
    "attacks.starts": "attacks.black_box.starts",
    "evaluation.answers": "ledger.answers",
    "evaluation.arrays": "ledger.arrays",
    "evaluation.form": "ledger.schema",
    "evaluation.keepsakes": "ledger.stored_adversarials",
    "evaluation.ledger": "ledger.ledger",
    "evaluation.order": "evaluation.request",
    "evaluation.outcomes": "ledger.evaluation",
    "evaluation.recheck": "evaluation.verification",
    "evaluation.record": "ledger.record",
    "evaluation.specimens": "ledger.sample_images",
    "evaluation.subject": "evaluation.target",
    "evaluation.summary": "ledger.assemble",
    "evaluation.trial": "evaluation.attack_run",
    "evaluation.verify": "evaluation.judge",
    "experiments.runs": "experiments.plan",
    "inventory": "catalogue",
    "papers.agenda": "papers.job_list",
    "papers.archive": "planning.ledger_index",
    "papers.chart": "planning.chart",
    "papers.estimate": "planning.estimate",
    "papers.runs": "planning.runs",
    "papers.stage": "papers.setting",
    "papers.workshop": "planning.runner",
    "reporting.svg": "charts",
    "reporting.tables": "reporting.leaderboards",
    "training.batch": "methods.batch",
    "training.cohort": "methods.cohort",
    "training.differences": "methods.differences",
    "training.exchange": "methods.overrides",
    "training.inner": "methods.inner",
    "training.losses": "methods.losses",
    "training.method": "methods.method",
    "training.methods": "methods.table",
    "training.names": "run_names",
    "training.objectives": "methods.objectives",
    "training.outer": "methods.outer",
    "training.outer.alone": "methods.outer.alone",
    "training.outer.base": "methods.outer.base",
    "training.outer.taught": "methods.outer.taught",
    "training.outer.together": "methods.outer.together",
    "training.parameters": "parameters",
    "training.recipe": "recipes.recipe",
    "training.rehearsal": "training.dry_run",
    "training.schedules": "recipes.schedules",
    "training.weights": "methods.weights",
}

#: What has moved or changed its name inside a module, by module and old name: "module:name" of today.
NAMES = {
    "evaluation": {
        "SUITES": "suites.files:SUITES",
        "Evaluation": "ledger:Evaluation",
        "Ledger": "ledger:Ledger",
        "Outcome": "ledger:Outcome",
        "Record": "ledger:Record",
        "load_results": "ledger:load_results",
        "read_record": "ledger:read_record",
    },
    "evaluation.jobs": {
        "Job": "evaluation.jobs:AttackJob",
        "file_trial": "evaluation.trial_record:file_trial",
        "keep_images": "evaluation.trial_record:keep_images",
        "run_job": "evaluation.run_job:run_job",
    },
    "evaluation.request": {
        "Order": "evaluation.request:EvaluationRequest",
        "checked": "evaluation.checking:checked",
        "reported": "evaluation.complaints:reported",
    },
    "evaluation.target": {
        "Subject": "evaluation.target:LoadedTarget",
        "card": "evaluation.network_card:card",
        "load_subject": "evaluation.target:load_target",
        "subject": "evaluation.target:loaded",
    },
    "experiments.experiment": {
        "Question": "experiments.experiment:Comparison",
        "make_question": "experiments.experiment:make_comparison",
    },
    "experiments.measure": {"Figures": "experiments.measure:Measurement"},
    "experiments.table": {"Line": "experiments.table:SweepLine"},
    "experiments.variants": {
        "TEACHERS": "planning.teacher_runs:TEACHERS",
        "Tutor": "planning.teacher_runs:TeacherRun",
    },
    "ledger.sample_images": {
        "Specimens": "ledger.sample_images:SampleImages",
        "read_specimens": "ledger.sample_images:read_sample_images",
        "write_specimens": "ledger.sample_images:write_sample_images",
    },
    "ledger.stored_adversarials": {
        "Keepsake": "ledger.stored_adversarials:StoredAdversarials",
        "read_keepsake": "ledger.stored_adversarials:read_stored_adversarials",
        "write_keepsake": "ledger.stored_adversarials:write_stored_adversarials",
    },
    "papers.claims": {"Verdict": "papers.claims:ClaimVerdict"},
    "papers.grid": {
        "Cell": "papers.cells:TableCell",
        "Line": "papers.grid:TableLine",
    },
    "papers.job_list": {
        "Agenda": "planning.jobs:JobList",
        "make_agenda": "papers.job_list:make_job_list",
    },
    "papers.networks": {
        "Network": "planning.networks:PlannedNetwork",
        "Training": "planning.networks:TrainingRun",
    },
    "papers.schema": {
        "Column": "papers.schema:TableColumn",
        "Exhibit": "papers.schema:TableOrFigure",
        "Key": "papers.schema:PrintedAs",
        "Row": "papers.schema:TableRow",
    },
    "papers.setting": {
        "Stage": "papers.setting:PaperSetting",
        "make_stage": "papers.setting:make_setting",
    },
    "planning.estimate": {"Clock": "planning.estimate:TimeEstimate"},
    "planning.ledger_index": {
        "Archive": "planning.ledger_index:LedgerIndex",
        "Question": "planning.jobs:EvaluationQuery",
        "Scores": "papers.cells:Scores",
        "scores": "papers.cells:scores",
    },
    "planning.runner": {"Workshop": "planning.runner:JobRunner"},
    "reporting": {
        "Board": "reporting.leaderboards:Leaderboard",
        "Contest": "reporting.compare:PairedTests",
        "boards": "reporting.leaderboards:leaderboards",
        "print_boards": "reporting.terminal:print_leaderboards",
        "print_contests": "reporting.terminal:print_paired_tests",
    },
    "reporting.leaderboards": {
        "Board": "reporting.leaderboards:Leaderboard",
        "attacks_frame": "reporting.rows:attacks_frame",
        "boards": "reporting.leaderboards:leaderboards",
        "leaderboard_frame": "reporting.rows:leaderboard_frame",
    },
    "training.plan": {
        "check_seed": "training.request:check_seed",
        "decide": "training.decision:decide",
        "make_plan": "training.request:make_plan",
        "parse_settings": "training.settings:parse_settings",
        "registered_name": "training.decision:registered_name",
        "usual": "training.decision:usual",
        "usual_architecture": "training.decision:usual_architecture",
    },
    "storage": {"tensor_digest": "tensors:tensor_digest"},
}


class _Moved(MetaPathFinder, Loader):
    """Finds a module under its old name, before anything that is left of an older installation."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package, _, name = fullname.partition(".")
        return ModuleSpec(fullname, self) if package == _PACKAGE and name in MOVED else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        new = f"{_PACKAGE}.{MOVED[spec.name.partition('.')[2]]}"
        warnings.warn(f"{spec.name} is {new} now; the old name goes with version 0.3", FutureWarning, stacklevel=2)
        module = importlib.import_module(new)
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """The module was run under its new name; what the import system noted on it is put back."""
        old = module.__spec__
        if old is not None and old.loader is self:
            module.__spec__ = old.loader_state


def install() -> None:
    """Let the old names lead to the new ones in this process."""
    if not any(isinstance(finder, _Moved) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Moved())


def look_up(module: str, name: str) -> object:
    """What `module` of version 0.1.0 had under that name; for the module's `__getattr__`.

    Raises:
        AttributeError: it had nothing of that name.
    """
    new = NAMES.get(module.partition(".")[2], {}).get(name)
    if new is None:
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    place, _, found = new.partition(":")
    warnings.warn(f"{module}.{name} is {_PACKAGE}.{place}.{found} now", FutureWarning, stacklevel=3)
    return getattr(importlib.import_module(f"{_PACKAGE}.{place}"), found)
