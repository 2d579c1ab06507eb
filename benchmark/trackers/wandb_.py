"""Weights & Biases: `WANDB_MODE=offline` keeps all on this machine; a resumed run goes on under its id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmark.trackers.tracker import Run


def open_run(run: Run) -> WeightsAndBiases:
    """Begin a run, or go on with it. The environment names project and mode, as W&B documents."""
    import os

    import wandb

    run.folder.mkdir(parents=True, exist_ok=True)
    begun = wandb.init(
        project=os.environ.get("WANDB_PROJECT", "bench"),
        name=run.name,
        id=run.identity[:32],
        resume="allow",
        dir=str(run.folder),
        config=dict(run.settings),
        job_type=run.job,
        reinit="create_new",
        settings=wandb.Settings(disable_git=True, save_code=False, console="off", silent=True),
    )
    return WeightsAndBiases(begun)


class WeightsAndBiases:
    """A run."""

    def __init__(self, run: Any) -> None:
        self._run = run
        run.define_metric("*", step_metric="step")

    def log(self, values: Mapping[str, float], step: int) -> None:
        self._run.log({**values, "step": step})

    def summary(self, values: Mapping[str, Any]) -> None:
        self._run.summary.update(dict(values))

    def close(self) -> None:
        self._run.finish()
